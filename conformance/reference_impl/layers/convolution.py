"""What convolutions of every kind and rank share: geometry, weights, and windows times kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.kernel_and_bias import KernelAndBias
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight, refuse_integers
from conformance.reference_impl.layers.low_rank import LowRank
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import correlate, transpose
from conformance.reference_impl.tape import Tensor

Edges = tuple[tuple[int, int], ...]
"""By dimension, how many zeros lie before it and after it."""


@patchable("layers.output_length")
def output_length(n: int | None, size: int, stride: int, dilation: int, padding: str) -> int | None:
    """How many windows of `size` fit on an axis of n elements; None where n is unknown."""
    if n is None:
        return None
    if padding != "valid":
        return -(-n // stride)
    return (n - (size - 1) * dilation - 1) // stride + 1


def same_padding(n: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after an axis, the odd one after (TensorFlow's rule)."""
    reach = (-(-n // stride) - 1) * stride + (size - 1) * dilation + 1
    needed = max(reach - n, 0)
    return needed // 2, needed - needed // 2


def causal_padding(n: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before an axis only, so that no window sees what comes after its last element."""
    return (size - 1) * dilation, 0


PADDINGS: dict[str, Callable[[int, int, int, int], tuple[int, int]]] = {
    "valid": lambda n, size, stride, dilation: (0, 0),
    "same": same_padding,
    "causal": causal_padding,
}
"""The zeros before and after an axis: (elements, size, stride, dilation) → two counts."""


class WindowedProduct(Layer, registered=False):
    """activation(windows(x) · kernels + bias), in any number of spatial dimensions.

    Input (batch, *spatial, channels), or (batch, channels, *spatial) where channels come first. A subclass
    declares its weights, and says how many `output_channels` there are and how it does `convolve`.
    """

    rank: int
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    per_dimension: ClassVar[tuple[str, ...]] = ("kernel_size", "strides", "dilation_rate")

    kernel_size = field(fields.positive_integers, doc="size of the window")
    strides = field(fields.positive_integers, 1, "step between windows")
    padding = field(fields.one_of(*PADDINGS), "valid", "zeros at the edges")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
    dilation_rate = field(fields.positive_integers, 1, "step inside a window")
    activation = field(fields.activation, None, "applied to the result")
    use_bias = field(fields.boolean, True, "whether a bias is added")

    def check(self) -> None:
        for name in self.per_dimension:
            value = self.config[name]
            if value is None:
                continue
            if len(value) == 1:
                self.config[name] = value * self.rank
            elif len(value) != self.rank:
                raise ValueError(f"argument `{name}`: expected {self.rank} integers or one, got {value}")
        if self.padding not in self.paddings:
            allowed = ", ".join(map(repr, self.paddings))
            raise ValueError(f"argument `padding`: expected one of {allowed}, got {self.padding!r}")
        self.config["data_format"] = self.data_format or "channels_last"

    def check_strides_or_dilation(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"arguments `strides` = {self.strides} and `dilation_rate` = {self.dilation_rate}: "
                "only one of the two may exceed 1"
            )

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        if shapes[0][self.channel_axis] is None:
            raise ValueError(f"{type(self).__name__} needs to know the channels of its input {shapes[0]}")

    def channels(self, shapes: Sequence[Shape]) -> int:
        """The channels of the input."""
        channels = shapes[0][self.channel_axis]
        assert channels is not None  # check_inputs
        return channels

    def output_channels(self, channels: int) -> int:
        raise NotImplementedError  # every subclass has its own

    def positions(self, spatial: Sequence[int | None]) -> tuple[int | None, ...]:
        """The spatial shape of the output."""
        return tuple(
            output_length(n, *axis, self.padding) for n, axis in zip(spatial, geometry(self), strict=True)
        )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        shape, channels = shapes[0], self.output_channels(self.channels(shapes))
        last = self.data_format == "channels_last"
        positions = self.positions(shape[1:-1] if last else shape[2:])
        if any(n is not None and n <= 0 for n in positions):
            raise ValueError(
                f"{type(self).__name__} leaves nothing of an input of shape {shape}: kernel_size "
                f"{self.kernel_size}, strides {self.strides}, dilation_rate {self.dilation_rate}, "
                f"padding {self.padding!r}"
            )
        return ((shape[0], *positions, channels) if last else (shape[0], channels, *positions),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        refuse_integers(self, inputs[0])
        z = convolved(self, inputs[0], self.kernels(weights), weights.get("bias"))
        return Result((self.activate(z),))

    def kernels(self, weights: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """What the windows are multiplied by."""
        return (weights["kernel"],)

    def convolve(self, x: Tensor, kernels: Sequence[Tensor], bias: Tensor | None) -> Tensor:
        """(batch, *spatial, channels) → (batch, *positions, output channels)."""
        raise NotImplementedError  # every subclass has its own


class Convolution(WindowedProduct, KernelAndBias, LowRank, registered=False):
    """activation(windows(x) · kernel + bias); the kernel is (*kernel_size, channels / groups, filters)."""

    filters = field(fields.positive_integer, doc="number of output channels")
    kernel_size, strides, padding = (
        WindowedProduct.kernel_size,
        WindowedProduct.strides,
        WindowedProduct.padding,
    )
    data_format, dilation_rate = WindowedProduct.data_format, WindowedProduct.dilation_rate
    groups = field(fields.positive_integer, 1, "groups of channels convolved apart")

    def check(self) -> None:
        super().check()
        self.check_strides_or_dilation()
        if self.filters % self.groups:
            raise ValueError(f"argument `groups`: {self.groups} does not divide filters = {self.filters}")
        self.check_low_rank(self.kernel_constraint)

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        channels = self.channels(shapes)
        if channels % self.groups:
            raise ValueError(
                f"argument `groups`: {self.groups} does not divide the {channels} input channels"
            )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        kernel = (*self.kernel_size, self.channels(shapes) // self.groups, self.filters)
        bias = (Weight("bias", (self.filters,), self.bias_initializer),) if self.use_bias else ()
        return (
            Weight("kernel", kernel, self.kernel_initializer, trainable=not self.lora_rank),
            *bias,
            *self.low_rank_weights("kernel", kernel),
        )

    def output_channels(self, channels: int) -> int:
        return int(self.filters)

    def kernels(self, weights: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return (self.adapted(weights, "kernel"),)

    def convolve(self, x: Tensor, kernels: Sequence[Tensor], bias: Tensor | None) -> Tensor:
        return correlated(self, x, kernels[0], bias, self.groups)


@patchable("layers.geometry")
def geometry(layer: WindowedProduct) -> tuple[tuple[int, int, int], ...]:
    """The size of the window, its stride and its dilation in each spatial dimension"""
    return tuple(zip(layer.kernel_size, layer.strides, layer.dilation_rate, strict=True))


@patchable("layers.framed")
def framed(layer: WindowedProduct, x: Tensor) -> tuple[Tensor, Edges]:
    """The input (batch, *spatial, channels), and the zeros that the padding adds at its edges"""
    zeros = PADDINGS[layer.padding]
    return x, tuple(zeros(n, *axis) for n, axis in zip(x.shape[1:-1], geometry(layer), strict=True))


@patchable("layers.convolved")
def convolved(layer: WindowedProduct, x: Tensor, kernels: Sequence[Tensor], bias: Tensor | None) -> Tensor:
    """The windows of x times the kernels, and the bias, in the layer's data format"""
    if layer.data_format == "channels_last":
        return windowed_product(layer, x, kernels, bias)
    z = windowed_product(layer, transpose(x, axes=(0, *range(2, x.ndim), 1)), kernels, bias)
    return transpose(z, axes=(0, z.ndim - 1, *range(1, z.ndim - 1)))


@patchable("layers.windowed_product")
def windowed_product(
    layer: WindowedProduct, x: Tensor, kernels: Sequence[Tensor], bias: Tensor | None
) -> Tensor:
    """The windows of x times the kernels, and the bias, with the channels last"""
    return layer.convolve(x, kernels, bias)


@patchable("layers.correlated")
def correlated(layer: WindowedProduct, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """windows(x) · kernel + bias, group by group, with the channels last:
    (batch, *spatial, groups · depth), (*size, depth, filters) → (batch, *positions, filters)."""
    _, strides, dilation = zip(*geometry(layer), strict=True)
    x, edges = framed(layer, x)
    offset = () if bias is None else (bias,)
    return correlate(x, kernel, *offset, padding=edges, strides=strides, dilation=dilation, groups=groups)
