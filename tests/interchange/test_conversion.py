"""`conformance convert` and `conformance.convert`: every format into every other, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import conformance
from conformance.cli import main
from conformance.interchange.conversion import Refused, Wanted, convert, quantization
from conformance.reference_impl.saving import formats
from conformance.reference_impl.saving.configuration import modern
from conformance.reference_impl.saving.saved_model import InMemory, LayerPath, SavedModel, StoredArray, loaded

CONFIGURATION = modern(
    {
        "class_name": "Sequential",
        "config": {
            "name": "small",
            "layers": [
                {
                    "class_name": "Dense",
                    "config": {"units": 3, "batch_input_shape": [None, 4], "name": "first"},
                },
                {"class_name": "LSTM", "config": {"units": 2, "name": "unused"}},
            ][:1],
        },
    }
)
KERNEL = np.arange(12, dtype=np.float32).reshape(4, 3)
MODEL = SavedModel(
    CONFIGURATION, {("first",): {"kernel": InMemory(KERNEL), "bias": InMemory(np.ones(3, np.float32))}}
)
PATHS = ("model.keras", "model.h5", "web")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.keras"
    formats.write(MODEL, path)
    return path


def kernel(path: Path) -> Any:
    with formats.opened(path) as read:
        return loaded(read.weights["first",]["kernel"])


@pytest.mark.parametrize("second", PATHS)
@pytest.mark.parametrize("first", PATHS)
def test_every_format_into_every_other(first: str, second: str, source: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "one" / first, tmp_path / "two" / second
    there.parent.mkdir()
    back.parent.mkdir()
    convert(source, there)
    done = convert(there, back)
    assert (done.source, done.target) == (formats.format_of(first).name, formats.format_of(second).name)
    np.testing.assert_array_equal(kernel(back), KERNEL)


PADDED = {
    "filters": 4, "kernel_size": 2, "strides": 2, "output_padding": 1, "batch_input_shape": [None, 5, 5, 2],
    "name": "p",
}  # fmt: skip


@pytest.fixture
def padded(tmp_path: Path) -> Path:
    path = tmp_path / "padded.h5"
    weights = {"kernel": np.ones((2, 2, 4, 2), np.float32), "bias": np.ones(4, np.float32)}
    stored: dict[LayerPath, dict[str, StoredArray]] = {("p",): {n: InMemory(w) for n, w in weights.items()}}
    formats.write(SavedModel(modern([{"class_name": "Conv2DTranspose", "config": PADDED}]), stored), path)
    return path


def test_what_the_target_lacks_is_refused_before_anything_is_written(padded: Path, tmp_path: Path) -> None:
    out = tmp_path / "web"
    with pytest.raises(Refused, match=r"layer p: TensorFlow\.js does not know output_padding = 1"):
        convert(padded, out)
    assert not out.exists()
    answer = CliRunner().invoke(main, ["convert", str(padded), str(out)])
    assert answer.exit_code == 1
    assert "output_padding = 1" in answer.output
    assert not out.exists()


def test_what_may_be_left_out_is_told(padded: Path, tmp_path: Path) -> None:
    command = ["convert", str(padded), str(tmp_path / "web"), "--allow-deviations"]
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0, answer.output
    assert "layer p: TensorFlow.js does not know output_padding = 1: left out" in answer.output
    answer = CliRunner().invoke(main, [*command, "--json"])
    assert [what["argument"] for what in json.loads(answer.output)["left_out"]] == ["output_padding"]


def test_weights_of_a_layer_of_keras_applications_are_read_by_name(tmp_path: Path) -> None:
    scale = {
        "module": "keras.src.applications.convnext",
        "registered_name": "LayerScale",
        "class_name": "LayerScale",
        "config": {"init_values": 1e-6, "projection_dim": 3, "name": "scale"},
        "build_config": {"input_shape": [None, 2, 2, 3]},
    }
    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, 2, 2, 3], "name": "x"}}
    gamma = np.array([1.0, 2.0, 3.0], np.float32)
    path = tmp_path / "scaled.keras"
    formats.write(SavedModel(modern([first, scale]), {("scale",): {"gamma": InMemory(gamma)}}), path)
    convert(path, tmp_path / "web")
    with formats.opened(tmp_path / "web") as read:
        assert read.configuration["config"]["layers"][1]["class_name"] == "DepthwiseConv2D"
        np.testing.assert_array_equal(loaded(read.weights["scale",]["kernel"]).reshape(-1), gamma)


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    path = tmp_path / "gated.keras"
    gru = {"units": 2, "batch_input_shape": [None, 4, 3], "name": "g"}
    shapes = {"kernel": (3, 6), "recurrent_kernel": (2, 6), "bias": (2, 6)}
    stored: dict[LayerPath, dict[str, StoredArray]] = {
        ("g",): {name: InMemory(np.ones(shape, np.float32)) for name, shape in shapes.items()}
    }
    formats.write(SavedModel(modern([{"class_name": "GRU", "config": gru}]), stored), path)
    return path


def test_what_the_dialect_refuses_is_refused_with_argument_and_remedy(gated: Path, tmp_path: Path) -> None:
    out = tmp_path / "web"
    with pytest.raises(Refused, match=r"layer g: refused because of reset_after \(tfjs-gru-no-reset-after\)"):
        convert(gated, out)
    answer = CliRunner().invoke(main, ["convert", str(gated), str(out)])
    assert answer.exit_code == 1
    assert "Train with reset_after=False before converting" in answer.output
    assert not out.exists()


def test_what_the_dialect_refuses_is_written_and_told_where_that_is_allowed(
    gated: Path, tmp_path: Path
) -> None:
    command = ["convert", str(gated), str(tmp_path / "web"), "--allow-deviations"]
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0, answer.output
    assert "layer g: refused because of reset_after (tfjs-gru-no-reset-after)" in answer.output
    told = json.loads(CliRunner().invoke(main, [*command, "--json"]).output)
    assert [(what["layer"], what["argument"], what["deviation"]) for what in told["deviating"]] == [
        ("g", "reset_after", "tfjs-gru-no-reset-after")
    ]


def test_keras_2_may_be_given_what_it_has_no_words_for(tmp_path: Path) -> None:
    path, out = tmp_path / "sparse.keras", tmp_path / "model.h5"
    sparse = {"activation": "sparsemax", "batch_input_shape": [None, 4], "name": "a"}
    formats.write(SavedModel(modern([{"class_name": "Activation", "config": sparse}]), {}), path)
    with pytest.raises(Refused, match="Keras 2 does not know activation"):
        convert(path, out, Wanted(generation=2))
    assert not out.exists()
    done = convert(path, out, Wanted(generation=2, allow_deviations=True))
    assert [what.argument for what in done.left_out] == ["activation"]
    assert out.exists()


@pytest.mark.parametrize(
    ("wanted", "out", "what"),
    [
        (Wanted(quantization={"uint8": []}), "model.keras", "quantized"),
        (Wanted(shard_size=7), "model.h5", "shards"),
        (Wanted(generation=2), "model.keras", "Keras 2 reads .h5"),
        (Wanted(quantization={"int3": []}), "web", "int3"),
        (Wanted(quantization={"uint8": ["nothing*"]}), "web", "nothing"),
    ],
)
def test_a_wish_that_the_target_does_not_know(
    wanted: Wanted, out: str, what: str, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=what):
        convert(source, tmp_path / out, wanted)
    assert not (tmp_path / out).exists()


def test_quantized_weights_are_nearly_the_same(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "web", Wanted(quantization=quantization(["uint8"])))
    assert np.abs(kernel(tmp_path / "web") - KERNEL).max() <= 11 / 255 / 2 * 1.001


def test_a_live_model_saves_itself(tmp_path: Path) -> None:
    class Live:
        def save(self, filepath: str) -> None:
            formats.write(MODEL, filepath)

    conformance.convert(Live(), tmp_path / "web", shard_size=20)
    assert len(list((tmp_path / "web").glob("*.bin"))) == 3
    np.testing.assert_array_equal(kernel(tmp_path / "web"), KERNEL)
    with pytest.raises(TypeError, match="save"):
        convert(3, tmp_path / "web")  # type: ignore[arg-type]  # that is what is tried


def test_a_bad_file_is_named_with_exit_code_2(tmp_path: Path) -> None:
    bad = tmp_path / "model.keras"
    bad.write_bytes(b"PK nothing of the kind")
    answer = CliRunner(env={"COLUMNS": "300"}).invoke(main, ["convert", str(bad), str(tmp_path / "web")])
    assert answer.exit_code == 2
    assert f"{bad}: " in answer.output
    assert not (tmp_path / "web").exists()
