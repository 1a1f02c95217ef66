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

    # By position Keras takes data_format before output_padding here.
    filters, kernel_size = TransposedConvolution.filters, TransposedConvolution.kernel_size
    strides, padding = TransposedConvolution.strides, TransposedConvolution.padding
    data_format, output_padding = TransposedConvolution.data_format, TransposedConvolution.output_padding

    rank = 3
    exact_rank = 5
