"""Convolutions without their windows in memory: a product of three arrays, summed over two of them.

Of an input x, a kernel k and an output y, Σ windows(x)·k·y is linear in each. `correlate` is its derivative
by y, `transposed_correlate` by x and `kernel_correlate` by k, so that the vjp of each is made of the other
two. There may be any number of spatial dimensions, and of groups that are convolved apart:

    x (batch, *spatial, groups · depth)      k (*size, depth, groups · width)
    y (batch, *positions, groups · width)

They are fused from `windows`, `affine` and `overlap_add`: the windows of a 3 × 3 kernel take nine times the
memory of x. Here a block of them at a time is laid out, small enough for the processor's cache.
"""

from __future__ import annotations

import math
from typing import Any

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.blockwise import blocks
from conformance.reference_impl.primitives.contraction import Dot
from conformance.reference_impl.primitives.movement import tap_keys, taps, unbroadcast, windows
from conformance.reference_impl.primitives.primitive import without_zeros
from conformance.reference_impl.tape import Tensor

Sizes = tuple[int, ...]

BLOCK = 2**17
"""Elements of windows that are laid out at once; half as many where each channel has filters of its own."""


class Correlate(Dot):
    """Σ windows(x) · kernel + bias over a window and the channels of a group, in any order"""

    def value(
        self,
        x: Array,
        kernel: Array,
        bias: Array | None = None,
        *,
        strides: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> Array:
        *size, depth, filters = kernel.shape
        if depth == 1:
            x = widened(x, filters)
        views = windows.value(x, size=tuple(size), strides=strides, dilation=dilation)
        places = views.shape[: len(size) + 1]
        out = xp.zeros((*places, filters), x.dtype)
        if depth == 1:
            rows = in_rows(kernel, places[-1])
            for block in blocks(places[:-1], BLOCK // 2 // (places[-1] * filters or 1)):
                for tap, row in rows:
                    out[block] += views[block][tap] * row
        else:
            weights = kernel.reshape(-1, groups, filters // groups).transpose(1, 0, 2)
            for block in blocks(places, BLOCK // math.prod(views.shape[len(places) :])):
                part = out[block]
                part += ungrouped(xp.matmul(columns(views[block], groups, len(size)), weights), part.shape)
        return out if bias is None else xp.add(out, bias, out=out)

    def products(self, out: Array, x: Array, kernel: Array, *bias: Array) -> int:
        return out.size * math.prod(kernel.shape[:-1])

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        x, kernel, *bias = magnitudes
        if kernel.shape[-2] == 1 or not without_zeros([kernel]):
            return super().terms(magnitudes, params)
        groups = params["groups"]
        ones = xp.ones((*kernel.shape[:-2], 1, groups), x.dtype)
        counts = widened(self.value(narrowed(nonzero(x), groups), ones, **params), kernel.shape[-1])
        return counts + nonzero(bias[0]) if bias else counts

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        kernel: Tensor,
        *bias: Tensor,
        **params: Any,
    ) -> Tensor:
        if position == 0:
            return transposed_correlate(cotangent, kernel, spatial=x.shape[1:-1], **params)
        if position == 1:
            return kernel_correlate(x, cotangent, size=kernel.shape[:-2], **params)
        return unbroadcast(cotangent, bias[0].shape)


class TransposedCorrelate(Dot):
    """Σ y · kernel over the filters of a group and the windows that overlap there, in any order"""

    def value(
        self, y: Array, kernel: Array, *, spatial: Sizes, strides: Sizes, dilation: Sizes, groups: int
    ) -> Array:
        *size, depth, filters = kernel.shape
        out = xp.zeros((len(y), *spatial, groups * depth), y.dtype)
        if depth == 1:
            rows = [row for _, row in in_rows(kernel, y.shape[-2])]
        else:
            by_tap = kernel.reshape(-1, depth, groups, filters // groups).transpose(0, 2, 3, 1)
        for block in blocks(y.shape[:-2], BLOCK // 2 // (y.shape[-2] * filters or 1)):
            part = y[block]
            corner = [slice(cut.start * step, None) for cut, step in zip(block[1:], strides, strict=False)]
            into = out[(block[0], *corner)]
            for tap, (place, _) in enumerate(taps(part.shape[1:-1], tuple(size), strides, dilation)):
                if depth == 1:
                    into[place] += narrowed(part * rows[tap], groups)
                else:
                    into[place] += ungrouped(
                        xp.matmul(columns(part, groups, 0), by_tap[tap]), into[place].shape
                    )
        return out

    def products(self, out: Array, y: Array, kernel: Array) -> int:
        return y.size * math.prod(kernel.shape[:-1])

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        y, kernel = magnitudes
        if not without_zeros([kernel]):
            return super().terms(magnitudes, params)
        groups = params["groups"]
        ones = xp.ones((*kernel.shape[:-2], 1, groups), y.dtype)
        return widened(self.value(narrowed(nonzero(y), groups), ones, **params), groups * kernel.shape[-2])

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        y: Tensor,
        kernel: Tensor,
        *,
        spatial: Sizes,
        **params: Any,
    ) -> Tensor:
        if position == 0:
            return correlate(cotangent, kernel, **params)
        return kernel_correlate(cotangent, y, size=kernel.shape[:-2], **params)


class KernelCorrelate(Dot):
    """Σ windows(x) · y over the batch and all positions, in any order"""

    def value(
        self, x: Array, y: Array, *, size: Sizes, strides: Sizes, dilation: Sizes, groups: int
    ) -> Array:
        depth, filters, count = x.shape[-1] // groups, y.shape[-1], math.prod(size)
        if depth == 1:
            x = widened(x, filters)
        views = windows.value(x, size=size, strides=strides, dilation=dilation)
        if depth == 1:
            out, axes = xp.zeros((count, filters), x.dtype), list(range(y.ndim))
            for block in blocks(y.shape[:-1], BLOCK // 2 // filters):
                for row, tap in zip(out, tap_keys(size), strict=True):
                    row += xp.einsum(views[block][tap], axes, y[block], axes, axes[-1:])
            return out.reshape(*size, 1, filters)
        out = xp.zeros((groups, count * depth, filters // groups), x.dtype)
        for block in blocks(y.shape[:-1], BLOCK // math.prod(views.shape[y.ndim - 1 :])):
            left = columns(views[block], groups, len(size)).transpose(0, 2, 1)
            out += xp.matmul(left, columns(y[block], groups, 0))
        return ungrouped(out, (*size, depth, filters))

    def products(self, out: Array, x: Array, y: Array) -> int:
        return y.size * math.prod(out.shape[:-1])

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        x, y = magnitudes
        groups = params["groups"]
        if x.shape[-1] == groups or not without_zeros([y]):
            return super().terms(magnitudes, params)
        counts = self.value(nonzero(x), xp.ones((*y.shape[:-1], groups), y.dtype), **params)
        return widened(counts, y.shape[-1])

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        y: Tensor,
        *,
        size: Sizes,
        **params: Any,
    ) -> Tensor:
        if position == 0:
            return transposed_correlate(y, cotangent, spatial=x.shape[1:-1], **params)
        return correlate(x, cotangent, **params)


def columns(views: Array, groups: int, rank: int) -> Array:
    """(…, *size, groups · depth) → (groups, rows, taps · depth), for windows of `rank` dimensions."""
    places, inside = views.shape[: views.ndim - rank - 1], views.shape[views.ndim - rank - 1 : -1]
    split = views.reshape(math.prod(places), math.prod(inside), groups, views.shape[-1] // groups)
    return split.transpose(2, 0, 1, 3).reshape(groups, len(split), split.shape[1] * split.shape[3])


def ungrouped(x: Array, shape: Sizes) -> Array:
    """(groups, rows, width) → the shape, whose last axis is groups · width."""
    return x.transpose(1, 0, 2).reshape(shape)


def widened(x: Array, filters: int) -> Array:
    """Every channel as many times as it has filters, one beside the other."""
    times = filters // x.shape[-1]
    return x if times == 1 else xp.repeat(x, times, axis=-1)


def narrowed(x: Array, groups: int) -> Array:
    """The sums over the last axis of each group."""
    width = x.shape[-1] // groups
    return x if width == 1 else x.reshape(*x.shape[:-1], groups, width).sum(axis=-1)


def in_rows(kernel: Array, length: int) -> list[tuple[Any, Array]]:
    """Of a kernel (*size, 1, filters) the key of each tap and its filters for a row of positions
    (length, filters): to multiply in long runs takes half the time."""
    *size, _, filters = kernel.shape
    rows = xp.repeat(kernel.reshape(-1, 1, filters), length, axis=1)
    return list(zip(tap_keys(tuple(size)), rows, strict=True))


def nonzero(x: Array) -> Array:
    """1 where an element is not zero, else 0."""
    return (x > 0).astype(x.dtype)


correlate, transposed_correlate, kernel_correlate = Correlate(), TransposedCorrelate(), KernelCorrelate()
