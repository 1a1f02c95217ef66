"""Primitives of resampling: what weighs pixels by their distance, and weighted sums of rows and columns."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.contraction import affine, swap_last
from conformance.reference_impl.primitives.elementwise import divide, multiply, negative, square, subtract
from conformance.reference_impl.primitives.movement import unbroadcast
from conformance.reference_impl.primitives.primitive import Accumulation, Bound, Elementwise
from conformance.reference_impl.primitives.selection import absolute, greater, sign, where
from conformance.reference_impl.tape import Tensor


class Triangle(Elementwise):
    """max(0, 1 − |x|), the weight of a pixel at the distance x in linear interpolation.

    Between first and second, at the fraction f of the way, one runtime computes the weighted sum
    (1 − f)·first + f·second, another first + (second − first)·f. The latter is the former at a fraction with
    two roundings more, those of the difference and of the product, and so each of its weights has an error
    of γ₂; that of the former is less, one rounding of 1 − f.
    """

    def value(self, x: Array) -> Array:
        return xp.maximum(1.0 - xp.abs(x), 0.0)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        (x,) = inputs
        distance, error = xp.abs(x.value), xp.zeros_like(out) if x.error is None else x.error
        between = (x.reach > 0) & (distance - error < 1)
        bound = (xp.minimum(error, xp.maximum(1.0 - distance + error, 0.0)) + a.gamma(2.0)) * between
        return bound if xp.count_nonzero(bound) else None

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        slope = negative(multiply(sign(x), greater(1.0, absolute(x))))
        return multiply(cotangent, slope)


class Sinc(Elementwise):
    """sin(x)/x, and 1 at 0

    The product of two of them, r·sin(πd)·sin(πd/r)/(π²d²), is also computed with other roundings of the
    arguments below the fraction bar than above it: six for each of the two cover them.
    """

    steepest = 0.4362
    """The largest slope, at 2.08."""

    def value(self, x: Array) -> Array:
        nonzero = xp.where(x == 0, 1.0, x).astype(x.dtype)
        return xp.where(x == 0, 1.0, xp.sin(nonzero) / nonzero).astype(x.dtype)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        """An ULP of the sine, over x, is no more than two roundings of the quotient."""
        (x,) = inputs
        moved = xp.zeros_like(out) if x.error is None else xp.minimum(x.error * self.steepest, 2.0)
        of_sine = 2 * a.unit_roundoff * a.ulps["sin"]
        rounding = (xp.abs(out) + moved) * (of_sine + a.gamma(6.0)) + a.underflow
        return moved + rounding * (x.reach != 0)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        """The slope is (cos x − sinc x)/x, where cos x = 1 − ½(x·sinc(x/2))²; near 0 it is −x/3."""
        cosine = subtract(1.0, multiply(square(multiply(x, sinc(multiply(x, 0.5)))), 0.5))
        slope = where(
            greater(absolute(x), 1e-4),
            divide(subtract(cosine, sinc(x)), x),
            multiply(x, -1 / 3),
        )
        return multiply(cotangent, slope)


class Resample(Accumulation):
    """Weighted sums of rows and of columns: Σᵢⱼ rows[r, i]·columns[c, j]·x[…, i, j], in any order.

    (…, h, w), (H, h), (W, w) → (…, H, W), where all weights are finite. What has none does not count, not
    even NaN. A sum of n products of three has n + 1 roundings in each of its terms; summed along one axis
    after the other, over n₁ and n₂ elements, it has n₁ + n₂, which is no more than n₁·n₂ + 1.
    """

    roundings = 1

    def value(self, x: Array, rows: Array, columns: Array) -> Array:
        return xp.swapaxes(weighted(columns, xp.swapaxes(weighted(rows, x), -1, -2)), -1, -2)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        """What the product of two of the factors loses by underflow is multiplied by the third. Summed along
        one axis after the other, the sums along the first may overflow where the whole one does not."""
        error: Any = super().bound(a, out, *inputs, **params)
        if error is None:
            return None
        inexact = error != 0
        present = [(t.reach > 0).astype(out.dtype) for t in inputs]
        for which, factor in enumerate(inputs):
            lost = self.value(*[factor.reach if i == which else p for i, p in enumerate(present)])
            error = error + inexact * lost * (2 * a.underflow)
        return xp.where(overflowing_halfway(a, *inputs), xp.inf, error)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, *inputs: Tensor) -> Tensor:
        x, rows, columns = inputs
        if position == 0:
            return resample(cotangent, swap_last(rows), swap_last(columns))
        if position == 1:
            shares = affine(cotangent, swap_last(affine(x, swap_last(columns))))
            return unbroadcast(shares, rows.shape)
        return unbroadcast(affine(swap_last(cotangent), affine(rows, x)), columns.shape)


def overflowing_halfway(a: Arithmetic, x: Tensor, rows: Tensor, columns: Tensor) -> Array:
    """Where a sum along one of the axes that has a weight along the other may overflow."""
    finite = xp.where(xp.isfinite(x.reach), x.reach, 0.0)
    by_rows = weighted(rows.reach, finite) > a.largest
    by_columns = weighted(columns.reach, xp.swapaxes(finite, -1, -2)) > a.largest
    if not by_rows.any() and not by_columns.any():
        return xp.zeros((), bool)
    across = weighted(columns.reach > 0, xp.swapaxes(by_rows, -1, -2))
    down = weighted(rows.reach > 0, xp.swapaxes(by_columns, -1, -2))
    beyond: Array = (xp.swapaxes(across, -1, -2) != 0) | (down != 0)
    return beyond


def weighted(weights: Array, x: Array) -> Array:
    """weights @ x, in which the product of 0 and NaN or infinity is 0."""
    if bool(xp.isfinite(x).all()):
        return xp.matmul(weights, x)
    factors = weights[..., None]
    products = xp.where(factors != 0, factors * x[..., None, :, :], 0.0)
    total: Array = products.sum(axis=-2)
    return total


triangle, sinc, resample = Triangle(), Sinc(), Resample()
