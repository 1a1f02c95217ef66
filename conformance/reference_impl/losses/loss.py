"""What every loss is: a function of labels and predictions, for each sample, and then a reduction."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.configured import Configured
from conformance.reference_impl.fields import Kind, Serialized, field
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.losses.reduction import REDUCTIONS, reduced
from conformance.reference_impl.losses.shapes import as_labels, as_predictions, same_rank
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import multiply
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor

LossFunction = Callable[..., Tensor]


@dataclass(frozen=True)
class Entry:
    """A loss function.

    Attributes:
        name: Keras's.
        function: of labels, predictions, and the arguments that the class of the same name has.
        aliases: its other names in Keras.
        tensorflow_js: its name there, None where there is none.
    """

    name: str
    function: LossFunction
    aliases: tuple[str, ...]
    tensorflow_js: str | None


LOSSES: dict[str, Entry] = {}
"""Every loss function by its own name."""

_NAMED: dict[str, Entry] = {}


def loss_function(*aliases: str, tensorflow_js: str | None = None) -> Callable[[LossFunction], LossFunction]:
    """Enters a function in the table under its own name; dialects may patch `losses.NAME`.

    It may be called with arrays as well as with tensors: labels are brought to the predictions' dtype.
    """

    def enter(function: LossFunction) -> LossFunction:
        name = function.__name__
        marked = patchable(f"losses.{name}")(function)

        @functools.wraps(function)
        def call(y_true: Tensor | Array, y_pred: Tensor | Array, *args: Any, **kwargs: Any) -> Tensor:
            predictions = as_predictions(y_pred)
            return marked(as_labels(y_true, predictions), predictions, *args, **kwargs)

        entry = LOSSES[name] = Entry(name, call, aliases, tensorflow_js)
        _NAMED.update(dict.fromkeys((name, *aliases), entry))
        if tensorflow_js:
            _NAMED[tensorflow_js] = _NAMED[snake_case(tensorflow_js)] = entry
        return call

    return enter


def _reduction(value: Any) -> str | None:
    if value not in REDUCTIONS:
        raise ValueError
    return None if value is None else str(value)


reduction = Kind(f"one of {', '.join(map(repr, REDUCTIONS))}", _reduction, ("average", "SUM"))


def reduction_field() -> Any:
    """Declares the reduction in the body of a class in which an argument comes after it."""
    return field(reduction, "sum_over_batch_size", "how the losses of all samples are made one")


class Loss(Configured):
    """A loss with its arguments.

    A subclass states `call`, the loss of every sample; one that is declared with a `function` calls that with
    the arguments that it has of the function's.

    Raises:
        TypeError: a required argument is missing, or an argument is unknown.
        ValueError: an argument has a value that is not allowed.

    >>> import numpy as np
    >>> class Bias(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return mean(subtract(y_pred, y_true), axis=(-1,))
    >>> from conformance.reference_impl.primitives import mean, subtract
    >>> float(Bias()(np.array([[1.0], [2.0]]), np.array([[2.0], [5.0]])).value)
    2.0
    """

    family = "losses"
    registered: ClassVar[dict[str, type[Loss]]] = {}
    function: ClassVar[LossFunction | None] = None
    known_as: ClassVar[str | None] = None
    """The default of `name`, where it is not the class's own name in snake case."""

    reduction = reduction_field()
    name = field(fields.optional(fields.text), None, "a name, that of the class where none is given")
    dtype = field(fields.dtype, None, "dtype of computations", serialized=Serialized.NEVER)

    def __init_subclass__(cls, function: LossFunction | None = None) -> None:
        super().__init_subclass__()
        if function is not None:
            cls.function = staticmethod(function)
            Loss.registered[cls.__name__] = cls

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.config["name"] is None:
            self.config["name"] = self.known_as or snake_case(type(self).__name__)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of every sample, not yet weighted."""
        if self.function is None:
            raise NotImplementedError(f"{type(self).__name__} has no `call`")
        return self.function(y_true, y_pred, **self.arguments_of(self.function))

    def arguments_of(self, function: LossFunction) -> dict[str, Any]:
        """The loss's own arguments that are the function's."""
        return {name: self.config[name] for name in self.config if name in parameters(function)}

    def output_mask(self, y_true: Tensor, values: Tensor) -> Tensor | None:
        """Which of the losses count, 0 or 1 for each; None where all do."""
        return None

    def __call__(
        self,
        y_true: Tensor | Array,
        y_pred: Tensor | Array,
        sample_weight: Tensor | Array | None = None,
        mask: Tensor | Array | None = None,
    ) -> Tensor:
        """The reduced loss.

        Args:
            y_true: labels, brought to the dtype of the predictions.
            y_pred: predictions, whose gradient may be asked for.
            sample_weight: weights that broadcast to the losses.
            mask: which predictions count, that of the model's output.

        Raises:
            ValueError: shapes that do not go together, or labels that are not allowed.
        """
        predictions = as_predictions(y_pred, self.dtype)
        labels, aligned = same_rank(as_labels(y_true, predictions), predictions)
        values = self.call(labels, aligned)
        weight = None if sample_weight is None else as_labels(sample_weight, values)
        kept = None if mask is None else as_labels(mask, values)
        own = self.output_mask(labels, values)
        both = kept if own is None else own if kept is None else multiply(kept, own)
        return reduced(values, self.reduction, weight, both)


@functools.cache
def parameters(function: LossFunction) -> frozenset[str]:
    """The names of a loss function's arguments after labels and predictions."""
    return frozenset(list(inspect.signature(function).parameters)[2:])


def function_named(name: str) -> Entry:
    """The function of a name, an alias, or a name in TensorFlow.js; raises ValueError for another.

    >>> function_named("kullbackLeiblerDivergence").name
    'kl_divergence'
    """
    if name in _NAMED:
        return _NAMED[name]
    raise ValueError(f"unknown loss {name!r}; {suggestion(name, [*_NAMED, *Loss.registered])}")


def get(identifier: Any) -> Any:
    """The loss that an identifier means: the function of a name, the loss of a class's name, or of a class
    with its configuration; a function or a loss is itself, and None none.

    Raises:
        ValueError: the identifier names no loss; the message suggests the nearest.

    >>> get("mse").__name__, get("Huber").config["delta"]
    ('mean_squared_error', 1.0)
    >>> get({"class_name": "Huber", "config": {"delta": 2.0}}).config["delta"]
    2.0
    """
    match identifier:
        case {"class_name": str(name)}:
            return loss_class(name).from_config(identifier.get("config") or {})
        case str() if identifier in Loss.registered:
            return Loss.registered[identifier]()
        case str():
            return function_named(identifier).function
        case None | Loss():
            return identifier
        case Mapping():
            pass
        case _ if callable(identifier):
            return identifier
    raise ValueError(f"a loss is a name, a class with its configuration, or a function; got {identifier!r}")


def loss_class(name: str) -> type[Loss]:
    """The class of a name; raises ValueError where there is none."""
    if name not in Loss.registered:
        raise ValueError(f"unknown loss {name!r}; {suggestion(name, Loss.registered)}")
    return Loss.registered[name]
