"""What convolutions of every rank share: geometry, weights, and windows times kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from conformance.reference_impl.layers import fields
from conformance.reference_impl.layers.fields import field
from conformance.reference_impl.layers.kernel_and_bias import KernelAndBias
from conformance.reference_impl.layers.layer import Context, Result, Shape, Weight
from conformance.reference_impl.layers.low_rank import LowRank
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import affine, pad, reshape, transpose, windows
from conformance.reference_impl.tape import Tensor


def output_length(n: int | None, size: int, stride: int, dilation: int, padding: str) -> int | None:
    """How many windows of `size` fit on an axis of n elements; None where n is unknown."""
    if n is None:
        return None
    if padding == "same":
        return -(-n // stride)
    return (n - (size - 1) * dilation - 1) // stride + 1


def same_padding(n: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after an axis, the odd one after (TensorFlow's rule)."""
    reach = (-(-n // stride) - 1) * stride + (size - 1) * dilation + 1
    needed = max(reach - n, 0)
    return needed // 2, needed - needed // 2


class Convolution(KernelAndBias, LowRank, registered=False):
    """activation(windows(x) · kernel + bias), in any number of spatial dimensions.

    Input (batch, *spatial, channels), or (batch, channels, *spatial) where channels come first; the
    kernel is (*kernel_size, channels / groups, filters).
    """

    rank: int

    filters = field(fields.positive_integer, doc="number of output channels")
    kernel_size = field(fields.positive_integers, doc="size of the window")
    strides = field(fields.positive_integers, 1, "step between windows")
    padding = field(fields.one_of("valid", "same"), "valid", "zeros at the edges")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
    dilation_rate = field(fields.positive_integers, 1, "step inside a window")
    groups = field(fields.positive_integer, 1, "groups of channels convolved apart")
    activation = field(fields.activation, None, "applied to the result")
    use_bias = field(fields.boolean, True, "whether a bias is added")

    def check(self) -> None:
        for name in ("kernel_size", "strides", "dilation_rate"):
            value = self.config[name]
            if len(value) == 1:
                self.config[name] = value * self.rank
            elif len(value) != self.rank:
                raise ValueError(f"argument `{name}`: expected {self.rank} integers or one, got {value}")
        self.config["data_format"] = self.data_format or "channels_last"
        if self.filters % self.groups:
            raise ValueError(f"argument `groups`: {self.groups} does not divide filters = {self.filters}")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"arguments `strides` = {self.strides} and `dilation_rate` = {self.dilation_rate}: "
                "only one of the two may exceed 1"
            )
        self.check_low_rank(self.kernel_constraint)

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        channels = shapes[0][self.channel_axis]
        if channels is None:
            raise ValueError(f"{type(self).__name__} needs to know the channels of its input {shapes[0]}")
        if channels % self.groups:
            raise ValueError(
                f"argument `groups`: {self.groups} does not divide the {channels} input channels"
            )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        channels = shapes[0][self.channel_axis]
        assert channels is not None  # check_inputs
        kernel = (*self.kernel_size, channels // self.groups, self.filters)
        bias = (Weight("bias", (self.filters,), self.bias_initializer),) if self.use_bias else ()
        return (
            Weight("kernel", kernel, self.kernel_initializer, trainable=not self.lora_rank),
            *bias,
            *self.low_rank_weights("kernel", kernel),
        )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        shape = shapes[0]
        last = self.data_format == "channels_last"
        spatial = shape[1:-1] if last else shape[2:]
        positions = tuple(
            output_length(*axis, self.padding)
            for axis in zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        )
        if any(n is not None and n <= 0 for n in positions):
            raise ValueError(
                f"{type(self).__name__} leaves nothing of an input of shape {shape}: kernel_size "
                f"{self.kernel_size}, strides {self.strides}, dilation_rate {self.dilation_rate}, "
                f"padding {self.padding!r}"
            )
        return ((shape[0], *positions, self.filters) if last else (shape[0], self.filters, *positions),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        z = convolved(self, inputs[0], self.adapted(weights, "kernel"), weights.get("bias"))
        return Result((self.activate(z),))

    def contract(self, patches: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """(batch, *positions, *size, channels) · (*size, channels / groups, filters), group by group, as
        one batched matrix product → (batch, *positions, filters)."""
        places = patches.shape[: self.rank + 1]
        rows, taps, groups = math.prod(places), math.prod(self.kernel_size), self.groups
        depth, width = kernel.shape[-2], self.filters // groups
        if groups == 1:
            offset = () if bias is None else (reshape(bias, shape=(1, width)),)
            z = affine(
                reshape(patches, shape=(rows, taps * depth)),
                reshape(kernel, shape=(taps * depth, width)),
                *offset,
            )
            return reshape(z, shape=(*places, width))
        left = reshape(patches, shape=(rows, taps, groups, depth))
        right = reshape(kernel, shape=(taps * depth, groups, width))
        offset = () if bias is None else (reshape(bias, shape=(groups, 1, width)),)
        z = affine(
            reshape(transpose(left, axes=(2, 0, 1, 3)), shape=(groups, rows, taps * depth)),
            transpose(right, axes=(1, 0, 2)),
            *offset,
        )
        return reshape(transpose(z, axes=(1, 0, 2)), shape=(*places, self.filters))


@patchable("layers.convolved")
def convolved(layer: Convolution, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """windows(x) · kernel + bias, in the layer's data format"""
    last = layer.data_format == "channels_last"
    if not last:
        x = transpose(x, axes=(0, *range(2, x.ndim), 1))
    if layer.padding == "same":
        edges = [
            same_padding(*axis)
            for axis in zip(x.shape[1:-1], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True)
        ]
        x = pad(x, widths=((0, 0), *edges, (0, 0)))
    patches = windows(x, size=layer.kernel_size, strides=layer.strides, dilation=layer.dilation_rate)
    z = layer.contract(patches, kernel, bias)
    return z if last else transpose(z, axes=(0, z.ndim - 1, *range(1, z.ndim - 1)))
