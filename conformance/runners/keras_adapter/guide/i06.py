"""What cannot be carried into another language is refused by name, before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import conformance
from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage

CONVERTS = True


def _refused(stage: Stage, model: Any, name: str) -> dict[str, Any]:
    source, out = stage.folder / "model.keras", stage.folder / "web"
    model.save(source)
    try:
        conformance.convert(source, out)
    except ValueError as error:
        return {"converted": False, "named": name in str(error), "written": [*out.parent.glob("web*")]}
    return {"converted": True, "named": False, "written": sorted(path.name for path in out.iterdir())}


def custom_layer(stage: Stage) -> Any:
    class Doubled(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types here
        def call(self, x: Any) -> Any:
            return 2 * x

    return _refused(stage, keras.Sequential([keras.Input((4,)), Doubled(name="twice")]), "twice")


def lambda_layer(stage: Stage) -> Any:
    doubled = keras.layers.Lambda(lambda x: 2 * x, name="twice")
    return _refused(stage, keras.Sequential([keras.Input((4,)), doubled]), "twice")


def _compiled(**arguments: Any) -> Any:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(**arguments)
    return model


def custom_loss(stage: Stage) -> Any:
    def cubed(y: Any, p: Any) -> Any:
        return keras.ops.mean((y - p) ** 3)

    return _refused(stage, _compiled(loss=cubed), "cubed")


def custom_metric(stage: Stage) -> Any:
    def cubed(y: Any, p: Any) -> Any:
        return keras.ops.mean((y - p) ** 3)

    return _refused(stage, _compiled(loss="mse", metrics=[cubed]), "cubed")
