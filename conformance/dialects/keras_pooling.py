"""What pooling layers of Keras 3.15 on TensorFlow 2.21 do otherwise, on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from conformance.cases.answer import Data
from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Raises, Value, subject
from conformance.dialects.keras_record import CALL, in_keras, in_tensorflow
from conformance.dialects.pooling import first_inside, pooled
from conformance.dialects.scopes import (
    all_of,
    asks,
    channels_first,
    given_empty_batch,
    given_special_values,
    without,
)
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers.max_pooling import MaxPooling
from conformance.reference_impl.primitives import (
    absolute,
    broadcast_to,
    greater,
    largest_number,
    maximum,
    subtract,
    take_slice,
    where,
)
from conformance.reference_impl.tape import Tensor

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
    return pooled(layer, x, partial(largest, layer.inside(x)), near_the_largest)


def has_few_channels(case: Case, data: Data) -> bool:
    """Fewer than a vector of any processor has, which is reduced otherwise."""
    return bool(data.inputs[0].shape[1 if channels_first(case, data) else -1] < 4)


FLAT = subject("layers.MaxPooling1D", "layers.MaxPooling2D")
SOLID = subject("layers.MaxPooling3D")
ENDS = Literal((1, 5, 1), ("-inf", "-inf", 1.0, "nan", 2.0))
SOLID_ENDS = Literal((1, 5, 1, 1, 1), ENDS.data)
KERNEL_3D = "tensorflow 2.21, tensorflow/core/kernels/pooling_ops_3d.cc"

DEVIATIONS = (
    in_tensorflow(
        id="keras-max-pooling-begins-with-lowest-float",
        summary="Max pooling in one and two dimensions gives the lowest finite number, not −∞, for a window "
        "of −∞ or NaN alone; of a window that begins with NaN, that NaN gets the gradient. Check for NaN "
        "and infinities before the layer.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/maxpooling_op.cc, SpatialMaxPool and "
        "SpatialMaxPoolWithArgMaxHelper",
        scope=all_of(FLAT, given_special_values),
        effect=Value({"layers.MaxPooling.pooled": begun_with_lowest}),
        witnesses=(draft_layer("layers.MaxPooling1D", {"pool_size": 2, "strides": 1}, [ENDS]),),
    ),
    in_tensorflow(
        id="keras-max-pooling3d-gradient-at-ties",
        summary="In three dimensions every element within 1e-5 of the largest of its window gets the whole "
        "gradient, so that it is multiplied where elements tie. Keep ties rare: pool before a rectifier, "
        "not after it.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchMaxPooling3dGradOp",
        scope=all_of(SOLID, asks("*gradient/*"), without(given_special_values)),
        effect=Value(
            {"layers.MaxPooling.pooled": partial(in_three_dimensions, not_below_lowest)},
            ("gradient/*", "training/gradient/*"),
        ),
        witnesses=(draft_layer("layers.MaxPooling3D", {}, [recipe("ties", 1, 4, 2, 3, 2)]),),
    ),
    in_keras(
        id="keras-global-max-pooling-empty-batch",
        summary="Global max pooling refuses an empty batch: do not call the model with one.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py:750, max",
        scope=all_of(subject(*(f"layers.GlobalMaxPooling{n}D" for n in (1, 2, 3))), given_empty_batch),
        effect=Raises(
            "invalid-argument",
            "call",
            CALL,
            "Cannot compute the max of an empty tensor",
        ),
        witnesses=(draft_layer("layers.GlobalMaxPooling1D", {}, [recipe("normal", 0, 3, 2)]),),
    ),
)
"""With and without oneDNN."""

PLAIN = (
    in_tensorflow(
        id="keras-max-pooling3d-special-values",
        summary="In three dimensions a NaN hides what comes before it in its window, and is hidden by what "
        "comes after; infinities get no gradient. Check for NaN and infinities before the layer.",
        kind="bug",
        source=f"{KERNEL_3D}, LaunchPoolingOp (Eigen's CuboidMaxPooling); LaunchMaxPooling3dGradOp",
        scope=all_of(SOLID, given_special_values, has_few_channels),
        effect=Value({"layers.MaxPooling.pooled": partial(in_three_dimensions, one_by_one)}),
        witnesses=(draft_layer("layers.MaxPooling3D", {"pool_size": [2, 1, 1], "strides": 1}, [SOLID_ENDS]),),
    ),
)
"""Without oneDNN."""

ONE_DNN = (
    in_tensorflow(
        id="keras-onednn-max-pooling3d-special-values",
        summary="With oneDNN max pooling in three dimensions gives the lowest finite number, not −∞, for a "
        "window of −∞ or NaN alone; infinities get no gradient. Check for NaN and infinities before the "
        "layer.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_maxpooling_op.cc, MklMaxPoolingOp; "
        "pooling_ops_3d.cc, LaunchMaxPooling3dGradOp",
        scope=all_of(SOLID, given_special_values),
        effect=Value({"layers.MaxPooling.pooled": partial(in_three_dimensions, not_below_lowest)}),
        witnesses=(draft_layer("layers.MaxPooling3D", {"pool_size": [2, 1, 1], "strides": 1}, [SOLID_ENDS]),),
    ),
)
"""With oneDNN."""
