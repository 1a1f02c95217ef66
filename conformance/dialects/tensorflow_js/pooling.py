"""Pooling layers of TensorFlow.js: where their windows lie, and what they are all given to pool."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Value
from conformance.dialects.tensorflow_js.record import CORE, deviation, searched
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.pooling import Pooling
from conformance.reference_impl.primitives import pad, take_slice
from conformance.reference_impl.tape import Tensor

SOLID = ("layers.AveragePooling3D", "layers.MaxPooling3D")
ONE_DIMENSION = tuple(f"layers.{name}Pooling1D" for name in ("Average", "GlobalAverage", "GlobalMax", "Max"))

TRANSPOSED_POOLING = (*SOLID, "layers.AveragePooling2D", "layers.MaxPooling2D")
"""Layers that transpose an input with channels first."""

SERIES = recipe("normal", 2, 7, 3)
IMAGE = recipe("normal", 2, 7, 6, 3)
VOLUME = recipe("normal", 2, 5, 3, 4, 2)
TIES = recipe("ties", 2, 7, 6, 3)
NAN_FIRST = Literal((1, 4, 1), ("nan", 1.0, 2.0, 0.0))


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


def steps_over_the_end(case: Case, data: Data) -> bool:
    """With padding "same" an axis is longer than its windows reach."""
    if case.subject not in SOLID or case.config.get("padding") != "same":
        return False
    layer = pooling(case)
    return any(before < 0 for before, _ in edges(layer, space(layer, data.inputs[0])))


def shifted(original: Any, layer: Pooling, x: Tensor) -> Tensor:
    """Where padding is less than none, so many elements are passed over."""
    around = edges(layer, x.shape[1:-1])
    inner = [
        slice(max(-before, 0), n - max(-after, 0))
        for n, (before, after) in zip(x.shape[1:-1], around, strict=True)
    ]
    x = take_slice(x, key=(slice(None), *inner))
    return pad(x, widths=((0, 0), *((max(before, 0), max(after, 0)) for before, after in around), (0, 0)))


DEVIATIONS = (
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
