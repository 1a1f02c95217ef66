"""Layers that merge several inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe


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
