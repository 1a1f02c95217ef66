"""Shapes are inferred, and what does not fit is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def inferred(stage: Stage) -> Any:
    layers = [keras.layers.Conv2D(3, 3), keras.layers.Flatten(), keras.layers.Dense(4)]
    model = keras.Sequential([keras.Input((8, 8, 2)), *layers])
    return [list(layer.output.shape) for layer in model.layers]


def _names(act: Any, *parts: str) -> bool:
    try:
        act()
    except ValueError as error:
        return all(part in str(error) for part in parts)
    return False


def while_building(stage: Stage) -> Any:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    return _names(lambda: model.add(keras.layers.Conv2D(1, 1, name="misfit")), "misfit", "ndim=4", "ndim=2")


def while_running(stage: Stage) -> Any:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4, name="first")])
    return _names(lambda: model.predict(np.ones((1, 3)), verbose=0), "first", "value 2", "(1, 3)")
