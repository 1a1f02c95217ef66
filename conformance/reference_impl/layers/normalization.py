"""Normalization: numbers brought to zero mean and unit variance by statistics that are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.layers.rescaling import floating, numbers
from conformance.reference_impl.layers.spanned_axes import axes_of, check_axes
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, divide, maximum, multiply, reshape, sqrt, subtract
from conformance.reference_impl.tape import Tensor, constant

SMALLEST_DEVIATION = 1e-7
"""`keras.config.epsilon()`, which Keras divides by at least."""


def _kept_axes(value: Any) -> list[int]:
    if value is None:
        return []
    given = fields.axes.parse(value)
    return given if isinstance(given, list) else [given]


kept_axes = Kind("an integer, a list of integers, or None, which is none of the axes", _kept_axes, ("last",))


class Normalization(Layer):
    """(x − μ)/max(√σ², 1e-7), or inverted x·max(√σ², 1e-7) + μ, with a μ and a σ² for each index along some
    axes; any shape, which the output has too, of integers or of floats.

    μ and σ² are arguments, which broadcast to the sizes of the axes in ascending order, or else the weights
    `mean` and `variance` of these sizes, which `adapt` sets. The weight `count` is without effect.
    Source: `keras.layers.Normalization`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[1.0], [5.0]]))
    >>> Normalization(mean=3.0, variance=4.0).call([x], {}, Context()).outputs[0].value
    array([[-1.],
           [ 1.]])
    """

    supports_masking = True

    axis = field(kept_axes, -1, "the axis or axes that have statistics for each index")
    mean = field(fields.optional(numbers), None, "what is subtracted")
    variance = field(fields.optional(numbers), None, "the square of what is divided by")
    invert = field(fields.boolean, False, "whether the inverse is applied")

    def check(self) -> None:
        if (self.mean is None) is not (self.variance is None):
            raise ValueError(
                f"arguments `mean` and `variance`: both or neither are allowed, got {self.mean} and "
                f"{self.variance}"
            )
        shapes = np.shape(self.mean), np.shape(self.variance)
        if shapes[0] != shapes[1] or len(shapes[0]) > len(self.axis):
            raise ValueError(
                "arguments `mean` and `variance`: numbers of one shape with no more dimensions than the "
                f"{len(self.axis)} axes are allowed, got shapes {shapes[0]} and {shapes[1]}"
            )

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        check_axes(self.axis, shapes[0])
        axes = axes_of(self.axis, len(shapes[0]))
        sizes, given = tuple(shapes[0][axis] for axis in axes), np.shape(self.mean)
        ends = sizes[len(sizes) - len(given) :]
        if any(n not in (1, size) for n, size in zip(given, ends, strict=True) if size is not None):
            raise ValueError(
                f"arguments `mean` and `variance`: numbers that broadcast to shape {sizes} are allowed for "
                f"an input of shape {shapes[0]}, got shape {given}"
            )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        axes = axes_of(self.axis, len(shapes[0]))
        sizes = self.known(tuple(shapes[0][axis] for axis in axes), shapes[0])
        if self.mean is not None:
            return ()
        return (
            Weight("mean", sizes, {"class_name": "Zeros", "config": {}}, trainable=False),
            Weight("variance", sizes, {"class_name": "Ones", "config": {}}, trainable=False),
            Weight("count", (), {"class_name": "Zeros", "config": {}}, trainable=False, dtype="int64"),
        )

    def fixed_axes(self, shapes: Sequence[Shape]) -> list[frozenset[int]]:
        return [frozenset()]

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = floating(inputs[0], self.dtype)
        axes = axes_of(self.axis, x.ndim)
        average, variance = statistics(self, x, weights)
        average, variance = spread(average, axes, x.shape), spread(variance, axes, x.shape)
        deviation = maximum(sqrt(variance), SMALLEST_DEVIATION)
        if self.invert:
            return Result((add(average, multiply(x, deviation)),))
        return Result((divide(subtract(x, average), deviation),))


@patchable("layers.Normalization.statistics")
def statistics(layer: Normalization, x: Tensor, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The mean and the variance: those given as arguments, or else the weights as they are"""
    if layer.mean is None:
        return weights["mean"], weights["variance"]
    return constant(layer.mean, x), constant(layer.variance, x)


def spread(numbers: Tensor, axes: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """Numbers for the last of the axes, or for all, in a shape that broadcasts along these."""
    missing = len(axes) - numbers.ndim
    sizes = dict(zip(axes, (1,) * missing + numbers.shape, strict=True))
    return reshape(numbers, shape=tuple(sizes.get(axis, 1) for axis in range(len(shape))))
