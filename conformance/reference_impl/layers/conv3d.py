"""Conv3D: convolution over three spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.convolution import Convolution


class Conv3D(Convolution):
    """activation(windows(x) · kernel + bias) over depth, height and width.

    Input (batch, depth, height, width, channels), output (batch, depth', height', width', filters); channels
    second where `data_format` is "channels_first". Source: `keras.layers.Conv3D`.

    >>> Conv3D(8, (3, 2, 1), padding="same", strides=(1, 2, 3)).output_shapes([(None, 4, 7, 5, 3)])
    ((None, 4, 4, 2, 8),)
    """

    rank = 3
    exact_rank = 5
