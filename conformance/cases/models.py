"""Models as cases: what a recipe describes, and the form in which two descriptions of a model are compared.

A case about a model has in its `config` what Keras 3 has there: `name`, `layers`, and of a functional model
`input_layers` and `output_layers`; its layers may be described as briefly as older programs do it. Weights
are named by their layer's path and their own name, `tower/dense/kernel`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.training import class_of_model, is_about_training
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Layer
from conformance.reference_impl.layers.nested import names_layers, rewritten
from conformance.reference_impl.models import Model
from conformance.reference_impl.models.graph import (
    Call,
    Graph,
    Reference,
    graph,
    is_model,
    is_operation,
    references,
)
from conformance.reference_impl.saving.configuration import modern
from conformance.reference_impl.saving.configuration.masks import Masks
from conformance.reference_impl.saving.saved_model import JSONObject, LayerPath

SUBJECTS = ("models.Functional", "models.Sequential")

UNREADABLE = "nothing that can be read: "
"""In the place of a model or its weights, and before the reason."""

SEQUENTIAL_INPUT = "(input)"
"""In the place of the name of a Sequential's input, which every program makes up."""


def is_about_model(case: Case) -> bool:
    """Whether the case is about a model, which goes from one program to another."""
    return case.subject in SUBJECTS


def loaded_parts(case: Case) -> list[str]:
    """The observables of what is loaded."""
    return [name for name in case.observables if name.startswith("loaded/")]


def saved_parts(case: Case) -> list[str]:
    """The observables of what is saved."""
    return [name for name in case.observables if name.startswith("saved/")]


def configuration(case: Case) -> JSONObject:
    """The configuration of the case's model in the form of Keras 3; a case about a training run has it under
    `model`.

    Raises:
        FormatError: it describes none; the message names the layer.
    """
    if is_about_training(case):
        return modern({"class_name": class_of_model(case), "config": case.config["model"]})
    return modern({"class_name": case.subject.partition(".")[2], "config": case.config})


def weight_name(path: LayerPath, name: str) -> str:
    """The name of a layer's weight in cases.

    >>> weight_name(("tower", "dense"), "kernel")
    'tower/dense/kernel'
    """
    return "/".join((*path, name))


def described(model: Mapping[str, Any]) -> JSONObject:
    """What a configuration in the form of Keras 3 says of a model, with every spelling of a value made one.

    A mask counts where a call is given another one than that which goes along with its input unasked; so
    operations that compute nothing but such masks are left out.

    Raises:
        ValueError: the graph is broken, or the specification refuses a layer.
    """
    found = graph(model)
    masks = Masks(found)
    given = {(call.layer, call.index): _given(found, call, masks) for call in found.calls}
    calls = _needed(found, given)
    left_out = {name for name, layer in found.layers.items() if is_operation(layer)} - {
        name for name, _ in calls
    }
    made_up = {r.layer: SEQUENTIAL_INPUT for r in found.inputs} if model["class_name"] == "Sequential" else {}

    def place(value: Any) -> Any:
        match value:
            case Reference(layer, call, output):
                return [made_up.get(layer, layer), call, output]
            case dict():
                return {key: place(item) for key, item in value.items()}
            case list() | tuple():
                return [place(item) for item in value]
        return value

    return {
        "class_name": model["class_name"],
        "name": found.name,
        "trainable": model["config"].get("trainable", True),
        "layers": {
            made_up.get(name, name): _layer(layer)
            for name, layer in found.layers.items()
            if name not in left_out
        },
        "calls": {f"{name} {index}": place(given[name, index]) for name, index in sorted(calls)},
        "inputs": place(found.inputs),
        "outputs": place(found.outputs),
    }


Given = dict[str, Any]
"""What a call is given: its inputs and states, or an operation's operands, and other arguments by name."""


