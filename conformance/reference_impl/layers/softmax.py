"""Softmax: positive numbers that sum to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import activations, fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, refuse_integers
from conformance.reference_impl.layers.spanned_axes import check_axes
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, exp, largest, log, subtract, total, where
from conformance.reference_impl.tape import Tensor, detached

MASKED = -1e9
"""What Keras puts in the place of a masked element."""


class Softmax(Layer):
    """exp(x) / Σ exp(x) along an axis or several; masked elements are 0. Source: `keras.layers.Softmax`."""

    supports_masking = True
    refuses_in_call = True

    axis = field(fields.axes, -1, "the axis or axes of the sum")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        check_axes(self.axis, shapes[0])

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        refuse_integers(self, x)
        mask = context.masks[0] if context.masks else None
        kept = None if mask is None else spread(mask, x)
        if kept is not None:
            x = hidden(x, kept)
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        y = activations.softmax(x, axis=axes[0]) if len(axes) == 1 else over_axes(x, axes)
        return Result((y if kept is None else zeroed(y, kept),))


@patchable("layers.Softmax.spread")
def spread(mask: Array, x: Tensor) -> Tensor:
    """A mask as numbers in the shape of the input; raises ValueError where it does not broadcast to it"""
    shapes = zip(reversed(mask.shape), reversed(x.shape), strict=False)
    if mask.ndim > x.ndim or any(m not in (1, n) for m, n in shapes):
        raise ValueError(
            f"Softmax takes a mask that broadcasts to its input, got {mask.shape} for an input of shape "
            f"{x.shape}"
        )
    return Tensor(xp.broadcast_to(mask, x.shape).astype(x.dtype))


@patchable("layers.Softmax.hidden")
def hidden(x: Tensor, kept: Tensor) -> Tensor:
    """The input with masked elements so low that they count for nothing"""
    return where(kept, x, MASKED)


@patchable("layers.Softmax.zeroed")
def zeroed(y: Tensor, kept: Tensor) -> Tensor:
    """The output with zeros for masked elements"""
    return where(kept, y, 0.0)


@patchable("layers.Softmax.subtracted")
def subtracted(x: Tensor, along: Sequence[int]) -> Tensor:
    """What is subtracted before numbers are exponentiated: the largest of them, which has no gradient"""
    top = x
    for axis in along:
        top = largest(top, axis=axis)
    return detached(top)


def over_axes(x: Tensor, axes: Sequence[int]) -> Tensor:
    """exp(x − logsumexp(x)) over several axes."""
    along = tuple(axis % x.ndim for axis in axes)
    top = subtracted(x, along)
    log_sum = add(log(total(exp(subtract(x, top)), axis=along, keepdims=True)), top)
    return exp(subtract(x, log_sum))
