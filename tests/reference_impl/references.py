"""Independent implementations of the primitives: by mpmath, by fractions, by loops over single elements."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from conformance.reference_impl.arrays import Array

from .rounding import Rounding


def multiprecise(function: Callable[..., Any]) -> Callable[..., Array]:
    """The function of mpmath numbers, at 60 digits, element by element."""

    def reference(*operands: Array, **params: float) -> Array:
        def at(*x: float) -> float:
            with mpmath.workdps(60):
                return float(function(*map(mpmath.mpf, x), **params))

        return np.asarray(np.vectorize(at, otypes=[float])(*operands))

    return reference


def rational(function: Callable[..., Any]) -> Callable[..., Array]:
    """The function of fractions, element by element, rounded once."""

    def reference(*operands: Array) -> Array:
        def at(*x: float) -> float:
            return float(function(*map(Fraction, map(float, x))))

        return np.asarray(np.vectorize(at, otypes=[float])(*operands))

    return reference


def python(function: Callable[..., float]) -> Callable[..., Array]:
    """The function of Python numbers, element by element."""

    def reference(*operands: Array) -> Array:
        return np.asarray(np.vectorize(lambda *x: function(*map(float, x)), otypes=[float])(*operands))

    return reference


Place = tuple[int, ...]
"""An index into an array."""


def extent(filled: Iterable[Place], params: dict[str, Any]) -> Place:
    """The shape of a result, from the places that are filled in it; adjoints of windows are told theirs."""
    shape = tuple(1 + max(along) for along in zip(*filled, strict=True))
    spatial = params.get("spatial")
    return shape if spatial is None else (shape[0], *spatial, shape[-1])


def moved(sources: Callable[..., Iterator[tuple[Place, int, Place]]]) -> Callable[..., Array]:
    """Data movement by a loop over (place in the result, operand, place in it); what is not named is 0."""

    def reference(*operands: Array, **params: Any) -> Array:
        moves = list(sources(*operands, **params))
        out = np.zeros(params.get("shape") or extent((place for place, _, _ in moves), params))
        for place, operand, origin in moves:
            out[place] = operands[operand][origin]
        return out

    return reference


def summed(sources: Callable[..., Iterator[tuple[Place, Place]]]) -> Callable[..., Array]:
    """Sums of fractions by a loop over (place in the result, place in the operand)."""

    def reference(x: Array, **params: Any) -> Array:
        sums: dict[Place, Fraction] = {}
        for place, origin in sources(x, **params):
            sums[place] = sums.get(place, Fraction(0)) + Fraction(float(x[origin]))
        out = np.zeros(extent(sums, params))
        for place, value in sums.items():
            out[place] = float(value)
        return out

    return reference


def padded_terms(sources: Callable[..., Iterator[tuple[Place, Place]]]) -> Callable[..., Array]:
    """The terms of `summed`, in the order of the loop, filled up with zeros."""
    known: dict[Place, Array] = {}

    def origins(x: Array, **params: Any) -> Array:
        per_place: dict[Place, list[int]] = {}
        for place, origin in sources(x, **params):
            per_place.setdefault(place, []).append(int(np.ravel_multi_index(origin, x.shape)))
        out = np.full((max(map(len, per_place.values())), *extent(per_place, params)), x.size)
        for place, flat in per_place.items():
            for k, at in enumerate(flat):
                out[(k, *place)] = at
        return out

    def terms(rounding: Rounding, x: Array, **params: Any) -> Array:
        if x.shape not in known:
            known[x.shape] = origins(x, **params)
        return np.asarray(np.append(x, x.dtype.type(0))[known[x.shape]])

    return terms


def places(shape: tuple[int, ...]) -> Iterator[Place]:
    return itertools.product(*map(range, shape))


def slice_moves(x: Array, key: tuple[Any, ...], into: bool) -> Iterator[tuple[Place, int, Place]]:
    """Between x[key], enumerated by hand, and the whole array."""
    axes = [
        [k] if isinstance(k, int) else list(range(*k.indices(n))) for k, n in zip(key, x.shape, strict=False)
    ]
    axes += [list(range(n)) for n in x.shape[len(key) :]]
    for steps in places(tuple(map(len, axes))):
        inner = tuple(s for i, s in enumerate(steps) if i >= len(key) or not isinstance(key[i], int))
        outer = tuple(axis[s] for axis, s in zip(axes, steps, strict=True))
        yield (outer, 0, inner) if into else (inner, 0, outer)


def window_places(
    spatial: Place, size: Place, strides: Place, dilation: Place
) -> Iterator[tuple[Place, Place]]:
    """(position + offset, the spatial place that it covers) of every window that fits."""
    counts = [
        len([p for p in range(n) if p % s == 0 and p + (k - 1) * d < n])
        for n, k, s, d in zip(spatial, size, strides, dilation, strict=True)
    ]
    for position in places(tuple(counts)):
        for offset in places(size):
            covered = zip(position, offset, strides, dilation, strict=True)
            yield position + offset, tuple(p * s + o * d for p, o, s, d in covered)


def windows_moves(x: Array, **params: Any) -> Iterator[tuple[Place, int, Place]]:
    for b, c in places((x.shape[0], x.shape[-1])):
        for window, place in window_places(x.shape[1:-1], **params):
            yield (b, *window, c), 0, (b, *place, c)


def overlap_sources(x: Array, *, spatial: Place, **params: Any) -> Iterator[tuple[Place, Place]]:
    for b, c in places((x.shape[0], x.shape[-1])):
        for window, place in window_places(spatial, **params):
            yield (b, *place, c), (b, *window, c)


def sum_sources(x: Array, *, axis: Place, keepdims: bool = False) -> Iterator[tuple[Place, Place]]:
    for origin in places(x.shape):
        kept = [0 if i in axis else p for i, p in enumerate(origin) if keepdims or i not in axis]
        yield tuple(kept), origin


def running_sources(x: Array, *, axis: int) -> Iterator[tuple[Place, Place]]:
    for origin in places(x.shape):
        for later in range(origin[axis], x.shape[axis]):
            yield (*origin[:axis], later, *origin[axis + 1 :]), origin


def scatter_sources(x: Array, *, indices: Array, rows: int) -> Iterator[tuple[Place, Place]]:
    for origin in places(x.shape):
        yield (int(indices[origin[: indices.ndim]]), *origin[indices.ndim :]), origin


def unbroadcast_sources(x: Array, *, shape: Place) -> Iterator[tuple[Place, Place]]:
    for origin in places(x.shape):
        last = origin[x.ndim - len(shape) :]
        yield tuple(0 if n == 1 else p for p, n in zip(last, shape, strict=True)), origin


def affine_reference(x: Array, kernel: Array, bias: Array | None = None) -> Array:
    lead = np.broadcast_shapes(x.shape[:-2], kernel.shape[:-2])
    out = np.zeros((*lead, x.shape[-2], kernel.shape[-1]))
    left = np.broadcast_to(x, (*lead, *x.shape[-2:]))
    right = np.broadcast_to(kernel, (*lead, *kernel.shape[-2:]))
    start = np.zeros_like(out) if bias is None else np.broadcast_to(bias, out.shape)
    for place in places(out.shape):
        *batch, i, j = place
        products = [
            Fraction(float(left[(*batch, i, k)])) * Fraction(float(right[(*batch, k, j)]))
            for k in range(x.shape[-1])
        ]
        out[place] = float(sum(products, Fraction(float(start[place]))))
    return out


def affine_terms(rounding: Rounding, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    columns_and_rows = [(x[..., k, None], kernel[..., k, None, :]) for k in range(x.shape[-1])]
    products = np.stack([rounding.multiply(column, row) for column, row in columns_and_rows])
    if bias is None:
        return products
    return np.concatenate([products, np.broadcast_to(bias, products.shape[1:])[None]])


def dot_reference(x: Array, kernel: Array, bias: Array) -> Array:
    rows = x.reshape(-1, x.shape[-1])
    return affine_reference(rows, kernel, bias).reshape(*x.shape[:-1], -1)


def dot_terms(rounding: Rounding, x: Array, kernel: Array, bias: Array) -> Array:
    out = affine_terms(rounding, x.reshape(-1, x.shape[-1]), kernel, bias)
    return out.reshape(out.shape[0], *x.shape[:-1], -1)


def resample_reference(x: Array, rows: Array, columns: Array) -> Array:
    out = np.zeros((*x.shape[:-2], len(rows), len(columns)))
    for place in places(out.shape):
        *batch, r, c = place
        products = [
            Fraction(float(rows[r, i])) * Fraction(float(columns[c, j])) * Fraction(float(x[(*batch, i, j)]))
            for i, j in places(x.shape[-2:])
        ]
        out[place] = float(sum(products))
    return out


def resample_terms(rounding: Rounding, x: Array, rows: Array, columns: Array) -> Array:
    """Each pixel times the product of its weights."""
    return np.stack(
        [
            rounding.multiply(
                rounding.multiply(rows[:, None, i], columns[None, :, j]), x[..., i, j, None, None]
            )
            for i, j in places(x.shape[-2:])
        ]
    )


Term = tuple[Place, Place | None, Place]
"""Where a product lies in the result, and where its factors lie in their operands; None for a zero beside."""


def convolved(
    x: Place, size: Place, depth: int, filters: int, *, strides: Place, dilation: Place, groups: int
) -> Iterator[tuple[Place, Place, Place]]:
    """Every product that a convolution sums, as its places in the output, the input and the kernel."""
    width = filters // groups
    for b, (window, covered) in itertools.product(
        range(x[0]), window_places(x[1:-1], size, strides, dilation)
    ):
        position, offset = window[: len(size)], window[len(size) :]
        for g, d, w in itertools.product(range(groups), range(depth), range(width)):
            yield (b, *position, g * width + w), (b, *covered, g * depth + d), (*offset, d, g * width + w)


def correlate_products(
    x: Place, kernel: Place, *, padding: tuple[Place, ...], **params: Any
) -> Iterator[Term]:
    """Those of the framed input, whose zeros are factors too: of what is not finite they make NaN."""
    spatial = [n + before + after for n, (before, after) in zip(x[1:-1], padding, strict=True)]
    for in_y, in_framed, in_kernel in convolved((x[0], *spatial, x[-1]), kernel[:-2], *kernel[-2:], **params):
        place = [n - before for n, (before, _) in zip(in_framed[1:-1], padding, strict=True)]
        inside = all(0 <= p < n for p, n in zip(place, x[1:-1], strict=True))
        yield in_y, (in_framed[0], *place, in_framed[-1]) if inside else None, in_kernel


def transposed_products(y: Place, kernel: Place, *, spatial: Place, **params: Any) -> Iterator[Term]:
    x = (y[0], *spatial, params["groups"] * kernel[-2])
    for in_y, in_x, in_kernel in convolved(x, kernel[:-2], *kernel[-2:], **params):
        yield in_x, in_y, in_kernel


def kernel_products(x: Place, y: Place, *, size: Place, **params: Any) -> Iterator[Term]:
    for in_y, in_x, in_kernel in convolved(x, size, x[-1] // params["groups"], y[-1], **params):
        yield in_kernel, in_x, in_y


def summed_products(products: Callable[..., Iterator[Term]]) -> Callable[..., Array]:
    """Sums of products of fractions, and a bias."""

    def reference(left: Array, right: Array, *bias: Array, **params: Any) -> Array:
        sums: dict[Place, Fraction] = {}
        for place, one, other in products(left.shape, right.shape, **params):
            product = Fraction(0 if one is None else float(left[one])) * Fraction(float(right[other]))
            sums[place] = sums.get(place, Fraction(0)) + product
        out = np.zeros(extent(sums, params)) + sum(bias)
        for place, value in sums.items():
            out[place] = float(value + sum(Fraction(float(b[place[-1]])) for b in bias))
        return out

    return reference


def product_terms(products: Callable[..., Iterator[Term]]) -> Callable[..., Array]:
    """The rounded products of `summed_products` in the order of the loop, with zeros after, and a bias."""
    known: dict[tuple[Place, Place], tuple[Array, Array]] = {}

    def factors(left: Place, right: Place, **params: Any) -> tuple[Array, Array]:
        per_place: dict[Place, list[tuple[int, int]]] = {}
        for place, one, other in products(left, right, **params):
            first = -1 if one is None else int(np.ravel_multi_index(one, left))
            pair = first, int(np.ravel_multi_index(other, right))
            per_place.setdefault(place, []).append(pair)
        shape = (2, max(map(len, per_place.values())), *extent(per_place, params))
        both = np.full(shape, -1)
        for place, pairs in per_place.items():
            for k, pair in enumerate(pairs):
                both[0][(k, *place)], both[1][(k, *place)] = pair
        return both[0], both[1]

    def terms(rounding: Rounding, left: Array, right: Array, *bias: Array, **params: Any) -> Array:
        key = left.shape, right.shape
        if key not in known:
            known[key] = factors(*key, **params)
        one, other = known[key]
        zero = np.float32(0)
        multiplied = rounding.multiply(np.append(left, zero)[one], np.append(right, zero)[other])
        return np.concatenate([multiplied, *[np.broadcast_to(b, multiplied.shape[1:])[None] for b in bias]])

    return terms


def along_last(function: Callable[[list[Any]], list[Any]]) -> Callable[..., Array]:
    """The function of a line of mpmath numbers along the last axis."""

    def reference(x: Array, *, axis: int) -> Array:
        assert axis in (-1, x.ndim - 1)
        with mpmath.workdps(60):
            lines = [
                [float(y) for y in function([mpmath.mpf(v) for v in line])]
                for line in x.reshape(-1, x.shape[-1])
            ]
        return np.array(lines).reshape(*x.shape[:-1], -1)

    return reference


def exact_softmax(line: list[Any]) -> list[Any]:
    total = mpmath.fsum(mpmath.exp(v) for v in line)
    return [mpmath.exp(v) / total for v in line]


def exact_log_softmax(line: list[Any]) -> list[Any]:
    total = mpmath.log(mpmath.fsum(mpmath.exp(v) for v in line))
    return [v - total for v in line]


def exact_log_sum_exp(line: list[Any]) -> list[Any]:
    return [mpmath.log(mpmath.fsum(mpmath.exp(v) for v in line))]


def mean_reference(x: Array, *, axis: Place) -> Array:
    count = math.prod(x.shape[i] for i in axis)
    return np.asarray(summed(sum_sources)(x, axis=axis) / count)
