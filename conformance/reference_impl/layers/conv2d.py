"""Conv2D: convolution over two spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.convolution import Convolution


class Conv2D(Convolution):
    """activation(windows(x) · kernel + bias) over height and width.

    Input (batch, height, width, channels), output (batch, height', width', filters); channels second
    where `data_format` is "channels_first". Source: `keras.layers.Conv2D`.

    >>> Conv2D(8, 3, padding="same", strides=2).output_shapes([(None, 7, 5, 3)])
    ((None, 4, 3, 8),)
    """

    rank = 2
    exact_rank = 4
