"""A case's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from conformance.cases.case import Case, Recipe, Source
from conformance.cases.regimes import expand
from conformance.reference_impl.arrays import Array


@dataclass(frozen=True)
class Data:
    """A case's arrays, made."""

    inputs: tuple[Array, ...]
    weights: Mapping[str, Array]
    masks: tuple[Array, ...]
    initial_state: tuple[Array, ...]
    cotangents: tuple[Array, ...]


kept = lru_cache(maxsize=2048)(expand)
"""The array of a recipe, for who makes the same case's data next."""


def expanded(source: Source) -> Array:
    """The array that a source stands for, read-only. That of a literal is made anew: literals with 0.0 and
    with -0.0 are equal."""
    array = kept(source) if isinstance(source, Recipe) else expand(source)
    array.flags.writeable = False
    return array


def make(case: Case) -> Data:
    """The arrays of a case, as the backend gets them, read-only.

    Raises:
        ValueError: a recipe names no regime, or a literal has the wrong number of elements.
    """
    return Data(
        tuple(map(expanded, case.inputs)),
        {name: expanded(source) for name, source in case.weights.items()},
        tuple(map(expanded, case.masks)),
        tuple(map(expanded, case.initial_state)),
        tuple(map(expanded, case.cotangents)),
    )
