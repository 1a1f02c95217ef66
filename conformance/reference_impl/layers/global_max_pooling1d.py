"""GlobalMaxPooling1D: the largest element of each channel over one spatial dimension."""

from __future__ import annotations

from conformance.reference_impl.layers.global_max_pooling import GlobalMaxPooling


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest element of each channel over one spatial dimension.

    Input (batch, steps, channels), output (batch, channels); channels second where
    `data_format` is "channels_first". Source: `keras.layers.GlobalMaxPooling1D`.

    >>> GlobalMaxPooling1D().output_shapes([(None, 7, 3)])
    ((None, 3),)
    """

    exact_rank = 3
