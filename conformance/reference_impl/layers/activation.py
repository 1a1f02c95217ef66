"""Activation: a function applied to every element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.tape import Tensor


class Activation(Layer):
    """The activation function of that name. Source: `keras.layers.Activation`."""

    supports_masking = True

    activation = field(fields.activation, doc="the function's name")

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((self.activate(inputs[0]),))
