"""The exact functions, in float64, and how far a float32 result lies from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from conformance.reference_impl.arithmetic import IEEE_FLOAT32, OPENCL_FULL_PROFILE

Array = np.ndarray[Any, np.dtype[Any]]

SMALLEST_NORMAL, LARGEST = IEEE_FLOAT32.smallest_normal, IEEE_FLOAT32.largest
FAR_BELOW_OVERFLOW, SURELY_NORMAL = LARGEST * (1 - 2.0**-20), SMALLEST_NORMAL * (1 + 2.0**-20)
"""Between these an error of a few ULPs carries no result over an edge."""
NEAR_ZERO = 2.0
"""Up to this magnitude of the exact result, absolute errors tell something that relative ones may not."""

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def softplus(x: Array) -> Array:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


def selu(x: Array) -> Array:
    return np.where(x > 0, SELU_SCALE * x, SELU_SCALE * SELU_ALPHA * np.expm1(np.minimum(x, 0.0)))


ERF_STEP, ERF_END, ERF_ORDER = 1 / 16, 6.5, 10
_ERF_NODES = np.array([math.erf(i * ERF_STEP) for i in range(round(ERF_END / ERF_STEP) + 1)])


def erf(x: Array) -> Array:
    """The Taylor series at the nearest multiple of 1/16, of relative error below 1e-14; 1 from 6.5 on.

    With φ = erf′, φ⁽ⁿ⁺¹⁾ = −2c·φ⁽ⁿ⁾ − 2n·φ⁽ⁿ⁻¹⁾ at c.
    """
    magnitude = np.abs(x)
    if magnitude.min() >= ERF_END:
        return np.sign(x)
    node = np.rint(np.fmin(magnitude, ERF_END) / ERF_STEP)
    c = node * ERF_STEP
    h = np.minimum(magnitude, ERF_END) - c
    before, derivative = np.zeros_like(c), 2 / math.sqrt(math.pi) * np.exp(-c * c)
    value, power = _ERF_NODES[node.astype(np.intp)], h.copy()
    for n in range(ERF_ORDER):
        value = value + derivative * power
        before, derivative = derivative, -2 * c * derivative - 2 * n * before
        power = power * h / (n + 2)
    signed: Array = np.copysign(value, x)
    return signed


EXACT: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "erf": erf,
    "divide": lambda x: 3 / x,
    "elu": elu,
    "selu": selu,
}
"""Of relative error below 1e-14, which is 2e-7 ULP of float32. A reciprocal times a number is no correctly
rounded division: 3/x shows it, and 1/x would not."""

KINKS = (
    SMALLEST_NORMAL, 2.0**-24, 4e-4, 0.5, math.log(2), 1.0, 7.9, 9.01, 23 * math.log(2) - 2, 15.94, 17.33,
    87.336, 88.03, 88.376, 88.723, 103.97, LARGEST,
)  # fmt: skip
"""Magnitudes near which some runtime's algorithm changes, or its result saturates."""


class Errors(msgspec.Struct, frozen=True):
    """The errors of a function over some inputs.

    Attributes:
        inputs: how many there were.
        beyond_published: how many err by more than the published entry; none has an error where there
            is no such entry.
        ulps, ulps_at: the largest error in ULPs, and the bits of the input that has it. Subnormal operands
            are left out, and what flushing adds to subnormal results is taken off.
        absolute, absolute_at: the largest error less half an ULP where the exact result is at most 2.
        misplaced, misplaced_at: how many results are infinite or NaN, or not, where the exact one is not,
            or is; the bits of one such input.
    """

    inputs: int = 0
    beyond_published: int = 0
    ulps: float = 0.0
    ulps_at: int | None = None
    absolute: float = 0.0
    absolute_at: int | None = None
    misplaced: int = 0
    misplaced_at: int | None = None

    def __add__(self, other: Errors) -> Errors:
        ulps = max(self, other, key=lambda e: e.ulps)
        absolute = max(self, other, key=lambda e: e.absolute)
        return Errors(
            self.inputs + other.inputs,
            self.beyond_published + other.beyond_published,
            ulps.ulps,
            ulps.ulps_at,
            absolute.absolute,
            absolute.absolute_at,
            self.misplaced + other.misplaced,
            self.misplaced_at if self.misplaced else other.misplaced_at,
        )


def errors(function: str, bits: Array, results: Array) -> Errors:
    """How far results lie from the exact ones.

    Args:
        function: a name in `EXACT`.
        bits: the float32 inputs as uint32.
        results: the backend's, float32.
    """
    with np.errstate(all="ignore"):
        x = bits.view(np.float32).astype(np.float64)
        exact = EXACT[function](x)
        magnitude = np.abs(exact)
        error = np.abs(results - exact)
        ulp = (magnitude.view(np.int64) & 0x7FF0000000000000).view(np.float64) * 2.0**-23
        misplaced = np.zeros(0, bits.dtype)
        plain = np.abs(x).min() >= SURELY_NORMAL and magnitude.min() >= SURELY_NORMAL
        if not (plain and magnitude.max() <= FAR_BELOW_OVERFLOW and error.max() < np.inf):
            error, misplaced = at_the_ends(x, results.astype(np.float64), exact)
            ulp = np.fmax(ulp, SMALLEST_NORMAL * 2.0**-23)
        in_ulps = error / ulp
        ulp *= 0.5
        error -= ulp
        error[magnitude > NEAR_ZERO] = 0.0
    worst, farthest = int(in_ulps.argmax()), int(error.argmax())
    limit = published(function)
    return Errors(
        len(bits),
        int(np.count_nonzero(in_ulps > limit)) if in_ulps[worst] > limit else 0,
        float(in_ulps[worst]),
        int(bits[worst]),
        max(float(error[farthest]), 0.0),
        int(bits[farthest]),
        len(misplaced),
        int(bits[misplaced[0]]) if len(misplaced) else None,
    )


def at_the_ends(x: Array, y: Array, exact: Array) -> tuple[Array, Array]:
    """The errors where operands or results may be subnormal, infinite or NaN: none for a subnormal operand,
    and less what flushing adds to a subnormal result; and the indices of the results that are not finite
    where they should be, or finite where not."""
    magnitude, error = np.abs(exact), np.abs(y - exact)
    error[(y == exact) | ((y != y) & (exact != exact))] = 0.0
    error[np.abs(x) < SMALLEST_NORMAL] = 0.0
    overflowing = (magnitude > FAR_BELOW_OVERFLOW) & (y * np.sign(exact) >= FAR_BELOW_OVERFLOW)
    error[overflowing] = 0.0
    underflow = np.where(magnitude < SURELY_NORMAL, SMALLEST_NORMAL, 0.0)
    misplaced = ~(error < np.inf)
    return np.where(misplaced, 0.0, np.maximum(error - underflow, 0.0)), np.flatnonzero(misplaced)


def published(function: str) -> float:
    """The published entry of the function, infinite where there is none."""
    return IEEE_FLOAT32.ulps.get(function, OPENCL_FULL_PROFILE.get(function, math.inf))
