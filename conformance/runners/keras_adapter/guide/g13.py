"""`fit` takes datasets as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def _compiled() -> Any:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.set_weights([np.array([[0.5], [-0.25]]), np.zeros(1)])
    model.compile("sgd", "mean_squared_error", run_eagerly=True)
    return model


X = np.arange(1, 9, dtype="f4").reshape(4, 2) / 8
Y = np.arange(1, 5, dtype="f4").reshape(4, 1)


def _dataset() -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(2)


def same_history(stage: Stage) -> Any:
    of_arrays = _compiled().fit(X, Y, epochs=3, batch_size=2, shuffle=False, verbose=0)
    return of_arrays.history == _compiled().fit(_dataset(), epochs=3, verbose=0).history


def evaluation(stage: Stage) -> Any:
    of_arrays = _compiled().evaluate(X, Y, batch_size=2, verbose=0)
    return bool(of_arrays == _compiled().evaluate(_dataset(), verbose=0))
