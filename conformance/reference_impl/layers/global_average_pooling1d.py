"""GlobalAveragePooling1D: the mean of each channel over time, of the steps that a mask keeps."""

from __future__ import annotations

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.global_average_pooling import GlobalAveragePooling
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import divide, total, where
from conformance.reference_impl.tape import Tensor


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of each channel over one spatial dimension, NaN where a mask keeps none of its steps.

    Input (batch, steps, channels), mask (batch, steps), output (batch, channels); channels second where
    `data_format` is "channels_first". Source: `keras.layers.GlobalAveragePooling1D`.

    >>> GlobalAveragePooling1D().output_shapes([(None, 7, 3)])
    ((None, 3),)
    """

    exact_rank = 3
    refuses_in_call = True

    def pooled(self, x: Tensor, axis: int, context: Context) -> Tensor:
        mask = heeded_mask(context)
        if mask is None:
            return super().pooled(x, axis, context)
        if mask.shape != (x.shape[0], x.shape[axis]):
            raise ValueError(
                f"GlobalAveragePooling1D takes a mask of shape (batch, steps), got {mask.shape} for an input "
                f"of shape {x.shape}"
            )
        kept = Tensor(xp.expand_dims(mask, 3 - axis).astype(x.dtype))
        count = total(kept, axis=(axis,), keepdims=True)
        return divide(total(where(kept, x, 0.0), axis=(axis,), keepdims=True), count)


@patchable("layers.GlobalAveragePooling1D.heeded_mask")
def heeded_mask(context: Context) -> Array | None:
    """The mask of the steps that count"""
    return context.masks[0] if context.masks else None
