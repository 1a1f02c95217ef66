"""Accuracy: how often predictions are right."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.losses.shapes import refuse_unless_broadcasting, same_rank
from conformance.reference_impl.metrics.metric import dtype_field, metric_function, name_field
from conformance.reference_impl.metrics.reduction import MeanOfFunction
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    greater,
    greater_equal,
    largest,
    multiply,
    reshape,
    take,
    take_slice,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor


def equal(x: Tensor, y: Tensor) -> Tensor:
    """1 where they are equal, else 0."""
    refuse_unless_broadcasting(x, y, "`y_true` and `y_pred`")
    return multiply(greater_equal(x, y), greater_equal(y, x))


@metric_function
def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where ŷ = y, else 0"""
    return equal(*same_rank(y_true, y_pred))


@metric_function
def binary_accuracy(y_true: Tensor, y_pred: Tensor, threshold: float = 0.5) -> Tensor:
    """1 where y is 1 and ŷ above the threshold, or 0 and not, else 0"""
    y_true, y_pred = same_rank(y_true, y_pred)
    return equal(y_true, greater(y_pred, threshold))


@patchable("metrics.argmax")
def argmax(x: Array, axis: int = -1) -> Array:
    """The index of the largest, the first of several; NaN is passed over, as Keras on TensorFlow does it"""
    return xp.argmax(xp.where(xp.isnan(x), -xp.inf, x), axis=axis)


def first_largest(x: Tensor) -> tuple[Array, Array]:
    """The index of the largest element of each line along the last axis, the first of several, and whether
    errors might make it another."""
    chosen = argmax(x.value)
    if x.error is None:
        return chosen, xp.zeros(chosen.shape, bool)
    least = xp.take_along_axis(x.value - x.error, chosen[..., None], -1)
    rivals = (x.value + x.error >= least) & (xp.arange(x.shape[-1]) != chosen[..., None])
    return chosen, rivals.any(axis=-1)


def _matches(labels: Array, chosen: Array, uncertain: Array, like: Tensor) -> Tensor:
    error = uncertain.astype(like.dtype) if uncertain.any() else None
    return Tensor((labels == chosen).astype(like.dtype), error)


@metric_function
def categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest of ŷ is the largest of y along the last axis, else 0"""
    labels, _ = first_largest(y_true)
    chosen, uncertain = first_largest(y_pred)
    if labels.shape != chosen.shape:
        raise ValueError(
            f"`y_true` and `y_pred` have the same shape but for the last axis, got {y_true.shape} and "
            f"{y_pred.shape}"
        )
    return _matches(labels, chosen, uncertain, y_pred)


@metric_function
def sparse_categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest of ŷ along the last axis is at the label, else 0"""
    labels = y_true.value
    if y_true.ndim == y_pred.ndim and labels.shape[-1] == 1:
        labels = labels[..., 0]
    chosen, uncertain = first_largest(y_pred)
    if labels.shape != chosen.shape:
        raise ValueError(
            f"`y_true` has a label for each line of classes of `y_pred`, shape {chosen.shape}; got "
            f"{y_true.shape}"
        )
    matches = _matches(labels, chosen, uncertain, y_pred)
    return (
        reshape(matches, shape=matches.shape[:-1]) if matches.ndim > 1 and matches.shape[-1] == 1 else matches
    )


def _in_top(labels: Array, y_pred: Tensor, k: int) -> Tensor:
    """1 where fewer than k of a line's elements are above that of the label, and all are finite."""
    classes = y_pred.shape[-1]
    inside = (labels >= 0) & (labels < classes)
    lines = xp.arange(labels.size).reshape(labels.shape) * classes
    own = take(reshape(y_pred, shape=(y_pred.size,)), indices=lines + xp.where(inside, labels, 0))
    above = total(greater(y_pred, reshape(own, shape=(*own.shape, 1))), axis=(y_pred.ndim - 1,))
    among = greater(float(k), above)
    counted = inside & xp.isfinite(y_pred.value).all(axis=-1)
    return where(Tensor(counted.astype(y_pred.dtype)), among, 0.0)


def _refuse_other_labels(labels: Array, y_pred: Tensor) -> None:
    if labels.shape != y_pred.shape[:-1]:
        raise ValueError(
            f"there is a label for each line of classes of `y_pred`, shape {y_pred.shape[:-1]}; got "
            f"{labels.shape}"
        )


@metric_function
def top_k_categorical_accuracy(y_true: Tensor, y_pred: Tensor, k: int = 5) -> Tensor:
    """1 where the largest of y is among the k largest of ŷ, ties included, else 0"""
    labels, _ = first_largest(y_true)
    _refuse_other_labels(labels, y_pred)
    return _in_top(labels, y_pred, k)


@metric_function
def sparse_top_k_categorical_accuracy(
    y_true: Tensor, y_pred: Tensor, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the label is among the k largest of ŷ, or of ids sorted by score among the first k, else 0"""
    _refuse_other_labels(y_true.value, y_pred)
    if not from_sorted_ids:
        return _in_top(y_true.value.astype(xp.int64), y_pred, k)
    first = take_slice(y_pred, key=(..., slice(0, k)))
    found = largest(equal(reshape(y_true, shape=(*y_true.shape, 1)), first), axis=first.ndim - 1)
    return reshape(found, shape=y_true.shape)


class Accuracy(MeanOfFunction, function=accuracy, direction="up"):
    """How often predictions equal labels. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(Accuracy()(np.array([1.0, 2.0]), np.array([1.0, 0.0])).value)
    0.5
    """


class BinaryAccuracy(MeanOfFunction, function=binary_accuracy, direction="up"):
    """How often predictions are on the label's side of a threshold. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(BinaryAccuracy()(np.array([[1.0, 0.0]]), np.array([[0.75, 0.5]])).value)
    1.0
    """

    name = name_field()
    dtype = dtype_field()
    threshold = field(fields.number, 0.5, "above which a prediction is 1")


class CategoricalAccuracy(MeanOfFunction, function=categorical_accuracy, direction="up"):
    """How often the most probable class is the label's, for one-hot labels. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(CategoricalAccuracy()(np.eye(2), np.array([[0.75, 0.25], [0.5, 0.5]])).value)
    0.5
    """


class SparseCategoricalAccuracy(MeanOfFunction, function=sparse_categorical_accuracy, direction="up"):
    """How often the most probable class is the label. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(SparseCategoricalAccuracy()(np.array([0, 1]), np.array([[0.75, 0.25], [0.5, 0.5]])).value)
    0.5
    """


class TopKCategoricalAccuracy(MeanOfFunction, function=top_k_categorical_accuracy, direction="up"):
    """How often the label's class is among the k most probable ones. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(TopKCategoricalAccuracy(k=1)(np.eye(2), np.array([[0.75, 0.25], [0.5, 0.5]])).value)
    1.0
    """

    k = field(fields.integer, 5, "how many classes are looked at")


class SparseTopKCategoricalAccuracy(
    MeanOfFunction, function=sparse_top_k_categorical_accuracy, direction="up"
):
    """How often the label is among the k most probable classes. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(SparseTopKCategoricalAccuracy(k=1)(np.array([1]), np.array([[0.75, 0.25]])).value)
    0.0
    """

    k = field(fields.integer, 5, "how many classes are looked at")
    name = name_field()
    dtype = dtype_field()
    from_sorted_ids = field(
        fields.boolean, False, "whether predictions are classes sorted by score", Serialized.IF_SET
    )
