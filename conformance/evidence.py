"""Evidence against a stated law of random numbers, in nats.

Each statistic t here has P(t ≥ x) ≤ 2·exp(−x) under the law, for every x and every number of draws: by
Chernoff's bound (of a binomial, a chi-square and a normal variable it is the number of draws times the
Kullback–Leibler divergence of the law that fits best from the stated one) or by that of Dvoretzky, Kiefer and
Wolfowitz with Massart's constant. No approximation is involved, and no pair of draws shares one with another.

That a backend rounds what it draws to float32 moves none of them by more than a thousandth of a nat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.random import Bernoulli, Distribution, Normal, TruncatedNormal, Uniform

ALPHA = 1e-9
"""The probability that a correct backend fails a check of what it draws, at most, over all its statistics."""


@dataclass(frozen=True)
class Evidence:
    """A statistic against the law, and what it says, in words."""

    nats: float
    statement: str


def limit(statistics: int) -> float:
    """What none of so many statistics exceeds, but with the probability `ALPHA`.

    >>> round(limit(1), 2)
    21.42
    """
    return math.log(2 * statistics / ALPHA)


def against(
    distributions: Sequence[Distribution], draws: Sequence[Array], told: Mapping[tuple[int, ...], Array]
) -> list[Evidence]:
    """The evidence against arrays, one of each distribution, of numbers that are independent, also of those
    of the other arrays.

    Args:
        told: by the indices of one or two arrays, which of their numbers are known.
    """
    evidence: list[Evidence] = []
    for which, known in told.items():
        numbers = [draws[i] if known.all() else draws[i][known] for i in which]
        if not known.any():
            continue
        match [distributions[i] for i in which]:
            case [Bernoulli(probability)]:
                found = _against_bernoulli(numbers[0], probability)
            case [Normal()]:
                found = _against_normal(numbers[0])
            case [Uniform() | TruncatedNormal() as law]:
                found = _against_uniform(law.cdf(numbers[0]))
            case [Bernoulli(p), Bernoulli(q)]:
                found = iter([_share(numbers[0] == numbers[1], p * q + (1 - p) * (1 - q), "equal numbers")])
        of = f" of draws {' and '.join(map(str, which))}" if len(draws) > 1 else ""
        evidence += [Evidence(e.nats, e.statement + of) for e in found]
    return evidence


def _against_bernoulli(drawn: Array, probability: float) -> Iterator[Evidence]:
    yield _share(drawn == 1, probability, "ones")
    agreeing = probability**2 + (1 - probability) ** 2
    for x, y, how in _pairs(drawn):
        yield _share(x == y, agreeing, f"equal {how}")


def _against_normal(drawn: Array) -> Iterator[Evidence]:
    z = np.sort(drawn, axis=None)
    n = z.size
    yield Evidence(n * float(z.mean()) ** 2 / 2, f"the mean is {z.mean():.4g}, expected 0")
    yield _variance(z, "variance")
    below = np.array([NormalDist().cdf(x) for x in z])
    ranks = np.arange(n + 1) / n
    distance = max(float(np.max(ranks[1:] - below)), float(np.max(below - ranks[:-1])))
    yield Evidence(2 * n * distance**2, f"the distribution is {distance:.3g} off the normal one")
    for x, y, how in _pairs(drawn):
        yield _variance((x + y) / math.sqrt(2), f"variance of the summed {how}")


def _against_uniform(probabilities: Array) -> Iterator[Evidence]:
    """Of numbers by their own law's probabilities, which are uniform; the mean by Hoeffding's bound."""
    n, mean = probabilities.size, float(probabilities.mean())
    yield Evidence(2 * n * (mean - 0.5) ** 2, f"the mean probability is {mean:.4g}, expected 0.5")
    ranks, below = np.arange(n + 1) / n, np.sort(probabilities, axis=None)
    distance = max(float(np.max(ranks[1:] - below)), float(np.max(below - ranks[:-1])))
    yield Evidence(2 * n * distance**2, f"the distribution is {distance:.3g} off the stated one")
    for x, y, how in _pairs(probabilities < 0.5):
        yield _share(x == y, 0.5, f"equal halves of {how}")


def _pairs(drawn: Array) -> Iterator[tuple[Array, Array, str]]:
    """Numbers next to each other along each axis, and half of it apart; none is in two pairs."""
    for axis, size in enumerate(drawn.shape):
        along = np.moveaxis(drawn, axis, 0)
        half = size // 2
        if half:
            yield along[: 2 * half : 2], along[1 : 2 * half : 2], f"neighbours along axis {axis}"
        if half > 1:
            yield along[:half], along[half : 2 * half], f"numbers half of axis {axis} apart"


def _share(happened: Array, probability: float, what: str) -> Evidence:
    """That so many of independent trials happened, each with the probability."""
    n, share = happened.size, float(happened.mean())
    divergence = sum(
        p * math.log(p / q) if q else math.inf
        for p, q in ((share, probability), (1 - share, 1 - probability))
        if p
    )
    return Evidence(n * divergence, f"the share of {what} is {share:.4g}, expected {probability:.4g}, of {n}")


def _variance(z: Array, what: str) -> Evidence:
    """That independent numbers of mean 0 and variance 1 have such a mean square."""
    n, square = z.size, float((z**2).mean())
    divergence = (square - 1 - math.log(square)) / 2 if square else math.inf
    return Evidence(n * divergence, f"the {what} is {square:.4g}, expected 1, of {n}")
