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
from collections.abc import Iterable
from typing import Any

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.blockwise import blocks
from conformance.reference_impl.primitives.contraction import Dot
from conformance.reference_impl.primitives.movement import (
    pad,
    take_slice,
    taps,
    unbroadcast,
    window_positions,
    windows,
)
from conformance.reference_impl.primitives.primitive import without_zeros
from conformance.reference_impl.tape import Tensor

Sizes = tuple[int, ...]
Edges = tuple[tuple[int, int], ...]
Cut = tuple[slice, ...]
Labels = list[int]

BLOCK = 2**17
"""Elements of windows that are laid out at once; half as many where each channel has filters of its own."""

FEW = 2**13
"""Elements of an operand whose products are counted as fast as they are computed."""


class Correlate(Dot):
    """Σ windows(x) · kernel + bias over a window and the channels of a group, in any order.

    Zeros of `padding` lie before and after each spatial dimension of x; images are framed by them in turn.
    """

    def value(
        self,
        x: Array,
        kernel: Array,
        bias: Array | None = None,
        *,
        padding: Edges,
        strides: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> Array:
        size, filters = kernel.shape[:-2], kernel.shape[-1]
        geometry = {"size": size, "strides": strides, "dilation": dilation}
        spatial = tuple(n + sum(edges) for n, edges in zip(x.shape[1:-1], padding, strict=True))
        out = xp.aligned((len(x), *window_positions(spatial, **geometry), filters), x.dtype)
        apart = by_channel(kernel, groups)
        weights = in_rows(kernel, out.shape[-2]) if apart else by_tap_before_last(kernel, groups)
        added = None if bias is None else xp.repeat(bias[None], out.shape[-2], axis=0)
        frame = Frame(padding)
        for images in blocks(x.shape[:1], BLOCK // (math.prod(x.shape[1:]) or 1)):
            framed = frame.around(x[images])
            if apart:
                views = windows.value(widened(framed, filters), **geometry)
                self.sum_taps(out[images], views, weights, added)
            else:
                self.multiply_groups(out[images], framed, weights, added, **geometry)
        return out

    def sum_taps(self, out: Array, views: Array, rows: Array, bias: Array | None) -> None:
        """Every channel's windows times its own filter, in rows of positions."""
        lines, places, size, row = by_line(views, out.ndim - 2)
        for block in blocks(out.shape[:-2], BLOCK // 2 // (rows.shape[-1] or 1)):
            part = out[block]
            sums = part.reshape(*part.shape[:-2], -1)
            line = lines[block].reshape(*sums.shape[:-1], *rows.shape)
            xp.einsum_into(sums, line, places + size + row, rows, size + row, places + row)
            if bias is not None:
                part += bias

    def multiply_groups(
        self,
        out: Array,
        x: Array,
        weights: Array,
        bias: Array | None,
        size: Sizes,
        strides: Sizes,
        dilation: Sizes,
    ) -> None:
        """The windows of every group times its filters, as matrices: those along the last dimension are laid
        out, and serve each tap of the dimensions before it."""
        _, groups, *_, length, filters = weights.shape
        along = {"size": size[-1:], "strides": strides[-1:], "dilation": dilation[-1:]}
        across = (size[:-1], strides[:-1], dilation[:-1])
        for block in blocks(out.shape[:-2], BLOCK // (out.shape[-2] * length * groups or 1)):
            part, rows = out[block], x[beneath(block, *across)]
            flat = windows.value(rows.reshape(-1, *rows.shape[-2:]), **along)
            laid = columns(flat, groups, 1).reshape(groups, *rows.shape[:-2], part.shape[-2], length)
            by_group = xp.moveaxis(part.reshape(*part.shape[:-1], groups, filters), -2, 0)
            (place, _), *places = taps(part.shape[1:-2], *across)
            xp.matmul_into(by_group, laid[(slice(None), *place)], weights[0])
            for (place, _), by in zip(places, weights[1:], strict=True):
                by_group += xp.matmul(laid[(slice(None), *place)], by)
            if bias is not None:
                part += bias

    def products(self, out: Array, x: Array, kernel: Array, *bias: Array) -> int:
        return out.size * math.prod(kernel.shape[:-1])

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        x, kernel, *bias = magnitudes
        if by_channel(kernel, params["groups"]) or not worth_counting_once(x, kernel):
            return super().terms(magnitudes, params)
        groups = params["groups"]
        ones = xp.ones((*kernel.shape[:-2], 1, groups), x.dtype)
        counts = self.value(narrowed(nonzero(x), groups), ones, **params)
        return with_bias(widened(counts, kernel.shape[-1]), bias)

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        kernel: Tensor,
        *bias: Tensor,
        padding: Edges,
        **params: Any,
    ) -> Tensor:
        if position == 2:
            return unbroadcast(cotangent, bias[0].shape)
        framed = pad(x, widths=((0, 0), *padding, (0, 0))) if any(map(any, padding)) else x
        if position == 1:
            return kernel_correlate(framed, cotangent, size=kernel.shape[:-2], **params)
        by_framed = transposed_correlate(cotangent, kernel, spatial=framed.shape[1:-1], **params)
        if framed is x:
            return by_framed
        inside = [slice(before, before + n) for n, (before, _) in zip(x.shape[1:-1], padding, strict=True)]
        return take_slice(by_framed, key=(slice(None), *inside))


class TransposedCorrelate(Dot):
    """Σ y · kernel + bias over the filters of a group and the windows that overlap there, in any order"""

    def value(
        self,
        y: Array,
        kernel: Array,
        bias: Array | None = None,
        *,
        spatial: Sizes,
        strides: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> Array:
        *size, depth, filters = kernel.shape
        if apart := by_channel(kernel, groups):
            weights = in_rows(kernel, y.shape[-2]).reshape(-1, y.shape[-2], filters)
        else:
            by_tap = kernel.reshape(-1, depth, groups, filters // groups)
            weights = xp.aligned_copy(by_tap.transpose(0, 2, 3, 1))
        at_once = filters if apart else len(weights) * groups * depth
        out = xp.aligned((len(y), *spatial, groups * depth), y.dtype)
        out[...] = 0.0 if bias is None else bias
        for block in blocks(y.shape[:-2], BLOCK // (y.shape[-2] * at_once or 1)):
            part = y[block]
            products = (self.each_channel if apart else self.each_group)(part, weights, groups)
            corner = [slice(cut.start * step, None) for cut, step in zip(block[1:], strides, strict=False)]
            into = out[(block[0], *corner)]
            places = taps(part.shape[1:-1], tuple(size), strides, dilation)
            for (place, _), product in zip(places, products, strict=True):
                into[place] += product
        return out

    def each_channel(self, y: Array, rows: Array, groups: int) -> Iterable[Array]:
        """For each tap every filter's elements times its own weight, added up over a group."""
        product = xp.aligned(y.shape, y.dtype)
        return (narrowed(xp.multiply(y, row, out=product), groups) for row in rows)

    def each_group(self, y: Array, weights: Array, groups: int) -> Iterable[Array]:
        """For each tap the elements of every group times its filters, as matrices."""
        products: Array = xp.matmul(columns(y, groups, 0), weights)
        return ungrouped(products, (*y.shape[:-1], groups * weights.shape[-1]))

    def products(self, out: Array, y: Array, kernel: Array, *bias: Array) -> int:
        return y.size * math.prod(kernel.shape[:-1])

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        y, kernel, *bias = magnitudes
        if not worth_counting_once(y, kernel):
            return super().terms(magnitudes, params)
        groups = params["groups"]
        ones = xp.ones((*kernel.shape[:-2], 1, groups), y.dtype)
        counts = self.value(narrowed(nonzero(y), groups), ones, **params)
        return with_bias(widened(counts, groups * kernel.shape[-2]), bias)

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        y: Tensor,
        kernel: Tensor,
        *bias: Tensor,
        spatial: Sizes,
        **params: Any,
    ) -> Tensor:
        if position == 0:
            return correlate(cotangent, kernel, padding=unpadded(kernel), **params)
        if position == 1:
            return kernel_correlate(cotangent, y, size=kernel.shape[:-2], **params)
        return unbroadcast(cotangent, bias[0].shape)


class KernelCorrelate(Dot):
    """Σ windows(x) · y over the batch and all positions, in any order"""

    def value(
        self, x: Array, y: Array, *, size: Sizes, strides: Sizes, dilation: Sizes, groups: int
    ) -> Array:
        depth, filters = x.shape[-1] // groups, y.shape[-1]
        geometry = {"size": size, "strides": strides, "dilation": dilation}
        if depth == 1 < groups:
            return self.sum_places(windows.value(widened(x, filters), **geometry), y)
        views = windows.value(x, **geometry)
        out = xp.zeros((groups, math.prod(size) * depth, filters // groups), x.dtype)
        for block in blocks(y.shape[:-1], BLOCK // math.prod(views.shape[y.ndim - 1 :])):
            left = columns(views[block], groups, len(size)).transpose(0, 2, 1)
            out += xp.matmul(left, columns(y[block], groups, 0))
        return ungrouped(out, (*size, depth, filters))

    def sum_places(self, views: Array, y: Array) -> Array:
        """Every channel by itself: the sums for every position of a row, and then over these."""
        lines, places, size, row = by_line(views, y.ndim - 2)
        sums = xp.zeros((*views.shape[y.ndim - 1 : -1], math.prod(y.shape[-2:])), y.dtype)
        for block in blocks(y.shape[:-2], BLOCK // 2 // (sums.shape[-1] or 1)):
            part = y[block].reshape(*y[block].shape[:-2], -1)
            line = lines[block].reshape(*part.shape[:-1], *sums.shape)
            sums += xp.einsum(line, places + size + row, part, places + row, size + row)
        return sums.reshape(*sums.shape[:-1], *y.shape[-2:]).sum(axis=-2, keepdims=True)

    def products(self, out: Array, x: Array, y: Array) -> int:
        return y.size * math.prod(out.shape[:-1])

    def terms(self, magnitudes: list[Array], params: dict[str, Any]) -> Any:
        x, y = magnitudes
        groups = params["groups"]
        if x.shape[-1] == groups or not worth_counting_once(x, y):
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
        return correlate(x, cotangent, padding=unpadded(cotangent), **params)


def unpadded(kernel: Tensor) -> Edges:
    """No zeros at the edges of any dimension of the kernel."""
    return ((0, 0),) * (kernel.ndim - 2)


class Frame:
    """Zeros around one batch of images after the other, in the same memory as long as they are as many."""

    def __init__(self, padding: Edges) -> None:
        self.padding = padding
        self.framed: Array | None = None

    def around(self, x: Array) -> Array:
        """The images with zeros at their edges."""
        if not any(map(any, self.padding)):
            return x
        shape = (len(x), *(n + sum(e) for n, e in zip(x.shape[1:-1], self.padding, strict=True)), x.shape[-1])
        if self.framed is None or self.framed.shape != shape:
            self.framed = xp.aligned(shape, x.dtype)
            self.framed[...] = 0
        inside = (slice(e[0], e[0] + n) for n, e in zip(x.shape[1:-1], self.padding, strict=True))
        self.framed[(slice(None), *inside)] = x
        return self.framed


def beneath(positions: Cut, size: Sizes, strides: Sizes, dilation: Sizes) -> Cut:
    """Of a cut of the batch and of windows' positions the elements that lie beneath them."""
    images, *cuts = positions
    spans = (
        slice(cut.start * step, (cut.stop - 1) * step + (k - 1) * d + 1)
        for cut, k, step, d in zip(cuts, size, strides, dilation, strict=False)
    )
    return (images, *spans)


def by_channel(kernel: Array, groups: int) -> bool:
    """Whether every channel is a group: too little for products of matrices."""
    return kernel.shape[-2] == 1 < groups


def by_line(views: Array, rank: int) -> tuple[Array, Labels, Labels, Labels]:
    """(batch, *positions, *size, channels) with the last of the positions next to the channels: where windows
    are a step apart, they lie so in memory. Also einsum's labels, if both are one axis: of the places of a
    row, of a window, and of the row."""
    lines = xp.moveaxis(views, rank, -2)
    return lines, [*range(rank)], [*range(rank, 2 * rank)], [2 * rank]


def columns(views: Array, groups: int, rank: int) -> Array:
    """(…, *size, groups · depth) → (groups, rows, taps · depth), for windows of `rank` dimensions."""
    places, inside = views.shape[: views.ndim - rank - 1], views.shape[views.ndim - rank - 1 : -1]
    split = views.reshape(math.prod(places), math.prod(inside), groups, views.shape[-1] // groups)
    return split.transpose(2, 0, 1, 3).reshape(groups, len(split), split.shape[1] * split.shape[3])


def ungrouped(x: Array, shape: Sizes) -> Array:
    """(…, groups, rows, width) → (…, *shape), whose last axis is groups · width."""
    return x.swapaxes(-3, -2).reshape(*x.shape[:-3], *shape)


def widened(x: Array, filters: int) -> Array:
    """Every channel as many times as it has filters, one beside the other."""
    if x.shape[-1] == 1:
        return xp.broadcast_to(x, (*x.shape[:-1], filters))
    times = filters // x.shape[-1]
    return x if times == 1 else xp.repeat(x, times, axis=-1)


def narrowed(x: Array, groups: int) -> Array:
    """The sums over the last axis of each group."""
    width = x.shape[-1] // groups
    return x if width == 1 else x.reshape(*x.shape[:-1], groups, width).sum(axis=-1)


def in_rows(kernel: Array, length: int) -> Array:
    """Filters (…, 1, filters) for every position of a row, (…, length · filters): to multiply in long runs
    takes half the time."""
    return xp.repeat(kernel, length, axis=-2).reshape(*kernel.shape[:-2], -1)


def by_tap_before_last(kernel: Array, groups: int) -> Array:
    """Filters (*size, depth, groups · width) for products by group of what lies along the last dimension:
    (taps of the dimensions before it, groups, …, last · depth, width), with an axis of one for each axis of
    the places that are multiplied."""
    *before, last, depth, filters = kernel.shape
    apart = kernel.reshape(-1, last * depth, groups, filters // groups).swapaxes(1, 2)
    return xp.aligned_copy(apart.reshape(len(apart), groups, *(1,) * (len(before) + 1), *apart.shape[2:]))


def worth_counting_once(x: Array, other: Array) -> bool:
    """Whether the terms are as many for every filter of a group, and so many that it takes less time to count
    them for one."""
    return x.size > FEW and without_zeros([other])


def with_bias(counts: Array, bias: list[Array]) -> Array:
    """The numbers of products, and one more where a bias is not zero."""
    return counts + nonzero(bias[0]) if bias else counts


def nonzero(x: Array) -> Array:
    """1 where an element is not zero, else 0."""
    return (x > 0).astype(x.dtype)


correlate, transposed_correlate, kernel_correlate = Correlate(), TransposedCorrelate(), KernelCorrelate()
