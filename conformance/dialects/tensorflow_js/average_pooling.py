"""Average pooling of TensorFlow.js: gradients of windows that are cut at the edges, and averages of NaN."""

from __future__ import annotations

import math
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer
from conformance.dialects.deviation import GRADIENTS, Deviation, Scope, Value, everywhere, subject
from conformance.dialects.scopes import all_of, given_special_values, without
from conformance.dialects.tensorflow_js.pooling import (
    IMAGE,
    NAN_FIRST,
    ONE_DIMENSION,
    VOLUME,
    edges,
    pooling,
    space,
)
from conformance.dialects.tensorflow_js.record import CPU, WASM, deviation, searched
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers.average_pooling import AveragePooling
from conformance.reference_impl.primitives import multiply, total, where
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, variable, vjp

FLAT_AVERAGE = ("layers.AveragePooling1D", "layers.AveragePooling2D")


def cuts_windows(case: Case, data: Data) -> bool:
    """With padding "same" a window of an average reaches over an edge."""
    if not case.subject.startswith("layers.Average") or case.config.get("padding") != "same":
        return False
    layer = pooling(case)
    shape = data.inputs[0].shape
    spatial = shape[1:-1] if case.subject in ONE_DIMENSION else space(layer, data.inputs[0])
    return any(after > 0 for _, after in edges(layer, spatial))


def averages_several(case: Case, data: Data) -> bool:
    """Windows are of more than one element."""
    return bool(math.prod(pooling(case).pool_size) > 1)


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


ONLY_CPU = (average_gradient(),)
"""What the plain JavaScript backend does."""

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
        scope=all_of(subject(*FLAT_AVERAGE), given_special_values, averages_several),
        effect=Value({"layers.AveragePooling.pooled": averaged_and_clamped}),
        witnesses=(draft_layer("layers.AveragePooling1D", {"pool_size": 2, "strides": 1}, [NAN_FIRST]),),
    ),
)
"""What the WebAssembly backend does."""
