"""GlobalMaxPooling2D: the largest element of each channel over two spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl.layers.global_max_pooling import GlobalMaxPooling


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest element of each channel over two spatial dimensions.

    Input (batch, height, width, channels), output (batch, channels); channels second where
    `data_format` is "channels_first". Source: `keras.layers.GlobalMaxPooling2D`.

    >>> GlobalMaxPooling2D().output_shapes([(None, 7, 5, 3)])
    ((None, 3),)
    """

    exact_rank = 4
