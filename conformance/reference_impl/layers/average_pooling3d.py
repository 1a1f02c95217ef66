"""AveragePooling3D: the mean of each window over three spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.average_pooling import AveragePooling


class AveragePooling3D(AveragePooling):
    """The mean of each window over three spatial dimensions.

    Input (batch, depth, height, width, channels), output (batch, depth', height', width', channels);
    channels second where `data_format` is "channels_first". Source: `keras.layers.AveragePooling3D`.

    >>> AveragePooling3D(2, padding="same").output_shapes([(None, 7, 5, 4, 3)])
    ((None, 4, 3, 2, 3),)
    """

    rank = 3
    exact_rank = 5
