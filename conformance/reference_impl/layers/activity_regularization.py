"""ActivityRegularization: the input as it is, and a penalty on it in the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.tape import Tensor


class ActivityRegularization(Layer):
    """The input as it is; l1·Σ|x| + l2·Σx² is added to the loss of a model.

    Source: `keras.layers.ActivityRegularization`, which makes the regularizer itself and takes none.

    >>> ActivityRegularization(l2=0.5).config["l1"]
    0.0
    """

    supports_masking = True

    l1 = field(fields.non_negative, 0.0, "factor of the sum of magnitudes")
    l2 = field(fields.non_negative, 0.0, "factor of the sum of squares")
    activity_regularizer = None

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((inputs[0],))
