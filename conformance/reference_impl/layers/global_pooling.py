"""What pooling over all of the space shares: which axes are pooled, and what becomes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.layers.pooling import acting_format
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import reshape
from conformance.reference_impl.tape import Tensor


class GlobalPooling(Layer, registered=False):
    """One number for each channel, in any number of spatial dimensions.

    Input (batch, *spatial, channels), or (batch, channels, *spatial) where channels come first; output
    (batch, channels), or with `keepdims` the input's shape with 1 for each spatial dimension.
    """

    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
    keepdims = field(fields.boolean, False, "whether spatial dimensions stay, with size one")

    def check(self) -> None:
        self.config["data_format"] = self.data_format or "channels_last"

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        shape = shapes[0]
        last = acting_format(self) == "channels_last"
        ones = (1,) * (len(shape) - 2) if keeps_space(self) else ()
        return ((shape[0], *ones, shape[-1]) if last else (*shape[:2], *ones),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        last = acting_format(self) == "channels_last"
        axis = 1 if last else 2
        spatial = math.prod(x.shape[1:-1] if last else x.shape[2:])
        places = (x.shape[0], spatial, x.shape[-1]) if last else (*x.shape[:2], spatial)
        y = self.pooled(reshape(x, shape=places), axis, context)
        return Result((reshape(y, shape=self.output_shapes([x.shape])[0]),))

    def pooled(self, x: Tensor, axis: int, context: Context) -> Tensor:
        """One number along the axis of all places, which stays with size one."""
        raise NotImplementedError  # every kind of pooling has its own


@patchable("layers.GlobalPooling.keeps_space")
def keeps_space(layer: GlobalPooling) -> bool:
    """Whether spatial dimensions stay, with size one"""
    return bool(layer.keepdims)
