"""RandomWidth: images of a random width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.layers.interpolation import (
    between_two,
    mixed_by_two,
    picked,
    positions_from_corner,
)
from conformance.reference_impl.layers.layer import Context, Result, Shape
from conformance.reference_impl.layers.resizing_of_images import OfImages
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.random import uniform
from conformance.reference_impl.tape import Tensor


def _ends(factor: Any) -> list[float]:
    """The least and the largest factor; one number goes either way."""
    return factor if isinstance(factor, list) else [-factor, factor]


def _factor(value: Any) -> Any:
    parse = fields.number.parse
    factor = [*map(parse, value)] if isinstance(value, list | tuple) else parse(value)
    lower, upper = _ends(factor)
    if not -1 <= lower <= upper or factor == 0:
        raise ValueError
    return factor


width_factor = Kind(
    "a number above 0 and up to 1, or two from -1 up of which the second is no less", _factor, (0.0, "x")
)


class RandomWidth(OfImages):
    """Images as wide as they are, times 1 + a factor that is drawn for each call between two numbers.

    Half a pixel is rounded up. Pixel i of the new ones lies at i·old/new of the old ones, in inference as in
    training: the first of both fall together. Pixels are the ones before, or between two.

    (…, height, width, channels) → the same, of another width; it is known while nothing is left to chance.
    Only TensorFlow.js has it, and is its source: `RandomWidth` of tfjs-layers, which `tf.layers` does not
    name. Of the argument autoVectorize, which its types declare, nothing reads the value.

    >>> RandomWidth([0.5, 0.5]).output_shapes([(None, 4, 7, 3)])
    ((None, 4, 11, 3),)
    """

    factor = field(width_factor, doc="what the width grows by, from and to")
    interpolation = field(fields.one_of("bilinear", "nearest"), "bilinear", "how pixels are made")
    seed = field(fields.optional(fields.integer), None, "of the random numbers")

    def width(self, old: int, rng_key: int) -> int:
        """The width of a call, from that of the images."""
        lower, upper = _ends(self.factor)
        grown = 1 + lower + (upper - lower) * float(uniform(rng_key, 1)[0])
        return math.floor(grown * old + 0.5)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        *rows, old, channels = shapes[0]
        lower, upper = _ends(self.factor)
        new = self.width(old, rng_key=0) if old is not None and lower == upper else None
        return ((*rows, new, channels),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        new = self.width(inputs[0].shape[-2], context.rng_key)
        return Result((widened(inputs[0], new, self.interpolation),))


@patchable("layers.RandomWidth.widened")
def widened(x: Tensor, new: int, interpolation: str) -> Tensor:
    """Images of a new width"""
    axis = x.ndim - 2
    height, old = x.shape[axis - 1 : axis + 1]
    if interpolation == "nearest" or not new:
        return picked(x, axis, [i * old // new for i in range(new)])
    rows = Tensor(xp.eye(height, dtype=x.dtype))
    columns = between_two(old, positions_from_corner(old, new, x))
    return mixed_by_two(x, (axis - 1, axis), rows, columns)
