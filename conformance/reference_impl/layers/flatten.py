"""Flatten: everything but the batch in one axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.primitives import reshape, transpose
from conformance.reference_impl.tape import Tensor


class Flatten(Layer):
    """(batch, …) → (batch, product of the rest), channels last in the order of elements.

    Source: `keras.layers.Flatten`.

    >>> Flatten().output_shapes([(None, 2, 3)])
    ((None, 6),)
    """

    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )

    def check(self) -> None:
        self.config["data_format"] = self.data_format or "channels_last"

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, *rest = shapes[0]
        known = [n for n in rest if n is not None]
        return ((batch, math.prod(known) if len(known) == len(rest) else None),)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        if self.data_format == "channels_first" and x.ndim > 1:
            x = transpose(x, axes=(0, *range(2, x.ndim), 1))
        return Result((reshape(x, shape=(x.shape[0], math.prod(x.shape[1:]))),))
