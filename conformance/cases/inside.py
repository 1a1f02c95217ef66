"""The layers inside a layer's configuration, each as a case of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from conformance.cases.answer import Data
from conformance.cases.case import Case
from conformance.reference_impl import layers
from conformance.reference_impl.layers import Layer, nested

Path = tuple[str | int, ...]
"""Arguments, and after one that is a list the place in it."""


@dataclass(frozen=True)
class Inside:
    """A layer inside a case's configuration.

    Attributes:
        path: the arguments that lead to it, from the outermost layer.
        case: about it alone. It is asked the same, and given the same inputs, or all their time steps as
            one batch where the layer around gives it one at a time.
        data: what the case's inputs and masks are; no masks for a cell, which takes none.
    """

    path: Path
    case: Case
    data: Data


def layers_inside(case: Case, data: Data, path: Path = ()) -> Iterator[Inside]:
    """Every layer inside the case's configuration, the outer ones first.

    >>> dense = {"class_name": "Dense", "config": {"units": 3}}
    >>> nothing = Data((), {}, (), (), ())
    >>> [one.case.subject for one in layers_inside(Case("layers.TimeDistributed", {"layer": dense}), nothing)]
    ['layers.Dense']
    """
    kind, _, name = case.subject.partition(".")
    if kind != "layers":
        return
    around = layers.get(name)
    mirrored = {argument: case.config.get(other) for argument, other in around.mirrors.items()}
    for argument, value in {**mirrored, **case.config}.items():
        for place, description in nested.descriptions(around, argument, value):
            within = (*path, argument, *place)
            inner, given = _alone(around, case, data, description)
            yield Inside(within, inner, given)
            yield from layers_inside(inner, given, within)


def _alone(around: type[Layer], case: Case, data: Data, description: Mapping[str, Any]) -> tuple[Case, Data]:
    inner = msgspec.structs.replace(
        case, subject=f"layers.{description['class_name']}", config=dict(description["config"]), weights={}
    )
    if not around.gives_single_steps:
        return inner, Data(data.inputs, {}, data.masks, (), data.cotangents)
    takes_masks = layers.get(description["class_name"]).supports_masking
    sources = (msgspec.structs.replace(source, shape=_of_steps(source.shape)) for source in case.inputs)
    steps, masks = (
        tuple(x.reshape(_of_steps(x.shape)) for x in arrays)
        for arrays in (data.inputs, data.masks if takes_masks else ())
    )
    return (
        msgspec.structs.replace(inner, inputs=tuple(sources)),
        Data(steps, {}, masks, (), data.cotangents),
    )


def _of_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """That of all time steps as one batch."""
    return (math.prod(shape[:2]), *shape[2:])
