"""Primitives that choose: absolute value, extremes, rectifiers, comparisons, where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.elementwise import multiply
from conformance.reference_impl.primitives.movement import unbroadcast
from conformance.reference_impl.primitives.primitive import (
    Bound,
    Primitive,
    Selection,
    exact,
    present,
)
from conformance.reference_impl.tape import Summed, Tensor


class Absolute(Selection):
    """|x|, with the derivative sign(x), which is 0 at 0"""

    def value(self, x: Array) -> Array:
        return xp.abs(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        return errors[0]

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, sign(x))


class Extremum(Selection):
    """The largest or the smallest of some numbers.

    Each of them may take the result further by its error, less its distance from the result. Back the result
    moves no more than that: no further than the number that it is. What may be anything makes it anything.

    A comparison that reads subnormals as zeros may give one of them for another, as it is. Of two that are
    known exactly, each may have been read as zero, which is their error; those that are computed have errors
    of the smallest normal number at least. So no more than twice that comes on top, where the result may be
    one of them.
    """

    largest_error: Callable[..., Array]
    """(errors, **params) → the largest error of the numbers that each result is chosen from."""

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        error = super().bound(a, out, *inputs, **params)
        if error is None or a.subnormals == "kept":
            return error
        subnormal = xp.abs(out) - error < a.smallest_normal
        flushed = xp.minimum(self.largest_error(present(inputs), **params), a.smallest_normal)
        return error + 2 * flushed * subnormal


def beyond(out: Array, x: Array, error: Array) -> Array:
    """How far an operand may go beyond the extreme, which may be itself."""
    return xp.where(xp.isinf(error), xp.inf, error - xp.abs(x - out))


class ExtremeOfTwo(Extremum):
    """The larger or the smaller of two operands"""

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        x, y = [beyond(out, value, error) for value, error in zip(values, errors, strict=True)]
        return xp.maximum(x, y)

    def largest_error(self, errors: list[Any]) -> Array:
        return xp.maximum(*errors)


class Maximum(ExtremeOfTwo):
    """max(x, y); where they are equal the cotangent goes to x, where one is NaN to y"""

    def value(self, x: Array, y: Array) -> Array:
        return xp.maximum(x, y)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        first = greater_equal(x, y)
        share = where(first, 0.0, cotangent) if position else where(first, cotangent, 0.0)
        return unbroadcast(share, (x, y)[position].shape)


class Minimum(ExtremeOfTwo):
    """min(x, y); where they are equal the cotangent goes to x, where one is NaN to y"""

    def value(self, x: Array, y: Array) -> Array:
        return xp.minimum(x, y)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        first = greater_equal(y, x)
        share = where(first, 0.0, cotangent) if position else where(first, cotangent, 0.0)
        return unbroadcast(share, (x, y)[position].shape)


class Relu(Selection):
    """max(x, 0), with the derivative 0 at 0"""

    def value(self, x: Array) -> Array:
        return xp.maximum(x, 0.0)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        return xp.maximum(beyond(out, values[0], errors[0]), 0.0)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        """A negative subnormal that a comparison reads as zero may pass, as it is."""
        error = super().bound(a, out, *inputs, **params)
        if error is None or a.subnormals == "kept":
            return error
        (x,) = inputs
        subnormal = xp.abs(x.value) - x.error < a.smallest_normal
        return xp.maximum(error, xp.minimum(x.error, a.smallest_normal) * subnormal)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, greater(x, 0.0))


class Relu6(Relu):
    """min(max(x, 0), 6), with the derivative 0 at 0 and at 6"""

    def value(self, x: Array) -> Array:
        return xp.minimum(xp.maximum(x, 0.0), 6.0)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        return xp.where(xp.isinf(errors[0]), xp.inf, xp.clip(beyond(out, values[0], errors[0]), 0.0, 6.0))

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, multiply(greater(x, 0.0), greater(6.0, x)))


class Comparison(Primitive):
    """1 where a relation of x and y holds, else 0; uncertain (error 1) where the errors decide. Of what may
    be anything it may be anything: runtimes that compute steps make NaN of NaN.

    Its derivative is zero: what a discontinuity hides is in the error.
    """

    provenances = Selection.provenances

    def bound(self, a: Arithmetic, out: Array, x: Tensor, y: Tensor) -> Bound:
        if exact((x, y)):
            return None
        dx, dy = present((x, y))
        reach, distance = dx + dy, xp.abs(x.value - y.value)
        uncertain = (distance <= reach) & (reach > 0)
        # What is certain throughout is exact, and so are sums of it.
        if not xp.count_nonzero(uncertain) and not xp.count_nonzero(xp.isinf(reach)):
            return None
        return xp.where(xp.isinf(reach), xp.inf, uncertain.astype(out.dtype))

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> None:
        return None


class Greater(Comparison):
    """1 where x > y, else 0"""

    def value(self, x: Array, y: Array) -> Array:
        return (x > y).astype(x.dtype)


class GreaterEqual(Comparison):
    """1 where x ≥ y, else 0"""

    def value(self, x: Array, y: Array) -> Array:
        return (x >= y).astype(x.dtype)


class Sign(Selection):
    """−1, 0 or 1; its derivative is zero"""

    def value(self, x: Array) -> Array:
        return xp.sign(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        uncertain = (xp.abs(values[0]) <= errors[0]) & (errors[0] > 0)
        return xp.where(xp.isinf(errors[0]), xp.inf, uncertain * out.dtype.type(2.0))

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> None:
        return None


class Floor(Selection):
    """The largest integer that is no larger; its derivative is zero"""

    def value(self, x: Array) -> Array:
        return xp.floor(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        change = xp.maximum(xp.floor(values[0] + errors[0]) - out, out - xp.floor(values[0] - errors[0]))
        return xp.where(xp.isinf(errors[0]), xp.inf, change)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> None:
        return None


class Where(Selection):
    """x where the indicator (0 or 1, exact or uncertain) is not 0, else y"""

    def value(self, indicator: Array, x: Array, y: Array) -> Array:
        return xp.where(indicator != 0, x, y)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        (indicator, x, y), (uncertain, dx, dy) = values, errors
        chosen, other = xp.where(indicator != 0, dx, dy), xp.where(indicator != 0, dy, dx)
        jump = xp.maximum(chosen, xp.abs(x - y) + other)
        return xp.where(uncertain > 0, jump, chosen)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, c: Tensor, x: Tensor, y: Tensor) -> Any:
        if position == 0:
            return None
        zero = Tensor(xp.zeros((), cotangent.dtype))
        kept = where(c, cotangent, zero) if position == 1 else where(c, zero, cotangent)
        if cotangent.summed is not None:
            terms, magnitude = cotangent.summed.terms, cotangent.summed.magnitude
            operands = (magnitude, zero.value) if position == 1 else (zero.value, magnitude)
            kept.summed = Summed(terms, self.value(c.value, *operands))
        return unbroadcast(kept, (x, y)[position - 1].shape)


absolute, sign, floor = Absolute(), Sign(), Floor()
maximum, minimum, where = Maximum(), Minimum(), Where()
relu, relu6 = Relu(), Relu6()
greater, greater_equal = Greater(), GreaterEqual()
