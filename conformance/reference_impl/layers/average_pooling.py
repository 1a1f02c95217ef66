"""What average pooling of every rank shares."""

from __future__ import annotations

from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers.pooling import Pooling
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import multiply, total
from conformance.reference_impl.tape import Tensor, constant


class AveragePooling(Pooling, registered=False):
    """The mean of each window, of what lies inside of the input."""

    def pooled(self, x: Tensor) -> Tensor:
        inside = self.taps(Tensor(xp.ones((1, *x.shape[1:-1], 1), x.dtype)))
        return mean_of_taps(self, self.taps(x), inside)


@patchable("layers.AveragePooling.mean_of_taps")
def mean_of_taps(layer: AveragePooling, taps: Tensor, inside: Tensor) -> Tensor:
    """The sum of each window (…, taps, channels) times the reciprocal of how many of them are inside"""
    axis = taps.ndim - 2
    count = inside.value.sum(axis=axis)
    return multiply(total(taps, axis=(axis,)), constant(1 / count, taps))
