"""Add: the sum of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from conformance.reference_impl.layers.merge import Merge, added
from conformance.reference_impl.tape import Tensor


class Add(Merge):
    """x₀ + x₁ + …, from the first to the last. Source: `keras.layers.Add`.

    >>> Add().output_shapes([(None, 3, 1), (None, 4)])
    ((None, 3, 4),)
    """

    def merge(self, inputs: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        return reduce(added, inputs)
