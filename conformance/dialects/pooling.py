"""What dialects of several backends say of max pooling: another largest element, and another one that the
gradient is given to."""

from __future__ import annotations

from collections.abc import Callable

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.max_pooling import MaxPooling
from conformance.reference_impl.primitives import (
    broadcast_to,
    cumulative_sum,
    flip,
    greater,
    greater_equal,
    reshape,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor

Route = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(cotangent (…, 1, channels), largest (…, 1, channels), taps (…, taps, channels)) → those of the taps."""


class Routed(Composite):
    """The largest tap of each window, whose cotangent goes where a route takes it."""

    def compose(self, taps: Tensor, *, largest: Callable[[Tensor], Tensor], route: Route) -> Tensor:
        return largest(taps)

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        taps: Tensor,
        *,
        largest: Callable[[Tensor], Tensor],
        route: Route,
    ) -> Tensor:
        return route(cotangent, out, taps)


routed = Routed()


def pooled(layer: MaxPooling, x: Tensor, largest: Callable[[Tensor], Tensor], route: Route) -> Tensor:
    """In place of `MaxPooling.pooled`: by taps that are 0 outside of the input.

    Args:
        largest: of taps, which stay with size one.
    """
    y = routed(layer.taps(x), largest=largest, route=route)
    return reshape(y, shape=(*y.shape[:-2], y.shape[-1]))


def last_of_largest(inside: Tensor, out: Tensor, taps: Tensor) -> Tensor:
    """1 at the last of the taps inside of the input that are as large as the largest, else 0."""
    axis = taps.ndim - 2
    tying = where(inside, greater_equal(taps, broadcast_to(out, shape=taps.shape)), 0.0)
    from_here = flip(cumulative_sum(flip(tying, axis=axis), axis=axis), axis=axis)
    return where(tying, greater(2.0, from_here), 0.0)


def first_inside(inside: Array) -> Array:
    """1 at the first tap of each window that lies inside of the input, else 0."""
    first: Array = (xp.cumsum(inside, axis=inside.ndim - 2) * inside == 1).astype(inside.dtype)
    return first
