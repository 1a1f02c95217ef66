"""A call on a symbolic tensor gives a symbolic one; on a concrete one, what it gives since Keras is eager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def kinds(stage: Stage) -> Any:
    flatten = keras.layers.Flatten()
    symbolic, concrete = flatten(keras.Input((3, 4))), flatten(np.ones((2, 3, 4)))

    def kind(x: Any) -> str:
        return "symbolic" if isinstance(x, keras.KerasTensor) else "concrete"

    return {"of a symbolic tensor": kind(symbolic), "of a concrete one": kind(concrete)}
