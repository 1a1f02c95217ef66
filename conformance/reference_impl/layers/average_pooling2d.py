"""AveragePooling2D: the mean of each window over two spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.average_pooling import AveragePooling


class AveragePooling2D(AveragePooling):
    """The mean of each window over two spatial dimensions.

    Input (batch, height, width, channels), output (batch, height', width', channels); channels second
    where `data_format` is "channels_first". Source: `keras.layers.AveragePooling2D`.

    >>> AveragePooling2D(2, padding="same").output_shapes([(None, 7, 5, 3)])
    ((None, 4, 3, 3),)
    """

    rank = 2
    exact_rank = 4
