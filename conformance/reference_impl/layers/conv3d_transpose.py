"""Conv3DTranspose: transposed convolution over depth, height and width."""

from __future__ import annotations

from conformance.reference_impl.layers.transposed_convolution import TransposedConvolution


class Conv3DTranspose(TransposedConvolution):
    """activation(overlap_add(x · kernel) + bias) over depth, height and width.

    Input (batch, depth, height, width, channels), output (batch, depth', height', width', filters);
    channels second where `data_format` is "channels_first". Source: `keras.layers.Conv3DTranspose`.

    >>> Conv3DTranspose(8, (1, 2, 3)).output_shapes([(None, 4, 5, 6, 3)])
    ((None, 4, 6, 8, 8),)
    """

    rank = 3
    exact_rank = 5
