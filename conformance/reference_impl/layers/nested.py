"""Layers inside another's configuration: `{"class_name": …, "config": {…}}`, as both runtimes write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.reference_impl.fields import Kind
from conformance.reference_impl.layers.layer import Layer, Weight, get
from conformance.reference_impl.tape import Tensor


def names_layer(value: Any) -> bool:
    """Whether the value of an argument describes a layer that the specification has."""
    # An instance of dict, as JSON has it: of the abstract class it takes four times as long to ask.
    if not isinstance(value, dict) or "config" not in value:
        return False
    class_name = value.get("class_name")
    return isinstance(class_name, str) and class_name in Layer.registered


def names_layers(value: Any) -> bool:
    """Whether the value of an argument describes a layer, or is a list of layers."""
    return names_layer(value) or (isinstance(value, list) and value != [] and all(map(names_layer, value)))


def descriptions(
    around: type[Layer], argument: str, value: Any
) -> Iterator[tuple[tuple[int, ...], Mapping[str, Any]]]:
    """The layers that the value of an argument describes, each with its place in a list; cells in a list that
    are stacked are one layer."""
    if isinstance(value, list) and around.arguments[argument].kind is cell:
        value = _stacked(value)
    if names_layer(value):
        yield (), value
    elif names_layers(value):
        yield from (((i,), description) for i, description in enumerate(value))


def within(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The class and configuration of every layer inside a configuration, at any depth."""
    for value in config.values():
        for description in value if isinstance(value, list) else [value]:
            if names_layer(description):
                yield description["class_name"], description["config"]
                yield from within(description["config"])


def rewritten(value: Any, rewrite: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    """What describes a layer, or a list of layers, with other configurations: (class, old one) → new one."""
    if isinstance(value, list):
        return [rewritten(item, rewrite) for item in value]
    name = value["class_name"]
    return {"class_name": name, "config": rewrite(name, value["config"])}


def made(description: Mapping[str, Any]) -> Layer:
    """The layer that the description is of; raises as its constructor does."""
    return get(description["class_name"]).from_config(description["config"])


def _canonical(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not {"class_name", "config"} <= value.keys():
        raise ValueError
    return {"class_name": value["class_name"], "config": made(value).get_config()}


def _canonical_list(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError
    return [_canonical(item) for item in value]


def _one_or_stacked(value: Any) -> dict[str, Any]:
    return _canonical(_stacked(value) if isinstance(value, list | tuple) else value)


def _stacked(cells: Sequence[Any]) -> dict[str, Any]:
    return {"class_name": "StackedRNNCells", "config": {"cells": cells}}


DESCRIBED = 'as {"class_name": …, "config": {…}}'
NO_LAYERS = (3, {"class_name": "Dens", "config": {}})
layer = Kind(f"a layer {DESCRIBED}", _canonical, NO_LAYERS)
layers = Kind(f"a list of at least one layer {DESCRIBED}", _canonical_list, (3, []))
cell = Kind(f"a cell, or a list of cells, {DESCRIBED}", _one_or_stacked, NO_LAYERS)
"""Cells in a list are stacked."""


def scoped(scope: str, layer: Layer, declared: Sequence[Weight]) -> tuple[Weight, ...]:
    """The weights of a layer as that around it has them: trained if both are, and named `scope/kernel`, or by
    the names that the layer has for them where the scope is empty."""
    prefix = f"{scope}/" if scope else ""
    return tuple(
        replace(
            w, name=prefix + w.name, trainable=w.trainable and layer.trainable, dtype=w.dtype or layer.dtype
        )
        for w in declared
    )


def weights_under(scope: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights that `scoped` has named so, by the names that their layer has for them."""
    prefix = f"{scope}/" if scope else ""
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}
