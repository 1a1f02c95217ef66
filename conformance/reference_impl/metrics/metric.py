"""What every metric is: variables, updated batch by batch, and a result that is computed from them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.fields import field
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.losses.shapes import as_labels, as_predictions
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor

Shape = tuple[int, ...]
State = Mapping[str, Tensor]
"""By name, the values of a metric's variables."""

MetricFunction = Callable[..., Tensor]

FUNCTIONS: dict[str, MetricFunction] = {}
"""The functions of metrics that are no losses, by name."""


def metric_function(function: MetricFunction) -> MetricFunction:
    """Enters a function of labels and predictions in the table; dialects may patch `metrics.NAME`.

    It may be called with arrays as well as with tensors: labels are brought to the predictions' dtype.
    """
    marked = patchable(f"metrics.{function.__name__}")(function)

    @functools.wraps(function)
    def call(y_true: Tensor | Array, y_pred: Tensor | Array, *args: Any, **kwargs: Any) -> Tensor:
        predictions = as_predictions(y_pred)
        return marked(as_labels(y_true, predictions), predictions, *args, **kwargs)

    FUNCTIONS[function.__name__] = call
    return call


@dataclass(frozen=True)
class Variable:
    """A variable as a metric declares it; it begins with zeros, in the dtype of the metric."""

    name: str
    shape: Shape = ()


def name_field() -> Any:
    """Declares the name in the body of a class in which an argument comes after it."""
    return field(fields.optional(fields.text), None, "a name, that of the class where none is given")


def dtype_field() -> Any:
    """Declares the dtype likewise."""
    return field(fields.dtype, None, "dtype of the variables")


class Metric(Configured):
    """A metric with its arguments and its state.

    A subclass states what is pure in the state: `declare_variables`, `updated` and `compute`.

    Attributes:
        state: the values of the variables, empty until the first update or `variables` asks.
        direction: whether training is to bring it "up" or "down", where that is known.

    Raises:
        TypeError: a required argument is missing, or an argument is unknown.
        ValueError: an argument has a value that is not allowed.

    >>> import numpy as np
    >>> from conformance.reference_impl.primitives import add, largest
    >>> class Highest(Metric):
    ...     def declare_variables(self, shape):
    ...         return (Variable("sum"),)
    ...     def updated(self, state, y_true, y_pred, sample_weight):
    ...         return {"sum": add(state["sum"], y_pred.value.max())}
    ...     def compute(self, state):
    ...         return state["sum"]
    >>> metric = Highest()
    >>> metric.update_state(np.zeros(2), np.array([1.0, 3.0]))
    >>> float(metric.result().value)
    3.0
    """

    family = "metrics"
    registered: ClassVar[dict[str, type[Metric]]] = {}
    known_as: ClassVar[str | None] = None
    """The default of `name`, where it is not the class's own name in snake case."""
    direction: ClassVar[str | None] = None

    name = name_field()
    dtype = dtype_field()

    def __init_subclass__(cls, registered: bool = False) -> None:
        super().__init_subclass__()
        if registered:
            Metric.registered[cls.__name__] = cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.config["name"] is None:
            self.config["name"] = self.known_as or snake_case(type(self).__name__)
        self.state: State = {}
        self._seen: Shape | None = None

    def declare_variables(self, shape: Shape | None) -> tuple[Variable, ...]:
        """The variables for predictions of this shape, in order; those that are known for None."""
        raise NotImplementedError(f"{type(self).__name__} has no `declare_variables`")

    def updated(self, state: State, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> State:
        """The state after a batch. Labels and weights have the dtype of the predictions."""
        raise NotImplementedError(f"{type(self).__name__} has no `updated`")

    def compute(self, state: State) -> Tensor:
        """The result, from the state."""
        raise NotImplementedError(f"{type(self).__name__} has no `compute`")

    def initial_state(self, shape: Shape | None) -> State:
        """Zeros for the variables."""
        return {v.name: Tensor(xp.zeros(v.shape, self.dtype)) for v in self.declare_variables(shape)}

    def update_state(
        self, y_true: Tensor | Array, y_pred: Tensor | Array, sample_weight: Tensor | Array | None = None
    ) -> None:
        """Take in a batch.

        Raises:
            ValueError: shapes that do not go together, or labels that are not allowed.
        """
        predictions = as_predictions(y_pred)
        weight = None if sample_weight is None else as_labels(sample_weight, predictions)
        state = self.state_for(predictions.shape)
        self.state = self.updated(state, as_labels(y_true, predictions), predictions, weight)

    def state_for(self, shape: Shape | None) -> State:
        """The state, with zeros for variables that are declared only now."""
        if self._seen is None:
            self._seen = shape
        return {**self.initial_state(self._seen), **self.state}

    @property
    def variables(self) -> dict[str, Tensor]:
        """The variables by name, in order."""
        return dict(self.state_for(None))

    def result(self) -> Tensor:
        """The metric of all batches since the last reset."""
        return self.compute(self.state_for(None))

    def reset_state(self) -> None:
        """Forget all batches."""
        self.state = self.initial_state(self._seen)

    def __call__(self, *batch: Tensor | Array, **named: Any) -> Tensor:
        """The result after one more batch."""
        self.update_state(*batch, **named)
        return self.result()


def metric_class(name: str) -> type[Metric]:
    """The class of a name, in camel or in snake case, or of an alias; raises ValueError for another.

    >>> metric_class("mse").__name__, metric_class("f1_score").__name__
    ('MeanSquaredError', 'F1Score')
    """
    named = {n: cls for own, cls in Metric.registered.items() for n in (own, snake_case(own))}
    named |= {alias: Metric.registered[own] for alias, own in ALIASES.items()}
    if name not in named:
        raise ValueError(f"unknown metric {name!r}; {suggestion(name, named)}")
    return named[name]


ALIASES = {
    alias: own
    for own, short in {
        "BinaryCrossentropy": "bce",
        "MeanSquaredError": "mse",
        "MeanAbsoluteError": "mae",
        "MeanAbsolutePercentageError": "mape",
        "MeanSquaredLogarithmicError": "msle",
    }.items()
    for alias in (short, short.upper())
}
"""Keras's short names of metrics."""


def get(identifier: Any) -> Any:
    """The metric that an identifier means: a new one of a name's class, or of a class with its configuration;
    a function or a metric is itself, and None none.

    Raises:
        ValueError: the identifier names no metric; the message suggests the nearest.

    >>> get("accuracy").config["name"]
    'accuracy'
    """
    match identifier:
        case {"class_name": str(name)}:
            return metric_class(name).from_config(identifier.get("config") or {})
        case str():
            return metric_class(identifier)()
        case None | Metric():
            return identifier
        case _ if callable(identifier):
            return identifier
    raise ValueError(f"a metric is a name, a class with its configuration, or a function; got {identifier!r}")
