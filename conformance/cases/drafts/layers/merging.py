"""Layers that merge several inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L2


def concatenate() -> Iterator[Case]:
    def case(config: dict[str, Any], *shapes: tuple[int, ...], regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Concatenate", config, [recipe(regime, *shape) for shape in shapes], **more)

    yield case({}, (2, 3), (2, 5), training=True, once=True)
    yield case({}, (2, 3), (2, 5), (2, 1))
    yield case({"axis": 1}, (2, 3, 4), (2, 5, 4))
    yield case({"axis": -2}, (2, 3, 4), (2, 1, 4))
    yield case({"axis": 2}, (2, 3, 4, 5), (2, 3, 2, 5), (2, 3, 1, 5))
    yield case({"axis": -1}, (2, 3, 4), (2, 3, 6))
    yield case({"axis": 0}, (2, 3), (4, 3))
    pair = [recipe("mask", 2, 4, dtype="bool"), recipe("mask_right_padded", 2, 4, dtype="bool")]
    for axis in (-1, 1):
        yield case({"axis": axis}, (2, 4, 3), (2, 4, 3), masks=pair)
    whole = [recipe("mask", 2, 3, dtype="bool"), recipe("mask", 2, 4, dtype="bool")]
    yield case({}, (2, 3), (2, 4), masks=whole)
    for regime in ("signed_zeros", "subnormals", "one_nan", "one_infinity"):
        yield case({}, (2, 3), (2, 4), regime=regime)


SHAPES: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((2, 3, 4),) * 3,
    ((2, 3),) * 5,
    ((4,), (4,)),
    ((1, 1), (1, 1)),
    ((0, 3), (0, 3)),
    ((2, 3, 4, 5), (2, 3, 4, 5)),
    ((2, 2, 3, 2, 3), (2, 2, 3, 2, 3)),
)
"""Shapes of inputs that are alike."""

BROADCAST: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((2, 3, 4), (2, 1, 4)),
    ((2, 1, 4), (2, 3, 1)),
    ((2, 3, 4), (2, 4)),
    ((2, 5), (2, 3, 4, 5), (2, 4, 5)),
    ((3,), (3, 2, 4)),
    ((2, 3, 1), (2, 1, 1), (2, 1, 5)),
)
"""Shapes of inputs that broadcast."""

MASKS: tuple[tuple[str, ...], ...] = (("mask", "mask"), ("mask_all_true", "mask"), ("mask",) * 3)
"""The masks of all inputs."""


def merged(
    name: str,
    config: dict[str, Any],
    *shapes: tuple[int, ...],
    regime: str = "normal",
    **more: Any,
) -> Case:
    return draft_layer(f"layers.{name}", config, [recipe(regime, *shape) for shape in shapes], **more)


def merging(
    name: str, *regimes: str, shapes: tuple[tuple[tuple[int, ...], ...], ...] = SHAPES + BROADCAST
) -> Iterator[Case]:
    """What is asked of every layer that merges element by element."""
    yield merged(name, {}, (2, 3), (2, 3), training=True, once=True)
    for several in shapes:
        yield merged(name, {}, *several)
    for regime in ("signed_zeros", "subnormals", "one_nan", "one_infinity", "near_overflow", *regimes):
        yield merged(name, {}, (3, 4), (3, 4), regime=regime)
    for regimes_of_masks in MASKS:
        if len(regimes_of_masks) in {len(alike) for alike in shapes}:
            masks = [recipe(regime, 3, 4, dtype="bool") for regime in regimes_of_masks]
            yield merged(name, {}, *((3, 4, 2),) * len(regimes_of_masks), masks=masks)
    yield merged(name, {"activity_regularizer": L2, "name": "own_name", "trainable": False}, (2, 3), (2, 3))


LIKE_BIAS = (
    ((4, 4), (4, 1)),
    ((3, 3, 2), (3, 1, 1)),
    ((1, 5, 4, 4), (1, 1, 4, 1)),
    ((1, 4, 3), (1, 4, 1)),
)
"""Shapes of pairs of which the second is as long as a bias of the first would be."""


def of_integers(name: str) -> Case:
    return draft_layer(f"layers.{name}", {}, [recipe("indices:9", 2, 3, dtype="int32")] * 2)


def like_bias(name: str) -> Iterator[Case]:
    for shapes in LIKE_BIAS:
        yield merged(name, {}, *shapes)
    # Taken for a bias, the second does not stretch the first: no cotangent fits both shapes of the output.
    yield merged(name, {}, (1, 1, 4), (1, 4, 1), gradients=False)


def add() -> Iterator[Case]:
    yield from merging("Add", "lattice", "cancelling", "wide_exponents")
    yield of_integers("Add")
    yield merged("Add", {}, *((3, 4),) * 4, regime="lattice", cotangent="lattice")
    yield from like_bias("Add")


def subtract() -> Iterator[Case]:
    pairs = tuple(shapes for shapes in SHAPES + BROADCAST if len(shapes) == 2)
    yield from merging("Subtract", "lattice", "cancelling", "wide_exponents", shapes=pairs)
    yield of_integers("Subtract")
    yield from like_bias("Subtract")


def multiply() -> Iterator[Case]:
    yield from merging("Multiply", "lattice", "wide_exponents", "tiny")
    yield of_integers("Multiply")
    yield merged("Multiply", {}, *((3, 4),) * 4, regime="lattice", cotangent="lattice")


def average() -> Iterator[Case]:
    yield from merging("Average", "lattice", "cancelling", "wide_exponents")
    yield from like_bias("Average")


def extremum(name: str) -> Iterator[Case]:
    yield from merging(name, "ties", "kinks", "all_negative")
    yield of_integers(name)
    yield merged(name, {}, *((4, 5),) * 4, regime="ties")
    yield merged(name, {}, (3, 4, 2), (3, 1, 2), (3, 4, 1), regime="ties")
    numbers, special = (0.0, "-0", "nan", 1.0, "inf", "-inf"), ("-0", 0.0, 1.0, "nan", "inf", "nan")
    yield draft_layer(f"layers.{name}", {}, [Literal((2, 3), numbers), Literal((2, 3), special)])
    for regime in ("mask", "mask_right_padded"):
        masks = [recipe(regime, 4, 5, dtype="bool") for _ in range(2)]
        yield merged(name, {}, (4, 5, 3), (4, 5, 3), regime="ties", masks=masks)


def maximum() -> Iterator[Case]:
    yield from extremum("Maximum")


def minimum() -> Iterator[Case]:
    yield from extremum("Minimum")


def dot() -> Iterator[Case]:
    def case(axes: int | list[int], *shapes: tuple[int, ...], **more: Any) -> Case:
        config = {"axes": axes} | more.pop("config", {})
        return merged("Dot", config, *shapes, **more)

    normalize = {"normalize": True}
    yield case(1, (2, 5), (2, 5), training=True, once=True)
    for axes in (-1, [1, 1], [-1, 1], [1, -1]):
        yield case(axes, (3, 4), (3, 4))
    # Squares, whose shapes do not tell along which axis they were summed.
    for pair in ([1, 1], [1, 2], [2, 1], [2, 2], [-1, -2]):
        yield case(pair, (2, 3, 3), (2, 3, 3))
    yield case([1, 2], (2, 3, 5), (2, 4, 3))
    yield case([2, 1], (2, 3, 5), (2, 5, 4))
    yield case(2, (2, 3, 5), (2, 4, 5))
    yield case(-1, (2, 5), (2, 4, 5))
    yield case([1, 1], (2, 5), (2, 5, 3))
    yield case([2, 1], (2, 3, 5), (2, 5))
    yield case([1, 1], (2, 3, 5), (2, 3))
    yield case([2, 3], (2, 3, 4, 5), (2, 3, 2, 4))
    yield case([3, 1], (2, 3, 2, 4), (2, 4, 3))
    yield case([1, 2], (2, 3), (2, 4, 3, 2))
    yield case(1, (1, 1), (1, 1))
    yield case([2, 1], (0, 3, 4), (0, 4, 2))
    yield case([2, 1], (7, 17, 33), (7, 33, 9))
    yield case([2, 1], (3, 4, 5), (3, 5, 6), regime="lattice", cotangent="lattice")
    for regime in ("cancelling", "wide_exponents", "one_nan", "one_infinity", "subnormals"):
        yield case([2, 1], (2, 3, 4), (2, 4, 3), regime=regime)
    yield case(1, (3, 6), (3, 6), config=normalize)
    yield case(-1, (2, 3, 6), (2, 4, 6), config=normalize)
    yield case([1, 2], (2, 3, 5), (2, 4, 3), config=normalize)
    for regime in ("tiny", "small_variance", "large_mean", "one_nan", "one_infinity"):
        yield case(1, (3, 6), (3, 6), config=normalize, regime=regime)
    zeros = Literal((2, 3), (0.0, 0.0, 0.0, 1.0, 2.0, -1.0))
    yield draft_layer(
        "layers.Dot", {"axes": 1, "normalize": True}, [zeros, recipe("normal", 2, 3)], gradients=False
    )
    masks = [recipe("mask", 2, 3, dtype="bool"), recipe("mask", 2, 4, dtype="bool")]
    yield case(2, (2, 3, 5), (2, 4, 5), masks=masks)
    yield case(1, (2, 3), (2, 3), config={"activity_regularizer": L2, "name": "own_name"})
