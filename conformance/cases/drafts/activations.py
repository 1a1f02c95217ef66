"""Drafts about every activation function: over its kinks, its saturation, and each of its arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_activation, recipe
from conformance.reference_impl.activations import ACTIVATIONS

REGIMES = (
    "normal",
    "kinks",
    "saturating",
    "tiny",
    "wide_exponents",
    "signed_zeros",
    "one_nan",
    "one_infinity",
)

REQUIRED = {"threshold": {"threshold": 0.5, "default_value": -2.0}}
"""Arguments that a function cannot do without."""

ARGUMENTS: dict[str, tuple[dict[str, Any], ...]] = {
    "relu": (
        {"negative_slope": 0.25},
        {"max_value": 2.5},
        {"max_value": 6.0},
        {"threshold": 1.0},
        {"negative_slope": 0.5, "max_value": 4.0, "threshold": 0.5},
    ),
    "leaky_relu": ({"negative_slope": 0.0625}, {"negative_slope": 0.0}),
    "elu": ({"alpha": 0.5}, {"alpha": 2.0}),
    "celu": ({"alpha": 0.5}, {"alpha": 2.0}),
    "squareplus": ({"b": 1.0}, {"b": 0.25}),
    "soft_shrink": ({"threshold": 1.0}, {"threshold": 0.0}),
    "hard_shrink": ({"threshold": 1.0}, {"threshold": 0.0}),
    "gelu": ({"approximate": True}, {"approximate": False}),
    "threshold": ({"threshold": -1.0, "default_value": 0.0}, {"threshold": 0.0, "default_value": 3.0}),
    "softmax": ({"axis": 1}, {"axis": 0}, {"axis": None}),
    "log_softmax": ({"axis": 1}, {"axis": 0}, {"axis": None}),
    "glu": ({"axis": 1}, {"axis": 2}),
    "sparsemax": ({"axis": 1}, {"axis": 0}),
}
"""Values of each argument beside its default."""

NORMALISING = ("softmax", "log_softmax", "sparsemax")
"""Functions of a whole line: data differ along it, and special values reach all of it."""


def drafts() -> Iterator[Case]:
    for name, entry in ACTIVATIONS.items():
        config = REQUIRED.get(name, {})
        for regime in REGIMES:
            if regime == "wide_exponents" and name in NORMALISING:
                continue
            yield draft_activation(name, config, recipe(regime, 5, 8))
        if name in NORMALISING:
            yield draft_activation(name, config, recipe("ties", 5, 8))
            yield draft_activation(name, config, recipe("large_mean", 3, 17))
        for arguments in ARGUMENTS.get(name, ()):
            for regime in ("normal", "kinks"):
                yield draft_activation(name, arguments, recipe(regime, 3, 4, 6))
        yield draft_activation(name, config, recipe("normal", 0, 8))
        for spelling in (name, *entry.aliases):
            yield Case(f"activations.{name}", {"identifier": spelling}, observables=("identifier",))
