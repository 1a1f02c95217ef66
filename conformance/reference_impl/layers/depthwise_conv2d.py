"""DepthwiseConv2D: depthwise convolution over height and width."""

from __future__ import annotations

from conformance.reference_impl.layers.depthwise_convolution import DepthwiseConvolution


class DepthwiseConv2D(DepthwiseConvolution):
    """activation(windows(x) · kernel + bias) over height and width, channel by channel.

    Input (batch, height, width, channels), output (batch, height', width', channels · depth_multiplier);
    channels second where `data_format` is "channels_first". Source: `keras.layers.DepthwiseConv2D`.

    >>> DepthwiseConv2D(3, padding="same", depth_multiplier=2).output_shapes([(None, 7, 5, 3)])
    ((None, 7, 5, 6),)
    """

    rank = 2
    exact_rank = 4
