"""Configurations go from one form to another and back, and the live programs make the models of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases import corpus
from conformance.reference_impl import layers
from conformance.reference_impl.models import Model
from conformance.reference_impl.saving.configuration import Untranslatable, legacy, modern
from conformance.reference_impl.saving.configuration.known import TABLE, Target
from conformance.reference_impl.saving.saved_model import FormatError
from conformance.reference_impl.tape import constant
from conformance.runners.node import find_node
from conformance.runners.provision import ensure_package
from tests.reference_impl.layer_calls import quickly

from . import known

HERE = Path(__file__).parent
FILES = HERE / "files"
KERAS2 = os.environ.get("CONFORMANCE_KERAS2") or (sys.executable if find_spec("tf_keras") else None)
needs_keras2 = pytest.mark.skipif(
    KERAS2 is None, reason="Keras 2 is not installed; CONFORMANCE_KERAS2 may name an environment that has it"
)
TARGETS: tuple[Target, ...] = ("keras2", "tfjs")


@cache
def written_by(program: str) -> dict[str, dict[str, Any]]:
    """The models that a program wrote, by name."""
    models: dict[str, dict[str, Any]] = json.loads((FILES / f"{program}.json").read_text("utf-8"))
    return models


def plain(value: Any) -> Any:
    """A configuration without what a program works out anew: how layers were built, shapes of tensors."""
    match value:
        case {"class_name": "__keras_tensor__", "config": {"keras_history": history}}:
            return ["tensor", *history]
        case dict():
            left_out = ("build_config", "compile_config", "build_input_shape")
            return {k: plain(v) for k, v in value.items() if k not in left_out}
        case list():
            return [plain(item) for item in value]
    return value


def said_anew(configuration: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Every layer of a model by name, in the specification's one form, with its calls; models inside too."""
    found = []
    for layer in configuration["config"]["layers"]:
        config = layer["config"]
        if "layers" in config:
            found += said_anew(layer)
        elif layer["class_name"] in layers.Layer.registered:
            config = layers.get(layer["class_name"]).from_config(config).get_config()
        calls = [without_masks(call) for call in plain(layer.get("inbound_nodes", []))]
        if "layers" not in config and not str(layer["module"]).startswith("keras.src.ops"):
            found.append((layer.get("name") or layer["config"]["name"], config, calls))
    return found


def without_masks(call: dict[str, Any]) -> dict[str, Any]:
    kwargs = {k: v for k, v in call["kwargs"].items() if k not in ("mask", "training")}
    return {"args": call["args"], "kwargs": kwargs}


def ends(configuration: Mapping[str, Any]) -> Any:
    return [configuration["config"].get(key) for key in ("name", "input_layers", "output_layers")]


# What Keras 3 writes


@pytest.mark.parametrize("name", written_by("keras3"))
def test_the_form_of_keras_3_stays_as_it_is(name: str) -> None:
    model = written_by("keras3")[name]
    assert plain(modern(model)) == plain(model)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [name for name in written_by("keras3") if name != "operations"])
def test_there_and_back_is_the_same_model(name: str, target: Target) -> None:
    model = modern(written_by("keras3")[name])
    back = modern(legacy(model, target))
    assert said_anew(back) == said_anew(model)
    assert ends(back) == ends(model)


@pytest.mark.parametrize("name", written_by("keras2"))
def test_the_models_of_keras_2_are_those_of_keras_3(name: str) -> None:
    """They are made by the same lines; only names that nobody gave differ."""
    older, newer = modern(written_by("keras2")[name]), modern(written_by("keras3")[name])
    assert [config for _, config, _ in anonymous(older)] == [config for _, config, _ in anonymous(newer)]
    assert [calls for *_, calls in said_anew(older)] == [calls for *_, calls in said_anew(newer)]


