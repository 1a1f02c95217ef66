"""Masks that a graph of Keras 3 computes by operations, and that older programs hand on unasked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference_impl.layers import Bidirectional, Concatenate, Layer
from conformance.reference_impl.layers.merge import Merge
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.models.graph import Call, Graph, Reference, is_operation

Mask = int | None
"""The number of what computes a mask: equal where that is the same. None is no mask."""


class Masks:
    """The masks of a graph.

    Attributes:
        handed: by output of a layer, the mask that goes along with it unasked.
        computed: by output of an operation, what it is.
        recurrent: the layers that may be given states.
    """

    def __init__(self, graph: Graph) -> None:
        self.handed: dict[Reference, Mask] = {}
        self.computed: dict[Reference, Mask] = {}
        self.recurrent = {name for name, layer in graph.layers.items() if _is_recurrent(layer)}
        self._numbers: dict[tuple[Any, ...], int] = {}
        for call in graph.calls:
            description = graph.layers[call.layer]
            own = Reference(call.layer, call.index)
            if is_operation(description):
                self.computed[own] = self._computed(description, call)
            else:
                self.handed[own] = self._handed_on(description, call)
                if _both_directions_apart(description):
                    self.handed[own._replace(output=1)] = self.handed[own]

    def are_handed_on(self, mask: Any, x: Any) -> bool:
        """Whether what a call is given as a mask is the one that goes along with an output of a layer."""
        if not isinstance(mask, Reference) or not isinstance(x, Reference):
            return False
        return self.computed.get(mask) is not None and self.computed[mask] == self.handed.get(x)

    def is_ignored(self, call: Call) -> bool:
        """Whether Keras 3, unlike others, does not look at the mask that goes along with the input of a call:
        it hands none on to a recurrent layer that is given states too."""
        states = call.references[1:]
        return (
            bool(states) and call.layer in self.recurrent and self.handed.get(call.references[0]) is not None
        )

    def _number(self, *words: Any) -> int:
        """What is said with the same words, other masks by their numbers, has one number."""
        return self._numbers.setdefault(words, len(self._numbers))

    def _computed(self, description: Mapping[str, Any], call: Call) -> Mask:
        axis = description["config"].get("axis")
        match description["class_name"], call.args:
            case "NotEqual", (Reference() as x, int() | float() as constant):
                return self._number("differs", x, constant)
            case "Any", (Reference() as x,) if axis == -1:
                return self._number("any", self.computed.get(x))
            case "LogicalOr", (Reference() as x, Reference() as y):
                return self._number("or", self.computed.get(x), self.computed.get(y))
            case "ExpandDims", (Reference() as x,) if axis == -1:
                return self._number("expanded", self.computed.get(x))
            case "ZerosLike" | "OnesLike" as filled, (Reference() as x,):
                return self._number(filled, x)
            case "Concatenate", (list(parts),) if all(isinstance(part, Reference) for part in parts):
                return self._joined(axis, *(self.computed.get(part) for part in parts))
        return None

    def _handed_on(self, description: Mapping[str, Any], call: Call) -> Mask:
        config = description["config"]
        cls = Layer.registered.get(description["class_name"])
        inputs = call.references
        if cls is None or not inputs:
            return None
        masks = [self.handed.get(reference) for reference in inputs]
        match description["class_name"]:
            case "Masking":
                value = config.get("mask_value", 0.0)
                if not isinstance(value, int | float):
                    return None
                return self._number("any", self._number("differs", inputs[0], value))
            case "Embedding":
                return self._number("differs", inputs[0], 0.0) if config.get("mask_zero") else None
            case "Bidirectional":
                config = config["layer"]["config"]
        if call.layer in self.recurrent:
            return masks[0] if config.get("return_sequences") else None
        if issubclass(cls, Merge):
            merged = masks[0]
            for mask in masks[1:]:
                merged = None if merged is None or mask is None else self._number("or", merged, mask)
            return merged
        if cls is Concatenate:
            if masks.count(None) == len(masks):
                return None
            spread = map(self._spread, inputs, masks)
            return self._number("any", self._joined(config.get("axis", -1), *spread))
        return masks[0] if cls.supports_masking and len(inputs) == 1 else None

    def _joined(self, axis: Any, *masks: Mask) -> int:
        # What stands for an axis in a file may be anything.
        return self._number("joined", axis if isinstance(axis, int) else repr(axis), *masks)

    def _spread(self, x: Reference, mask: Mask) -> int:
        """A mask in the shape of what it is of; it is true throughout where there is none."""
        if mask is None:
            return self._number("OnesLike", x)
        return self._number("or", self._number("expanded", mask), self._number("ZerosLike", x))


def _is_recurrent(description: Mapping[str, Any]) -> bool:
    cls = Layer.registered.get(description["class_name"])
    return cls is not None and issubclass(cls, Recurrent | Bidirectional)


def _both_directions_apart(description: Mapping[str, Any]) -> bool:
    return (
        description["class_name"] == "Bidirectional" and description["config"].get("merge_mode", "") is None
    )
