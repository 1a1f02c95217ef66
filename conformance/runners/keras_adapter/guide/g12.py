"""What is saved comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def _round_trip(stage: Stage, name: str) -> dict[str, bool]:
    layers = keras.layers
    before = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, "relu"), layers.BatchNormalization(), layers.Dense(2)]
    )
    before.save(stage.folder / name)
    after = keras.models.load_model(stage.folder / name)
    return {
        "configuration": before.to_json() == after.to_json(),
        "weights": all(map(np.array_equal, before.get_weights(), after.get_weights())),
    }


def keras_format(stage: Stage) -> Any:
    return _round_trip(stage, "model.keras")


def h5(stage: Stage) -> Any:
    return _round_trip(stage, "model.h5")
