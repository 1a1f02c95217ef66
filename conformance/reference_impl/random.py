"""Random bits for dropout and noise: Philox with an explicit key, raw words, and a mapping of our own."""

from __future__ import annotations

import math

import numpy as np

from conformance.reference_impl.arrays import Array, xp


def bernoulli(key: int, shape: tuple[int, ...], probability: float) -> Array:
    """1.0 with the probability, else 0.0; the same for the same key, on every machine.

    >>> bernoulli(1, (4,), 1.0)
    array([1., 1., 1., 1.])
    """
    drawn = uniform(key, math.prod(shape))
    return xp.asarray((drawn < probability).astype(np.float64).reshape(shape))


def normal(key: int, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers, by the method of Box and Muller.

    >>> normal(1, (0, 3)).shape
    (0, 3)
    """
    count = math.prod(shape)
    drawn = uniform(key, 2 * count)
    radius = np.sqrt(-2.0 * np.log1p(-drawn[:count]))
    return xp.asarray((radius * np.cos(2.0 * np.pi * drawn[count:])).reshape(shape))


def uniform(key: int, count: int) -> Array:
    """Numbers of [0, 1), on the host, all multiples of 2⁻⁵³ equally likely."""
    words = np.random.Philox(key=key).random_raw(count)
    return np.asarray(words >> np.uint64(11), np.float64) * 2.0**-53
