"""Metrics of correlation: how predictions vary with labels."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.losses.regression import EPSILON, together
from conformance.reference_impl.losses.shapes import axes_of
from conformance.reference_impl.metrics.metric import dtype_field, metric_function, name_field
from conformance.reference_impl.metrics.reduction import MeanOfFunction
from conformance.reference_impl.primitives import add, divide, mean, multiply, sqrt, square, subtract
from conformance.reference_impl.tape import Tensor


def _average(x: Tensor, axis: int) -> Tensor:
    return mean(x, axis=axes_of(axis, x), keepdims=True)


def _variance(x: Tensor, axis: int) -> Tensor:
    return _average(square(subtract(x, _average(x, axis))), axis)


@metric_function
def pearson_correlation(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """Pearson's r, the covariance over both standard deviations, along an axis"""
    centred = [subtract(x, _average(x, axis)) for x in together(y_true, y_pred)]
    y_true, y_pred = (divide(x, sqrt(_variance(x, axis))) for x in centred)
    products = multiply(y_true, y_pred)
    return mean(products, axis=axes_of(axis, products))


@metric_function
def concordance_correlation(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """2·covariance / (both variances + (difference of means)² + ε), along an axis (Lin 1989)"""
    y_true, y_pred = together(y_true, y_pred)
    of_true, of_pred = _average(y_true, axis), _average(y_pred, axis)
    # Around any number the deviations of labels have the same covariance with those of predictions.
    products = multiply(subtract(y_true, of_pred), subtract(y_pred, of_pred))
    variances = [_variance(subtract(x, m), axis) for x, m in ((y_true, of_true), (y_pred, of_pred))]
    norm = add(add(add(*variances), square(subtract(of_true, of_pred))), EPSILON)
    ratio = divide(multiply(products, 2.0), norm)
    return mean(ratio, axis=axes_of(axis, ratio))


class PearsonCorrelation(MeanOfFunction, function=pearson_correlation, direction="up"):
    """Pearson's r of each sample, averaged. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = PearsonCorrelation()(np.array([[0.0, 1.0, 2.0]]), np.array([[4.0, 2.0, 0.0]]))
    >>> round(float(metric.value), 6)
    -1.0
    """

    name = name_field()
    dtype = dtype_field()
    axis = field(fields.integer, -1, "the axis of a sample")


class ConcordanceCorrelation(MeanOfFunction, function=concordance_correlation, direction="up"):
    """How well predictions lie on the line ŷ = y (Lin 1989). Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = ConcordanceCorrelation()(np.array([[0.0, 1.0, 2.0]]), np.array([[1.0, 2.0, 3.0]]))
    >>> round(float(metric.value), 6)
    0.571429
    """

    name = name_field()
    dtype = dtype_field()
    axis = field(fields.integer, -1, "the axis of a sample")
