"""F-scores: precision and recall in one number."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.losses.reduction import everything
from conformance.reference_impl.losses.regression import EPSILON
from conformance.reference_impl.losses.shapes import refuse_unless_broadcasting
from conformance.reference_impl.metrics.metric import Metric, Shape, State, Variable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    divide,
    greater,
    greater_equal,
    largest,
    mean,
    multiply,
    reshape,
    subtract,
    total,
)
from conformance.reference_impl.tape import Tensor

NEARLY_ZERO = 1e-9
"""A largest score that is no larger is no prediction."""


def _float(value: Any) -> float:
    if not isinstance(value, float):
        raise TypeError
    return value


def _positive(value: Any) -> float:
    if _float(value) <= 0:
        raise ValueError
    return float(value)


def _threshold(value: Any) -> float:
    if not 0 < _float(value) <= 1:
        raise ValueError
    return float(value)


positive = Kind("a float above 0", _positive, (0.0, 1))
threshold = fields.optional(Kind("a float above 0, of 1 at most", _threshold, (0.0, 1.5, 1)))


class FBetaScore(Metric, registered=True):
    """(1 + β²)·precision·recall / (β²·precision + recall), for each class or averaged.

    Labels and predictions (batch, classes). Without a threshold the largest predictions of a sample are
    positive. Source: `keras.metrics`.

    >>> import numpy as np
    >>> labels = np.array([[1, 0], [1, 0], [0, 1]])
    >>> metric = FBetaScore(beta=2.0, threshold=0.5)
    >>> metric(labels, np.array([[0.75, 0.25], [0.25, 0.75], [0.25, 0.75]])).value.round(5).tolist()
    [0.55556, 0.83333]
    """

    known_as = "fbeta_score"
    direction = "up"

    average = field(fields.one_of(None, "micro", "macro", "weighted"), None, "how classes are averaged")
    beta = field(positive, 1.0, "β, how much more recall counts than precision")
    threshold = field(threshold, None, "above which a prediction is positive")

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        if shape is None:
            return ()
        if len(shape) != 2:
            raise ValueError(
                f"{type(self).__name__} takes labels and predictions (batch, classes), got shape {shape}"
            )
        classes = () if self.average == "micro" else shape[-1:]
        names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
        return tuple(Variable(name, classes) for name in names)

    def updated(self, state: State, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> State:
        if y_true.ndim != 2:
            raise ValueError(
                f"{type(self).__name__} takes labels and predictions (batch, classes), got labels of shape "
                f"{y_true.shape}"
            )
        refuse_unless_broadcasting(y_true, y_pred, "`y_true` and `y_pred`")
        if self.threshold is None:
            most = greater_equal(y_pred, largest(y_pred, axis=1))
            chosen = multiply(most, greater(absolute(y_pred), NEARLY_ZERO))
        else:
            chosen = greater(y_pred, self.threshold)
        counts = {
            "true_positives": multiply(chosen, y_true),
            "false_positives": multiply(chosen, subtract(1.0, y_true)),
            "false_negatives": multiply(subtract(1.0, chosen), y_true),
            "intermediate_weights": y_true,
        }
        weight = None if sample_weight is None else reshape(sample_weight, shape=(sample_weight.size, 1))
        if weight is not None:
            refuse_unless_broadcasting(y_true, weight, "`y_true` and `sample_weight`")
        added = {}
        for name, x in counts.items():
            weighted = x if weight is None else multiply(x, weight)
            added[name] = add(
                state[name], everything(weighted) if self.average == "micro" else total(weighted, axis=(0,))
            )
        return added

    def compute(self, state: State) -> Tensor:
        if not state:
            raise ValueError(f"{type(self).__name__} has no result before its first update")
        true, squared = state["true_positives"], self.beta**2
        precision = divide(true, add(add(true, state["false_positives"]), EPSILON))
        recall = divide(true, add(add(true, state["false_negatives"]), EPSILON))
        weighed = add(multiply(precision, squared), recall)
        score = multiply(divide(multiply(precision, recall), add(weighed, EPSILON)), 1 + squared)
        match self.average:
            case "weighted":
                weights = state["intermediate_weights"]
                share = divide(weights, add(everything(weights), EPSILON))
                return everything(multiply(score, share))
            case "macro":
                return mean(score, axis=(0,))
        return score


class F1Score(FBetaScore, registered=True):
    """2·precision·recall / (precision + recall), for each class or averaged. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = F1Score(average="micro", threshold=0.5)
    >>> labels = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]])
    >>> scores = np.array([[0.25, 0.625, 0.75], [0.25, 0.75, 0.625], [0.625, 0.75, 0.0]])
    >>> round(float(metric(labels, scores).value), 5)
    0.66667
    """

    known_as = "f1_score"

    beta = 1.0
