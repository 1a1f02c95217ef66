"""What layers share that make images of one size, and how they are cut to it."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.layer import Layer, Shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import take_slice
from conformance.reference_impl.tape import Tensor

layout = fields.optional(fields.one_of("channels_last", "channels_first"))


class OfImages(Layer, registered=False):
    """A layer that takes an image of rank 3 or a batch of images, of rank 4."""

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        if len(shapes[0]) not in (3, 4):
            raise ValueError(
                f"{type(self).__name__} takes an image of rank 3 or a batch of images, of rank 4; the "
                f"input's shape is {shapes[0]}"
            )


class ImageLayer(OfImages, registered=False):
    """A layer that makes images of one size from images of any.

    (height, width, channels) or (batch, height, width, channels), or with the channels first.
    """

    height: int
    width: int
    data_format: str
    factor = field(fields.nothing, None, serialized=Serialized.NEVER)
    bounding_box_format = field(fields.optional(fields.text), None, serialized=Serialized.IF_SET)

    def check(self) -> None:
        self.config["data_format"] = self.data_format or "channels_last"

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
