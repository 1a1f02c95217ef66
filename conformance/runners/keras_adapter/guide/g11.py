"""Keras loads an HDF5 file from a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.runners.keras_adapter.guide import Stage


def class_loaded(stage: Stage) -> Any:
    return type(stage.load("keras3-h5")).__name__


def prediction(stage: Stage) -> Any:
    return stage.load("keras3-h5").predict(stage.inputs[0], verbose=0)
