"""UnitNormalization: every sample brought to length one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.layers.spanned_axes import axes_of, check_axes
from conformance.reference_impl.primitives import maximum, minimum, multiply, rsqrt, square, total
from conformance.reference_impl.tape import Tensor

LARGEST_SCALE = 1e12
"""What Keras multiplies by at most: zeros stay zeros."""

LEAST_SQUARES = 1e-30
"""Far below the sum of squares at which the scale reaches its limit."""


class UnitNormalization(Layer):
    """x/√Σx² along one axis or several; any shape, which the output has too.

    Source: `keras.layers.UnitNormalization`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> UnitNormalization().call([variable(np.array([[3.0, 4.0]]))], {}, Context()).outputs[0].value
    array([[0.6, 0.8]])
    """

    supports_masking = True

    axis = field(fields.axes, -1, "the axis or axes of the sum")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        check_axes(self.axis, shapes[0])

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        squares = total(square(x), axis=axes_of(self.axis, x.ndim), keepdims=True)
        # Of 0 the derivative of 1/√ is infinite, which nothing takes: the scale is limited there.
        scale = minimum(rsqrt(maximum(squares, LEAST_SQUARES)), LARGEST_SCALE)
        return Result((multiply(x, scale),))
