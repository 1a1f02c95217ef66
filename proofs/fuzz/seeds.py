"""What fuzzing starts from: small models in every format, as written here, and the tests' hostile files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from conformance.cases.case import Case
from conformance.cases.corpus import load
from conformance.reference_impl.models.model import Model
from conformance.reference_impl.saving import keras_archive, legacy_h5, model_json, weights_h5
from conformance.reference_impl.saving.configuration import modern
from conformance.reference_impl.saving.quantization import Quantization
from conformance.reference_impl.saving.saved_model import (
    FormatError,
    InMemory,
    JSONObject,
    LayerPath,
    SavedModel,
)
from proofs.fuzz.directory import Directory
from proofs.fuzz.mutations import packed
from proofs.fuzz.targets import TARGETS, written_by
from tests.saving import hostile_keras_files, hostile_model_json

PROGRAMS = ("keras3", "keras2", "tensorflow_js")

MOST_BYTES = 2**17
"""Of an input: what readers do with more they do with less."""

COMPILED = {
    "optimizer": {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": 0.5}},
    "loss": "mse",
    "metrics": ["mae"],
}

QUANTIZATIONS: Mapping[str, Quantization] = {
    "plain": {},
    "quantized": {"uint8": ["*kernel*"], "float16": []},
}

Shapes = Mapping[LayerPath, Mapping[str, Sequence[int]]]


def write(directory: Directory) -> None:
    """The seeds of each target, and the descriptions of layers."""
    for name, model in (*models(), *single_layers()):
        write_model(name, model, directory)
    _write_hostile(directory)
    directory.layers.write_text(json.dumps([described(case) for case in first_cases()]))


def first_cases() -> list[Case]:
    """The first case of each layer class in the corpus."""
    found: dict[str, Case] = {}
    for case in load("quick"):
        if case.subject.startswith("layers."):
            found.setdefault(case.subject, case)
    return [*found.values()]


def described(case: Case) -> JSONObject:
    """The layer of a case, as Keras 3 describes one."""
    name = case.subject.removeprefix("layers.")
    config = {"name": "subject", **case.config}
    return {"module": "keras.layers", "class_name": name, "config": config, "registered_name": None}


def models() -> Iterator[tuple[str, SavedModel]]:
    """Models that Keras and TensorFlow.js wrote, by name."""
    for program in PROGRAMS:
        for name, written in written_by(program).items():
            configuration = modern(written)
            declared = Model.from_config(configuration).declare_weights()
            shapes = {path: {weight.name: weight.shape for weight in own} for path, own in declared.items()}
            yield f"{program}-{name}", saved(configuration, shapes)


def single_layers() -> Iterator[tuple[str, SavedModel]]:
    """A model of each layer class."""
    for case in first_cases():
        config = {"name": "model", "layers": [described(case)]}
        model = {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
        shapes: Shapes = {("subject",): {name: recipe.shape for name, recipe in case.weights.items()}}
        yield case.subject, saved(model, shapes)


def saved(configuration: JSONObject, shapes: Shapes) -> SavedModel:
    """A model with weights of these shapes, as if it had been trained."""
    random = np.random.default_rng(0)
    weights = {
        path: {name: InMemory(random.normal(size=shape).astype("f4")) for name, shape in own.items()}
        for path, own in shapes.items()
    }
    state = {"iteration": InMemory(np.array(3, "i8")), "learning_rate": InMemory(np.array(0.5, "f4"))}
    return SavedModel(configuration, weights, COMPILED, state)


def write_model(name: str, model: SavedModel, directory: Directory) -> None:
    """In every format that has words for it."""
    with suppress(FormatError):
        keras_archive.write(model, directory.of("keras_archive").seeds / name)
    for generation in legacy_h5.VERSIONS:
        with suppress(FormatError):
            legacy_h5.write(model, directory.of("legacy_h5").seeds / f"{name}-{generation}", generation)
    with suppress(FormatError):
        for target in ("weights_h5", "hdf5_guard"):
            weights_h5.write(model, directory.of(target).seeds / name)
    for kind, quantization in QUANTIZATIONS.items():
        # A ValueError says that a model has no weight of such a name.
        with tempfile.TemporaryDirectory() as made, suppress(FormatError, ValueError):
            model_json.write(model, made, shard_size=100, quantization=quantization)
            _take_directory(Path(made), directory, f"{name}-{kind}")
    (directory.of("strict_json").seeds / name).write_text(json.dumps(model.configuration))


def _take_directory(made: Path, directory: Directory, name: str) -> None:
    """A model of TensorFlow.js as the input that it is made from."""
    content = packed([(file.name, file.read_bytes()) for file in sorted(made.iterdir()) if _is_small(file)])
    if len(content) <= MOST_BYTES:
        (directory.of("tensorflow_js").seeds / name).write_bytes(content)


def _write_hostile(directory: Directory) -> None:
    """The hostile files of the tests that are small enough."""
    for path in hostile_keras_files.make_all(directory.elsewhere.parent).values():
        for name, target in TARGETS.items():
            if path.name.endswith(Path(target.file).suffix or "/") and _is_small(path):
                (directory.of(name).seeds / path.name).write_bytes(path.read_bytes())
    for i, hostile in enumerate(hostile_model_json.HOSTILE.values()):
        with tempfile.TemporaryDirectory() as around:
            hostile.make(Path(around, "model"))
            _take_directory(Path(around, "model"), directory, f"hostile-{i}")


def _is_small(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES
