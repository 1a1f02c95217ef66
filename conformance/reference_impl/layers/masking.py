"""Masking: times at which all features have one value are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.primitives import greater_equal, largest, multiply, subtract, where
from conformance.reference_impl.tape import Tensor


class Masking(Layer):
    """0 where every feature (of the last axis) equals `mask_value`, and the input elsewhere.

    Source: `keras.layers.Masking`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[[5.0, 5.0], [5.0, 1.0]]]))
    >>> Masking(5.0).call([x], {}, Context()).outputs[0].value
    array([[[0., 0.],
            [5., 1.]]])
    """

    mask_value = field(fields.number, 0.0, "the value of features that are left out")

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        return (xp.any(inputs[0] != self.mask_value, axis=-1),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        equal = multiply(greater_equal(x, self.mask_value), greater_equal(self.mask_value, x))
        return Result((where(largest(subtract(1.0, equal), axis=-1), x, 0.0),))
