"""From a loss for each sample to one number: weights, masks, and the reductions.

Source: `reduce_weighted_values` of Keras (`keras/src/losses/loss.py`).
"""

from __future__ import annotations

from conformance.reference_impl.losses.shapes import refuse_unless_broadcasting, same_rank
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import absolute, divide, greater, multiply, total, where
from conformance.reference_impl.tape import Tensor, constant

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
"""`sum_over_batch_size` and `mean` are the same; so are `none` and None."""

AVERAGES = ("sum_over_batch_size", "mean")


def divide_no_nan(x: Tensor, y: Tensor) -> Tensor:
    """x/y, and 0 where y is 0."""
    nonzero = greater(absolute(y), 0.0)
    return where(nonzero, divide(x, where(nonzero, y, 1.0)), 0.0)


def everything(x: Tensor) -> Tensor:
    """The sum over all axes, a scalar."""
    return total(x, axis=tuple(range(x.ndim)))


@patchable("losses.reduced")
def reduced(
    values: Tensor, reduction: str | None, sample_weight: Tensor | None = None, mask: Tensor | None = None
) -> Tensor:
    """The weighted losses, reduced to a scalar unless the reduction is `none`

    Args:
        values: a loss for each sample, or for each of its time steps.
        reduction: one of `REDUCTIONS`. Averages divide by the number of losses, or by the number of those
            that the mask keeps; `mean_with_sample_weight` divides by the sum of the weights.
        sample_weight: weights that broadcast to the losses, but for a last axis of size one.
        mask: likewise, 0 for a loss that does not count.

    Raises:
        ValueError: weights or mask do not broadcast.
    """
    weight = masked(sample_weight, mask, averaged=reduction in AVERAGES)
    if weight is not None:
        values, weight = same_rank(values, weight)
        refuse_unless_broadcasting(values, weight, "losses and `sample_weight`")
        values = multiply(values, weight)
    if reduction in ("none", None) or values.shape in ((), (0,)):
        return values
    added = everything(values)
    if reduction == "sum":
        return added
    if reduction == "mean_with_sample_weight" and weight is not None:
        return divide_no_nan(added, everything(weight))
    return multiply(added, 1 / values.size) if values.size else added


def masked(sample_weight: Tensor | None, mask: Tensor | None, *, averaged: bool) -> Tensor | None:
    """The weights, 0 where the mask is. Before an average over all losses those that are left are made as
    much larger as there are fewer of them."""
    if mask is None:
        return sample_weight
    if averaged:
        larger = divide_no_nan(constant(float(mask.size), mask), everything(mask))
        mask = where(mask, larger, 0.0)
    if sample_weight is None:
        return mask
    mask, sample_weight = same_rank(mask, sample_weight)
    refuse_unless_broadcasting(mask, sample_weight, "mask and `sample_weight`")
    return multiply(sample_weight, mask)
