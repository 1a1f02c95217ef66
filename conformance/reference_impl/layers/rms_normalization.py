"""RMSNormalization: every sample divided by its root mean square, then scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.layers.spanned_axes import along, axes_of, check_axes
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, mean, multiply, reshape, rsqrt, square
from conformance.reference_impl.tape import Tensor


class RMSNormalization(Layer):
    """γ·x/√(mean x² + ε), with the mean along one axis or several (Zhang and Sennrich 2019).

    Any shape, which the output has too; γ, the weight `scale`, has the dimensions of the axes in ascending
    order. Source: `keras.layers.RMSNormalization`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x, scale = variable(np.array([[1.0, 7.0]])), variable(np.array([5.0, 5.0]))
    >>> RMSNormalization(epsilon=0.0).call([x], {"scale": scale}, Context()).outputs[0].value
    array([[1., 7.]])
    """

    axis = field(fields.axes, -1, "the axis or axes of the mean")
    epsilon = field(fields.number, 1e-6, "added to the mean square")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        check_axes(self.axis, shapes[0])

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        axes = axes_of(self.axis, len(shapes[0]))
        shape = self.known(tuple(shapes[0][axis] for axis in axes), shapes[0])
        return (Weight("scale", shape, {"class_name": "Ones", "config": {}}),)

    def fixed_axes(self, shapes: Sequence[Shape]) -> list[frozenset[int]]:
        return [frozenset()]

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        axes = axes_of(self.axis, x.ndim)
        mean_square = mean(square(x), axis=axes, keepdims=True)
        y = multiply(x, rsqrt(add(mean_square, self.epsilon)))
        return Result((multiply(y, spread(weights["scale"], axes, x.shape)),))


@patchable("layers.RMSNormalization.spread")
def spread(scale: Tensor, axes: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """γ in the shape in which it multiplies: along its axes"""
    return reshape(scale, shape=along(axes, shape))
