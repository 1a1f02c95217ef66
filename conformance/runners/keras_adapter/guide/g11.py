"""Keras loads an HDF5 file from a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.runners.keras_adapter.runtime import keras

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def _loaded(stage: Stage) -> Any:
    return keras.models.load_model(stage.models["keras3.h5"]["saved"])


def class_loaded(stage: Stage) -> Any:
    return type(_loaded(stage)).__name__


def prediction(stage: Stage) -> Any:
    return _loaded(stage).predict(stage.inputs[0], verbose=0)
