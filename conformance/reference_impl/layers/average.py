"""Average: the mean of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from conformance.reference_impl.layers.merge import Merge, added
from conformance.reference_impl.primitives import multiply
from conformance.reference_impl.tape import Tensor


class Average(Merge):
    """(x₀ + x₁ + …) / n, as the sum times the reciprocal of n, which is rounded.

    Keras divides by n, TensorFlow.js multiplies; the bound of the product holds for both. Source:
    `keras.layers.Average`.

    >>> Average().output_shapes([(None, 3), (None, 3)])
    ((None, 3),)
    """

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype,)

    def merge(self, inputs: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        return multiply(reduce(added, inputs), 1 / len(inputs))
