"""Names of layers by which TensorFlow.js tells their weights apart, whatever models are around the layers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.interchange.rewriting.rewriter import Rewrite
from conformance.reference_impl.models.graph import is_model, retold
from conformance.reference_impl.saving.saved_model import JSONObject, LayerPath, SavedModel


@dataclass(frozen=True)
class Held:
    """A model, as it stands in another one.

    Attributes:
        path: to it.
        description: of it.
    """

    path: LayerPath
    description: JSONObject

    def members(self) -> Iterator[tuple[str, JSONObject]]:
        for entry in self.description["config"]["layers"]:
            yield str(entry.get("name") or entry["config"]["name"]), entry

    def models(self) -> Iterator[Held]:
        """Those that stand in it, or in its layers."""
        for name, entry in self.members():
            path = (*self.path, name)
            if is_model(entry):
                yield Held(path, entry)
            elif is_model(inner := _distributed(entry)):
                yield Held((*path, inner["config"]["name"]), inner)


def uniquely_named(
    saved: SavedModel, rewrites: tuple[Rewrite, ...]
) -> tuple[SavedModel, tuple[Rewrite, ...]]:
    """A model in which no two layers with weights have one name; the outer ones keep theirs.

    Args:
        rewrites: what has been done to the model before.

    Returns:
        the model, and all that has been done to it.
    """
    models = deque([Held((), saved.configuration)])
    taken, given = set[str](), set[str]()
    names: dict[LayerPath, str] = {}
    classes: dict[LayerPath, str] = {}
    held = []
    while models:
        held.append(models.popleft())
        models.extend(held[-1].models())
    for model in held:
        taken |= {name for name, _ in model.members()}
    for model in held:
        for name, entry in model.members():
            path = (*model.path, name)
            if path not in saved.weights:
                continue
            if name in given:
                names[path], classes[path] = _unused(f"{model.path[-1]}_{name}", taken), entry["class_name"]
            given.add(names.get(path, name))
    if not names:
        return saved, rewrites
    renamed = {path: (*path[:-1], name) for path, name in names.items()}
    why = "TensorFlow.js looks for weights by the name of their layer, without those of the models around it"
    added = tuple(
        Rewrite(
            "/".join(path), f"layers.{classes[path]}", "name", f"named {names[path]}: {why}", ("/".join(new),)
        )
        for path, new in renamed.items()
    )
    made = replace(
        saved,
        configuration=_renamed(saved.configuration, (), names),
        weights={renamed.get(path, path): own for path, own in saved.weights.items()},
    )
    kept = (replace(one, counts_on=renamed.get(one.counts_on, one.counts_on)) for one in rewrites)
    return made, (*kept, *added)


def _distributed(entry: JSONObject) -> Any:
    """The layer in TimeDistributed."""
    return entry["config"].get("layer") or {} if entry["class_name"] == "TimeDistributed" else {}


def _unused(stem: str, taken: set[str]) -> str:
    name, number = stem, 0
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name


def _renamed(description: JSONObject, path: LayerPath, names: Mapping[LayerPath, str]) -> JSONObject:
    """A model in which layers have other names, by their paths; those that name them too."""
    own = {old[-1]: new for old, new in names.items() if old[:-1] == path}

    def called(layer: str, call: int) -> tuple[str, int] | None:
        return (own[layer], call) if layer in own else None

    layers = []
    for name, entry in Held(path, description).members():
        inside = (*path, name)
        if is_model(entry):
            entry = _renamed(entry, inside, names)
        elif is_model(inner := _distributed(entry)):
            changed = _renamed(inner, (*inside, inner["config"]["name"]), names)
            entry = {**entry, "config": {**entry["config"], "layer": changed}}
        if name in own:
            entry = {**entry, "name": own[name], "config": {**entry["config"], "name": own[name]}}
        if "inbound_nodes" in entry:
            entry = {**entry, "inbound_nodes": retold(entry["inbound_nodes"], called)}
        layers.append(entry)
    ends = {
        key: retold(description["config"][key], called)
        for key in ("input_layers", "output_layers")
        if key in description["config"]
    }
    return {**description, "config": {**description["config"], "layers": layers, **ends}}
