"""Models written as TensorFlow.js keeps them: shards, dtypes, what was compiled, names, what is replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.configuration import Untranslatable, modern
from conformance.reference_impl.saving.configuration.modern import described
from conformance.reference_impl.saving.saved_model import (
    FormatError,
    InMemory,
    JSONObject,
    SavedModel,
    loaded,
)
from tests.saving.hostile_model_json import document, make
from tests.saving.small_model_json import DENSE, bare, dense, layer, ramp, sequential, weights, write, written


def optimizer(class_name: str, **config: Any) -> JSONObject:
    return described("keras.optimizers", class_name, {"learning_rate": 0.5} | config)


ADAM = optimizer("Adam", beta_1=0.75, beta_2=0.875, epsilon=0.125)

ARRAYS = st.sampled_from(["float32", "int32", "bool", "complex64"]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
)


@given(
    arrays=st.dictionaries(st.sampled_from(["kernel", "bias", "more"]), ARRAYS, min_size=1),
    shard_size=st.integers(1, 200),
)
@settings(deadline=None)
def test_every_array_comes_back_however_the_shards_are_cut(
    arrays: dict[str, NDArray[Any]], shard_size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("model")
    write(dense(**arrays), directory, shard_size=shard_size)
    found = weights(directory)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_all_that_a_model_says_comes_back(tmp_path: Path) -> None:
    state = {"iter": InMemory(np.array(3, np.int32)), "dense/kernel/m": InMemory(ramp(3, 2))}
    model = replace(
        dense(kernel=ramp(3, 2)),
        training={"optimizer": ADAM, "loss": "mean_squared_error", "metrics": ["accuracy"]},
        optimizer=state,
        metadata={"classes": ["no", "yes"], "größe": 1.5},
    )
    write(model, tmp_path / "model")
    found = model_json.read(tmp_path / "model")
    assert found.configuration == model.configuration
    assert found.training == model.training
    assert found.metadata == model.metadata
    assert found.made_by == "Keras 3.15.1"
    assert list(found.optimizer) == list(state)
    assert list(found.weights) == [("dense",)]
    np.testing.assert_array_equal(loaded(found.optimizer["dense/kernel/m"]), ramp(3, 2))


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    model = dense(kernel=ramp(30, 20), bias=ramp(20))
    assert written(model, tmp_path / "a", shard_size=100) == written(model, tmp_path / "b", shard_size=100)


def test_weights_stand_in_their_order_in_shards_of_one_size_and_the_rest(tmp_path: Path) -> None:
    files = written(dense(kernel=ramp(3, 2), bias=ramp(2)), tmp_path / "model", shard_size=10)
    assert [len(files[f"group1-shard{i}of4.bin"]) for i in (1, 2, 3, 4)] == [10, 10, 10, 2]
    assert len(files) == 5
    content = b"".join(files[f"group1-shard{i}of4.bin"] for i in (1, 2, 3, 4))
    assert content == np.concatenate([ramp(6), ramp(2)]).astype("<f4").tobytes()


def test_a_shard_has_four_mebibytes_if_nothing_else_is_said(tmp_path: Path) -> None:
    files = written(dense(kernel=ramp(2**20 + 1)), tmp_path / "model")
    sizes = {name: len(content) for name, content in files.items() if name != "model.json"}
    assert sizes == {"group1-shard1of2.bin": 4 * 2**20, "group1-shard2of2.bin": 4}


def test_the_document_says_who_wrote_it_and_what_the_weights_are(tmp_path: Path) -> None:
    told = json.loads(written(dense(kernel=ramp(3, 2)), tmp_path / "model")["model.json"])
    assert told["format"] == "layers-model"
    assert told["generatedBy"] == "Keras 3.15.1"
    assert told["convertedBy"].startswith("layers-conformance ")
    kernel = {"name": "dense/kernel", "shape": [3, 2], "dtype": "float32"}
    assert told["weightsManifest"] == [{"paths": ["group1-shard1of1.bin"], "weights": [kernel]}]


def test_a_model_without_weights_has_no_shards(tmp_path: Path) -> None:
    assert list(written(dense(), tmp_path / "model")) == ["model.json"]
    assert model_json.read(tmp_path / "model").weights == {}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("float64", "float32"),
        ("float16", "float32"),
        ("int64", "int32"),
        ("complex128", "complex64"),
    ],
)
def test_what_tensorflow_js_has_not_is_written_as_what_it_has(
    given: str, stored: str, tmp_path: Path
) -> None:
    write(dense(kernel=ramp(5).astype(given)), tmp_path / "model")
    found = weights(tmp_path / "model")["kernel"]
    assert found.dtype == stored
    np.testing.assert_array_equal(found, ramp(5).astype(stored))


def test_strings_are_kept_as_lengths_and_bytes(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Strings:
        shape = (3,)
        dtype = "string"

        def pieces(self) -> Iterator[memoryview]:
            yield memoryview(b"\3\0\0\0one\0\0\0\0\5\0\0\0three")

    model = dense(after=ramp(2))
    strings = replace(model, weights={("dense",): {"words": Strings(), **model.weights["dense",]}})
    write(strings, tmp_path / "model", shard_size=7)
    found = model_json.read(tmp_path / "model").weights["dense",]
    assert b"".join(found["words"].pieces()) == b"\3\0\0\0one\0\0\0\0\5\0\0\0three"
    np.testing.assert_array_equal(loaded(found["after"]), ramp(2))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array([2**40]), "beyond int32"),
        (np.array([1e300]), "beyond float32"),
        (np.array([1], np.uint32), "no weights of uint32"),
    ],
)
def test_numbers_that_tensorflow_js_cannot_hold_are_not_written(
    array: NDArray[Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match=f"dense/kernel: .*{reason}"):
        write(dense(kernel=array), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_what_json_has_not_is_not_written(tmp_path: Path) -> None:
    model = replace(dense(), metadata={"threshold": float("nan")})
    with pytest.raises(FormatError, match="JSON"):
        write(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


SCHEDULE = described("keras.optimizers.schedules", "CosineDecay", {"decay_steps": 9})
UNUSED = {"name": "adam", "weight_decay": None, "use_ema": False, "ema_momentum": 0.99, "amsgrad": False}
OPTIMIZERS: Mapping[str, tuple[JSONObject, str | None]] = {
    "SGD": (optimizer("SGD", momentum=0.0, nesterov=False), "SGD"),
    "momentum": (optimizer("SGD", momentum=0.25, nesterov=True), "Momentum"),
    "RMSprop": (optimizer("RMSprop", rho=0.25, momentum=0.0, epsilon=0.5, centered=False), "RMSProp"),
    "what Keras tells": (optimizer("Adam", beta_1=0.75, beta_2=0.5, epsilon=0.5, **UNUSED), "Adam"),
    "not all arguments": (optimizer("Adam", beta_1=0.75), None),
    "another optimizer": (optimizer("Lion"), None),
    "an argument that TensorFlow.js has not": (
        optimizer("Adam", beta_1=0.75, beta_2=0.5, epsilon=0.5, amsgrad=True),
        None,
    ),
    "a schedule": (
        optimizer("Adam", learning_rate=SCHEDULE, beta_1=0.75, beta_2=0.5, epsilon=0.5),
        None,
    ),
}


@pytest.mark.parametrize(("ours", "theirs"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_what_was_compiled_stands_where_tensorflow_js_loads_it_or_where_it_does_not_look(
    ours: JSONObject, theirs: str | None, tmp_path: Path
) -> None:
    compiled = {"optimizer": ours, "loss": "mse", "metrics": ["acc"], "loss_weights": None}
    written_files = written(replace(dense(), training=compiled), tmp_path / "model")
    told = json.loads(written_files["model.json"])
    if theirs is None:
        assert "trainingConfig" not in told
        assert model_json.read(tmp_path / "model").training == compiled
    else:
        training = told["trainingConfig"]
        assert (training["loss"], training["metrics"]) == ("mean_squared_error", ["accuracy"])
        assert training["optimizer_config"]["class_name"] == theirs
        assert training["optimizer_config"]["config"]["learningRate"] == 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "dice"},
        {"loss": None},
        {"loss": described("keras.losses", "MeanSquaredError", {"reduction": "sum"})},
        {"metrics": ["AUC"]},
        {"metrics": [described("keras.metrics", "AUC", {})]},
        {"loss_weights": [2.0]},
        {"weighted_metrics": ["accuracy"]},
    ],
)
def test_what_tensorflow_js_could_not_compile_does_not_keep_it_from_loading(
    changes: JSONObject, tmp_path: Path
) -> None:
    compiled = {"optimizer": ADAM, "loss": "mse", "metrics": ["accuracy"], **changes}
    written_files = written(replace(dense(), training=compiled), tmp_path / "model")
    assert "trainingConfig" not in json.loads(written_files["model.json"])
    assert model_json.read(tmp_path / "model").training == compiled


def test_a_class_of_losses_without_arguments_is_the_function_of_that_name(tmp_path: Path) -> None:
    loss = described("keras.losses", "MeanSquaredError", {"name": "mse", "reduction": "sum_over_batch_size"})
    told = written(replace(dense(), training={"optimizer": ADAM, "loss": {"out": loss}}), tmp_path / "model")
    assert json.loads(told["model.json"])["trainingConfig"]["loss"] == {"out": "mean_squared_error"}


def test_the_state_of_another_programs_optimizer_is_left_out(tmp_path: Path) -> None:
    state = {"iteration": InMemory(np.array(3)), "dense_kernel_momentum": InMemory(ramp(2))}
    compiled = {"optimizer": ADAM, "loss": "mse", "metrics": []}
    write(replace(dense(kernel=ramp(2)), training=compiled, optimizer=state), tmp_path / "model")
    assert model_json.read(tmp_path / "model").optimizer == {}


# Names


def of_one_weight(configuration: JSONObject, *paths: tuple[str, ...]) -> SavedModel:
    arrays = {"kernel": InMemory(ramp(*DENSE))}
    return SavedModel(modern(configuration), dict.fromkeys(paths, arrays))


def test_layers_that_tensorflow_js_cannot_tell_apart_are_not_written(tmp_path: Path) -> None:
    model = sequential(*(sequential(bare("Dense", "dense"), name=name) for name in "ab"))
    with pytest.raises(FormatError, match="two layers under the name 'dense/kernel'; rename"):
        write(of_one_weight(model, ("a", "dense"), ("b", "dense")), tmp_path / "model")


def test_a_name_that_tensorflow_js_does_not_take_is_not_written(tmp_path: Path) -> None:
    model = of_one_weight(sequential(bare("Dense", "größe")), ("größe",))
    with pytest.raises(FormatError, match="does not take the name 'größe'; rename"):
        write(model, tmp_path / "model")


def test_weights_of_a_layer_that_is_not_there_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="has no layer 'other', whose weights are given"):
        write(of_one_weight(sequential(bare("Dense", "dense")), ("other",)), tmp_path / "model")


def test_weights_that_are_not_the_layers_are_not_written(tmp_path: Path) -> None:
    model = of_one_weight(sequential(layer("Dense", "dense", units=2)), ("dense",))
    with pytest.raises(FormatError, match="layer 'dense': expected the weights kernel, bias"):
        model_json.write(model, tmp_path / "model")


def test_what_tensorflow_js_has_no_words_for_is_not_written(tmp_path: Path) -> None:
    model = SavedModel(modern(sequential(bare("Dense", "dense", activation="silu", lora_rank=2))), {})
    with pytest.raises(Untranslatable, match="lora_rank"):
        model_json.write(model, tmp_path / "model")
    assert not (tmp_path / "model").exists()


# What is replaced


def test_only_the_files_of_the_old_model_go(tmp_path: Path) -> None:
    directory = tmp_path / "model"
    write(dense(kernel=ramp(9)), directory, shard_size=10)
    (directory / "index.html").write_text("a page")
    (directory / "group1-shard1of9.bin").write_text("no part of the model")
    write(dense(kernel=ramp(2)), directory)
    assert sorted(path.name for path in directory.iterdir()) == [
        "group1-shard1of1.bin",
        "group1-shard1of9.bin",
        "index.html",
        "model.json",
    ]
    np.testing.assert_array_equal(weights(directory)["kernel"], ramp(2))
    assert list(tmp_path.iterdir()) == [directory]


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_file_in_the_way_that_is_no_models_stays(tmp_path: Path) -> None:
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "group1-shard1of1.bin").write_text("mine")
    with pytest.raises(FormatError, match=r"group1-shard1of1\.bin: is there, and is not the old model's"):
        write(dense(kernel=ramp(2)), directory)
    assert contents(directory) == {"group1-shard1of1.bin": b"mine"}
    assert list(tmp_path.iterdir()) == [directory]


def test_an_old_model_that_names_files_elsewhere_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_text("mine")
    model = document()
    model["weightsManifest"][0]["paths"][1] = "../outside.bin"
    make(tmp_path / "model", model)
    before = contents(tmp_path / "model")
    with pytest.raises(FormatError, match="plain name"):
        write(dense(kernel=ramp(2)), tmp_path / "model")
    assert contents(tmp_path / "model") == before
    assert (tmp_path / "outside.bin").read_text() == "mine"


def test_no_directory_is_made_around_the_models(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="there is no directory"):
        write(dense(kernel=ramp(2)), tmp_path / "not there" / "model")
    assert contents(tmp_path) == {}


def test_a_file_is_not_taken_for_a_directory(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("mine")
    with pytest.raises(FormatError, match="no directory"):
        write(dense(kernel=ramp(2)), tmp_path / "model")
    assert contents(tmp_path) == {"model": b"mine"}


def test_a_model_can_be_written_where_it_is_read_from(tmp_path: Path) -> None:
    directory = tmp_path / "model"
    write(dense(kernel=ramp(9), bias=ramp(3)), directory, shard_size=10)
    write(model_json.read(directory), directory, shard_size=7)
    np.testing.assert_array_equal(weights(directory)["kernel"], ramp(9))
    assert len(list(directory.glob("*.bin"))) == 7


def test_if_a_weight_cannot_be_read_the_old_model_stays(tmp_path: Path) -> None:
    directory = tmp_path / "model"
    write(dense(kernel=ramp(9)), directory)
    before = contents(directory)
    make(tmp_path / "broken", document())
    broken = model_json.read(tmp_path / "broken")
    (tmp_path / "broken" / "b.bin").unlink()
    with pytest.raises(FormatError):
        write(broken, directory)
    assert contents(directory) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "model"]


@pytest.mark.parametrize("moves", range(5))
def test_if_a_file_cannot_be_moved_all_are_as_they_were(
    moves: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "model"
    write(dense(kernel=ramp(9)), directory)
    before = contents(directory)
    rename = Path.rename
    done: list[Path] = []

    def failing(path: Path, target: Path) -> Path:
        # That of a shard to its name comes first.
        if len(done) == moves:
            done.append(target)
            raise OSError("no space left on device")
        done.append(target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no space left"):
        write(dense(kernel=ramp(2)), directory)
    assert contents(directory) == before
    assert list(tmp_path.iterdir()) == [directory]
