"""Layers inside another's configuration: `{"class_name": …, "config": {…}}`, as both runtimes write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference_impl.layers.fields import Kind
from conformance.reference_impl.layers.layer import Layer, get


def names_layer(value: Any) -> bool:
    """Whether the value of an argument describes a layer that the specification has."""
    return isinstance(value, Mapping) and value.get("class_name") in Layer.registered and "config" in value


def made(description: Mapping[str, Any]) -> Layer:
    """The layer that the description is of; raises as its constructor does."""
    return get(description["class_name"]).from_config(description["config"])


def _canonical(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not {"class_name", "config"} <= value.keys():
        raise ValueError
    return {"class_name": value["class_name"], "config": made(value).get_config()}


layer = Kind(
    'a layer as {"class_name": …, "config": {…}}', _canonical, (3, {"class_name": "Dens", "config": {}})
)
