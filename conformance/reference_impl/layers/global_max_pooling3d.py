"""GlobalMaxPooling3D: the largest element of each channel over three spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.global_max_pooling import GlobalMaxPooling


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest element of each channel over three spatial dimensions.

    Input (batch, depth, height, width, channels), output (batch, channels); channels second where
    `data_format` is "channels_first". Source: `keras.layers.GlobalMaxPooling3D`.

    >>> GlobalMaxPooling3D().output_shapes([(None, 7, 5, 4, 3)])
    ((None, 3),)
    """

    exact_rank = 5
