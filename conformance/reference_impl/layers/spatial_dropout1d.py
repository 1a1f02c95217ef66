"""SpatialDropout1D: whole channels of sequences are dropped in training."""

from __future__ import annotations

from conformance.reference_impl.layers.spatial_dropout import SpatialDropout


class SpatialDropout1D(SpatialDropout):
    """Dropout of channels. Input (batch, time, channels). Source: `keras.layers.SpatialDropout1D`.

    >>> SpatialDropout1D(0.5).drawn_shape((2, 3, 4))
    (2, 1, 4)
    """

    exact_rank = 3

    rate = SpatialDropout.rate
    seed = SpatialDropout.seed
    name = SpatialDropout.name
    dtype = SpatialDropout.dtype
