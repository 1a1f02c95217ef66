"""The order in which TensorFlow.js makes the calls of a functional model that it loads, whatever that of its
configuration.

It is that of `Container.fromConfig` in `tfjs-layers/src/engine/container.ts`, 4.22.0: again and again it goes
through the layers, makes of each the calls whose inputs are there, and puts the others aside. Layers count
their calls as they are made, so that one which was put aside has another number than in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from conformance.reference_impl.models.graph import (
    Call,
    Reference,
    graph,
    is_model,
    is_operation,
    references,
    retold,
)
from conformance.reference_impl.saving.saved_model import JSONObject, LayerPath

Made = dict[str, list[int]]
"""By layer, the numbers of its calls in the order in which they are made; an input has had its one call."""


def order_of_calls(layers: Mapping[str, JSONObject], calls: Sequence[Call]) -> Made:
    """The order of the calls as TensorFlow.js makes them: what a layer gives is taken to be there once it has
    been called often enough, whichever calls these were. Those that it would put aside for ever are missing.
    """
    waiting, made = _before(layers, calls)
    goes_on = True
    while goes_on:
        goes_on = False
        for name, own in waiting.items():
            aside = []
            for call in own:
                if all(len(made[needed.layer]) > needed.call for needed in _needed(layers, call)):
                    made[name].append(call.index)
                    goes_on = True
                else:
                    aside.append(call)
            waiting[name] = aside
    return made


def order_to_count_in(layers: Mapping[str, JSONObject], calls: Sequence[Call]) -> Made:
    """An order in which TensorFlow.js makes the calls if they are counted in it: of each layer, whenever its
    turn comes, all whose inputs are there, also by one of these calls."""
    waiting, made = _before(layers, calls)
    goes_on = True
    while goes_on:
        goes_on = False
        for name, own in waiting.items():
            while ready := next((call for call in own if _is_ready(layers, call, made)), None):
                own.remove(ready)
                made[name].append(ready.index)
                goes_on = True
    return made


def _before(layers: Mapping[str, JSONObject], calls: Sequence[Call]) -> tuple[dict[str, list[Call]], Made]:
    """By layer, the calls that are to be made, and those that have been: an input is there."""
    waiting: dict[str, list[Call]] = {name: [] for name in layers}
    for call in sorted(calls, key=lambda call: call.index):
        waiting[call.layer].append(call)
    return waiting, {name: [0] * (layer["class_name"] == "InputLayer") for name, layer in layers.items()}


def _is_ready(layers: Mapping[str, JSONObject], call: Call, made: Made) -> bool:
    return all(needed.call in made[needed.layer] for needed in _needed(layers, call))


def _needed(layers: Mapping[str, JSONObject], call: Call) -> list[Reference]:
    """What has to be there: masks, and the operations that compute them, are not in the file."""
    if is_operation(layers[call.layer]):
        return []
    return list(references([*call.args, call.kwargs.get("initial_state")]))


@dataclass(frozen=True)
class Recounted:
    """A layer whose calls have other numbers than before.

    Attributes:
        path: to it.
        description: of it.
    """

    path: LayerPath
    description: JSONObject


def counted_as_made(description: JSONObject) -> tuple[JSONObject, tuple[Recounted, ...]]:
    """A model whose calls have the numbers that TensorFlow.js will give them: it loads the same model.

    Args:
        description: of a model, in the form of Keras 3.

    Returns:
        the model, and the layers whose calls have other numbers now.

    Raises:
        ValueError: the model's graph is broken.
    """
    changed: list[Recounted] = []
    return _counted(description, (), changed), tuple(changed)


def _counted(model: JSONObject, path: LayerPath, changed: list[Recounted]) -> JSONObject:
    config = model["config"]
    moved: Made = {}
    if model["class_name"] != "Sequential":
        found = graph(model)
        made = order_to_count_in(found.layers, found.calls)
        moved = {name: order for name, order in made.items() if order != sorted(order)}
    layers = []
    for entry in config["layers"]:
        name = str(entry.get("name") or entry["config"]["name"])
        if name in moved:
            changed.append(Recounted((*path, name), entry))
            entry = {**entry, "inbound_nodes": [entry["inbound_nodes"][call] for call in moved[name]]}
        if "inbound_nodes" in entry:
            entry = {**entry, "inbound_nodes": retold(entry["inbound_nodes"], _renumbered(moved))}
        if is_model(entry):
            entry = _counted(entry, (*path, name), changed)
        elif entry["class_name"] == "TimeDistributed" and is_model(
            inner := entry["config"].get("layer") or {}
        ):
            inner = _counted(inner, (*path, name, inner["config"]["name"]), changed)
            entry = {**entry, "config": {**entry["config"], "layer": inner}}
        layers.append(entry)
    if moved:
        # Of a model inside, the outputs count its own graph as the first call.
        inside = frozenset(name for name in moved if is_model(found.layers[name]))
        config = {**config, "output_layers": retold(config["output_layers"], _renumbered(moved, inside))}
    return {**model, "config": {**config, "layers": layers}}


def _renumbered(moved: Made, from_one: Collection[str] = ()) -> Callable[[str, int], tuple[str, int] | None]:
    """The new number of a call, for `retold`.

    Args:
        from_one: the layers whose calls are counted from 1.
    """

    def called(layer: str, call: int) -> tuple[str, int] | None:
        first = int(layer in from_one)
        return (layer, moved[layer].index(call - first) + first) if layer in moved else None

    return called
