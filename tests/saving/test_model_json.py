"""Models written as TensorFlow.js keeps them, and read again: shards, dtypes, names, and what is replaced."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
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
from conformance.reference_impl.saving.configuration import Untranslatable, legacy, modern
from conformance.reference_impl.saving.configuration.modern import described
from conformance.reference_impl.saving.saved_model import (
    PIECE,
    FormatError,
    InMemory,
    JSONObject,
    LayerPath,
    SavedModel,
    loaded,
)
from tests.saving.hostile_model_json import document, make


def layer(class_name: str, name: str, **config: Any) -> JSONObject:
    return {"class_name": class_name, "config": {"name": name, **config}}


def sequential(*layers: JSONObject, name: str = "model") -> JSONObject:
    return layer("Sequential", name, layers=list(layers))


def dense(**weights: NDArray[Any]) -> SavedModel:
    """A model of one layer, which may have any weights: the specification does not know it."""
    any_dense = layer("EinsumDense", "dense", equation="ab,bc->ac", output_shape=2)
    arrays = {name: InMemory(array) for name, array in weights.items()}
    return SavedModel(modern(sequential(any_dense)), {("dense",): arrays}, made_by="Keras 3.15.1")


def ramp(*shape: int) -> NDArray[np.float32]:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def optimizer(class_name: str, **config: Any) -> JSONObject:
    return described("keras.optimizers", class_name, {"learning_rate": 0.5} | config)


ADAM = optimizer("Adam", beta_1=0.75, beta_2=0.875, epsilon=0.125)


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


def test_a_model_is_read_by_its_file_as_by_its_directory(tmp_path: Path) -> None:
    write(dense(kernel=ramp(2)), tmp_path / "model")
    assert model_json.read(tmp_path / "model" / "model.json").weights.keys() == {("dense",)}


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


def test_a_boolean_of_two_is_refused_when_it_is_read(tmp_path: Path) -> None:
    write(dense(kernel=np.ones(3, bool)), tmp_path / "model")
    (tmp_path / "model" / "group1-shard1of1.bin").write_bytes(b"\1\0\2")
    with pytest.raises(FormatError, match="/weightsManifest/0/weights/0: a boolean is neither 0 nor 1"):
        weights(tmp_path / "model")


@pytest.mark.parametrize("left", [None, 3])
def test_a_shard_that_is_gone_or_shorter_when_it_is_read_is_refused(left: int | None, tmp_path: Path) -> None:
    make(tmp_path / "model", document())
    model = model_json.read(tmp_path / "model")
    (tmp_path / "model" / "b.bin").unlink()
    if left is not None:
        (tmp_path / "model" / "b.bin").write_bytes(bytes(left))
    with pytest.raises(FormatError, match=r"b\.bin: "):
        loaded(model.weights["dense",]["bias"])


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


Shapes = Mapping[str, tuple[int, ...]]


def names(
    configuration: JSONObject, in_manifest: Shapes, directory: Path
) -> dict[tuple[str, ...], list[str]]:
    """The weights of each layer, from their names and shapes in a manifest."""
    model = document() | {"modelTopology": configuration}
    declared = [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in in_manifest.items()]
    model["weightsManifest"] = [{"paths": ["a.bin"], "weights": declared}]
    make(directory, model, a=bytes(4 * sum(math.prod(shape) for shape in in_manifest.values())))
    return {path: list(own) for path, own in model_json.read(directory).weights.items()}


def bare(class_name: str, name: str, **config: Any) -> JSONObject:
    """A layer of two units and no bias."""
    return layer(class_name, name, units=2, use_bias=False, **config)


LSTM = bare("LSTM", "lstm")
DENSE = (3, 2)
KERNEL, RECURRENT = (3, 8), (2, 8)
"""Of an LSTM."""
STACK = layer(
    "StackedRNNCells",
    "stacked_rnn_cells",
    cells=[bare("LSTMCell", "lstm_cell"), bare("SimpleRNNCell", "simple_rnn_cell")],
)
OF_STACK: Mapping[LayerPath, Sequence[str]] = {
    ("rnn",): [
        "lstm_cell/kernel",
        "lstm_cell/recurrent_kernel",
        "simple_rnn_cell/kernel",
        "simple_rnn_cell/recurrent_kernel",
    ]
}
NAMES: Mapping[str, tuple[JSONObject, Shapes, Mapping[LayerPath, Sequence[str]]]] = {
    "the cell of a recurrent layer": (
        LSTM,
        {"lstm/lstm_cell_3/kernel": KERNEL, "lstm/lstm_cell_3/recurrent_kernel": RECURRENT},
        {("lstm",): ["kernel", "recurrent_kernel"]},
    ),
    "both directions": (
        layer("Bidirectional", "b", layer=LSTM),
        {
            "b/backward_lstm/lstm_cell_2/kernel": KERNEL,
            "b/backward_lstm/lstm_cell_2/recurrent_kernel": RECURRENT,
            "b/forward_lstm/lstm_cell_1/kernel": KERNEL,
            "b/forward_lstm/lstm_cell_1/recurrent_kernel": RECURRENT,
        },
        {
            ("b",): [
                "forward_lstm/kernel",
                "forward_lstm/recurrent_kernel",
                "backward_lstm/kernel",
                "backward_lstm/recurrent_kernel",
            ]
        },
    ),
    "both directions, named after one": (
        layer("Bidirectional", "b", layer=bare("SimpleRNN", "forward_rnn")),
        {
            "b/forward_forward_rnn/kernel": DENSE,
            "b/forward_forward_rnn/recurrent_kernel": (2, 2),
            "b/backward_forward_rnn/kernel": DENSE,
            "b/backward_forward_rnn/recurrent_kernel": (2, 2),
        },
        {
            ("b",): [
                "forward_rnn/kernel",
                "forward_rnn/recurrent_kernel",
                "backward_rnn/kernel",
                "backward_rnn/recurrent_kernel",
            ]
        },
    ),
    "a stack of cells in Keras 2": (
        layer("RNN", "rnn", cell=STACK),
        {
            "rnn/stacked_rnn_cells/lstm_cell/kernel": KERNEL,
            "rnn/stacked_rnn_cells/lstm_cell/recurrent_kernel": RECURRENT,
            "rnn/stacked_rnn_cells/simple_rnn_cell/kernel": (2, 2),
            "rnn/stacked_rnn_cells/simple_rnn_cell/recurrent_kernel": (2, 2),
        },
        OF_STACK,
    ),
    "a stack of cells in TensorFlow.js": (
        layer("RNN", "rnn", cell=STACK),
        {
            "rnn/RNNCell_1/kernel": (2, 2),
            "rnn/RNNCell_1/recurrent_kernel": (2, 2),
            "rnn/RNNCell_0/kernel": KERNEL,
            "rnn/RNNCell_0/recurrent_kernel": RECURRENT,
        },
        OF_STACK,
    ),
    "a layer at every time": (
        layer(
            "TimeDistributed", "times", layer=layer("DepthwiseConv2D", "inner", kernel_size=2, use_bias=False)
        ),
        {"times/depthwise_kernel": (2, 2, 3, 1)},
        {("times",): ["kernel"]},
    ),
    "a model at every time": (
        layer("TimeDistributed", "times", layer=sequential(bare("Dense", "d"), name="inner")),
        {"d/kernel": DENSE},
        {("times", "inner", "d"): ["kernel"]},
    ),
    "a model that was built with what is in it": (
        bare("Dense", "dense"),
        {"model/dense/kernel": DENSE},
        {("dense",): ["kernel"]},
    ),
    "a model in the model": (
        sequential(layer("Dense", "dense", units=2), name="inner"),
        {"dense/bias": (2,), "model/inner/dense/kernel": DENSE},
        {("inner", "dense"): ["kernel", "bias"]},
    ),
    "a name with a slash": (
        bare("Dense", "block/dense"),
        {"block/dense/kernel": DENSE},
        {("block/dense",): ["kernel"]},
    ),
    "a layer that the specification has not": (
        layer("MultiHeadAttention", "attention", num_heads=2, key_dim=2),
        {"attention/query/kernel": (2, 2), "attention/scale": ()},
        {("attention",): ["query/kernel", "scale"]},
    ),
}


@pytest.mark.parametrize(("inner", "in_manifest", "expected"), NAMES.values(), ids=NAMES)
def test_names_are_those_of_the_specification(
    inner: JSONObject,
    in_manifest: Shapes,
    expected: Mapping[LayerPath, Sequence[str]],
    tmp_path: Path,
) -> None:
    found = names(sequential(inner), in_manifest, tmp_path / "model")
    assert found == expected


def test_weights_are_in_the_order_of_the_model_not_of_the_manifest(tmp_path: Path) -> None:
    model = sequential(bare("Dense", "a"), bare("Dense", "b"))
    found = names(model, {"b/kernel": (2, 2), "a/kernel": DENSE}, tmp_path / "model")
    assert list(found) == [("a",), ("b",)]


def test_two_models_of_one_layers_name_are_told_apart_by_the_models(tmp_path: Path) -> None:
    model = sequential(*(sequential(bare("Dense", "dense"), name=name) for name in "ab"))
    found = names(model, {"b/dense/kernel": (2, 2), "a/dense/kernel": DENSE}, tmp_path / "model")
    assert found == {("a", "dense"): ["kernel"], ("b", "dense"): ["kernel"]}


def test_a_name_that_two_layers_have_is_that_of_the_one_with_weights(tmp_path: Path) -> None:
    without = layer("LayerNormalization", "norm", center=False, scale=False)
    model = sequential(sequential(bare("Dense", "norm"), name="a"), without)
    assert names(model, {"norm/kernel": DENSE}, tmp_path / "model") == {("a", "norm"): ["kernel"]}


@pytest.mark.parametrize(
    "in_manifest",
    [
        {"dense/kernel": DENSE},
        {"dense/kernel": DENSE, "dense/bias": (3,)},
        {"dense/kernel": (2, 3), "dense/bias": (2,)},
        {"dense/kernel": DENSE, "dense/bias": (2,), "dense/gamma": (2,)},
        {"dense/kernel": DENSE, "dense/gamma": (2,)},
    ],
)
def test_weights_that_are_not_the_layers_are_refused(in_manifest: Shapes, tmp_path: Path) -> None:
    expected = "layer 'dense': expected the weights kernel, bias, .*; found kernel"
    with pytest.raises(FormatError, match=expected):
        names(sequential(layer("Dense", "dense", units=2)), in_manifest, tmp_path / "model")


def test_what_the_converter_of_keras_2_writes_is_read(tmp_path: Path) -> None:
    model = document()
    inner = model["modelTopology"]
    training = {"loss": "mse", "optimizer_config": {"class_name": "Adam", "config": {}}}
    versions = {"keras_version": "2.15.0", "backend": "tensorflow"}
    model["modelTopology"] = versions | {"model_config": inner, "training_config": training}
    by = {"generatedBy": "keras v2.15.0", "convertedBy": "TensorFlow.js Converter v4.22.0"}
    make(tmp_path / "model", model | by)
    found = model_json.read(tmp_path / "model")
    assert found.configuration == modern(inner)
    assert found.training == {"optimizer": described("keras.optimizers", "Adam", {}), "loss": "mse"}
    assert found.made_by == "keras v2.15.0"
    assert found.weights.keys() == {("dense",)}


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


# Quantization


def test_whole_numbers_are_those_of_the_official_converter(tmp_path: Path) -> None:
    """The example of its documentation."""
    given = np.array([0, -0.1, 1.2], np.float32)
    files = written(dense(kernel=given), tmp_path / "model", quantization={"uint8": []})
    assert list(files["group1-shard1of1.bin"]) == [20, 0, 255]
    (declared,) = json.loads(files["model.json"])["weightsManifest"][0]["weights"]
    assert declared["quantization"] == {
        "dtype": "uint8",
        "min": pytest.approx(-0.10196078817, rel=1e-9),
        "scale": pytest.approx(0.00509803940852, rel=1e-9),
        "original_dtype": "float32",
    }
    found = weights(tmp_path / "model")["kernel"]
    assert found[0] == 0
    assert np.abs(found - given).max() <= 0.00509803940852 / 2 * 1.001


@given(
    array=hnp.arrays("float32", st.integers(1, 30), elements=st.floats(-1000, 1000, width=32)),
    dtype=st.sampled_from(["uint8", "uint16"]),
)
@settings(deadline=None)
def test_what_is_restored_is_within_a_step_and_zero_is_zero(
    array: NDArray[np.float32], dtype: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("model")
    write(dense(kernel=array), directory, quantization={dtype: []})
    found = weights(directory)["kernel"]
    step = (float(array.max()) - float(array.min())) / np.iinfo(dtype).max
    assert np.abs(found.astype(float) - array).max() <= step * (1 + 1e-6) + 1e-4
    if array.min() < array.max():
        assert (found[array == 0] == 0).all()


def test_each_weight_is_stored_as_its_pattern_says(tmp_path: Path) -> None:
    model = dense(kernel=ramp(3), bias=ramp(3), other=ramp(3), count=np.arange(3, dtype=np.int32))
    patterns = {"uint8": ["*/kernel"], "uint16": ["dense/b*"], "float16": []}
    files = written(model, tmp_path / "model", quantization=patterns)
    declared = json.loads(files["model.json"])["weightsManifest"][0]["weights"]
    told = [one.get("quantization", {}).get("dtype") for one in declared]
    assert told == ["uint8", "uint16", "float16", None]
    assert len(files["group1-shard1of1.bin"]) == 3 * (1 + 2 + 2 + 4)
    for name, found in weights(tmp_path / "model").items():
        np.testing.assert_allclose(found, np.arange(3), atol=0.01, err_msg=name)


@pytest.mark.parametrize(
    ("quantization", "reason"),
    [
        ({"uint4": []}, "float16, uint8, uint16, not to uint4"),
        ({"uint8": [], "float16": []}, "uint8 and float16 are both for all"),
        ({"uint8": ["*"], "float16": ["*"]}, "both to uint8 and to float16"),
        ({"uint8": ["conv*"]}, "no weight's name matches 'conv\\*'; there are dense/kernel"),
    ],
)
def test_contradictory_quantization_is_refused(
    quantization: dict[str, list[str]], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=reason):
        write(dense(kernel=ramp(3)), tmp_path / "model", quantization=quantization)


@pytest.mark.parametrize(
    ("value", "dtype", "reason"),
    [
        (np.nan, "uint8", "NaN or infinity"),
        (np.nan, "float16", "NaN or infinity"),
        (np.inf, "uint16", "NaN or infinity"),
        (65520, "float16", "too large for float16"),
        (-1e30, "float16", "too large for float16"),
    ],
)
def test_what_does_not_fit_in_fewer_bits_is_refused(
    value: float, dtype: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match=f"dense/kernel: .*{reason}"):
        write(dense(kernel=np.array([1, value], np.float32)), tmp_path / "model", quantization={dtype: []})


def test_the_largest_float16_is_kept(tmp_path: Path) -> None:
    given = np.array([65519, -65504, 1e-8], np.float32)
    write(dense(kernel=given), tmp_path / "model", quantization={"float16": []})
    np.testing.assert_array_equal(weights(tmp_path / "model")["kernel"], [65504, -65504, 0])


# Memory


@dataclass(frozen=True)
class Endless:
    """Many numbers that take no memory."""

    shape = (16 * 2**20,)
    dtype = "float32"

    def pieces(self) -> Iterator[memoryview]:
        for start in range(0, 64 * 2**20, PIECE):
            yield np.full(PIECE // 4, start / 2**20, np.float32).view(np.uint8).data


@pytest.mark.parametrize("quantization", [None, {"uint8": []}, {"float16": []}])
def test_a_weight_is_never_in_memory_as_a_whole(
    quantization: dict[str, list[str]] | None, tmp_path: Path
) -> None:
    """64 MiB written and read: a handful of pieces, in float64 where numbers are rounded."""
    model = replace(dense(), weights={("dense",): {"kernel": Endless()}})
    tracemalloc.start()
    try:
        write(model, tmp_path / "model", quantization=quantization)
        stored = model_json.read(tmp_path / "model").weights["dense",]["kernel"]
        sizes = [len(content) for content in stored.pieces()]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 64 * 2**20
    assert max(sizes) <= PIECE
    assert most < 12 * PIECE
