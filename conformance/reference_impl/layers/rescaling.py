"""Rescaling: a multiple of the input, and a constant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.primitives import add, multiply
from conformance.reference_impl.tape import Tensor, constant, current_arithmetic


def _numbers(value: Any) -> Any:
    return [_numbers(v) for v in value] if isinstance(value, list | tuple) else fields.number.parse(value)


numbers = Kind("a number, or nested lists of numbers that broadcast to the input", _numbers, ("x",))


class Rescaling(Layer):
    """scale·x + offset; any shape, which the output has too, of integers or of floats.

    The output is of floats.
    Source: `keras.layers.Rescaling`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[0.0, 4.0, 8.0]]))
    >>> Rescaling(scale=0.5, offset=-1.0).call([x], {}, Context()).outputs[0].value
    array([[-1.,  1.,  3.]])
    """

    supports_masking = True

    scale = field(numbers, doc="what multiplies")
    offset = field(numbers, 0.0, "what is added")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        shape = tuple(1 if n is None else n for n in shapes[0])
        try:
            np.broadcast_shapes(shape, np.shape(self.scale), np.shape(self.offset))
        except ValueError:
            raise ValueError(
                f"arguments `scale` and `offset`: numbers that broadcast to the input's shape {shapes[0]} "
                f"are allowed, got shapes {np.shape(self.scale)} and {np.shape(self.offset)}"
            ) from None

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = floating(inputs[0], self.dtype)
        return Result((add(multiply(x, constant(self.scale, x)), constant(self.offset, x)),))


def floating(x: Tensor, dtype: str) -> Tensor:
    """The input as it is, or integers as floats: of the truth, or of the layer's dtype in the fast mode."""
    if x.dtype.kind == "f":
        return x
    return Tensor(x.value.astype(xp.float64 if current_arithmetic() is not None else dtype))
