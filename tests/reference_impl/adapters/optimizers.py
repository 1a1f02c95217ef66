"""Optimizers of Keras, step by step: `optimizers.py QUESTIONS ARCHIVE` writes an archive of arrays.

By name of a question, with `/` between: `variable/STEP/PATH` and `slot/STEP/INDEX` after each step (0 is
before the first), `gradient/STEP/PATH` for each step, and `description`, JSON: the names of the slots, and
the configuration. `rate/NAME` are the rates of schedules; `classes`, JSON, has the signatures of all classes;
and `refused`, JSON, says of which error a bad configuration is.
"""

from __future__ import annotations

import inspect
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

warnings.simplefilter("ignore")
questions = json.loads(Path(sys.argv[1]).read_text())
SHAPES = {"dense/kernel": (3, 4), "dense/bias": (4,), "embedding/embeddings": (5, 3)}


def variables(drawn: np.random.Generator) -> dict[str, Any]:
    found = {}
    for path, shape in SHAPES.items():
        layer, _, name = path.partition("/")
        with keras.name_scope(layer):
            value = np.zeros(shape) if name == "bias" else drawn.standard_normal(shape)
            found[path] = keras.Variable(value, name=name, dtype="float32")
    return found


def gradients(drawn: np.random.Generator, step: int) -> dict[str, Any]:
    """Of several magnitudes, some of them zero; in the second step there is none for the last variable."""
    found: dict[str, Any] = {}
    for path, shape in SHAPES.items():
        scale = 2.0 ** drawn.integers(-12, 2, shape) * (drawn.random(shape) < 0.875)
        found[path] = (drawn.standard_normal(shape) * scale).astype(np.float32)
    return found if step != 2 else {**found, path: None}


def seen(step: int, own: dict[str, Any], optimizer: Any) -> Iterator[tuple[str, Any]]:
    for path, variable in own.items():
        yield f"variable/{step}/{path}", variable.numpy()
    for i, slot in enumerate(optimizer.variables):
        yield f"slot/{step}/{i}", slot.numpy()


def steps(question: dict[str, Any], drawn: np.random.Generator) -> Iterator[tuple[str, Any]]:
    described = question["optimizer"]
    # `keras.optimizers.get` does not know every class.
    optimizer = getattr(keras.optimizers, described["class_name"]).from_config(described["config"])
    if "spared" in question:
        optimizer.exclude_from_weight_decay(var_names=question["spared"])
    own = variables(drawn)
    if question.get("constrained"):
        own["dense/kernel"].constraint = keras.constraints.NonNeg()
    optimizer.build(list(own.values()))
    yield from seen(0, own, optimizer)
    for step in range(1, question["steps"] + 1):
        given = gradients(drawn, step)
        for path, gradient in given.items():
            if gradient is not None:
                yield f"gradient/{step}/{path}", gradient
        optimizer.apply_gradients([(given[path], variable) for path, variable in own.items()])
        yield from seen(step, own, optimizer)
    optimizer.finalize_variable_values(list(own.values()))
    for path, variable in own.items():
        yield f"final/{path}", variable.numpy()
    names = [slot.name for slot in optimizer.variables]
    yield "description", np.array(json.dumps({"slots": names, "config": optimizer.get_config()}))


def signature(cls: Any) -> dict[str, Any]:
    """The arguments in their order, with their defaults; what has none has the default "required"."""
    return {
        name: "required" if parameter.default is parameter.empty else parameter.default
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if name not in ("self", "kwargs")
    }


def classes(module: Any) -> dict[str, Any]:
    return {
        name: signature(cls)
        for name, cls in vars(module).items()
        if inspect.isclass(cls) and not name.startswith("_")
    }


def refusal(description: dict[str, Any]) -> str:
    try:
        keras.optimizers.get(description)
    except Exception as error:
        return type(error).__name__
    return "nothing"


archive: dict[str, Any] = {}
for number, (name, question) in enumerate(questions["optimizers"].items()):
    for key, array in steps(question, np.random.default_rng(number)):
        archive[f"{name}/{key}"] = array
for name, question in questions["schedules"].items():
    schedule = keras.optimizers.schedules.deserialize(question)
    rates = [schedule(keras.ops.cast(step, "int64")) for step in questions["steps"]]
    archive[f"rate/{name}"] = np.array([keras.ops.convert_to_numpy(rate) for rate in rates])
archive["classes"] = np.array(json.dumps([classes(keras.optimizers), classes(keras.optimizers.schedules)]))
archive["refused"] = np.array(json.dumps([refusal(bad) for bad in questions["bad"]]))
np.savez(sys.argv[2], **archive)
