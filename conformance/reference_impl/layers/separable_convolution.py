"""What separable convolutions of every rank share: a depthwise convolution, and a product of its channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.convolution import WindowedProduct
from conformance.reference_impl.layers.depthwise_convolution import by_channel
from conformance.reference_impl.layers.layer import Shape, Weight
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import dot_last, reshape
from conformance.reference_impl.tape import Tensor


class SeparableConvolution(WindowedProduct, registered=False):
    """activation((windows(x) · depthwise_kernel) · pointwise_kernel + bias).

    The depthwise kernel is (*kernel_size, channels, depth_multiplier), the pointwise one
    (*ones, channels · depth_multiplier, filters).
    """

    filters = field(fields.positive_integer, doc="number of output channels")
    kernel_size, strides, padding = (
        WindowedProduct.kernel_size,
        WindowedProduct.strides,
        WindowedProduct.padding,
    )
    data_format, dilation_rate = WindowedProduct.data_format, WindowedProduct.dilation_rate
    depth_multiplier = field(fields.positive_integer, 1, "intermediate channels for each channel")
    activation, use_bias = WindowedProduct.activation, WindowedProduct.use_bias
    depthwise_initializer = field(fields.initializer, "glorot_uniform")
    pointwise_initializer = field(fields.initializer, "glorot_uniform")
    bias_initializer = field(fields.initializer, "zeros")
    depthwise_regularizer = field(fields.regularizer, None)
    pointwise_regularizer = field(fields.regularizer, None)
    bias_regularizer = field(fields.regularizer, None)
    activity_regularizer = field(fields.regularizer, None, serialized=Serialized.IF_SET)
    depthwise_constraint = field(fields.constraint, None)
    pointwise_constraint = field(fields.constraint, None)
    bias_constraint = field(fields.constraint, None)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        channels = self.channels(shapes)
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        bias = Weight("bias", (self.filters,), self.bias_initializer)
        return (
            Weight("depthwise_kernel", depthwise, self.depthwise_initializer),
            Weight("pointwise_kernel", pointwise, self.pointwise_initializer),
            *((bias,) if self.use_bias else ()),
        )

    def output_channels(self, channels: int) -> int:
        return int(self.filters)

    def kernels(self, weights: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        return weights["depthwise_kernel"], weights["pointwise_kernel"]

    def convolve(self, x: Tensor, kernels: Sequence[Tensor], bias: Tensor | None) -> Tensor:
        depthwise, pointwise = kernels
        z = by_channel(self, x, depthwise, None)
        return mixed_channels(z, pointwise, bias)


@patchable("layers.pointwise")
def mixed_channels(z: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """Every element's channels times the pointwise kernel, and the bias"""
    return dot_last(z, reshape(kernel, shape=kernel.shape[-2:]), bias)
