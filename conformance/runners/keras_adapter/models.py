"""A saved model, loaded and run by Keras: what it is, and what each of its layers was given and gave.

The layers are watched during a run of the model itself, eagerly, rather than asked through a second model
that has their outputs: so nothing is computed twice, models inside models need no graph of their own, and
masks and arguments are those that Keras handed over.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from conformance.runners.keras_adapter.calls import STATES, is_stateful
from conformance.runners.keras_adapter.configured import serialized
from conformance.runners.keras_adapter.messages import ConcreteModel, Message, Send, of_value
from conformance.runners.keras_adapter.refusals import Refusal, at
from conformance.runners.keras_adapter.runtime import GENERATION, api, dtype_name, keras, to_array
from conformance.runners.keras_adapter.weights import named
from conformance.runners.wire import Array, little_endian

FORMATS = ("keras", "h5") if GENERATION == 3 else ("h5",)
"""The formats of saved models that can be asked about; `.keras` is another one in Keras 2."""

PIECE = 3 * 2**20
"""Bytes of an array that a message holds: whole elements of any dtype, and whole groups of base64."""

Path = tuple[str, ...]


def inspect(model: ConcreteModel, send: Send) -> Message:
    """The answer about the model, but for its arrays, which are sent before.

    Args:
        send: is given the number of an array and its next bytes, in base64.
    """
    arrays = Arrays(send)
    answer: Message = {}
    try:
        _inspect(model, arrays, answer)
    except Refusal as refusal:
        answer["error"] = refusal.to_message()
    return {**answer, "arrays": arrays.forms}


def _inspect(asked: ConcreteModel, arrays: Arrays, answer: Message) -> None:
    """Fill in the answer as far as the model comes.

    Raises:
        Refusal: Keras refused, or failed.
    """
    api.reset_names()
    with at("load"):
        model = keras.models.load_model(asked.location, compile=False, safe_mode=True)
    with at("build"):
        if not model.built or not model.inputs:
            model.build([x.shape for x in asked.inputs] if len(asked.inputs) > 1 else asked.inputs[0].shape)
        layers = list(_layers(model))
        answer["inputs"] = [_declared(x) for x in model.inputs]
        answer["outputs"] = [_declared(x) for x in model.outputs]
    with at("config"):
        answer["layers"] = [_described(path, layer, arrays, asked.weights) for path, layer in layers]
    with at("call"):
        answer["results"], answer["seconds"] = _predicted(model, layers, asked, arrays)
        if asked.layers:
            answer["calls"], answer["ends"] = _watched(model, layers, asked, arrays)


class Arrays:
    """The arrays of an answer, which are numbered, and sent as soon as they are there."""

    def __init__(self, send: Send) -> None:
        self.forms: list[Message] = []
        self._send = send
        self._known: dict[int, tuple[Any, int]] = {}

    def number(self, x: Array) -> int:
        """The number of an array that has none."""
        number = len(self.forms)
        self.forms.append({"dtype": x.dtype.name, "shape": list(x.shape)})
        data = little_endian(x).reshape(-1).view(np.uint8).data
        for start in range(0, len(data), PIECE):
            self._send({"array": number, "data": base64.b64encode(data[start : start + PIECE]).decode()})
        return number

    def of(self, tensor: Any) -> int:
        """The number of a tensor; it keeps that for as long as this lives."""
        if id(tensor) not in self._known:
            self._known[id(tensor)] = tensor, self.number(to_array(tensor))
        return self._known[id(tensor)][1]

    def of_mask(self, mask: Any) -> int | None:
        """The same of a mask, null where there is none."""
        return None if mask is None else self.of(mask)


def _layers(model: Any, around: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every layer and operation of the model, and of the models inside it after each."""
    for layer in getattr(model, "operations", model.layers):
        path = (*around, str(layer.name))
        yield path, layer
        if _is_model(layer):
            yield from _layers(layer, path)


def _is_model(layer: Any) -> bool:
    return isinstance(layer, keras.Model)


def _declared(symbol: Any) -> Message:
    return {
        "name": str(symbol.name),
        "shape": [None if n is None else int(n) for n in symbol.shape],
        "dtype": dtype_name(symbol.dtype),
    }


