"""The order in which Keras has the layers of a functional model, whatever that of its configuration.

Files with weights number the layers of a class in this order. It is that of `map_graph` in
`keras/src/ops/function.py`, 3.15.1: layers farthest from the outputs first, and those equally far as a search
from the outputs, depth first, comes to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike

from conformance.reference_impl.models.graph import Graph, Reference, graph, is_model, references
from conformance.reference_impl.saving.keras_layers import check, outermost
from conformance.reference_impl.saving.saved_model import JSONObject

Node = tuple[str, int]
"""A layer by its name, and which of its calls."""


def in_keras_order(configuration: JSONObject, file: str | PathLike[str]) -> JSONObject:
    """The configuration of a model with the layers of each functional model in it in Keras's order.

    A list of layers of which some lead to no output is left as it is.

    Raises:
        FormatError: it is no configuration of a model, or its graph is broken; the message names the file.
    """
    check(outermost(configuration, file))
    return _ordered(configuration)


def _ordered(configuration: JSONObject) -> JSONObject:
    config = configuration["config"]
    if is_model(configuration):
        layers = [_ordered(layer) for layer in config["layers"]]
        if configuration["class_name"] != "Sequential":
            found = graph(configuration | {"config": config | {"layers": layers}})
            names = _order(found)
            if sorted(names) == sorted(found.layers):
                layers = [found.layers[name] for name in names]
        return configuration | {"config": config | {"layers": layers}}
    if configuration["class_name"] == "TimeDistributed" and is_model(config["layer"]):
        return configuration | {"config": config | {"layer": _ordered(config["layer"])}}
    return configuration


def _order(model: Graph) -> list[str]:
    """The layers that have to do with the model's inputs or outputs, in Keras's order."""
    parents = {
        (call.layer, call.index): [_node(found) for found in references([call.args, call.kwargs])]
        for call in model.calls
    }
    finished, first_seen = _searched([_node(output) for output in model.outputs], parents)
    depth = dict[str, int]()
    node_depth = dict[Node, int]()
    for node in reversed(finished):
        name, _ = node
        depth[name] = node_depth[node] = max(node_depth.get(node, 0), depth.get(name, 0))
        for parent in parents.get(node, ()):
            node_depth[parent] = max(depth[name] + 1, node_depth.get(parent, 0))
    for unused in (given.layer for given in model.inputs if given.layer not in depth):
        depth[unused], first_seen[unused] = 0, -1
    return sorted(depth, key=lambda name: (-depth[name], first_seen[name]))


def _node(reference: Reference) -> Node:
    return reference.layer, reference.call


def _searched(outputs: list[Node], parents: Mapping[Node, list[Node]]) -> tuple[list[Node], dict[str, int]]:
    """The calls on the way to the outputs, each after those that it needs, and when the search came first to
    each layer."""
    finished: list[Node] = []
    entered = set[Node]()
    first_seen = dict[str, int]()
    waiting: list[tuple[Node, Iterator[Node]]] = []

    def enter(node: Node) -> None:
        if node not in entered:
            entered.add(node)
            first_seen.setdefault(node[0], len(first_seen))
            waiting.append((node, iter(parents.get(node, ()))))

    for output in outputs:
        enter(output)
        while waiting:
            node, remaining = waiting[-1]
            parent = next(remaining, None)
            if parent is None:
                waiting.pop()
                finished.append(node)
            else:
                enter(parent)
    return finished, first_seen
