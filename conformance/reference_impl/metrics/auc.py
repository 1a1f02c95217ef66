"""The area under a curve of two shares over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import Kind, Serialized, field
from conformance.reference_impl.losses.reduction import divide_no_nan, everything
from conformance.reference_impl.losses.regression import EPSILON
from conformance.reference_impl.metrics.confusion import (
    CONDITIONS,
    Counting,
    counted,
    even_thresholds,
)
from conformance.reference_impl.metrics.metric import Shape, State, Variable, dtype_field, name_field
from conformance.reference_impl.primitives import (
    absolute,
    add,
    divide,
    greater,
    log,
    maximum,
    mean,
    minimum,
    multiply,
    sigmoid,
    subtract,
    take_slice,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor, constant


def _spelled(*choices: str) -> Kind:
    """One of some words, which may be written in capitals, or begin with one where they are long."""

    def parse(value: Any) -> str:
        spellings = {s: c for c in choices for s in (c, c.lower(), c.capitalize() if c.islower() else c)}
        if value not in spellings:
            raise ValueError
        return spellings[value]

    return Kind(f"one of {', '.join(map(repr, choices))}", parse, ("nonsense",))


def _sorted_thresholds(value: Any) -> list[float]:
    return sorted(fields.number.parse(v) for v in value)


def _weights(value: Any) -> list[float]:
    match value:
        case {"class_name": "__tensor__", "config": {"value": list(value)}}:  # as Keras serialises them
            pass
    return [fields.number.parse(v) for v in value]


several = fields.optional(Kind("a list of numbers from 0 to 1", _sorted_thresholds, (0.5, ["x"])))
label_weights = fields.optional(Kind("a number for each label", _weights, (0.5, ["x"])))


class AUC(Counting, conditions=CONDITIONS, registered=True):
    """The area under the curve of recall over the rate of false positives (ROC), of precision over recall
    (PR), or of their gains (PRGAIN; Flach and Kull 2015), as a sum over thresholds. Source: `keras.metrics`.

    Between thresholds the curve is a line (`interpolation`; for PR that of Davis and Goadrich 2006), or the
    lower (`minoring`) or the higher (`majoring`) of its ends.

    >>> import numpy as np
    >>> metric = AUC(num_thresholds=3)
    >>> float(metric(np.array([0, 0, 1, 1]), np.array([0.0, 0.5, 0.25, 0.875])).value)
    0.75
    """

    direction = "up"

    num_thresholds = field(fields.integer, 200, "of thresholds from 0 to 1")
    curve = field(_spelled("ROC", "PR", "PRGAIN"), "ROC", "of which shares")
    summation_method = field(
        _spelled("interpolation", "majoring", "minoring"), "interpolation", "what is between thresholds"
    )
    name = name_field()
    dtype = dtype_field()
    thresholds = field(several, None, "in the place of even ones, beside 0 and 1", Serialized.IF_SET)
    multi_label = field(fields.boolean, False, "whether labels have areas of their own, then averaged")
    num_labels = field(fields.optional(fields.positive_integer), None, "how many labels there are")
    label_weights = field(label_weights, None, "weights of the labels")
    from_logits = field(fields.boolean, False, "whether predictions are logits")

    def check(self) -> None:
        if self.thresholds is not None:
            self.config["num_thresholds"] = len(self.thresholds) + 2
        elif self.num_thresholds < 2:
            raise ValueError(
                f"argument `num_thresholds`: expected an integer of 2 or more, got {self.num_thresholds}"
            )
        if self.num_labels and not self.multi_label:
            raise ValueError(f"argument `num_labels`: only with `multi_label`, got {self.num_labels}")

    def limits(self) -> tuple[float, ...]:
        between = even_thresholds(self.num_thresholds)[1:-1] if self.thresholds is None else self.thresholds
        return (-EPSILON, *between, 1 + EPSILON)

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        labels: Shape = ()
        if self.multi_label:
            if shape is None and not self.num_labels:
                return ()
            if shape is not None and len(shape) != 2:
                raise ValueError(
                    f"with `multi_label` AUC takes predictions (batch, labels), got shape {shape}"
                )
            labels = (self.num_labels,) if shape is None else shape[-1:]
        return tuple(Variable(name, (self.num_thresholds, *labels)) for name in CONDITIONS)

    def updated(self, state: State, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> State:
        y_pred = sigmoid(y_pred) if self.from_logits else y_pred
        weights: Sequence[float] | None = None if self.multi_label else self.label_weights
        counts = counted(y_true, y_pred, sample_weight, self.limits(), weights, by_label=self.multi_label)
        return {name: add(state[name], counts[name]) for name in CONDITIONS}

    def compute(self, state: State) -> Tensor:
        if self.multi_label and not state:
            raise ValueError("AUC has no result before its first update")
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            return self.averaged(self.interpolated_pr(state))
        x, y = self.points(state)
        ahead, behind = _without_last(y), _without_first(y)
        match self.summation_method:
            case "interpolation":
                heights = divide(add(ahead, behind), 2.0)
            case "minoring":
                heights = minimum(ahead, behind)
            case _:
                heights = maximum(ahead, behind)
        return self.averaged(multiply(_steps(x), heights))

    def points(self, state: State) -> tuple[Tensor, Tensor]:
        """The coordinates of the curve, one for each threshold."""
        recall = self.share(state, "true_positives", "false_negatives")
        if self.curve == "ROC":
            return self.share(state, "false_positives", "true_negatives"), recall
        if self.curve == "PR":
            return recall, self.share(state, "true_positives", "false_positives")
        positives = add(state["true_positives"], state["false_negatives"])
        scale = divide_no_nan(positives, add(state["true_negatives"], state["false_positives"]))

        def gain(wrong: str, without: float) -> Tensor:
            lost = multiply(scale, divide_no_nan(state[wrong], state["true_positives"]))
            return where(greater(absolute(state["true_positives"]), 0.0), subtract(1.0, lost), without)

        return maximum(gain("false_negatives", 0.0), 0.0), gain("false_positives", 1.0)

    def interpolated_pr(self, state: State) -> Tensor:
        """∫ precision d recall between thresholds, of precision as TP/P for TP linear in P, all positives."""
        true, positive = state["true_positives"], add(state["true_positives"], state["false_positives"])
        gained, ahead, behind = _steps(true), _without_last(positive), _without_first(positive)
        slope = divide_no_nan(gained, maximum(_steps(positive), 0.0))
        intercept = subtract(_without_first(true), multiply(slope, behind))
        both = multiply(greater(ahead, 0.0), greater(behind, 0.0))
        ratio = where(both, divide_no_nan(ahead, maximum(behind, 0.0)), 1.0)
        area = multiply(slope, add(gained, multiply(intercept, log(ratio))))
        relevant = add(_without_first(true), _without_first(state["false_negatives"]))
        return divide_no_nan(area, maximum(relevant, 0.0))

    def averaged(self, areas: Tensor) -> Tensor:
        """The sum over thresholds, and the mean over labels that have areas of their own."""
        by_label = total(areas, axis=(0,))
        if not self.multi_label:
            return by_label
        if self.label_weights is None:
            return mean(by_label, axis=(0,))
        weights = constant(xp.asarray(self.label_weights, dtype=by_label.dtype), by_label)
        return divide_no_nan(everything(multiply(by_label, weights)), everything(weights))


def _without_last(x: Tensor) -> Tensor:
    return take_slice(x, key=(slice(0, x.shape[0] - 1),))


def _without_first(x: Tensor) -> Tensor:
    return take_slice(x, key=(slice(1, None),))


def _steps(x: Tensor) -> Tensor:
    return subtract(_without_last(x), _without_first(x))
