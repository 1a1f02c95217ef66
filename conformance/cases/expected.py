"""What can be expected of an observable: a value with its bound, a structure, a refusal, a law."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.random import Draw
from conformance.reference_impl.tape import (
    Tensor,
)


@dataclass(frozen=True)
class Value:
    """An array with the bound of what a correct backend may answer."""

    tensor: Tensor


@dataclass(frozen=True)
class Structure:
    """A shape, a configuration, a name: what has to be equal."""

    value: Any


@dataclass(frozen=True)
class Refusal:
    """An error is the right answer; `at` says during what.

    Attributes:
        kind: of the error, where it has to be the one that was given before; else it is one that is meant.
    """

    at: str
    message: str
    kind: str | None = None


@dataclass(frozen=True)
class Own:
    """What the backend itself answers to another observable of the same case, bit for bit."""

    observable: str


@dataclass(frozen=True)
class Law:
    """Random: what is drawn, and what is right of whatever has been drawn.

    Attributes:
        draws: of which the result is made; none where it is not random.
        given: from an array for each draw, of its shape, to the result, an axis before those of the input.
    """

    draws: tuple[Draw, ...]
    given: Callable[[Sequence[Array]], Tensor]

    @cached_property
    def outcomes(self) -> dict[tuple[float, ...], Tensor]:
        """The results where each draw is 0 throughout, or 1, by these numbers."""
        return {
            outcome: self.given([xp.full(d.shape, x) for d, x in zip(self.draws, outcome, strict=True)])
            for outcome in itertools.product((0.0, 1.0), repeat=len(self.draws))
        }


@dataclass(frozen=True)
class Image:
    """Random, and no elements of its own to be told: what a function makes of it is not random.

    Attributes:
        shape: of the answer.
        of: from the answer, in float64, to what is compared.
        tensor: what that is, with its bound.
        sample: from a key to an answer that is right.
    """

    shape: tuple[int, ...]
    of: Callable[[Array], Array]
    tensor: Tensor
    sample: Callable[[int], Array]


Definite = Value | Structure | Refusal | Law | Image
"""What is expected whatever the backend answers elsewhere."""

Expected = Definite | Own
