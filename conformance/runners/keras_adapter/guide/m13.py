"""A custom layer works with the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def _layer(**arguments: Any) -> Any:
    class SquaredSum(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types here
        def call(self, x: Any) -> Any:
            return keras.ops.sum(keras.ops.square(x))

    return SquaredSum(**arguments)


X = np.array([[-2, 1, 0, 5]], np.float32)


def alone(stage: Stage) -> Any:
    return np.asarray(_layer()(X[0]))


def in_a_model(stage: Stage) -> Any:
    return np.asarray(keras.Sequential([keras.Input((4,)), _layer(name="sum")])(X))
