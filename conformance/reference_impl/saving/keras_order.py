"""The order in which Keras has the layers of a functional model, whatever that of its configuration.

Files with weights number the layers of a class in this order. It is that of `map_graph` in
`keras/src/ops/function.py`, 3.15.1: layers farthest from the outputs first, and those equally far as a search
from the outputs, depth first, comes to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

from conformance.reference_impl.saving.keras_layers import check, outermost
from conformance.reference_impl.saving.saved_model import JSONObject

Node = tuple[str, int]
"""A layer by its name, and which of its calls."""


def in_keras_order(configuration: JSONObject, file: str | PathLike[str]) -> JSONObject:
    """The configuration of a model with the layers of each functional model in it in Keras's order.

    A list of layers of which some are not connected, or in a circle, is left as it is.

    Raises:
        FormatError: it is no configuration of a model; the message names the file.
    """
    check(outermost(configuration, file))
    return _ordered(configuration)


def _ordered(configuration: JSONObject) -> JSONObject:
    config = configuration.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    if isinstance(config, dict) and isinstance(config.get("layer"), dict):  # of TimeDistributed
        return configuration | {"config": config | {"layer": _ordered(config["layer"])}}
    if not isinstance(config, dict) or not isinstance(layers, list):
        return configuration
    ordered = [_ordered(layer) for layer in layers]
    if "output_layers" in config:
        by_name = {
            layer["config"]["name"] if "name" not in layer else layer["name"]: layer for layer in ordered
        }
        names = _order(by_name, config)
        if sorted(names) == sorted(by_name):
            ordered = [by_name[name] for name in names]
    return configuration | {"config": config | {"layers": ordered}}


def _order(layers: Mapping[str, JSONObject], config: JSONObject) -> list[str]:
    parents = {
        (name, i): list(_histories(call))
        for name, layer in layers.items()
        for i, call in enumerate(_calls(layer))
    }
    outputs = [_own_numbering(layers, node) for node in _histories(config.get("output_layers"))]
    inputs = [name for name, _ in _histories(config.get("input_layers"))]
    finished, first_seen = _searched(outputs, parents)
    depth = dict[str, int]()
    node_depth = dict[Node, int]()
    for node in reversed(finished):
        name, _ = node
        depth[name] = node_depth[node] = max(node_depth.get(node, 0), depth.get(name, 0))
        for parent in parents.get(node, ()):
            node_depth[parent] = max(depth[name] + 1, node_depth.get(parent, 0))
    for name in inputs:
        if name not in depth:
            depth[name], first_seen[name] = 0, -1
    return sorted(depth, key=lambda name: (-depth[name], first_seen[name]))


def _searched(outputs: list[Node], parents: Mapping[Node, list[Node]]) -> tuple[list[Node], dict[str, int]]:
    """The calls on the way to the outputs, each after those that it needs, and when the search came first to
    each layer."""
    finished = dict[Node, None]()
    first_seen = dict[str, int]()
    for output in outputs:
        waiting: list[tuple[Node, Iterator[Node]]] = []

        def enter(node: Node) -> None:
            first_seen.setdefault(node[0], len(first_seen))
            waiting.append((node, iter(parents.get(node, ()))))  # noqa: B023

        if output not in finished:
            enter(output)
        entered = {output}
        while waiting:
            node, remaining = waiting[-1]
            for parent in remaining:
                if parent not in finished and parent not in entered:
                    entered.add(parent)
                    enter(parent)
                    break
            else:
                waiting.pop()
                finished[node] = None
    return list(finished), first_seen


def _own_numbering(layers: Mapping[str, JSONObject], node: Node) -> Node:
    """Among outputs, the calls of a functional model are counted from 1: the first is its own making."""
    name, call = node
    return (name, call - 1) if layers.get(name, {}).get("class_name") in ("Functional", "Model") else node


def _histories(value: Any) -> Iterator[Node]:
    """The calls whose outputs are in the arguments of a call."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__" and isinstance(value.get("config"), dict):
            yield from _histories(value["config"].get("keras_history"))
        else:
            # As Keras takes structures apart: positional arguments, then others, by their names.
            yield from (node for key in sorted(value) for node in _histories(value[key]))
    elif _is_history(value):
        yield value[0], value[1]
    elif isinstance(value, list):
        yield from (node for item in value for node in _histories(item))


def _calls(layer: JSONObject) -> list[Any]:
    nodes = layer.get("inbound_nodes")
    return nodes if isinstance(nodes, list) else []


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int
