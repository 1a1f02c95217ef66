"""The calls of a model's layers, read from a configuration in the form of Keras 3 and put in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any, NamedTuple

import numpy as np

from conformance.reference_impl.patches import patchable
from conformance.reference_impl.spelling import suggestion

JSONObject = dict[str, Any]

DTYPES = (
    "bool",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
)
"""Those that an array among the arguments of a call may have."""

DEEPEST = 32
"""How deep models may stand in each other, and arguments of a call in lists."""


class Reference(NamedTuple):
    """One output of one call of a layer; calls and outputs are counted from 0."""

    layer: str
    call: int = 0
    output: int = 0

    def __str__(self) -> str:
        return f"output {self.output} of call {self.call} of layer {self.layer}"


@dataclass(frozen=True)
class Call:
    """A layer called: its arguments are constants and references, in lists, tuples and dictionaries."""

    layer: str
    index: int
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def references(self) -> list[Reference]:
        """What it is called on, in order."""
        return list(references([*self.args, *self.kwargs.values()]))

    def __str__(self) -> str:
        return f"call {self.index} of layer {self.layer}"


@dataclass(frozen=True)
class Graph:
    """The layers of a model and how they are called.

    Attributes:
        name: of the model.
        layers: the description of each, by name, in the configuration's order; names are unique.
        calls: in an order in which each finds what it is called on; layers that are inputs have none.
        inputs: of the model.
        outputs: of the model.
    """

    name: str
    layers: Mapping[str, JSONObject]
    calls: tuple[Call, ...]
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]


def is_model(description: Mapping[str, Any]) -> bool:
    """Whether a description is of a model, rather than of a layer."""
    return description.get("class_name") in ("Functional", "Model", "Sequential")


def is_operation(description: Mapping[str, Any]) -> bool:
    """Whether a description is of an operation of Keras that stands as a layer in a graph."""
    return str(description.get("module")).startswith("keras.src.ops.")


def references(value: Any) -> Iterator[Reference]:
    """Those in a structure, in the order in which Keras takes it apart: dictionaries by their sorted keys."""
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from references(value[key])


def retold(value: Any, called: Callable[[str, int], tuple[str, int] | None]) -> Any:
    """A part of a configuration in which outputs of layers, `[layer, call, output]`, are told otherwise.

    Args:
        called: a layer and the number of its call as they are to be told; None where they stay.
    """
    match value:
        case [str(layer), int(call), int(output), *rest] if (new := called(layer, call)) is not None:
            return [*new, output, *rest]
        case list():
            return [retold(item, called) for item in value]
        case dict():
            return {key: retold(item, called) for key, item in value.items()}
    return value


def graph(description: Mapping[str, Any]) -> Graph:
    """The graph of a Sequential or Functional model.

    Raises:
        ValueError: layers or calls are missing, of the same name, or call each other in a circle; the message
            names layer and call.
    """
    config = description.get("config")
    if not is_model(description) or not isinstance(config, Mapping):
        raise ValueError(f"{shown(description.get('class_name'))} is no Sequential or Functional model")
    name = str(config.get("name"))
    entries = _entries(name, config.get("layers"))
    if description["class_name"] == "Sequential":
        return _chain(name, entries)
    declared = counted_calls(entries)
    inputs = tuple(_ends(name, config, "input_layers", {}))
    skipped = {n: 1 for n, entry in entries.items() if entry["class_name"] in ("Functional", "Model")}
    outputs = tuple(_ends(name, config, "output_layers", skipped))
    if not inputs or not outputs:
        raise ValueError(f"model {name} needs at least one input and one output")
    for reference in inputs:
        if reference.layer not in entries or entries[reference.layer]["class_name"] != "InputLayer":
            raise ValueError(f"model {name}: input_layers name {reference.layer}, which is no InputLayer")
    return Graph(name, entries, _ordered(name, entries, declared, outputs), inputs, outputs)


def _entries(model: str, layers: Any) -> dict[str, JSONObject]:
    if not isinstance(layers, list) or not layers:
        raise ValueError(f"model {model} needs a list of at least one layer, got {shown(layers)}")
    entries: dict[str, JSONObject] = {}
    for entry in layers:
        if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
            raise ValueError(f"model {model}: {shown(entry)} describes no layer")
        name = entry.get("name") or entry["config"].get("name")
        if not isinstance(name, str):
            raise ValueError(f"model {model}: a layer {entry.get('class_name')} has no name")
        if name in entries:
            raise ValueError(f"model {model}: two layers are named {name}; names are unique in a model")
        entries[name] = entry
    return entries


def _chain(name: str, entries: Mapping[str, JSONObject]) -> Graph:
    """Each layer called on what the one before it gives."""
    first, *others = entries
    if entries[first]["class_name"] != "InputLayer":
        raise ValueError(
            f"model {name}: the first layer, {first}, is no InputLayer: the input's shape is not known"
        )
    before = Reference(first)
    calls = []
    for layer in others:
        calls.append(Call(layer, 0, (before,), {}))
        before = Reference(layer)
    return Graph(name, entries, tuple(calls), (Reference(first),), (before,))


@patchable("models.counted_calls")
def counted_calls(entries: Mapping[str, JSONObject]) -> list[Call]:
    """The calls of layers, those of each counted in the order in which its description tells them"""
    return [call for entry in entries.values() for call in _calls(entry)]


def _calls(entry: Mapping[str, Any]) -> Iterator[Call]:
    name = entry.get("name") or entry["config"]["name"]
    nodes = entry.get("inbound_nodes", [])
    if not isinstance(nodes, list):
        raise ValueError(f"layer {name}: inbound_nodes is no list, but {shown(nodes)}")
    for index, node in enumerate(nodes):
        place = f"call {index} of layer {name}"
        match node:
            case {"args": list(args), "kwargs": dict(kwargs)}:
                yield Call(
                    name,
                    index,
                    tuple(_argument(a, place) for a in args),
                    {k: _argument(v, place) for k, v in kwargs.items()},
                )
            case _:
                raise ValueError(f'{place}: expected {{"args": […], "kwargs": {{…}}}}, got {shown(node)}')


def _argument(value: Any, place: str, depth: int = 0) -> Any:
    """An argument of a call, with references for the tensors that it names."""
    if depth > DEEPEST:
        raise ValueError(f"{place}: arguments are nested deeper than {DEEPEST}")
    match value:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": history}}:
            return _reference(history, place)
        case {"class_name": "__tuple__", "items": list(items)}:
            return tuple(_argument(item, place, depth + 1) for item in items)
        case {"class_name": "__numpy__" | "__tensor__", "config": {"value": held, "dtype": str(dtype)}}:
            if dtype not in DTYPES:
                raise ValueError(f"{place}: expected a dtype of {', '.join(DTYPES)}, got {shown(dtype)}")
            return np.array(held, dtype)
        case list():
            return [_argument(item, place, depth + 1) for item in value]
        case dict():
            return {key: _argument(item, place, depth + 1) for key, item in value.items()}
    return value


def _reference(history: Any, place: str) -> Reference:
    match history:
        case [str(layer), int(call), int(output), *_] if call >= 0 and output >= 0:
            return Reference(layer, call, output)
    raise ValueError(f"{place}: expected [layer, call, output], got {shown(history)}")


def _ends(
    model: str, config: Mapping[str, Any], key: str, skipped: Mapping[str, int], depth: int = 0
) -> Iterator[Reference]:
    """The inputs or outputs of a model. Of a functional model inside, Keras counts its own graph as the first
    call here, though not between layers: `skipped` says by how much less to count."""

    def found(value: Any, depth: int) -> Iterator[Reference]:
        if depth > DEEPEST:
            raise ValueError(f"model {model}: {key} are nested deeper than {DEEPEST}")
        match value:
            case [str(layer), int(call), int(output)]:
                yield _reference([layer, call - skipped.get(layer, 0), output], f"model {model}: {key}")
            case list():
                for item in value:
                    yield from found(item, depth + 1)
            case dict():
                for name in sorted(value):
                    yield from found(value[name], depth + 1)
            case _:
                raise ValueError(f"model {model}: {key} are {shown(value)}, which names no layer")

    return found(config.get(key), 0)


def _ordered(
    model: str,
    entries: Mapping[str, JSONObject],
    declared: Sequence[Call],
    outputs: Sequence[Reference],
) -> tuple[Call, ...]:
    """The calls, each behind those whose outputs it is given."""
    given = {(name, 0) for name, entry in entries.items() if entry["class_name"] == "InputLayer"}
    counts = dict.fromkeys(entries, 0) | dict.fromkeys((name for name, _ in given), 1)
    for call in declared:
        if (call.layer, 0) in given:
            raise ValueError(f"model {model}: {call}, which is an input and takes no calls")
        counts[call.layer] += 1
    for place, reference in [(f"{call}", r) for call in declared for r in call.references] + [
        ("an output", r) for r in outputs
    ]:
        if reference.layer not in entries:
            raise ValueError(
                f"model {model}: {place} is given {reference}, which the model does not have; "
                f"{suggestion(reference.layer, entries)}"
            )
        if reference.call >= counts[reference.layer]:
            raise ValueError(
                f"model {model}: {place} is given {reference}, which has {counts[reference.layer]} calls"
            )
    waiting = {(c.layer, c.index): {(r.layer, r.call) for r in c.references} - given for c in declared}
    behind: dict[tuple[str, int], list[Call]] = {}
    for call in declared:
        for needed in waiting[call.layer, call.index]:
            behind.setdefault(needed, []).append(call)
    ready = deque(call for call in declared if not waiting[call.layer, call.index])
    ordered: list[Call] = []
    while ready:
        call = ready.popleft()
        ordered.append(call)
        for later in behind.get((call.layer, call.index), ()):
            waiting[later.layer, later.index].discard((call.layer, call.index))
            if not waiting[later.layer, later.index]:
                ready.append(later)
    if len(ordered) < len(declared):
        done = {(c.layer, c.index) for c in ordered}
        stuck = [str(c) for c in declared if (c.layer, c.index) not in done]
        raise ValueError(f"model {model}: calls need each other in a circle: {', '.join(stuck[:8])}")
    return tuple(ordered)
