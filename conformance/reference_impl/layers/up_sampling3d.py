"""UpSampling3D: each element several times along three spatial dimensions."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.up_sampling import UpSampling


class UpSampling3D(UpSampling):
    """Each element several times along three spatial dimensions.

    Input (batch, depth, height, width, channels), output of the same axes; channels second
    where `data_format` is "channels_first". Source: `keras.layers.UpSampling3D`.

    >>> UpSampling3D((2, 1, 3)).output_shapes([(None, 7, 6, 5, 3)])
    ((None, 14, 6, 15, 3),)
    """

    rank = 3
    exact_rank = 5

    size = field(fields.positive_integers, 2, "how often each element comes")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
