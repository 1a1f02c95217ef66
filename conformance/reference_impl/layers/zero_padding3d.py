"""ZeroPadding3D: zeros around three spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.spatial import pairs
from conformance.reference_impl.layers.zero_padding import ZeroPadding


class ZeroPadding3D(ZeroPadding):
    """Zeros at both ends of three spatial dimensions.

    Input (batch, depth, height, width, channels), output of the same axes; channels second
    where `data_format` is "channels_first". Source: `keras.layers.ZeroPadding3D`.

    >>> ZeroPadding3D(((1, 2), 0, 1)).output_shapes([(None, 7, 6, 5, 3)])
    ((None, 10, 6, 7, 3),)
    """

    rank = 3
    exact_rank = 5

    padding = field(pairs(3), 1, "how many zeros before and after a dimension")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
