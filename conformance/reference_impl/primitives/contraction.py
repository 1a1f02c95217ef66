"""Primitives that contract: matrix products, the largest element, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.elementwise import (
    add,
    divide,
    exp,
    log,
    multiply,
    subtract,
)
from conformance.reference_impl.primitives.movement import (
    broadcast_to,
    cumulative_sum,
    reshape,
    total,
    transpose,
    unbroadcast,
)
from conformance.reference_impl.primitives.primitive import (
    Accumulation,
    Bound,
    Composite,
    Primitive,
    exact,
    without_zeros,
)
from conformance.reference_impl.primitives.selection import (
    Extremum,
    beyond,
    greater,
    greater_equal,
    where,
)
from conformance.reference_impl.tape import Provenance, Statistics, Tensor, current_arithmetic

STATISTICS_FROM = 1000
"""A dot product of so many different products in all is large enough for statistics of its errors."""


def repeats(x: Array, kernel: Array) -> float:
    """How often a product of elements of two arrays of magnitudes is there, in the mean over all that are
    not 0, if numbers that are the same always meet: Σm² / Σm of each array, of whose numbers one is there m
    times.

    >>> repeats(np.array([1.0, 1.0, 1.0, 0.0]), np.array([2.0, 5.0]))
    3.0
    """
    return math.prod(map(_multiplicity, (x, kernel)))


def _multiplicity(x: Array) -> float:
    magnitudes = xp.to_host(x)
    _, counts = np.unique(magnitudes[magnitudes != 0], return_counts=True)
    return float((counts**2).sum() / counts.sum()) if counts.size else 1.0


class Dot(Accumulation):
    """Sums of products of two operands. With n products and a bias, γₙ₊₂."""

    roundings = 1

    products: Callable[..., int]
    """(out, *operands) → how many products there are in all."""

    def exact_on_integers(self, a: Arithmetic) -> bool:
        return a.algorithms["dot"] == "direct"

    def derive_bound(
        self, a: Arithmetic, out: Tensor, inputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> None:
        super().derive_bound(a, out, inputs, params)
        if exact(inputs) and self.products(out.value, *[x.value for x in inputs]) >= STATISTICS_FROM:
            magnitudes = [x.reach for x in inputs]

            def sizes() -> tuple[Array, Array]:
                # Asked for later, when nobody silences what infinities make of idle lanes any more.
                with np.errstate(all="ignore"):
                    magnitude = self.value(*magnitudes, **params)
                    terms = xp.asarray(self.terms(magnitudes, params), magnitude.dtype)
                return xp.broadcast_to(terms, magnitude.shape), magnitude

            out.dot = Statistics(sizes, lambda: repeats(*magnitudes[:2]))


class Affine(Dot):
    """x @ kernel + bias, as one accumulation in any order (some runtimes begin it with the bias).

    (…, n, k) @ (…, k, m) + (…, 1 or n, m), batched as `numpy.matmul` does; the bias may be left out.
    """

    def value(self, x: Array, kernel: Array, bias: Array | None = None) -> Array:
        # The same product, but `matmul` takes twice as long to begin it. Of one that is a single element
        # `dot` leaves out what it multiplies by 0, which makes 0 of NaN.
        plain = x.ndim == kernel.ndim == 2 and x.size > 1 and kernel.size > 1
        product = x.dot(kernel) if plain else xp.matmul(x, kernel)
        if bias is not None:
            product += bias
        return product

    def products(self, out: Array, x: Array, kernel: Array, *bias: Array) -> int:
        return out.size * x.shape[-1]

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        if without_zeros(magnitudes):
            return magnitudes[0].shape[-1] + len(magnitudes) - 2
        return super().terms(magnitudes, params)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, *inputs: Tensor) -> Tensor:
        x, kernel = inputs[0], inputs[1]
        if position == 0:
            return unbroadcast(affine(cotangent, swap_last(kernel)), x.shape)
        if position == 1:
            return unbroadcast(affine(swap_last(x), cotangent), kernel.shape)
        return unbroadcast(cotangent, inputs[2].shape)


class Largest(Extremum):
    """max along an axis, kept with size one; elements that tie share the cotangent"""

    def value(self, x: Array, *, axis: int) -> Array:
        return x.max(axis=axis, keepdims=True)

    def propagated(self, out: Array, values: list[Array], errors: list[Any], *, axis: int) -> Bound:
        return largest_number.value(beyond(out, values[0], errors[0]), axis=axis)

    def largest_error(self, errors: list[Any], *, axis: int) -> Array:
        return errors[0].max(axis=axis, keepdims=True)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        chosen = greater_equal(x, broadcast_to(out, shape=x.shape))
        # The share is rounded before it is multiplied: a backend that divides the cotangent errs less.
        share = divide(chosen, total(chosen, axis=(axis,), keepdims=True))
        return multiply(share, broadcast_to(cotangent, shape=x.shape))


class LargestNumber(Extremum):
    """max along an axis of what is not NaN (IEEE 754-2019, maximumNumber), kept with size one, and −∞ where
    nothing is; of elements that tie, the first gets the cotangent"""

    def value(self, x: Array, *, axis: int) -> Array:
        return xp.where(xp.isnan(x), -xp.inf, x).max(axis=axis, keepdims=True)

    def propagated(self, out: Array, values: list[Array], errors: list[Any], *, axis: int) -> Bound:
        return largest_number.value(beyond(out, values[0], errors[0]), axis=axis)

    def largest_error(self, errors: list[Any], *, axis: int) -> Array:
        return errors[0].max(axis=axis, keepdims=True)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        tying = greater_equal(x, broadcast_to(out, shape=x.shape))
        none_before = greater(2.0, cumulative_sum(tying, axis=axis))
        return where(where(tying, none_before, 0.0), cotangent, 0.0)


class Softmax(Composite):
    """exp(x − max) / Σ exp(x − max) along an axis, with the vjp s·c − s·Σ(s·c)"""

    def compose(self, x: Tensor, *, axis: int) -> Tensor:
        e = exp(overflowing_to_minus_infinity(subtract(x, largest(x, axis=axis))))
        return divide(e, total(e, axis=(axis,), keepdims=True))

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        weighted = multiply(cotangent, out)
        return subtract(weighted, multiply(out, total(weighted, axis=(axis,), keepdims=True)))


class LogSoftmax(Composite):
    """(x − max) − ln Σ exp(x − max) along an axis, with the vjp c − softmax·Σc"""

    def compose(self, x: Tensor, *, axis: int) -> Tensor:
        shifted = subtract(x, largest(x, axis=axis))
        return subtract(shifted, log(total(exp(shifted), axis=(axis,), keepdims=True)))

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        share = multiply(exp(out), total(cotangent, axis=(axis,), keepdims=True))
        return subtract(cotangent, share)


class LogSumExp(Primitive):
    """ln Σ eˣ along an axis, kept with size one, of which some element is finite.

    It grows with each operand: their errors move it no further than to its values at the ends of their
    intervals, where its own roundings are about as large.
    """

    provenances = (Provenance.COMPOSED,) * 4

    def value(self, x: Array, *, axis: int) -> Array:
        top = x.max(axis=axis, keepdims=True)
        return top + xp.log(xp.exp(x - top).sum(axis=axis, keepdims=True))

    def bound(self, a: Arithmetic, out: Array, x: Tensor, *, axis: int) -> Bound:
        if x.error is None:
            return self.rounding(x.value, axis)
        ends = x.value - x.error, x.value + x.error
        own = [self.rounding(end, axis) for end in (x.value, *ends)]
        moved = [xp.abs(self.value(end, axis=axis) - out) for end in ends]
        error = xp.maximum(*moved) + xp.maximum(own[0], xp.maximum(*own[1:]))
        return xp.where(xp.isnan(error), xp.inf, error)

    def rounding(self, x: Array, axis: int) -> Array:
        """The error of the usual algorithm on exact operands."""
        exactly = Tensor(x)
        top = largest(exactly, axis=axis)
        added = total(exp(subtract(exactly, top)), axis=(axis,), keepdims=True)
        error = add(log(added), top).error
        return xp.zeros(top.shape) if error is None else error

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        return multiply(cotangent, exp(subtract(x, out)))


def overflowing_to_minus_infinity(x: Tensor) -> Tensor:
    """A difference that may overflow below, as −∞: to the exponential that is the same."""
    arithmetic = current_arithmetic()
    if arithmetic is None or x.error is None:
        return x
    beyond = xp.isinf(x.error) & (x.value < -arithmetic.largest / 2)
    value, error = xp.where(beyond, -xp.inf, x.value), xp.where(beyond, 0.0, x.error)
    corrected = Tensor(value, error, x.provenance)
    corrected.tracked, corrected.node = x.tracked, x.node
    return corrected


def swap_last(x: Tensor) -> Tensor:
    """The transpose of the last two axes."""
    return transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


affine, softmax, log_softmax = Affine(), Softmax(), LogSoftmax()
largest, largest_number, log_sum_exp = Largest(), LargestNumber(), LogSumExp()


def dot_last(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """(…, k) · (k, m) + (m,) → (…, m), as one matrix product."""
    offset = () if bias is None else (bias,)
    if x.ndim == 2:
        return affine(x, kernel, *offset)
    rows = reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
    return reshape(affine(rows, kernel, *offset), shape=(*x.shape[:-1], kernel.shape[-1]))


def mean(x: Tensor, *, axis: tuple[int, ...], keepdims: bool = False) -> Tensor:
    """The sum times the reciprocal of the count, which is rounded."""
    count = math.prod(x.shape[i] for i in axis)
    return multiply(total(x, axis=axis, keepdims=keepdims), 1 / count if count else math.nan)
