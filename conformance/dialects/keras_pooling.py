"""What pooling layers of Keras 3.15 on TensorFlow 2.21 do otherwise, on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.arguments import said_of
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.convolution import computed_elsewhere
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
from conformance.dialects.keras_record import CALL, NO_KERNEL, TENSORFLOW, in_keras, in_tensorflow, searched
from conformance.dialects.pooling import first_inside, pooled
from conformance.dialects.scopes import (
    all_of,
    asks,
    channels_first,
    given_empty_batch,
    given_nan,
    given_special_values,
    spatial_sizes,
    without,
)
from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.average_pooling import AveragePooling
from conformance.reference_impl.layers.convolution import same_padding
from conformance.reference_impl.layers.max_pooling import MaxPooling
from conformance.reference_impl.layers.pooling import Pooling
from conformance.reference_impl.patches import patched
from conformance.reference_impl.primitives import (
    absolute,
    affine,
    broadcast_to,
    greater,
    largest_number,
    maximum,
    pad,
    subtract,
    take_slice,
    transpose,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, detached
from conformance.verdicts import Verdict

LOWEST = -IEEE_FLOAT32.largest
"""What TensorFlow begins a maximum with, and what it fills the edges with."""

NEAR = 1e-5
"""How near to the largest element of a window an element in three dimensions has to be, to be given the
gradient."""


def begun_with_lowest(original: Any, layer: MaxPooling, x: Tensor) -> Tensor:
    """Nothing is less than the lowest finite number; of a window that begins with NaN, that NaN is given the
    gradient."""
    inside = layer.inside(x)

    def route(cotangent: Tensor, out: Tensor, taps: Tensor) -> Tensor:
        axis = taps.ndim - 2
        nan_first = first_inside(inside.value) * xp.isnan(taps.value)
        others = where(Tensor(nan_first.any(axis=axis, keepdims=True).astype(x.dtype)), 0.0, cotangent)
        numbers = where(inside, taps, math.nan)
        chosen = largest_number.vjp(0, others, largest_number(numbers, axis=axis), numbers, axis=axis)
        return where(Tensor(nan_first.astype(x.dtype)), cotangent, chosen)

    return pooled(layer, x, partial(not_below_lowest, inside), route)


def not_below_lowest(inside: Tensor, taps: Tensor) -> Tensor:
    return maximum(largest_number(where(inside, taps, math.nan), axis=taps.ndim - 2), LOWEST)


def one_by_one(inside: Tensor, taps: Tensor) -> Tensor:
    """The largest tap so far is kept if it is greater than the next one, which a NaN never is, and which is
    never greater than a NaN."""
    axis = taps.ndim - 2
    framed = where(inside, taps, LOWEST)
    columns = [
        take_slice(framed, key=(*(slice(None),) * axis, slice(k, k + 1))) for k in range(taps.shape[axis])
    ]
    largest = columns[0]
    for column in columns[1:]:
        largest = where(greater(largest, column), largest, column)
    return largest


def near_the_largest(cotangent: Tensor, out: Tensor, taps: Tensor) -> Tensor:
    """Every element near the largest is given the whole cotangent."""
    distance = absolute(subtract(taps, broadcast_to(out, shape=taps.shape)))
    return where(greater(NEAR, distance), cotangent, 0.0)


def in_three_dimensions(
    largest: Callable[[Tensor, Tensor], Tensor], original: Any, layer: MaxPooling, x: Tensor
) -> Tensor:
    return with_gradient_near(layer, x, largest(layer.inside(x), layer.taps(detached(x))))


def with_gradient_near(layer: MaxPooling, x: Tensor, largest: Tensor) -> Tensor:
    """These numbers as the largest of the windows (…, 1, channels); what is near them in a window, as it is
    taken to be on the way back, is given the gradient."""
    return pooled(*as_reached(layer, x), lambda taps: detached(largest), near_the_largest)


def as_reached(layer: MaxPooling, x: Tensor) -> tuple[MaxPooling, Tensor]:
    """The windows that are taken for those of the layer on the way back, and the input with its edges: those
    that are longer than the input, and begin before it, all end with it or later."""
    if layer.padding == "valid":
        return layer, x
    sizes, edges = [], []
    for n, size, stride in zip(x.shape[1:-1], layer.pool_size, layer.strides, strict=True):
        before, after = same_padding(n, size, stride, 1)
        longer = before if size > n else 0
        sizes.append(size + longer)
        edges.append((before, after + longer))
    windows = type(layer)(pool_size=sizes, strides=layer.strides, padding="valid")
    return windows, pad(x, widths=((0, 0), *edges, (0, 0)))


def near_those_of_others(
    largest: Callable[[Tensor, Tensor], Tensor], original: Any, layer: MaxPooling, x: Tensor
) -> Tensor:
    """What is near the largest element of a centred window is looked for where windows begin at the first
    element."""
    with patched({"layers.Pooling.framed": windows_centred}):
        found = largest(layer.inside(x), layer.taps(detached(x)))
    return with_gradient_near(layer, x, found)


def reached(n: int, size: int, stride: int) -> Array:
    """(positions, n): what each window, with padding same, is taken to reach on the way back, divided by how
    many that are. One that is cut at its beginning, and would pass the end if it began there, has all."""
    positions = -(-n // stride)
    before = max((positions - 1) * stride + size - n, 0) // 2
    weights = np.zeros((positions, n))
    for position in range(positions):
        first = position * stride - before
        begin = max(first, 0)
        count = min(n - begin, size) if begin + size > n else size + first - begin
        weights[position, begin : begin + count] = 1 / count
    return weights


class ReachingTheEnd(Composite):
    """The means of windows; their cotangents go to what the windows are taken to reach."""

    def compose(self, x: Tensor, *, layer: AveragePooling, original: Any) -> Tensor:
        y: Tensor = original(layer, x)
        return y

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        *,
        layer: AveragePooling,
        original: Any,
    ) -> Tensor:
        for axis, (n, size, stride) in enumerate(
            zip(x.shape[1:-1], layer.pool_size, layer.strides, strict=True), start=1
        ):
            last = (*(i for i in range(x.ndim) if i != axis), axis)
            back = tuple(sorted(range(x.ndim), key=last.__getitem__))
            weights = Tensor(xp.asarray(reached(n, size, stride), dtype=x.dtype))
            cotangent = transpose(affine(transpose(cotangent, axes=last), weights), axes=back)
        return cotangent


reaching_the_end = ReachingTheEnd()


def averages_reaching_the_end(original: Any, layer: AveragePooling, x: Tensor) -> Tensor:
    return reaching_the_end(x, layer=layer, original=original)


def passed_over(layer: Pooling, spatial: tuple[int, ...]) -> tuple[int, ...]:
    """The elements of each dimension before the first window, where half of what lies between windows and the
    end comes before it."""
    covered = (
        (-(-n // stride) - 1) * stride + size
        for n, size, stride in zip(spatial, layer.pool_size, layer.strides, strict=True)
    )
    return tuple(max(n - end, 0) // 2 for n, end in zip(spatial, covered, strict=True))


def windows_centred(original: Any, layer: Pooling, x: Tensor) -> Tensor:
    """Only the gradients are those of windows that begin at the first element."""
    first = passed_over(layer, x.shape[1:-1])
    framed: Tensor = original(layer, x)
    later = take_slice(framed, key=(slice(None), *(slice(n, None) for n in first)))
    moved = pad(later, widths=((0, 0), *((0, n) for n in first), (0, 0)))
    return computed_elsewhere(framed, detached(moved))


def centres_windows(case: Case, data: Data) -> bool:
    """Padding is "same", and strides are so long that half of what is left moves the first window."""
    if case.config.get("padding") != "same":
        return False
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    assert isinstance(layer, Pooling)
    return any(passed_over(layer, spatial_sizes(case, data)))


def is_longer_than_the_input(case: Case, data: Data) -> bool:
    """With padding "same" a window is longer than the input."""
    if case.config.get("padding") != "same":
        return False
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    assert isinstance(layer, Pooling)
    return any(size > n for size, n in zip(layer.pool_size, spatial_sizes(case, data), strict=True))


def in_float64(case: Case, data: Data) -> bool:
    """The case asks for a layer of float64."""
    return case.config.get("dtype") == "float64"


def has_few_channels(case: Case, data: Data) -> bool:
    """Fewer than a vector of any processor has, which is reduced otherwise."""
    return bool(data.inputs[0].shape[1 if channels_first(case, data) else -1] < 4)


FLAT = subject("layers.MaxPooling1D", "layers.MaxPooling2D")
SOLID = subject("layers.MaxPooling3D")
ENDS = Literal((1, 5, 1), ("-inf", "-inf", 1.0, "nan", 2.0))
SOLID_ENDS = Literal((1, 5, 1, 1, 1), ENDS.data)
KERNEL_3D = "tensorflow 2.21, tensorflow/core/kernels/pooling_ops_3d.cc"

GAPS_SEARCHED = searched("tensorflow AvgPool3D padding SAME stride larger than window wrong CPU Eigen")
FIRST_ELEMENT = (
    "TensorFlow documents the padding of `same` as max((n_out - 1)*stride + window - n_in, 0), never "
    "negative; its own gradient, oneDNN, and pooling in one and two dimensions begin with the first element."
)
GAPS_CASE = draft_layer(
    "layers.MaxPooling3D",
    {"pool_size": 1, "strides": 3, "padding": "same"},
    [recipe("normal", 1, 9, 4, 6, 2)],
)

MAX_POOLING3D_SEARCHED = searched("tensorflow max_pool3d NaN CPU inconsistent result vectorized channels")


def gradients_of_max_pooling3d(elsewhere: Scope = everywhere) -> tuple[Deviation, ...]:
    """The entries about the gradient of max pooling in three dimensions."""
    gradient = all_of(SOLID, asks("*gradient/*"), without(given_special_values), elsewhere)
    effect = Value({"layers.MaxPooling.pooled": partial(in_three_dimensions, not_below_lowest)}, GRADIENTS)
    at_ties = in_tensorflow(
        id="keras-max-pooling3d-gradient-at-ties",
        summary="In three dimensions every element within 1e-5 of the largest of its window gets the whole "
        "gradient, so that it is multiplied where elements tie.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchMaxPooling3dGradOp",
        upstream=searched("tensorflow MaxPool3DGrad ties gradient multiple maxima CPU wrong"),
        remedy="Keep ties rare: pool before a rectifier, not after it.",
        since="tensorflow 0.9.0 (2016)",
        scope=all_of(gradient, without(is_longer_than_the_input)),
        effect=effect,
        witnesses=(draft_layer("layers.MaxPooling3D", {}, [recipe("ties", 1, 4, 2, 3, 2)]),),
    )
    of_longer_windows = in_tensorflow(
        id="keras-max-pooling3d-gradient-of-longer-windows",
        summary="With padding same and windows longer than the input, the gradient of MaxPooling3D goes to "
        "every element within 1e-5 of the largest of a window, also where the window ends before it.",
        kind="bug",
        source=f"tensorflow 2.21, tensorflow/core/kernels/ops_util.cc, GetBroadcastSize; {KERNEL_3D}, "
        "LaunchMaxPooling3dGradOp",
        upstream=f"{TENSORFLOW}/issues/48773 (of average pooling, which asks the same function)",
        remedy="Pool globally instead.",
        since="tensorflow 0.9.0 (2016)",
        scope=all_of(gradient, is_longer_than_the_input),
        effect=effect,
        witnesses=(
            draft_layer(
                "layers.MaxPooling3D",
                {"pool_size": [7, 6, 5], "strides": 1, "padding": "same"},
                [recipe("ties", 1, 5, 4, 3, 2)],
            ),
        ),
    )
    return at_ties, of_longer_windows


DEVIATIONS = (
    in_tensorflow(
        id="keras-max-pooling-begins-with-lowest-float",
        summary="Max pooling in one and two dimensions gives the lowest finite number, not −∞, for a window "
        "of −∞ or NaN alone; of a window that begins with NaN, that NaN gets the gradient.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/maxpooling_op.cc, SpatialMaxPool and "
        "SpatialMaxPoolWithArgMaxHelper",
        upstream=f"{TENSORFLOW}/issues/2501",
        remedy="Check for NaN and infinities before the layer.",
        since="tensorflow 0.5.0 (2015)",
        scope=all_of(FLAT, given_special_values),
        effect=Value({"layers.MaxPooling.pooled": begun_with_lowest}),
        witnesses=(draft_layer("layers.MaxPooling1D", {"pool_size": 2, "strides": 1}, [ENDS]),),
    ),
    in_tensorflow(
        id="keras-average-pooling-gradient-of-longer-windows",
        summary="With padding same and windows longer than the input, the gradient of an average goes to "
        "all of the input, also where the window ends before it does.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/ops_util.cc, GetBroadcastSize; "
        "avgpooling_op.cc, pooling_ops_3d.cc",
        upstream=f"{TENSORFLOW}/issues/48773",
        remedy="Pool globally instead.",
        since="tensorflow 0.5.0 (2015)",
        scope=all_of(subject(*(f"layers.AveragePooling{n}D" for n in (1, 2, 3))), is_longer_than_the_input),
        effect=Value({"layers.AveragePooling.pooled": averages_reaching_the_end}, GRADIENTS),
        witnesses=(
            draft_layer(
                "layers.AveragePooling2D",
                {"pool_size": [7, 6], "strides": 1, "padding": "same"},
                [recipe("normal", 1, 5, 4, 2)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-average-pooling3d-no-float64",
        summary="AveragePooling3D has no kernel for float64 on a CPU.",
        kind="bug",
        source="tensorflow 2.21, the kernels registered for the operation AvgPool3D on a CPU",
        upstream=f"{TENSORFLOW}/issues/48644",
        remedy="Keep the layer in float32.",
        since="tensorflow 0.9.0 (2016)",
        scope=all_of(subject("layers.AveragePooling3D"), in_float64),
        effect=Raises("missing-kernel", "call", CALL, "Could not find device for node"),
        witnesses=(
            said_of(
                draft_layer("layers.AveragePooling3D", {"pool_size": 1}, [SOLID_ENDS]), {"dtype": "float64"}
            ),
        ),
        stands=NO_KERNEL,
    ),
    in_tensorflow(
        id="keras-max-pooling3d-no-float64",
        summary="MaxPooling3D is not defined for float64.",
        kind="intentional",
        source="tensorflow 2.21, the operation MaxPool3D, whose attribute T is half, bfloat16 or float",
        upstream=f"{TENSORFLOW}/issues/48644",
        remedy="Keep the layer in float32.",
        since="tensorflow 1.2.0 (2017)",
        scope=all_of(subject("layers.MaxPooling3D"), in_float64),
        effect=Raises("invalid-argument", "call", CALL, "not in the list of allowed values"),
        witnesses=(
            said_of(draft_layer("layers.MaxPooling3D", {"pool_size": 1}, [SOLID_ENDS]), {"dtype": "float64"}),
        ),
    ),
    in_keras(
        id="keras-global-max-pooling-empty-batch",
        summary="Global max pooling refuses an empty batch.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py:750, max",
        upstream=searched("keras GlobalMaxPooling empty batch Cannot compute the max of an empty tensor"),
        remedy="Do not call the model with an empty batch.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*(f"layers.GlobalMaxPooling{n}D" for n in (1, 2, 3))), given_empty_batch),
        effect=Raises(
            "invalid-argument",
            "call",
            CALL,
            "Cannot compute the max of an empty tensor",
        ),
        witnesses=(draft_layer("layers.GlobalMaxPooling1D", {}, [recipe("normal", 0, 3, 2)]),),
        stands="The other pooling layers of Keras give an empty batch back, and TensorFlow.js does here too: "
        "a gradient that it refuses, it refuses for the dimensions that keepdims should have kept.",
    ),
)
"""With and without oneDNN."""

PLAIN = (
    *gradients_of_max_pooling3d(without(centres_windows)),
    in_tensorflow(
        id="keras-max-pooling3d-gradient-with-gaps",
        summary="With padding same and strides longer than the window by two or more, the gradient of "
        "MaxPooling3D goes to what is within 1e-5 of the largest in windows that begin at the first element, "
        "and not to those that the largest is of: mostly to none.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchMaxPooling3dGradOp",
        upstream=GAPS_SEARCHED,
        remedy="Use padding valid.",
        since="tensorflow 2.5.0 (2021)",
        scope=all_of(SOLID, asks("*gradient/*"), without(given_special_values), centres_windows),
        effect=Value(
            {"layers.MaxPooling.pooled": partial(near_those_of_others, not_below_lowest)}, GRADIENTS
        ),
        witnesses=(GAPS_CASE,),
    ),
    in_tensorflow(
        id="keras-max-pooling3d-same-with-gaps",
        summary="With padding same and strides longer than the window by two or more, the first window of "
        "MaxPooling3D does not begin at the first element, as that of MaxPooling2D does: half of what is "
        "left at the end comes before.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchPoolingOp: Eigen's CuboidMaxPooling with PADDING_SAME makes the padding "
        "negative",
        upstream=GAPS_SEARCHED,
        remedy="Use padding valid.",
        stands=FIRST_ELEMENT,
        since="tensorflow 2.5.0 (2021)",
        scope=all_of(SOLID, centres_windows),
        effect=Value(
            {"layers.Pooling.framed": windows_centred},
            OUTPUTS,
        ),
        witnesses=(GAPS_CASE,),
    ),
    in_tensorflow(
        id="keras-average-pooling3d-same-with-gaps",
        summary="With padding same and strides longer than the window by two or more, the first window of "
        "AveragePooling3D does not begin at the first element, as that of AveragePooling2D does: half of "
        "what is left at the end comes before. The gradient is that of windows that do.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchPoolingOp: Eigen's CuboidAvgPooling with PADDING_SAME makes the padding "
        "negative",
        upstream=searched(
            "tensorflow AvgPool3D padding SAME stride larger than window wrong result CPU Eigen"
        ),
        remedy="Use padding valid.",
        stands=FIRST_ELEMENT,
        since="tensorflow 2.5.0 (2021)",
        scope=all_of(subject("layers.AveragePooling3D"), centres_windows),
        effect=Value({"layers.Pooling.framed": windows_centred}),
        witnesses=(
            draft_layer(
                "layers.AveragePooling3D",
                {"pool_size": 1, "strides": 3, "padding": "same"},
                [recipe("normal", 1, 9, 4, 6, 2)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-average-pooling3d-skips-nan",
        summary="In three dimensions a NaN may count as lying outside of the input, in channels that are "
        "computed together, as many as the processor takes: it goes unnoticed there.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/eigen_pooling.h:287, AvgPoolMeanReducer (pequal: an "
        "unordered comparison is true of NaN)",
        upstream=searched("tensorflow avg_pool3d NaN ignored CPU AvgPoolMeanReducer"),
        remedy="Check for NaN before the layer.",
        since="tensorflow 0.9.0 (2016)",
        scope=all_of(subject("layers.AveragePooling3D"), given_nan, without(has_few_channels)),
        effect=Unpredictable(Verdict.DIVERGES, OUTPUTS, "expected nan"),
        witnesses=(
            draft_layer("layers.AveragePooling3D", {"pool_size": 2}, [recipe("one_nan", 1, 4, 2, 3, 8)]),
        ),
    ),
    in_tensorflow(
        id="keras-max-pooling3d-special-values-of-vectors",
        summary="In three dimensions what a NaN or an infinity hides in its window depends on how many "
        "channels the processor takes together.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchPoolingOp (Eigen's CuboidMaxPooling, by packets)",
        upstream=MAX_POOLING3D_SEARCHED,
        remedy="Check for NaN and infinities before the layer.",
        since="tensorflow 2.4.0 (2020)",
        scope=all_of(SOLID, given_special_values, without(has_few_channels)),
        effect=Unpredictable(
            Verdict.DIVERGES,
            (
                "output/*",
                "training/output/*",
                "reconstructed/output/*",
                "gradient/input/0",
                "training/gradient/input/0",
            ),
            "expected",
        ),
        witnesses=(
            draft_layer(
                "layers.MaxPooling3D", {"pool_size": 3, "padding": "same"}, [recipe("one_nan", 1, 4, 4, 3, 8)]
            ),
        ),
    ),
    in_tensorflow(
        id="keras-max-pooling3d-special-values",
        summary="In three dimensions a NaN hides what comes before it in its window, and is hidden by what "
        "comes after.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchPoolingOp (Eigen's CuboidMaxPooling)",
        upstream=MAX_POOLING3D_SEARCHED,
        remedy="Check for NaN and infinities before the layer.",
        since="tensorflow 0.9.0 (2016)",
        scope=all_of(SOLID, given_special_values, has_few_channels),
        effect=Value({"layers.MaxPooling.pooled": partial(in_three_dimensions, one_by_one)}, OUTPUTS),
        witnesses=(draft_layer("layers.MaxPooling3D", {"pool_size": [2, 1, 1], "strides": 1}, [SOLID_ENDS]),),
    ),
    in_tensorflow(
        id="keras-max-pooling3d-gradient-of-special-values",
        summary="In three dimensions the gradient of a window in which NaN hides others, or with an infinity "
        "for its largest, goes to what is within 1e-5 of the number found: NaN and infinities get none.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchMaxPooling3dGradOp",
        upstream=MAX_POOLING3D_SEARCHED,
        remedy="Check for NaN and infinities before the layer.",
        since="tensorflow 0.9.0 (2016)",
        scope=all_of(SOLID, asks("*gradient/*"), given_special_values, has_few_channels),
        effect=Value({"layers.MaxPooling.pooled": partial(near_those_of_others, one_by_one)}, GRADIENTS),
        witnesses=(
            draft_layer("layers.MaxPooling3D", {"pool_size": [2, 1, 1], "strides": 1}, [SOLID_ENDS]),
            draft_layer(
                "layers.MaxPooling3D",
                {"pool_size": 1, "strides": 3, "padding": "same"},
                [Literal((1, 1, 3, 1, 2), (1.0, "nan", 0.0, 0.0, 0.0, 0.0))],
            ),
        ),
    ),
)
"""Without oneDNN."""

ONE_DNN = (
    *gradients_of_max_pooling3d(),
    in_tensorflow(
        id="keras-onednn-max-pooling3d-special-values",
        summary="With oneDNN max pooling in three dimensions gives the lowest finite number, not −∞, for a "
        "window of −∞ or NaN alone; infinities get no gradient.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_maxpooling_op.cc, MklMaxPoolingOp; "
        "pooling_ops_3d.cc, LaunchMaxPooling3dGradOp",
        upstream=searched("tensorflow oneDNN max_pool3d -inf NaN lowest float MklMaxPooling"),
        remedy="Check for NaN and infinities before the layer.",
        since="tensorflow 2.9.0 (2022)",
        scope=all_of(SOLID, given_special_values),
        effect=Value({"layers.MaxPooling.pooled": partial(in_three_dimensions, not_below_lowest)}),
        witnesses=(draft_layer("layers.MaxPooling3D", {"pool_size": [2, 1, 1], "strides": 1}, [SOLID_ENDS]),),
    ),
)
"""With oneDNN."""
