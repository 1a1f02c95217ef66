"""Optimizers are under `keras.optimizers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def namespace(stage: Stage) -> Any:
    names = ("Adadelta", "Adagrad", "Adam", "Adamax", "RMSprop", "SGD")
    return [name for name in names if hasattr(keras.optimizers, name)]


def printed(stage: Stage) -> Any:
    _, left = stage.run("optimizer", keras=keras)
    return round(float(left["my_sgd"].learning_rate), 6)
