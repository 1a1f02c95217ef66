"""Cropping2D: less of two spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.cropping import Cropping
from conformance.reference_impl.layers.spatial import pairs


class Cropping2D(Cropping):
    """Elements taken away at both ends of two spatial dimensions.

    Input (batch, height, width, channels), output of the same axes; channels second
    where `data_format` is "channels_first". Source: `keras.layers.Cropping2D`.

    >>> Cropping2D(((1, 2), 0)).output_shapes([(None, 7, 6, 3)])
    ((None, 4, 6, 3),)
    """

    rank = 2
    exact_rank = 4

    cropping = field(pairs(2), 0, "how many elements are taken away before and after")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
