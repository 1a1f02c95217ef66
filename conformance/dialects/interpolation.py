"""What dialects of several backends say of interpolation: sums of pixels that are no finite numbers."""

from __future__ import annotations

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives import where
from conformance.reference_impl.tape import Tensor


def not_finite_as(seen: Array, images: Tensor) -> Tensor:
    """The images, but what has been seen where that is no finite number."""
    lost = (~xp.isfinite(seen)).astype(images.dtype)
    return where(Tensor(lost), Tensor(seen.astype(images.dtype)), images)
