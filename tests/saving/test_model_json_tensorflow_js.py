"""TensorFlow.js itself: what it saves is read, it loads what is written, and both restore the same bits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.configuration import modern
from conformance.reference_impl.saving.saved_model import (
    FormatError,
    InMemory,
    JSONObject,
    SavedModel,
    loaded,
)
from conformance.reference_impl.saving.tensorflow_js_training import LOSSES, METRICS, OPTIMIZERS
from tests.saving.hostile_model_json import document, make
from tests.saving.tensorflow_js import ask, values

pytestmark = pytest.mark.node

MADE = ("dense", "convolutional", "recurrent", "nested", "trained")
"""Models that `tensorflow_js.mjs` makes."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    """Models that TensorFlow.js has saved, and what it says of them."""
    folder = tmp_path_factory.mktemp("made")
    answers = ask(*({"make": name, "save": str(folder / name), "optimizer": True} for name in MADE))
    return {name: (folder / name, answer) for name, answer in zip(MADE, answers, strict=True)}


def told(answer: Any) -> dict[str, dict[str, NDArray[Any]]]:
    """The weights of each layer that has some, as TensorFlow.js tells them."""
    assert "error" not in answer, answer["error"]
    return {name: values(weights) for name, weights in answer["layers"].items() if weights}


@pytest.mark.parametrize("name", MADE)
def test_what_tensorflow_js_saves_is_read(name: str, made: dict[str, tuple[Path, Any]]) -> None:
    directory, answer = made[name]
    model = model_json.read(directory)
    assert model.made_by == "TensorFlow.js tfjs-layers v4.22.0"
    expected = told(answer)
    assert [path[0] for path in model.weights] == list(expected)
    for path, weights in model.weights.items():
        found = [loaded(array) for array in weights.values()]
        for mine, theirs in zip(found, expected[path[0]].values(), strict=True):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)


def test_names_are_those_of_the_specification(made: dict[str, tuple[Path, Any]]) -> None:
    directory, _ = made["convolutional"]
    assert {
        path[0].split("_")[-1]: list(own) for path, own in model_json.read(directory).weights.items()
    } == {
        "Conv2D1": ["kernel", "bias"],
        "BatchNormalization1": ["gamma", "beta", "moving_mean", "moving_variance"],
        "DepthwiseConv2D1": ["kernel", "bias"],
        "Dense3": ["kernel", "bias"],
    }
    directory, _ = made["nested"]
    assert list(model_json.read(directory).weights) == [("tower", "inner"), ("head",)]


def test_metadata_and_the_state_of_the_optimizer_are_read(made: dict[str, tuple[Path, Any]]) -> None:
    assert model_json.read(made["nested"][0]).metadata == {"classes": ["no", "yes"]}
    directory, answer = made["trained"]
    model = model_json.read(directory)
    assert model.training is not None
    assert model.training["loss"] == "mean_squared_error"
    assert model.training["optimizer"] == {
        "module": "keras.optimizers",
        "class_name": "Adam",
        "config": {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07},
        "registered_name": None,
    }
    expected = values(answer["optimizer"])
    assert list(model.optimizer) == list(expected)
    assert loaded(model.optimizer["iter"]) == 2
    for name, array in model.optimizer.items():
        np.testing.assert_array_equal(loaded(array), expected[name])


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The address on loopback under which a directory's files are."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=directory)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def rewritten(
    made: dict[str, tuple[Path, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What TensorFlow.js says of its models after they have been read and written in many shards: loaded from
    memory, and by HTTP."""
    folder = tmp_path_factory.mktemp("rewritten")
    for name, (directory, _) in made.items():
        model_json.write(model_json.read(directory), folder / name, shard_size=101)
    with served(folder) as address:
        places = [str(folder / name) for name in MADE], [f"{address}/{name}/model.json" for name in MADE]
        from_memory, by_http = (ask(*({"load": x, "optimizer": True} for x in asked)) for asked in places)
    return {name: answers for name, *answers in zip(MADE, from_memory, by_http, strict=True)}


@pytest.mark.parametrize("name", MADE)
def test_what_is_written_tensorflow_js_loads(
    name: str, made: dict[str, tuple[Path, Any]], rewritten: dict[str, list[Any]]
) -> None:
    _, before = made[name]
    for after in rewritten[name]:
        np.testing.assert_equal(told(after), told(before))
        assert after["metadata"] == before["metadata"]
        if before["optimizer"]:
            np.testing.assert_equal(values(after["optimizer"]), values(before["optimizer"]))


def test_a_model_without_weights_is_loaded(tmp_path: Path) -> None:
    inputs = {"class_name": "InputLayer", "config": {"name": "input_1", "batch_input_shape": [None, 3]}}
    relu = {"class_name": "ReLU", "config": {"name": "relu"}}
    configuration = {"class_name": "Sequential", "config": {"name": "model", "layers": [inputs, relu]}}
    model_json.write(SavedModel(modern(configuration), {}), tmp_path / "model")
    with served(tmp_path) as address:
        from_memory, by_http = ask({"load": str(tmp_path / "model")}, {"load": f"{address}/model/model.json"})
    assert told(from_memory) == told(by_http) == {}


COMPILED: list[tuple[JSONObject, str]] = [
    ({"class_name": ours, "config": dict.fromkeys(arguments, 0.5)}, theirs)
    for theirs, (ours, arguments) in OPTIMIZERS.items()
]
"""Optimizers of Keras, and which of TensorFlow.js they are."""


