"""A case's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.cases.case import Case
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


def make(case: Case) -> Data:
    """The arrays of a case, as the backend gets them.

    Raises:
        ValueError: a recipe names no regime, or a literal has the wrong number of elements.
    """
    return Data(
        tuple(expand(source) for source in case.inputs),
        {name: expand(source) for name, source in case.weights.items()},
        tuple(expand(source) for source in case.masks),
        tuple(expand(source) for source in case.initial_state),
        tuple(expand(source) for source in case.cotangents),
    )
