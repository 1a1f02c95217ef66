"""What a primitive is: three rules, for its value, its vjp and its rounding-error bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.tape import Provenance, Tensor, constant, current_arithmetic

Bound = Array | float | None
"""A bound of the error of every element; None where there is no error at all."""


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
    vjp: Callable[..., Tensor | None]
    """(position, cotangent, out, *inputs, **params) → the cotangent of the input at `position`, made of
    primitives; None where it is zero."""
    bound: Callable[..., tuple[Bound, Provenance]]
    """(arithmetic, out, *inputs, **params) → the bound of the result's error, and its provenance."""

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        inputs = as_tensors(operands)
        value = self.value(*[x.value for x in inputs], **params)
        arithmetic = current_arithmetic()
        if arithmetic is None:
            out = Tensor(value)
        else:
            error, provenance = self.bound(arithmetic, value, *inputs, **params)
            if value.dtype.kind != "f":
                error = None
            if error is not None:
                error = bounded(arithmetic, value, error)
            out = Tensor(value, error, provenance)
        for x in inputs:
            if x.tracked and value.dtype.kind == "f":
                out.tracked = True
                out.node = (self, inputs, params)
                break
        return out


def as_tensors(operands: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """The operands as tensors; numbers take the dtype of the first tensor among them."""
    like = None
    for x in operands:
        if isinstance(x, Tensor):
            like = x
            if x.value.dtype.kind == "f":
                break
    return tuple([x if isinstance(x, Tensor) else constant(x, like) for x in operands])


def bounded(a: Arithmetic, value: Array, bound: Bound) -> Array:
    """The bound as an array of the value's shape, infinite where the result may overflow.

    A value that is not finite comes from operands that are not: no finite error changes it.
    """
    error: Array = xp.broadcast_to(xp.asarray(bound, dtype=value.dtype), value.shape)
    reach = xp.abs(value) + error
    if bool(xp.max(reach, initial=0.0) <= a.largest):
        return error
    finite = xp.isfinite(value)
    overflow = finite & ~(reach <= a.largest)
    unknown = ~finite & xp.isinf(error)
    return xp.where(overflow | unknown, xp.inf, xp.where(finite, error, 0.0))


def worst_provenance(inputs: tuple[Tensor, ...]) -> Provenance:
    worst = Provenance.MOVED
    for x in inputs:
        if x.provenance > worst:
            worst = x.provenance
    return worst


def one_rounding_more(inputs: tuple[Tensor, ...]) -> Provenance:
    """The provenance of a single rounding of the operands."""
    exact = worst_provenance(inputs) <= Provenance.SELECTED
    return Provenance.ROUNDED if exact else Provenance.COMPOSED


def input_error(a: Arithmetic, x: Tensor) -> Bound:
    """The error of an operand as an arithmetic operation reads it: subnormals may be read as zero."""
    if not x.subnormal:
        return x.error
    magnitude = xp.abs(x.value)
    flushed = xp.where(magnitude < a.smallest_normal, magnitude, 0.0)
    return flushed if x.error is None else x.error + flushed


def rounded(a: Arithmetic, out: Array, propagated: Bound) -> Array:
    """The propagated error and that of one correctly rounded operation; none where the exact result is
    representable and the operands are exact."""
    exact = out.astype(a.dtype).astype(out.dtype) == out
    if a.subnormals != "kept":
        exact &= (xp.abs(out) >= a.smallest_normal) | (out == 0)
    if propagated is None:
        return xp.where(exact, 0.0, xp.abs(out) * a.unit_roundoff + a.underflow)
    exact &= propagated == 0
    reach = xp.abs(out) + propagated
    return xp.where(exact, 0.0, propagated + (reach * a.unit_roundoff + a.underflow))


def ulp(a: Arithmetic, magnitude: Array) -> Array:
    """The unit in the last place of numbers of that magnitude, in the arithmetic's format."""
    _, exponent = xp.frexp(magnitude)
    unit = xp.ldexp(magnitude.dtype.type(2 * a.unit_roundoff), exponent - 1)
    return xp.maximum(unit, a.smallest_subnormal)


class Movement(Primitive):
    """Moves elements and computes nothing: the errors move with the values."""

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> tuple[Bound, Provenance]:
        provenance = worst_provenance(inputs)
        if all(x.error is None for x in inputs):
            return None, provenance
        errors = [xp.zeros(x.shape, out.dtype) if x.error is None else x.error for x in inputs]
        return self.value(*errors, **params), provenance

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        out = super().__call__(*operands, **params)
        out.subnormal = any(isinstance(x, Tensor) and x.subnormal for x in operands)
        return out


class Elementwise(Primitive):
    """One correctly rounded operation per element, after the errors that come in."""

    propagated: Callable[..., Bound]
    """(out, values, errors, **params) → the largest change of the exact result while the operands move
    within their errors (0 where exact). Asked only where some operand has an error."""

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> tuple[Bound, Provenance]:
        return self.rounding(a, out, self.incoming(a, out, inputs, params)), one_rounding_more(inputs)

    def incoming(
        self, a: Arithmetic, out: Array, inputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> Bound:
        """`propagated`, or None where every operand is exact."""
        errors = [input_error(a, x) for x in inputs]
        if all(error is None for error in errors):
            return None
        present: list[Any] = [0.0 if error is None else error for error in errors]
        return self.propagated(out, [x.value for x in inputs], present, **params)

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound:
        return rounded(a, out, propagated)


class Function(Elementwise):
    """A monotone function of one argument that the ULP table speaks of."""

    table_entry: str

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        (x,), (error,) = values, errors
        above = xp.abs(self.value(x + error) - out)
        below = xp.abs(out - self.value(x - error))
        return xp.maximum(above, below)

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound:
        return in_ulps(a, self.table_entry, out, propagated)


def in_ulps(a: Arithmetic, entry: str, out: Array, propagated: Bound) -> Bound:
    """The propagated error and that of a function with an entry in the ULP table."""
    if a.ulps[entry] == 0.5:
        return rounded(a, out, propagated)
    magnitude = xp.abs(out) if propagated is None else xp.abs(out) + propagated
    error = a.ulps[entry] * ulp(a, magnitude) + a.underflow + a.absolute.get(entry, 0.0)
    return error if propagated is None else propagated + error


class Selection(Primitive):
    """Gives one of its operands for every element, and rounds nothing."""

    propagated: Callable[..., Bound]
    """(out, values, errors, **params) → the largest change of the result while the operands move within
    their errors."""

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> tuple[Bound, Provenance]:
        provenance = max(Provenance.SELECTED, worst_provenance(inputs))
        if all(x.error is None for x in inputs):
            return None, provenance
        errors: list[Any] = [0.0 if x.error is None else x.error for x in inputs]
        return self.propagated(out, [x.value for x in inputs], errors, **params), provenance
