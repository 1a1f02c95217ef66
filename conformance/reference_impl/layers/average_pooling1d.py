"""AveragePooling1D: the mean of each window over one spatial dimension."""

from __future__ import annotations

from conformance.reference_impl.layers.average_pooling import AveragePooling


class AveragePooling1D(AveragePooling):
    """The mean of each window over one spatial dimension.

    Input (batch, steps, channels), output (batch, steps', channels); channels second
    where `data_format` is "channels_first". Source: `keras.layers.AveragePooling1D`.

    >>> AveragePooling1D(2, padding="same").output_shapes([(None, 7, 3)])
    ((None, 4, 3),)
    """

    rank = 1
    exact_rank = 3
