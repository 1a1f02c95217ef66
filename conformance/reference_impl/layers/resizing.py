"""Resizing: images brought to a size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from conformance.reference_impl.layers import fields
from conformance.reference_impl.layers.fields import field
from conformance.reference_impl.layers.layer import Context, Result
from conformance.reference_impl.layers.resizing_of_images import (
    ImageLayer,
    antialiased,
    central_part,
    layout,
    linear,
    nearest,
)
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, pad, subtract
from conformance.reference_impl.tape import Tensor


class Resizing(ImageLayer):
    """Images resized by the nearest pixel or between the nearest four, whose centres are half a pixel in.

    (…, height, width, channels), or (…, channels, height, width), → the same with the height and width of
    the layer. The images may be cut or padded first, to the proportions of the new size; a new size that
    has no such number of pixels is rounded down. Source: `keras.layers.Resizing`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[[1.0], [2.0]]]))
    >>> Resizing(1, 4).call([x], {}, Context()).outputs[0].value[0, :, 0]
    array([1.  , 1.25, 1.75, 2.  ])
    """

    height = field(fields.positive_integer, doc="of the output")
    width = field(fields.positive_integer, doc="of the output")
    interpolation = field(fields.one_of("bilinear", "nearest"), "bilinear", "how pixels are made")
    crop_to_aspect_ratio = field(fields.boolean, False, "whether to cut what is too long")
    pad_to_aspect_ratio = field(fields.boolean, False, "whether to fill what is too short")
    fill_mode = field(fields.one_of("constant"), "constant", "what padding is filled with")
    fill_value = field(fields.number, 0.0, "the constant")
    antialias = field(fields.boolean, False, "whether a smaller image is of means")
    data_format = field(layout, None, "where channels are")

    def check(self) -> None:
        super().check()
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError("only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` is allowed")

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (dtypes[0],)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        axes = self.spatial(inputs[0].ndim)
        return Result((resized(self, in_proportion(self, inputs[0], axes), axes),))


@patchable("layers.Resizing.resized")
def resized(layer: Resizing, x: Tensor, axes: tuple[int, int]) -> Tensor:
    """The images of the new size, along one axis after the other"""
    along = interpolated(layer)
    for axis, size in zip(axes, (layer.height, layer.width), strict=True):
        x = along(x, axis, size)
    return x


@patchable("layers.Resizing.interpolated")
def interpolated(layer: Resizing) -> Callable[[Tensor, int, int], Tensor]:
    """How pixels are made along an axis: (images, axis, size) → images"""
    if layer.interpolation == "nearest":
        return nearest
    return antialiased if layer.antialias else linear


@patchable("layers.Resizing.in_proportion")
def in_proportion(layer: Resizing, x: Tensor, axes: tuple[int, int]) -> Tensor:
    """The images cut or padded to the proportions of the new size, if the layer is to"""
    size = layer.height, layer.width
    if layer.crop_to_aspect_ratio:
        return central_part(x, axes, size)
    if layer.pad_to_aspect_ratio:
        height, width = (x.shape[axis] for axis in axes)
        missing = (max(width * size[0] // size[1] - height, 0), max(height * size[1] // size[0] - width, 0))
        widths = [(0, 0)] * x.ndim
        for axis, n in zip(axes, missing, strict=True):
            widths[axis] = (n // 2, n // 2)
        if layer.fill_value:
            shifted = pad(subtract(x, layer.fill_value), widths=tuple(widths))
            return add(shifted, layer.fill_value)
        return pad(x, widths=tuple(widths))
    return x
