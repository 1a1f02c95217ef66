"""Takes the bound of one element apart: what the rounding of each operation on the way adds to it.

Bounds are walked back as gradients are. Of every operation it is known how far the errors of its operands
reach its result (its sensitivity to them), and what it adds itself, so that the contributions of all
operations sum to the bound of the element.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.contraction import Largest, LogSumExp
from conformance.reference_impl.primitives.primitive import Accumulation, Composite, Movement, Primitive
from conformance.reference_impl.primitives.selection import beyond
from conformance.reference_impl.tape import Tensor, brought_together, error_bounds

VANISHING = 1e-300
"""Stands for a unit roundoff of 0."""


@dataclass(frozen=True)
class Term:
    """One operation's part in the bound of an element.

    Attributes:
        operation: the primitive's name, or `constant`, or `unrecorded` of a tensor whose making is not.
        formula: what it computes, in a line.
        shape: of its result.
        place: the element of its result that contributes most; of that element are
        value: the exact result,
        received: the error that it has from its operands,
        own: the error that it adds itself,
        reach: by how much an error there widens the bound.
        contribution: Σ own · reach over all elements.
        of_exact: what that would be if its operands were exact. The rest is due to their errors: what is
            exact of exact operands rounds then, a rounding grows with the errors that it meets, and
            products of errors and the slack of intervals belong to no single operation.
        entry: of the ULP table that it is bounded by, if it is.
    """

    operation: str
    formula: str
    shape: tuple[int, ...]
    place: tuple[int, ...]
    value: float
    received: float
    own: float
    reach: float
    contribution: float
    of_exact: float
    entry: str | None = None


@dataclass(frozen=True)
class Operation:
    """What a tensor was made by, and how far an error of each of its elements reaches."""

    primitive: Primitive
    inputs: Sequence[Tensor]
    params: dict[str, Any]
    out: Tensor
    reach: Array
    arithmetic: Arithmetic

    def of(self, inputs: Sequence[Tensor]) -> Operation:
        """The same of other operands."""
        return replace(self, inputs=inputs)

    def bound(self) -> Array:
        """The bound of the result, 0 where it is exact."""
        with error_bounds(self.arithmetic):
            out = self.primitive(*self.inputs, **self.params)
        return xp.zeros(out.shape) if out.error is None else out.error

    def passed_on(self) -> Array:
        """The bound that the operands' errors alone give, in an arithmetic that does not round."""
        unrounded = replace(
            self.arithmetic,
            unit_roundoff=VANISHING,
            smallest_normal=VANISHING,
            smallest_subnormal=VANISHING,
            subnormals="kept",
            absolute={},
        )
        return replace(self, arithmetic=unrounded).bound()


def decompose(tensor: Tensor, place: tuple[int, ...], arithmetic: Arithmetic) -> tuple[Term, ...]:
    """The terms of the finite bound of one element, the largest first; they sum to the bound.

    Args:
        tensor: made under `error_bounds(arithmetic)` from tracked tensors.
    """
    reach = xp.zeros(tensor.shape, xp.float64)
    reach[place] = 1.0
    with np.errstate(all="ignore"):
        terms, _ = _walk(tensor, reach, arithmetic, stop=frozenset())
    return tuple(sorted(terms, key=lambda term: -term.contribution))


