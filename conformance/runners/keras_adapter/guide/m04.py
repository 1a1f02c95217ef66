"""The layers of a model can be had from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def layers(stage: Stage) -> Any:
    image = keras.Input((784,), name="image")
    hidden = keras.layers.Dense(32, name="hidden")(image)
    model = keras.Model(image, keras.layers.Dense(10, name="digits")(hidden))

    def told(list_: Any) -> Any:
        return [[layer.name, type(layer).__name__] for layer in list_]

    def of(tensors: Any) -> Any:
        return [tensor._keras_history.operation for tensor in tensors]

    return {
        "layers": told(model.layers),
        "inputs": told(of(model.inputs)),
        "outputs": told(of(model.outputs)),
    }
