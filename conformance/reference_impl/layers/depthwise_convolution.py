"""What depthwise convolutions of every rank share: each channel has filters of its own."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.convolution import WindowedProduct, correlated
from conformance.reference_impl.layers.layer import Shape, Weight
from conformance.reference_impl.primitives import reshape
from conformance.reference_impl.tape import Tensor


class DepthwiseConvolution(WindowedProduct, registered=False):
    """activation(windows(x) · kernel + bias), channel by channel.

    The kernel is (*kernel_size, channels, depth_multiplier); channel c becomes the channels
    c · depth_multiplier and following.
    """

    kernel_size, strides, padding = (
        WindowedProduct.kernel_size,
        WindowedProduct.strides,
        WindowedProduct.padding,
    )
    depth_multiplier = field(fields.positive_integer, 1, "output channels for each channel")
    data_format, dilation_rate = WindowedProduct.data_format, WindowedProduct.dilation_rate
    activation, use_bias = WindowedProduct.activation, WindowedProduct.use_bias
    depthwise_initializer = field(fields.initializer, "glorot_uniform")
    bias_initializer = field(fields.initializer, "zeros")
    depthwise_regularizer = field(fields.regularizer, None)
    bias_regularizer = field(fields.regularizer, None)
    activity_regularizer = field(fields.regularizer, None, serialized=Serialized.IF_SET)
    depthwise_constraint = field(fields.constraint, None)
    bias_constraint = field(fields.constraint, None)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        channels = self.channels(shapes)
        kernel = (*self.kernel_size, channels, self.depth_multiplier)
        bias = Weight("bias", (self.output_channels(channels),), self.bias_initializer)
        return (Weight("kernel", kernel, self.depthwise_initializer), *((bias,) if self.use_bias else ()))

    def output_channels(self, channels: int) -> int:
        return int(channels * self.depth_multiplier)

    def convolve(self, x: Tensor, kernels: Sequence[Tensor], bias: Tensor | None) -> Tensor:
        return by_channel(self, x, kernels[0], bias)


def by_channel(layer: WindowedProduct, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """(batch, *spatial, channels) · (*size, channels, multiplier), channel by channel →
    (batch, *positions, channels · multiplier)."""
    *size, channels, multiplier = kernel.shape
    return correlated(layer, x, reshape(kernel, shape=(*size, 1, channels * multiplier)), bias, channels)
