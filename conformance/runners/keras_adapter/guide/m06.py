"""Any graph without a cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def shapes(stage: Stage) -> Any:
    layers = keras.layers
    a, b = keras.Input((4,)), keras.Input((4,))
    shared, inner = layers.Dense(3), keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    left, right = shared(a), shared(b)
    met = layers.Add()([inner(left), inner(right)])
    model = keras.Model([a, b], [met, layers.Concatenate()([left, right])])
    return [list(y.shape) for y in model([np.ones((5, 4)), np.ones((5, 4))])]


def weights(stage: Stage) -> Any:
    x, shared = keras.Input((4,)), keras.layers.Dense(4)
    return len(keras.Model(x, shared(shared(x))).weights)
