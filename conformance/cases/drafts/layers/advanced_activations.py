"""Activation functions that are layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe


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
