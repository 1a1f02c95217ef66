"""Initializers, regularizers and constraints: every spelling has one form, and what is unknown is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from conformance.reference_impl.identifiers import (
    CONSTRAINTS,
    INITIALIZERS,
    REGULARIZERS,
    Named,
    UnknownIdentifier,
    canonical,
    snake_case,
)

TABLES = {"initializers": INITIALIZERS, "regularizers": REGULARIZERS, "constraints": CONSTRAINTS}
ENTRIES = [pytest.param(table, entry, id=entry.class_name) for table in TABLES.values() for entry in table]


def camel_case(name: str) -> str:
    """An abbreviation at the beginning is in small letters as a whole."""
    return re.sub(r"^[A-Z]+(?=[A-Z][a-z]|$)|^[A-Z]", lambda found: found[0].lower(), name)


@pytest.mark.parametrize(("table", "entry"), ENTRIES)
def test_every_spelling_has_one_form(table: tuple[Named, ...], entry: Named) -> None:
    spellings: list[Any] = []
    for name in (entry.class_name, *entry.aliases):
        spellings += [name, snake_case(name), camel_case(name)]
        spellings += [
            {"class_name": name, "config": {}},
            {"class_name": name},
            {"class_name": name, "config": None},
        ]
        spellings += [{"class_name": name, "config": dict(entry.arguments)}]
    assert {repr(canonical(spelling, table)) for spelling in spellings} == {
        repr(canonical(entry.class_name, table))
    }


@pytest.mark.parametrize(("table", "entry"), ENTRIES)
def test_canonical_form_is_its_own(table: tuple[Named, ...], entry: Named) -> None:
    form = canonical(entry.class_name, table)
    assert form is not None
    assert canonical(form, table) == form
    assert canonical(form | {"module": "keras", "registered_name": None}, table) == form


@pytest.mark.parametrize(("table", "entry"), ENTRIES)
def test_argument_is_kept_and_an_unknown_one_refused(table: tuple[Named, ...], entry: Named) -> None:
    for argument in entry.arguments:
        if argument in entry.allowed and not entry.allowed[argument].holds(0.375):
            continue
        form = canonical({"class_name": entry.class_name, "config": {argument: 0.375}}, table)
        assert form is not None
        assert form["config"][argument] == 0.375
    with pytest.raises(UnknownIdentifier, match="has no argument nonsense"):
        canonical({"class_name": entry.class_name, "config": {"nonsense": 1}}, table)


def test_nothing_is_nothing() -> None:
    assert canonical(None, INITIALIZERS) is None


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownIdentifier, match="glorot_uniform"):
        canonical("glorot_unifrom", INITIALIZERS)


@pytest.mark.parametrize("identifier", [3, [], {"config": {}}])
def test_what_is_no_identifier_is_refused(identifier: Any) -> None:
    with pytest.raises(UnknownIdentifier, match="class_name"):
        canonical(identifier, INITIALIZERS)


def test_forms_are_not_shared() -> None:
    first, second = canonical("zeros", INITIALIZERS), canonical("he_normal", INITIALIZERS)
    assert first is not None
    assert second is not None
    second["config"]["scale"] = -1.0
    assert canonical("he_normal", INITIALIZERS) != second
