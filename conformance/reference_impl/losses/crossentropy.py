"""Losses of probabilities: how surprising labels are under the predicted distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.losses.loss import Loss, loss_function, reduction_field
from conformance.reference_impl.losses.regression import EPSILON, over_last
from conformance.reference_impl.losses.shapes import (
    axes_of,
    refuse_unless_alike,
    refuse_unless_broadcasting,
)
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    divide,
    exp,
    log,
    log1p,
    log_softmax,
    maximum,
    mean,
    minimum,
    multiply,
    negative,
    power,
    relu,
    reshape,
    sigmoid,
    softmax,
    subtract,
    take,
    total,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, variable


@patchable("losses.clipped")
def clipped(p: Tensor, high: float = 1.0 - EPSILON) -> Tensor:
    """Probabilities brought into [ε, high]; the derivative is 1 at the edges"""
    return minimum(maximum(p, EPSILON), high)


def smoothed(y_true: Tensor, amount: float, classes: int) -> Tensor:
    """Labels drawn towards the uniform distribution over so many classes (Szegedy et al. 2016)."""
    if not amount:
        return y_true
    return add(multiply(y_true, 1.0 - amount), amount / classes)


class _SigmoidCrossentropy(Composite):
    """max(x, 0) − x·y + ln(1 + e^−|x|) of a logit x and a label y, with the derivative sigmoid(x) − y."""

    def compose(self, x: Tensor, y: Tensor) -> Tensor:
        return add(subtract(relu(x), multiply(x, y)), log1p(exp(negative(absolute(x)))))

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return multiply(cotangent, negative(x) if position else subtract(sigmoid(x), y))


_sigmoid_crossentropy = _SigmoidCrossentropy()


@patchable("losses.of_probability")
def of_probability(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """−y·ln p − (1 − y)·ln(1 − p), for every element, of p brought into [ε, 1 − ε]"""
    p = clipped(y_pred)
    own, other = multiply(y_true, log(p)), multiply(subtract(1.0, y_true), log(subtract(1.0, p)))
    return negative(add(own, other))


@loss_function("bce", "BCE", tensorflow_js="binaryCrossentropy")
def binary_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int | Sequence[int] | None = -1,
) -> Tensor:
    """mean −y·ln p − (1 − y)·ln(1 − p) along an axis, where p is ŷ, or sigmoid(ŷ) of logits"""
    refuse_unless_alike(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, 2)
    each = _sigmoid_crossentropy(y_pred, y_true) if from_logits else of_probability(y_true, y_pred)
    return mean(each, axis=axes_of(axis, each))


@loss_function()
def binary_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int | Sequence[int] | None = -1,
) -> Tensor:
    """mean (1 − pₜ)^γ · crossentropy along an axis, pₜ the probability of the label (Lin et al. 2018)"""
    refuse_unless_alike(y_true, y_pred)
    y_true = smoothed(y_true, label_smoothing, 2)
    p = sigmoid(y_pred) if from_logits else y_pred
    other = subtract(1.0, y_true)
    of_label = add(multiply(y_true, p), multiply(other, subtract(1.0, p)))
    each = _sigmoid_crossentropy(y_pred, y_true) if from_logits else of_probability(y_true, p)
    focal = multiply(power(subtract(1.0, of_label), exponent=gamma), each)
    if apply_class_balancing:
        focal = multiply(add(multiply(y_true, alpha), multiply(other, 1 - alpha)), focal)
    return mean(focal, axis=axes_of(axis, focal))


@patchable("losses.distribution")
def distribution(y_pred: Tensor, axis: int) -> Tensor:
    """Predictions made to sum to 1 along an axis, and brought into [ε, 1 − ε]"""
    return clipped(divide(y_pred, total(y_pred, axis=(axis,), keepdims=True)))


@loss_function(tensorflow_js="categoricalCrossentropy")
def categorical_crossentropy(
    y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """−Σ y·ln p along an axis, where p is ŷ made to sum to 1, or softmax(ŷ) of logits"""
    refuse_unless_alike(y_true, y_pred)
    (along,) = axes_of(axis, y_pred)
    y_true = smoothed(y_true, label_smoothing, y_true.shape[-1])
    logarithm = log_softmax(y_pred, axis=along) if from_logits else log(distribution(y_pred, along))
    return negative(total(multiply(y_true, logarithm), axis=(along,)))


@loss_function()
def categorical_focal_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """−Σ α·(1 − p)^γ·y·ln p along an axis, p as in `categorical_crossentropy` (Lin et al. 2018)"""
    refuse_unless_broadcasting(y_true, y_pred, "`y_true` and `y_pred`")
    (along,) = axes_of(axis, y_pred)
    y_true = smoothed(y_true, label_smoothing, y_true.shape[-1])
    p = distribution(softmax(y_pred, axis=along) if from_logits else y_pred, along)
    balance = alpha if isinstance(alpha, int | float) else xp.asarray(alpha, dtype=p.dtype)
    weight = multiply(power(subtract(1.0, p), exponent=gamma), balance)
    return total(multiply(weight, multiply(negative(y_true), log(p))), axis=(along,))


def _classes(y_true: Tensor, y_pred: Tensor, axis: int) -> Tensor:
    """Labels of classes, without an axis of size one in the place of the classes."""
    if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
        along = axis % y_true.ndim
        y_true = reshape(y_true, shape=(*y_true.shape[:along], *y_true.shape[along + 1 :]))
    if y_true.shape != y_pred.shape[:-1]:
        raise ValueError(
            f"`y_true` has a label for each line of classes of `y_pred`, whose shape is {y_pred.shape}: "
            f"shape {y_pred.shape[:-1]}; got {y_true.shape}"
        )
    return y_true


@loss_function(tensorflow_js="sparseCategoricalCrossentropy")
def sparse_categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """−ln p of the label's class, where p is softmax(ŷ) of logits, or ŷ in [ε, 1 − ε] made to sum to 1"""
    if axes_of(axis, y_pred) != (y_pred.ndim - 1,):
        raise ValueError(f"argument `axis`: only the last axis is allowed, got {axis}")
    labels = _classes(y_true, y_pred, axis)
    if ignore_class is not None:
        kept = xp.asarray(labels.value != ignore_class)
        labels = variable(xp.where(kept, labels.value, 0), tracked=False)
        y_pred = where(Tensor(kept[..., None].astype(y_pred.dtype)), y_pred, 0.0)
    loss = negative(at_labels(log_probability(y_pred, from_logits), labels.value))
    return loss if ignore_class is None else where(Tensor(kept.astype(loss.dtype)), loss, 0.0)


