"""Large arrays in blocks that fit into the processor's cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.tape import Provenance, Tensor

BLOCK = 2**19
"""Bytes of a block. Smaller ones cost more in calls than the cache saves."""


def block_size(x: Tensor | Array) -> int:
    """How many of an array's elements a block has."""
    return BLOCK // x.dtype.itemsize


def blocks(shape: tuple[int, ...], size: int) -> Iterator[tuple[slice, ...]]:
    """Cuts an array of the shape along its leading axes into parts of no more than so many elements, but at
    least one: the keys of the parts, each with a slice for as many axes as it cuts.

    >>> list(blocks((2, 3), 2))
    [(slice(0, 1, None), slice(0, 2, None)), (slice(0, 1, None), slice(2, 3, None)), \
(slice(1, 2, None), slice(0, 2, None)), (slice(1, 2, None), slice(2, 3, None))]
    >>> list(blocks((5, 3), 6))
    [(slice(0, 2, None),), (slice(2, 4, None),), (slice(4, 5, None),)]
    """
    if not shape:
        yield ()
        return
    first, *rest = shape
    inside = math.prod(rest)
    if rest and inside > size:
        for i in range(first):
            for cut in blocks(tuple(rest), size):
                yield (slice(i, i + 1), *cut)
        return
    most = max(1, size // max(1, inside))
    parts = math.ceil(first / most) or 1
    step = math.ceil(first / parts) or 1  # so that they are as even as can be
    for start in range(0, first, step):
        yield (slice(start, min(start + step, first)),)


def in_blocks(function: Callable[..., Tensor], x: Tensor, *others: Tensor, rows: int | None = None) -> Tensor:
    """function(x, *others), of x's shape, in blocks where x is large and no gradient is asked for.

    They are the same bits in two thirds of the time, with bounds in half: what one operation leaves is in
    the cache when the next needs it.

    Args:
        function: of tensors. Each row of its result is made of that row of every operand alone.
        others: tensors that broadcast against x, and have as many dimensions.
        rows: how many leading axes tell one row from another; all, where it acts element by element.
    """
    operands = (x, *others)
    size = block_size(x)
    if x.size <= size or any(operand.tracked for operand in operands):
        return function(*operands)
    inside = () if rows is None else x.shape[rows:]
    keys = list(blocks(x.shape[:rows], size // max(1, math.prod(inside))))
    return assembled(x.shape, keys, (function(*[_cut(operand, key) for operand in operands]) for key in keys))


def each_in_blocks(function: Callable[..., Array], x: Array, other: Array | float) -> Array:
    """function(x, other), of x's shape, which acts element by element, in blocks where x is large."""
    size = block_size(x)
    if x.size <= size:
        return function(x, other)
    out, spread = xp.aligned(x.shape, x.dtype), xp.broadcast_to(other, x.shape)
    for key in blocks(x.shape, size):
        out[key] = function(x[key], spread[key])
    return out


def assembled(shape: tuple[int, ...], keys: list[tuple[slice, ...]], parts: Iterator[Tensor]) -> Tensor:
    """The tensor whose blocks are the parts."""
    value: Array | None = None
    error: Array | None = None
    provenance, subnormal = Provenance.MOVED, False
    for key, part in zip(keys, parts, strict=True):
        if value is None:
            value = xp.aligned(shape, part.dtype)
        value[key] = part.value
        if part.error is not None:
            if error is None:
                error = xp.zeros(shape, part.error.dtype)
            error[key] = part.error
        provenance, subnormal = max(provenance, part.provenance), subnormal or part.subnormal
    assert value is not None  # it is large
    whole = Tensor(value, error, provenance)
    whole.subnormal = subnormal
    return whole


def _cut(x: Tensor, key: tuple[slice, ...]) -> Tensor:
    """A block of a tensor; of an axis along which it broadcasts, all."""
    own = tuple(part if n > 1 else slice(None) for part, n in zip(key, x.shape, strict=False))
    block = Tensor(x.value[own], None if x.error is None else x.error[own], x.provenance)
    block.subnormal = x.subnormal
    return block
