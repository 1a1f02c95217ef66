"""What pooling layers share: the geometry of their windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.convolution import output_length, same_padding
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import pad, reshape, transpose, windows
from conformance.reference_impl.tape import Tensor


class Pooling(Layer, registered=False):
    """One number for each window and channel, in any number of spatial dimensions.

    Input (batch, *spatial, channels), or (batch, channels, *spatial) where channels come first. With
    padding "same" there are as many windows as strides fit, and those at the edges are cut: what lies
    outside of the input counts for nothing.
    """

    rank: int

    pool_size = field(fields.positive_integers, doc="size of the window")
    strides = field(fields.optional(fields.positive_integers), None, "step between windows; the pool size")
    padding = field(fields.one_of("valid", "same"), "valid", "whether windows may reach over the edges")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
    name = field(fields.optional(fields.text), None, "a name, made up where none is given")

    def check(self) -> None:
        for argument in ("pool_size", "strides"):
            value = self.pool_size if self.config[argument] is None else self.config[argument]
            if len(value) not in (1, self.rank):
                raise ValueError(f"argument `{argument}`: expected {self.rank} integers or one, got {value}")
            self.config[argument] = value * (self.rank // len(value))
        self.config["data_format"] = self.data_format or "channels_last"

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        shape = shapes[0]
        last = acting_format(self) == "channels_last"
        positions = tuple(
            output_length(n, size, stride, 1, self.padding)
            for n, size, stride in zip(
                shape[1:-1] if last else shape[2:], self.pool_size, self.strides, strict=True
            )
        )
        if leave_nothing(positions):
            raise ValueError(
                f"{type(self).__name__} leaves nothing of an input of shape {shape}: pool_size "
                f"{self.pool_size}, strides {self.strides}, padding {self.padding!r}"
            )
        return ((shape[0], *positions, shape[-1]) if last else (*shape[:2], *positions),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        if acting_format(self) == "channels_last":
            return Result((self.pooled(x),))
        y = self.pooled(transpose(x, axes=(0, *range(2, x.ndim), 1)))
        return Result((transpose(y, axes=(0, y.ndim - 1, *range(1, y.ndim - 1))),))

    def pooled(self, x: Tensor) -> Tensor:
        """(batch, *spatial, channels) → (batch, *positions, channels)."""
        raise NotImplementedError  # every kind of pooling has its own

    def taps(self, x: Tensor) -> Tensor:
        """The elements of every window in row-major order, with zeros outside of the input:
        (batch, *spatial, channels) → (batch, *positions, taps, channels)."""
        if self.padding == "same":
            x = framed(self, x)
        patches = windows(x, size=self.pool_size, strides=self.strides, dilation=(1,) * self.rank)
        positions = patches.shape[: self.rank + 1]
        return reshape(patches, shape=(*positions, math.prod(self.pool_size), x.shape[-1]))

    def inside(self, x: Tensor) -> Tensor:
        """1 where a tap lies inside of an input, 0 where it does not: (1, *positions, taps, 1)."""
        return self.taps(Tensor(xp.ones((1, *x.shape[1:-1], 1), x.dtype)))


@patchable("layers.Pooling.leave_nothing")
def leave_nothing(positions: Sequence[int | None]) -> bool:
    """Whether there is no window along one of the axes, which is refused"""
    return any(n is not None and n <= 0 for n in positions)


@patchable("layers.acting_format")
def acting_format(layer: Layer) -> str:
    """Where a layer that may have its channels first or last takes them to be"""
    return str(layer.config["data_format"])


@patchable("layers.Pooling.framed")
def framed(layer: Pooling, x: Tensor) -> Tensor:
    """The input (batch, *spatial, channels) with as many zeros at its edges as windows reach over them"""
    edges = [
        same_padding(n, size, stride, 1)
        for n, size, stride in zip(x.shape[1:-1], layer.pool_size, layer.strides, strict=True)
    ]
    return pad(x, widths=((0, 0), *edges, (0, 0)))
