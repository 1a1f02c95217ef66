"""What global average pooling of every rank shares."""

from __future__ import annotations

from conformance.reference_impl.layers.global_pooling import GlobalPooling
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.layers.moments import averaged
from conformance.reference_impl.tape import Tensor


class GlobalAveragePooling(GlobalPooling, registered=False):
    """The mean of each channel."""

    def pooled(self, x: Tensor, axis: int, context: Context) -> Tensor:
        return averaged(x, (axis,))
