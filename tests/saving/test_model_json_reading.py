"""Models read as TensorFlow.js keeps them: what the converter of Keras 2 writes, shards that are not what
they were, and names of weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.configuration import modern
from conformance.reference_impl.saving.configuration.modern import described
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject, LayerPath, loaded
from tests.saving.hostile_model_json import document, make
from tests.saving.small_model_json import DENSE, bare, dense, layer, ramp, sequential, weights, write


def test_a_model_is_read_by_its_file_as_by_its_directory(tmp_path: Path) -> None:
    write(dense(kernel=ramp(2)), tmp_path / "model")
    assert model_json.read(tmp_path / "model" / "model.json").weights.keys() == {("dense",)}


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


LSTM = bare("LSTM", "lstm")
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
