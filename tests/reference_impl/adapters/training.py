"""Keras's losses and metrics, asked one question after another: pickles on standard input and output.

A question is a tuple, the first of `QUESTIONS` and its arguments; the answer is what the function of that
name gives, or a `Refused`.
"""

from __future__ import annotations

import inspect
import os
import pickle
import sys
from collections.abc import Sequence
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # what libraries print is no answer

import keras  # noqa: E402  # it prints on import
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from conformance.runners.keras_adapter.identity import ARITHMETIC  # noqa: E402


def classes(module: str) -> dict[str, list[tuple[str, Any]]]:
    """Each class of `keras.losses` or `keras.metrics`: its arguments with their defaults, in order."""
    public = {n: c for n, c in vars(getattr(keras, module)).items() if inspect.isclass(c)}
    return {
        name: [(p.name, _default(p)) for p in list(inspect.signature(cls).parameters.values())]
        for name, cls in public.items()
    }


def _default(parameter: inspect.Parameter) -> Any:
    return "REQUIRED" if parameter.default is parameter.empty else parameter.default


def functions(module: str) -> dict[str, list[tuple[str, Any]]]:
    """Each function of it, likewise, without labels and predictions."""
    return {
        name: [(p.name, _default(p)) for p in list(inspect.signature(f).parameters.values())[2:]]
        for name, f in vars(getattr(keras, module)).items()
        if inspect.isfunction(f) and name not in ("get", "serialize", "deserialize")
    }


def identifiers(module: str) -> dict[str, str]:
    """Each name that `get` knows, with the name of the class or function that it gives."""
    return {name: thing.__name__ for name, thing in _table(module).items()}


def _table(module: str) -> dict[str, Any]:
    from keras.src import losses, metrics

    table: dict[str, Any] = {"losses": losses, "metrics": metrics}[module].ALL_OBJECTS_DICT
    return table


def arithmetic() -> dict[str, Any]:
    """What TensorFlow promises of floating point."""
    return ARITHMETIC


def config(module: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """What `get_config` says."""
    config = getattr(getattr(keras, module), name)(**given).get_config()
    told: dict[str, Any] = keras.saving.serialize_keras_object(config)
    return told


def direction(name: str, given: dict[str, Any]) -> str | None:
    """Whether training is to bring a metric up or down."""
    told: str | None = getattr(getattr(keras.metrics, name)(**given), "_direction", None)
    return told


def loss(
    name: str,
    given: dict[str, Any],
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    mask: Any = None,
    cotangent: Any = None,
) -> tuple[Any, Any]:
    """The value, and the vjp by the predictions with the cotangent."""
    subject = getattr(keras.losses, name)(**given)
    predictions = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        seen = tf.identity(predictions)
        if mask is not None:
            keras.src.backend.set_keras_mask(seen, tf.constant(mask))
        value = subject(y_true, seen, sample_weight)
    weight = tf.ones_like(value) if cotangent is None else tf.constant(cotangent)
    gradient = tape.gradient(value, predictions, weight)
    return np.asarray(value), None if gradient is None else np.asarray(tf.convert_to_tensor(gradient))


def metric(
    name: str, given: dict[str, Any], updates: Sequence[tuple[Any, ...]]
) -> tuple[list[Any], list[list[tuple[str, Any]]]]:
    """The results after each update and after a reset; the variables with their names then, and before."""
    subject = getattr(keras.metrics, name)(**given)
    results, states = [], []

    def note() -> None:
        states.append([(v.name, np.asarray(v)) for v in subject.variables])
        results.append(np.asarray(subject.result()))

    states.append([(v.name, np.asarray(v)) for v in subject.variables])
    for update in updates:
        subject.update_state(*update)
        note()
    subject.reset_state()
    note()
    return results, states


ASKED = (classes, functions, identifiers, arithmetic, config, direction, loss, metric)
QUESTIONS = {question.__name__: question for question in ASKED}

if __name__ == "__main__":
    while True:
        try:
            what, *arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            break
        try:
            answer: Any = QUESTIONS[what](*arguments)
        except Exception as error:  # whatever Keras raises is the answer
            answer = ("refused", type(error).__name__, str(error))
        pickle.dump(answer, answers)
        answers.flush()
