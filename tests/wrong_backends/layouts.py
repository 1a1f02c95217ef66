"""Faults of where things are: edges, windows, axes, orders of memory, statistics along the wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from conformance.reference_impl.layers.convolution import geometry, same_padding
from conformance.reference_impl.layers.interpolation import positions_from_corner
from conformance.reference_impl.layers.layer import Result
from conformance.reference_impl.layers.pooling import framed
from conformance.reference_impl.primitives import (
    add,
    concatenate,
    flip,
    largest_in_windows,
    multiply,
    reshape,
    sqrt,
    square,
    subtract,
    take_slice,
    total,
    transpose,
)
from conformance.reference_impl.tape import Tensor

from .fault import LAYERS, Fault

TRANSPOSED = f"{LAYERS}.transposed_convolution"


# Pooling and convolutions


def padding_counted(original: Any, self: Any, x: Tensor) -> Tensor:
    """The mean of a window at the edge is over its whole size."""
    taps = self.taps(x)
    return multiply(total(taps, axis=(taps.ndim - 2,)), 1 / math.prod(self.pool_size))


def padded_with_zeros(original: Any, self: Any, x: Tensor) -> Tensor:
    """The largest number of a window at the edge is 0 at least."""
    x = framed(self, x) if self.padding == "same" else x
    return largest_in_windows(x, size=self.pool_size, strides=self.strides)


def windows_side_by_side(original: Any, self: Any, x: Tensor) -> Tensor:
    """As many windows as there have to be, but all of them at the beginning."""
    out = original(self, x)
    first = take_slice(out, key=(slice(None), slice(0, 1)))
    return concatenate(*[first] * out.shape[1], axis=1) if out.shape[1] else out


def multiplier_first(original: Any, layer: Any, x: Tensor, kernel: Tensor, bias: Any) -> Tensor:
    """The depthwise kernel is read as (*size, depth_multiplier, channels)."""
    *size, channels, multiplier = kernel.shape
    read = reshape(kernel, shape=(*size, multiplier, channels))
    rank = len(size)
    return original(layer, x, transpose(read, axes=(*range(rank), rank + 1, rank)), bias)


def kernel_not_turned(original: Any, layer: Any, x: Tensor, kernel: Tensor, bias: Any) -> Tensor:
    """A transposed convolution with its kernel the other way round, as a plain one has it."""
    return original(layer, x, flip(flip(kernel, axis=0), axis=1), bias)


def cut_before(original: Any, z: Tensor, *, key: Sequence[slice]) -> Tensor:
    """The odd element of what is too much is cut before, not after."""
    batch, *inside = key
    moved = [slice(n - s.stop, n - s.start) for n, s in zip(z.shape[1:-1], inside, strict=True)]
    return original(z, key=(batch, *moved))


def causal_as_same(original: Any, layer: Any, x: Tensor) -> Any:
    """Zeros on both sides, silently, where they should all be before."""
    if layer.padding != "causal":
        return original(layer, x)
    sides = zip(x.shape[1:-1], geometry(layer), strict=True)
    return x, tuple(same_padding(n, *axis) for n, axis in sides)


# Images


def turned(original: Any, self: Any, x: Tensor) -> Tensor:
    """What belongs to the beginning of an axis is done at its end."""
    axes = range(self.first_axis, self.first_axis + self.rank)
    return along(flip, original(self, along(flip, x, axes)), axes)


def along(change: Callable[..., Tensor], x: Tensor, axes: Sequence[int]) -> Tensor:
    for axis in axes:
        x = change(x, axis=axis)
    return x


def tiled(original: Any, self: Any, x: Tensor) -> Tensor:
    """The steps one after the other, and all of them again, for each step several times."""
    for axis, times in enumerate(self.factors, self.first_axis):
        x = concatenate(*[x] * times, axis=axis)
    return x


def nearest_instead(original: Any, x: Tensor, axes: Any, size: Any, *how: Any, **options: Any) -> Tensor:
    """Every interpolation is the one that needs no arithmetic."""
    return original(x, axes, size, "nearest")


def from_the_corner(original: Any, *args: Any) -> Tensor:
    return positions_from_corner(*args)


def nearest_by_corner(original: Any, old: int, new: int) -> list[int]:
    return [i * old // new for i in range(new)]


def inverted(original: Any, x: Tensor, *, axes: tuple[int, ...]) -> Tensor:
    """The dimensions go where they should come from."""
    return original(x, axes=tuple(axes.index(i) for i in range(len(axes))))


def in_column_major_order(original: Any, x: Tensor, *, shape: tuple[int, ...]) -> Tensor:
    turned_over = original(reversed_axes(x), shape=(shape[0], *reversed(shape[1:])))
    return reversed_axes(turned_over)


def reversed_axes(x: Tensor) -> Tensor:
    return transpose(x, axes=(0, *range(x.ndim - 1, 0, -1)))


# Normalizations


def over_the_batch(original: Any, x: Tensor, axes: tuple[int, ...]) -> Any:
    return original(x, (0,))


def epsilon_outside(
    original: Any, x: Tensor, average: Tensor, variance: Tensor, epsilon: float, *spread: Any
) -> Tensor:
    """1/(√σ² + ε) for 1/√(σ² + ε)."""
    moved = subtract(square(add(sqrt(variance), epsilon)), epsilon)
    return original(x, average, moved, epsilon, *spread)


def interleaved(original: Any, self: Any, inputs: Any, weights: Any, context: Any) -> Result:
    """Every so many-th channel is of one group, as if groups lay last in memory."""
    axis = self.axis % inputs[0].ndim
    channels = inputs[0].shape[axis]
    groups = self.groups_of(channels)
    order = [g + i * groups for g in range(groups) for i in range(channels // groups)]
    back = [order.index(i) for i in range(channels)]
    result = original(
        self,
        [taken(inputs[0], axis, order)],
        {name: taken(w, 0, order) for name, w in weights.items()},
        context,
    )
    return Result((taken(result.outputs[0], axis, back),))


def taken(x: Tensor, axis: int, order: Sequence[int]) -> Tensor:
    """These elements along an axis."""
    before = (slice(None),) * axis
    return concatenate(*(take_slice(x, key=(*before, slice(i, i + 1))) for i in order), axis=axis)


def without_epsilon(original: Any, x: Tensor, epsilon: Any) -> Tensor:
    return x


def without_limit(original: Any, x: Tensor, limit: Any) -> Tensor:
    """Of zeros it makes 0·∞."""
    return x


def other_statistics(original: Any, x: Tensor, variance: Tensor) -> Tensor:
    """The moving variance goes to the unbiased one, as fused kernels have it."""
    count = x.size // variance.size if variance.size else 0
    return multiply(variance, count / (count - 1)) if count > 1 else variance


FAULTS = (
    Fault(
        "average_counts_padding", "forward", "layers.AveragePooling2D",
        {"layers.AveragePooling.pooled": padding_counted},
    ),
    Fault(
        "maximum_of_padding", "forward", "layers.MaxPooling2D",
        {"layers.MaxPooling.pooled": padded_with_zeros},
    ),
    Fault(
        "pooling_without_strides", "forward", "layers.MaxPooling1D",
        {"layers.MaxPooling.pooled": windows_side_by_side},
    ),
    Fault(
        "depth_multiplier_first", "forward", "layers.DepthwiseConv2D",
        {f"{LAYERS}.depthwise_convolution:by_channel": multiplier_first},
    ),
    Fault(
        "transposed_kernel_not_turned", "forward", "layers.Conv2DTranspose",
        {f"{TRANSPOSED}:overlapped": kernel_not_turned},
    ),
    Fault(
        "transposed_cut_before", "forward", "layers.Conv2DTranspose", {f"{TRANSPOSED}:take_slice": cut_before}
    ),
    Fault(
        "output_padding_ignored", "shape", "layers.Conv2DTranspose",
        {"layers.output_padding": lambda original, layer: (None,) * layer.rank},
    ),
    Fault("causal_falls_back_to_same", "forward", "layers.Conv1D", {"layers.framed": causal_as_same}),
    Fault(
        "padding_at_other_end", "forward", "layers.ZeroPadding2D",
        {f"{LAYERS}.zero_padding:ZeroPadding.changed": turned},
    ),
    Fault(
        "cropping_at_other_end", "forward", "layers.Cropping1D",
        {f"{LAYERS}.cropping:Cropping.changed": turned},
    ),
    Fault(
        "steps_tiled", "forward", "layers.UpSampling1D", {f"{LAYERS}.up_sampling:UpSampling.changed": tiled}
    ),
    Fault(
        "interpolation_falls_back_to_nearest", "forward", "layers.UpSampling2D",
        {"layers.resized": nearest_instead},
    ),
    Fault("pixels_from_the_corner", "forward", "layers.Resizing", {"layers.positions": from_the_corner}),
    Fault(
        "nearest_from_the_corner", "forward", "layers.Resizing", {"layers.nearest_pixels": nearest_by_corner}
    ),
    Fault("permutation_inverted", "forward", "layers.Permute", {f"{LAYERS}.permute:transpose": inverted}),
    Fault(
        "reshape_column_major", "forward", "layers.Reshape",
        {f"{LAYERS}.reshape:reshape": in_column_major_order},
    ),
    Fault(
        "layer_norm_over_the_batch", "forward", "layers.LayerNormalization",
        {f"{LAYERS}.layer_normalization:moments": over_the_batch},
    ),
    Fault(
        "layer_norm_epsilon_outside_sqrt", "forward", "layers.LayerNormalization",
        {f"{LAYERS}.layer_normalization:normalized": epsilon_outside},
    ),
    Fault(
        "group_norm_interleaved", "forward", "layers.GroupNormalization",
        {f"{LAYERS}.group_normalization:GroupNormalization.call": interleaved},
    ),
    Fault(
        "rms_norm_without_epsilon", "forward", "layers.RMSNormalization",
        {f"{LAYERS}.rms_normalization:add": without_epsilon},
    ),
    Fault(
        "unit_norm_of_zeros", "forward", "layers.UnitNormalization",
        {
            f"{LAYERS}.unit_normalization:minimum": without_limit,
            f"{LAYERS}.unit_normalization:maximum": without_limit,
        },
    ),
    Fault(
        "batch_norm_moving_variance_unbiased", "training-forward", "layers.BatchNormalization",
        {"layers.BatchNormalization.kept_variance": other_statistics},
    ),
    Fault(
        "batch_norm_counts_masked_steps", "training-forward", "layers.BatchNormalization",
        {"layers.BatchNormalization.moments": lambda original, x, axis, mask: original(x, axis, None)},
    ),
    Fault(
        "batch_norm_trains_when_frozen", "training-forward", "layers.BatchNormalization",
        {"layers.BatchNormalization.normalizes_by_batch": lambda original, layer, context: context.training},
    ),
)  # fmt: skip