@patchable("losses.log_probability")
def log_probability(y_pred: Tensor, from_logits: bool) -> Tensor:
    """The logarithms of probabilities that sum to 1 along the last axis"""
    return log_softmax(y_pred if from_logits else log(clipped(y_pred)), axis=-1)


def at_labels(x: Tensor, labels: Array) -> Tensor:
    """The element of each line along the last axis whose number is the label.

    Raises:
        ValueError: a label is no number of a class.
    """
    classes, chosen = x.shape[-1], labels.astype(xp.int64)
    outside = labels[(chosen < 0) | (chosen >= classes)]
    if outside.size:
        raise ValueError(
            f"`y_true` holds labels from 0 to {classes - 1}, as `y_pred` has {classes} classes; "
            f"got {float(outside.ravel()[0]):g}"
        )
    lines = xp.arange(chosen.size).reshape(chosen.shape)
    return take(reshape(x, shape=(x.size,)), indices=lines * classes + chosen)


@loss_function("kld", "KLD", tensorflow_js="kullbackLeiblerDivergence")
def kl_divergence(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Σ y·ln(y/ŷ) along the last axis, of both brought into [ε, 1] (Kullback and Leibler 1951)"""
    refuse_unless_broadcasting(y_true, y_pred, "`y_true` and `y_pred`")
    y_true, y_pred = clipped(y_true, 1.0), clipped(y_pred, 1.0)
    terms = multiply(y_true, log(divide(y_true, y_pred)))
    return total(terms, axis=(terms.ndim - 1,))


@loss_function(tensorflow_js="poisson")
def poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """mean ŷ − y·ln(ŷ + ε) along the last axis"""
    refuse_unless_broadcasting(y_true, y_pred, "`y_true` and `y_pred`")
    return over_last(subtract(y_pred, multiply(y_true, log(add(y_pred, EPSILON)))))


@loss_function()
def categorical_generalized_cross_entropy(y_true: Tensor, y_pred: Tensor, q: float) -> Tensor:
    """(1 − p^q)/q, where p is ŷ at the label's class (Zhang and Sabuncu 2018)"""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = reshape(y_true, shape=y_true.shape[:-1])
    one_hot = y_true.value.astype(xp.int64)[..., None] == xp.arange(y_pred.shape[-1])
    chosen = Tensor(one_hot.astype(y_pred.dtype))
    refuse_unless_broadcasting(chosen, y_pred, "one-hot labels and `y_pred`")
    p = total(multiply(y_pred, chosen), axis=(y_pred.ndim - 1,))
    return divide(subtract(1.0, power(p, exponent=q)), q)


def _focal_weight(value: Any) -> Any:
    """A number, or one for each class."""
    number = fields.number.parse
    return list(map(number, value)) if isinstance(value, list | tuple) else number(value)


def _open_unit_interval(value: Any) -> float:
    if not 0 < fields.number.parse(value) < 1:
        raise ValueError
    return float(value)


focal_weight = Kind("a number, or one for each class", _focal_weight, ("x",))
open_unit_interval = Kind("a number between 0 and 1", _open_unit_interval, (0.0, 1.0, "x"))


class BinaryCrossentropy(Loss, function=binary_crossentropy):
    """−y·ln p − (1 − y)·ln(1 − p), for labels from 0 to 1 in the shape of the predictions.

    Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = BinaryCrossentropy(from_logits=True)(np.array([[0.0, 1.0]]), np.array([[0.0, 0.0]]))
    >>> round(float(loss.value), 6)
    0.693147
    """

    from_logits = field(fields.boolean, False, "whether predictions are logits")
    label_smoothing = field(fields.number, 0.0, "how far labels are drawn to ½")
    axis = field(fields.axes, -1, "the axis of the mean")


class BinaryFocalCrossentropy(Loss, function=binary_focal_crossentropy):
    """(1 − pₜ)^γ · crossentropy, pₜ the probability of the label (Lin et al. 2018). Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = BinaryFocalCrossentropy()(np.array([[1.0]]), np.array([[0.5]]))
    >>> round(float(loss.value), 6)
    0.173287
    """

    apply_class_balancing = field(fields.boolean, False, "whether classes are weighted by α and 1 − α")
    alpha = field(fields.number, 0.25, "α, the weight of class 1")
    gamma = field(fields.number, 2.0, "γ, how much less counts what is nearly right")
    from_logits = field(fields.boolean, False, "whether predictions are logits")
    label_smoothing = field(fields.number, 0.0, "how far labels are drawn to ½")
    axis = field(fields.axes, -1, "the axis of the mean")


class CategoricalCrossentropy(Loss, function=categorical_crossentropy):
    """−Σ y·ln p, for labels that are distributions over classes, like one-hot ones. Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = CategoricalCrossentropy()(np.array([[0, 1, 0]]), np.array([[1.0, 2.0, 1.0]]))
    >>> round(float(loss.value), 6)
    0.693147
    """

    from_logits = field(fields.boolean, False, "whether predictions are logits")
    label_smoothing = field(fields.number, 0.0, "how far labels are drawn to the uniform distribution")
    axis = field(fields.integer, -1, "the axis of the classes")


class CategoricalFocalCrossentropy(Loss, function=categorical_focal_crossentropy):
    """−Σ α·(1 − p)^γ·y·ln p (Lin et al. 2018). Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = CategoricalFocalCrossentropy(alpha=1.0)(np.array([[0, 1]]), np.array([[1.0, 1.0]]))
    >>> round(float(loss.value), 6)
    0.173287
    """

    alpha = field(focal_weight, 0.25, "α, a weight, or one for each class")
    gamma = field(fields.number, 2.0, "γ, how much less counts what is nearly right")
    from_logits = field(fields.boolean, False, "whether predictions are logits")
    label_smoothing = field(fields.number, 0.0, "how far labels are drawn to the uniform distribution")
    axis = field(fields.integer, -1, "the axis of the classes")


class SparseCategoricalCrossentropy(Loss, function=sparse_categorical_crossentropy):
    """−ln p of the label's class. Labels (…) or (…, 1) from 0, predictions (…, classes), a loss for each (…).

    A loss whose label is `ignore_class` is 0, and does not count in an average. Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = SparseCategoricalCrossentropy()(np.array([1]), np.array([[0.25, 0.5, 0.25]]))
    >>> round(float(loss.value), 6)
    0.693147
    """

    from_logits = field(fields.boolean, False, "whether predictions are logits")
    ignore_class = field(fields.optional(fields.integer), None, "a label that does not count")
    reduction = reduction_field()
    axis = field(fields.integer, -1, "the axis of the classes, which is the last")

    def output_mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        if self.ignore_class is None:
            return None
        kept = (y_true.value != self.ignore_class).reshape(values.shape)
        return Tensor(kept.astype(values.dtype))


class KLDivergence(Loss, function=kl_divergence):
    """Σ y·ln(y/ŷ), of distributions along the last axis. Source: `keras.losses`.

    >>> import numpy as np
    >>> loss = KLDivergence()(np.array([[1.0, 1.0]]), np.array([[0.5, 0.25]]))
    >>> round(float(loss.value), 6)
    2.079442
    """


class Poisson(Loss, function=poisson):
    """mean ŷ − y·ln ŷ, of counts y and rates ŷ. Source: `keras.losses`.

    >>> import numpy as np
    >>> round(float(Poisson()(np.array([[3.0, 0.0]]), np.array([[1.0, 2.0]])).value), 5)
    1.5
    """


class CategoricalGeneralizedCrossEntropy(Loss, function=categorical_generalized_cross_entropy):
    """(1 − p^q)/q, p the probability of the label's class (Zhang and Sabuncu 2018). Labels (batch,) or
    (batch, 1), predictions (batch, classes). Source: `keras.losses`.

    >>> import numpy as np
    >>> float(CategoricalGeneralizedCrossEntropy()(np.array([1]), np.array([[0.75, 0.25]])).value)
    1.0
    """

    q = field(open_unit_interval, 0.5, "between crossentropy at 0 and absolute error at 1")
