"""What a primitive is: three rules, for its value, its vjp and its rounding-error bound."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.blockwise import block_size, blocks, each_in_blocks
from conformance.reference_impl.tape import (
    Provenance,
    Slice,
    Statistics,
    Tensor,
    constant,
    current_arithmetic,
    detached,
)

Bound = Array | None
"""A bound of the error of every element; None where there is no error at all."""


class Reach(NamedTuple):
    """A bound by the largest magnitude that every element may have, |result| + error, where a rule comes to
    that first and the next operation asks for it."""

    magnitude: Array


def error_within(bound: Array | Reach, out: Array) -> Array:
    """The bound of the error of every element of the result. As a difference of nearly equal numbers it loses
    bits: far fewer than the slack of `reach_of_rounded` has."""
    return bound.magnitude - xp.abs(out) if isinstance(bound, Reach) else bound


class Primitive:
    """An array operation. A subclass states `value`, `vjp` and, through its kind, its bound.

    Calling it with tensors, arrays or numbers computes the value, the bound if an arithmetic is in
    force, and records the operation if a gradient can be asked for.
    """

    every: dict[str, Primitive] = {}  # noqa: RUF012  # the one registry, filled as primitives are defined

    def __init__(self) -> None:
        self.name = type(self).__name__
        Primitive.every[self.name] = self

    value: Callable[..., Array]
    """The result on plain arrays."""
    vjp: Callable[..., Tensor | Slice | None]
    """(position, cotangent, out, *inputs, **params) → the cotangent of the input at `position`, made of
    primitives; a slice of it where the rest is zero, None where all is."""
    bound: Callable[..., Bound | Reach]
    """(arithmetic, out, *inputs, **params) → the bound of the result's error."""
    provenances: tuple[Provenance, ...]
    """The provenance of the result, by the worst one of the operands."""

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        inputs = as_tensors(operands)
        value = self.value(*[x.value for x in inputs], **params)
        out = Tensor(value)
        arithmetic = current_arithmetic()
        if arithmetic is not None:
            self.derive_bound(arithmetic, out, inputs, params)
        for x in inputs:
            if x.tracked and value.dtype.kind == "f":
                out.tracked = True
                out.node = (self, inputs, params)
                break
        return out

    def derive_bound(
        self, a: Arithmetic, out: Tensor, inputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> None:
        """Give the result its provenance and its bound."""
        worst = Provenance.MOVED
        for x in inputs:
            if x.provenance > worst:
                worst = x.provenance
            if x.subnormal:
                inputs = tuple([self.read(a, x) if x.subnormal else x for x in inputs])
        out.provenance = self.provenances[worst]
        bound = self.bound(a, out.value, *inputs, **params)
        if bound is not None and out.value.dtype.kind == "f":
            self.set_bound(a, out, bound, inputs, params)

    def read(self, a: Arithmetic, x: Tensor) -> Tensor:
        """The operand as an operation reads it: its subnormals may be zero."""
        magnitude = xp.abs(x.value)
        flushed = xp.where(magnitude < a.smallest_normal, magnitude, 0.0)
        return Tensor(x.value, flushed if x.error is None else x.error + flushed, x.provenance)

    def set_bound(
        self,
        a: Arithmetic,
        out: Tensor,
        bound: Array | Reach,
        inputs: tuple[Tensor, ...],
        params: dict[str, Any],
    ) -> None:
        """Give the result its bound, in its shape and dtype: infinite where a finite result may overflow,
        and where one that is not finite is not settled."""
        value, error = out.value, error_within(bound, out.value)
        if isinstance(bound, Reach):
            out.reach = bound.magnitude
        if error.dtype != value.dtype:
            error = error.astype(value.dtype)
        if error.shape != value.shape:
            error = xp.broadcast_to(error, value.shape)
        out.error = error
        if value.size and not largest_element(out.reach) <= a.largest:
            known = ~xp.isfinite(value) & self.settled(a, value, inputs, params)
            out.error = xp.where(out.reach <= a.largest, error, xp.where(known, 0.0, xp.inf))
            out.forget_reach()

    def settled(
        self, a: Arithmetic, value: Array, inputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> Array:
        """Where the result is the same at every corner of the operands' intervals."""
        same = xp.ones(value.shape, bool)
        for corner in self.corners(*map(interval, inputs)):
            there = self.value(*corner, **params)
            same &= (there == value) | ((there != there) & (value != value))
        return same

    def corners(self, *intervals: tuple[Array, ...]) -> Iterable[tuple[Array, ...]]:
        """The ends of the operands' intervals, each with each."""
        return itertools.product(*intervals)


def as_tensors(operands: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The operands as tensors; numbers take the dtype of the first tensor among them."""
    for x in operands:
        if not isinstance(x, Tensor):
            break
    else:
        return operands
    like = None
    for x in operands:
        if isinstance(x, Tensor):
            like = x
            if x.value.dtype.kind == "f":
                break
    return tuple([x if isinstance(x, Tensor) else constant(x, like) for x in operands])


def interval(x: Tensor) -> tuple[Array, ...]:
    """The ends of the interval in which the computed operand lies. Of one that may be anything they are
    NaN and 1: no function gives both the same result unless it ignores the operand."""
    if x.error is None:
        return (x.value,)
    anything = xp.isinf(x.error)
    return xp.where(anything, xp.nan, x.value - x.error), xp.where(anything, 1.0, x.value + x.error)


def largest_element(x: Array) -> float:
    """The largest element, or NaN if there is one. (On tiny arrays `max` takes five times as long.)"""
    return float(x.ravel()[x.argmax()])


def are_integers(x: Array) -> bool:
    """Whether every element is an integer, of a large array block by block until one is not."""
    size = block_size(x)
    parts = (x[key] for key in blocks(x.shape, size)) if x.size > size else (x,)
    return not any(xp.count_nonzero(part != xp.rint(part)) for part in parts)


def rounded(a: Arithmetic, out: Array, propagated: Bound) -> Array:
    """The propagated error and that of one correctly rounded operation, which is none where the operands
    are exact and the exact result is representable."""
    if propagated is not None:
        error = xp.abs(out)
        error += propagated
        error *= a.unit_roundoff
        error += a.underflow
        error += propagated
        return error
    inexact = out.astype(a.format).astype(out.dtype) != out
    if a.subnormals != "kept":
        inexact |= (xp.abs(out) < a.smallest_normal) & (out != 0)
    return (xp.abs(out) * a.unit_roundoff + a.underflow) * inexact


def reach_of_rounded(a: Arithmetic, reach: Array) -> Array:
    """The largest magnitude of correctly rounded results, from that of the exact ones, in its place."""
    reach *= 1 + a.unit_roundoff + 2.0**-45
    reach += a.underflow
    return reach


def ulp(a: Arithmetic, magnitude: Array) -> Array:
    """The unit in the last place of numbers of that magnitude, in the arithmetic's format."""
    _, exponent = xp.frexp(xp.maximum(magnitude, a.smallest_normal))
    return xp.ldexp(magnitude.dtype.type(a.unit_roundoff), exponent)


def exact(inputs: tuple[Tensor, ...]) -> bool:
    """Whether no operand has an error."""
    for x in inputs:  # noqa: SIM110  # half the time of `all` and a generator, at every operation
        if x.error is not None:
            return False
    return True


def without_zeros(arrays: list[Array]) -> bool:
    """Whether no element of the arrays is zero."""
    return all(xp.count_nonzero(x) == x.size for x in arrays)


def present(inputs: tuple[Tensor, ...]) -> list[Any]:
    """The error of every operand, 0 for an exact one."""
    return [0.0 if x.error is None else x.error for x in inputs]


class Movement(Primitive):
    """Moves elements and computes nothing: errors, and all else that is known, move with the values."""

    provenances = tuple(Provenance)

    def derive_bound(
        self, a: Arithmetic, out: Tensor, inputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> None:
        for x in inputs:
            if x.provenance > out.provenance:
                out.provenance = x.provenance
            if x.subnormal:
                out.subnormal = True
        out.error = self.bound(a, out.value, *inputs, **params)
        if len(inputs) == 1 and inputs[0].dot is not None:
            dot = inputs[0].dot
            out.dot = Statistics(partial(self.moved_sizes, dot, params), dot.repeats)

    def moved_sizes(self, dot: Statistics, params: dict[str, Any]) -> tuple[Array, Array]:
        """Those of a dot product whose elements have been moved."""
        terms, magnitude = dot.sizes()
        return self.value(terms, **params), self.value(magnitude, **params)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        if exact(inputs):
            return None
        errors = [xp.zeros(x.shape, out.dtype) if x.error is None else x.error for x in inputs]
        return self.value(*errors, **params)


class Elementwise(Primitive):
    """One correctly rounded operation per element, after the errors that come in."""

    provenances = (Provenance.ROUNDED, Provenance.ROUNDED, Provenance.COMPOSED, Provenance.COMPOSED)

    propagated: Callable[..., Bound]
    """(out, values, errors, **params) → the largest change of the exact result while the operands move
    within their errors (0 where exact). Asked only where some operand has an error."""

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound | Reach:
        if exact(inputs):
            error = self.rounding(a, out, None)
            return error if xp.count_nonzero(error) else None
        propagated = self.propagated(out, [x.value for x in inputs], present(inputs), **params)
        return self.rounding(a, out, propagated)

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound | Reach:
        if propagated is None:
            return rounded(a, out, None)
        reach = xp.abs(out)
        reach += propagated
        return Reach(reach_of_rounded(a, reach))


class Function(Elementwise):
    """A monotone function of one argument that the ULP table speaks of."""

    table_entry: str

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        (x,), (error,) = values, errors
        change = xp.maximum(xp.abs(self.value(x + error) - out), xp.abs(out - self.value(x - error)))
        # What may be anything may be NaN, of which a bounded function makes no number either.
        return xp.where(xp.isinf(error), xp.inf, change)

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound:
        return in_ulps(a, self.table_entry, out, propagated)


def in_ulps(a: Arithmetic, entry: str, out: Array, propagated: Bound) -> Bound:
    """The propagated error and that of a function with an entry in the ULP table."""
    if a.ulps[entry] == 0.5:
        return rounded(a, out, propagated)
    magnitude = xp.abs(out) if propagated is None else xp.abs(out) + propagated
    error = ulp(a, magnitude) * a.ulps[entry] + (a.underflow + a.absolute.get(entry, 0.0))
    return error if propagated is None else propagated + error


class Selection(Primitive):
    """Gives one of its operands for every element, and rounds nothing."""

    provenances = (Provenance.SELECTED, Provenance.SELECTED, Provenance.ROUNDED, Provenance.COMPOSED)

    propagated: Callable[..., Bound]
    """(out, values, errors, **params) → the largest change of the result while the operands move within
    their errors."""

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        if exact(inputs):
            return None
        return self.propagated(out, [x.value for x in inputs], present(inputs), **params)


class Accumulation(Primitive):
    """Adds up, in any order, elements of its operand or products of elements of its operands.

    With n terms that are not zero and so up to n + `roundings` roundings, a result's error is
    γ Σ|terms| (Higham 2002, section 3.1) and what the operands' errors make; integers whose sum of
    magnitudes is representable add up exactly. Where the magnitudes overflow, a partial sum may.
    """

    provenances = (Provenance.COMPOSED,) * 4

    roundings: int

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        if out.dtype.kind != "f":
            return None
        magnitudes = [x.reach for x in inputs]
        reach = self.value(*magnitudes, **params)
        n = xp.maximum(self.terms(magnitudes, params) + self.roundings, 0.0)
        # In a product of subnormals, and in the sum that follows, underflow comes on top.
        error = each_in_blocks(lambda reach, n: a.gamma(n) * reach + n * (2 * a.underflow), reach, n)
        if not exact(inputs):
            exactly = self.value(*[xp.abs(x.value) for x in inputs], **params)
            error = error + (reach - exactly) * (1 + 2.0**-20)
        elif self.exact_on_integers(a) and all(map(are_integers, magnitudes)):
            beyond = reach > a.exact_integers
            if not xp.count_nonzero(beyond):
                return None
            error = error * beyond
        if out.size and largest_element(reach) + largest_element(error) <= a.largest:
            return error
        return xp.where(reach + error <= a.largest, error, xp.inf)

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        """How many terms of each element are not zero, or of all alike."""
        return self.value(*[(m > 0).astype(m.dtype) for m in magnitudes], **params)

    def exact_on_integers(self, a: Arithmetic) -> bool:
        return True

    def settled(
        self, a: Arithmetic, value: Array, inputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> Array:
        finite = [xp.where(xp.isfinite(x.value), xp.abs(x.value), 0.0) for x in inputs]
        partial_sums = self.value(*finite, **params) * 2 <= a.largest
        return super().settled(a, value, inputs, params) & (partial_sums | (value != value))


class Composite(Primitive):
    """A composition of primitives with a vjp of its own, where the runtimes have one kernel for both
    and the composition's own way back would be bounded for another algorithm."""

    compose: Callable[..., Tensor]
    """(*inputs, **params) → the same function made of primitives."""

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        inputs = as_tensors(operands)
        out = self.compose(*[detached(x) for x in inputs], **params)
        if any(x.tracked for x in inputs):
            out.tracked = True
            out.node = (self, inputs, params)
        return out


class Fused(Composite):
    """A composition that has a `value` of its own, with the same bits, where no bounds are asked for."""

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        if current_arithmetic() is None:
            return Primitive.__call__(self, *operands, **params)
        return super().__call__(*operands, **params)


def either(first: Tensor, second: Callable[[], Tensor]) -> Tensor:
    """What runtimes compute in one of two ways that are equal in exact arithmetic: bounded for both. Nothing
    is promised where they differ at infinity, as m/2 + 0 is infinite and m + (0 − m)/2 is NaN."""
    if current_arithmetic() is None:
        return first
    other = second()
    errors = [x.error for x in (first, other) if x.error is not None]
    alike = _alike(first.value, other.value)
    if not errors and alike.all():
        return first
    error = xp.maximum(errors[0], errors[-1]) if errors else xp.zeros(first.shape)
    found = Tensor(first.value, xp.where(alike, error, xp.inf), first.provenance)
    found.tracked, found.node = first.tracked, first.node
    return found


def _alike(x: Array, y: Array) -> Array:
    """Where both are finite, or both the same infinity, or both NaN."""
    alike: Array = (xp.isfinite(x) & xp.isfinite(y)) | (x == y) | (xp.isnan(x) & xp.isnan(y))
    return alike
