"""What max pooling of every rank shares."""

from __future__ import annotations

import math

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.pooling import Pooling, framed
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import largest_in_windows, where
from conformance.reference_impl.tape import Tensor


class MaxPooling(Pooling, registered=False):
    """The largest number of each window; NaN is passed over, and a window of nothing else gives −∞.

    Of elements that tie, the first in row-major order gets the gradient. Keras says nothing of either:
    both are what TensorFlow's MaxPool does on a CPU, and TensorFlow.js as well.
    """

    pool_size = field(fields.positive_integers, 2, "size of the window")

    @patchable("layers.MaxPooling.pooled")
    def pooled(self, x: Tensor) -> Tensor:
        """The largest number of each window: (batch, *spatial, channels) → (batch, *positions, channels)"""
        if self.padding == "same":
            inside = framed(self, Tensor(xp.ones((1, *x.shape[1:-1], 1), x.dtype)))
            x = where(inside, framed(self, x), math.nan)
        return largest_in_windows(x, size=self.pool_size, strides=self.strides)
