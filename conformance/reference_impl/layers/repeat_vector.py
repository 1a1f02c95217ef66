"""RepeatVector: every sample several times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.primitives import broadcast_to, reshape
from conformance.reference_impl.tape import Tensor


class RepeatVector(Layer):
    """(batch, features) → (batch, n, features). Source: `keras.layers.RepeatVector`.

    >>> RepeatVector(3).output_shapes([(None, 4)])
    ((None, 3, 4),)
    """

    exact_rank = 2

    n = field(fields.positive_integer, doc="how often")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, features = shapes[0]
        return ((batch, self.n, features),)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        batch, features = inputs[0].shape
        one = reshape(inputs[0], shape=(batch, 1, features))
        return Result((broadcast_to(one, shape=(batch, self.n, features)),))
