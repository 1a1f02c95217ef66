"""Initializers: what weights begin as, exactly or by the law that they are drawn from.

Source: `keras.initializers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.reference_impl import identifiers
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    broadcast_to,
    cos,
    divide,
    multiply,
    reshape,
    sqrt,
    square,
    subtract,
    total,
)
from conformance.reference_impl.random import Distribution, Normal, TruncatedNormal, Uniform, draw
from conformance.reference_impl.tape import Provenance, Tensor, constant

Shape = tuple[int, ...]

OF_TRUNCATED = 0.87962566103423978
"""The standard deviation of a standard normal number that is drawn again until it is within 2 of 0."""


@dataclass(frozen=True)
class Drawn:
    """shift + scale·x, for independent numbers x of a distribution."""

    distribution: Distribution
    scale: float
    shift: float

    def sample(self, key: int, shape: Shape) -> Array:
        """Such numbers, the same again for the same key."""
        return self.shift + self.scale * draw(key, self.distribution, shape)

    def of(self, x: Tensor) -> Tensor:
        """They, of the numbers x of the distribution."""
        return add(multiply(x, self.scale), self.shift)


@dataclass(frozen=True)
class Orthogonal:
    """gain times a matrix whose columns, or rows if these are fewer, are orthogonal and of length one: any
    such matrix is as likely as any other (Saxe et al. 2014). The last axis of a shape is its columns."""

    gain: float

    def sample(self, key: int, shape: Shape) -> Array:
        """Such a matrix in that shape, the same again for the same key."""
        rows, columns = matrix_shape(shape)
        q, r = xp.linalg.qr(draw(key, Normal(), (max(rows, columns), min(rows, columns))))
        q = q * xp.sign(xp.diag(r))
        return self.gain * (q if rows >= columns else q.T).reshape(shape)

    def products(self, x: Array) -> Array:
        """The products of any two of those columns, or rows, of an array."""
        matrix = x.reshape(matrix_shape(x.shape))
        tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
        return tall.T @ tall

    def of_products(self, shape: Shape, unit_roundoff: float) -> Tensor:
        """What they are: gain² on the diagonal, and else 0, within the error of a factor that is found by
        reflections. An m × n one is off in each column by no more than (6m − 3n + 40)·n·u, to first order
        (Lawson and Hanson 1974, chapter 15), and the gain rounds it once more."""
        n, m = sorted(matrix_shape(shape))
        first = ((6 * m - 3 * n + 40) * n + 1) * unit_roundoff
        off = first / (1 - first)
        square = self.gain**2
        return Tensor(square * xp.eye(n), xp.full((n, n), square * (2 * off + off**2)), Provenance.COMPOSED)


Law = Drawn | Orthogonal


def matrix_shape(shape: Shape) -> tuple[int, int]:
    """The shape as that of a matrix, whose columns are the last axis.

    Raises:
        ValueError: there are fewer than two axes.
    """
    if len(shape) < 2:
        raise ValueError(f"Orthogonal takes shapes of two axes or more, got {shape}")
    return math.prod(shape[:-1]), shape[-1]


@patchable("initializers.fans")
def fans(
    shape: Shape, input_axes: Sequence[int] | None, output_axes: Sequence[int] | None
) -> tuple[int, int]:
    """How many numbers an output is made of, and how many an input is part of.

    A kernel's last axes are those of its inputs and outputs, unless they are named.

    >>> fans((3, 3, 8, 16), None, None), fans((7,), None, None), fans((2, 3, 5), [0, 1], [2])
    ((72, 144), (7, 7), (6, 5))
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


@patchable("initializers.of_truncated")
def of_truncated(stddev: float) -> float:
    """The standard deviation before numbers are truncated, by which it is that of those that remain."""
    return stddev / OF_TRUNCATED


@patchable("initializers.of_variance")
def of_variance(variance: float, distribution: str) -> Drawn:
    """Numbers of mean 0 and of that variance."""
    if distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        return between(-limit, limit)
    if distribution == "truncated_normal":
        return Drawn(TruncatedNormal(), of_truncated(math.sqrt(variance)), 0.0)
    return Drawn(Normal(), math.sqrt(variance), 0.0)


@patchable("initializers.between")
def between(minval: float, maxval: float) -> Drawn:
    """Numbers of [minval, maxval), all equally likely."""
    return Drawn(Uniform(), maxval - minval, minval)


def variance_scaling(shape: Shape, config: Mapping[str, Any]) -> Drawn:
    """Numbers of mean 0 and of the variance scale/fan (Glorot and Bengio 2010, He et al. 2015)."""
    inputs, outputs = fans(shape, config["input_axes"], config["output_axes"])
    fan = {"fan_in": inputs, "fan_out": outputs, "fan_avg": (inputs + outputs) / 2}[config["mode"]]
    return of_variance(config["scale"] / max(1.0, fan), config["distribution"])