def _walk(
    tensor: Tensor, reach: Array, arithmetic: Arithmetic, stop: frozenset[int]
) -> tuple[list[Term], dict[int, Array]]:
    """The terms of everything that the tensor is made of, and how far errors of the tensors at which the
    walk stops reach."""
    reaches = {tensor.index: reach}
    pending = {tensor.index: tensor}
    terms: list[Term] = []
    while walkable := pending.keys() - stop:
        # The latest made: by then everything that was made of it has been seen.
        index = max(walkable)
        current, reach = pending.pop(index), reaches.pop(index)
        if current.error is None or not bool((reach > 0).any()):
            continue
        if current.node is None:
            terms.append(_leaf(current, reach))
            continue
        operation = Operation(*current.node, current, reach, arithmetic)
        if isinstance(operation.primitive, Composite):
            inner, reached = _inside(operation, operation.primitive)
            terms += inner
        else:
            reached = _reached(operation)
            terms.append(_term(operation, reached))
        for operand, far in zip(operation.inputs, reached, strict=True):
            if far is not None and operand.error is not None:
                pending[operand.index] = operand
                reaches[operand.index] = reaches.get(operand.index, 0.0) + far
    return terms, reaches


def _inside(operation: Operation, composite: Composite) -> tuple[list[Term], list[Array | None]]:
    """The terms of the primitives that a composite one is made of."""
    copies = [_with_error(x, x.error) for x in operation.inputs]
    for copy, x in zip(copies, operation.inputs, strict=True):
        copy.tracked, copy.subnormal = x.value.dtype.kind == "f", x.subnormal
    with error_bounds(operation.arithmetic):
        out = composite.compose(*copies, **operation.params)
    stop = frozenset(copy.index for copy in copies)
    terms, reaches = _walk(out, operation.reach, operation.arithmetic, stop)
    return terms, [reaches.get(copy.index) for copy in copies]


def _reached(operation: Operation) -> list[Array | None]:
    """How far an error of each element of each operand reaches; None of exact operands.

    The operands are taken one after the other, each with the errors of those before it, so that errors
    times reaches sum to what the operation passes on.
    """
    rule = next(rule for kind, rule in RULES.items() if isinstance(operation.primitive, kind))
    inputs = operation.inputs
    exact = [_with_error(x, None if x.error is None else xp.zeros_like(x.value)) for x in inputs]
    found: list[Array | None] = []
    for position, x in enumerate(inputs):
        if x.error is None:
            found.append(None)
            continue
        before = [_with_error(y, y.error) for y in inputs[:position]]
        found.append(rule(operation.of([*before, x, *exact[position + 1 :]]), position))
    return found


def _by_adjoint(operation: Operation, position: int) -> Array:
    """Of what is linear with coefficients that are magnitudes: sums, products with a matrix, movements."""
    magnitudes = [
        Tensor(xp.abs(x.value) if x.error is None else xp.abs(x.value) + x.error) for x in operation.inputs
    ]
    cotangent = Tensor(operation.reach)
    adjoint = operation.primitive.vjp(position, cotangent, operation.out, *magnitudes, **operation.params)
    assert adjoint is not None
    return brought_together([adjoint], magnitudes[position].shape).value


def _of_largest(operation: Operation, position: int) -> Array:
    """Of the largest element: the error of the one that goes furthest beyond it, as far as it does."""
    (x,), axis = operation.inputs, operation.params["axis"]
    assert x.error is not None
    further = xp.maximum(beyond(operation.out.value, x.value, x.error), 0.0)
    share = further / xp.where(x.error > 0, x.error, 1.0)
    chosen = xp.expand_dims(xp.argmax(further, axis=axis), axis) == _along(x.error, axis)
    return xp.where(chosen, operation.reach * share, 0.0)


def _of_log_sum_exp(operation: Operation, position: int) -> Array:
    """Of ln Σ eˣ: how far errors move it is shared out by their parts in the sum."""
    (x,), axis = operation.inputs, operation.params["axis"]
    assert x.error is not None
    share = xp.exp(x.value + x.error - operation.out.value)
    together = (share * x.error).sum(axis=axis, keepdims=True)
    moved = xp.where(together > 0, operation.passed_on() / xp.where(together > 0, together, 1.0), 0.0)
    return operation.reach * moved * share


def _along(x: Array, axis: int) -> Array:
    """The index of every element along the axis."""
    shape = tuple(-1 if i == axis % x.ndim else 1 for i in range(x.ndim))
    return xp.arange(x.shape[axis]).reshape(shape)


