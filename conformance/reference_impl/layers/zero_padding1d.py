"""ZeroPadding1D: zeros around one spatial dimension."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.spatial import pairs
from conformance.reference_impl.layers.zero_padding import ZeroPadding


class ZeroPadding1D(ZeroPadding):
    """Zeros at both ends of one spatial dimension.

    Input (batch, steps, channels), output of the same axes; channels second
    where `data_format` is "channels_first". Source: `keras.layers.ZeroPadding1D`.

    >>> ZeroPadding1D((1, 2)).output_shapes([(None, 7, 3)])
    ((None, 10, 3),)
    """

    rank = 1
    exact_rank = 3

    padding = field(pairs(1), 1, "how many zeros before and after a dimension")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
