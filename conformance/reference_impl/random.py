"""Random bits for dropout: Philox with an explicit key, raw words, and a mapping of our own."""

from __future__ import annotations

import math

import numpy as np

from conformance.reference_impl.arrays import Array, xp


def bernoulli(key: int, shape: tuple[int, ...], probability: float) -> Array:
    """1.0 with the probability, else 0.0; the same for the same key, on every machine.

    >>> bernoulli(1, (4,), 1.0)
    array([1., 1., 1., 1.])
    """
    words = np.random.Philox(key=key).random_raw(math.prod(shape))
    drawn = np.asarray(words >> np.uint64(11), np.float64) * 2.0**-53
    return xp.asarray((drawn < probability).astype(np.float64).reshape(shape))
