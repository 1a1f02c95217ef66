"""Losses of numbers: how far predictions are from labels."""

from __future__ import annotations

import math

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.losses.loss import Loss, loss_function
from conformance.reference_impl.losses.shapes import axes_of, refuse_unless_broadcasting, same_rank
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    divide,
    greater_equal,
    log,
    maximum,
    mean,
    minimum,
    multiply,
    negative,
    rsqrt,
    softplus,
    square,
    subtract,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor

EPSILON = 1e-7
"""What Keras keeps denominators and logarithms away from zero by, `keras.config.epsilon()`."""


def together(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the same rank, and shapes that broadcast; raises ValueError where they do not."""
    y_true, y_pred = same_rank(y_true, y_pred)
    refuse_unless_broadcasting(y_true, y_pred, "`y_true` and `y_pred`")
    return y_true, y_pred


def over_last(x: Tensor) -> Tensor:
    """The mean along the last axis."""
    return mean(x, axis=(x.ndim - 1,))


@loss_function("mse", "MSE", tensorflow_js="meanSquaredError")
def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """mean (y − ŷ)² along the last axis"""
    return over_last(square(subtract(*together(y_true, y_pred))))


@loss_function("mae", "MAE", tensorflow_js="meanAbsoluteError")
def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """mean |y − ŷ| along the last axis, with the derivative 0 where they are equal"""
    return over_last(absolute(subtract(*together(y_true, y_pred))))


@loss_function("mape", "MAPE", tensorflow_js="meanAbsolutePercentageError")
def mean_absolute_percentage_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """100·mean |(y − ŷ) / max(|y|, ε)| along the last axis"""
    y_true, y_pred = together(y_true, y_pred)
    ratio = divide(subtract(y_true, y_pred), maximum(absolute(y_true), EPSILON))
    return multiply(over_last(absolute(ratio)), 100.0)


@loss_function("msle", "MSLE", tensorflow_js="meanSquaredLogarithmicError")
def mean_squared_logarithmic_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """mean (ln(max(ŷ, ε) + 1) − ln(max(y, ε) + 1))² along the last axis"""
    y_true, y_pred = together(y_true, y_pred)
    logarithms = [log(add(maximum(y, EPSILON), 1.0)) for y in (y_pred, y_true)]
    return over_last(square(subtract(*logarithms)))


@patchable("losses.normalized")
def normalized(x: Tensor, axis: int | None) -> Tensor:
    """x/√Σx² along an axis; zeros stay zeros, as nothing is multiplied by more than 1/ε"""
    squares = total(square(x), axis=axes_of(axis, x), keepdims=True)
    return multiply(x, minimum(rsqrt(squares), 1 / EPSILON))


@loss_function(tensorflow_js="cosineProximity")
def cosine_similarity(y_true: Tensor, y_pred: Tensor, axis: int | None = -1) -> Tensor:
    """−Σ y·ŷ of y and ŷ brought to length one, along an axis"""
    y_true, y_pred = together(y_true, y_pred)
    products = multiply(normalized(y_true, axis), normalized(y_pred, axis))
    return negative(total(products, axis=axes_of(axis, products)))


@loss_function()
def huber(y_true: Tensor, y_pred: Tensor, delta: float = 1.0) -> Tensor:
    """mean of ½e² where |e| ≤ δ, else δ|e| − ½δ², for e = ŷ − y, along the last axis (Huber 1964)"""
    y_true, y_pred = together(y_true, y_pred)
    error = subtract(y_pred, y_true)
    distance = absolute(error)
    beyond = subtract(multiply(distance, delta), 0.5 * delta**2)
    return over_last(where(greater_equal(delta, distance), multiply(square(error), 0.5), beyond))


@loss_function(tensorflow_js="logcosh")
def log_cosh(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """mean ln cosh(e) = e + softplus(−2e) − ln 2, for e = ŷ − y, along the last axis"""
    y_true, y_pred = together(y_true, y_pred)
    error = subtract(y_pred, y_true)
    return over_last(subtract(add(error, softplus(multiply(error, -2.0))), math.log(2)))


class MeanSquaredError(Loss, function=mean_squared_error):
    """mean (y − ŷ)². Labels and predictions (…, n), a loss for each (…). Source: `keras.losses`.

    >>> import numpy as np
    >>> float(MeanSquaredError()(np.array([[0.0, 1.0]]), np.array([[1.0, 3.0]])).value)
    2.5
    """


class MeanAbsoluteError(Loss, function=mean_absolute_error):
    """mean |y − ŷ|. Labels and predictions (…, n), a loss for each (…). Source: `keras.losses`.

    >>> import numpy as np
    >>> float(MeanAbsoluteError()(np.array([[0.0, 1.0]]), np.array([[1.0, 3.0]])).value)
    1.5
    """


class MeanAbsolutePercentageError(Loss, function=mean_absolute_percentage_error):
    """100·mean |(y − ŷ)/y|, the denominator at least ε. Source: `keras.losses`.

    >>> import numpy as np
    >>> float(MeanAbsolutePercentageError()(np.array([[2.0, 4.0]]), np.array([[3.0, 4.0]])).value)
    25.0
    """


class MeanSquaredLogarithmicError(Loss, function=mean_squared_logarithmic_error):
    """mean (ln(ŷ + 1) − ln(y + 1))², of numbers of at least ε. Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = MeanSquaredLogarithmicError()(np.array([[1.0]]), np.array([[2 * np.e - 1]]))
    >>> round(float(loss.value), 9)
    1.0
    """


class CosineSimilarity(Loss, function=cosine_similarity):
    """Minus the cosine of the angle between labels and predictions. Source: `keras.losses`.

    >>> import numpy as np
    >>> round(float(CosineSimilarity()(np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]])).value), 6)
    -0.6
    """

    axis = field(fields.optional(fields.integer), -1, "the axis along which vectors lie")


class Huber(Loss, function=huber):
    """½e² where |e| ≤ δ, else δ|e| − ½δ² (Huber 1964). Source: `keras.losses`.

    >>> import numpy as np
    >>> float(Huber(delta=2.0)(np.array([[0.0, 0.0]]), np.array([[1.0, 3.0]])).value)
    2.25
    """

    known_as = "huber_loss"

    delta = field(fields.number, 1.0, "where the parabola goes over into a line")


class LogCosh(Loss, function=log_cosh):
    """ln cosh(ŷ − y). Source: `keras.losses`.

    >>> import numpy as np
    >>> round(float(LogCosh()(np.array([[0.0]]), np.array([[1.0]])).value), 6)
    0.433781
    """
