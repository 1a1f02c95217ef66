"""MaxPooling3D: the largest number of each window over three spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.max_pooling import MaxPooling


class MaxPooling3D(MaxPooling):
    """The largest number of each window over three spatial dimensions.

    Input (batch, depth, height, width, channels), output (batch, depth', height', width', channels);
    channels second where `data_format` is "channels_first". Source: `keras.layers.MaxPooling3D`.

    >>> MaxPooling3D(2, padding="same").output_shapes([(None, 7, 5, 4, 3)])
    ((None, 4, 3, 2, 3),)
    """

    rank = 3
    exact_rank = 5