LAWS: dict[str, Callable[[Shape, Mapping[str, Any]], Law]] = {
    "RandomNormal": lambda shape, config: Drawn(Normal(), config["stddev"], config["mean"]),
    "TruncatedNormal": lambda shape, config: Drawn(TruncatedNormal(), config["stddev"], config["mean"]),
    "RandomUniform": lambda shape, config: between(config["minval"], config["maxval"]),
    "VarianceScaling": variance_scaling,
    "Orthogonal": lambda shape, config: Orthogonal(config["gain"]),
}
"""By class, the law for a shape and the class's arguments."""


def full(shape: Shape, like: Tensor, value: float) -> Tensor:
    return broadcast_to(constant(float(value), like), shape=shape)


@patchable("initializers.identity")
def identity(shape: Shape, like: Tensor, gain: float) -> Tensor:
    """gain on the diagonal; raises ValueError where the shape is not a matrix's."""
    if len(shape) != 2:
        raise ValueError(f"Identity takes shapes of two axes, got {shape}")
    return multiply(Tensor(xp.eye(*shape, dtype=like.dtype)), gain)


COSINES = {
    "boxcar": (1.0,), "hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08),
}  # fmt: skip
"""Windows a₀ − a₁·cos 2πn/N + a₂·cos 4πn/N, by their names in SciPy (Harris 1978, table 1)."""


def window_of(name: str, length: int, periodic: bool, like: Tensor) -> Tensor:
    """A window of that many samples; a periodic one leaves out the last, which is the first again."""
    if length == 1:
        return full((1,), like, 1.0)
    n = xp.arange(length, dtype=xp.float64)
    turns = 2 * math.pi * n / (length if periodic else length - 1)
    summed = sum((-1) ** k * a * xp.cos(k * turns) for k, a in enumerate(COSINES[name]))
    return constant(xp.asarray(summed), like)


def stft(shape: Shape, like: Tensor, side: str, window: Any, scaling: str | None, periodic: bool) -> Tensor:
    """cos or sin of −2π·n·k/N along the samples n and the bands k, times a window that is scaled to one.

    Args:
        shape: (samples, 1, N/2 + 1).

    Raises:
        ValueError: the shape is another, or a window has another number of samples.
    """
    if len(shape) != 3:
        raise ValueError(f"STFT takes shapes of three axes, got {shape}")
    samples, _, bands = shape
    n, k = (
        Tensor(xp.arange(count, dtype=like.dtype).reshape(form))
        for count, form in ((samples, (-1, 1, 1)), (bands, (1, 1, -1)))
    )
    angle = multiply(multiply(multiply(n, -2.0), divide(k, float(2 * (bands - 1)))), math.pi)
    kernel = cos(angle) if side == "real" else cos(subtract(angle, math.pi / 2))
    if window is None:
        return kernel
    if isinstance(window, str):
        values = window_of(window, samples, periodic, like)
    else:
        values = constant(xp.asarray(window), like)
    if values.shape != (samples,):
        raise ValueError(f"argument `window`: expected {samples} samples, got the shape {values.shape}")
    windowed = multiply(kernel, reshape(values, shape=(-1, 1, 1)))
    if scaling is None:
        return windowed
    scale = (
        sqrt(total(square(values), axis=(0,))) if scaling == "density" else total(absolute(values), axis=(0,))
    )
    return divide(windowed, scale)


VALUES: dict[str, Callable[..., Tensor]] = {
    "Zeros": lambda shape, like: full(shape, like, 0.0),
    "Ones": lambda shape, like: full(shape, like, 1.0),
    "Constant": full,
    "Identity": identity,
    "STFT": stft,
}
"""By class, a function of the shape, of a tensor whose dtype is taken, and of the class's arguments."""


def law(identifier: Any, shape: Shape) -> Law | None:
    """The law that a weight of the shape is drawn from; None where it is not random.

    >>> law({"class_name": "RandomUniform", "config": {"minval": -1.0, "maxval": 1.0}}, (3,))
    Drawn(distribution=Uniform(), scale=2.0, shift=-1.0)
    """
    found = _found(identifier)
    of = LAWS.get(found["class_name"])
    return None if of is None else of(shape, found["config"])


def initial(identifier: Any, shape: Shape, like: Tensor, key: int = 0) -> Tensor:
    """The initial value of a weight.

    Args:
        like: a tensor of the dtype that it takes.
        key: of the random numbers, in place of which an initializer's own seed counts.

    Raises:
        UnknownIdentifier: there is no such initializer, or it has no such argument.
        ValueError: the shape is not one that it makes, or an argument has a value that is not allowed.

    >>> import numpy as np
    >>> initial({"class_name": "Identity", "config": {"gain": 0.5}}, (2, 3), Tensor(np.zeros(()))).value
    array([[0.5, 0. , 0. ],
           [0. , 0.5, 0. ]])
    """
    found = _found(identifier)
    name, config = found["class_name"], found["config"]
    if name in VALUES:
        return VALUES[name](shape, like, **config)
    seed = config["seed"]
    drawn = LAWS[name](shape, config).sample(key if seed is None else seed, shape)
    return Tensor(drawn.astype(like.dtype))


def _found(identifier: Any) -> dict[str, Any]:
    found = identifiers.canonical(identifier, identifiers.INITIALIZERS)
    if found is None:
        raise ValueError("None is no initializer; a name or a description is one")
    return found
