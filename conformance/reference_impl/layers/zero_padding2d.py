"""ZeroPadding2D: zeros around two spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.spatial import pairs
from conformance.reference_impl.layers.zero_padding import ZeroPadding


class ZeroPadding2D(ZeroPadding):
    """Zeros at both ends of two spatial dimensions.

    Input (batch, height, width, channels), output of the same axes; channels second
    where `data_format` is "channels_first". Source: `keras.layers.ZeroPadding2D`.

    >>> ZeroPadding2D(((1, 2), 0)).output_shapes([(None, 7, 6, 3)])
    ((None, 10, 6, 3),)
    """

    rank = 2
    exact_rank = 4

    padding = field(pairs(2), 1, "how many zeros before and after a dimension")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
