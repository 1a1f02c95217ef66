"""The layers of a model and how they are called on one another, as it is told and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from reprlib import repr as shown

import msgspec

from conformance.reference_impl.fields import REQUIRED
from conformance.reference_impl.layers import InputLayer
from conformance.reference_impl.layers.layer import Layer, Shape
from conformance.reference_impl.models import Model, Reference
from conformance.reference_impl.models.operations import Operation
from conformance.reference_impl.saving.saved_model import LayerPath

UNTOLD = frozenset(("name", "dtype", "trainable"))
"""Arguments that are told elsewhere, or change nothing that a model computes when it is used."""


class Source(msgspec.Struct, frozen=True):
    """One output of one call of a layer of the same model; calls and outputs are counted from 0."""

    layer: str
    call: int
    output: int


class Called(msgspec.Struct, frozen=True):
    """A call of a layer: the tensors that it is given, and the shapes of what it gives, in which null is a
    size that is not known before."""

    inputs: tuple[Source, ...]
    shapes: tuple[tuple[int | None, ...], ...]


class Member(msgspec.Struct, frozen=True):
    """A layer of a model, or a model in it.

    Attributes:
        class_name: of an operation of Keras that stands as a layer, its name.
        arguments: those that are not at their defaults, as Python has them, long ones cut off.
        calls: none where nothing that the model gives comes from it.
        inside: of a model.
    """

    name: str
    class_name: str
    arguments: dict[str, str]
    calls: tuple[Called, ...]
    inside: Structure | None = None


class Structure(msgspec.Struct, frozen=True):
    """A model: its members, inputs first and then in the order of their first calls; the names of its inputs;
    and what it gives."""

    members: tuple[Member, ...]
    inputs: tuple[str, ...]
    outputs: tuple[Source, ...]


def structure(model: Model) -> Structure:
    """What the model is made of.

    Raises:
        ValueError: a layer does not take what it is given; the message names it.
    """
    return _structure(model, model.shapes().outputs, ())


def _structure(
    model: Model, shapes: Mapping[tuple[LayerPath, int], tuple[Shape, ...]], around: LayerPath
) -> Structure:
    calls: dict[str, list[Called]] = {name: [] for name in model.members}
    for layer in model.input_layers:
        calls[str(layer.name)].append(Called((), (tuple(layer.batch_shape),)))
    for call in model.graph.calls:
        given = model.given[call.layer, call.index]
        taken = tuple(_source(item) for item in _tensors((*given.inputs, *given.states, *given.masks)))
        calls[call.layer].append(Called(taken, shapes[(*around, call.layer), call.index]))
    inputs = [reference.layer for reference in model.graph.inputs]
    order = dict.fromkeys([*inputs, *(call.layer for call in model.graph.calls), *model.members])
    members = tuple(
        Member(
            name,
            _class_name(model.members[name]),
            dict(_arguments(model.members[name])),
            tuple(calls[name]),
            _structure(inner, shapes, (*around, name))
            if isinstance(inner := model.members[name], Model)
            else None,
        )
        for name in order
    )
    return Structure(members, tuple(inputs), tuple(_source(r) for r in model.graph.outputs))


def _tensors(given: tuple[object, ...]) -> Iterator[Reference]:
    return (item for item in given if isinstance(item, Reference))


def _source(reference: Reference) -> Source:
    return Source(reference.layer, reference.call, reference.output)


def _class_name(member: Layer | Operation | Model) -> str:
    match member:
        case Model():
            return "Model"
        case Operation():
            return member.class_name
    return type(member).__name__


def _arguments(member: Layer | Operation | Model) -> Iterator[tuple[str, str]]:
    if isinstance(member, Operation):
        yield from ((name, shown(value)) for name, value in member.arguments.items())
    elif isinstance(member, Layer) and not isinstance(member, InputLayer):
        config = member.get_config()
        required = {name for name, field in member.arguments.items() if field.default is REQUIRED}
        unsaid = type(member).from_config({name: config[name] for name in required}).get_config()
        for name, value in config.items():
            if name in required or (name not in UNTOLD and value != unsaid.get(name)):
                yield name, _argument(value)


def _argument(value: object) -> str:
    """As Python has it; a layer as a call of its class."""
    match value:
        case {"class_name": str(name), "config": dict(config)} if name in Layer.registered:
            own = _arguments(Layer.registered[name].from_config(config))
            return f"{name}({', '.join(f'{argument}={said}' for argument, said in own)})"
        case [{"class_name": str(name)}, *_] if name in Layer.registered:
            return f"[{', '.join(map(_argument, value))}]"
    return shown(value)
