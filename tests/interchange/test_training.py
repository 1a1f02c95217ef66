"""Training that goes on in the other program: how a model was compiled, and the state of its optimizer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.interchange import summary
from conformance.interchange.conversion import Conversion, Wanted, convert
from conformance.interchange.training import COMPILATION, STATE
from conformance.runners.node import find_node
from conformance.runners.registry import KERAS_TENSORFLOW

pytestmark = [pytest.mark.keras, pytest.mark.node]

ADAPTERS = Path(__file__).parent / "adapters"

CARRIED = ("sgd", "momentum", "nesterov", "rmsprop", "rmsprop_centered", "adagrad", "adadelta", "adam")

SAME_FORMULA = ("sgd", "momentum", "nesterov", "rmsprop", "rmsprop_centered", "adagrad", "adam")
"""Optimizers that both programs compute alike but for rounding and the place of epsilon."""


def keras(task: str, folder: Path) -> None:
    program = [sys.executable, str(ADAPTERS / "trained_models.py"), task, str(folder)]
    subprocess.run(program, env=os.environ | KERAS_TENSORFLOW, check=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that Keras has trained for two epochs, and what became of them in a third."""
    folder = tmp_path_factory.mktemp("trained")
    keras("save", folder)
    return folder


@pytest.fixture(scope="module")
def converted(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Conversion]:
    folder = tmp_path_factory.mktemp("converted")
    return {path.stem: convert(path, folder / path.stem) for path in sorted(trained.glob("*.keras"))}


@pytest.fixture(scope="module")
def resaved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where TensorFlow.js saves what it has loaded."""
    return tmp_path_factory.mktemp("resaved")


@pytest.fixture(scope="module")
def resumed(converted: dict[str, Conversion], trained: Path, resaved: Path, modules: Path) -> dict[str, Any]:
    """What TensorFlow.js loads, and makes of it in a third epoch."""
    with np.load(trained / "data.npz") as data:
        given = json.dumps({name: data[name].tolist() for name in data})
    folder = converted["adam"].out.parent
    done = subprocess.run(
        [find_node().path, ADAPTERS / "training_on.mjs", modules, folder, resaved],
        input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def after(folder: Path, name: str) -> dict[str, NDArray[Any]]:
    with np.load(folder / f"{name}.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", CARRIED)
def test_nothing_is_lost_where_the_other_program_can_have_it(
    name: str, converted: dict[str, Conversion]
) -> None:
    assert converted[name].lost == ()


@pytest.mark.parametrize("name", SAME_FORMULA)
def test_training_goes_on_in_tensorflow_js_where_keras_left_it(
    name: str, resumed: dict[str, Any], trained: Path
) -> None:
    """Close to the epoch that Keras makes; that the numbers carried are the right ones, bit for bit, is what
    going back shows."""
    expected = after(trained, name)
    for weight, values in resumed[name]["weights"].items():
        np.testing.assert_allclose(values, expected[weight].ravel(), rtol=1e-3, atol=1e-4, err_msg=weight)


@pytest.mark.parametrize("name", CARRIED)
def test_the_state_comes_back_to_keras_as_it_was(
    name: str, resumed: dict[str, Any], trained: Path, resaved: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Through TensorFlow.js, which has loaded and saved it: Keras then makes of it what it makes of its
    own."""
    assert resumed[name]["state"]["iter"] == [4]
    back = tmp_path_factory.getbasetemp() / "back"
    if not back.is_dir():
        back.mkdir()
        (back / "data.npz").write_bytes((trained / "data.npz").read_bytes())
        for made in CARRIED:
            assert convert(resaved / made, back / f"{made}.keras").lost == ()
        keras("resume", back)
    mine, theirs = after(back, name), after(trained, name)
    assert mine.keys() == theirs.keys()
    exact = name not in ("momentum", "nesterov")
    for variable, values in mine.items():
        # The learning rate is multiplied into the momentum, and out of it: two roundings.
        limit = 0.0 if exact else 4 * float(np.finfo("f4").eps)
        np.testing.assert_allclose(values, theirs[variable], rtol=limit, atol=limit / 8, err_msg=variable)


def test_what_tensorflow_js_cannot_have_is_told_and_does_not_keep_the_model_from_loading(
    converted: dict[str, Conversion], resumed: dict[str, Any]
) -> None:
    (adamax,), (adamw,) = converted["adamax"].lost, converted["adamw"].lost
    assert (adamax.what, adamax.why) == (STATE, "TensorFlow.js cannot load the state of Adamax")
    assert (adamw.what, adamw.why) == (COMPILATION, "TensorFlow.js has no optimizer AdamW")
    assert resumed["adamax"]["state"] == {}
    assert resumed["adamw"]["state"] is None
    said = [*summary.lines(converted["adamw"])]
    assert said[0].startswith("how it was compiled is not carried: TensorFlow.js has no optimizer AdamW; ")
    assert json.loads(summary.as_json(converted["adamax"]))["lost"][0]["what"] == STATE


def test_keras_2_is_given_no_state_of_another_order(trained: Path, tmp_path: Path) -> None:
    assert convert(trained / "adam.keras", tmp_path / "adam.h5", Wanted(generation=2)).lost == ()
    (lost,) = convert(trained / "rmsprop.keras", tmp_path / "rmsprop.h5", Wanted(generation=2)).lost
    assert (lost.what, lost.why) == (STATE, "Keras 2 has that of this optimizer in another order")
