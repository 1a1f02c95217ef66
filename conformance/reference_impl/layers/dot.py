"""Dot: products of samples along an axis of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    affine,
    minimum,
    multiply,
    reshape,
    rsqrt,
    square,
    total,
    transpose,
)
from conformance.reference_impl.tape import Tensor

EPSILON = 1e-7
"""`keras.config.epsilon()`: the least norm that a sample is divided by."""


class Dot(Layer):
    """Σ x·y along one axis of each of two inputs, for every sample of the batch.

    Inputs (batch, …) of rank 2 or more; the output is (batch, *rest of x, *rest of y), or (batch, 1) where
    nothing is left of either. With `normalize` the samples are brought to norm 1 along their axis before.
    Source: `keras.layers.Dot`.

    >>> Dot(axes=(1, 2)).output_shapes([(None, 3, 5), (None, 10, 3)])
    ((None, 5, 10),)
    """

    axes = field(fields.two_axes, doc="the axis of both inputs, or one for each")
    normalize = field(fields.boolean, False, "whether samples have norm 1 along the axis")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        if len(shapes) != 2:
            raise ValueError(f"Dot takes two inputs, {len(shapes)} were given: {list(shapes)}")
        for shape, axis in zip(shapes, self.given_axes, strict=True):
            if len(shape) < 2:
                raise ValueError(f"Dot takes inputs of rank 2 or more, got shapes {list(shapes)}")
            if axis >= len(shape):
                raise ValueError(f"argument `axes`: {axis} is out of range for an input of shape {shape}")
            if axis % len(shape) == 0:
                raise ValueError(f"argument `axes`: {axis} is the batch of an input of shape {shape}")
        x, y = shapes
        a, b = self.summed_axes(shapes)
        if None not in (x[a], y[b]) and x[a] != y[b]:
            raise ValueError(f"Dot along axes {a} and {b} needs them equally long, got shapes {list(shapes)}")
        if None not in (x[0], y[0]) and x[0] != y[0]:
            raise ValueError(f"Dot takes inputs of one batch size, got shapes {list(shapes)}")

    @property
    def given_axes(self) -> tuple[int, int]:
        return tuple(self.axes) if isinstance(self.axes, list) else (self.axes, self.axes)

    def summed_axes(self, shapes: Sequence[Shape]) -> tuple[int, int]:
        """The axis of each input along which products are summed, counted from the first; below the first
        one, they are counted round again, as both runtimes do it."""
        a, b = self.given_axes
        return a % len(shapes[0]), b % len(shapes[1])

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        a, b = self.summed_axes(shapes)
        x, y = shapes
        rest = (*x[1:a], *x[a + 1 :], *y[1:b], *y[b + 1 :])
        return ((x[0], *(rest or (1,))),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x, y = inputs
        shapes = [x.shape, y.shape]
        a, b = self.summed_axes(shapes)
        if self.normalize:
            x, y = normalized(x, a), normalized(y, b)
        batch, length = x.shape[0], x.shape[a]
        rows = transpose(x, axes=(*(i for i in range(x.ndim) if i != a), a))
        columns = transpose(y, axes=(0, b, *(i for i in range(1, y.ndim) if i != b)))
        product = affine(
            reshape(rows, shape=(batch, math.prod(rows.shape[1:-1]), length)),
            reshape(columns, shape=(batch, length, math.prod(columns.shape[2:]))),
        )
        (shape,) = self.output_shapes(shapes)
        return Result((reshape(product, shape=shape),))


@patchable("layers.Dot.normalized")
def normalized(x: Tensor, axis: int) -> Tensor:
    """The samples brought to norm 1 along an axis, very short ones excepted"""
    inverse_norm = rsqrt(total(square(x), axis=(axis,), keepdims=True))
    return multiply(x, minimum(inverse_norm, 1 / EPSILON))
