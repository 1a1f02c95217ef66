"""Regimes: named kinds of data, each aimed at one way in which an implementation can be wrong.

A regime makes an array out of a shape and a key, the same bits for ever: a released one is never changed,
a new behaviour gets a new name. Every value is exact in float32, and no row is constant nor any matrix
symmetric, unless the regime is about just that. Two arrays of one case take two keys.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.cases import bits
from conformance.cases.case import Literal, Source
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.spelling import suggestion

Shape = tuple[int, ...]

DTYPES = ("float32", "float64", "float16", "int32", "int64", "uint8", "int8", "bool")
"""The dtypes that an array of a case can have: those of the protocol."""


@dataclass(frozen=True)
class Parameter:
    """What stands behind the colon of a regime's name: an integer of [low, high], and its meaning."""

    meaning: str
    low: int
    high: int

    def parse(self, regime: str, text: str) -> int:
        """The parameter's value.

        Raises:
            ValueError: `text` is no such integer.
        """
        if re.fullmatch("0|[1-9][0-9]{0,18}", text) and self.low <= int(text) <= self.high:
            return int(text)
        raise ValueError(
            f"regime {regime!r} takes {self.meaning}, an integer from {self.low} to {self.high}, "
            f'as "{regime}:{self.low}"; {"none is given" if not text else f"{text!r} is given"}'
        )


@dataclass(frozen=True)
class Regime:
    """An entry of `REGIMES`.

    Attributes:
        summary: what the data are and what they show, for reports.
        make: the array for a key, a shape and the parameter, if the regime takes one.
    """

    name: str
    summary: str
    make: Callable[..., Array]
    parameter: Parameter | None


REGIMES: dict[str, Regime] = {}
"""Every regime by its name."""


