"""A small eager reverse-mode tape whose tensors can carry a rounding-error bound beside their value."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from conformance.reference_impl.arithmetic import ALGORITHMS, Arithmetic
from conformance.reference_impl.arrays import Array, xp


class Provenance(IntEnum):
    """The least exact kind of operation that a tensor has been through."""

    MOVED = 0
    """Data movement only: even the sign of a zero is determined."""
    SELECTED = 1
    """One of the operands, chosen: exact but for the sign of a zero."""
    ROUNDED = 2
    """One rounding, or one function of the ULP table, of exact operands."""
    COMPOSED = 3
    """Anything else."""


Key = tuple[slice | int, ...]


class Slice(NamedTuple):
    """A cotangent that is zero but for a slice of it."""

    cotangent: Tensor
    key: Key


@dataclass(frozen=True)
class Statistics:
    """What the errors of a dot product are measured by, computed when it is asked for.

    Attributes:
        sizes: gives the number of terms in each element, and their magnitude Σ|x|·|w|.
        repeats: gives how often a product is there, in the mean over all. What is the same is rounded alike.
    """

    sizes: Callable[[], tuple[Array, Array]]
    repeats: Callable[[], float]


@dataclass(frozen=True)
class Summed:
    """What a cotangent is the sum of.

    Attributes:
        terms: their values, some elements of which a mask may have put 0 for since.
        magnitude: Σ|term|, with the errors of the terms.
    """

    terms: tuple[Array, ...]
    magnitude: Array


class Tensor:
    """A value, the bound of its error, and how it was made.

    Attributes:
        value: the array, in float64 for the truth.
        error: a bound of |computed − value| for every element; None where it is exactly zero, and
            outside `error_bounds`.
        provenance: see `Provenance`.
        tracked: whether gradients flow to it.
        dot: of a large dot product of exact operands, what statistics of its errors need; else None.
        summed: of a cotangent to which several others have contributed, these; else None.
    """

    __slots__ = (
        "_reach", "dot", "error", "index", "node", "provenance", "subnormal", "summed", "tracked", "value",
    )  # fmt: skip

    counter = itertools.count()

    def __init__(
        self,
        value: Array,
        error: Array | None = None,
        provenance: Provenance = Provenance.MOVED,
        tracked: bool = False,
    ) -> None:
        self.value = value
        self.error = error
        self.provenance = provenance
        self.tracked = tracked
        self.node: tuple[Any, tuple[Tensor, ...], dict[str, Any]] | None = None
        self.subnormal = False
        self.dot: Statistics | None = None
        self.summed: Summed | None = None
        self.index = next(Tensor.counter)
        self._reach: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    @property
    def reach(self) -> Array:
        """|value| + error, the largest magnitude that was computed; kept."""
        if self._reach is None:
            magnitude: Array = xp.abs(self.value)
            if self.error is not None:
                magnitude += self.error
            self._reach = magnitude
        return self._reach

    @reach.setter
    def reach(self, magnitude: Array) -> None:
        self._reach = magnitude

    def forget_reach(self) -> None:
        """After the error has been changed."""
        self._reach = None

    def __repr__(self) -> str:
        return f"Tensor({self.value!r}, error={self.error!r})"


_arithmetic: ContextVar[Arithmetic | None] = ContextVar("arithmetic", default=None)


def current_arithmetic() -> Arithmetic | None:
    """The arithmetic that bounds are being derived for, or None."""
    return _arithmetic.get()


def algorithm(computation: str) -> str:
    """The class of algorithm (`arithmetic.ALGORITHMS`) that the computation is bounded for."""
    arithmetic = _arithmetic.get()
    return ALGORITHMS[computation][0] if arithmetic is None else arithmetic.algorithms[computation]


@contextmanager
def error_bounds(arithmetic: Arithmetic | None) -> Iterator[None]:
    """Within the block every tensor made carries the bound that the arithmetic implies."""
    token = _arithmetic.set(arithmetic)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _arithmetic.reset(token)


def variable(x: Array, *, tracked: bool = True) -> Tensor:
    """An exactly known input; gradients can be asked for it.

    >>> variable(np.ones(2)).error is None
    True
    """
    tensor = Tensor(x, tracked=tracked and x.dtype.kind == "f")
    tensor.subnormal = _may_be_flushed(x, _arithmetic.get())
    return tensor


def _may_be_flushed(x: Array, arithmetic: Arithmetic | None) -> bool:
    """Whether some element is a subnormal that the arithmetic may read as zero."""
    if arithmetic is None or arithmetic.subnormals == "kept" or x.dtype.kind != "f":
        return False
    magnitude = xp.abs(x)
    return bool(((magnitude < arithmetic.smallest_normal) & (magnitude > 0)).any())


def read_as_zeros(x: Array, arithmetic: Arithmetic | None) -> Array:
    """The array as an arithmetic sees it that reads subnormals as zeros; as it is, where it does not."""
    if arithmetic is None or not _may_be_flushed(x, arithmetic):
        return x
    return xp.where(xp.abs(x) < arithmetic.smallest_normal, 0.0, x)


def constant(x: Any, like: Tensor | None = None) -> Tensor:
    """A number or array of the formula itself.

    It has a relative error of one rounding unless it is representable in the backend's format
    (a runtime may hold 1/6 in its own precision, or in double).
    """
    if isinstance(x, Tensor):
        return x
    dtype = like.dtype if like is not None and like.dtype.kind == "f" else None
    if isinstance(x, int | float):
        return _number(x, math.copysign(1.0, x), dtype, _arithmetic.get(), xp.library)
    return _of_the_formula(xp.asarray(x, dtype=dtype), _arithmetic.get())


@functools.lru_cache(maxsize=1024, typed=True)
def _number(x: float, sign: float, dtype: Any, arithmetic: Arithmetic | None, library: Any) -> Tensor:
    """A scalar constant, made once; the sign keeps 0 and −0 apart, which are equal as keys."""
    return _of_the_formula(library.asarray(x, dtype=dtype), arithmetic)


def _of_the_formula(value: Array, arithmetic: Arithmetic | None) -> Tensor:
    tensor = Tensor(value, provenance=Provenance.SELECTED)
    tensor.subnormal = _may_be_flushed(value, arithmetic)
    if arithmetic is not None and value.dtype.kind == "f":
        exact = (value.astype(arithmetic.format).astype(value.dtype) == value) | ~xp.isfinite(value)
        if not bool(exact.all()):
            tensor.error = xp.where(exact, 0.0, xp.abs(value) * arithmetic.unit_roundoff)
    return tensor


def detached(x: Tensor) -> Tensor:
    """The same value and bound without the history: no gradient flows through it."""
    copy = Tensor(x.value, x.error, x.provenance)
    copy.subnormal = x.subnormal
    return copy


def vjp(outputs: Sequence[Tensor], cotangents: Sequence[Tensor], sources: Sequence[Tensor]) -> list[Tensor]:
    """The vector-Jacobian products Σᵢ cotangentᵢ · ∂outputᵢ/∂source, one for each source.

    The products are themselves made of primitives: they carry bounds, and can be differentiated again.
    A source that no output depends on has the gradient zero.

    Args:
        outputs: tensors made from the sources.
        cotangents: one for each output, of the same shape.
        sources: tensors made by `variable`, or anything made of them.
    """
    flowing: dict[int, list[Tensor | Slice]] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.shape != cotangent.shape:
            raise ValueError(f"a cotangent of shape {cotangent.shape} for an output of shape {output.shape}")
        flowing.setdefault(output.index, []).append(cotangent)
    wanted = {source.index for source in sources}
    gradients: dict[int, Tensor] = {}
    for tensor in _in_reverse_order(outputs):
        contributions = flowing.pop(tensor.index, None)
        if contributions is None:
            continue
        cotangent = brought_together(contributions, tensor.shape)
        if tensor.index in wanted:
            gradients[tensor.index] = cotangent
        if tensor.node is None:
            continue
        primitive, inputs, params = tensor.node
        for position, operand in enumerate(inputs):
            if operand.tracked:
                contribution = primitive.vjp(position, cotangent, tensor, *inputs, **params)
                if contribution is not None:
                    flowing.setdefault(operand.index, []).append(contribution)
    return [gradients.get(source.index) or Tensor(xp.zeros(source.shape, source.dtype)) for source in sources]


def brought_together(contributions: Sequence[Tensor | Slice], shape: tuple[int, ...]) -> Tensor:
    """The sum of the contributions to a cotangent of this shape.

    Slices that have no element in common are put into their places at once: added one after the other, each
    filled up with zeros, those of a hundred steps would move the whole a hundred times.
    """
    first, *others = contributions
    if not others and isinstance(first, Tensor):
        return first
    from conformance.reference_impl.primitives import add, add_n, put_slices

    whole = [c for c in contributions if isinstance(c, Tensor)]
    slices = [c for c in contributions if isinstance(c, Slice)]
    at_once = [slices] if _disjoint([s.key for s in slices], shape) else [[s] for s in slices]
    for part in at_once if slices else ():
        cotangents, keys = zip(*part, strict=True)
        whole.append(put_slices(*cotangents, shape=shape, keys=keys))
    if len(whole) == 1:
        return whole[0]
    # Of two it does not matter which is first: a single rounding.
    total: Tensor = add(*whole) if len(whole) == 2 else add_n(*whole)
    arithmetic = current_arithmetic()
    if arithmetic is not None:
        bound_in_any_order(arithmetic, total, whole)
    return total


def bound_in_any_order(a: Arithmetic, total: Tensor, parts: Sequence[Tensor]) -> None:
    """Remember what was summed, and bound a sum of sums as if all their terms had been added in any order:
    which parts of a gradient meet first is no runtime's promise. Where a mask keeps an output as it was, it
    may be the output before it that goes on, or the state, which is the same."""
    from conformance.reference_impl.primitives.primitive import are_integers, largest_element

    sums = [part.summed or Summed((part.value,), part.reach) for part in parts]
    terms = tuple(itertools.chain.from_iterable(s.terms for s in sums))
    magnitude = functools.reduce(xp.add, (s.magnitude for s in sums))
    total.summed = Summed(terms, magnitude)
    if len(terms) == len(parts) or not magnitude.size:
        return
    largest = largest_element(magnitude)
    if total.error is None and largest <= a.exact_integers and all(map(are_integers, terms)):
        return
    known = xp.zeros_like(magnitude) if total.error is None else total.error
    error = known + a.gamma(float(len(terms) - 1)) * magnitude
    if not largest <= a.largest:
        # What is infinite or NaN is so in any order; finite terms may overflow in one.
        otherwise = xp.where(xp.isfinite(magnitude), xp.inf, known)
        error = xp.where(magnitude + error <= a.largest, error, otherwise)
    total.error = error.astype(total.dtype)
    total.forget_reach()


def _disjoint(keys: Sequence[Key], shape: tuple[int, ...]) -> bool:
    """Whether no element of an array of the shape is in two slices."""
    if len(keys) <= 1:
        return True
    everything = slice(None)
    cut = {axis for key in keys for axis, part in enumerate(key) if part != everything}
    taken = np.zeros([n if axis in cut else 1 for axis, n in enumerate(shape)], np.int32)
    for key in keys:
        taken[key] += 1
    return bool((taken <= 1).all())


def _in_reverse_order(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Every tensor with a history that the outputs rest on, the latest made first."""
    seen: dict[int, Tensor] = {}
    pending = [output for output in outputs if output.tracked]
    while pending:
        tensor = pending.pop()
        if tensor.index not in seen:
            seen[tensor.index] = tensor
            if tensor.node is not None:
                pending += [operand for operand in tensor.node[1] if operand.tracked]
    return [seen[index] for index in sorted(seen, reverse=True)]
