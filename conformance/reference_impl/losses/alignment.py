"""The loss of sequences whose labels are not aligned with their steps."""

from __future__ import annotations

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.losses.loss import Loss, loss_function
from conformance.reference_impl.losses.similarity import NOTHING
from conformance.reference_impl.primitives import (
    add,
    concatenate,
    greater,
    log_softmax,
    log_sum_exp,
    negative,
    reshape,
    take,
    take_slice,
    where,
)
from conformance.reference_impl.tape import Tensor, constant

BLANK = 0
"""The class of no label, and what pads labels."""


@loss_function()
def ctc(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """−ln of the probability that some alignment gives the labels (Graves et al. 2006)"""
    if y_true.ndim != 2:
        raise ValueError(f"`y_true` holds labels as (batch, length), got shape {y_true.shape}")
    if y_pred.ndim != 3 or len(y_pred.value) != len(y_true.value):
        raise ValueError(
            f"`y_pred` holds logits as (batch, steps, classes) for the {len(y_true.value)} lines of labels, "
            f"got shape {y_pred.shape}"
        )
    labels = y_true.value.astype(xp.int64)
    if ((labels < 0) | (labels >= y_pred.shape[-1])).any():
        raise ValueError(f"`y_true` holds labels from 0 to {y_pred.shape[-1] - 1}, got {labels.tolist()}")
    return _unlikelihood(log_softmax(y_pred, axis=2), labels)


def _unlikelihood(log_p: Tensor, labels: Array) -> Tensor:
    """By the forward variables αₜ(s) = (αₜ₋₁(s) + αₜ₋₁(s−1) + αₜ₋₁(s−2))·pₜ(s), as logarithms.

    The states s are the labels with a blank before, between and behind them. The last summand is there only
    for a label that differs from the one before it.
    """
    batch, steps, classes = log_p.shape
    states = xp.full((batch, 2 * labels.shape[1] + 1), BLANK)
    states[:, 1::2] = labels
    rows = (xp.arange(batch)[:, None] * steps + xp.arange(steps)[:, None, None]) * classes
    emitted = take(reshape(log_p, shape=(log_p.size,)), indices=rows + states)
    skips = states != BLANK
    skips[:, 2:] &= states[:, 2:] != states[:, :-2]
    # What cannot be reached is kept at nothing exactly: of roundings of it nothing would be known.
    reached = xp.broadcast_to(xp.arange(states.shape[1]) < 2, states.shape)
    alpha = where(_indicator(reached, log_p), take_slice(emitted, key=(0,)), NOTHING)
    for step in range(1, steps):
        skipped = where(_indicator(skips, log_p), _shifted(alpha, 2), NOTHING)
        reached = reached | _behind(reached, 1) | (_behind(reached, 2) & skips)
        sums = add(_log_sum([alpha, _shifted(alpha, 1), skipped]), take_slice(emitted, key=(step,)))
        alpha = where(_indicator(reached, log_p), sums, NOTHING)
    last = 2 * (labels != BLANK).sum(axis=1, keepdims=True)
    ends = xp.arange(states.shape[1]) >= last - 1
    ends &= xp.arange(states.shape[1]) <= last
    at_ends = where(_indicator(ends & reached, log_p), alpha, NOTHING)
    loss = negative(reshape(log_sum_exp(at_ends, axis=1), shape=(batch,)))
    # No alignment at all: more labels than steps.
    return where(greater(loss, -NOTHING / 2), constant(xp.inf, loss), loss)


def _indicator(states: Array, like: Tensor) -> Tensor:
    return Tensor(xp.asarray(states).astype(like.dtype))


def _behind(states: Array, by: int) -> Array:
    """Whether the state so many before is one of them."""
    behind = xp.zeros(states.shape, bool)
    behind[:, by:] = states[:, : states.shape[1] - by]
    return behind


def _shifted(alpha: Tensor, by: int) -> Tensor:
    """The variables of the states so many before, none for the first ones."""
    by = min(by, alpha.shape[1])
    none = Tensor(xp.full((alpha.shape[0], by), NOTHING, alpha.dtype))
    before = take_slice(alpha, key=(slice(None), slice(0, alpha.shape[1] - by)))
    return concatenate(none, before, axis=1)


def _log_sum(terms: list[Tensor]) -> Tensor:
    """ln Σ eˣ of a few tensors, element by element."""
    stacked = concatenate(*(reshape(x, shape=(1, *x.shape)) for x in terms), axis=0)
    return reshape(log_sum_exp(stacked, axis=0), shape=terms[0].shape)


class CTC(Loss, function=ctc):
    """−ln of the probability of a sequence of labels (Graves et al. 2006). Labels (batch, length) from 1,
    padded with 0, which is the blank; logits (batch, steps, classes). Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = CTC()(np.array([[1]]), np.zeros((1, 2, 2)))  # 11, 01 and 10 of four
    >>> round(float(loss.value), 6)
    0.287682
    """