def anonymous(configuration: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """The layers without what the programs say in their own ways: names, an axis, numbers in float32."""

    def same(value: Any) -> Any:
        match value:
            case dict():
                return {k: -1 if k == "axis" else same(v) for k, v in value.items() if k != "name"}
            case list():
                return [same(item) for item in value]
            case float():
                return pytest.approx(value)
        return value

    return [(name, same(config), calls) for name, config, calls in said_anew(configuration)]


def test_calls_tell_the_shapes_that_keras_3_tells() -> None:
    """Those of tensors that the older form only names."""
    older, newer = (modern(written_by(program)["towers"]) for program in ("keras2", "keras3"))
    for ours, theirs in zip(older["config"]["layers"], newer["config"]["layers"], strict=True):
        assert ours["inbound_nodes"] == theirs["inbound_nodes"]
    states = modern(written_by("keras2")["states"])["config"]["layers"][-1]["inbound_nodes"][0]["kwargs"]
    assert [tensor["config"]["shape"] for tensor in states["initial_state"]] == [[None, 3], [None, 3]]


# What the targets know


def cases_of_layers() -> list[tuple[str, dict[str, Any]]]:
    """The layers of the quick corpus that can stand in a model."""
    found = {
        (case.subject.removeprefix("layers."), json.dumps(case.config, sort_keys=True))
        for case in corpus.load("quick")
        if case.subject.startswith("layers.")
        and case.subject != "layers.InputLayer"
        and not case.to_be_refused
    }
    return [(name, json.loads(config)) for name, config in sorted(found)]


@pytest.mark.parametrize("target", TARGETS)
def test_every_layer_of_the_corpus_comes_back_or_is_named(target: Target) -> None:
    """What a target has no words for is named, each such argument; what it has comes back."""
    arguments = {argument for cls in layers.Layer.registered.values() for argument in cls.arguments}
    arguments.add("class_name")
    translated = 0
    for name, config in cases_of_layers():
        described = [{"class_name": name, "config": {**config, "name": "it"}}]
        model = modern({"class_name": "Sequential", "config": described})
        unsaid: list[Untranslatable] = []
        written = legacy(model, target, unsaid.append)
        if unsaid:
            assert {what.argument.split(".")[0] for what in unsaid} <= arguments, (name, config)
            with pytest.raises(Untranslatable, match=r"layer \w+"):
                legacy(model, target)
            continue
        assert said_anew(modern(written)) == said_anew(model), (name, config)
        translated += 1
    assert translated > 300


def model_of(class_name: str, **config: Any) -> dict[str, Any]:
    return modern([{"class_name": class_name, "config": {"name": "it", **config}}])


@pytest.mark.parametrize(
    ("target", "class_name", "config", "argument"),
    [
        ("tfjs", "GroupNormalization", {}, "class_name"),
        ("tfjs", "ReLU", {"negative_slope": 0.5}, "negative_slope"),
        ("tfjs", "Dense", {"units": 2, "activation": "leaky_relu"}, "activation"),
        ("tfjs", "Dense", {"units": 2, "kernel_regularizer": {"class_name": "OrthogonalRegularizer"}},
         "kernel_regularizer"),
        ("tfjs", "GaussianNoise", {"stddev": 0.5, "seed": 3}, "seed"),
        ("tfjs", "Dense", {"units": 2, "dtype": "float16"}, "dtype"),
        ("keras2", "Dense", {"units": 2, "lora_rank": 2}, "lora_rank"),
        ("keras2", "Dense", {"units": 2, "kernel_initializer": {"class_name": "HeNormal",
         "config": {"input_axes": 0}}}, "kernel_initializer.input_axes"),
    ],
)  # fmt: skip
def test_what_a_target_does_not_know_is_named(
    target: Target, class_name: str, config: dict[str, Any], argument: str
) -> None:
    with pytest.raises(Untranslatable, match="layer it") as raised:
        legacy(model_of(class_name, **config), target)
    assert (raised.value.layer, raised.value.argument) == ("it", argument)


def test_layers_of_keras_applications_are_kept_and_named() -> None:
    config = {"name": "it", "init_values": 0.5, "projection_dim": 4}
    model = modern(
        [{"module": "keras.src.applications.convnext", "class_name": "LayerScale", "config": config}]
    )
    assert plain(model["config"]["layers"][0]["config"])["init_values"] == 0.5
    with pytest.raises(Untranslatable, match="LayerScale"):
        legacy(model, "tfjs")


def test_layers_of_a_model_that_is_not_trained_are_not_trained() -> None:
    model = json.loads(json.dumps(written_by("keras3")["nested"]))
    (inside,) = (layer for layer in model["config"]["layers"] if layer["class_name"] == "Sequential")
    inside["config"]["trainable"] = False
    (written,) = (
        layer
        for layer in legacy(modern(model), "tfjs")["config"]["layers"]
        if layer["class_name"] == "Sequential"
    )
    _, *others = written["config"]["layers"]
    assert [layer["config"]["trainable"] for layer in others] == [False] * len(others)


def test_operations_are_named() -> None:
    found: list[Untranslatable] = []
    legacy(modern(written_by("keras3")["operations"]), "keras2", found.append)
    assert {(what.argument, what.value) for what in found} >= {
        ("class_name", "Multiply"), ("class_name", "Add"), ("class_name", "Subtract")
    }  # fmt: skip


def test_a_mask_that_is_not_handed_on_is_named() -> None:
    model = json.loads(json.dumps(written_by("keras3")["masked"]))
    (lstm,) = (layer for layer in model["config"]["layers"] if layer["class_name"] == "LSTM")
    (other,) = (layer for layer in model["config"]["layers"] if layer["class_name"] == "NotEqual")
    other["inbound_nodes"][0]["args"][1] = 7.0
    with pytest.raises(Untranslatable) as raised:
        legacy(modern(model), "tfjs")
    assert (raised.value.layer, raised.value.argument) == (lstm["name"], "call 0: mask")


def with_states_and_mask() -> dict[str, Any]:
    """A model of Keras 2 whose GRU is given a mask, with its input, and states."""
    model: dict[str, Any] = json.loads(json.dumps(written_by("keras2")["states"]))
    masking = {"class_name": "Masking", "name": "masking", "config": {"name": "masking", "mask_value": 0.5},
               "inbound_nodes": [[["x", 0, 0, {}]]]}  # fmt: skip
    model["config"]["layers"].insert(1, masking)
    model["config"]["layers"][-1]["inbound_nodes"][0][0][0] = "masking"
    return model


def test_a_mask_that_keras_3_would_ignore_is_named() -> None:
    """Keras 3 hands no mask on to a recurrent layer that is given states too; older programs do."""
    model = with_states_and_mask()
    with pytest.raises(FormatError, match="layer lstm: its input has a mask, which Keras 3 ignores"):
        modern(model)
    (lstm,) = (layer for layer in model["config"]["layers"] if layer["class_name"] == "LSTM")
    names = [name for name, *_ in lstm["inbound_nodes"][0]]
    first, *states = (
        {"class_name": "__keras_tensor__", "config": {"keras_history": [n, 0, 0]}} for n in names
    )
    lstm["inbound_nodes"] = [{"args": [first], "kwargs": {"initial_state": states}}]
    with pytest.raises(Untranslatable) as raised:
        legacy(modern(model), "tfjs")
    assert (raised.value.layer, raised.value.argument, raised.value.value) == ("lstm", "call 0: mask", None)


# Graphs that are drawn


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Functional models of layers that add what they are given, of shared ones, and of models inside."""
    rank = ["x", "y"][: draw(st.integers(1, 2))]
    entries: list[dict[str, Any]] = [
        {"class_name": "InputLayer", "name": name, "inbound_nodes": [],
         "config": {"batch_input_shape": [None, 4], "dtype": "float32", "name": name}}
        for name in rank
    ]  # fmt: skip
    tensors: list[tuple[str, int]] = [(name, 0) for name in rank]
    for number in range(draw(st.integers(1, 6))):
        name = f"layer_{number}"
        inside = draw(st.sampled_from(["Add", "Dense", "Sequential", "Functional"]))
        dense = {"class_name": "Dense", "config": {"units": 4, "name": "dense"}}
        given = {"batch_input_shape": [None, 4], "dtype": "float32", "name": "given"}
        config: dict[str, Any] = {"name": name}
        if inside == "Dense":
            config["units"] = 4
        elif inside == "Sequential":
            config["layers"] = [{"class_name": "InputLayer", "config": given}, dense]
        elif inside == "Functional":
            config |= {
                "layers": [
                    {"class_name": "InputLayer", "name": "given", "config": given, "inbound_nodes": []},
                    {**dense, "name": "dense", "inbound_nodes": [[["given", 0, 0, {}]]]},
                ],
                "input_layers": [["given", 0, 0]],
                "output_layers": [["dense", 0, 0]],
            }
        first = 1 if inside in ("Sequential", "Functional") else 0
        nodes, made = [], []
        for call in range(draw(st.integers(1, 2))):
            count = draw(st.integers(2, 3)) if inside == "Add" else 1
            nodes.append([[*draw(st.sampled_from(tensors)), 0, {}] for _ in range(count)])
            made.append((name, call + first))
        entries.append({"class_name": inside, "name": name, "config": config, "inbound_nodes": nodes})
        tensors += made
    used = {(item[0], item[1]) for entry in entries for node in entry["inbound_nodes"] for item in node}
    outputs = [[*tensor, 0] for tensor in tensors if tensor not in used]
    config = {
        "name": "drawn",
        "trainable": True,
        "layers": draw(st.permutations(entries)),
        "input_layers": [[name, 0, 0] for name in rank],
        "output_layers": outputs,
    }
    return {"class_name": "Functional", "config": config}


@pytest.mark.parametrize("target", TARGETS)
@quickly
@given(model=graphs())
def test_drawn_graphs_come_back(target: Target, model: dict[str, Any]) -> None:
    newer = modern(model)
    older = legacy(newer, target)
    assert ends(older) == ends(model)
    nodes = {entry["name"]: entry["inbound_nodes"] for entry in model["config"]["layers"]}
    assert {entry["name"]: entry["inbound_nodes"] for entry in older["config"]["layers"]} == nodes
    assert modern(older) == newer


# What is refused

LAYER = {"class_name": "Dense", "config": {"units": 3, "name": "it"}}


def functional(*entries: Any, inputs: Any = (), outputs: Any = ()) -> dict[str, Any]:
    config = {"name": "m", "layers": list(entries), "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Functional", "config": config}


def inside_each_other(depth: int) -> dict[str, Any]:
    model: dict[str, Any] = LAYER
    for _ in range(depth):
        model = {"class_name": "Sequential", "config": {"name": "m", "layers": [model]}}
    return model


def it(class_name: str = "Dense", **config: Any) -> list[Any]:
    """The layers of a Sequential: one, of that name."""
    units = {"units": 3} if class_name in ("Dense", "LSTM") else {}
    return [{"class_name": class_name, "config": {"name": "it", **units, **config}}]


MINE = {"module": "builtins", "class_name": "function", "config": "mine"}
LEAKY = {"class_name": "LeakyReLU", "config": {"alpha": 0.5}}
ZEROS_OF_MINE = {"module": "os", "class_name": "Zeros", "config": {}}


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        (3, "no Sequential or Functional model"),
        ({"class_name": "Dense", "config": {}}, "no Sequential or Functional model"),
        ({"class_name": "Sequential", "config": {"layers": 3}}, "a list of layers"),
        ([3], "class_name and config"),
        (it("Lambda", function=["4wEAAA"]), "layer it: a Lambda layer holds code"),
        (it("TFSMLayer", filepath="/etc"), "layer it: a TFSMLayer layer holds code"),
        (it("TFOpLambda"), "operation of TensorFlow"),
        (it("Mine"), "no layer of Keras, and custom ones are not loaded"),
        ([{**LAYER, "module": "os", "registered_name": None}], "class of 'os'"),
        ([{**LAYER, "registered_name": "Mine>Dense"}], "Mine>Dense"),
        (it(swing=2), "layer it: argument swing = 2 of Dense is not known"),
        (it(activation="glow"), "layer it: argument activation"),
        (it(activation=MINE), "no activation function"),
        (it(activation={"class_name": "PReLU", "config": {}}), "'PReLU' is no activation function"),
        (it("LSTM", activation=LEAKY), "'LeakyReLU' is no activation function"),
        (it(activation={**LEAKY, "module": "os"}), "LeakyReLU is a class of 'os'"),
        (it(kernel_initializer=ZEROS_OF_MINE), "argument kernel_initializer: Zeros is a class of 'os'"),
        (it(kernel_initializer={"class_name": []}), "layer it: argument kernel_initializer"),
        (it(dtype={**ZEROS_OF_MINE, "class_name": "Policy"}), "argument dtype: Policy is a class of 'os'"),
        (it("LSTM", time_major=True), "time_major = True of LSTM"),
        (it("InputLayer", batch_input_shape=[-4]), "batch_shape"),
        (it("Bidirectional"), "argument layer"),
        (it("Bidirectional", layer=it("LSTM")[0], backward_layer=3), "argument backward_layer"),
        (functional({**LAYER, "name": "it", "inbound_nodes": [[["x", 0]]]}), "call 0 of layer it"),
        (functional({**LAYER, "name": "it", "inbound_nodes": 3}), "inbound_nodes is no list"),
        (functional({**LAYER, "inbound_nodes": []}, {**LAYER, "inbound_nodes": []}), "a name of its own"),
        (functional({**LAYER, "inbound_nodes": []}, inputs=[["x", 0]]), "input_layers"),
        (inside_each_other(40), "nested deeper"),
        ([{"class_name": "Mi\nne", "config": {"name": "x" * 10**6}}], "no layer of Keras"),
    ],
)
def test_what_is_no_model_of_keras_is_refused_by_name(configuration: Any, reason: str) -> None:
    with pytest.raises(FormatError, match=reason) as raised:
        modern(configuration, "model.json")
    assert str(raised.value).startswith("model.json: ")
    assert "\n" not in str(raised.value)


def test_a_layer_that_is_not_called_need_not_say_so() -> None:
    model = written_by("keras3")["towers"]
    bare = deepcopy(model)
    inputs = [layer for layer in bare["config"]["layers"] if not layer["inbound_nodes"]]
    for layer in inputs:
        del layer["inbound_nodes"]
    assert inputs != []
    assert modern(bare) == modern(model)


def test_a_mask_is_of_numbers_of_any_size() -> None:
    model = deepcopy(written_by("keras3")["masked"])
    large = 10**400
    for layer in model["config"]["layers"]:
        if layer["class_name"] == "Masking":
            layer["config"]["mask_value"] = large
        if layer["class_name"] == "NotEqual":
            layer["inbound_nodes"][0]["args"][1] = large
    masking = next(each for each in modern(model)["config"]["layers"] if each["class_name"] == "Masking")
    assert masking["config"]["mask_value"] == large


def test_a_layer_may_stand_for_an_activation_function() -> None:
    read = modern(it(activation=LEAKY))["config"]["layers"][0]["config"]["activation"]
    assert (read["class_name"], read["config"]["negative_slope"]) == ("LeakyReLU", 0.5)
    dense = layers.Dense.from_config({"units": 3, "activation": read})
    x = constant(np.array([[-2.0, 4.0]]))
    np.testing.assert_array_equal(dense.activate(x).value, [[-1.0, 4.0]])
    assert layers.Dense.from_config(dense.get_config()).get_config() == dense.get_config()


NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.sampled_from(["", "x", "dense", "Dense"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["class_name", "config", "name", "layers", "args"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def with_nonsense(value: Any, path: tuple[Any, ...], nonsense: Any) -> Any:
    if not path:
        return nonsense
    copy = value.copy()
    copy[path[0]] = with_nonsense(value[path[0]], path[1:], nonsense)
    return copy


@pytest.mark.parametrize("program", ["keras2", "keras3", "tensorflow_js"])
@quickly
@given(data=st.data())
def test_whatever_a_file_says_is_a_model_or_an_error_of_its_format(program: str, data: st.DataObject) -> None:
    """And what is a model is one that targets and the specification take, or refuse by ValueError."""
    given = data.draw(st.sampled_from(list(written_by(program).values())))
    path = data.draw(st.sampled_from(places(given)))
    broken = with_nonsense(given, path, data.draw(NONSENSE))
    with suppress(FormatError):
        model = modern(broken)
        for take in (Model.from_config, lambda m: legacy(m, "keras2"), lambda m: legacy(m, "tfjs")):
            with suppress(ValueError):
                take(model)


# Live programs


def answered(command: list[str], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def loaded(answers: Mapping[str, Any]) -> Mapping[str, dict[str, Any]]:
    refused = {name: model for name, model in answers.items() if not isinstance(model, dict)}
    assert refused == {}
    return answers


def of_keras(python: str, package: str, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return answered([python, str(HERE / "adapters" / "models_of_keras.py"), package], given)


@pytest.mark.keras
def test_keras_3_makes_the_models_of_the_others() -> None:
    sources = {
        f"{program}/{name}": modern(model)
        for program in ("keras2", "tensorflow_js")
        for name, model in written_by(program).items()
    }
    answers = of_keras(sys.executable, "keras", sources)
    assert {name: plain(model) for name, model in answers["own"].items()} == {
        name: plain(model) for name, model in written_by("keras3").items()
    }
    for name, model in loaded(answers["given"]).items():
        assert said_anew(modern(model)) == said_anew(sources[name]), name


@pytest.mark.keras
@needs_keras2
def test_keras_2_makes_the_models_of_keras_3() -> None:
    assert KERAS2 is not None
    sources = {
        name: legacy(modern(model), "keras2")
        for name, model in written_by("keras3").items()
        if name != "operations"
    }
    for name, model in loaded(of_keras(KERAS2, "tf_keras", sources)["given"]).items():
        assert anonymous(modern(model)) == anonymous(modern(sources[name])), name


@pytest.mark.node
def test_tensorflow_js_makes_the_models_of_keras_3() -> None:
    sources = {
        name: legacy(modern(model), "tfjs")
        for name, model in written_by("keras3").items()
        if name != "operations"
    }
    script = str(HERE / "adapters" / "models_of_tensorflow_js.mjs")
    answers = answered([str(find_node().path), script, str(ensure_package())], sources)
    assert answers["own"].keys() == written_by("tensorflow_js").keys()
    for name, model in loaded(answers["given"]).items():
        assert anonymous(modern(model)) == anonymous(modern(sources[name])), name


@pytest.mark.node
def test_the_table_says_what_tensorflow_js_knows() -> None:
    assert json.loads(TABLE.read_text("utf-8"))["tfjs"] == known.of_tensorflow_js()


@pytest.mark.keras
def test_the_table_says_what_keras_knows() -> None:
    assert json.loads(TABLE.read_text("utf-8"))["keras3"] == known.of_keras(sys.executable, 3)
