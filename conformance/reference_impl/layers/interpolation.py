"""Interpolation: where the pixels of a new size lie among the old ones, and what each takes of which."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    divide,
    greater,
    maximum,
    minimum,
    multiply,
    relu,
    resample,
    reshape,
    scatter_add,
    sinc,
    subtract,
    take,
    take_slice,
    total,
    transpose,
    triangle,
    where,
)
from conformance.reference_impl.primitives.elementwise import unpromised
from conformance.reference_impl.tape import Tensor, constant, current_arithmetic


def polynomial(x: Tensor, *coefficients: float) -> Tensor:
    """Σ coefficientₖ·xᵏ by Horner's scheme, which every runtime uses."""
    *lower, highest = coefficients
    value = constant(highest, x)
    for coefficient in reversed(lower):
        value = add(multiply(x, value), coefficient)
    return value


@dataclass(frozen=True)
class Window:
    """A weighted neighbourhood.

    Attributes:
        radius: where it ends, in pixels from its middle.
        height: at distances from the middle, up to the radius.
    """

    radius: float
    height: Callable[[Tensor], Tensor]


def cubic(distance: Tensor) -> Tensor:
    """The cubic that reproduces squares: R. G. Keys, Cubic convolution interpolation for digital image
    processing, IEEE Transactions on Acoustics, Speech, and Signal Processing 29(6), 1981, with a = −1/2."""
    near = polynomial(distance, 1.0, 0.0, -2.5, 1.5)
    far = polynomial(distance, 2.0, -4.0, 2.5, -0.5)
    return where(greater(1.0, distance), near, far)


def lanczos(distance: Tensor, radius: float) -> Tensor:
    """sinc(πd)·sinc(πd/radius): C. E. Duchon, Lanczos filtering in one and two dimensions, Journal of Applied
    Meteorology 18(8), 1979."""
    angle = multiply(distance, math.pi)
    return multiply(sinc(angle), sinc(divide(angle, radius)))


WINDOWS = {
    "bilinear": Window(1.0, triangle),
    "bicubic": Window(2.0, cubic),
    "lanczos3": Window(3.0, partial(lanczos, radius=3.0)),
    "lanczos5": Window(5.0, partial(lanczos, radius=5.0)),
}

INTERPOLATIONS = ("nearest", *WINDOWS)
"""What every layer that interpolates can do."""


@patchable("layers.positions")
def positions(old: int, new: int, like: Tensor) -> Tensor:
    """Where along an axis of `old` pixels the centres of `new` ones lie, in pixels from the first centre"""
    return exactly(centres(divide(constant(float(old), like), float(new)), new), *quotients(old, new))


def positions_from_corner(old: int, new: int, like: Tensor) -> Tensor:
    """Where they lie if the first of both are at one place: i·old/new."""
    step = divide(constant(float(old), like), float(new))
    return exactly(multiply(Tensor(xp.arange(new, dtype=like.dtype)), step), xp.arange(new) * old, new)


@patchable("layers.positions_of_window")
def positions_of_window(old: int, new: int, like: Tensor, interpolation: str, antialias: bool) -> Tensor:
    """The same, of what is interpolated by more pixels than two"""
    return exactly(centres(per_pixel(old, new, like), new), *quotients(old, new))


def exactly(at: Tensor, numerators: Array, denominator: int) -> Tensor:
    """Positions as these quotients have them, where they are the truth: one that is a whole number takes
    nothing of a neighbour, which may be NaN, however a backend rounds it."""
    return Tensor(numerators / denominator, at.error) if at.dtype == "float64" else at


def quotients(old: int, new: int) -> tuple[Array, int]:
    """(i + ½)·old/new − ½ for `new` pixels, as numerators and a denominator."""
    return (2 * xp.arange(new) + 1) * old - new, 2 * new


def centres(step: Tensor, new: int) -> Tensor:
    """(i + ½)·step − ½ for `new` pixels."""
    middles = Tensor(xp.arange(new, dtype=step.dtype) + step.dtype.type(0.5))
    return subtract(multiply(middles, step), 0.5)


