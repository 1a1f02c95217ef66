"""ThresholdedReLU: nothing up to a threshold, the input itself above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.primitives import greater, multiply
from conformance.reference_impl.tape import Tensor


class ThresholdedReLU(Layer):
    """x·[x > θ] (Konda et al. 2015); any shape. At −∞ the product is NaN.

    Only TensorFlow.js has it, and is its source: `tf.layers.thresholdedReLU`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[-1.0, 0.5, 1.0, 2.0]]))
    >>> ThresholdedReLU(theta=0.5).call([x], {}, Context()).outputs[0].value
    array([[-0.,  0.,  1.,  2.]])
    """

    theta = field(fields.number, 1.0, "the threshold")

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        return Result((multiply(x, greater(x, float(self.theta))),))
