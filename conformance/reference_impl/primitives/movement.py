"""Primitives that move elements, and the sums that are their adjoints."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache, partial, reduce
from typing import Any

import numpy as np

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.primitive import (
    Accumulation,
    Movement,
    Primitive,
    Selection,
    without_zeros,
)
from conformance.reference_impl.tape import Key, Slice, Tensor


class Reshape(Movement):
    """The same elements in row-major order under another shape"""

    def value(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        return x.reshape(shape)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, **params: Any) -> Tensor:
        return reshape(cotangent, shape=x.shape)


class Transpose(Movement):
    """The axes in another order"""

    def value(self, x: Array, *, axes: tuple[int, ...]) -> Array:
        return x.transpose(axes)

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axes: tuple[int, ...]
    ) -> Tensor:
        inverse = tuple(sorted(range(len(axes)), key=axes.__getitem__))
        return transpose(cotangent, axes=inverse)


class BroadcastTo(Movement):
    """Copies along new axes and axes of size one"""

    def value(self, x: Array, *, shape: tuple[int, ...]) -> Array:
        return xp.broadcast_to(x, shape)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, **params: Any) -> Tensor:
        return unbroadcast(cotangent, x.shape)


class Concatenate(Movement):
    """Arrays one after another along an axis"""

    def value(self, *arrays: Array, axis: int) -> Array:
        return xp.concatenate(arrays, axis=axis)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, *inputs: Tensor, axis: int) -> Tensor:
        axis %= cotangent.ndim
        start = sum(x.shape[axis] for x in inputs[:position])
        return take_slice(
            cotangent, key=(slice(None),) * axis + (slice(start, start + inputs[position].shape[axis]),)
        )


class TakeSlice(Movement):
    """x[key], for a tuple of slices and integers"""

    def value(self, x: Array, *, key: Key) -> Array:
        return x[key]

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, key: Key) -> Slice:
        return Slice(cotangent, key)


class PutSlices(Movement):
    """Zeros of a shape, with arrays at [keys], of which no two have an element in common.

    Of several it is not known whether they are put or, filled up with zeros, added.
    """

    provenances = Selection.provenances

    def value(self, *arrays: Array, shape: tuple[int, ...], keys: tuple[Key, ...]) -> Array:
        out = xp.zeros(shape, arrays[0].dtype)
        for x, key in zip(arrays, keys, strict=True):
            out[key] = x
        return out

    def derive_bound(
        self, a: Arithmetic, out: Tensor, inputs: tuple[Tensor, ...], params: dict[str, Any]
    ) -> None:
        derive = super().derive_bound if len(inputs) == 1 else partial(Primitive.derive_bound, self)
        derive(a, out, inputs, params)

    def corners(self, *intervals: tuple[Array, ...]) -> Iterable[tuple[Array, ...]]:
        """An element comes from one array alone: two corners tell as much as all of them."""
        return [tuple(ends[0] for ends in intervals), tuple(ends[-1] for ends in intervals)]

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        *inputs: Tensor,
        shape: tuple[int, ...],
        keys: tuple[Key, ...],
    ) -> Tensor:
        return take_slice(cotangent, key=keys[position])


class Pad(Movement):
    """Zeros before and after, `widths` of them for each axis"""

    def value(self, x: Array, *, widths: tuple[tuple[int, int], ...]) -> Array:
        out = xp.zeros([n + sum(width) for n, width in zip(x.shape, widths, strict=True)], x.dtype)
        out[tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))] = x
        return out

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        *,
        widths: tuple[tuple[int, int], ...],
    ) -> Tensor:
        return take_slice(
            cotangent,
            key=tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True)),
        )


class Flip(Movement):
    """The elements in reverse along an axis"""

    def value(self, x: Array, *, axis: int) -> Array:
        return xp.flip(x, axis)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        return flip(cotangent, axis=axis)


class Take(Movement):
    """The rows of a table at integer indices of any shape: out[i…, :] = table[indices[i…], :]"""

    def value(self, table: Array, *, indices: Array) -> Array:
        return table[indices]

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, table: Tensor, *, indices: Array) -> Tensor:
        return scatter_add(cotangent, indices=indices, rows=table.shape[0])


class TakeAlongAxis(Movement):
    """The elements at integer indices along an axis, a permutation for each line"""

    def value(self, x: Array, *, indices: Array, axis: int) -> Array:
        return xp.take_along_axis(x, indices, axis)

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, indices: Array, axis: int
    ) -> Tensor:
        return take_along_axis(cotangent, indices=xp.argsort(indices, axis=axis), axis=axis)


class Windows(Movement):
    """Every window of a channels-last array, as a view.

    (batch, *spatial, channels) → (batch, *positions, *size, channels), in any number of spatial
    dimensions. The adjoint is `overlap_add`.
    """

    def value(
        self, x: Array, *, size: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]
    ) -> Array:
        rank = len(size)
        positions = window_positions(x.shape[1 : rank + 1], size, strides, dilation)
        batch, *spatial, channel = x.strides
        steps = [step * stride for step, stride in zip(spatial, strides, strict=True)]
        inside = [step * d for step, d in zip(spatial, dilation, strict=True)]
        return xp.as_strided(
            x, (x.shape[0], *positions, *size, x.shape[-1]), (batch, *steps, *inside, channel)
        )

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, **params: Any) -> Tensor:
        return overlap_add(cotangent, spatial=x.shape[1:-1], **params)


class Gathering(Accumulation):
    """Adds elements up at places: the adjoint of a movement, and linear. n terms are n − 1 sums."""

    roundings = -1


class Sum(Gathering):
    """Σ along axes, which stay with size one if `keepdims`"""

    def value(self, x: Array, *, axis: tuple[int, ...], keepdims: bool = False) -> Array:
        return xp.asarray(x.sum(axis=axis, keepdims=keepdims))

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        if without_zeros(magnitudes):
            return math.prod(magnitudes[0].shape[i] for i in params["axis"])
        return super().terms(magnitudes, params)

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        *,
        axis: tuple[int, ...],
        keepdims: bool = False,
    ) -> Tensor:
        if not keepdims:
            kept = {a % x.ndim for a in axis}
            shape = tuple(1 if i in kept else n for i, n in enumerate(x.shape))
            cotangent = reshape(cotangent, shape=shape)
        return broadcast_to(cotangent, shape=x.shape)


class AddN(Gathering):
    """The sum of arrays of one shape, as of contributions to one cotangent: no runtime says in which order"""

    def value(self, *arrays: Array) -> Array:
        return reduce(xp.add, arrays)

    def corners(self, *intervals: tuple[Array, ...]) -> Iterable[tuple[Array, ...]]:
        """A sum rises with every term: two corners tell as much as all of them."""
        return [tuple(ends[0] for ends in intervals), tuple(ends[-1] for ends in intervals)]

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, *inputs: Tensor) -> Tensor:
        return cotangent


class CumulativeSum(Gathering):
    """Running sums along an axis"""

    def value(self, x: Array, *, axis: int) -> Array:
        return xp.cumsum(x, axis=axis)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int) -> Tensor:
        return flip(cumulative_sum(flip(cotangent, axis=axis), axis=axis), axis=axis)


class ScatterAdd(Gathering):
    """Zeros of `rows` rows, to which x[i…, :] is added at row indices[i…]: the adjoint of `take`"""

    def value(self, x: Array, *, indices: Array, rows: int) -> Array:
        out = xp.zeros((rows, *x.shape[indices.ndim :]), x.dtype)
        xp.scatter_add(out, indices, x)
        return out

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, indices: Array, rows: int
    ) -> Tensor:
        return take(cotangent, indices=indices)


class OverlapAdd(Gathering):
    """Every window added up at its place: the adjoint of `windows`.

    (batch, *positions, *size, channels) → (batch, *spatial, channels).
    """

    def value(
        self,
        x: Array,
        *,
        spatial: tuple[int, ...],
        size: tuple[int, ...],
        strides: tuple[int, ...],
        dilation: tuple[int, ...],
    ) -> Array:
        out = xp.zeros((x.shape[0], *spatial, x.shape[-1]), x.dtype)
        for place, offset in taps(x.shape[1 : len(size) + 1], size, strides, dilation):
            out[place] += x[offset]
        return out

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, spatial: Any, **params: Any
    ) -> Tensor:
        return windows(cotangent, **params)


def window_positions(
    spatial: tuple[int, ...], size: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...]:
    """How many windows fit along each spatial axis; 0 where not one does."""
    return tuple(
        max(0, (n - (k - 1) * d - 1) // s + 1)
        for n, k, s, d in zip(spatial, size, strides, dilation, strict=True)
    )


@lru_cache(maxsize=1024)
def taps(
    positions: tuple[int, ...], size: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]
) -> list[tuple[tuple[slice, ...], tuple[slice | int, ...]]]:
    """For each element of a window where it lies in the array, and where in the array of windows."""
    everything = slice(None)
    return [
        (
            (
                everything,
                *(
                    slice(o * d, o * d + n * s, s)
                    for o, d, n, s in zip(offset, dilation, positions, strides, strict=True)
                ),
            ),
            (everything,) * (1 + len(size)) + offset,
        )
        for offset in np.ndindex(*size)
    ]


@lru_cache(maxsize=1024)
def tap_keys(size: tuple[int, ...]) -> list[Any]:
    """For each element of a window the key of its elements in (…, *size, channels)."""
    return [(..., *offset, slice(None)) for offset in np.ndindex(*size)]


def unbroadcast(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The sum over the axes along which an array of `shape` was broadcast to that of x."""
    if x.shape == shape:
        return x
    extra = x.ndim - len(shape)
    new = tuple(range(extra))
    stretched = tuple(i + extra for i, n in enumerate(shape) if n == 1 and x.shape[i + extra] != 1)
    if new and stretched:
        return reshape(total(x, axis=new + stretched), shape=shape)
    return total(x, axis=new + stretched, keepdims=not new)


reshape, transpose, broadcast_to, concatenate = Reshape(), Transpose(), BroadcastTo(), Concatenate()
take_slice, put_slices, pad, flip = TakeSlice(), PutSlices(), Pad(), Flip()
take, take_along_axis, scatter_add = Take(), TakeAlongAxis(), ScatterAdd()
windows, overlap_add, total, add_n, cumulative_sum = (
    Windows(), OverlapAdd(), Sum(), AddN(), CumulativeSum(),
)  # fmt: skip
