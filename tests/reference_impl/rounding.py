"""Emulated float32 arithmetics, and the orders in which sums are added up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.reference_impl.arithmetic import declared
from conformance.reference_impl.arrays import Array

NUMPY = declared({"base": "ieee-float32", "ulps": {"log": 4.0}})
"""What NumPy's own float32 functions keep to: its vectorised logarithm errs by 3.83 ULP at 0.7828563."""

SMALLEST_NORMAL = np.float32(2.0**-126)


@dataclass(frozen=True)
class Rounding:
    """How one float32 operation rounds.

    Attributes:
        add, multiply: on float32 arrays.
        result: the float32 of an exact float64 result.
    """

    name: str
    add: Callable[[Array, Array], Array]
    multiply: Callable[[Array, Array], Array]
    result: Callable[[Array], Array]


def truncated(exact: Array) -> Array:
    """The nearest float32 that is no larger in magnitude."""
    rounded = exact.astype(np.float32)
    too_far = np.abs(rounded.astype(np.float64)) > np.abs(exact)
    return np.where(too_far & np.isfinite(exact), np.nextafter(rounded, np.float32(0)), rounded)


def truncated_sum(x: Array, y: Array) -> Array:
    """x + y rounded to zero, exactly: the float64 sum's own rounding error decides where it is one."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    total = a + b
    part = total - a
    lost = (a - (total - part)) + (b - part)
    rounded = truncated(total)
    crossed = (rounded == total) & (lost * np.sign(total) < 0)
    return np.where(crossed, np.nextafter(rounded, np.float32(0)), rounded)


def flushed(x: Array) -> Array:
    """The float32 array with zeros for its subnormals."""
    return np.where(np.abs(x) < SMALLEST_NORMAL, np.float32(0), x)


NEAREST = Rounding("nearest", np.add, np.multiply, lambda exact: exact.astype(np.float32))
TO_ZERO = Rounding(
    "to zero",
    truncated_sum,
    lambda x, y: truncated(x.astype(np.float64) * y.astype(np.float64)),
    truncated,
)
FLUSHING = Rounding(
    "flushing",
    lambda x, y: flushed(flushed(x) + flushed(y)),
    lambda x, y: flushed(flushed(x) * flushed(y)),
    lambda exact: flushed(exact.astype(np.float32)),
)


def forward(terms: Array, rounding: Rounding) -> Array:
    total: Array = terms[0]
    for term in terms[1:]:
        total = rounding.add(total, term)
    return total


def backward(terms: Array, rounding: Rounding) -> Array:
    return forward(terms[::-1], rounding)


def pairwise(terms: Array, rounding: Rounding) -> Array:
    if len(terms) == 1:
        return np.asarray(terms[0])
    half = len(terms) // 2
    return rounding.add(pairwise(terms[:half], rounding), pairwise(terms[half:], rounding))


def blocked(terms: Array, rounding: Rounding) -> Array:
    """Four interleaved accumulators, as vector units have."""
    return forward(np.stack([forward(terms[i::4], rounding) for i in range(min(4, len(terms)))]), rounding)


ORDERS = (forward, backward, pairwise, blocked)
"""Forward begins with the first product, backward with the bias."""
