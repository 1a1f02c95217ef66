"""Masks that a graph of Keras 3 computes by operations of its own, and that older programs hand on unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference_impl.layers import Bidirectional, Concatenate, Layer
from conformance.reference_impl.layers.merge import Merge
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.models.graph import Call, Graph, Reference, is_operation

Mask = tuple[Any, ...] | None
"""What computes a mask, in words that are equal where the masks are; None is no mask."""


def implied_masks(graph: Graph) -> tuple[dict[Reference, Mask], dict[Reference, Mask]]:
    """The masks that go along with the outputs of each layer unasked, and what each operation of the graph
    computes, in the same words."""
    handed: dict[Reference, Mask] = {}
    computed: dict[Reference, Mask] = {}
    for call in graph.calls:
        description = graph.layers[call.layer]
        own = Reference(call.layer, call.index)
        if is_operation(description):
            computed[own] = _computed(description, call, computed)
        else:
            handed[own] = _handed_on(description, call, handed)
            if _both_directions_apart(description):
                handed[own._replace(output=1)] = handed[own]
    return handed, computed


def _computed(description: Mapping[str, Any], call: Call, computed: Mapping[Reference, Mask]) -> Mask:
    match description["class_name"], call.args:
        case "NotEqual", (Reference() as x, constant):
            return ("differs", x, float(constant)) if isinstance(constant, int | float) else None
        case "Any", (Reference() as x,) if description["config"].get("axis") == -1:
            return ("any", computed.get(x))
        case "LogicalOr", (Reference() as x, Reference() as y):
            return ("or", computed.get(x), computed.get(y))
    return None


def _handed_on(description: Mapping[str, Any], call: Call, handed: Mapping[Reference, Mask]) -> Mask:
    config = description["config"]
    cls = Layer.registered.get(description["class_name"])
    inputs = [reference for reference in call.references if reference.layer != call.layer]
    if cls is None or not inputs:
        return None
    first = handed.get(inputs[0])
    match description["class_name"]:
        case "Masking":
            return ("any", ("differs", inputs[0], float(config.get("mask_value", 0.0))))
        case "Embedding":
            return ("differs", inputs[0], 0.0) if config.get("mask_zero") else None
        case "Bidirectional":
            config = config["layer"]["config"]
    if issubclass(cls, Recurrent | Bidirectional):
        return first if config.get("return_sequences") else None
    if issubclass(cls, Merge) and cls is not Concatenate:
        merged = first
        for reference in inputs[1:]:
            other = handed.get(reference)
            merged = None if merged is None or other is None else ("or", merged, other)
        return merged
    return first if cls.supports_masking and len(inputs) == 1 else None


def _both_directions_apart(description: Mapping[str, Any]) -> bool:
    return (
        description["class_name"] == "Bidirectional" and description["config"].get("merge_mode", "") is None
    )
