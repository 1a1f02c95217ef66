"""`.keras` and `.weights.h5` without Keras: what is written is read again, and a failure changes nothing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from conformance.reference_impl.saving import formats, keras_archive, weights_h5
from conformance.reference_impl.saving.saved_model import (
    FormatError,
    InMemory,
    LayerPath,
    SavedModel,
    StoredArray,
    loaded,
)
from tests.saving.hostile_keras_files.sound import layer, members, model, pack

Weights = dict[LayerPath, dict[str, StoredArray]]


def contents(saved: SavedModel) -> dict[LayerPath, dict[str, list[Any]]]:
    return {
        path: {name: loaded(array).tolist() for name, array in own.items()}
        for path, own in saved.weights.items()
    }


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return layer("Sequential", "keras", name="model", layers=list(layers))


@pytest.mark.parametrize("ending", [".keras", ".h5", ".hdf5", ".weights.h5"])
def test_what_is_written_is_read(ending: str, tmp_path: Path) -> None:
    saved, path = model(), tmp_path / f"m{ending}"
    formats.write(saved, path)
    configuration = saved.configuration if ending == ".weights.h5" else None
    with formats.opened(path, configuration) as found:
        assert contents(found) == contents(saved)
        assert [loaded(array).tolist() for array in found.optimizer.values()] == [7]
        layers = found.configuration["config"]["layers"]
        assert [one["config"]["name"] for one in layers] == ["input", "dense", "out"]


def test_deflated_archives_are_read(tmp_path: Path) -> None:
    """As other programs pack them."""
    pack(tmp_path / "m.keras", members(tmp_path / "stored.keras"), zipfile.ZIP_DEFLATED)
    with formats.opened(tmp_path / "m.keras") as found:
        assert contents(found) == contents(model())


def test_files_without_the_names_of_layers_are_read(tmp_path: Path) -> None:
    """As Keras wrote them before 3.7: no attribute `name`."""
    import h5py

    formats.write(model(), tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5", "r+") as file:
        file.visititems(lambda _, found: found.attrs.pop("name", None))
    with weights_h5.opened(tmp_path / "m.weights.h5", model().configuration) as found:
        assert contents(found) == contents(model())


def test_the_file_says_how_the_model_was_compiled(tmp_path: Path) -> None:
    optimizer = layer("SGD", "keras.optimizers", learning_rate=0.5)
    saved = replace(model(), training={"optimizer": optimizer, "loss": "mse", "metrics": None})
    keras_archive.write(saved, tmp_path / "m.keras")
    with formats.opened(tmp_path / "m.keras") as found:
        assert found.training == saved.training
        assert "compile_config" not in found.configuration
        assert found.made_by == f"Keras {keras_archive.KERAS_VERSION}"


def test_a_layer_of_the_models_is_not_one_of_the_users(tmp_path: Path) -> None:
    """A class of the user may have the name of one of Keras's."""
    configuration = json.loads(members(tmp_path / "m.keras")["config.json"])
    configuration["config"]["layers"][1] |= {"registered_name": "mine>Dense", "module": "mine"}
    archive = members(tmp_path / "m.keras") | {"config.json": json.dumps(configuration).encode()}
    pack(tmp_path / "m.keras", archive)
    with pytest.raises(FormatError, match="mine>Dense"), formats.opened(tmp_path / "m.keras"):
        pass


class Broken:
    """An array whose file ends too early."""

    shape, dtype = (4, 3), "float32"

    def pieces(self) -> Iterator[memoryview]:
        yield memoryview(bytes(20))
        raise FormatError("elsewhere.h5", "/kernel", "the file ends")


class TooLong(Broken):
    def pieces(self) -> Iterator[memoryview]:
        yield memoryview(bytes(52))


class TooShort(Broken):
    def pieces(self) -> Iterator[memoryview]:
        yield memoryview(bytes(44))


def with_kernel(kernel: StoredArray) -> SavedModel:
    weights: Weights = {path: dict(own) for path, own in model().weights.items()}
    weights["dense",]["kernel"] = kernel
    return replace(model(), weights=weights)


