"""Constructors take keyword arguments; their order does not matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def _said(layer: Any) -> Any:
    layer.build((None, 1))
    return {"units": layer.units, "shape": [None, *layer.kernel.shape[:1]]}


def printed(stage: Stage) -> Any:
    return _said(eval(stage.programs["dense"], {"keras": keras}))


def permuted(stage: Stage) -> Any:
    return _said(keras.layers.Dense(input_shape=[1], units=1))
