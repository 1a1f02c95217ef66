"""Losses of margins: how far predictions are on the right side, with labels −1 and 1."""

from __future__ import annotations

from conformance.reference_impl.losses.loss import Loss, loss_function
from conformance.reference_impl.losses.regression import over_last
from conformance.reference_impl.losses.shapes import refuse_unless_broadcasting
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    largest,
    maximum,
    multiply,
    reshape,
    square,
    subtract,
    total,
)
from conformance.reference_impl.tape import Tensor


@patchable("losses.signed")
def signed(y_true: Tensor) -> Tensor:
    """Labels of which all are 0 or 1 as −1 and 1; others as they are"""
    binary = bool(((y_true.value == 0) | (y_true.value == 1)).all())
    return subtract(multiply(y_true, 2.0), 1.0) if binary else y_true


@patchable("losses.hinged")
def hinged(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """max(1 − y·ŷ, 0), with the derivative −y where it is just 0"""
    refuse_unless_broadcasting(y_true, y_pred, "`y_true` and `y_pred`")
    return maximum(subtract(1.0, multiply(signed(y_true), y_pred)), 0.0)


@loss_function(tensorflow_js="hinge")
def hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """mean max(1 − y·ŷ, 0) along the last axis"""
    return over_last(hinged(y_true, y_pred))


@loss_function(tensorflow_js="squaredHinge")
def squared_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """mean max(1 − y·ŷ, 0)² along the last axis"""
    return over_last(square(hinged(y_true, y_pred)))


@loss_function(tensorflow_js="categoricalHinge")
def categorical_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """max(max (1 − y)·ŷ − Σ y·ŷ + 1, 0) along the last axis, for labels 0 and 1"""
    refuse_unless_broadcasting(y_true, y_pred, "`y_true` and `y_pred`")
    others = multiply(subtract(1.0, y_true), y_pred)
    if not others.shape[-1]:
        raise ValueError(f"`y_pred` has a class at least, got shape {y_pred.shape}")
    nearest = reshape(largest(others, axis=others.ndim - 1), shape=others.shape[:-1])
    own = total(multiply(y_true, y_pred), axis=(others.ndim - 1,))
    return maximum(add(subtract(nearest, own), 1.0), 0.0)


class Hinge(Loss, function=hinge):
    """mean max(1 − y·ŷ, 0), for labels −1 and 1, or 0 and 1. Source: `keras.losses`.

    >>> import numpy as np
    >>> float(Hinge()(np.array([[0.0, 1.0]]), np.array([[-2.0, 0.5]])).value)
    0.25
    """


class SquaredHinge(Loss, function=squared_hinge):
    """mean max(1 − y·ŷ, 0)², for labels −1 and 1, or 0 and 1. Source: `keras.losses`.

    >>> import numpy as np
    >>> float(SquaredHinge()(np.array([[-1.0, 1.0]]), np.array([[-2.0, 0.5]])).value)
    0.125
    """


class CategoricalHinge(Loss, function=categorical_hinge):
    """max(max of the other classes − own class + 1, 0), for one-hot labels (…, classes). Source:
    `keras.losses`.

    >>> import numpy as np
    >>> float(CategoricalHinge()(np.array([[0, 1, 0]]), np.array([[0.25, 0.5, 0.75]])).value)
    1.25
    """
