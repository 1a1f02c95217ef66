"""What Keras itself makes of the model that the others are given converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def prediction(stage: Stage) -> Any:
    return stage.load("keras3-h5").predict(stage.inputs[0], verbose=0)


def evaluation(stage: Stage) -> Any:
    loss, *_ = stage.load("keras3-h5").evaluate(*stage.inputs[:2], verbose=0)
    return np.asarray(loss, np.float32)


def training(stage: Stage) -> Any:
    model = stage.load("keras3-h5")
    before, first = [v.numpy() for v in model.trainable_variables], int(model.optimizer.iterations)
    history = model.fit(*stage.inputs[:2], epochs=2, shuffle=False, verbose=0).history["loss"]
    after = [v.numpy() for v in model.trainable_variables]
    return {
        "optimizer": type(model.optimizer).__name__,
        "steps": [first, int(model.optimizer.iterations)],
        "losses": len(history),
        "finite": bool(np.isfinite(history).all()),
        "changed": sum(not np.array_equal(x, y) for x, y in zip(before, after, strict=True)),
    }
