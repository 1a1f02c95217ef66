"""Models as TensorFlow.js keeps them: a directory of a `model.json` and shards of weights.

Read as TensorFlow.js saves them itself (`LayersModel.save`), as its converter writes them from Keras 2, and
as they are written here. Sources: `tfjs-core/src/io`, `tfjs-layers/src/models.ts`,
`tensorflowjs/converters/keras_h5_conversion.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np

from conformance import __version__
from conformance.reference_impl.saving import manifest, strict_json
from conformance.reference_impl.saving.configuration import legacy, modern
from conformance.reference_impl.saving.located import Located, quoted
from conformance.reference_impl.saving.optimizer_state import in_own_order
from conformance.reference_impl.saving.quantization import (
    NotQuantizable,
    Quantization,
    Reduced,
    chosen,
    reduced,
)
from conformance.reference_impl.saving.replacement import replacing
from conformance.reference_impl.saving.saved_model import (
    PIECE,
    FormatError,
    JSONObject,
    SavedModel,
    StoredArray,
)
from conformance.reference_impl.saving.tensorflow_js_training import (
    UntoldTraining,
    keras_training,
    tensorflow_js_training,
)
from conformance.reference_impl.saving.training import legacy_training, modern_training
from conformance.reference_impl.saving.weight_names import Names

FILE = "model.json"

FORMAT = "layers-model"

SHARD_SIZE = 4 * 2**20
"""Bytes; the largest file that browsers keep in their caches."""

STORED_AS = {
    "float32": "float32",
    "float64": "float32",
    "float16": "float32",
    "int32": "int32",
    "int64": "int32",
    "bool": "bool",
    "complex64": "complex64",
    "complex128": "complex64",
    "string": "string",
}
"""The dtypes that can be written, and what TensorFlow.js has for them."""


def read(path: str | PathLike[str]) -> SavedModel:
    """The model in a directory, or beside its model.json. The weights stay in their files until asked for.

    The state of an optimizer is as TensorFlow.js has it, whose order is not Keras's: `iter`, then all first
    moments, then all second ones.

    Raises:
        FormatError: it is not a Layers model, or its files are not what it says.
    """
    file = Path(path)
    file = file / FILE if file.is_dir() else file
    document, known = _document(file)
    topology = document.member("modelTopology")
    inner = topology.optional("model_config")
    model = topology if inner is None else inner
    trainings = [*document.named("trainingConfig"), *topology.named("training_config")]
    configuration = modern(model.value, file)
    groups = document.optional("weightsManifest")
    entries = [] if groups is None else manifest.entries(groups, file.parent, {manifest.identity(known)})
    stored = [(entry.name, entry.located, entry.array) for entry in entries if not entry.of_optimizer]
    metadata = document.optional("userDefinedMetadata")
    return SavedModel(
        configuration=configuration,
        weights={} if groups is None else Names(configuration, file).sorted(stored),
        training=modern_training(keras_training(trainings[0].mapping()), file) if trainings else None,
        optimizer={entry.name: entry.array for entry in entries if entry.of_optimizer},
        metadata=None if metadata is None else metadata.mapping(),
        made_by=next((found.text() for found in document.named("generatedBy", "convertedBy")), ""),
    )


def _document(file: Path) -> tuple[Located, os.stat_result]:
    path, known = manifest.file_in(file.parent, Located(file, file.name))
    if known.st_size > strict_json.MOST_BYTES:
        raise FormatError(file, "", f"has {known.st_size} bytes; {strict_json.MOST_BYTES} are allowed")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(file, "", str(error.strerror)) from None
    document = Located(file, strict_json.parse(content, file))
    for found in document.named("format"):
        if found.text() != FORMAT:
            raise found.fault(f"expected {FORMAT!r}, found {quoted(found.text())}, which has no layers")
    return document, known


def write(
    model: SavedModel,
    directory: str | PathLike[str],
    *,
    shard_size: int = SHARD_SIZE,
    quantization: Quantization | None = None,
    topology: JSONObject | None = None,
) -> None:
    """Write a model, the same bytes for the same model. In a directory that is there, only the files of the
    model in it are replaced, and if anything fails, none.

    What was compiled is written where TensorFlow.js loads it if it can, else where it does not look; the
    state of the optimizer only if it is one of TensorFlow.js.

    Args:
        shard_size: bytes of a shard, of which only the last one may be smaller.
        quantization: which weights of float32 are stored in fewer bits, by dtype.
        topology: the configuration as `legacy` gives it; where None, it is translated here, and refused where
            TensorFlow.js has no words for something.

    Raises:
        FormatError: a weight's name or value is one that TensorFlow.js does not take, or the directory has
            files in the way that are not a model's.
        ValueError: an argument that is not allowed.
    """
    if shard_size < 1:
        raise ValueError(f"a shard has one byte or more, not {shard_size}")
    target = Path(directory)
    topology = legacy(model.configuration, "tfjs") if topology is None else topology
    training = None
    if model.training is not None:
        try:
            training = tensorflow_js_training(model.training)
        except UntoldTraining:
            topology = {"model_config": topology, "training_config": legacy_training(model.training, 2)}
    named = Names(model.configuration, target).written(model.weights)
    weights = {name: _storable(target, name, array) for name, array in named.items()}
    # Optimizers of TensorFlow.js take their state by its order, which another program's has not.
    state = model.optimizer if training is not None and in_own_order(model) else {}
    optimizer = {name: _storable(target, name, array) for name, array in state.items()}
    if twice := weights.keys() & optimizer.keys():
        raise FormatError(target, min(twice), "is the name of a layer's weight and of the optimizer's")
    floats = [name for name, array in weights.items() if array.dtype == "float32" and 0 not in array.shape]
    for name, dtype in chosen(floats, quantization or {}).items():
        try:
            weights[name] = reduced(weights[name], dtype)
        except NotQuantizable as error:
            raise FormatError(target, name, f"{error}; leave the weight as it is") from None
    declared = [_declared(name, array) for name, array in weights.items()]
    declared += [_declared(name, array) | {"group": "optimizer"} for name, array in optimizer.items()]
    with replacing(target, _files_of_old_model(target), FILE) as new:
        paths = _write_shards(new, [*weights.values(), *optimizer.values()], shard_size)
        document = {
            "format": FORMAT,
            "generatedBy": model.made_by or None,
            "convertedBy": f"layers-conformance {__version__}",
            "modelTopology": topology,
            "weightsManifest": [{"paths": paths, "weights": declared}],
        }
        if training is not None:
            document["trainingConfig"] = training
        if model.metadata is not None:
            document["userDefinedMetadata"] = model.metadata
        try:
            (new / FILE).write_text(strict_json.text(document), encoding="utf-8")
        except ValueError as error:
            raise FormatError(target, "", f"the configuration cannot be written as JSON: {error}") from None


def _declared(name: str, array: StoredArray) -> JSONObject:
    """What the manifest says of a weight."""
    if isinstance(array, Reduced):
        restored, quantization = "float32", {"quantization": array.description}
    else:
        restored, quantization = array.dtype, {}
    return {"name": name, "shape": list(array.shape), "dtype": restored} | quantization


@dataclass(frozen=True)
class Cast:
    """An array in the nearest dtype that TensorFlow.js has."""

    array: StoredArray
    file: Path
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:
        return STORED_AS[self.array.dtype]

    def pieces(self) -> Iterator[memoryview]:
        stored = np.dtype(self.dtype).newbyteorder("<")
        for content in self.array.pieces():
            given = np.frombuffer(content, np.dtype(self.array.dtype).newbyteorder("<"))
            with np.errstate(over="ignore"):
                cast = given.astype(stored)
            beyond = cast != given if stored.kind == "i" else np.isinf(cast) & np.isfinite(given)
            if beyond.any():
                raise FormatError(self.file, self.name, f"has numbers beyond {self.dtype}")
            for start in range(0, len(cast), PIECE // stored.itemsize):
                yield cast[start : start + PIECE // stored.itemsize].view(np.uint8).data


def _storable(file: Path, name: str, array: StoredArray) -> StoredArray:
    if array.dtype not in STORED_AS:
        raise FormatError(file, name, f"TensorFlow.js has no weights of {array.dtype}")
    return array if STORED_AS[array.dtype] == array.dtype else Cast(array, file, name)


class _Shards:
    """Files of one size, in which what is written goes on from one to the next."""

    def __init__(self, directory: Path, size: int) -> None:
        self.directory, self.size = directory, size
        self.count, self.left = 0, 0
        self.file: BinaryIO | None = None

    def write(self, content: memoryview) -> None:
        while content:
            if not self.left:
                self.close()
                self.count, self.left = self.count + 1, self.size
                self.file = (self.directory / str(self.count)).open("wb")
            assert self.file is not None
            self.file.write(content[: self.left])
            written = min(self.left, len(content))
            content, self.left = content[written:], self.left - written

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def _write_shards(directory: Path, arrays: list[StoredArray], shard_size: int) -> list[str]:
    """The names of the files; how many there are stands in each, and is known when all are written."""
    shards = _Shards(directory, shard_size)
    try:
        for array in arrays:
            for content in array.pieces():
                shards.write(content)
    finally:
        shards.close()
    names = [f"group1-shard{i + 1}of{shards.count}.bin" for i in range(shards.count)]
    for i, name in enumerate(names):
        (directory / str(i + 1)).rename(directory / name)
    return names


def _files_of_old_model(directory: Path) -> set[str]:
    """The names of the model's files that are in a directory, its `model.json` included."""
    if not os.path.lexists(directory / FILE):
        return set()
    document, _ = _document(directory / FILE)
    names = {FILE}
    for groups in document.named("weightsManifest"):
        for group in groups.items():
            for path in group.member("paths").items():
                names.add(manifest.plain_name(path))
    return names
