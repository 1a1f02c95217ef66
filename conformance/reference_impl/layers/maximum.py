"""Maximum: the largest of the inputs, element by element."""

from __future__ import annotations

from conformance.reference_impl.layers.extremum import Extremum
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import maximum
from conformance.reference_impl.tape import Tensor


class Maximum(Extremum):
    """max(x₀, x₁, …); where elements tie, the first has the cotangent. Source: `keras.layers.Maximum`.

    >>> Maximum().output_shapes([(None, 3, 4), (None, 4)])
    ((None, 3, 4),)
    """

    def chosen(self, x: Tensor, y: Tensor) -> Tensor:
        return largest_of_two(x, y)


@patchable("layers.Maximum.largest_of_two")
def largest_of_two(x: Tensor, y: Tensor) -> Tensor:
    """The largest of two inputs, NaN where one is"""
    return maximum(x, y)
