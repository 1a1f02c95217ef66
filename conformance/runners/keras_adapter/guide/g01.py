"""The example of linear regression, as it is printed, and from weights that are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def predicted(stage: Stage) -> Any:
    """What the last line says: `[[8.99]]`."""
    lines, _ = stage.run("linear_regression")
    return round(float(lines[-1].strip("[]")))


def _trained(stage: Stage) -> tuple[Any, list[float]]:
    """The model after a thousand steps on all points, which are its epochs, and the losses before them."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.set_weights(stage.inputs)
    model.compile(optimizer="sgd", loss="mean_squared_error")
    xs, ys = np.array([[1], [2], [3], [4]], "f4"), np.array([[1], [3], [5], [7]], "f4")
    losses = []
    for _ in range(1000):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(xs, ys)))
    return model, losses


def losses(stage: Stage) -> Any:
    return np.array(_trained(stage)[1], np.float32)


def weights(stage: Stage) -> Any:
    return np.concatenate([x.ravel() for x in _trained(stage)[0].get_weights()])
