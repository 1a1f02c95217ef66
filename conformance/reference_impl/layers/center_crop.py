"""CenterCrop: the middle of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.interpolation import resized
from conformance.reference_impl.layers.layer import Context, Result
from conformance.reference_impl.layers.rescaling import floating
from conformance.reference_impl.layers.resizing_of_images import (
    ImageLayer,
    central_part,
    cropped,
    layout,
)
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.tape import Tensor


class CenterCrop(ImageLayer):
    """The middle of images; of one that is smaller in height or width, the largest part in the middle with
    the proportions of the new size, resized.

    (…, height, width, channels), or (…, channels, height, width), → the same with the height and width of
    the layer. Source: `keras.layers.CenterCrop`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.arange(25.0).reshape(5, 5, 1))
    >>> CenterCrop(2, 3).call([x], {}, Context()).outputs[0].value[..., 0]
    array([[ 6.,  7.,  8.],
           [11., 12., 13.]])
    """

    height = field(fields.positive_integer, doc="of the output")
    width = field(fields.positive_integer, doc="of the output")
    data_format = field(layout, None, "where channels are")

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = floating(inputs[0], self.dtype)
        return Result((centre(x, self.spatial(x.ndim), (self.height, self.width)),))


@patchable("layers.CenterCrop.centre")
def centre(x: Tensor, axes: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """The middle, or where it is too small the largest part with its proportions, resized"""
    spare = [x.shape[axis] - n for axis, n in zip(axes, size, strict=True)]
    if min(spare) >= 0:
        return cropped(x, axes, (spare[0] // 2, spare[1] // 2), size)
    return resized(central_part(x, axes, size), axes, size, "bilinear")
