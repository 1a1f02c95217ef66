"""Conv1DTranspose: transposed convolution over steps in time."""

from __future__ import annotations

from conformance.reference_impl.layers.transposed_convolution import TransposedConvolution


class Conv1DTranspose(TransposedConvolution):
    """activation(overlap_add(x · kernel) + bias) over steps in time.

    Input (batch, steps, channels), output (batch, steps', filters); channels second where `data_format`
    is "channels_first". Source: `keras.layers.Conv1DTranspose`.

    >>> Conv1DTranspose(8, 3, strides=2, output_padding=1).output_shapes([(None, 4, 3)])
    ((None, 10, 8),)
    """

    rank = 1
    exact_rank = 3
