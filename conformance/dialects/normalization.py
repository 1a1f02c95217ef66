"""What dialects of several backends say of the axes of normalizations: weights that have their dimensions in
another order than the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.dialects.deviation import Scope
from conformance.reference_impl.layers.spanned_axes import axes_of

Order = Callable[[Iterable[int]], list[int]]
"""In which order weights have the axes: `list`, as given, or `sorted`, with the negative ones first."""


def shape_of_weights(case: Case, order: Order) -> list[int]:
    """The dimensions of the axes in that order."""
    shape, axis = case.inputs[0].shape, case.config.get("axis", -1)
    return [shape[a] for a in (order(axis) if isinstance(axis, list) else [axis])]


def orders_weights_otherwise(order: Order, *layers: str) -> Scope:
    """The order is not that of the axes in the input, which the specification takes, and the dimensions
    tell."""

    def scope(case: Case, data: Data) -> bool:
        if case.subject not in layers:
            return False
        shape = case.inputs[0].shape
        ascending = [shape[a] for a in axes_of(case.config.get("axis", -1), len(shape))]
        return shape_of_weights(case, order) != ascending

    return scope


def weights_in_order(order: Order) -> Callable[[Case, list[dict[str, Any]]], list[dict[str, Any]]]:
    """What becomes of the weights that are told."""

    def change(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [weight | {"shape": shape_of_weights(case, order)} for weight in expected]

    return change