UNWRITABLE: dict[str, tuple[SavedModel, str]] = {
    "an array that breaks off": (with_kernel(Broken()), "the file ends"),
    "an array that is too long": (with_kernel(TooLong()), "not the 48 bytes"),
    "an array that is too short": (with_kernel(TooShort()), "not the 48 bytes"),
    "a kernel of another shape": (
        with_kernel(InMemory(np.zeros((4, 2), "f4"))),
        r"layer 'dense': expected the weights kernel, bias, .*; found kernel \(4, 2\)",
    ),
    "weights of no layer": (
        replace(model(), weights={**model().weights, ("ghost",): {}}),
        "has no layer 'ghost'",
    ),
    "a layer without its weights": (
        replace(model(), weights={("dense",): model().weights["dense",]}),
        "layer 'out': expected the weights kernel, bias, .*; found none",
    ),
    "a layer that is not known": (
        replace(
            model(),
            configuration=sequential(*model().configuration["config"]["layers"], layer("Odd", name="odd")),
            weights={**model().weights, ("odd",): {"w": InMemory(np.zeros(3))}},
        ),
        "layer 'odd': its weights cannot be written: the specification has no Odd",
    ),
    "two layers of one name": (
        replace(model(), configuration=sequential(layer("ReLU", name="a"), layer("ReLU", name="a"))),
        "layer 'a': two layers of the model have this name",
    ),
    "a number that JSON has not": (
        replace(model(), configuration=model().configuration | {"build_config": float("nan")}),
        "not JSON compliant",
    ),
}


@pytest.mark.parametrize(("saved", "reason"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_fails_leaves_the_old_file_and_nothing_else(
    saved: SavedModel, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=reason):
        formats.write(saved, path)
    assert [file.name for file in tmp_path.iterdir()] == ["m.keras"]
    assert path.read_bytes() == b"old"


def test_a_file_is_replaced_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    formats.write(model(), path)
    with formats.opened(path) as found:
        formats.write(found, path)
    with formats.opened(path) as found:
        assert contents(found) == contents(model())


def test_the_format_goes_by_the_name() -> None:
    names = [
        formats.format_of(Path("dir.h5") / name).endings[0] for name in ("a.weights.h5", "b.h5", "c.keras")
    ]
    assert names == [".weights.h5", ".h5", ".keras"]


def test_operations_of_a_graph_are_not_numbered_with_layers(tmp_path: Path) -> None:
    """An operation of the class of a layer stands before it, which Keras has in `model.layers` alone."""

    def on(name: str, other: Any) -> list[dict[str, Any]]:
        config = {"shape": [None, 2], "dtype": "float32", "keras_history": [name, 0, 0]}
        return [{"args": [{"class_name": "__keras_tensor__", "config": config}, *other], "kwargs": {}}]

    norm = layer("BatchNormalization", name="layer") | {"inbound_nodes": on("op", [])}
    operation = {
        "module": "keras.src.ops.nn",
        "class_name": "BatchNormalization",
        "config": {"name": "op"},
        "name": "op",
        "inbound_nodes": on("input", []),
    }
    first = layer("InputLayer", name="input", batch_shape=[None, 2], dtype="float32") | {"inbound_nodes": []}
    configuration = layer(
        "Functional",
        name="model",
        layers=[first, operation, norm],
        input_layers=[["input", 0, 0]],
        output_layers=[["layer", 0, 0]],
    )
    given: dict[str, StoredArray] = {
        n: InMemory(np.full(2, i, np.float32))
        for i, n in enumerate(("gamma", "beta", "moving_mean", "moving_variance"))
    }
    saved = SavedModel(configuration, {("layer",): given})
    formats.write(saved, tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        (tmp_path / "m.weights.h5").write_bytes(archive.read("model.weights.h5"))
    with h5py.File(tmp_path / "m.weights.h5") as file:
        assert list(file["layers"]) == ["batch_normalization", "input_layer"]
    with formats.opened(tmp_path / "m.keras") as found:
        assert contents(found) == contents(saved)
