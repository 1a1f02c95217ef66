"""LeakyReLU: a rectifier with a small slope below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import activations, fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.tape import Tensor


class LeakyReLU(Layer):
    """x where x > 0, else negative_slope·x; any shape. Source: `keras.layers.LeakyReLU`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[-10.0, 0.0, 5.0]]))
    >>> LeakyReLU(negative_slope=0.5).call([x], {}, Context()).outputs[0].value
    array([[-5.,  0.,  5.]])
    """

    supports_masking = True

    negative_slope = field(fields.non_negative, 0.3, "the slope below zero")
    alpha = fields.hidden(fields.non_negative, "the same by Keras 2's name, and before it")

    def check(self) -> None:
        if self.alpha is not None:
            self.config["negative_slope"] = self.alpha

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((activations.leaky_relu(inputs[0], negative_slope=slope(self)),))


@patchable("layers.LeakyReLU.slope")
def slope(layer: LeakyReLU) -> float:
    """The slope below zero: the argument"""
    return float(layer.negative_slope)
