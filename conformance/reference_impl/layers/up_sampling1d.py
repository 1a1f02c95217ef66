"""UpSampling1D: each step several times."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.up_sampling import UpSampling


class UpSampling1D(UpSampling):
    """Each element several times along one spatial dimension.

    Input (batch, steps, channels), output of the same axes. Source: `keras.layers.UpSampling1D`.

    >>> UpSampling1D(3).output_shapes([(None, 7, 3)])
    ((None, 21, 3),)
    """

    rank = 1
    exact_rank = 3

    size = field(fields.positive_integer, 2, "how often each step comes")
