"""Conv2DTranspose: transposed convolution over height and width."""

from __future__ import annotations

from conformance.reference_impl.layers.transposed_convolution import TransposedConvolution


class Conv2DTranspose(TransposedConvolution):
    """activation(overlap_add(x · kernel) + bias) over height and width.

    Input (batch, height, width, channels), output (batch, height', width', filters); channels second
    where `data_format` is "channels_first". Source: `keras.layers.Conv2DTranspose`.

    >>> Conv2DTranspose(8, 3, strides=2, padding="same").output_shapes([(None, 4, 5, 3)])
    ((None, 8, 10, 8),)
    """

    rank = 2
    exact_rank = 4
