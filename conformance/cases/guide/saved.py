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
from conformance.reference_impl.primitives import (
    divide,
    log,
    mean,
    multiply,
    negative,
    reshape,
    take_slice,
    total,
)
from conformance.reference_impl.saving.saved_model import LayerPath, loaded
from conformance.reference_impl.tape import Tensor

FOLDER = Path(__file__).with_name("models")
"""Files of Keras of both generations: `python -m tests.guide.models` makes them."""

KERAS_3, KERAS_3_H5, KERAS_2_H5 = ({"file": name} for name in ("keras3.keras", "keras3.h5", "keras2.h5"))

IMAGES = Recipe("normal", (3, 5, 4, 3), 20180401)
"""A batch of what the models take: images of 5 by 4 pixels."""

CLASSES = Recipe("one_hot", (3, 2), 20180402)
"""What the images show."""

PIXELS = Recipe("indices:256", (5, 4, 4), 20180403, "int32")
"""Red, green, blue and opacity, from 0 to 255, as a browser has the pixels of an image."""


@cache
def _read(name: str) -> tuple[Model, dict[LayerPath, dict[str, Array]]]:
    from conformance.reference_impl.saving import formats  # HDF5 takes its time, and few cases need it

    with formats.opened(FOLDER / name) as saved:
        weights = {
            path: {weight: loaded(array) for weight, array in own.items()}
            for path, own in saved.weights.items()
        }
        return Model.from_config(saved.configuration), weights


def predicted(model: dict[str, str], inputs: Sequence[Tensor]) -> Tensor:
    """What a model makes of images in inference mode."""
    graph, stored = _read(model["file"])
    weights: dict[LayerPath, Any] = {
        path: {weight: Tensor(array.astype("f8")) for weight, array in own.items()}
        for path, own in stored.items()
    }
    (output,) = graph.call(inputs[:1], weights, Context()).outputs
    return output


def evaluated(model: dict[str, str], inputs: Sequence[Tensor]) -> Tensor:
    """The categorical crossentropy of what a model makes of images, and their classes: the mean over the
    batch, by the formula of both runtimes, which first divide the output by its sum."""
    output = predicted(model, inputs)
    scaled = divide(output, total(output, axis=(-1,), keepdims=True))
    of_samples = negative(total(multiply(inputs[1], log(scaled)), axis=(-1,), keepdims=False))
    return reshape(mean(of_samples, axis=(0,), keepdims=True), shape=())


def colours(inputs: Sequence[Tensor]) -> Tensor:
    """The pixels of an image without their opacity."""
    return take_slice(inputs[2], key=(slice(None), slice(None), slice(0, 3)))


def predicted_of_pixels(model: dict[str, str], inputs: Sequence[Tensor]) -> Tensor:
    """What a model makes of an image whose pixels are divided by 256, which is exact."""
    image = colours(inputs).value.astype("f8")[None] / 256
    return predicted(model, [Tensor(image)])