def test_what_is_written_of_the_compilation_is_compiled(tmp_path: Path) -> None:
    """Every optimizer, loss and metric of the tables, since one that is not known would keep a model from
    loading."""
    sgd = COMPILED[0][0]
    compilations = [({"optimizer": optimizer, "loss": "mse"}, theirs) for optimizer, theirs in COMPILED]
    for loss, others in LOSSES.items():
        compilations += [({"optimizer": sgd, "loss": name}, "SGD") for name in (loss, *others)]
    for metric, others in METRICS.items():
        compilations += [
            ({"optimizer": sgd, "loss": "mse", "metrics": [name]}, "SGD") for name in (metric, *others)
        ]
    configuration = modern(document()["modelTopology"])
    for i, (training, _) in enumerate(compilations):
        weights = {"kernel": InMemory(np.ones((3, 2), np.float32)), "bias": InMemory(np.ones(2, np.float32))}
        model_json.write(SavedModel(configuration, {("dense",): weights}, training), tmp_path / f"{i}")
    answers = ask(*({"load": str(tmp_path / f"{i}")} for i in range(len(compilations))))
    assert [answer.get("compiled", answer) for answer in answers] == [theirs for _, theirs in compilations]


@pytest.mark.parametrize("name", ["größe", "_relu", "a b"])
def test_tensorflow_js_does_not_take_names_that_are_not_written(name: str, tmp_path: Path) -> None:
    """Of layers without weights, either."""
    inputs = {"class_name": "InputLayer", "config": {"name": "input_1", "batch_input_shape": [None, 3]}}
    relu = {"class_name": "ReLU", "config": {"name": name}}
    model = document() | {"weightsManifest": []}
    model["modelTopology"]["config"]["layers"] = [inputs, relu]
    make(tmp_path / "model", model)
    (answer,) = ask({"load": str(tmp_path / "model")})
    assert "Not a valid tensor name" in answer["error"]
    with pytest.raises(FormatError, match="does not take the name"):
        model_json.write(model_json.read(tmp_path / "model"), tmp_path / "written")


WHOLE = [(0.0123456789, -1.5), (1 / 3, 0.1), (1e-30, 3.0), (3e33, -1e38), (-0.7, 9.0), (0.0, 2.5)]
"""Scales and minima."""


def quantized(directory: Path, dtype: str, weights: list[dict[str, Any]]) -> None:
    """A manifest of which every weight has all numbers of that dtype."""
    size = 2 ** (8 * np.dtype(dtype).itemsize)
    content = np.arange(size, dtype="<u2" if dtype == "float16" else dtype).tobytes()
    model = document()
    model["modelTopology"]["config"]["layers"][1] = {
        "class_name": "EinsumDense",
        "config": {"name": "dense", "equation": "ab,bc->ac", "output_shape": 2},
    }
    model["weightsManifest"][0]["weights"] = [
        {"name": f"dense/{i}", "shape": [size], **weight} for i, weight in enumerate(weights)
    ]
    make(directory, model, a=content * len(weights), b=b"")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16"])
def test_weights_in_fewer_bits_are_restored_bit_for_bit(dtype: str, tmp_path: Path) -> None:
    if dtype == "float16":
        weights: list[dict[str, Any]] = [{"dtype": "float32", "quantization": {"dtype": dtype}}]
    else:
        weights = [
            {"dtype": "float32", "quantization": {"dtype": dtype, "scale": scale, "min": minimum}}
            for scale, minimum in WHOLE
        ]
        # Halves, which JavaScript rounds up, and the number below a half.
        weights += [
            {"dtype": "int32", "quantization": {"dtype": dtype, "scale": scale, "min": minimum}}
            for scale, minimum in [(0.5, -20.0), (1 / 3, -7.5), (2.5, -300.5), (1.0, 0.49999999999999994)]
        ]
    quantized(tmp_path / "model", dtype, weights)
    (answer,) = ask({"decode": str(tmp_path / "model")})
    assert "error" not in answer
    found = model_json.read(tmp_path / "model").weights["dense",]
    for (name, theirs), mine in zip(values(answer).items(), found.values(), strict=True):
        mine_loaded = loaded(mine)
        assert mine_loaded.dtype == theirs.dtype
        number = ~np.isnan(theirs)
        np.testing.assert_array_equal(np.isnan(mine_loaded), ~number)
        # The bits, since +0 and −0 are equal.
        np.testing.assert_array_equal(
            mine_loaded[number].view(np.uint32), theirs[number].view(np.uint32), err_msg=name
        )


def test_a_quantized_model_is_to_tensorflow_js_what_is_read_here(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "kernel": InMemory(rng.normal(size=(3, 2)).astype(np.float32)),
        "bias": InMemory(rng.normal(size=2).astype(np.float32)),
    }
    model = SavedModel(modern(document()["modelTopology"]), {("dense",): arrays})
    for dtype in ("uint8", "uint16", "float16"):
        model_json.write(model, tmp_path / dtype, quantization={dtype: []}, shard_size=3)
        (answer,) = ask({"load": str(tmp_path / dtype)})
        found = model_json.read(tmp_path / dtype).weights["dense",]
        assert (loaded(found["kernel"]) != arrays["kernel"].array).any()
        for mine, theirs in zip(found.values(), told(answer)["dense"].values(), strict=True):
            np.testing.assert_array_equal(loaded(mine), theirs)
