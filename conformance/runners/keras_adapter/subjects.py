"""What Keras has to ask about, by introspection: layer classes, activation functions, their arguments."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from conformance.runners.keras_adapter.runtime import GENERATION, keras


def _bases() -> dict[str, tuple[Any, Any]]:
    """By kind of subject, a module of Keras, and the class that all those in it are of."""
    layers = {"layers": (keras.layers, keras.layers.Layer)}
    if GENERATION == 2:
        return layers
    schedules = keras.optimizers.schedules
    return layers | {
        "losses": (keras.losses, keras.losses.Loss),
        "metrics": (keras.metrics, keras.metrics.Metric),
        "optimizers": (keras.optimizers, keras.optimizers.Optimizer),
        "schedules": (schedules, schedules.LearningRateSchedule),
        "constraints": (keras.constraints, keras.constraints.Constraint),
        "regularizers": (keras.regularizers, keras.regularizers.Regularizer),
        "initializers": (keras.initializers, keras.initializers.Initializer),
        "callbacks": (keras.callbacks, keras.callbacks.Callback),
    }


CLASSES: dict[str, dict[str, Any]] = {
    kind: {
        name: value
        for name, value in vars(module).items()
        # A bare layer computes the identity; the other bases are abstract.
        if isinstance(value, type) and issubclass(value, base) and (kind == "layers" or value is not base)
    }
    for kind, (module, base) in _bases().items()
}
"""By kind of subject every class, by name, aliases included."""

ACTIVATIONS: dict[str, Callable[..., Any]] = {
    name: value
    for name, value in vars(keras.activations).items()
    if inspect.isfunction(value) and name not in {"get", "serialize", "deserialize"}
}
"""Every function of `keras.activations`, aliases included."""


def _aliases(kind: str, named: dict[str, Any]) -> dict[str, str]:
    own = {name: str(value.__name__) for name, value in named.items()}
    return {
        f"{kind}.{name}": f"{kind}.{own[name]}"
        for name, value in named.items()
        if name != own[name] and named.get(own[name]) is value
    }


ALIASES = {
    alias: name
    for kind, named in (CLASSES | {"activations": ACTIVATIONS}).items()
    for alias, name in _aliases(kind, named).items()
}
"""The subjects that have another name than their own, and that."""


def class_of(subject: str) -> Any:
    """The class of Keras that the subject is named after: `keras.layers.Dense` of `layers.Dense`.

    Raises:
        ValueError: there is none.
    """
    kind, _, name = subject.partition(".")
    if name not in CLASSES[kind]:
        raise ValueError(f"keras.{kind} has no class {name!r}; it has {', '.join(sorted(CLASSES[kind]))}")
    return CLASSES[kind][name]


def activation_function(name: str) -> Callable[..., Any]:
    """The function `keras.activations.<name>`.

    Raises:
        ValueError: there is none.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"keras.activations has no {name!r}; it has {', '.join(sorted(ACTIVATIONS))}")
    return ACTIVATIONS[name]


@functools.cache
def arguments(cls: Any) -> dict[str, Any]:
    """The arguments that a constructor names."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: _argument(p) for p in parameters if p.kind not in _VARIADIC}


@functools.cache
def constructor_arguments(cls: Any) -> dict[str, Any]:
    """The arguments of a layer's constructor: its own, then those that its `**kwargs` hand up to `Layer`.

    An argument of a base class that the subclass fills itself (the `rank` of Conv2D, the `cell` of LSTM)
    is none of the user's, and left out.
    """
    arguments: dict[str, Any] = {}
    positional, filled = 0, set[str | None]()
    for init in _constructors(cls):
        parameters = list(inspect.signature(init).parameters.values())[1:]
        filled |= {parameter.name for parameter in parameters[:positional]}
        for parameter in parameters:
            if parameter.kind not in _VARIADIC and parameter.name not in filled:
                arguments.setdefault(parameter.name, _argument(parameter))
        if parameter.kind is not parameter.VAR_KEYWORD:
            break
        positional, keywords = _handed_up(init)
        if None not in keywords:
            break
        filled |= keywords
    return arguments


@functools.cache
def function_arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """The arguments of an activation function after the first, which is its input."""
    _, *parameters = inspect.signature(function).parameters.values()
    return {parameter.name: _argument(parameter) for parameter in parameters}


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _constructors(cls: Any) -> Iterator[Callable[..., Any]]:
    """The `__init__` of each class from this one up to `keras.Layer`, where there is one."""
    for base in cls.__mro__:
        if "__init__" in vars(base):
            yield inspect.unwrap(vars(base)["__init__"])
        if base is keras.layers.Layer:
            return


def _argument(parameter: inspect.Parameter) -> dict[str, Any]:
    if parameter.default is parameter.empty:
        return {"required": True}
    return {"default": keras.saving.serialize_keras_object(parameter.default)}


def _handed_up(init: Callable[..., Any]) -> tuple[int, set[str | None]]:
    """How many arguments this constructor gives its base class by position, and which by name; None is the
    name of those in its `**kwargs`."""
    positional, keywords = 0, set[str | None]()
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(init)))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "__init__"
        ):
            positional = max(positional, len(node.args))
            keywords |= {keyword.arg for keyword in node.keywords}
    return positional, keywords
