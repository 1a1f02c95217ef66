"""The names of weights: TensorFlow.js finds those of every layer, and what it writes are the layer's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.cases.drafts.layers import drafts
from conformance.reference_impl import layers
from conformance.reference_impl.layers import Layer, Weight
from conformance.reference_impl.layers.cell import Cell
from conformance.reference_impl.layers.layer import Shape
from conformance.reference_impl.saving import model_json
from conformance.reference_impl.saving.configuration import Untranslatable, modern
from conformance.reference_impl.saving.saved_model import InMemory, JSONObject, SavedModel, loaded
from tests.saving.tensorflow_js import array, ask

pytestmark = pytest.mark.node

ACCEPTED: Mapping[str, Any] = {"reset_after": False}
"""Arguments of which TensorFlow.js takes this value alone."""

LACKING: Mapping[str, Callable[[Sample], bool]] = {
    "low rank": lambda sample: any("lora_" in w.name for w in sample.weights),
    "renormalization": lambda sample: any("renorm_" in w.name for w in sample.weights),
    "a convolutional cell by itself": lambda sample: sample.class_name == "ConvLSTM2DCell",
    "RNN in both directions": lambda sample: sample.inner_class == "RNN",
    "another layer for the way back": lambda sample: (
        sample.class_name == "Bidirectional" and any(w.name.startswith("other/") for w in sample.weights)
    ),
}
"""What TensorFlow.js has not, although it has the class."""


@dataclass(frozen=True)
class Sample:
    """A model of one layer, and that layer's weights."""

    class_name: str
    configuration: JSONObject
    weights: tuple[Weight, ...]

    @property
    def inner_class(self) -> str | None:
        config = self.configuration["config"]["layers"][-1]["config"]
        return config["layer"]["class_name"] if "layer" in config else None

    @property
    def lacking(self) -> bool:
        return any(holds(self) for holds in LACKING.values())

    def saved(self) -> SavedModel:
        rng = np.random.default_rng(0)
        arrays = {w.name: InMemory(rng.normal(size=w.shape).astype(np.float32)) for w in self.weights}
        return SavedModel(modern(self.configuration), {("subject",): arrays})


def samples() -> Iterator[Sample]:
    """A model of each layer that has weights, for each set of weights that the drafts give it."""
    seen = set()
    for case in drafts():
        class_name = case.subject.removeprefix("layers.")
        if class_name == "InputLayer":  # its cases are of what it refuses, too
            continue
        shapes = [tuple(source.shape) for source in case.inputs]
        config = accepted(layers.get(class_name).from_config(case.config).get_config())
        if class_name == "Bidirectional" and "backward_layer" not in case.config:
            # As Keras 2 and TensorFlow.js tell it: both directions by the one layer, by its name.
            del config["backward_layer"]
            config["layer"]["config"]["name"] = config["layer"]["config"]["name"].removeprefix("forward_")
        layer = layers.get(class_name).from_config(config)
        if isinstance(layer, Cell):
            config = {"cell": {"class_name": class_name, "config": config}}
            layer = layers.RNN(**config)
            shapes = [(shapes[0][0], 2, *shapes[0][1:])]
        weights = layer.declare_weights(shapes)
        key = class_name, tuple(w.name for w in weights)
        if weights and key not in seen:
            seen.add(key)
            yield Sample(class_name, model_of(layer, config, shapes), weights)


def accepted(value: Any) -> Any:
    """A configuration, and those inside it, with what TensorFlow.js takes."""
    if isinstance(value, list):
        return [accepted(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {k: ACCEPTED[k] if k in ACCEPTED else accepted(v) for k, v in value.items()}


def model_of(layer: Layer, config: JSONObject, shapes: Sequence[Shape]) -> JSONObject:
    """A functional model of the layer, as Keras 2 writes it."""
    inputs: list[JSONObject] = [
        {
            "class_name": "InputLayer",
            "name": f"input_{i}",
            "config": {"name": f"input_{i}", "batch_input_shape": list(shape), "dtype": "float32"},
            "inbound_nodes": [],
        }
        for i, shape in enumerate(shapes)
    ]
    subject = {
        "class_name": type(layer).__name__,
        "name": "subject",
        "config": config | {"name": "subject"},
        "inbound_nodes": [[[one["name"], 0, 0, {}] for one in inputs]],
    }
    return {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": [*inputs, subject],
            "input_layers": [[one["name"], 0, 0] for one in inputs],
            "output_layers": [["subject", 0, 0]],
        },
    }


@dataclass(frozen=True)
class Exchanged:
    """A sample written here, what TensorFlow.js said of it, and what it saved of that again.

    Attributes:
        refusal: why it was not written, or not loaded.
    """

    sample: Sample
    saved: SavedModel
    refusal: str | None
    told: Any
    returned: Path


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> list[Exchanged]:
    """All samples of classes that TensorFlow.js has."""
    folder = tmp_path_factory.mktemp("layers")
    (registered,) = ask({"classes": True})
    found, written, requests = [], [], []
    for i, sample in enumerate(sample for sample in samples() if sample.class_name in registered):
        saved, returned = sample.saved(), folder / f"{i}.returned"
        try:
            model_json.write(saved, folder / f"{i}")
        except Untranslatable as refusal:
            found.append(Exchanged(sample, saved, str(refusal), None, returned))
        else:
            written.append((sample, saved, returned))
            requests.append({"load": str(folder / f"{i}"), "save": str(returned)})
    for (sample, saved, returned), answer in zip(written, ask(*requests), strict=True):
        found.append(Exchanged(sample, saved, answer.get("error"), answer, returned))
    return found


def loaded_ones(exchanged: list[Exchanged]) -> list[Exchanged]:
    return [one for one in exchanged if one.refusal is None]


def test_tensorflow_js_loads_the_weights_of_every_layer_that_it_has(exchanged: list[Exchanged]) -> None:
    assert [
        (one.sample.class_name, one.refusal) for one in exchanged if one.refusal and not one.sample.lacking
    ] == []
    classes = {one.sample.class_name for one in loaded_ones(exchanged)}
    assert {
        "Dense",
        "Conv3DTranspose",
        "LSTM",
        "Bidirectional",
        "TimeDistributed",
        "StackedRNNCells",
    } <= classes
    assert {one.sample.class_name for one in exchanged} - classes == {"ConvLSTM2DCell"}


def test_what_is_said_to_be_lacking_is_refused_indeed(exchanged: list[Exchanged]) -> None:
    assert [one.sample.class_name for one in loaded_ones(exchanged) if one.sample.lacking] == []
    assert all(any(holds(one.sample) for one in exchanged) for holds in LACKING.values())


def test_each_weight_goes_where_the_layer_declares_it(exchanged: list[Exchanged]) -> None:
    for one in loaded_ones(exchanged):
        ours = [loaded(value) for value in one.saved.weights["subject",].values()]
        for mine, theirs in zip(ours, one.told["layers"]["subject"], strict=True):
            np.testing.assert_array_equal(mine, array(theirs), err_msg=one.sample.class_name)


def test_what_tensorflow_js_saves_is_read_by_the_names_of_the_specification(
    exchanged: list[Exchanged],
) -> None:
    for one in loaded_ones(exchanged):
        returned = model_json.read(one.returned)
        assert list(returned.weights) == [("subject",)]
        ours, theirs = one.saved.weights["subject",], returned.weights["subject",]
        assert list(theirs) == list(ours)
        for mine, back in zip(ours.values(), theirs.values(), strict=True):
            np.testing.assert_array_equal(loaded(mine), loaded(back))
