"""Training that is interrupted by saving and loading goes on as if it had not been."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01),
    "adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "adadelta": lambda: keras.optimizers.Adadelta(0.5),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adamax": lambda: keras.optimizers.Adamax(0.01),
}


def _compiled(optimizer: str) -> Any:
    """The same weights every time."""
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)]
    )
    model.set_weights(
        [np.linspace(-0.5, 0.6, w.size, dtype="f4").reshape(w.shape) for w in model.get_weights()]
    )
    # Without tracing, which takes longer than these epochs.
    model.compile(OPTIMIZERS[optimizer](), "mean_squared_error", run_eagerly=True)
    return model


def _trained(model: Any, epochs: int) -> Any:
    x = np.linspace(-1, 1, 32, dtype="f4").reshape(8, 4)
    y = np.linspace(0.3, -2, 8, dtype="f4").reshape(8, 1)
    model.fit(x, y, epochs=epochs, batch_size=4, shuffle=False, verbose=0)
    return model


def _resumed(stage: Stage, optimizer: str) -> bool:
    through = _trained(_compiled(optimizer), 4)
    path = stage.folder / "model.keras"
    _trained(_compiled(optimizer), 2).save(path)
    resumed = _trained(keras.models.load_model(path), 2)
    return all(map(np.array_equal, through.get_weights(), resumed.get_weights()))


def saved(stage: Stage) -> Any:
    path = stage.folder / "model.keras"
    _trained(_compiled("adam"), 1).save(path)
    loaded = keras.models.load_model(path)
    members = zipfile.ZipFile(path).namelist()
    return {
        "architecture": "config.json" in members,
        "weights": "model.weights.h5" in members,
        "compilation": loaded.loss == "mean_squared_error",
        "state": int(loaded.optimizer.iterations) == 2,
    }


def resumed_sgd(stage: Stage) -> Any:
    return _resumed(stage, "sgd")


def resumed_momentum(stage: Stage) -> Any:
    return _resumed(stage, "momentum")


def resumed_rmsprop(stage: Stage) -> Any:
    return _resumed(stage, "rmsprop")


def resumed_adagrad(stage: Stage) -> Any:
    return _resumed(stage, "adagrad")


def resumed_adadelta(stage: Stage) -> Any:
    return _resumed(stage, "adadelta")


def resumed_adam(stage: Stage) -> Any:
    return _resumed(stage, "adam")


def resumed_adamax(stage: Stage) -> Any:
    return _resumed(stage, "adamax")
