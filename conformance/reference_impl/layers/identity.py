"""Identity: the input as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.tape import Tensor


class Identity(Layer):
    """The input as it is. Source: `keras.layers.Identity`.

    >>> Identity().output_shapes([(None, 3)])
    ((None, 3),)
    """

    supports_masking = True

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((inputs[0],))
