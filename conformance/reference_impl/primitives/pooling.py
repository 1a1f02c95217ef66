"""The largest number of every window, and the way back to where it stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.movement import (
    broadcast_to,
    cumulative_sum,
    overlap_add,
    reshape,
    tap_keys,
    total,
    windows,
)
from conformance.reference_impl.primitives.primitive import Bound, Fused
from conformance.reference_impl.primitives.selection import (
    Extremum,
    beyond,
    greater,
    greater_equal,
    where,
)
from conformance.reference_impl.tape import Tensor

Sizes = tuple[int, ...]


class LargestInWindows(Extremum):
    """The largest number of every window of a channels-last array, NaN passed over, −∞ where there is none;
    of elements that tie, the first in row-major order gets the cotangent.

    Fused from `windows` and `largest_number`: a running maximum needs no copy of the windows.
    """

    def value(self, x: Array, *, size: Sizes, strides: Sizes) -> Array:
        return running(xp.fmax, x, -math.inf, size, strides)

    def propagated(
        self, out: Array, values: list[Array], errors: list[Any], *, size: Sizes, strides: Sizes
    ) -> Bound:
        furthest = xp.zeros_like(out)
        taps, their_errors = each_tap(values[0], size, strides), each_tap(errors[0], size, strides)
        for tap, error in zip(taps, their_errors, strict=True):
            xp.fmax(furthest, beyond(out, tap, error), out=furthest)
        return furthest

    def largest_error(self, errors: list[Any], *, size: Sizes, strides: Sizes) -> Array:
        return running(xp.maximum, errors[0], 0.0, size, strides)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, **params: Any) -> Tensor:
        return at_largest(cotangent, out, x, **params)


class AtLargest(Fused):
    """c of every window, added where the first of its largest elements, y, stands in x; 0 elsewhere"""

    def compose(self, c: Tensor, y: Tensor, x: Tensor, *, size: Sizes, strides: Sizes) -> Tensor:
        first = first_of_largest(y, x, size, strides)
        placed = where(first, broadcast_to(beside_taps(c), shape=first.shape), 0.0)
        return overlap_add(
            reshape(placed, shape=(*y.shape[:-1], *size, x.shape[-1])),
            spatial=x.shape[1:-1],
            size=size,
            strides=strides,
            dilation=(1,) * len(size),
        )

    def value(self, c: Array, y: Array, x: Array, *, size: Sizes, strides: Sizes) -> Array:
        placed = xp.zeros_like(x)
        free = xp.ones(y.shape, bool)
        places = each_tap(placed, size, strides)
        for tap, place in zip(each_tap(x, size, strides), places, strict=True):
            first = (tap >= y) & free
            place += where_true(first, c)
            free ^= first
        return placed

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        c: Tensor,
        y: Tensor,
        x: Tensor,
        *,
        size: Sizes,
        strides: Sizes,
    ) -> Tensor | None:
        if position > 0:
            return None
        first = first_of_largest(y, x, size, strides)
        return total(where(first, in_taps(cotangent, size, strides), 0.0), axis=(first.ndim - 2,))


def first_of_largest(y: Tensor, x: Tensor, size: Sizes, strides: Sizes) -> Tensor:
    """1 at the first tap of a window that is no less than y, else 0: (batch, *positions, taps, channels)."""
    taps = in_taps(x, size, strides)
    tying = greater_equal(taps, broadcast_to(beside_taps(y), shape=taps.shape))
    none_before = greater(2.0, cumulative_sum(tying, axis=taps.ndim - 2))
    return where(tying, none_before, 0.0)


def in_taps(x: Tensor, size: Sizes, strides: Sizes) -> Tensor:
    """The elements of every window in row-major order: (batch, *positions, taps, channels)."""
    views = windows(x, size=size, strides=strides, dilation=(1,) * len(size))
    positions = views.shape[: len(size) + 1]
    return reshape(views, shape=(*positions, math.prod(size), x.shape[-1]))


def beside_taps(x: Tensor) -> Tensor:
    """(batch, *positions, channels) → (batch, *positions, 1, channels)"""
    return reshape(x, shape=(*x.shape[:-1], 1, x.shape[-1]))


def each_tap(x: Array, size: Sizes, strides: Sizes) -> list[Array]:
    """For each element of a window a view of what it is in every window."""
    views = windows.value(x, size=size, strides=strides, dilation=(1,) * len(size))
    return [views[key] for key in tap_keys(size)]


def where_true(mask: Array, x: Array) -> Array:
    """x where the mask is true, else 0: bits times 0 or 1, in a third of the time that `where` takes."""
    return (x.view(f"u{x.dtype.itemsize}") * mask).view(x.dtype)


def running(function: Callable[..., Array], x: Array, first: float, size: Sizes, strides: Sizes) -> Array:
    """The elements of every window brought together one after the other: (batch, *positions, channels)."""
    start, *rest = each_tap(x, size, strides)
    result = function(start, x.dtype.type(first), out=xp.aligned(start.shape, x.dtype))
    for tap in rest:
        function(result, tap, out=result)
    return result


largest_in_windows, at_largest = LargestInWindows(), AtLargest()
