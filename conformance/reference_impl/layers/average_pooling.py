"""What average pooling of every rank shares."""

from __future__ import annotations

from conformance.reference_impl.layers.pooling import Pooling
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import multiply, total
from conformance.reference_impl.tape import Tensor, constant


class AveragePooling(Pooling, registered=False):
    """The mean of each window, of what lies inside of the input."""

    @patchable("layers.AveragePooling.pooled")
    def pooled(self, x: Tensor) -> Tensor:
        """The mean of each window: (batch, *spatial, channels) → (batch, *positions, channels)"""
        taps = self.taps(x)
        axis = taps.ndim - 2
        count = self.inside(x).value.sum(axis=axis)
        return multiply(total(taps, axis=(axis,)), constant(1 / count, taps))
