"""Metrics of numbers: how far predictions are from labels."""

from __future__ import annotations

from conformance.reference_impl import fields, losses
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.losses.reduction import everything
from conformance.reference_impl.losses.regression import normalized, together
from conformance.reference_impl.losses.shapes import axes_of, refuse_unless_broadcasting, same_rank
from conformance.reference_impl.metrics.metric import (
    Metric,
    Shape,
    State,
    Variable,
    dtype_field,
    metric_function,
    name_field,
)
from conformance.reference_impl.metrics.reduction import MeanOfFunction
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    broadcast_to,
    divide,
    mean,
    multiply,
    reshape,
    sqrt,
    square,
    subtract,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor, constant


@metric_function
def cosine_similarity(y_true: Tensor, y_pred: Tensor, axis: int | None = -1) -> Tensor:
    """Σ y·ŷ of y and ŷ brought to length one, along an axis"""
    y_true, y_pred = together(y_true, y_pred)
    products = multiply(normalized(y_true, axis), normalized(y_pred, axis))
    return total(products, axis=axes_of(axis, products))


class MeanSquaredError(MeanOfFunction, function=losses.mean_squared_error, direction="down"):
    """mean (y − ŷ)². Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(MeanSquaredError()(np.array([[0.0, 1.0]]), np.array([[1.0, 3.0]])).value)
    2.5
    """


class MeanAbsoluteError(MeanOfFunction, function=losses.mean_absolute_error, direction="down"):
    """mean |y − ŷ|. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(MeanAbsoluteError()(np.array([[0.0, 1.0]]), np.array([[1.0, 3.0]])).value)
    1.5
    """


class MeanAbsolutePercentageError(
    MeanOfFunction, function=losses.mean_absolute_percentage_error, direction="down"
):
    """100·mean |(y − ŷ)/y|. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(MeanAbsolutePercentageError()(np.array([[2.0, 4.0]]), np.array([[3.0, 4.0]])).value)
    25.0
    """


class MeanSquaredLogarithmicError(
    MeanOfFunction, function=losses.mean_squared_logarithmic_error, direction="down"
):
    """mean (ln(ŷ + 1) − ln(y + 1))². Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = MeanSquaredLogarithmicError()(np.array([[1.0]]), np.array([[2 * np.e - 1]]))
    >>> round(float(metric.value), 9)
    1.0
    """


class RootMeanSquaredError(MeanOfFunction, function=losses.mean_squared_error, direction="down"):
    """√ mean (y − ŷ)². Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(RootMeanSquaredError()(np.array([[0.0, 0.0]]), np.array([[1.0, 7.0]])).value)
    5.0
    """

    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The squared errors, each weighted by itself where weights are for elements."""
        return square(subtract(*together(y_true, y_pred)))

    def compute(self, state: State) -> Tensor:
        return sqrt(super().compute(state))


class CosineSimilarity(MeanOfFunction, function=cosine_similarity, direction="up"):
    """The cosine of the angle between labels and predictions. Source: `keras.metrics`.

    >>> import numpy as np
    >>> round(float(CosineSimilarity()(np.array([[3.0, 4.0]]), np.array([[1.0, 0.0]])).value), 6)
    0.6
    """

    name = name_field()
    dtype = dtype_field()
    axis = field(fields.optional(fields.integer), -1, "the axis along which vectors lie")


class LogCoshError(MeanOfFunction, function=losses.log_cosh, direction="down"):
    """mean ln cosh(ŷ − y). Source: `keras.metrics`.

    >>> import numpy as np
    >>> round(float(LogCoshError()(np.array([[0.0]]), np.array([[1.0]])).value), 6)
    0.433781
    """

    known_as = "logcosh"


@patchable("metrics.r2_scores")
def r2_scores(state: State) -> tuple[Tensor, Tensor]:
    """1 − Σ(y − ŷ)²/Σ(y − ȳ)² of each output, and Σ(y − ȳ)²"""
    average = divide(state["sum"], state["count"])
    spread = subtract(state["squared_sum"], multiply(state["sum"], average))
    return subtract(1.0, divide(state["residual"], spread)), spread


class R2Score(Metric, registered=True):
    """1 − Σ(y − ŷ)²/Σ(y − ȳ)², the share of the variance that predictions explain. Source: `keras.metrics`.

    Labels and predictions (batch, outputs). A score of −∞, of labels that do not vary, counts as 0.

    >>> import numpy as np
    >>> float(R2Score()(np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [2.0]])).value)
    0.5
    """

    direction = "up"

    class_aggregation = field(
        fields.one_of(None, "uniform_average", "variance_weighted_average"),
        "uniform_average",
        "how the scores of several outputs are made one",
    )
    num_regressors = field(
        fields.non_negative_integer, 0, "of independent variables, for which the score is adjusted"
    )

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        sums = ("squared_sum", "sum", "residual", "count")
        of_outputs = () if shape is None else tuple(Variable(name, shape[-1:]) for name in sums)
        return Variable("num_samples"), *of_outputs

    def updated(self, state: State, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> State:
        y_true, y_pred = same_rank(y_true, y_pred)
        if y_true.ndim != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"R2Score takes `y_true` and `y_pred` of one shape (batch, outputs), got {y_true.shape} and "
                f"{y_pred.shape}"
            )
        weight = constant(1.0, y_true) if sample_weight is None else sample_weight
        weight = reshape(weight, shape=(weight.size, 1)) if weight.ndim == 1 else weight
        refuse_unless_broadcasting(y_true, weight, "`y_true` and `sample_weight`")
        weight = broadcast_to(weight, shape=y_true.shape)
        weighted = multiply(y_true, weight)
        residual = multiply(square(subtract(y_true, y_pred)), weight)
        sums = {
            "squared_sum": multiply(y_true, weighted),
            "sum": weighted,
            "residual": residual,
            "count": weight,
        }
        added = {name: add(state[name], total(x, axis=(0,))) for name, x in sums.items()}
        return {"num_samples": add(state["num_samples"], float(y_true.size))} | added

    def compute(self, state: State) -> Tensor:
        if "sum" not in state:
            raise ValueError("R2Score has no result before its first update")
        scores, spread = r2_scores(state)
        scores = where(Tensor(xp.isinf(scores.value).astype(scores.dtype)), 0.0, scores)
        match self.class_aggregation:
            case "uniform_average":
                scores = mean(scores, axis=(0,))
            case "variance_weighted_average":
                scores = divide(everything(multiply(spread, scores)), everything(spread))
        left = float(state["num_samples"].value) - self.num_regressors - 1
        if self.num_regressors == 0 or left <= 0:
            return scores
        return subtract(1.0, divide(multiply(subtract(1.0, scores), left + self.num_regressors), left))
