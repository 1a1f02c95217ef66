"""Models that Keras has saved, and what the specification computes with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from conformance.cases.case import Recipe
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.models.model import Model
from conformance.reference_impl.saving.saved_model import LayerPath, loaded
from conformance.reference_impl.tape import Tensor

FOLDER = Path(__file__).with_name("models")
"""Files of Keras of both generations: `python -m tests.guide.models` makes them."""

KERAS_3, KERAS_3_H5, KERAS_2_H5 = "keras3.keras", "keras3.h5", "keras2.h5"

IMAGES = Recipe("normal", (3, 5, 4, 3), 20180401)
"""A batch of what the models take: images of 5 by 4 pixels."""


@cache
def _read(name: str) -> tuple[Model, dict[LayerPath, dict[str, Array]]]:
    from conformance.reference_impl.saving import formats  # HDF5 takes its time, and few cases need it

    with formats.opened(FOLDER / name) as saved:
        weights = {
            path: {weight: loaded(array) for weight, array in own.items()}
            for path, own in saved.weights.items()
        }
        return Model.from_config(saved.configuration), weights


def predicted(name: str, inputs: Sequence[Tensor]) -> Tensor:
    """What a model makes of its inputs in inference mode."""
    model, stored = _read(name)
    weights: dict[LayerPath, Any] = {
        path: {weight: Tensor(array.astype("f8")) for weight, array in own.items()}
        for path, own in stored.items()
    }
    (output,) = model.call(inputs, weights, Context()).outputs
    return output
