"""What a relation is: what the answers of one backend to several cases say about its answer to another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from conformance.cases.case import Case, Literal, Source
from conformance.cases.regimes import expand
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Layer

Outputs = list[Array]


@dataclass(frozen=True)
class Derivation:
    """The cases from whose answers the outputs of another one follow.

    Attributes:
        cases: as `asking` makes them.
        compose: (the outputs of each of them) → the outputs of the case. It only moves elements, so that
            bounds are composed as values are.
        factor: a power of two or its negative, by which what was composed is multiplied.
        exact: floating point makes it so, bit for bit; elsewhere the limit is the sum of both sides' bounds.
    """

    cases: tuple[Case, ...]
    compose: Callable[[list[Outputs]], Outputs]
    factor: float = 1.0
    exact: bool = False


@dataclass(frozen=True, eq=False)
class Relation:
    """A statement about the outputs of one backend, whatever they are.

    Attributes:
        name: in observables, `relation/NAME/output/0`.
        summary: what holds where it holds, in a line.
        derive: what the outputs of a case follow from; None where the relation says nothing about it.
    """

    name: str
    summary: str
    derive: Callable[[Case], Derivation | None]


def as_they_are(answers: list[Outputs]) -> Outputs:
    """The outputs of the only derived case."""
    (outputs,) = answers
    return outputs


def asking(case: Case, **changes: Any) -> Case:
    """The case with some fields changed, that asks for its outputs alone; arrays become literals.

    The dtype is asked too: an answer that is the same, word for word, as that of the case before it is taken
    for one that came too late.
    """
    for name in ("inputs", "masks", "initial_state"):
        if name in changes:
            changes[name] = tuple(map(literal, changes[name]))
    if "weights" in changes:
        changes["weights"] = {name: literal(x) for name, x in changes["weights"].items()}
    changed = msgspec.structs.replace(case, cotangents=(), observables=(), **changes)
    kind, _, _ = changed.subject.partition(".")
    shapes = [source.shape for source in changed.inputs]
    count = len(layer_of(changed).output_shapes(shapes)) if kind == "layers" else 1
    return msgspec.structs.replace(changed, observables=(*(f"output/{i}" for i in range(count)), "dtype"))


def layer_of(case: Case) -> Layer:
    """The layer that the case is about.

    Raises:
        TypeError, ValueError: as its constructor does.
    """
    return layers.get(class_of(case)).from_config(case.config)


def class_of(case: Case) -> str:
    """The name of the case's class or function."""
    return case.subject.partition(".")[2]


def is_layer(case: Case, *names: str) -> bool:
    """Whether the case is about one of these layers."""
    return case.subject in {f"layers.{name}" for name in names}


def arrays(sources: Iterable[Source]) -> list[Array]:
    """The arrays of a case's field."""
    return [expand(source) for source in sources]


def weights(case: Case) -> dict[str, Array]:
    return {name: expand(source) for name, source in case.weights.items()}


def without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    """The configuration with these arguments at their defaults."""
    return {name: value for name, value in config.items() if name not in names}


def literal(x: Array | Source) -> Source:
    """The array written out; what is a source already stays one."""
    if isinstance(x, Source):
        return x
    return Literal(x.shape, tuple(map(_written, np.ravel(x).tolist())), x.dtype.name)


def _written(x: float) -> float | str:
    if not math.isfinite(x):
        return str(x)
    return "-0" if x == 0 and math.copysign(1, x) < 0 else x
