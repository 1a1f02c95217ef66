"""Sums and means over all samples, and metrics that are the mean of a function."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.losses.loss import function_named, parameters
from conformance.reference_impl.losses.reduction import divide_no_nan, everything, masked
from conformance.reference_impl.losses.shapes import (
    as_labels,
    as_predictions,
    refuse_unless_broadcasting,
    same_rank,
)
from conformance.reference_impl.metrics.metric import (
    FUNCTIONS,
    Metric,
    MetricFunction,
    Shape,
    State,
    Variable,
    dtype_field,
    name_field,
)
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, broadcast_to, mean, multiply, total
from conformance.reference_impl.tape import Tensor, constant


@patchable("metrics.samplewise")
def samplewise(
    values: Tensor, sample_weight: Tensor | None, reduce: Callable[..., Tensor]
) -> tuple[Tensor, Tensor | None]:
    """Weighted values and weights, one for each sample

    Values with more axes than the weights are reduced to those first.
    """
    if sample_weight is not None:
        values, sample_weight = same_rank(values, sample_weight)
        rank = sample_weight.ndim
        if values.ndim > rank:
            values = reduce(values, axis=tuple(range(rank, values.ndim)))
        refuse_unless_broadcasting(values, sample_weight, "values and `sample_weight`")
        sample_weight = broadcast_to(sample_weight, shape=values.shape)
        values = multiply(values, sample_weight)
        if rank > 1:
            sample_weight = reduce(sample_weight, axis=tuple(range(1, rank)))
    if values.ndim > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, sample_weight


@patchable("metrics.weighing")
def weighing(sample_weight: Tensor | None, mask: Tensor | None, own_mask: Tensor | None) -> Tensor | None:
    """Weights of values, 0 where the mask of the predictions is, or that of the function itself"""
    for kept in (mask, own_mask):
        sample_weight = masked(sample_weight, kept, averaged=False)
    return sample_weight


class OfValues(Metric):
    """A metric of values, without labels."""

    def update_state(  # type: ignore[override]  # as Keras's: values in the place of labels and predictions
        self, values: Tensor | Array, sample_weight: Tensor | Array | None = None
    ) -> None:
        """Take in a batch of values, (batch, …) or a single one.

        Raises:
            ValueError: weights that do not broadcast to the values.
        """
        floats = as_predictions(values)
        weight = None if sample_weight is None else as_labels(sample_weight, floats)
        self.state = self.taken_in(self.state_for(floats.shape), floats, weight)

    def taken_in(self, state: State, values: Tensor, sample_weight: Tensor | None) -> State:
        """The state after a batch of values."""
        raise NotImplementedError(f"{type(self).__name__} has no `taken_in`")


class Sum(OfValues, registered=True):
    """Σ of values times weights. Source: `keras.metrics`.

    >>> import numpy as np
    >>> float(Sum()(np.array([1.0, 2.0]), np.array([1.0, 0.5])).value)
    2.0
    """

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        return (Variable("total"),)

    def taken_in(self, state: State, values: Tensor, sample_weight: Tensor | None) -> State:
        each, _ = samplewise(values, sample_weight, total)
        return {"total": add(state["total"], everything(each))}

    def compute(self, state: State) -> Tensor:
        return state["total"]


class Mean(OfValues, registered=True):
    """The mean of values, weighted. Source: `keras.metrics`.

    >>> import numpy as np
    >>> metric = Mean()
    >>> metric.update_state(np.array([1.0, 2.0]))
    >>> metric.update_state(np.array([6.0]))
    >>> float(metric.result().value)
    3.0
    """

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        return Variable("total"), Variable("count")

    def taken_in(self, state: State, values: Tensor, sample_weight: Tensor | None) -> State:
        each, weight = samplewise(values, sample_weight, mean)
        count = constant(float(math.prod(each.shape[:1])), each) if weight is None else everything(weight)
        return {"total": add(state["total"], everything(each)), "count": add(state["count"], count)}

    def compute(self, state: State) -> Tensor:
        return divide_no_nan(state["total"], state["count"])


class MeanOfFunction(Mean):
    """The mean of a function of labels and predictions, over samples.

    A subclass is declared with the `function`, whose arguments after labels and predictions are its own.
    """

    function: ClassVar[MetricFunction]

    def __init_subclass__(
        cls, function: MetricFunction | None = None, direction: str | None = None, registered: bool = True
    ) -> None:
        super().__init_subclass__(registered=function is not None and registered)
        if function is not None:
            cls.function = staticmethod(function)
            cls.direction = direction

    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The function of labels and predictions."""
        arguments = {n: v for n, v in self.config.items() if n in parameters(self.function)}
        return self.function(y_true, y_pred, **arguments)

    def value_mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        """Which of the values count, 0 or 1 for each; None where all do."""
        return None

    def update_state(  # type: ignore[override]  # labels and predictions again
        self,
        y_true: Tensor | Array,
        y_pred: Tensor | Array,
        sample_weight: Tensor | Array | None = None,
        mask: Tensor | Array | None = None,
    ) -> None:
        """Take in a batch, of which only those samples or steps count that the mask keeps.

        Raises:
            ValueError: shapes that do not go together, or labels that are not allowed.
        """
        predictions = as_predictions(y_pred)
        labels = as_labels(y_true, predictions)
        values = self.values(labels, predictions)
        weight = None if sample_weight is None else as_labels(sample_weight, values)
        kept = None if mask is None else as_labels(mask, values)
        weight = weighing(weight, kept, self.value_mask(labels, values))
        self.state = self.taken_in(self.state_for(predictions.shape), values, weight)


def _function(value: Any) -> MetricFunction | str:
    match value:
        case {"class_name": "function", "config": str(name)}:
            return name
        case str():
            return value
    if not callable(value):
        raise ValueError
    return value


function = Kind("a function of labels and predictions, or the name of one", _function, (3,))


class MeanMetricWrapper(MeanOfFunction):
    """The mean of any function of labels and predictions, which may have arguments beside these. Source:
    `keras.metrics`.

    >>> import numpy as np
    >>> metric = MeanMetricWrapper("huber", delta=2.0)
    >>> float(metric(np.array([[0.0]]), np.array([[3.0]])).value)
    4.0
    """

    fn = field(function, doc="the function, or the name of that of a loss or metric")
    name = name_field()
    dtype = dtype_field()

    def __init__(
        self, fn: MetricFunction | str, name: str | None = None, dtype: str | None = None, **arguments: Any
    ) -> None:
        super().__init__(fn=fn, name=name, dtype=dtype)
        self.of_function = arguments

    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        function = (
            self.fn if callable(self.fn) else FUNCTIONS.get(self.fn) or function_named(self.fn).function
        )
        return as_predictions(function(y_true, y_pred, **self.of_function))

    def get_config(self) -> dict[str, Any]:
        """The configuration; a function is told by its name."""
        name = self.fn if isinstance(self.fn, str) else self.fn.__name__
        return super().get_config() | {"fn": name} | self.of_function


Metric.registered["MeanMetricWrapper"] = MeanMetricWrapper