def regime(parameter: Parameter | None = None) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Enters the function into `REGIMES` under its own name, with its docstring as the summary."""

    def enter(make: Callable[..., Array]) -> Callable[..., Array]:
        summary = " ".join(inspect.cleandoc(make.__doc__ or "").split())
        REGIMES[make.__name__] = Regime(make.__name__, summary, make, parameter)
        return make

    return enter


def expand(source: Source) -> Array:
    """The array that a recipe or a literal stands for, new and C-contiguous.

    Raises:
        ValueError: an unknown regime, dtype or string, a missing or wrong parameter, a negative dimension,
            a key out of range, another number of values than the shape needs, or a value that the dtype
            cannot hold.
    """
    if source.dtype not in DTYPES:
        raise ValueError(f"dtype {source.dtype!r} is none of {', '.join(DTYPES)}")
    if any(size < 0 for size in source.shape):
        raise ValueError(f"shape {source.shape} has a negative dimension")
    if isinstance(source, Literal):
        return _cast(_literal_values(source), source.dtype, "the literal")
    chosen, parameter = parse(source.regime)
    values = np.asarray(chosen.make(source.key, source.shape, *parameter))
    if values.dtype == np.float64:
        values = values.astype(np.float32, order="C")
        if source.dtype == "float32":
            return values
    return _cast(values, source.dtype, f"regime {source.regime!r}")


def parse(text: str) -> tuple[Regime, tuple[int, ...]]:
    """The regime that `name` or `name:parameter` stands for, and its parameter, if it takes one.

    Raises:
        ValueError: no regime has this name; it takes no parameter and one is given; or the other way round.

    >>> regime, parameter = parse("indices:7")
    >>> regime.name, parameter
    ('indices', (7,))
    """
    name, colon, parameter = text.partition(":")
    if name not in REGIMES:
        raise ValueError(f"there is no regime {name!r}; {suggestion(name, REGIMES)}")
    chosen = REGIMES[name]
    if chosen.parameter:
        return chosen, (chosen.parameter.parse(name, parameter),)
    if colon:
        raise ValueError(f"regime {name!r} takes no parameter; {parameter!r} is given")
    return chosen, ()


def _cast(values: Array, dtype: str, origin: str) -> Array:
    """The values in the dtype: rounded where it is a floating one, and otherwise exactly."""
    try:
        with np.errstate(over="raise", invalid="raise"):
            cast = values.astype(dtype, order="C")
    except FloatingPointError:
        raise ValueError(f"{origin} has values that {dtype} cannot hold") from None
    if cast.dtype.kind != "f" and not np.array_equal(cast, values):
        raise ValueError(f"{origin} has values that {dtype} cannot hold")
    return cast


_WRITTEN = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "-0": -0.0}


def _literal_values(source: Literal) -> Array:
    count = math.prod(source.shape)
    if len(source.data) != count:
        raise ValueError(f"shape {source.shape} needs {count} values; the literal has {len(source.data)}")
    try:
        data = [_WRITTEN[value] if isinstance(value, str) else value for value in source.data]
    except KeyError as unknown:
        raise ValueError(f"{unknown} is neither a number nor any of {', '.join(_WRITTEN)}") from None
    return np.array(data, np.float64).reshape(source.shape)


# Ordinary numbers


@regime()
def normal(key: int, shape: Shape) -> Array:
    """Standard normal numbers."""
    return bits.normal(key, shape)


@regime()
def small_normal(key: int, shape: Shape) -> Array:
    """Normal numbers of standard deviation 1/8: recurrent weights under which a state contracts."""
    return bits.normal(key, shape) / 8


@regime()
def cotangent(key: int, shape: Shape) -> Array:
    """Odd multiples of 1/16 between −2 and 2, neighbours different: never zero, and exact in products with a
    lattice."""
    return (2 * _unlike(key, shape, 32) - 31) / 16


@regime()
def lattice(key: int, shape: Shape) -> Array:
    """Integers from −4 to 4, neighbours different: sums of products are exact in float32 in every order,
    as long as they have fewer than 2²⁰ terms."""
    return _unlike(key, shape, 9) - 4


@regime()
def positive(key: int, shape: Shape) -> Array:
    """Numbers from 1/8 to 8, for variances and whatever else must be above zero."""
    return np.abs(_scaled(key, shape, -3, 2))


@regime()
def all_negative(key: int, shape: Shape) -> Array:
    """Numbers from −8 to −1/8: a padding that takes part in a maximum shows."""
    return -np.abs(_scaled(key, shape, -3, 2))


# Numbers that are hard on an algorithm


@regime()
def small_variance(key: int, shape: Shape) -> Array:
    """Variance 2⁻²⁰ around the mean 1/64 along every axis: a wrong epsilon shows."""
    return 2.0**-6 + bits.normal(key, shape) * 2.0**-10


@regime()
def large_mean(key: int, shape: Shape) -> Array:
    """Mean 100 and standard deviation 1 along every axis: the algorithm of a variance shows."""
    return 100 + bits.normal(key, shape)


@regime()
def small_positive(key: int, shape: Shape) -> Array:
    """Numbers from 1.9e-6 to 6.1e-5, for variances that are no larger than an epsilon."""
    return np.abs(_scaled(key, shape, -19, -15))


@regime()
def wide_exponents(key: int, shape: Shape) -> Array:
    """Magnitudes from 2⁻³⁰ to 2³⁰ of both signs: what is added in a wrong order or precision shows."""
    return _scaled(key, shape, -30, 29)


@regime()
def cancelling(key: int, shape: Shape) -> Array:
    """Rows (along the last axis) of normal numbers in pairs that cancel to 2⁻¹² or less; an odd one out is as
    small."""
    x = np.atleast_1d(bits.normal(key, shape))
    remainder = (bits.uniform(key, x.shape, stream=1) - 0.5) * 2.0**-11
    pairs = x.shape[-1] // 2
    x[..., pairs : 2 * pairs] = remainder[..., pairs : 2 * pairs] - x[..., :pairs]
    x[..., 2 * pairs :] = remainder[..., 2 * pairs :]
    return x.reshape(shape)


@regime()
def saturating(key: int, shape: Shape) -> Array:
    """Magnitudes from 20 to 100 of both signs: the far ends of sigmoid, tanh and exp."""
    x: Array = 160 * bits.uniform(key, shape) - 80
    x += np.copysign(20, x)
    return x


@regime()
def tiny(key: int, shape: Shape) -> Array:
    """Magnitudes from 1.6e-30 to 9.8e-4 of both signs: exp(x) − 1 in place of expm1 shows."""
    return _scaled(key, shape, -99, -11)


@regime()
def near_overflow(key: int, shape: Shape) -> Array:
    """Magnitudes from 2¹²⁴ to the largest of float32, of both signs: a sum of a few overflows."""
    return _scaled(key, shape, 124, 127)


@regime()
def subnormals(key: int, shape: Shape) -> Array:
    """Subnormal numbers of float32 of both signs, none zero."""
    significand = bits.integers(key, shape, 1 - 2**23, 2**23 - 1)
    return (significand + (significand >= 0)) * 2.0**-149


# Special values


@regime()
def one_nan(key: int, shape: Shape) -> Array:
    """Normal numbers, and one NaN at a random place."""
    x = bits.normal(key, shape)
    x.flat[_place(key, x.size)] = math.nan
    return x


@regime()
def one_infinity(key: int, shape: Shape) -> Array:
    """Normal numbers, and one infinity of a random sign at a random place."""
    x = bits.normal(key, shape)
    place = _place(key, x.size)
    x.flat[place] = np.copysign(math.inf, x.flat[place])
    return x


def _place(key: int, size: int) -> Array:
    """One random index into so many elements, or none where there are none."""
    return bits.integers(key, (min(size, 1),), 0, max(size, 1), stream=1)


@regime()
def signed_zeros(key: int, shape: Shape) -> Array:
    """Zeros of both signs among integers from −2 to 2."""
    return _dealt(key, shape, np.array([0.0, -0.0, 0.0, -0.0, -1.0, 2.0, 1.0, -2.0]))


@regime()
def ties(key: int, shape: Shape) -> Array:
    """Three distinct values, each about equally often: the largest of a few is mostly there twice."""
    return _dealt(key, shape, np.array([-1.5, 0.25, 2.0]))


_KINKS = np.array([-3, -2.5, -1, -0.5, 0.5, 1, 2.5, 3, 6], np.float32)
_KINK_VALUES = np.concatenate(
    [
        _KINKS,
        np.nextafter(_KINKS, np.float32(-math.inf)),
        np.nextafter(_KINKS, np.float32(math.inf)),
        [0, 2.0**-126, -(2.0**-126), -20, -8.5, -5.5, -1.75, 1.75, 4.5, 7.25, 20],
    ]
)


@regime()
def kinks(key: int, shape: Shape) -> Array:
    """Where activations bend or are clipped (−3, −2.5, −1, −0.5, 0, 0.5, 1, 2.5, 3, 6), one ULP to either
    side (at zero: the smallest normal numbers), and numbers between and beyond."""
    return _dealt(key, shape, _KINK_VALUES)


# Integers and booleans


@regime(Parameter("the number of indices n", 1, 2**24))
def indices(key: int, shape: Shape, n: int) -> Array:
    """Integers from 0 to n − 1, for `indices:n`."""
    return bits.integers(key, shape, 0, n)


@regime()
def one_hot(key: int, shape: Shape) -> Array:
    """Rows (along the last axis) of zeros with a single one."""
    rows = np.zeros(shape or (1,), np.int64)
    if rows.size:
        hot = bits.integers(key, (*rows.shape[:-1], 1), 0, rows.shape[-1])
        np.put_along_axis(rows, hot, 1, axis=-1)
    return rows.reshape(shape)


@regime()
def mask(key: int, shape: Shape) -> Array:
    """True or false, equally likely."""
    return bits.integers(key, shape, 0, 2).astype(bool)


@regime()
def mask_right_padded(key: int, shape: Shape) -> Array:
    """Rows (along the last axis) that are true up to a random length of at least one, and false from there
    on; the lengths differ while there are enough."""
    *rows, steps = shape or (1,)
    lengths = 1 + _dealt(key, (*rows, 1), np.arange(max(steps, 1)))
    return (np.arange(steps) < lengths).reshape(shape)


@regime()
def mask_left_padded(key: int, shape: Shape) -> Array:
    """Rows of `mask_right_padded`, mirrored: false first, and true for the last."""
    return np.atleast_1d(mask_right_padded(key, shape))[..., ::-1].reshape(shape)


@regime()
def mask_all_true(key: int, shape: Shape) -> Array:
    """True throughout: a mask that must change nothing."""
    return np.ones(shape, bool)


@regime()
def mask_first_false(key: int, shape: Shape) -> Array:
    """Rows (along the last axis) that are false at the first step only, where there is no earlier one to
    repeat."""
    steps = np.arange(shape[-1] if shape else 1)
    return np.broadcast_to(steps > 0, shape or (1,)).reshape(shape)


# Labels and predictions


@regime()
def probabilities(key: int, shape: Shape) -> Array:
    """Odd multiples of 1/32 between 0 and 1: exact in sums, and apart from thresholds."""
    return (2 * _unlike(key, shape, 16) + 1) / 32


_EDGES = np.array([0, 1, 2.0**-30, 1 - 2.0**-24, 0.25, 0.5, 0.75, 2.0**-20, 1 - 2.0**-20])


@regime()
def unit_edges(key: int, shape: Shape) -> Array:
    """Probabilities of 0 and 1, within and just beyond an ε of 10⁻⁷ of them, and some between."""
    return _dealt(key, shape, _EDGES)


@regime()
def zeros_and_ones(key: int, shape: Shape) -> Array:
    """0 and 1, about equally often."""
    return _dealt(key, shape, np.array([0.0, 1.0]))


@regime()
def signs(key: int, shape: Shape) -> Array:
    """−1 and 1, about equally often."""
    return _dealt(key, shape, np.array([-1.0, 1.0]))


@regime(Parameter("the number of classes n", 2, 2**24))
def padded_labels(key: int, shape: Shape, n: int) -> Array:
    """Rows (along the last axis) of integers from 1 to n − 1, then zeros after a random length of at least
    one, for `padded_labels:n`."""
    labels = bits.integers(key, shape, 1, n)
    return np.asarray(labels * mask_right_padded(key, shape))


@regime()
def weights(key: int, shape: Shape) -> Array:
    """Weights of samples: 0, ½, 1, 2 and 3."""
    return _dealt(key, shape, np.array([0.0, 0.5, 1.0, 2.0, 3.0]))


@regime()
def unit_vectors(key: int, shape: Shape) -> Array:
    """Normal numbers along the last axis, brought to length 1."""
    x = np.atleast_1d(bits.normal(key, shape))
    if not x.size:
        return x
    lines = x.reshape(-1, x.shape[-1])
    lengths = [math.sqrt(math.fsum(v * v for v in line)) for line in lines.tolist()]
    return np.asarray(lines / np.reshape(lengths, (-1, 1))).reshape(shape)


# What several regimes are made of


def _unlike(key: int, shape: Shape, n: int) -> Array:
    """Integers from 0 to n − 1, none of them twice running in row-major order."""
    return np.cumsum(bits.integers(key, shape, 1, n)).reshape(shape) % n


def _scaled(key: int, shape: Shape, low: int, high: int) -> Array:
    """Numbers of both signs, exact in float32, whose magnitudes are from 2^low to 2^(high + 1), all binades
    alike and uniform in each."""
    raw = bits.words(key, math.prod(shape))
    significand = 1 + (raw >> np.uint64(41)) * 2.0**-23
    exponent = low + (raw & np.uint64(0xFFFF)).astype(np.int64) % (high - low + 1)
    sign = 1 - 2.0 * (raw >> np.uint64(16) & np.uint64(1))
    return np.ldexp(sign * significand, exponent).reshape(shape)


def _dealt(key: int, shape: Shape, table: Array) -> Array:
    """Values of the table in random order, as equally often as the count allows."""
    count = math.prod(shape)
    order = bits.permutation(key, max(count, len(table)))[:count]
    dealt: Array = table[order % len(table)]
    return dealt.reshape(shape)
