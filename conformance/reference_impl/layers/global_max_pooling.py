"""What global max pooling of every rank shares."""

from __future__ import annotations

from conformance.reference_impl.layers.global_pooling import GlobalPooling
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import largest
from conformance.reference_impl.tape import Tensor


class GlobalMaxPooling(GlobalPooling, registered=False):
    """The largest element of each channel; elements that tie share the gradient."""

    def pooled(self, x: Tensor, axis: int, context: Context) -> Tensor:
        return largest_place(x, axis)


@patchable("layers.GlobalMaxPooling.largest_place")
def largest_place(x: Tensor, axis: int) -> Tensor:
    """The largest element along the axis of all places"""
    return largest(x, axis=axis)