def _by_quotient(operation: Operation, position: int) -> Array:
    """Of what acts element by element: how much wider the result's bound is with the operand's errors
    than without, in an arithmetic that does not round."""
    reach, x, without = operation.reach, operation.inputs[position], [*operation.inputs]
    without[position] = _with_error(x, xp.zeros_like(x.value))
    wider = operation.passed_on() - operation.of(without).passed_on()
    error = xp.broadcast_to(x.error, operation.out.shape)
    far = xp.where((error > 0) & (reach > 0), reach * wider / xp.where(error > 0, error, 1.0), 0.0)
    extra = far.ndim - x.ndim
    summed = far.sum(axis=tuple(range(extra)))
    narrow = tuple(i for i, n in enumerate(x.shape) if n == 1 and summed.shape[i] != 1)
    return summed.sum(axis=narrow, keepdims=True)


RULES = {
    Movement: _by_adjoint,
    Accumulation: _by_adjoint,
    Largest: _of_largest,
    LogSumExp: _of_log_sum_exp,
    Primitive: _by_quotient,
}
"""How far errors reach through each kind of primitive; the first kind that fits."""


def _term(operation: Operation, reached: Sequence[Array | None]) -> Term:
    """The part of one operation; `reached` holds the reaches of its operands."""
    primitive, inputs, out, reach = operation.primitive, operation.inputs, operation.out, operation.reach
    error = out.error
    assert error is not None
    received = xp.zeros(out.shape)
    if any(x.error is not None for x in inputs):
        received = operation.of([_with_error(x, x.error) for x in inputs]).passed_on()
    own = xp.where(xp.isfinite(error), xp.maximum(error - received, 0.0), error)
    exact = [_with_error(x, None) for x in inputs]
    for copy, x in zip(exact, inputs, strict=True):
        copy.subnormal = x.subnormal
    passed_on = sum(
        _product(far, x.error).sum() for far, x in zip(reached, inputs, strict=True) if far is not None
    )
    place = _largest(_product(reach, own))
    entry = operation.params.get("entry", getattr(primitive, "table_entry", primitive.name.lower()))
    return Term(
        operation=primitive.name,
        formula=_formula(primitive),
        shape=out.shape,
        place=place,
        value=float(out.value[place]),
        received=float(received[place]),
        own=float(own[place]),
        reach=float(reach[place]),
        contribution=float(_product(reach, error).sum() - passed_on),
        of_exact=float(_product(reach, operation.of(exact).bound()).sum()),
        entry=entry if entry in operation.arithmetic.ulps else None,
    )


def _leaf(tensor: Tensor, reach: Array) -> Term:
    """The part of a number of the formula that is not representable, or of a tensor without a record."""
    own = _product(reach, tensor.error)
    place = _largest(own)
    constant = tensor.size == 1
    return Term(
        operation="constant" if constant else "unrecorded",
        formula="a number of the formula, rounded" if constant else "its making is not recorded",
        shape=tensor.shape,
        place=place,
        value=float(tensor.value[place]),
        received=0.0,
        own=float(tensor.error[place]),  # type: ignore[index]  # it has one
        reach=float(reach[place]),
        contribution=float(own.sum()),
        of_exact=float(own.sum()),
    )


def _with_error(x: Tensor, error: Array | None) -> Tensor:
    return Tensor(x.value, error, x.provenance)


def _product(reach: Array, error: Array | None) -> Array:
    """Reach times error; nothing where it does not reach, though the error be infinite."""
    assert error is not None
    return xp.where(reach > 0, reach * xp.broadcast_to(error, reach.shape), 0.0)


def _largest(x: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(x.argmax()), x.shape))


def _formula(primitive: Primitive) -> str:
    return (inspect.getdoc(type(primitive)) or "").partition("\n")[0].rstrip(".")