def _given(model: Graph, call: Call, masks: Masks) -> Given:
    # Not to act as in training is what no word of it means too.
    others = {name: value for name, value in call.kwargs.items() if value not in (None, False)}
    if is_operation(model.layers[call.layer]):
        return {"operands": list(call.args)} | others
    inputs = [*references(call.args), *references(others.pop("initial_state", ()))]
    along = zip(_listed(others.get("mask", ())), references(call.args), strict=False)
    if all(mask is None or masks.are_handed_on(mask, x) for mask, x in along):
        others.pop("mask", None)
    return {"inputs": inputs} | others


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, Reference) or not isinstance(value, list | tuple) else list(value)


def _needed(model: Graph, given: Mapping[tuple[str, int], Given]) -> set[tuple[str, int]]:
    """The calls of layers, and those of operations whose outputs go anywhere."""
    waiting = [key for key in given if not is_operation(model.layers[key[0]])]
    waiting += [(reference.layer, reference.call) for reference in model.outputs]
    found: set[tuple[str, int]] = set()
    while waiting:
        key = waiting.pop()
        if key in given and key not in found:
            found.add(key)
            waiting += [(reference.layer, reference.call) for reference in references(given[key])]
    return found


def _layer(description: Mapping[str, Any]) -> JSONObject:
    if is_model(description):
        return described(description)
    class_name, config = description["class_name"], description["config"]
    if is_operation(description) or class_name not in Layer.registered:
        return {"class_name": class_name, "config": _nameless(config)}
    return {"class_name": class_name, "config": canonical(class_name, config)}


def canonical(class_name: str, config: Mapping[str, Any]) -> JSONObject:
    """The configuration as the specification's layer says it; so are those of the layers in it.

    Raises:
        ValueError: the specification refuses it.
    """
    try:
        layer = Layer.registered[class_name].from_config(config)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return {key: _one_form(key, value) for key, value in _nameless(layer.get_config()).items()}


def _one_form(argument: str, value: Any) -> Any:
    match argument, value:
        case "axis", [single]:
            return single
        case _ if names_layers(value):
            return rewritten(value, lambda _, inner: _nameless(inner))
    return value


def _nameless(config: Mapping[str, Any]) -> JSONObject:
    return {key: value for key, value in config.items() if key != "name"}


def marks(weights: Mapping[str, Array]) -> dict[str, str]:
    """By name, a word for each array: the same for the same dtype, shape and bits, and for no others.

    >>> import numpy as np
    >>> marks({"dense/bias": np.zeros(3, np.float32)})
    {'dense/bias': 'float32[3] 15ec7bf0b50732b4'}
    """
    return {
        name: _mark(x.dtype.name, x.shape, x.astype(x.dtype.newbyteorder("<"), copy=False).tobytes())
        for name, x in sorted(weights.items())
    }


def mark_of_message(tensor: Mapping[str, Any]) -> str:
    """The same word of an array in a message.

    Raises:
        ValueError: its data are not base64.

    >>> mark_of_message({"dtype": "float32", "shape": [3], "data": "AAAAAAAAAAAAAAAA"})
    'float32[3] 15ec7bf0b50732b4'
    """
    return _mark(tensor["dtype"], tensor["shape"], base64.b64decode(tensor["data"], validate=True))


def _mark(dtype: str, shape: Sequence[int], data: bytes) -> str:
    return f"{dtype}{list(shape)} {hashlib.sha256(data).hexdigest()[:16]}"


def weights_by_layer(case: Case, weights: Mapping[str, Array]) -> dict[LayerPath, dict[str, Array]]:
    """The weights of the case's model by the paths of their layers and their own names.

    Raises:
        FormatError: the case describes no model.
        ValueError: one is of no layer.
    """
    paths = {"/".join(path): path for path, _ in Model.from_config(configuration(case)).layers()}
    found: dict[LayerPath, dict[str, Array]] = {}
    for name, x in weights.items():
        layer = max((path for path in paths if name.startswith(f"{path}/")), key=len, default="")
        if not layer:
            raise ValueError(f"{name} is a weight of no layer of {case.config['name']}")
        found.setdefault(paths[layer], {})[name.removeprefix(f"{layer}/")] = x
    return found
