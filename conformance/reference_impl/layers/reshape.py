"""Reshape: the elements of a sample under another shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.primitives import reshape
from conformance.reference_impl.tape import Tensor


class Reshape(Layer):
    """(batch, …) → (batch, *target_shape), in row-major order; −1 stands for whatever size is left.

    Source: `keras.layers.Reshape`.

    >>> Reshape((-1, 2)).output_shapes([(None, 3, 4)])
    ((None, 6, 2),)
    """

    target_shape = field(fields.target_shape, doc="shape of a sample")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, *rest = shapes[0]
        known = [n for n in rest if n is not None]
        if len(known) < len(rest):
            return ((batch, *(None if n == -1 else n for n in self.target_shape)),)
        size, told = math.prod(known), math.prod(n for n in self.target_shape if n != -1)
        if size % told if -1 in self.target_shape and told else size != told:
            raise ValueError(
                f"argument `target_shape`: {self.target_shape} has another size than a sample of {shapes[0]}"
            )
        return ((batch, *(size // told if n == -1 else n for n in self.target_shape)),)

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        self.output_shapes(shapes)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        (shape,) = self.output_shapes([inputs[0].shape])
        return Result((reshape(inputs[0], shape=shape),))
