"""The first layer may be told its input's shape, without the batch's size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def _shape(size: int) -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    return list(model(np.zeros((size, 3))).shape)


def batches(stage: Stage) -> Any:
    return [_shape(1), _shape(5)]


def empty_batch(stage: Stage) -> Any:
    return _shape(0)
