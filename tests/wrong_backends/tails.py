"""Faults at the ends of rows: what a loop over SIMD lanes or blocks leaves undone, does twice, or takes from
elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.reference_impl.primitives import divide, exp, largest, subtract, take_slice, total
from conformance.reference_impl.tape import Tensor

from .fault import Fault, rule

AFFINE = rule("Affine", "value")
CORRELATE = rule("Correlate", "value")


def whole(n: int, width: int) -> int:
    """How many of n elements a loop over whole blocks reaches; shorter rows have a loop of their own."""
    return n - n % width if n > width else n


def not_written(width: int) -> Callable[..., Any]:
    """Columns behind the last whole block stay zeros."""

    def value(original: Any, self: Any, *operands: Any, **params: Any) -> Any:
        out = original(self, *operands, **params)
        out[..., whole(out.shape[-1], width) :] = 0
        return out

    return value


def not_added(width: int) -> Callable[..., Any]:
    """Products behind the last whole block are not added."""

    def value(original: Any, self: Any, x: Any, kernel: Any, *bias: Any) -> Any:
        n = whole(kernel.shape[-2], width)
        return original(self, x[..., :n], kernel[..., :n, :], *bias)

    return value


def last_block_missed(original: Any, self: Any, x: Any, kernel: Any, *bias: Any) -> Any:
    """`i + 8 < n` for `i + 8 <= n`: where blocks of 8 fit exactly, the last one is left out."""
    n = kernel.shape[-2]
    if n % 8 == 0 and n > 8:
        x, kernel = x[..., : n - 8], kernel[..., : n - 8, :]
    return original(self, x, kernel, *bias)


def first_lanes_again(original: Any, self: Any, *operands: Any, **params: Any) -> Any:
    """Filters behind the last whole block of 4 are the first ones again."""
    out = original(self, *operands, **params)
    n = whole(out.shape[-1], 4)
    out[..., n:] = out[..., : out.shape[-1] - n].copy()
    return out


def sum_without_tail(original: Any, self: Any, x: Any, *, axis: Any, keepdims: bool = False) -> Any:
    if len(axis) == 1:
        x = x.take(range(whole(x.shape[axis[0]], 4)), axis[0])
    return original(self, x, axis=axis, keepdims=keepdims)


def tail_as_it_was(original: Any, self: Any, x: Any) -> Any:
    """The last elements of an array pass unchanged."""
    out = np.array(original(self, x))
    n = whole(x.size, 4)
    out.reshape(-1)[n:] = x.reshape(-1)[n:]
    return out


def normalized_without_tail(original: Any, self: Any, x: Tensor, *, axis: int) -> Tensor:
    """The last exponentials are not in the sum."""
    e = exp(subtract(x, largest(x, axis=axis)))
    along = axis % x.ndim
    first = take_slice(e, key=(*(slice(None),) * along, slice(0, whole(x.shape[along], 4))))
    return divide(e, total(first, axis=(along,), keepdims=True))


def row_too_far(original: Any, table: Tensor, *, indices: Any) -> Tensor:
    """Of 4 rows that are fetched together the last is the one after it."""
    moved = np.array(indices)
    flat = moved.reshape(-1)
    flat[3::4] = np.minimum(flat[3::4] + 1, table.shape[0] - 1)
    return original(table, indices=moved)


FAULTS = (
    Fault("columns_behind_4_not_written", "forward", "layers.Dense", {AFFINE: not_written(4)}),
    Fault("columns_behind_8_not_written", "forward", "layers.Dense", {AFFINE: not_written(8)}),
    Fault("columns_behind_16_not_written", "forward", "layers.Dense", {AFFINE: not_written(16)}),
    Fault("products_behind_4_not_added", "forward", "layers.Dense", {AFFINE: not_added(4)}),
    Fault("products_behind_16_not_added", "forward", "layers.Dense", {AFFINE: not_added(16)}),
    Fault("products_behind_32_not_added", "forward", "layers.Dense", {AFFINE: not_added(32)}),
    Fault("last_block_missed", "forward", "layers.Dense", {AFFINE: last_block_missed}),
    Fault("gates_behind_8_not_written", "forward", "layers.GRU", {AFFINE: not_written(8)}),
    Fault("filters_behind_4_repeated", "forward", "layers.Conv2D", {CORRELATE: first_lanes_again}),
    Fault("filters_behind_8_not_written", "forward", "layers.Conv2D", {CORRELATE: not_written(8)}),
    Fault("channels_behind_4_not_written", "forward", "layers.DepthwiseConv2D", {CORRELATE: not_written(4)}),
    Fault(
        "channels_behind_8_not_pooled", "forward", "layers.MaxPooling2D",
        {rule("LargestInWindows", "value"): not_written(8)}, corpus="standard",
    ),
    Fault(
        "kernel_gradient_behind_4_not_written", "gradients", "layers.Conv2D",
        {rule("KernelCorrelate", "value"): not_written(4)},
    ),
    Fault(
        "steps_behind_4_not_added", "forward", "layers.GlobalAveragePooling1D",
        {rule("Sum", "value"): sum_without_tail},
    ),
    Fault(
        "elements_behind_4_unchanged", "forward", "activations.tanh",
        {rule("Tanh", "value"): tail_as_it_was}, corpus="standard",
    ),
    Fault(
        "exponentials_behind_4_not_added", "forward", "layers.Softmax",
        {rule("Softmax", "compose"): normalized_without_tail},
    ),
    Fault(
        "fourth_row_too_far", "forward", "layers.Embedding",
        {"conformance.reference_impl.layers.embedding:take": row_too_far},
    ),
)  # fmt: skip
