"""Cropping3D: less of three spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.cropping import Cropping
from conformance.reference_impl.layers.spatial import pairs


class Cropping3D(Cropping):
    """Elements taken away at both ends of three spatial dimensions.

    Input (batch, depth, height, width, channels), output of the same axes; channels second
    where `data_format` is "channels_first". Source: `keras.layers.Cropping3D`.

    >>> Cropping3D(((1, 2), 0, 1)).output_shapes([(None, 7, 6, 5, 3)])
    ((None, 4, 6, 3, 3),)
    """

    rank = 3
    exact_rank = 5

    cropping = field(pairs(3), 1, "how many elements are taken away before and after")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
