"""GlobalAveragePooling2D: the mean of each channel over two spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.global_average_pooling import GlobalAveragePooling


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of each channel over two spatial dimensions.

    Input (batch, height, width, channels), output (batch, channels); channels second where
    `data_format` is "channels_first". Source: `keras.layers.GlobalAveragePooling2D`.

    >>> GlobalAveragePooling2D().output_shapes([(None, 7, 5, 3)])
    ((None, 3),)
    """

    exact_rank = 4
