"""SpatialDropout2D: whole channels of images are dropped in training."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.spatial_dropout import SpatialDropout


class SpatialDropout2D(SpatialDropout):
    """Dropout of channels. Input (batch, *spatial, channels), or (batch, channels, *spatial).

    Source: `keras.layers.SpatialDropout2D`.

    >>> SpatialDropout2D(0.5).drawn_shape((2, 3, 4, 5))
    (2, 1, 1, 5)
    """

    exact_rank = 4

    rate = SpatialDropout.rate
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
    seed = SpatialDropout.seed
    name = SpatialDropout.name
    dtype = SpatialDropout.dtype
