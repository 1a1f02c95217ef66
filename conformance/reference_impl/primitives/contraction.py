"""Primitives that contract: matrix products, the largest element, softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.elementwise import (
    divide,
    exp,
    greater_equal,
    log,
    multiply,
    subtract,
)
from conformance.reference_impl.primitives.movement import (
    broadcast_to,
    reshape,
    total,
    transpose,
    unbroadcast,
)
from conformance.reference_impl.primitives.primitive import Bound, Primitive, Selection
from conformance.reference_impl.tape import Provenance, Tensor


class Affine(Primitive):
    """x @ kernel + bias, as one accumulation in any order (some runtimes begin it with the bias).

    (…, n, k) @ (…, k, m) + (…, 1 or n, m), batched as `numpy.matmul` does; the bias may be left out.
    With n the number of products that are not zero, the error is γₙ₊₂ (|x| |kernel| + |bias|)
    (Higham 2002, section 3.1); on integers of small enough sums it is none.
    """

    def value(self, x: Array, kernel: Array, bias: Array | None = None) -> Array:
        product = xp.matmul(x, kernel)
        return product if bias is None else product + bias

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor) -> tuple[Bound, Provenance]:
        magnitudes = [xp.abs(t.value) if t.error is None else xp.abs(t.value) + t.error for t in inputs]
        x, kernel = magnitudes[:2]
        reach = self.value(*magnitudes)
        terms = xp.minimum(
            xp.count_nonzero(x, axis=-1)[..., None], xp.count_nonzero(kernel, axis=-2)[..., None, :]
        )
        error = a.gamma(terms + 2) * reach + (terms + 1) * a.underflow
        if all(t.error is None for t in inputs):
            if a.algorithms["dot"] == "direct" and all(
                bool((t.value == xp.rint(t.value)).all()) for t in inputs
            ):
                error = xp.where(reach < a.exact_integers, 0.0, error)
            return error, Provenance.COMPOSED
        exact = self.value(*[xp.abs(t.value) for t in inputs])
        return error + (reach - exact) * (1 + 2.0**-40), Provenance.COMPOSED

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, *inputs: Tensor) -> Tensor:
        x, kernel = inputs[0], inputs[1]
        if position == 0:
            return unbroadcast(affine(cotangent, swap_last(kernel)), x.shape)
        if position == 1:
            return unbroadcast(affine(swap_last(x), cotangent), kernel.shape)
        return unbroadcast(cotangent, inputs[2].shape)


class Largest(Selection):
    """max along an axis, kept with size one; elements that tie share the cotangent"""

    def value(self, x: Array, *, axis: int) -> Array:
        return x.max(axis=axis, keepdims=True)

    def propagated(self, out: Array, values: list[Array], errors: list[Any], *, axis: int) -> Bound:
        return errors[0].max(axis=axis, keepdims=True)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        chosen = greater_equal(x, broadcast_to(out, shape=x.shape))
        return multiply(chosen, divide(cotangent, total(chosen, axis=(axis,), keepdims=True)))


class Composite(Primitive):
    """A composition of primitives with a vjp of its own, where the runtimes have one kernel for both
    and the composition's own way back would be bounded for another algorithm."""

    compose: Callable[..., Tensor]
    """(*inputs, **params) → the same function made of primitives."""

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        detached = [Tensor(x.value, x.error, x.provenance) for x in operands]
        out = self.compose(*detached, **params)
        if any(x.tracked for x in operands):
            out.tracked = True
            out.node = (self, operands, params)
        return out


class Softmax(Composite):
    """exp(x − max) / Σ exp(x − max) along an axis, with the vjp s·c − s·Σ(s·c)"""

    def compose(self, x: Tensor, *, axis: int) -> Tensor:
        e = exp(subtract(x, largest(x, axis=axis)))
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


def swap_last(x: Tensor) -> Tensor:
    """The transpose of the last two axes."""
    return transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


affine, largest, softmax, log_softmax = Affine(), Largest(), Softmax(), LogSoftmax()


def dot_last(x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """(…, k) · (k, m) + (m,) → (…, m), as one matrix product."""
    rows = reshape(x, shape=(-1, x.shape[-1])) if x.size else reshape(x, shape=(0, x.shape[-1]))
    out = affine(rows, kernel) if bias is None else affine(rows, kernel, bias)
    return reshape(out, shape=(*x.shape[:-1], kernel.shape[-1]))


def mean(x: Tensor, *, axis: tuple[int, ...], keepdims: bool = False) -> Tensor:
    """The sum times the reciprocal of the count, which is rounded."""
    count = math.prod(x.shape[i] for i in axis)
    return multiply(total(x, axis=axis, keepdims=keepdims), 1 / count if count else math.nan)
