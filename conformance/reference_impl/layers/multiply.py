"""Multiply: the product of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from conformance.reference_impl.layers.merge import Merge, either
from conformance.reference_impl.primitives import multiply, where
from conformance.reference_impl.tape import Tensor


class Multiply(Merge):
    """x₀ · x₁ · …, from the first to the last.

    A masked element counts as 1; where every input has a mask, and all of them hide an element, the result
    is 0. Source: `keras.layers.Multiply`.

    >>> Multiply().output_shapes([(None, 3, 4), (None, 1, 4)])
    ((None, 3, 4),)
    """

    def merge(self, inputs: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        factors = [x if m is None else where(m, x, 1.0) for x, m in zip(inputs, masks, strict=True)]
        product = reduce(multiply, factors)
        present = [m for m in masks if m is not None]
        return where(reduce(either, present), product, 0.0) if len(present) == len(masks) else product
