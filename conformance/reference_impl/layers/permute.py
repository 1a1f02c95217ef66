"""Permute: the dimensions of a sample in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.primitives import transpose
from conformance.reference_impl.tape import Tensor


class Permute(Layer):
    """Dimension i of the output is dimension dims[i − 1] of the input; the batch, 0, stays.

    Source: `keras.layers.Permute`.

    >>> Permute((2, 1)).output_shapes([(None, 3, 4)])
    ((None, 4, 3),)
    """

    dims = field(fields.permutation, doc="the dimensions, counted from 1, in the order of the output")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        if len(shapes[0]) != len(self.dims) + 1:
            raise ValueError(
                f"Permute with dims = {self.dims} takes inputs of rank {len(self.dims) + 1}; "
                f"the input's shape is {shapes[0]}"
            )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((shapes[0][0], *(shapes[0][dim] for dim in self.dims)),)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((transpose(inputs[0], axes=(0, *self.dims)),))