def _described(path: Path, layer: Any, arrays: Arrays, values: bool) -> Message:
    kind = (
        "models" if _is_model(layer) else "layers" if isinstance(layer, keras.layers.Layer) else "operations"
    )
    description: Message = {
        "path": list(path),
        "subject": f"{kind}.{type(layer).__name__}",
        "config": None,
        "weights": [],
    }
    if kind != "layers":
        return description
    description["config"] = of_value(serialized(layer.get_config()))["value"]
    trainable = {id(variable) for variable in layer.trainable_weights}
    description["weights"] = [
        {
            "name": name,
            "shape": [int(n) for n in variable.shape],
            "dtype": dtype_name(variable.dtype),
            "trainable": id(variable) in trainable,
            "array": arrays.number(to_array(variable)) if values else None,
        }
        for name, variable in named(layer.weights).items()
    ]
    return description


def _predicted(
    model: Any, layers: list[tuple[Path, Any]], asked: ConcreteModel, arrays: Arrays
) -> tuple[list[int], list[float]]:
    """The outputs of the first `predict`, all samples in one batch, and the seconds that each took."""
    results: list[int] = []
    seconds = []
    inputs = asked.inputs[0] if len(asked.inputs) == 1 else list(asked.inputs)
    for _ in range(asked.repeats):
        _start_anew(layers)
        begun = time.perf_counter()
        outputs = model.predict(inputs, batch_size=max(len(asked.inputs[0]), 1), verbose=0)
        seconds.append(time.perf_counter() - begun)
        results = results or [arrays.number(np.asarray(y)) for y in tf.nest.flatten(outputs)]
    return results, seconds


def _start_anew(layers: list[tuple[Path, Any]]) -> None:
    for _, layer in layers:
        if is_stateful(layer) and not _is_model(layer):
            api.reset_state(layer)


@dataclass(frozen=True)
class Call:
    """A call that was made of a layer, with Keras's own tensors."""

    layer: Path
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: Any


def _watched(
    model: Any, layers: list[tuple[Path, Any]], asked: ConcreteModel, arrays: Arrays
) -> tuple[list[Message], list[int]]:
    """The calls of the layers in a run of the model, and its outputs; the model is of no use after it."""
    calls: list[Call] = []

    def watch(path: Path, layer: Any) -> None:
        call = layer.call

        def watching(*args: Any, **kwargs: Any) -> Any:
            outputs = call(*args, **kwargs)
            calls.append(Call(path, args, kwargs, outputs))
            return outputs

        layer.call = watching

    for path, layer in layers:
        if not _is_model(layer):
            watch(path, layer)
    _start_anew(layers)
    inputs = [tf.constant(x) for x in asked.inputs]
    outputs = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
    return [_told(call, arrays) for call in calls], [arrays.of(y) for y in tf.nest.flatten(outputs)]


def _told(call: Call, arrays: Arrays) -> Message:
    def others(value: Any) -> Any:
        if tf.is_tensor(value):
            return {"array": arrays.of(value)}
        if isinstance(value, list | tuple):
            return [others(item) for item in value]
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, dict):
            return {str(key): others(item) for key, item in value.items()}
        return value if value is None or isinstance(value, bool | int | str) else str(value)

    inputs = [x for x in tf.nest.flatten(call.args) if tf.is_tensor(x)]
    named_ = {name: value for name, value in call.kwargs.items() if value is not None}
    masks = named_.pop("mask", [getattr(x, "_keras_mask", None) for x in inputs])
    states = [named_.pop(name) for name in STATES if name in named_]
    outputs = tf.nest.flatten(call.outputs)
    beside = {str(i): value for i, value in enumerate(call.args) if not _is_all_tensors(value)}
    return {
        "layer": list(call.layer),
        "inputs": [arrays.of(x) for x in inputs],
        "masks": [arrays.of_mask(mask) for mask in (masks if isinstance(masks, list | tuple) else [masks])],
        "initial_state": [arrays.of(x) for x in tf.nest.flatten(states)],
        "others": others(beside | named_),
        "outputs": [arrays.of(y) for y in outputs],
        "output_masks": [arrays.of_mask(getattr(y, "_keras_mask", None)) for y in outputs],
    }


def _is_all_tensors(value: Any) -> bool:
    return all(map(tf.is_tensor, tf.nest.flatten(value)))
