"""SeparableConv1D: separable convolution over steps in time."""

from __future__ import annotations

from conformance.reference_impl.layers.separable_convolution import SeparableConvolution


class SeparableConv1D(SeparableConvolution):
    """activation((windows(x) · depthwise_kernel) · pointwise_kernel + bias) over steps in time.

    Input (batch, steps, channels), output (batch, steps', filters); channels second where `data_format`
    is "channels_first". Source: `keras.layers.SeparableConv1D`.

    >>> [w.shape for w in SeparableConv1D(8, 3, use_bias=False).declare_weights([(None, 7, 5)])]
    [(3, 5, 1), (1, 5, 8)]
    """

    rank = 1
    exact_rank = 3
