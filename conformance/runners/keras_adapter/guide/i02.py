"""A model in memory is converted by one call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import conformance
from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage

CONVERTS = True


def _model() -> Any:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def written(stage: Stage) -> Any:
    conformance.convert(_model(), stage.folder / "web")
    return [*_bytes(stage.folder / "web")]


def same_as_of_its_file(stage: Stage) -> Any:
    model = _model()
    model.save(stage.folder / "model.keras")
    conformance.convert(model, stage.folder / "live")
    conformance.convert(stage.folder / "model.keras", stage.folder / "saved")
    return _bytes(stage.folder / "live") == _bytes(stage.folder / "saved")
