"""Images brought to another size: where the pixels of the new one lie in the old one, and what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers import fields
from conformance.reference_impl.layers.fields import Kind, Serialized, field
from conformance.reference_impl.layers.layer import Layer, Shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    affine,
    divide,
    greater_equal,
    multiply,
    relu,
    reshape,
    subtract,
    take,
    take_slice,
    total,
    transpose,
    where,
)
from conformance.reference_impl.tape import Tensor, constant


def _nothing(value: Any) -> None:
    if value is not None:
        raise ValueError("the layer takes no factor")


layout = fields.optional(fields.one_of("channels_last", "channels_first"))


class ImageLayer(Layer, registered=False):
    """A layer that makes images of one size from images of any.

    (height, width, channels) or (batch, height, width, channels), or with the channels first.
    """

    height: int
    width: int
    data_format: str
    factor = field(Kind("None", _nothing, (0.5,)), None, serialized=Serialized.NEVER)
    bounding_box_format = field(fields.optional(fields.text), None, serialized=Serialized.IF_SET)

    def check(self) -> None:
        self.config["data_format"] = self.data_format or "channels_last"

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        if len(shapes[0]) not in (3, 4):
            raise ValueError(
                f"{type(self).__name__} takes an image of rank 3 or a batch of images, of rank 4; the "
                f"input's shape is {shapes[0]}"
            )

    @patchable("layers.images.spatial")
    def spatial(self, rank: int) -> tuple[int, int]:
        """The axes of height and width."""
        return (rank - 2, rank - 1) if self.data_format == "channels_first" else (rank - 3, rank - 2)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        rows, columns = self.spatial(len(shapes[0]))
        made = {rows: self.height, columns: self.width}
        return (tuple(made.get(axis, n) for axis, n in enumerate(shapes[0])),)


def cropped(x: Tensor, axes: tuple[int, int], start: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """The part of so many rows and columns that begins at a row and a column."""
    key = [slice(None)] * x.ndim
    for axis, first, n in zip(axes, start, size, strict=True):
        key[axis] = slice(first, first + n)
    return take_slice(x, key=tuple(key))


def central_part(x: Tensor, axes: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """The largest part in the middle whose sides are to each other as those of the size, rounded down."""
    height, width = (x.shape[axis] for axis in axes)
    rows = max(min(height, width * size[0] // size[1]), 1)
    columns = max(min(width, height * size[1] // size[0]), 1)
    return cropped(x, axes, ((height - rows) // 2, (width - columns) // 2), (rows, columns))


@patchable("layers.positions")
def positions(old: int, new: int, like: Tensor) -> Tensor:
    """Where along an axis of `old` pixels the centres of `new` ones lie, in pixels from the first centre"""
    centres = Tensor(xp.arange(new, dtype=like.dtype) + like.dtype.type(0.5))
    return subtract(multiply(centres, divide(constant(float(old), like), float(new))), 0.5)


@patchable("layers.nearest_pixels")
def nearest_pixels(old: int, new: int) -> list[int]:
    """The pixel of `old` in which the centre of each of `new` lies; on an edge, the one after it"""
    return [(2 * i + 1) * old // (2 * new) for i in range(new)]


def nearest(x: Tensor, axis: int, new: int) -> Tensor:
    """Along an axis the pixel that is nearest."""
    return _rows(x, axis, nearest_pixels(x.shape[axis], new))


def linear(x: Tensor, axis: int, new: int) -> Tensor:
    """Between the two pixels along an axis that are nearest, first + (second − first)·fraction.

    At a position within its error of a pixel's centre, both the stretch before it and the one after it are
    computed, and their difference is an error.
    """
    at = positions(x.shape[axis], new, x)
    centre = xp.rint(at.value)
    knot = _along(Tensor(centre), axis, x.ndim)
    last = x.shape[axis] - 1
    before, here, after = (_rows(x, axis, _clipped(centre + d, last)) for d in (-1, 0, 1))
    offset = subtract(_along(at, axis, x.ndim), knot)
    left = add(before, multiply(subtract(here, before), add(offset, 1.0)))
    right = add(here, multiply(subtract(after, here), offset))
    return where(greater_equal(offset, 0.0), right, left)


def antialiased(x: Tensor, axis: int, new: int) -> Tensor:
    """Weighted means along an axis, by a triangle as wide as two pixels of the larger kind."""
    old = x.shape[axis]
    reach = max(old / new, 1.0)
    centres = Tensor(xp.arange(old, dtype=x.dtype)[None, :])
    distance = absolute(subtract(reshape(positions(old, new, x), shape=(new, 1)), centres))
    height = relu(subtract(1.0, divide(distance, constant(reach, x))))
    weights = divide(height, total(height, axis=(1,), keepdims=True))
    order = (*(i for i in range(x.ndim) if i != axis), axis)
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    moved = transpose(x, axes=order)
    mixed = affine(reshape(moved, shape=(-1, old)), transpose(weights, axes=(1, 0)))
    return transpose(reshape(mixed, shape=(*moved.shape[:-1], new)), axes=back)


def _rows(x: Tensor, axis: int, indices: Any) -> Tensor:
    """The pixels at the indices along an axis."""
    order = (axis, *(i for i in range(x.ndim) if i != axis))
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    taken = take(transpose(x, axes=order), indices=xp.asarray(indices, dtype="int64"))
    return transpose(taken, axes=back)


def _clipped(indices: Any, last: int) -> Any:
    return xp.minimum(xp.maximum(indices, 0), last)


def _along(x: Tensor, axis: int, rank: int) -> Tensor:
    """A vector as an array that broadcasts along an axis."""
    return reshape(x, shape=tuple(-1 if i == axis else 1 for i in range(rank)))
