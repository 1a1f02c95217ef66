"""Drafts about constraints, regularizers and initializers: every argument, on weights of every rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.cases.case import Case, Literal, Source
from conformance.cases.drafts.draft import keyed, recipe
from conformance.reference_impl.identified import CLASSES
from conformance.reference_impl.identifiers import snake_case

KERNEL, CONVOLUTION = (4, 5), (2, 3, 4, 5)

COLUMNS = Literal((2, 4), (3.0, 0.0, 0.0, 0.75, 4.0, 0.0, -0.5, -1.0))
"""Columns of the norms 5, 0, 0.5 and 1.25."""

SAID = ("config", "reconstructed/config", "reconstructed/output/0")

Settings = tuple[tuple[dict[str, Any], Source], ...]
"""Arguments, and a weight."""

CONSTRAINTS: Mapping[str, Settings] = {
    "MaxNorm": (
        ({}, recipe("normal", *KERNEL)),
        ({"max_value": 5.0}, COLUMNS),
        ({"max_value": 0.5, "axis": 1}, recipe("normal", *KERNEL)),
        ({"max_value": 1, "axis": [0, 1, 2]}, recipe("normal", *CONVOLUTION)),
        ({"max_value": 0.0}, recipe("normal", *KERNEL)),
        ({"axis": -1}, recipe("wide_exponents", *KERNEL)),
        ({}, recipe("one_infinity", *KERNEL)),
        ({}, recipe("one_nan", *KERNEL)),
    ),
    "MinMaxNorm": (
        ({}, recipe("normal", *KERNEL)),
        ({"min_value": 0.5, "max_value": 1.25}, COLUMNS),
        ({"min_value": 0.5, "max_value": 0.75, "rate": 0.25}, COLUMNS),
        ({"min_value": 1.0, "max_value": 2.0, "rate": 0.0}, recipe("normal", *KERNEL)),
        ({"min_value": 3.0, "max_value": 4.0, "axis": 1}, recipe("normal", *KERNEL)),
        ({"max_value": 0.5, "rate": 0.5, "axis": [0, 1, 2]}, recipe("normal", *CONVOLUTION)),
        ({"min_value": 1.0, "axis": -1}, recipe("tiny", *KERNEL)),
    ),
    "NonNeg": (
        ({}, recipe("signed_zeros", *KERNEL)),
        ({}, recipe("normal", *CONVOLUTION)),
        ({}, recipe("one_nan", *KERNEL)),
        ({}, recipe("one_infinity", 7)),
    ),
    "UnitNorm": (
        ({}, recipe("normal", *KERNEL)),
        ({}, COLUMNS),
        ({"axis": 1}, recipe("normal", *KERNEL)),
        ({"axis": [0, 1, 2]}, recipe("normal", *CONVOLUTION)),
        ({"axis": -1}, recipe("tiny", *KERNEL)),
        ({}, recipe("normal", 7)),
    ),
}
"""By class."""


def drafts() -> Iterator[Case]:
    for name, settings in CONSTRAINTS.items():
        yield from about(f"constraints.{name}", settings)
    for family, classes in CLASSES.items():
        for name, made in classes.items():
            aliases = next(entry.aliases for entry in made.table if entry.class_name == name)
            for spelling in (name, snake_case(name), *aliases):
                yield Case(f"{family}.{name}", {"identifier": spelling}, observables=("identifier",))


def about(subject: str, settings: Settings, *more: str) -> Iterator[Case]:
    """The value in each setting, and in the first what is said of the class."""
    for index, (config, weight) in enumerate(settings):
        once = ("dtype", "signature") if index == 0 else ()
        said = SAID if index == 0 or config else ()
        yield draft_value(subject, config, weight, more=(*more, *once, *said))


def draft_value(
    subject: str, config: Mapping[str, Any], *inputs: Source, more: Sequence[str] = ()
) -> Case:
    """A case about the value of a constraint, a regularizer or an initializer."""
    return Case(
        subject,
        dict(config),
        inputs=tuple(keyed(x, subject, config, f"input/{i}") for i, x in enumerate(inputs)),
        observables=("output/0", *more),
    )
