"""Minimum: the smallest of the inputs, element by element."""

from __future__ import annotations

from conformance.reference_impl.layers.extremum import Extremum
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import minimum
from conformance.reference_impl.tape import Tensor


class Minimum(Extremum):
    """min(x₀, x₁, …); where elements tie, the first has the cotangent. Source: `keras.layers.Minimum`.

    >>> Minimum().output_shapes([(None, 3, 4), (None, 4)])
    ((None, 3, 4),)
    """

    def chosen(self, x: Tensor, y: Tensor) -> Tensor:
        return smallest_of_two(x, y)


@patchable("layers.Minimum.smallest_of_two")
def smallest_of_two(x: Tensor, y: Tensor) -> Tensor:
    """The smallest of two inputs, NaN where one is"""
    return minimum(x, y)
