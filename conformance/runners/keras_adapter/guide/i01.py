"""One command converts what Keras saves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import conformance
from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage

CONVERTS = True


def _converted(stage: Stage, name: str) -> list[str]:
    source, out = stage.folder / name, stage.folder / "web"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(source)
    command = [sys.executable, "-m", "conformance", "convert", str(source), str(out)]
    environment = os.environ | {"PYTHONPATH": str(Path(conformance.__file__).parents[1])}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return sorted(path.name for path in out.iterdir())


def h5(stage: Stage) -> Any:
    return _converted(stage, "model.h5")


def keras_format(stage: Stage) -> Any:
    return _converted(stage, "model.keras")
