"""Initializers, regularizers and constraints as classes, one for each that `identifiers` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from conformance.reference_impl.configured import Configured
from conformance.reference_impl.fields import Field, Kind
from conformance.reference_impl.identifiers import (
    CONSTRAINTS,
    INITIALIZERS,
    NONE_IS_DEFAULT,
    REGULARIZERS,
    Allowed,
    Named,
    complete,
)

ANYTHING = Kind("what the class allows", lambda value: value)


class Identified(Configured):
    """What an identifier means. Which values its arguments may have, the table says that it stands in.

    >>> CLASSES["constraints"]["MaxNorm"](max_value=3).get_config()
    {'max_value': 3, 'axis': 0}
    """

    table: ClassVar[tuple[Named, ...]]

    def check(self) -> None:
        for name in self.config.keys() & NONE_IS_DEFAULT:
            if self.config[name] is None:
                self.config[name] = self.arguments[name].default_value(f"{self.family}.{type(self).__name__}")
        found = complete(self.description, self.table)
        assert found is not None  # only None means nothing
        self.config = found["config"]

    @property
    def description(self) -> dict[str, Any]:
        """The identifier of this very object."""
        return {"class_name": type(self).__name__, "config": dict(self.config)}


def _kind(allowed: Allowed | None) -> Kind:
    """ANYTHING, with the values that the table refuses."""
    return ANYTHING if allowed is None else replace(ANYTHING, refused=allowed.refused)


def _class_of(family: str, table: tuple[Named, ...], entry: Named) -> type[Identified]:
    arguments = {
        name: Field(_kind(entry.allowed.get(name)), default) for name, default in entry.arguments.items()
    }
    return type(entry.class_name, (Identified,), {"family": family, "table": table, **arguments})


CLASSES: Mapping[str, Mapping[str, type[Identified]]] = {
    family: {entry.class_name: _class_of(family, table, entry) for entry in table}
    for family, table in (
        ("initializers", INITIALIZERS),
        ("constraints", CONSTRAINTS),
        ("regularizers", REGULARIZERS),
    )
}
"""By family, the classes by name."""
