"""Reads off an answer what the backend drew, by the specification's law of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from conformance.cases.expected import Law
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.random import Bernoulli
from conformance.reference_impl.tape import Tensor


@dataclass(frozen=True)
class Recovered:
    """What was drawn.

    Attributes:
        draws: an array for each draw of the law, of its shape.
        told: by one or two draws, where the answer tells their numbers, whatever these are: x = 0 does not
            tell what was dropped, nor a product of two decisions the one where the other is 0.
        overlapping: where the bounds allow several draws.
        wrong: which elements of the answer no draw gives, or not one that all of those share that should.
    """

    draws: tuple[Array, ...]
    told: dict[tuple[int, ...], Array]
    overlapping: Array
    wrong: Array


def recover(law: Law, observed: Array) -> Recovered:
    """What was drawn, from an answer of the right shape.

    Raises:
        ValueError: the draws of the law have several shapes, or one of several may be any number.
    """
    shapes = {d.shape for d in law.draws}
    if len(shapes) > 1:
        raise ValueError(f"draws of different shapes cannot be told apart: {sorted(shapes)}")
    with np.errstate(all="ignore"):
        if all(isinstance(d.distribution, Bernoulli) for d in law.draws):
            return _decisions(law, observed)
        if len(law.draws) > 1:
            raise ValueError("a draw of any numbers cannot be told from another one")
        return _numbers(law, observed)


def _decisions(law: Law, observed: Array) -> Recovered:
    """Of zeros and ones: which of the few possible results each part of the answer is."""
    outcomes = list(law.outcomes)
    values, limits = zip(*map(_hosted, law.outcomes.values()), strict=True)
    sharing = Sharing.of(law, observed.shape)
    fits = [np.abs(observed - value) <= limit for value, limit in zip(values, limits, strict=True)]
    drawn = np.array([sharing.grouped(fit).all(axis=-1) for fit in fits])
    overlapping = np.zeros(drawn.shape[1:], bool)
    distinct: dict[tuple[int, int], Array] = {}
    for i, j in itertools.combinations(range(len(outcomes)), 2):
        apart = np.abs(values[i] - values[j])
        distinct[i, j] = np.any(sharing.grouped(apart > 0), axis=-1)
        overlapping |= distinct[i, j] & ~sharing.grouped(apart > limits[i] + limits[j]).any(axis=-1)
    first = drawn.argmax(axis=0)
    draws = tuple(np.array(numbers)[first] for numbers in zip(*outcomes, strict=True))
    told = {
        which: np.take_along_axis(tells, first[None], axis=0)[0] & ~overlapping
        for which, tells in _telling(np.array(outcomes), distinct, first.shape).items()
    }
    # Where nothing fits all that share a draw, either some fit nothing, or they do not share it.
    separate = sharing.spread(np.logical_not(drawn.any(axis=0)))
    nowhere: Array = ~np.logical_or.reduce(fits)
    return Recovered(draws, told, overlapping, nowhere if nowhere.any() else separate)


def _telling(
    outcomes: Array, distinct: dict[tuple[int, int], Array], shape: tuple[int, ...]
) -> dict[tuple[int, ...], Array]:
    """By one or two draws, for each outcome where its result tells them; with an outcome all those do that
    differ from it in these draws, or the numbers that are told would follow another law than what is drawn.

    Args:
        outcomes: a row for each, a column for each draw.
        distinct: by two outcomes, where their results are not the same.
        shape: of what is drawn.
    """
    count = outcomes.shape[1]
    single = np.ones((count, len(outcomes), *shape), bool)
    for (i, j), where in distinct.items():
        for k in np.flatnonzero(outcomes[i] != outcomes[j]):
            single[k, [i, j]] &= where

    def whatever(tells: Array, *which: int) -> Array:
        cube = tells.reshape((2,) * count + shape)
        for axis in which:
            cube = cube & np.flip(cube, axis)
        return cube.reshape(tells.shape)

    pairs = itertools.combinations(range(count), 2)
    return {(k,): whatever(single[k], k) for k in range(count)} | {
        (k, m): whatever(single[k] & single[m], k, m) for k, m in pairs
    }


def _numbers(law: Law, observed: Array) -> Recovered:
    """Of any numbers, in which the result is affine: from the element of a group that they move most."""
    (at_zero, error), (at_one, _) = map(_hosted, law.outcomes.values())
    sharing = Sharing.of(law, observed.shape)
    slope = at_one - at_zero
    slopes, excesses, errors = (sharing.grouped(x) for x in (slope, observed - at_zero, error))
    most = np.abs(slopes).argmax(axis=-1)[..., None]
    steepest, excess = (np.take_along_axis(x, most, axis=-1)[..., 0] for x in (slopes, excesses))
    told = steepest != 0
    numbers = np.where(told, excess / steepest, 0.0)
    value, error = _hosted(law.given([xp.asarray(numbers)]))
    errors = np.take_along_axis(sharing.grouped(error), most, axis=-1)[..., 0]
    uncertain = sharing.spread(np.where(told, errors / np.abs(steepest), 0.0))
    within = np.abs(observed - value) <= error + np.abs(slope) * uncertain
    return Recovered((numbers,), {(0,): told}, ~told, ~within)


def _hosted(tensor: Tensor) -> tuple[Array, Array]:
    """The value and its bound."""
    value: Array = xp.to_host(tensor.value)
    return value, np.zeros(value.shape) if tensor.error is None else xp.to_host(tensor.error)


@dataclass(frozen=True)
class Sharing:
    """Which elements of an answer share a number that is drawn.

    Attributes:
        shape: of the answer.
        drawn: of what is drawn, an axis of the answer each.
        own: the shape of what is drawn.
    """

    shape: tuple[int, ...]
    drawn: tuple[int, ...]
    own: tuple[int, ...]

    @classmethod
    def of(cls, law: Law, shape: tuple[int, ...]) -> Sharing:
        """What is drawn begins with the batch and ends with the last axes of the answer, whose first axis is
        one of its own: output and gradient share all. Or it is what is drawn, element by element."""
        own = law.draws[0].shape if law.draws else (1,) * (len(shape) - 1)
        if len(own) == len(shape):
            return cls(shape, own, own)
        between = (1,) * (len(shape) - 1 - len(own))
        return cls(shape, (1, *own[:1], *between, *own[1:]), own)

    def grouped(self, x: Array) -> Array:
        """The elements, those that share a number along a new last axis."""
        shared = [axis for axis, n in enumerate(self.drawn) if n != self.shape[axis]]
        kept = [axis for axis in range(len(self.shape)) if axis not in shared]
        return x.transpose(*kept, *shared).reshape(*self.own, -1)

    def spread(self, x: Array) -> Array:
        """What is known of each number, for all elements that share it."""
        return np.broadcast_to(x.reshape(self.drawn), self.shape)
