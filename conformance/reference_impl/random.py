"""What layers draw in training, and initializers: named laws, sampled by Philox with an explicit key, raw
words, and a mapping of our own. Whoever wants to know what is drawn, or to say what it shall be, does so by
`drawing`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from conformance.reference_impl.arrays import Array, xp


@dataclass(frozen=True)
class Bernoulli:
    """1 with the probability, else 0."""

    probability: float

    def sample(self, key: int, shape: tuple[int, ...]) -> Array:
        """Independent numbers; the same for the same key, on every machine.

        >>> Bernoulli(1.0).sample(1, (4,))
        array([1., 1., 1., 1.])
        """
        drawn = uniform(key, math.prod(shape))
        return xp.asarray((drawn < self.probability).astype(np.float64).reshape(shape))


@dataclass(frozen=True)
class Normal:
    """Standard normal."""

    def sample(self, key: int, shape: tuple[int, ...]) -> Array:
        """Independent numbers, by the method of Box and Muller.

        >>> Normal().sample(1, (0, 3)).shape
        (0, 3)
        """
        count = math.prod(shape)
        drawn = uniform(key, 2 * count)
        radius = np.sqrt(-2.0 * np.log1p(-drawn[:count]))
        return xp.asarray((radius * np.cos(2.0 * np.pi * drawn[count:])).reshape(shape))


@dataclass(frozen=True)
class Uniform:
    """All numbers of [0, 1) equally likely."""

    def sample(self, key: int, shape: tuple[int, ...]) -> Array:
        """Independent numbers.

        >>> bool((Uniform().sample(1, (9,)) < 1).all())
        True
        """
        return xp.asarray(uniform(key, math.prod(shape)).reshape(shape))

    def cdf(self, x: Array) -> Array:
        """The probability of a number up to x."""
        return np.clip(x, 0.0, 1.0)


FURTHEST = 2.0
"""How far from 0 a truncated normal number may be."""


@dataclass(frozen=True)
class TruncatedNormal:
    """Standard normal, drawn again until it is within 2 of 0."""

    def sample(self, key: int, shape: tuple[int, ...]) -> Array:
        """Independent numbers, by the inverse of their distribution.

        >>> bool((abs(TruncatedNormal().sample(1, (9,))) <= 2).all())
        True
        """
        normal, drawn = NormalDist(), uniform(key, math.prod(shape))
        least = normal.cdf(-FURTHEST)
        inner = least + drawn * (1 - 2 * least)
        return xp.asarray(np.array([normal.inv_cdf(p) for p in inner.tolist()]).reshape(shape))

    def cdf(self, x: Array) -> Array:
        """The probability of a number up to x."""
        normal = NormalDist()
        least = normal.cdf(-FURTHEST)
        below = np.array([normal.cdf(value) for value in np.ravel(x).tolist()]).reshape(np.shape(x))
        return np.clip((below - least) / (1 - 2 * least), 0.0, 1.0)


Distribution = Bernoulli | Normal | Uniform | TruncatedNormal


def uniform(key: int, count: int) -> Array:
    """Numbers of [0, 1), on the host, all multiples of 2⁻⁵³ equally likely."""
    words = np.random.Philox(key=key).random_raw(count)
    return np.asarray(words >> np.uint64(11), np.float64) * 2.0**-53


@dataclass(frozen=True)
class Draw:
    """Independent numbers of one distribution, drawn at once."""

    distribution: Distribution
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Drawing:
    given: Mapping[int, Array]
    draws: dict[int, Draw] = field(default_factory=dict)


_drawing: ContextVar[_Drawing | None] = ContextVar("drawing", default=None)


@contextmanager
def drawing(given: Mapping[int, Array] | None = None) -> Iterator[dict[int, Draw]]:
    """Gives what is drawn within the block, by key.

    Args:
        given: by key, what is drawn there, in place of random numbers.
    """
    here = _Drawing(given or {})
    token = _drawing.set(here)
    try:
        yield here.draws
    finally:
        _drawing.reset(token)


def draw(key: int, distribution: Distribution, shape: tuple[int, ...]) -> Array:
    """The numbers that a layer draws; with the same key, the same again.

    >>> with drawing({1: np.ones(3)}) as draws:
    ...     print(draw(1, Normal(), (3,)), draws)
    [1. 1. 1.] {1: Draw(distribution=Normal(), shape=(3,))}
    """
    here = _drawing.get()
    if here is not None:
        here.draws[key] = Draw(distribution, shape)
        if key in here.given:
            return here.given[key]
    return distribution.sample(key, shape)
