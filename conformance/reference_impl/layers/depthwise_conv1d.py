"""DepthwiseConv1D: depthwise convolution over steps in time."""

from __future__ import annotations

from conformance.reference_impl.layers.depthwise_convolution import DepthwiseConvolution


class DepthwiseConv1D(DepthwiseConvolution):
    """activation(windows(x) · kernel + bias) over steps in time, channel by channel.

    Input (batch, steps, channels), output (batch, steps', channels · depth_multiplier); channels second
    where `data_format` is "channels_first". Source: `keras.layers.DepthwiseConv1D`.

    >>> DepthwiseConv1D(3, strides=2, depth_multiplier=4).output_shapes([(None, 7, 5)])
    ((None, 3, 20),)
    """

    rank = 1
    exact_rank = 3
