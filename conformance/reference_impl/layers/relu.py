"""ReLU: nothing below a threshold, or little, and no more than a maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import activations, fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.tape import Tensor


class ReLU(Layer):
    """x from the threshold on, negative_slope·(x − threshold) below, at most max_value; any shape.

    Source: `keras.layers.ReLU`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[-10.0, -5.0, 0.0, 5.0, 12.0]]))
    >>> ReLU(max_value=10.0, negative_slope=0.5).call([x], {}, Context()).outputs[0].value
    array([[-5. , -2.5,  0. ,  5. , 10. ]])
    """

    supports_masking = True

    max_value = field(fields.optional(fields.non_negative), None, "the largest output, or None")
    negative_slope = field(fields.non_negative, 0.0, "the slope below the threshold")
    threshold = field(fields.non_negative, 0.0, "below it an input counts as negative")

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((rectified(self, inputs[0]),))


@patchable("layers.ReLU.rectified")
def rectified(layer: ReLU, x: Tensor) -> Tensor:
    """The activation function relu with the layer's slope, maximum and threshold"""
    return activations.relu(
        x, negative_slope=layer.negative_slope, max_value=layer.max_value, threshold=layer.threshold
    )
