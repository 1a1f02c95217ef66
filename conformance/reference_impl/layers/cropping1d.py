"""Cropping1D: less of one spatial dimension."""

from __future__ import annotations

from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.cropping import Cropping
from conformance.reference_impl.layers.spatial import pairs


class Cropping1D(Cropping):
    """Elements taken away at both ends of one spatial dimension.

    Input (batch, steps, channels), output of the same axes. Source: `keras.layers.Cropping1D`.

    >>> Cropping1D((1, 2)).output_shapes([(None, 7, 3)])
    ((None, 4, 3),)
    """

    rank = 1
    exact_rank = 3

    cropping = field(pairs(1), 1, "how many elements are taken away before and after")
