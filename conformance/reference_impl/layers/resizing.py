"""Resizing: images brought to a size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.interpolation import INTERPOLATIONS, resized
from conformance.reference_impl.layers.layer import Context, Result
from conformance.reference_impl.layers.rescaling import floating
from conformance.reference_impl.layers.resizing_of_images import ImageLayer, central_part, layout
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import pad, where
from conformance.reference_impl.tape import Tensor


class Resizing(ImageLayer):
    """Images resized: the centres of their pixels are half a pixel in, and their edges fall together.

    A pixel is the nearest one (`nearest`), a mean of the nearest four (`bilinear`) or of more that a window
    weighs (`bicubic`, `lanczos3`, `lanczos5`), or the mean of all that it covers (`area`).

    (…, height, width, channels), or (…, channels, height, width), → the same with the height and width of
    the layer, of integers where they were. The images may be cut or padded first, to the proportions of the
    new size; a new size that has no such number of pixels is rounded down. Source: `keras.layers.Resizing`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([[[1.0], [2.0]]]))
    >>> Resizing(1, 4).call([x], {}, Context()).outputs[0].value[0, :, 0]
    array([1.  , 1.25, 1.75, 2.  ])
    """

    height = field(fields.positive_integer, doc="of the output")
    width = field(fields.positive_integer, doc="of the output")
    interpolation = field(fields.one_of(*INTERPOLATIONS, "area"), "bilinear", "how pixels are made")
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
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        axes = self.spatial(inputs[0].ndim)
        x = in_proportion(self, floating(inputs[0], self.dtype), axes)
        made = resized(x, axes, (self.height, self.width), self.interpolation, self.antialias)
        return Result((as_given(made, inputs[0].dtype),))


@patchable("layers.Resizing.as_given")
def as_given(x: Tensor, dtype: Any) -> Tensor:
    """Of images of integers the nearest ones, of two the even one, and no others than the dtype has"""
    if dtype.kind == "f":
        return x
    limits = xp.iinfo(dtype)
    whole = xp.clip(xp.rint(x.value), limits.min, limits.max).astype(dtype)
    if x.error is None:
        return Tensor(whole)
    from_half = xp.abs(xp.abs(x.value - xp.rint(x.value)) - 0.5)
    return Tensor(whole, xp.where(from_half <= x.error, xp.inf, 0.0))


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
        inside = pad.value(xp.ones(x.shape, x.dtype), widths=tuple(widths))
        return where(Tensor(inside), pad(x, widths=tuple(widths)), layer.fill_value)
    return x
