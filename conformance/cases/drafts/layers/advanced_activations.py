"""Activation functions that are layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L2, NON_NEG, UNIFORM


def softmax() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Softmax", config, [recipe(regime, *shape)], **more)

    yield case({}, 3, 5, training=True, once=True)
    for regime in ("saturating", "ties", "large_mean", "one_nan", "one_infinity", "near_overflow", "tiny"):
        yield case({}, 4, 6, regime=regime)
    for axis in (1, 2, -1, -2):
        yield case({"axis": axis}, 2, 3, 4)
    for axes in ([1, 2], [-1], [1, 3]):
        yield case({"axis": axes}, 2, 3, 4, 5)
    yield case({}, 3, 4, masks=[recipe("mask", 3, 4, dtype="bool")])
    yield case({}, 3, 1)


SHAPES = ((4,), (2, 3, 5), (2, 3, 4, 5), (1, 1), (0, 4))
"""Any rank, odd sizes, size one and an empty batch."""

SPECIAL = ("kinks", "tiny", "saturating", "wide_exponents", "signed_zeros", "subnormals", "one_nan",
           "one_infinity")  # fmt: skip
"""Regimes that a rectifier can be wrong in."""


def rectifier(name: str, arguments: tuple[dict[str, Any], ...]) -> Iterator[Case]:
    """Cases about a layer that acts on every element, at its defaults and with other arguments."""

    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer(f"layers.{name}", config, [recipe(regime, *shape)], **more)

    yield case({}, 3, 5, training=True, once=True)
    for shape in SHAPES:
        yield case({}, *shape)
    for regime in SPECIAL:
        yield case({}, 5, 8, regime=regime)
    for config in arguments:
        for regime in ("normal", "kinks"):
            yield case(config, 5, 9, regime=regime)
    yield case({"trainable": False, "name": "own_name"}, 2, 3)


def relu() -> Iterator[Case]:
    yield from rectifier(
        "ReLU",
        (
            {"max_value": 2.5},
            {"max_value": 6.0},
            {"max_value": 0.0},
            {"negative_slope": 0.25},
            {"threshold": 1.0},
            {"negative_slope": 0.5, "max_value": 3.0},
            {"negative_slope": 0.5, "max_value": 3.0, "threshold": 0.5},
        ),
    )
    yield draft_layer("layers.ReLU", {"max_value": 2.5}, [recipe("one_nan", 3, 5)])


def leaky_relu() -> Iterator[Case]:
    yield from rectifier(
        "LeakyReLU", ({"negative_slope": 0.0625}, {"negative_slope": 0.0}, {"negative_slope": 2.0})
    )


def elu() -> Iterator[Case]:
    yield from rectifier("ELU", ({"alpha": 0.5}, {"alpha": 2.0}))


def thresholded_relu() -> Iterator[Case]:
    yield from rectifier("ThresholdedReLU", ({"theta": 0.5}, {"theta": 0.0}, {"theta": -1.0}))


def prelu() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.PReLU", config, [recipe(regime, *shape)], **more)

    yield case({}, 3, 5, training=True, once=True)
    for shape in ((2, 1), (2, 3, 5), (2, 3, 4, 5), (1, 1), (0, 4)):
        yield case({}, *shape)
    for regime in SPECIAL:
        yield case({}, 5, 8, regime=regime)
    for axes in ([1], [1, 2], [2], [1, 3], [1, 2, 3]):
        yield case({"shared_axes": axes}, 2, 3, 4, 5)
    yield case({"shared_axes": 1}, 3, 4, 2, regime="kinks")
    yield case({}, 4, 6, weights="all_negative")
    yield case({"trainable": False}, 3, 4)
    yield case({"alpha_initializer": UNIFORM, "alpha_regularizer": L2, "alpha_constraint": NON_NEG}, 3, 4)
