"""What `fit`, `evaluate` and `predict` take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def taken(stage: Stage) -> Any:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mean_squared_error", run_eagerly=True)
    x, y = np.ones((3, 2)), np.ones((3, 1))
    return {
        "fit": model.fit(x, y, epochs=2, verbose=0).epoch,
        "evaluate": list(np.shape(model.evaluate(x, y, batch_size=3, verbose=0))),
        "predict": list(model.predict(x, batch_size=3, verbose=0).shape),
    }
