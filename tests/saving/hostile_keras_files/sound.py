"""A small model, and the sound files of it, as the package writes them, that hostile ones start from."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from conformance.reference_impl.saving import keras_archive, legacy_h5
from conformance.reference_impl.saving.saved_model import InMemory, LayerPath, SavedModel, StoredArray

CONFIG, WEIGHTS = keras_archive.CONFIGURATION, keras_archive.WEIGHTS
MEBIBYTE = 2**20


def layer(class_name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def model() -> SavedModel:
    """Two dense layers, (4) → (3) → (3)."""
    layers = [
        layer("InputLayer", batch_shape=[None, 4], dtype="float32", name="input"),
        layer("Dense", units=3, name="dense"),
        layer("Dense", units=3, name="out"),
    ]
    weights: dict[LayerPath, dict[str, StoredArray]] = {
        ("dense",): {"kernel": InMemory(np.ones((4, 3), "f4")), "bias": InMemory(np.zeros(3, "f4"))},
        ("out",): {"kernel": InMemory(np.ones((3, 3), "f4")), "bias": InMemory(np.zeros(3, "f4"))},
    }
    configuration = layer("Sequential", "keras", name="model", layers=layers)
    return SavedModel(configuration, weights, optimizer={"iteration": InMemory(np.array(7, "i8"))})


def sound_keras(path: Path) -> None:
    keras_archive.write(model(), path)


def sound_h5(path: Path) -> None:
    legacy_h5.write(model(), path)


def members(path: Path) -> dict[str, bytes]:
    sound_keras(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, contents: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
