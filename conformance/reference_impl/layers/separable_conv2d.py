"""SeparableConv2D: separable convolution over height and width."""

from __future__ import annotations

from conformance.reference_impl.layers.separable_convolution import SeparableConvolution


class SeparableConv2D(SeparableConvolution):
    """activation((windows(x) · depthwise_kernel) · pointwise_kernel + bias) over height and width.

    Input (batch, height, width, channels), output (batch, height', width', filters); channels second
    where `data_format` is "channels_first". Source: `keras.layers.SeparableConv2D`.

    >>> SeparableConv2D(8, 3, strides=2).output_shapes([(None, 7, 5, 3)])
    ((None, 3, 2, 8),)
    """

    rank = 2
    exact_rank = 4
