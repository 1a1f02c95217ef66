"""Max pooling of TensorFlow.js: what it makes of NaN and infinity, what its maxima begin with, and which
elements get the gradient."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import GRADIENTS, OUTPUTS, Unpredictable, Value, subject
from conformance.dialects.pooling import last_of_largest, pooled
from conformance.dialects.scopes import all_of, asks, given_nan, spatial_sizes
from conformance.dialects.tensorflow_js.pooling import NAN_FIRST, SERIES, TIES, VOLUME, pooling
from conformance.dialects.tensorflow_js.record import CPU, WASM, deviation, searched
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers.max_pooling import MaxPooling
from conformance.reference_impl.primitives import (
    greater_equal,
    largest_number,
    maximum,
    scatter_add,
    take_slice,
    transpose,
    where,
)
from conformance.reference_impl.tape import Tensor
from conformance.verdicts import Verdict

FLAT_MAX = ("layers.MaxPooling1D", "layers.MaxPooling2D")

SMALLEST_NORMAL = IEEE_FLOAT32.smallest_normal
"""`std::numeric_limits<float>::min()`, with which kernels in C++ begin a maximum."""


def pooled_without_gradient_of_nothing(original: Any, layer: MaxPooling, x: Tensor) -> Tensor:
    """No element of a window that is −∞ throughout gets a gradient."""
    y = original(layer, x)
    return where(Tensor((y.value == -math.inf).astype(y.dtype)), -math.inf, y)


def given_negative_infinity(case: Case, data: Data) -> bool:
    return bool(np.isneginf(data.inputs[0]).any())


def largest_of_taps(inside: Tensor, taps: Tensor) -> Tensor:
    return largest_number(where(inside, taps, math.nan), axis=taps.ndim - 2)


def takes_one_by_one(case: Case, data: Data) -> bool:
    """Windows are of one element, and leave none out: strides are 1, or there is no second one."""
    layer = pooling(case)
    lengths = zip(spatial_sizes(case, data), layer.strides, strict=True)
    in_turn = all(stride == 1 or size <= 1 for size, stride in lengths)
    return in_turn and set(layer.pool_size) == {1}


def nan_kept(original: Any, layer: MaxPooling, x: Tensor) -> Tensor:
    return where(Tensor(xp.isnan(x.value).astype(x.dtype)), math.nan, original(layer, x))


def last_misplaced(original: Any, layer: MaxPooling, x: Tensor) -> Tensor:
    """The last of the elements that tie is chosen, and its place is written down as if a window had rows of
    its height: that place is given the gradient."""
    inside = layer.inside(x)
    _, height, width = layer.pool_size
    d, r, c = np.indices(layer.pool_size)
    written = xp.asarray((d * height * width + r * height + c).ravel())

    def route(cotangent: Tensor, out: Tensor, taps: Tensor) -> Tensor:
        count, axis = taps.shape[-2], taps.ndim - 2
        chosen = where(last_of_largest(inside, out, taps), cotangent, 0.0)
        to_front = (axis, *range(axis), axis + 1)
        moved = scatter_add(
            transpose(chosen, axes=to_front), indices=written, rows=max(count, int(written.max()) + 1)
        )
        back = (*range(1, axis + 1), 0, axis + 1)
        return transpose(take_slice(moved, key=(slice(0, count),)), axes=back)

    return pooled(layer, x, partial(largest_of_taps, inside), route)


def last_normal(least: float, original: Any, layer: MaxPooling, x: Tensor) -> Tensor:
    """The last of the elements that tie gets the gradient, if it is a positive normal number; for any other
    window the very first element of the input gets it, if it lies in that window, and else none.

    Args:
        least: what the maximum itself begins with.
    """
    inside = layer.inside(x)
    very_first = xp.zeros(x.shape, x.dtype)
    very_first[(slice(0, 1),) * x.ndim] = 1
    at_very_first = layer.taps(Tensor(very_first))

    def route(cotangent: Tensor, out: Tensor, taps: Tensor) -> Tensor:
        numbers = largest_of_taps(inside, taps)
        normal = greater_equal(numbers, SMALLEST_NORMAL)
        chosen = where(normal, last_of_largest(inside, numbers, taps), at_very_first)
        return where(chosen, cotangent, 0.0)

    def value(taps: Tensor) -> Tensor:
        return maximum(largest_of_taps(inside, taps), least)

    return pooled(layer, x, value, route)


ONLY_CPU = (
    deviation(
        "tfjs-cpu-max-pooling-by-one-keeps-nan",
        "Windows of one element, one after the other, are the input as it is: a NaN stays NaN, which larger "
        "windows ignore.",
        kind="intentional",
        source=f"{CPU}/kernels/MaxPool.js:31 (identity)",
        upstream=searched("cpu maxPool filter size 1 identity NaN"),
        remedy="Check for NaN before the layer.",
        since="tfjs-core 1.4.0 (2019)",
        scope=all_of(subject(*FLAT_MAX), given_nan, takes_one_by_one),
        effect=Value(
            {"layers.MaxPooling.pooled": nan_kept},
            OUTPUTS,
        ),
        witnesses=(
            draft_layer("layers.MaxPooling1D", {"pool_size": 1}, [NAN_FIRST]),
            draft_layer(
                "layers.MaxPooling2D", {"pool_size": 1, "strides": 2}, [Literal((1, 1, 1, 1), ("nan",))]
            ),
        ),
    ),
    deviation(
        "tfjs-cpu-max-pooling-of-nothing-but-infinity",
        "A window that is −∞ throughout gives its elements no gradient: none is larger than what a maximum "
        "begins with.",
        kind="bug",
        source=f"{CPU}/utils/pool_utils.js:114 (maxPoolPositions: pixel > maxValue, which begins with −∞)",
        upstream=searched("cpu maxPool gradient negative infinity window maxPoolPositions"),
        remedy="Replace infinities before the layer.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject(*FLAT_MAX), given_negative_infinity, asks("*gradient/*")),
        effect=Value({"layers.MaxPooling.pooled": pooled_without_gradient_of_nothing}, GRADIENTS),
        witnesses=(
            draft_layer("layers.MaxPooling1D", {"pool_size": 2}, [Literal((1, 2, 1), ("-inf", "-inf"))]),
        ),
    ),
    deviation(
        "tfjs-cpu-max-pooling3d-gradient",
        "In three dimensions the last of several largest elements of a window gets the gradient, in two the "
        "first; and where a window's height and width differ, the gradient goes to a wrong place or is "
        "lost.",
        kind="bug",
        source=f"{CPU}/utils/pool_utils.js:274, :278 (maxPool3dPositions: wRow · effectiveFilterHeight)",
        upstream=searched("maxPool3d wasm negative values wrong result"),
        remedy="Use windows as high as wide, or train elsewhere.",
        since="tfjs-core 1.2.8 (2019)",
        scope=all_of(subject("layers.MaxPooling3D"), asks("*gradient/*")),
        effect=Value({"layers.MaxPooling.pooled": last_misplaced}, GRADIENTS),
        witnesses=(
            draft_layer("layers.MaxPooling3D", {"pool_size": [2, 3, 1], "strides": 1}, [VOLUME]),
            draft_layer("layers.MaxPooling3D", {"pool_size": [1, 2, 3], "strides": 1}, [VOLUME]),
            draft_layer("layers.MaxPooling3D", {}, [recipe("ties", 2, 4, 4, 4, 2)]),
        ),
    ),
)
"""What the plain JavaScript backend does."""

ONLY_WASM = (
    deviation(
        "tfjs-wasm-max-pooling-of-nan",
        "The largest number of a window with NaN is −∞, another one of the window, or right, by where in "
        "the window the NaN is.",
        kind="bug",
        source=f"{WASM}/kernels/MaxPool.js (src/cc/kernels/MaxPool.cc:83: XNNPACK compares in pairs, and its "
        "clamp gives the lower limit for NaN)",
        upstream=searched("wasm maxPool avgPool NaN input returns -Infinity"),
        remedy="Check for NaN before the layer.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=all_of(subject(*FLAT_MAX), given_nan),
        effect=Unpredictable(
            Verdict.DIVERGES,
            ("output/0", "training/output/0", "reconstructed/output/0"),
            "expected",
        ),
        witnesses=(draft_layer("layers.MaxPooling1D", {"pool_size": 3, "strides": 1}, [NAN_FIRST]),),
    ),
    deviation(
        "tfjs-wasm-max-pooling-gradient",
        "The last of several largest elements of a window gets the gradient, where Keras gives it to the "
        "first; and windows whose largest number is not positive and normal get none, or the first element "
        "of the whole batch gets theirs.",
        kind="bug",
        source=f"{WASM}/kernels/MaxPoolGrad.js (src/cc/kernels/MaxPoolGrad.cc:76: a maximum begins with "
        "std::numeric_limits<float>::min(), at place 0)",
        upstream=searched("wasm max pool gradient MaxPoolGrad wrong"),
        remedy="Train on another backend, then run on this one.",
        since="tfjs-backend-wasm 4.6.0 (2023)",
        scope=all_of(subject(*FLAT_MAX), asks("*gradient/*")),
        effect=Value({"layers.MaxPooling.pooled": partial(last_normal, -math.inf)}, GRADIENTS),
        witnesses=(
            draft_layer("layers.MaxPooling1D", {}, [SERIES]),
            draft_layer("layers.MaxPooling2D", {"pool_size": 3, "strides": 1}, [TIES]),
        ),
    ),
    deviation(
        "tfjs-wasm-max-pooling3d-is-positive",
        "In three dimensions a maximum begins with 1.18e-38, the smallest normal number: windows without "
        "positive numbers give that, and their gradient is lost or goes to the first element of the whole "
        "batch.",
        kind="bug",
        source=f"{WASM}/kernels/MaxPool3D.js (src/cc/kernels/MaxPool3D.cc:73 and MaxPool3DGrad.cc:77: "
        "std::numeric_limits<float>::min())",
        upstream=searched("maxPool3d wasm negative values wrong result"),
        remedy="Put the layer behind a rectifier, or add a constant before it and subtract it after.",
        since="tfjs-backend-wasm 4.3.0 (2023)",
        scope=subject("layers.MaxPooling3D"),
        effect=Value({"layers.MaxPooling.pooled": partial(last_normal, SMALLEST_NORMAL)}),
        witnesses=(
            draft_layer("layers.MaxPooling3D", {}, [recipe("all_negative", 2, 4, 3, 2, 2)]),
            draft_layer("layers.MaxPooling3D", {"strides": 1}, [recipe("ties", 2, 4, 3, 2, 2)]),
        ),
    ),
)
"""What the WebAssembly backend does."""
