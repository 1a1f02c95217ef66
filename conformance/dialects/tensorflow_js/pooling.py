"""Pooling layers of TensorFlow.js: arguments that they do not know, windows that lie elsewhere, and
gradients that go elsewhere."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import msgspec
import numpy as np

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.determinism import asked_again
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import (
    GRADIENTS,
    OUTPUTS,
    Deviation,
    Raises,
    Scope,
    Unpredictable,
    Value,
    everywhere,
    subject,
)
from conformance.dialects.pooling import last_of_largest, pooled
from conformance.dialects.scopes import (
    all_of,
    any_of,
    asks,
    channels_first,
    given_mask,
    given_nan,
    given_special_values,
    sets,
    spatial_sizes,
    without,
)
from conformance.dialects.tensorflow_js.configuration import unread
from conformance.dialects.tensorflow_js.layers import NON_NEGATIVE
from conformance.dialects.tensorflow_js.record import (
    CORE,
    CPU,
    LAYERS,
    NUMERIC,
    WASM,
    deviation,
    issue,
    searched,
)
from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.average_pooling import AveragePooling
from conformance.reference_impl.layers.convolution import output_length
from conformance.reference_impl.layers.max_pooling import MaxPooling
from conformance.reference_impl.layers.pooling import Pooling
from conformance.reference_impl.primitives import (
    broadcast_to,
    divide,
    greater_equal,
    largest_number,
    maximum,
    multiply,
    pad,
    scatter_add,
    take_slice,
    total,
    transpose,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, variable, vjp
from conformance.verdicts import Verdict

FLAT_MAX = ("layers.MaxPooling1D", "layers.MaxPooling2D")
FLAT_AVERAGE = ("layers.AveragePooling1D", "layers.AveragePooling2D")
SOLID = ("layers.AveragePooling3D", "layers.MaxPooling3D")
GLOBAL_MAX = ("layers.GlobalMaxPooling1D", "layers.GlobalMaxPooling2D")
GLOBAL_AVERAGE = ("layers.GlobalAveragePooling1D", "layers.GlobalAveragePooling2D")
ONE_DIMENSION = tuple(f"layers.{name}Pooling1D" for name in ("Average", "GlobalAverage", "GlobalMax", "Max"))

TRANSPOSED_POOLING = (*SOLID, "layers.AveragePooling2D", "layers.MaxPooling2D")
"""Layers that transpose an input with channels first."""

SMALLEST_NORMAL = IEEE_FLOAT32.smallest_normal
"""`std::numeric_limits<float>::min()`, with which kernels in C++ begin a maximum."""


CENTRED = Literal((1, 17), tuple(map(float, (0, 0, 3, -1, 0, 0, 4, 1, -3, -4, 2, 4, -3, 0, -1, -2, 0))))
"""The sum is 0, that of its seventeenths is not."""


def sum_of_quotients(original: Any, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return total(divide(x, float(math.prod(x.shape[axis] for axis in axes))), axis=axes, keepdims=True)


def pooled_without_gradient_of_nothing(original: Any, layer: MaxPooling, x: Tensor) -> Tensor:
    """No element of a window that is −∞ throughout gets a gradient."""
    y = original(layer, x)
    return where(Tensor((y.value == -math.inf).astype(y.dtype)), -math.inf, y)


def given_negative_infinity(case: Case, data: Data) -> bool:
    return bool(np.isneginf(data.inputs[0]).any())


def pools_inner_axes(case: Case, data: Data) -> bool:
    """Global pooling over axes behind which there are others."""
    in_line = case.subject.endswith("1D")
    return case.subject in (*GLOBAL_MAX, *GLOBAL_AVERAGE) and (in_line or not channels_first(case, data))


def pooling(case: Case) -> Pooling:
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    assert isinstance(layer, Pooling)
    return layer


def space(layer: Layer, x: Array) -> tuple[int, ...]:
    """The spatial dimensions of an input."""
    spatial: tuple[int, ...] = x.shape[1:-1]
    return x.shape[2:] if layer.config["data_format"] == "channels_first" else spatial


def edges(layer: Pooling, spatial: tuple[int, ...]) -> list[tuple[int, int]]:
    """How many zeros there are before and after each axis; below 0 where strides pass over the end."""
    needed = [
        (-(-n // stride) - 1) * stride + size - n
        for n, size, stride in zip(spatial, layer.pool_size, layer.strides, strict=True)
    ]
    return [(n // 2, n - n // 2) for n in needed]


def windows_over_channels(case: Case, data: Data) -> int:
    """How many windows there are, by the formula, along the axis that the layer takes for steps."""
    layer = pooling(case)
    steps = data.inputs[0].shape[1]
    found = output_length(steps, layer.pool_size[0], layer.strides[0], 1, layer.padding)
    assert found is not None  # the steps are known
    return found


def leaves_nothing(case: Case, data: Data) -> bool:
    return windows_over_channels(case, data) == 0


def leaves_less_than_nothing(case: Case, data: Data) -> bool:
    return windows_over_channels(case, data) < 0


def steps_over_the_end(case: Case, data: Data) -> bool:
    """With padding "same" an axis is longer than its windows reach."""
    if case.subject not in SOLID or case.config.get("padding") != "same":
        return False
    layer = pooling(case)
    return any(before < 0 for before, _ in edges(layer, space(layer, data.inputs[0])))


def cuts_windows(case: Case, data: Data) -> bool:
    """With padding "same" a window of an average reaches over an edge."""
    if not case.subject.startswith("layers.Average") or case.config.get("padding") != "same":
        return False
    layer = pooling(case)
    shape = data.inputs[0].shape
    spatial = shape[1:-1] if case.subject in ONE_DIMENSION else space(layer, data.inputs[0])
    return any(after > 0 for _, after in edges(layer, spatial))


def ties_or_nan(case: Case, data: Data) -> bool:
    """A channel has its largest element twice, or is NaN somewhere."""
    if case.subject not in GLOBAL_MAX or not data.inputs[0].size:
        return False
    x = data.inputs[0]
    first = channels_first(case, data) and case.subject not in ONE_DIMENSION
    axes = tuple(range(2, x.ndim)) if first else tuple(range(1, x.ndim - 1))
    return bool(((x == x.max(axis=axes, keepdims=True)).sum(axis=axes) != 1).any())


def shifted(original: Any, layer: Pooling, x: Tensor) -> Tensor:
    """Where padding is less than none, so many elements are passed over."""
    around = edges(layer, x.shape[1:-1])
    inner = [
        slice(max(-before, 0), n - max(-after, 0))
        for n, (before, after) in zip(x.shape[1:-1], around, strict=True)
    ]
    x = take_slice(x, key=(slice(None), *inner))
    return pad(x, widths=((0, 0), *((max(before, 0), max(after, 0)) for before, after in around), (0, 0)))


class SharedAmongAll(Composite):
    """An average whose gradient is divided by the size of the whole window, also where it is cut."""

    def compose(self, x: Tensor, *, layer: AveragePooling, average: Any) -> Tensor:
        y: Tensor = average(layer, x)
        return y

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, layer: AveragePooling, average: Any
    ) -> Tensor:
        source = variable(x.value)
        taps = layer.taps(source)
        (summed,) = vjp([total(taps, axis=(taps.ndim - 2,))], [cotangent], [source])
        return multiply(summed, 1 / math.prod(layer.pool_size))


shared_among_all = SharedAmongAll()


def averaged(original: Any, layer: AveragePooling, x: Tensor) -> Tensor:
    return shared_among_all(x, layer=layer, average=original)


def averaged_and_clamped(original: Any, layer: AveragePooling, x: Tensor) -> Tensor:
    """−∞ where the mean is NaN."""

    def clamped(layer: AveragePooling, x: Tensor) -> Tensor:
        y = original(layer, x)
        return where(Tensor(xp.isnan(y.value).astype(y.dtype)), -math.inf, y)

    return shared_among_all(x, layer=layer, average=clamped)


class GivenToEach(Composite):
    """The largest element along an axis; each of those that tie is given the whole cotangent."""

    def compose(self, x: Tensor, *, axis: int, largest: Any) -> Tensor:
        y: Tensor = largest(x, axis)
        return y

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int, largest: Any
    ) -> Tensor:
        return multiply(greater_equal(x, broadcast_to(out, shape=x.shape)), cotangent)


given_to_each = GivenToEach()


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


def average_gradient(elsewhere: Scope = everywhere) -> Deviation:
    """The entry about windows that are cut at the edges.

    Args:
        elsewhere: what else the scope asks, where a kernel does otherwise on some data.
    """
    return deviation(
        "tfjs-average-pooling-gradient-at-edges",
        "With padding same the gradient of a window that is cut at an edge is divided by the size of the "
        "whole window, where the mean was of fewer: gradients at the edges are too small. Only training "
        "meets it.",
        kind="bug",
        source=f"{CPU}/kernels/AvgPoolGrad.js:37, AvgPool3DGrad.js:41 (avgMultiplier); the same in "
        "@tensorflow/tfjs-backend-wasm src/cc/kernels/AvgPoolGrad.cc:72, AvgPool3DGrad.cc:73",
        upstream=searched("avgPool gradient padding same edges wrong avgPoolGrad"),
        remedy="Pad with zeros of your own, and use valid.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(cuts_windows, elsewhere),
        effect=Value({"layers.AveragePooling.pooled": averaged}, GRADIENTS),
        witnesses=(
            draft_layer(
                "layers.AveragePooling2D", {"pool_size": 3, "strides": 1, "padding": "same"}, [IMAGE]
            ),
            draft_layer("layers.AveragePooling3D", {"pool_size": 2, "padding": "same"}, [VOLUME]),
        ),
    )


SERIES = recipe("normal", 2, 7, 3)
IMAGE = recipe("normal", 2, 7, 6, 3)
VOLUME = recipe("normal", 2, 5, 3, 4, 2)
TIES = recipe("ties", 2, 7, 6, 3)
WINDOWS_IN_LINE = subject("layers.AveragePooling1D", "layers.MaxPooling1D")
FAR_FEWER = draft_layer(
    "layers.MaxPooling1D",
    {"pool_size": 4, "strides": 1, "data_format": "channels_first"},
    [recipe("normal", 2, 2, 7)],
)
NAN_FIRST = Literal((1, 4, 1), ("nan", 1.0, 2.0, 0.0))

DEVIATIONS = (
    unread(
        "pooling-keepdims",
        ("keepdims",),
        subject(*GLOBAL_AVERAGE, *GLOBAL_MAX),
        "keepdims is not known to global pooling; the configuration does not tell it.",
        "layers/pooling.js:422 (GlobalPooling1D), :467 (GlobalPooling2D)",
        searched("globalAveragePooling2d keepdims ignored converted model"),
        (
            draft_layer("layers.GlobalMaxPooling2D", {}, [IMAGE], once=True),
            draft_layer("layers.GlobalAveragePooling1D", {"keepdims": True}, [SERIES]),
        ),
        since="keras 2.6.0 (2021)",
    ),
    unread(
        "pooling-1d-data-format",
        ("data_format",),
        subject(*ONE_DIMENSION),
        "data_format is not known to pooling in one dimension; the configuration does not tell it.",
        "layers/pooling.js:120 (Pooling1D), :422 (GlobalPooling1D)",
        searched("maxPooling1d averagePooling1d dataFormat channelsFirst not supported"),
        (
            draft_layer("layers.MaxPooling1D", {}, [SERIES], once=True),
            draft_layer("layers.GlobalMaxPooling1D", {}, [SERIES]),
        ),
        since="keras 2.2.3 (2018)",
    ),
    deviation(
        "tfjs-pooling-1d-channels-last",
        "Pooling in one dimension takes the channels to be last, whatever data_format says: a model with "
        "channels first pools over its channels, and where those are fewer than a window is long, nothing is "
        "left.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:120 (Pooling1D), :422 (GlobalPooling1D)",
        upstream=searched("maxPooling1d averagePooling1d dataFormat channelsFirst not supported"),
        remedy="Permute around the layer.",
        converted="permutes around it",
        since="keras 2.2.3 (2018)",
        scope=all_of(subject(*ONE_DIMENSION), channels_first),
        effect=Value(
            {
                "layers.acting_format": lambda original, layer: "channels_last",
                "layers.Pooling.leave_nothing": lambda original, positions: False,
            }
        ),
        witnesses=(
            draft_layer("layers.MaxPooling1D", {"data_format": "channels_first"}, [SERIES]),
            draft_layer("layers.GlobalAveragePooling1D", {"data_format": "channels_first"}, [SERIES]),
        ),
    ),
    deviation(
        "tfjs-global-pooling-drops-space",
        "Global pooling drops the spatial dimensions also with keepdims.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:422 (GlobalPooling1D), :467 (GlobalPooling2D)",
        upstream=searched("globalAveragePooling2d keepdims ignored converted model"),
        remedy="Put a Reshape behind it.",
        converted="puts a Reshape behind it",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject(*GLOBAL_AVERAGE, *GLOBAL_MAX), sets("keepdims")),
        effect=Value({"layers.GlobalPooling.keeps_space": lambda original, layer: False}),
        witnesses=(draft_layer("layers.GlobalMaxPooling2D", {"keepdims": True}, [IMAGE]),),
    ),
    deviation(
        "tfjs-global-average-pooling-ignores-mask",
        "Masked steps count in the mean; Keras leaves them out. A model that pools padded sequences "
        "computes something else.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:441 (GlobalAveragePooling1D.call never reads `mask`)",
        upstream=searched("globalAveragePooling1d mask masking embedding maskZero ignored"),
        remedy="Write the masked mean out: multiply by the mask, sum, and divide by the number of steps "
        "that count.",
        since="keras 2.2.3 (2018)",
        scope=all_of(subject("layers.GlobalAveragePooling1D"), given_mask),
        effect=Value({"layers.GlobalAveragePooling1D.heeded_mask": lambda original, context: None}),
        witnesses=(
            draft_layer(
                "layers.GlobalAveragePooling1D",
                {},
                [SERIES],
                masks=[recipe("mask_right_padded", 2, 7, dtype="bool")],
            ),
        ),
    ),
    deviation(
        "tfjs-global-max-pooling-gradient-at-ties",
        "Each of several elements that are the largest gets the whole gradient, which Keras divides among "
        "them; where the largest is NaN they get 0, not NaN. Only training meets it.",
        kind="bug",
        source=f"{CORE}/gradients/min_max_grad_util.js:34 (gradForMinAndMax)",
        upstream=searched("globalMaxPooling max gradient ties multiple maximum"),
        remedy="Nothing need be done, unless many elements tie, as behind a ReLU.",
        since="tfjs-core 0.13.4 (2018)",
        scope=all_of(ties_or_nan, asks("*gradient/*")),
        effect=Value(
            {
                "layers.GlobalMaxPooling.largest_place": lambda original, x, axis: given_to_each(
                    x, axis=axis, largest=original
                )
            },
            GRADIENTS,
        ),
        witnesses=(draft_layer("layers.GlobalMaxPooling2D", {}, [TIES]),),
    ),
    deviation(
        "tfjs-pooling3d-same-with-gaps",
        "In three dimensions with padding same and strides larger than the window, windows may begin one or "
        "more elements late: half of what lies between the last window and the end is passed over first.",
        kind="bug",
        source=f"{CORE}/ops/conv_util.js:327 (get3DPadAndOutInfo: padding is not kept from below 0)",
        upstream=searched(
            "conv3d same padding strides get3DPadAndOutInfo negative padding differs from TensorFlow"
        ),
        remedy="Crop the input and use valid.",
        since="tfjs-layers 1.2.8 (2019)",
        scope=steps_over_the_end,
        effect=Value({"layers.Pooling.framed": shifted}),
        witnesses=(
            draft_layer(
                "layers.MaxPooling3D",
                {"pool_size": 2, "strides": 3, "padding": "same"},
                [recipe("normal", 1, 6, 7, 5, 2)],
            ),
        ),
    ),
)
"""What every backend does."""

ONLY_CPU = (
    average_gradient(),
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
        "tfjs-cpu-pooling-over-far-fewer-channels",
        "Pooling in one dimension over channels that come first is refused where those are fewer than a "
        "window is long by more than a stride.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:120 (Pooling1D)",
        upstream=searched("maxPooling1d averagePooling1d dataFormat channelsFirst not supported"),
        remedy="Permute around the layer.",
        since="keras 2.2.3 (2018)",
        scope=all_of(WINDOWS_IN_LINE, channels_first, leaves_less_than_nothing),
        effect=Raises("invalid-argument", "call", NUMERIC, "comprised of positive integers but got shape"),
        witnesses=(FAR_FEWER,),
    ),
    deviation(
        "tfjs-cpu-mean-of-quotients",
        "A mean, in global average pooling and in normalization, is that of every element divided, and then "
        "added: it rounds as often as there are elements, where a sum of small integers would be exact.",
        kind="precision",
        source=f"{CPU}/kernels/Mean.js:33 (mean: div before sum)",
        upstream=searched("globalAveragePooling mean precision float sum rounding cpu backend"),
        remedy="Nothing need be done, but where integers have to be exact.",
        since="tfjs-core 0.5.0 (2018)",
        scope=subject(*GLOBAL_AVERAGE, "layers.BatchNormalization", "layers.LayerNormalization"),
        effect=Value({"layers.averaged": sum_of_quotients}),
        witnesses=(
            draft_layer("layers.GlobalAveragePooling1D", {}, [recipe("lattice", 3, 7, 8)]),
            draft_layer("layers.LayerNormalization", {}, [CENTRED]),
            draft_layer("layers.LayerNormalization", {"beta_constraint": NON_NEGATIVE}, [CENTRED]),
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


LEAVES_NO_WINDOW = all_of(WINDOWS_IN_LINE, channels_first, any_of(leaves_nothing, leaves_less_than_nothing))

without_windows = partial(
    deviation,
    kind="bug",
    source=f"{WASM}/kernels/AvgPool.js, MaxPool.js (src/cc/kernels/AvgPool.cc, MaxPool.cc: XNNPACK's "
    "compute_output_dimension subtracts unsigned numbers, and finds 2³² / stride windows)",
    upstream=issue(8407),
    remedy="Permute around the layer.",
    since="tfjs-backend-wasm 1.4.0 (2019)",
)

ONLY_WASM = (
    average_gradient(without(all_of(subject(*FLAT_AVERAGE), given_special_values))),
    deviation(
        "tfjs-wasm-average-pooling-of-nan",
        "The average of a window with NaN, or with infinities of both signs, is −∞ in one and two "
        "dimensions, so that a NaN upstream goes unnoticed.",
        kind="bug",
        source=f"{WASM}/kernels/AvgPool.js (src/cc/kernels/AvgPool.cc:84: XNNPACK's clamp gives its lower "
        "limit for NaN)",
        upstream=searched("wasm maxPool avgPool NaN input returns -Infinity"),
        remedy="Check for NaN before the layer.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=all_of(subject(*FLAT_AVERAGE), given_special_values),
        effect=Value({"layers.AveragePooling.pooled": averaged_and_clamped}),
        witnesses=(draft_layer("layers.AveragePooling1D", {"pool_size": 2, "strides": 1}, [NAN_FIRST]),),
    ),
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
    deviation(
        "tfjs-wasm-pooling-over-far-fewer-channels-aborts",
        "Pooling in one dimension over channels that come first, and are fewer than a window is long by more "
        "than a stride, aborts the program.",
        kind="bug",
        source=f"{WASM}/kernels/AvgPool.js, MaxPool.js (makeOutput of a shape with -1)",
        upstream=issue(8407),
        remedy="Permute around the layer.",
        since="tfjs-backend-wasm 1.4.0 (2019)",
        scope=all_of(WINDOWS_IN_LINE, channels_first, leaves_less_than_nothing),
        effect=Unpredictable(Verdict.CRASHED, NUMERIC, "Aborted()"),
        witnesses=(msgspec.structs.replace(FAR_FEWER, observables=("output/0",)),),
    ),
    without_windows(
        "tfjs-wasm-pooling-over-fewer-channels-traps",
        "Pooling in one dimension over channels that come first, and are fewer than a window is long, has "
        "nothing to compute: it reads and writes memory that is not its own, and traps. Permute around the "
        "layer.",
        scope=LEAVES_NO_WINDOW,
        effect=Unpredictable(Verdict.RAISES, NUMERIC, "internal at call: "),
        witnesses=(
            draft_layer(
                "layers.AveragePooling1D",
                {"pool_size": 4, "data_format": "channels_first"},
                [recipe("normal", 2, 3, 7)],
            ),
            draft_layer(
                "layers.MaxPooling1D",
                {"pool_size": 4, "data_format": "channels_first"},
                [recipe("normal", 2, 3, 7)],
            ),
        ),
    ),
    without_windows(
        "tfjs-wasm-pooling-over-fewer-channels-ends-program",
        "Pooling in one dimension over channels that come first, and are fewer than a window is long, may "
        "end the program, where a call before has written into memory that is not its own.",
        scope=LEAVES_NO_WINDOW,
        effect=Unpredictable(Verdict.CRASHED, NUMERIC, "memory access out of bounds"),
        witnesses=(
            asked_again(
                draft_layer(
                    "layers.MaxPooling1D", {"data_format": "channels_first"}, [recipe("normal", 4, 1, 8)]
                )
            ),
        ),
    ),
)
"""What the WebAssembly backend does."""
