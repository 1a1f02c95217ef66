"""Small models, written as TensorFlow.js keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.configuration import legacy, modern
from conformance.reference_impl.saving.saved_model import InMemory, JSONObject, SavedModel, loaded


def layer(class_name: str, name: str, **config: Any) -> JSONObject:
    return {"class_name": class_name, "config": {"name": name, **config}}


def sequential(*layers: JSONObject, name: str = "model") -> JSONObject:
    return layer("Sequential", name, layers=list(layers))


def bare(class_name: str, name: str, **config: Any) -> JSONObject:
    """A layer of two units and no bias."""
    return layer(class_name, name, units=2, use_bias=False, **config)


DENSE = (3, 2)


def dense(**weights: NDArray[Any]) -> SavedModel:
    """A model of one layer, which may have any weights: the specification does not know it."""
    any_dense = layer("EinsumDense", "dense", equation="ab,bc->ac", output_shape=2)
    arrays = {name: InMemory(array) for name, array in weights.items()}
    return SavedModel(modern(sequential(any_dense)), {("dense",): arrays}, made_by="Keras 3.15.1")


def ramp(*shape: int) -> NDArray[np.float32]:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def write(model: SavedModel, directory: Path, **arguments: Any) -> None:
    """Written also where TensorFlow.js does not know the layer."""
    topology = legacy(model.configuration, "tfjs", lambda what: None)
    model_json.write(model, directory, topology=topology, **arguments)


def written(model: SavedModel, directory: Path, **arguments: Any) -> dict[str, bytes]:
    """The files that a model becomes."""
    write(model, directory, **arguments)
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def weights(directory: Path) -> dict[str, NDArray[Any]]:
    """The weights of the layer `dense`."""
    return {name: loaded(array) for name, array in model_json.read(directory).weights["dense",].items()}
