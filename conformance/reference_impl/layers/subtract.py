"""Subtract: the difference of two inputs."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.layers.merge import Merge
from conformance.reference_impl.primitives import subtract
from conformance.reference_impl.tape import Tensor


class Subtract(Merge):
    """x₀ − x₁. Source: `keras.layers.Subtract`.

    >>> Subtract().output_shapes([(None, 3, 1), (None, 3, 4)])
    ((None, 3, 4),)
    """

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"Subtract takes two inputs, {len(shapes)} were given: {list(shapes)}")
        super().check_inputs(shapes)

    def merge(self, inputs: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        return subtract(*inputs)
