"""Losses of masks: how little predictions and labels overlap."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.losses.loss import Loss, loss_function, reduction_field
from conformance.reference_impl.losses.regression import EPSILON
from conformance.reference_impl.losses.shapes import axes_of, refuse_unless_alike
from conformance.reference_impl.primitives import add, divide, multiply, subtract, total
from conformance.reference_impl.tape import Tensor

Axis = int | Sequence[int] | None


@loss_function()
def dice(y_true: Tensor, y_pred: Tensor, axis: Axis = None) -> Tensor:
    """1 − 2Σ y·ŷ / (Σy + Σŷ + ε) along the axes, or all of them (Dice 1945)"""
    refuse_unless_alike(y_true, y_pred)
    along = axes_of(axis, y_pred)
    intersection = total(multiply(y_true, y_pred), axis=along)
    both = add(total(y_true, axis=along), total(y_pred, axis=along))
    return subtract(1.0, divide(multiply(intersection, 2.0), add(both, EPSILON)))


@loss_function()
def tversky(
    y_true: Tensor, y_pred: Tensor, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Tensor:
    """1 − Σ y·ŷ / (Σ y·ŷ + α·Σ y·(1 − ŷ) + β·Σ (1 − y)·ŷ + ε) along the axes (Salehi et al. 2017)"""
    refuse_unless_alike(y_true, y_pred)
    along = axes_of(axis, y_pred)
    intersection = total(multiply(y_true, y_pred), axis=along)
    missed = total(multiply(subtract(1.0, y_pred), y_true), axis=along)
    false = total(multiply(y_pred, subtract(1.0, y_true)), axis=along)
    weighed = add(add(intersection, multiply(missed, alpha)), multiply(false, beta))
    return subtract(1.0, divide(intersection, add(weighed, EPSILON)))


axes = fields.optional(fields.axes)


class Dice(Loss, function=dice):
    """1 − 2Σ y·ŷ / (Σy + Σŷ): one loss for the whole batch, unless axes are named. Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = Dice()(np.array([[1.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]))
    >>> round(float(loss.value), 6)
    0.333333
    """

    reduction = reduction_field()
    name = field(fields.optional(fields.text), None, "a name, that of the class where none is given")
    axis = field(axes, None, "the axes of the sums, all for None")


class Tversky(Loss, function=tversky):
    """1 − Σ y·ŷ / (Σ y·ŷ + α·Σ y·(1 − ŷ) + β·Σ (1 − y)·ŷ). Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = Tversky(alpha=1.0)(np.array([[1.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]))
    >>> round(float(loss.value), 6)
    0.5
    """

    alpha = field(fields.number, 0.5, "the weight of what is missed")
    beta = field(fields.number, 0.5, "the weight of what is predicted wrongly")
    reduction = reduction_field()
    name = field(fields.optional(fields.text), None, "a name, that of the class where none is given")
    axis = field(axes, None, "the axes of the sums, all for None")
