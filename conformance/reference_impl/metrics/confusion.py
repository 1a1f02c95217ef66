"""Metrics of binary decisions: how many are right and wrong, at one threshold or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.losses.reduction import divide_no_nan
from conformance.reference_impl.losses.regression import EPSILON
from conformance.reference_impl.losses.shapes import refuse_unless_broadcasting, same_rank
from conformance.reference_impl.metrics.metric import Metric, Shape, State, Variable
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    broadcast_to,
    greater,
    greater_equal,
    largest,
    maximum,
    minimum,
    multiply,
    reshape,
    subtract,
    take_slice,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor, constant

NEVER = -1e10
"""The score of a class that is not among the first k, below every threshold."""

CONDITIONS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def evenly_spaced(thresholds: Sequence[float]) -> bool:
    """Whether there are three thresholds or more, from 0 to 1 at equal distances, but for ε."""
    even = np.linspace(0, 1, len(thresholds))
    return len(thresholds) > 2 and bool(np.allclose(thresholds, even, atol=EPSILON))


def first_k(scores: Tensor, k: int) -> Tensor:
    """The scores of the k best classes of each line, the first of equal ones; `NEVER` for the others."""
    order = xp.argsort(-scores.value, axis=-1, kind="stable")
    rank = xp.argsort(order, axis=-1, kind="stable")
    return where(Tensor((rank < k).astype(scores.dtype)), scores, NEVER)


@patchable("metrics.counted")
def counted(
    y_true: Tensor,
    y_pred: Tensor,
    sample_weight: Tensor | None,
    thresholds: Sequence[float],
    label_weights: Sequence[float] | None = None,
    *,
    by_label: bool = False,
) -> dict[str, Tensor]:
    """By condition, the weights of the decisions that fulfil it, added up: an element for each threshold

    A prediction above the threshold is positive; a label that is not 0 is true.

    Args:
        by_label: whether the labels along the last axis are counted apart, as a second axis of the result.
    """
    y_pred, y_true = same_rank(y_pred, y_true)
    if y_true.shape != y_pred.shape:
        raise ValueError(f"`y_true` and `y_pred` have one shape, got {y_true.shape} and {y_pred.shape}")
    weight = constant(1.0, y_pred)
    if sample_weight is not None:
        sample_weight = reshape(sample_weight, shape=(*sample_weight.shape, 1))
        if sample_weight.ndim == y_pred.ndim + 1:
            sample_weight = reshape(sample_weight, shape=sample_weight.shape[:-1])
        refuse_unless_broadcasting(y_pred, sample_weight, "`y_pred` and `sample_weight`")
        weight = multiply(weight, sample_weight)
    if label_weights is not None:
        weight = multiply(weight, constant(xp.asarray([label_weights], dtype=y_pred.dtype), y_pred))
    weight = broadcast_to(weight, shape=y_pred.shape)
    if evenly_spaced(thresholds):
        y_pred = minimum(maximum(y_pred, 0.0), 1.0)
    kept = y_pred.shape[-1:] if by_label else ()
    count = y_pred.size // (kept[0] if kept and kept[0] else 1)
    y_pred, weight = (reshape(x, shape=(count, *kept)) for x in (y_pred, weight))
    true = Tensor((y_true.value != 0).astype(y_pred.dtype).reshape(y_pred.shape))
    limits = constant(xp.asarray(thresholds, dtype=y_pred.dtype), y_pred)
    positive = greater(y_pred, reshape(limits, shape=(len(thresholds), 1, *(1 for _ in kept))))
    found = {}
    for name, chosen in (("true", true), ("false", subtract(1.0, true))):
        weighed = multiply(weight, chosen)
        above = total(multiply(positive, weighed), axis=(1,))
        # What is not above is the rest of all, or counted by itself: the rest has the wider bound.
        found[name] = above, subtract(total(weighed, axis=(0,)), above)
    return {
        "true_positives": found["true"][0],
        "false_positives": found["false"][0],
        "true_negatives": found["false"][1],
        "false_negatives": found["true"][1],
    }


def _threshold(value: Any) -> float:
    if not 0 <= fields.number.parse(value) <= 1:
        raise ValueError
    return float(value)


def _thresholds(value: Any) -> Any:
    return [_threshold(v) for v in value] if isinstance(value, list | tuple) else _threshold(value)


thresholds = fields.optional(
    Kind("a number from 0 to 1, or a list of them", _thresholds, (1.5, [0.5, -0.25], "x"))
)


class Counting(Metric):
    """A metric with counts of some of the four conditions, one for each threshold."""

    conditions: ClassVar[tuple[str, ...]]
    names: ClassVar[tuple[str, ...]]
    """The variables in which they are added up."""

    def __init_subclass__(
        cls,
        conditions: tuple[str, ...] | None = None,
        names: tuple[str, ...] | None = None,
        registered: bool = False,
    ) -> None:
        super().__init_subclass__(registered=registered)
        if conditions is not None:
            cls.conditions, cls.names = conditions, names or conditions

    def limits(self) -> tuple[float, ...]:
        """The thresholds."""
        given = self.config["thresholds"]
        if given is None:
            return (NEVER if self.config.get("top_k") is not None else 0.5,)
        return tuple(given) if isinstance(given, list) else (given,)

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        return tuple(Variable(name, (len(self.limits()),)) for name in self.names)

    def updated(self, state: State, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> State:
        if self.config.get("top_k") is not None:
            y_pred, y_true = same_rank(y_pred, y_true)
            y_pred = first_k(y_pred, self.config["top_k"])
        if self.config.get("class_id") is not None:
            y_true, y_pred = (self.of_class(x) for x in (y_true, y_pred))
        counts = counted(y_true, y_pred, sample_weight, self.limits())
        return {n: add(state[n], counts[c]) for n, c in zip(self.names, self.conditions, strict=True)}

    def of_class(self, x: Tensor) -> Tensor:
        """The elements of one class, their axis kept."""
        chosen = self.config["class_id"]
        if x.ndim < 2 or not -x.shape[-1] <= chosen < x.shape[-1]:
            raise ValueError(
                f"argument `class_id`: {chosen} is no class of labels and predictions (batch, classes); got "
                f"shape {x.shape}"
            )
        before = (slice(None),) * (x.ndim - 1)
        chosen %= x.shape[-1]
        return take_slice(x, key=(*before, slice(chosen, chosen + 1)))

    def single(self, result: Tensor) -> Tensor:
        """A scalar where there is one threshold."""
        return reshape(result, shape=()) if len(self.limits()) == 1 else result

    def share(self, state: State, part: str, rest: str) -> Tensor:
        """part/(part + rest), or 0 where there is none of either."""
        return divide_no_nan(state[part], add(state[part], state[rest]))


class ConditionCount(Counting):
    """How many decisions fulfil one condition."""

    thresholds = field(thresholds, None, "above which a prediction is positive; ½ for None")

    def compute(self, state: State) -> Tensor:
        return self.single(state["accumulator"])


class TruePositives(ConditionCount, conditions=("true_positives",), names=("accumulator",), registered=True):
    """How many labels that are true are predicted so. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(TruePositives()(np.array([0, 1, 1, 1]), np.array([0.75, 0.0, 0.75, 1.0])).value)
    2.0
    """


class TrueNegatives(ConditionCount, conditions=("true_negatives",), names=("accumulator",), registered=True):
    """How many labels that are false are predicted so. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(TrueNegatives()(np.array([0, 0, 1]), np.array([0.75, 0.5, 0.25])).value)
    1.0
    """


class FalsePositives(
    ConditionCount, conditions=("false_positives",), names=("accumulator",), registered=True
):
    """How many labels that are false are predicted true. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(FalsePositives()(np.array([0, 0, 1]), np.array([0.75, 0.5, 0.25])).value)
    1.0
    """


class FalseNegatives(
    ConditionCount, conditions=("false_negatives",), names=("accumulator",), registered=True
):
    """How many labels that are true are predicted false. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = FalseNegatives(thresholds=[0.25, 0.5])
    >>> metric(np.array([0, 1, 1]), np.array([0.75, 0.5, 0.25])).value.tolist()
    [1.0, 2.0]
    """


class _OfTruePositives(Counting):
    """The share of true positives among some decisions."""

    direction = "up"

    thresholds = field(thresholds, None, "above which a prediction is positive; ½, or with `top_k` any")
    top_k = field(fields.optional(fields.positive_integer), None, "how many of the classes may be positive")
    class_id = field(fields.optional(fields.integer), None, "the one class that counts")


class Precision(_OfTruePositives, conditions=("true_positives", "false_positives"), registered=True):
    """true positives / all positives. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(Precision()(np.array([0, 1, 1, 1]), np.array([1.0, 0.0, 1.0, 0.0])).value)
    0.5
    """

    def compute(self, state: State) -> Tensor:
        return self.single(self.share(state, "true_positives", "false_positives"))


class Recall(_OfTruePositives, conditions=("true_positives", "false_negatives"), registered=True):
    """true positives / all that is true. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(Recall()(np.array([0, 1, 1, 1, 1]), np.array([1.0, 0.0, 1.0, 0.0, 0.0])).value)
    0.25
    """

    def compute(self, state: State) -> Tensor:
        return self.single(self.share(state, "true_positives", "false_negatives"))


def even_thresholds(count: int) -> tuple[float, ...]:
    """So many thresholds from 0 to 1, or ½ alone.

    >>> even_thresholds(3), even_thresholds(1)
    ((0.0, 0.5, 1.0), (0.5,))
    """
    between = [i / (count - 1) for i in range(1, count - 1)]
    return (0.0, *between, 1.0) if count > 1 else (0.5,)


class _AtConstraint(Counting, conditions=CONDITIONS):
    """The best of one share over the thresholds at which another is as large as asked."""

    direction = "up"

    constrained: ClassVar[tuple[str, str]]
    dependent: ClassVar[tuple[str, str]]
    asked: ClassVar[str]
    """The argument that says how large."""

    num_thresholds = field(fields.positive_integer, 200, "of thresholds from 0 to 1")
    class_id = field(fields.optional(fields.integer), None, "the one class that counts")

    def limits(self) -> tuple[float, ...]:
        return even_thresholds(self.num_thresholds)

    def compute(self, state: State) -> Tensor:
        fulfilled = greater_equal(self.share(state, *self.constrained), self.config[self.asked])
        best = largest(where(fulfilled, self.share(state, *self.dependent), 0.0), axis=0)
        return maximum(reshape(best, shape=()), 0.0)


SENSITIVITY = ("true_positives", "false_negatives")
SPECIFICITY = ("true_negatives", "false_positives")
PRECISION = ("true_positives", "false_positives")


class SensitivityAtSpecificity(_AtConstraint, registered=True):
    """The best sensitivity where specificity is as large as asked. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = SensitivityAtSpecificity(0.5)
    >>> labels = np.array([0, 0, 0, 1, 1])
    >>> float(metric(labels, np.array([0.0, 0.25, 0.75, 0.25, 0.75])).value)
    0.5
    """

    constrained, dependent, asked = SPECIFICITY, SENSITIVITY, "specificity"

    specificity = field(fields.unit_interval, doc="the least specificity")


class SpecificityAtSensitivity(_AtConstraint, registered=True):
    """The best specificity where sensitivity is as large as asked. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = SpecificityAtSensitivity(0.5)
    >>> labels = np.array([0, 0, 0, 1, 1])
    >>> round(float(metric(labels, np.array([0.0, 0.25, 0.75, 0.25, 0.75])).value), 6)
    0.666667
    """

    constrained, dependent, asked = SENSITIVITY, SPECIFICITY, "sensitivity"

    sensitivity = field(fields.unit_interval, doc="the least sensitivity")


class PrecisionAtRecall(_AtConstraint, registered=True):
    """The best precision where recall is as large as asked. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = PrecisionAtRecall(0.5)
    >>> labels = np.array([0, 0, 0, 1, 1])
    >>> float(metric(labels, np.array([0.0, 0.25, 0.75, 0.25, 0.75])).value)
    0.5
    """

    constrained, dependent, asked = SENSITIVITY, PRECISION, "recall"

    recall = field(fields.unit_interval, doc="the least recall")


class RecallAtPrecision(_AtConstraint, registered=True):
    """The best recall where precision is as large as asked. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = RecallAtPrecision(0.75)
    >>> float(metric(np.array([0, 0, 1, 1]), np.array([0.0, 0.5, 0.25, 0.75])).value)
    0.5
    """

    constrained, dependent, asked = PRECISION, SENSITIVITY, "precision"

    precision = field(fields.unit_interval, doc="the least precision")
