"""A model at a glance: its layers, what they give, how many parameters they have, and what feeds them."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.layer import Shape, Weight
from conformance.reference_impl.models.model import Model
from conformance.reference_impl.models.operations import Operation


def summary(model: Model) -> str:
    """The lines of Keras's `Model.summary`: a row for each layer, and the totals.

    Raises:
        ValueError: the model's input layers do not tell enough to know its shapes.

    >>> dense = {"class_name": "Dense", "config": {"units": 3, "name": "dense"}}
    >>> inputs = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "x"}}
    >>> config = {"name": "model", "layers": [inputs, dense]}
    >>> print(summary(Model.from_config({"class_name": "Sequential", "config": config})))
    Model: model
    Layer (type)    Output shape  Parameters  Connected to
    x (InputLayer)  (None, 4)     0
    dense (Dense)   (None, 3)     15          x
    Total: 15 parameters, 15 trainable, 0 not
    """
    shapes, declared = model.shapes(), model.declare_weights()
    rows = [("Layer (type)", "Output shape", "Parameters", "Connected to")]
    for name, member in model.members.items():
        path = (name,)
        if isinstance(member, Model):
            given = member.output_shapes(shapes.inputs.get((path, 0)))
            weights = [w for inner, own in declared.items() if inner[:1] == path for w in own]
        else:
            given = shapes.outputs.get((path, 0)) or _as_told(member)
            weights = list(declared.get(path, ()))
        fed = [call for call in model.graph.calls if call.layer == name]
        feeding = dict.fromkeys(reference.layer for call in fed for reference in call.references)
        kind = member.class_name if isinstance(member, Operation) else type(member).__name__
        rows.append((f"{name} ({kind})", _shown(given), f"{_count(weights):,}", ", ".join(feeding)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    everything = [w for own in declared.values() for w in own]
    trainable = _count([w for w in everything if w.trainable])
    whole = _count(everything)
    total = f"Total: {whole:,} parameters, {trainable:,} trainable, {whole - trainable:,} not"
    return "\n".join([f"Model: {model.name}", *lines, total])


def _count(weights: Sequence[Weight]) -> int:
    return sum(prod(weight.shape) for weight in weights)


def _as_told(member: Layer | Operation) -> tuple[Shape, ...]:
    """The shape of a layer that is an input."""
    return (tuple(member.config["batch_shape"]),) if isinstance(member, Layer) else ()


def _shown(shapes: Sequence[Shape]) -> str:
    return ", ".join(str(tuple(shape)) for shape in shapes)