def per_pixel(old: int, new: int, like: Tensor) -> Tensor:
    """How many of `old` pixels one of `new` ones is wide, as those compute it that are given the scale."""
    return divide(1.0, divide(constant(float(new), like), float(old)))


@patchable("layers.nearest_pixels")
def nearest_pixels(old: int, new: int) -> list[int]:
    """The pixel of `old` in which the centre of each of `new` lies; on an edge, the one after it"""
    return [(2 * i + 1) * old // (2 * new) for i in range(new)]


def between_two(old: int, at: Tensor) -> Tensor:
    """What each pixel, at a position of its own, takes of each of `old` ones, its two neighbours: (new, old).

    The pixels beyond the first and the last are those again, each with a weight of its own.
    """
    along = Tensor(xp.arange(-1.0, old + 1.0, dtype=at.dtype)[:, None])
    heights = triangle(subtract(along, at))
    inside = xp.clip(xp.arange(-1, old + 1), 0, old - 1)
    return transpose(scatter_add(heights, indices=inside, rows=old), axes=(1, 0))


def overlapping(old: int, new: int, like: Tensor) -> Tensor:
    """The part that each of `old` pixels has in each of `new` ones which are laid over them: (new, old)."""
    step = divide(constant(float(old), like), float(new))
    edges = multiply(Tensor(xp.arange(new + 1, dtype=like.dtype)[:, None]), step)
    start, stop = take_slice(edges, key=(slice(0, new),)), take_slice(edges, key=(slice(1, None),))
    first = Tensor(xp.arange(old, dtype=like.dtype)[None, :])
    shared = relu(subtract(minimum(stop, add(first, 1.0)), maximum(start, first)))
    return multiply(shared, divide(1.0, step))


def windowed(old: int, new: int, like: Tensor, interpolation: str, antialias: bool) -> Tensor:
    """What each of `new` pixels takes of each of `old` ones by a window around its centre: (new, old).

    The heights of the window, over their sum; what lies beyond the first and the last pixel has none. To make
    means of the pixels of a larger image, the window is as much wider as those are smaller.
    """
    along = Tensor(xp.arange(old, dtype=like.dtype)[None, :])
    at = reshape(positions_of_window(old, new, like, interpolation, antialias), shape=(new, 1))
    distance = absolute(subtract(at, along))
    if antialias and old > new:
        distance = multiply(distance, divide(1.0, per_pixel(old, new, like)))
    window = WINDOWS[interpolation]
    # At the radius itself the height is 0, but for the rounding of what it is computed from.
    outside = greater(distance, window.radius)
    heights = where(outside, 0.0, window.height(distance))
    return where(outside, 0.0, multiply(heights, divide(1.0, total(heights, axis=(1,), keepdims=True))))


def shares(old: int, new: int, like: Tensor, interpolation: str, antialias: bool) -> Tensor:
    """What each of `new` pixels takes of each of `old` ones along an axis: (new, old)"""
    if interpolation == "area":
        return overlapping(old, new, like)
    if interpolation == "bilinear" and not antialias:
        return between_two(old, positions(old, new, like))
    return windowed(old, new, like, interpolation, antialias)


def picked(x: Tensor, axis: int, pixels: list[int]) -> Tensor:
    """These pixels along an axis."""
    order = (axis, *(i for i in range(x.ndim) if i != axis))
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    indices = xp.asarray(pixels, dtype="int64")
    return transpose(take(transpose(x, axes=order), indices=indices), axes=back)


def mixed(x: Tensor, axes: tuple[int, int], rows: Tensor, columns: Tensor) -> Tensor:
    """Pixels that take these shares of the old ones along two axes"""
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    made = transpose(resample(transpose(x, axes=order), rows, columns), axes=back)
    perhaps = perhaps_taken(transpose(x, axes=order), rows, columns)
    return made if perhaps is None else unpromised(made, perhaps.transpose(back))


def perhaps_taken(x: Tensor, rows: Tensor, columns: Tensor) -> Array | None:
    """Where a pixel that is no finite number has no share, or one that is all error: whether it is taken
    depends on how the position is rounded; None where there is no such pixel."""
    if current_arithmetic() is None or (rows.error is None and columns.error is None):
        return None
    special = ~xp.isfinite(x.value)
    if not special.any():
        return None
    reached = [w.reach > 0 for w in (rows, columns)]
    sure = [xp.abs(w.value) > (0.0 if w.error is None else w.error) for w in (rows, columns)]
    nan = taken(xp.isnan(x.value), *sure) > 0
    beyond: Array = (taken(special, *reached) > taken(special, *sure)) & ~nan
    return beyond


def taken(which: Array, rows: Array, columns: Array) -> Array:
    """How many of these pixels each new one takes."""
    return xp.matmul(
        xp.matmul(rows.astype(float), which.astype(float)), xp.swapaxes(columns.astype(float), -1, -2)
    )


def mixed_by_two(x: Tensor, axes: tuple[int, int], rows: Tensor, columns: Tensor) -> Tensor:
    """Pixels between two old ones in each direction, which runtimes also compute as
    first + (second − first)·share: nothing is promised where one of them is infinite, or a difference may
    overflow."""
    made = mixed(x, axes, rows, columns)
    arithmetic = current_arithmetic()
    if arithmetic is None or not x.size or float((2 * x.reach).max()) <= arithmetic.largest:
        return made
    error = 0.0 if x.error is None else x.error
    lowest, highest = x.value - error, x.value + error
    for axis, shares_of in zip(axes, (rows, columns), strict=True):
        taken = shares_of.reach > 0
        lowest, highest = -largest_taken(-lowest, axis, taken), largest_taken(highest, axis, taken)
    return unpromised(made, ~(highest - lowest <= arithmetic.largest) & ~xp.isnan(made.value))


def mixed_by_area(x: Tensor, axes: tuple[int, int], rows: Tensor, columns: Tensor) -> Tensor:
    """Means of pixels, which runtimes also add up before they divide: nothing is promised where such a sum
    may overflow."""
    made = mixed(x, axes, rows, columns)
    arithmetic = current_arithmetic()
    if arithmetic is None or not x.size:
        return made
    seen = [Tensor((weights.reach > 0).astype(x.dtype)) for weights in (rows, columns)]
    magnitude = Tensor(xp.where(xp.isfinite(x.reach), x.reach, 0.0))
    return unpromised(made, mixed(magnitude, axes, *seen).value > arithmetic.largest)


def largest_taken(x: Array, axis: int, taken: Array) -> Array:
    """The largest of the pixels along an axis that each new one takes; taken (new, old)."""
    lines = xp.moveaxis(x, axis, -1)[..., None, :]
    return xp.moveaxis(xp.where(taken, lines, -xp.inf).max(axis=-1), -1, axis)


@patchable("layers.antialiased")
def antialiased(antialias: bool) -> bool:
    """Whether a pixel of a smaller image is a mean of more of the old ones"""
    return antialias


@patchable("layers.resized")
def resized(
    x: Tensor, axes: tuple[int, int], size: tuple[int, int], interpolation: str, antialias: bool = False
) -> Tensor:
    """Images of another size along two axes

    Args:
        interpolation: `nearest`, `area`, or one of `WINDOWS`.
        antialias: whether the pixels of a smaller image are means of more of the old ones; `nearest` and
            `area` are what they are.
    """
    if interpolation == "nearest":
        for axis, n in zip(axes, size, strict=True):
            x = picked(x, axis, nearest_pixels(x.shape[axis], n))
        return x
    antialias = antialiased(antialias)
    rows, columns = [
        shares(x.shape[axis], n, x, interpolation, antialias) for axis, n in zip(axes, size, strict=True)
    ]
    if interpolation == "area":
        return mixed_by_area(x, axes, rows, columns)
    if interpolation == "bilinear" and not antialias:
        return mixed_by_two(x, axes, rows, columns)
    return mixed(x, axes, rows, columns)
