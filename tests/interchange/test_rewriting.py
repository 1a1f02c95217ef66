"""Rewritten models compute what they did, shown on the specification in float64, of what the target knows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.dialects.tensorflow_js import DIALECTS
from conformance.dialects.tensorflow_js.activations import hard_sigmoid as keras_2_hard_sigmoid
from conformance.interchange.rewriting import RULES, Rewrite, counted_on, rewritten, uniquely_named
from conformance.interchange.rewriting.activations import DIFFERENT, RECIPES
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.models import Model, held_by
from conformance.reference_impl.patches import patched
from conformance.reference_impl.saving import formats
from conformance.reference_impl.saving.configuration import Untranslatable, legacy
from conformance.reference_impl.saving.configuration.known import Program, Target
from conformance.reference_impl.saving.saved_model import InMemory, SavedModel, loaded
from conformance.reference_impl.saving.weight_names import Names
from conformance.reference_impl.tape import Tensor
from conformance.runners.registry import KERAS_TENSORFLOW
from tests.reference_impl.test_models import functional, layer, tensors
from tests.reference_impl.test_models import given as input_layer

MAKER = Path(__file__).parent / "adapters" / "applications.py"

X, Y = ("x", 0, 0), ("y", 0, 0)
ULPS = 16 * np.finfo(np.float64).eps

Shape = tuple[int, ...]


def operation(class_name: str, *args: Any, **config: Any) -> dict[str, Any]:
    """A node of an operation, on tensors and constants."""
    given = [tensors(a) if isinstance(a, tuple | list) else a for a in args]
    return {
        "module": "keras.src.ops.numpy",
        "class_name": class_name,
        "name": "own",
        "config": {"name": "own", **config},
        "inbound_nodes": [{"args": given, "kwargs": {}}],
    }


def around(member: dict[str, Any], *shapes: Sequence[int | None]) -> dict[str, Any]:
    """A model of one member, called `own`, on inputs of these shapes of samples."""
    ends = [X, Y][: len(shapes)]
    inputs = [input_layer(end[0], *shape) for end, shape in zip(ends, shapes, strict=True)]
    return functional([*inputs, member], [[*end] for end in ends], [["own", 0, 0]])


def numbers(shape: Sequence[int], seed: int) -> Any:
    """Numbers around zero that float32 holds, some of them small, and 0 and ±3 and ±6 too."""
    random = np.random.default_rng(seed)
    drawn = random.normal(scale=random.choice([0.01, 1.0, 4.0]), size=shape).astype(np.float32)
    kinks = random.choice(np.array([0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0], np.float32), size=shape)
    return np.where(random.random(shape) < 0.1, kinks, drawn)


def with_weights(configuration: dict[str, Any], seed: int = 0) -> SavedModel:
    declared = Model.from_config(configuration).declare_weights()
    weights = {
        path: {
            w.name: InMemory(
                (abs if "variance" in w.name else np.asarray)(numbers(w.shape, seed + i)).astype(np.float32)
            )
            for i, w in enumerate(own)
        }
        for path, own in declared.items()
    }
    return SavedModel(configuration, weights)


def outputs(saved: SavedModel, inputs: Sequence[Any]) -> list[Any]:
    weights = {
        path: {name: Tensor(loaded(array).astype(np.float64)) for name, array in own.items()}
        for path, own in saved.weights.items()
    }
    given = [Tensor(np.asarray(x, np.float64)) for x in inputs]
    return [y.value for y in Model.from_config(saved.configuration).call(given, weights, Context()).outputs]


def objections(saved: SavedModel, target: Target = "tfjs") -> list[str]:
    found: list[Untranslatable] = []
    legacy(saved.configuration, target, found.append)
    return [str(what) for what in found]


def check(
    saved: SavedModel, inputs: Sequence[Any], exactly: bool = False, target: Target = "tfjs"
) -> tuple[SavedModel, tuple[Rewrite, ...]]:
    """Rewrites a model, and shows that it computes the same, of what the target knows."""
    new, rewrites = rewritten(saved, target)
    assert rewrites
    assert objections(new, target) == []
    assert rewritten(new, target) == (new, ())
    before, after = Model.from_config(saved.configuration), Model.from_config(new.configuration)
    assert after.output_shapes() == before.output_shapes()
    declared = {path: {w.name: w.shape for w in own} for path, own in after.declare_weights().items()}
    held = {path: held_by(path, layer, new.weights) for path, layer in after.layers()}
    assert {p: {n: w.shape for n, w in own.items()} for p, own in held.items() if own} == declared
    for expected, found in zip(outputs(saved, inputs), outputs(new, inputs), strict=True):
        if exactly:
            np.testing.assert_array_equal(found, expected)
        else:
            # In each layer sums are rounded in another order, or with zeros between.
            near = ULPS * len(list(before.layers()))
            scale = np.abs(expected).max(initial=1.0)
            np.testing.assert_allclose(found, expected, rtol=near, atol=near * scale)
    return new, rewrites


def names(saved: SavedModel) -> list[str]:
    return [entry["config"]["name"] for entry in saved.configuration["config"]["layers"]]


# Each rule


CASES: dict[str, tuple[dict[str, Any], list[Sequence[int]], bool]] = {}
"""By name: a member, the shapes of samples, and whether equal bits are due."""


def case(name: str, member: dict[str, Any], *shapes: Sequence[int], exactly: bool = False) -> None:
    CASES[name] = (member, list(shapes), exactly)


def own(class_name: str, on: Any = X, **config: Any) -> dict[str, Any]:
    return layer(class_name, "own", on, **config)


BOTH = [X, Y]
MAX_NORM = {"class_name": "MaxNorm", "config": {"max_value": 0.5, "axis": 0}}
HARD_TANH = {"activation": "hard_tanh"}
PENALTY = {"class_name": "L2", "config": {"l2": 0.5}}
UNTRUNCATED = {"class_name": "VarianceScaling", "config": {"distribution": "untruncated_normal"}}
ROUNDED = {"gelu_new", "hard_sigmoid", "hard_silu", "sparse_sigmoid"}

for name in RECIPES:
    case(f"Activation {name}", own("Activation", activation=name), (4, 5), exactly=name not in ROUNDED)
    case(f"Dense {name}", own("Dense", units=3, activation=name), (4,), exactly=name not in ROUNDED)
LEAKY = {"class_name": "LeakyReLU", "config": {"negative_slope": 0.125, "name": "leaky"}}
case("Dense and LeakyReLU", own("Dense", units=3, activation=LEAKY), (4,), exactly=True)
case("Activation of a layer", own("Activation", activation=LEAKY), (4,), exactly=True)
case("Conv2D", own("Conv2D", filters=3, kernel_size=2, activation="hard_swish"), (5, 4, 2))
for most in (None, 6.0, 2.5):
    for slope in (0.0, 0.25):
        for threshold in (0.0, 0.5):
            if slope or threshold:
                rectifier = own("ReLU", max_value=most, negative_slope=slope, threshold=threshold)
                case(f"ReLU {most} {slope} {threshold}", rectifier, (4, 5), exactly=True)
case("ELU", own("ELU", alpha=0.75), (4, 5), exactly=True)
case("Identity", own("Identity"), (4, 5), exactly=True)
for kind in ("Average", "Max"):
    for rank in (1, 2, 3):
        for order in ("channels_last", "channels_first"):
            for keeps in (True, False):
                if keeps or rank == 3 or (rank == 1 and order == "channels_first"):
                    pooling = own(f"Global{kind}Pooling{rank}D", data_format=order, keepdims=keeps)
                    case(f"Global {kind} {rank} {order} {keeps}", pooling, (4, 3, 5, 2)[: rank + 1])
    for order in ("channels_first",):
        pooling = own(f"{kind}Pooling1D", pool_size=2, data_format=order)
        case(f"{kind}Pooling1D", pooling, (3, 6), exactly=True)

case("groups of one", own("Conv2D", filters=6, kernel_size=(2, 3), groups=3, strides=2), (5, 6, 3))
case("groups of two", own("Conv2D", filters=6, kernel_size=2, groups=2, activation="relu"), (5, 6, 4))
case("groups and gaps", own("Conv2D", filters=4, kernel_size=2, groups=4, dilation_rate=2), (6, 6, 4))
case("groups of Conv1D", own("Conv1D", filters=6, kernel_size=2, groups=3), (5, 3))
case("groups of Conv3D", own("Conv3D", filters=2, kernel_size=2, groups=2), (3, 4, 3, 4))
for padding in ("valid", "same"):
    arguments: dict[str, Any] = {"kernel_size": 2, "dilation_rate": (2, 3), "padding": padding}
    case(f"DepthwiseConv2D {padding}", own("DepthwiseConv2D", depth_multiplier=2, **arguments), (7, 6, 2))
    case(f"Conv2DTranspose {padding}", own("Conv2DTranspose", filters=3, **arguments), (4, 5, 2))
    arguments = {"kernel_size": 2, "dilation_rate": 2, "padding": padding, "filters": 2}
    case(f"Conv3DTranspose {padding}", own("Conv3DTranspose", **arguments), (3, 2, 3, 2))
    for order in ("channels_last", "channels_first"):
        shape = (6, 2) if order == "channels_last" else (2, 6)
        for step in ({"strides": 2}, {"dilation_rate": 2}):
            arguments = {"kernel_size": 3, "padding": padding, "data_format": order, **step}
            told = f"{padding} {order} {step}"
            case(f"DepthwiseConv1D {told}", own("DepthwiseConv1D", depth_multiplier=2, **arguments), shape)
            case(f"SeparableConv1D {told}", own("SeparableConv1D", filters=3, **arguments), shape)
            case(f"Conv1DTranspose {told}", own("Conv1DTranspose", filters=3, **arguments), shape)
        if order == "channels_first":
            case(f"Conv1D {padding}", own("Conv1D", filters=3, **arguments), shape)
causal = {"padding": "causal", "kernel_size": 2, "dilation_rate": 2}
case("causal Conv1D", own("Conv1D", filters=3, **causal), (6, 2))
case("causal first", own("Conv1D", filters=3, data_format="channels_first", **causal), (2, 6))
case("ZeroPadding1D", own("ZeroPadding1D", padding=(1, 2)), (3, 2), exactly=True)
case("Cropping1D", own("Cropping1D", cropping=(1, 2)), (6, 2), exactly=True)
case("UpSampling1D", own("UpSampling1D", size=3), (3, 2), exactly=True)
case("SpatialDropout2D", own("SpatialDropout2D", rate=0.5), (3, 4, 2), exactly=True)
case("SpatialDropout3D", own("SpatialDropout3D", rate=0.5), (3, 4, 2, 2), exactly=True)
case("BatchNormalization 1", own("BatchNormalization", axis=1), (3, 4, 2), exactly=True)
case("BatchNormalization 2", own("BatchNormalization", axis=2), (3, 4, 2), exactly=True)
case("BatchNormalization of steps", own("BatchNormalization", axis=1), (3, 4), exactly=True)
case("BatchNormalization renorm", own("BatchNormalization", renorm=True), (3, 4), exactly=True)
for along in (None, -1, 1, [1, 3]):
    case(f"Normalization along {along}", own("Normalization", axis=along), (3, 4, 2))
case("Normalization of vectors", own("Normalization"), (4,))
case("Normalization of videos", own("Normalization"), (2, 3, 1, 2))
case("LayerScale", own("LayerScale", projection_dim=2, init_values=1e-6), (3, 4, 2), exactly=True)
case("CustomScaleLayer", own("CustomScaleLayer", BOTH, scale=0.17), (3, 4), (3, 4), exactly=True)
case("Softmax", own("Softmax", axis=1), (3, 4, 2))
case("Dense constrained", own("Dense", units=3, kernel_constraint=MAX_NORM), (4,), exactly=True)
case("Dense penalized", own("Dense", units=3, activity_regularizer=PENALTY), (4,), exactly=True)
case("Dense untruncated", own("Dense", units=3, kernel_initializer=UNTRUNCATED), (4,), exactly=True)
inner = {"class_name": "LSTM", "config": {"units": 2, "recurrent_constraint": MAX_NORM}}
case("Bidirectional constrained", own("Bidirectional", layer=inner), (4, 3), exactly=True)
unrolled = own("ConvLSTM2D", filters=2, kernel_size=2, unroll=True)
case("ConvLSTM2D unrolled", unrolled, (3, 4, 4, 1), exactly=True)
inner = {"class_name": "Dense", "config": {"units": 3, "activation": "hard_tanh"}}
case("TimeDistributed", own("TimeDistributed", layer=inner), (4, 3), exactly=True)
case("ActivityRegularization", own("ActivityRegularization", l1=0.5), (3, 4), exactly=True)
case("Flatten", own("Flatten"), (4,), exactly=True)
case("Flatten of numbers", own("Flatten"), (), exactly=True)
case("Concatenate one", own("Concatenate", [X]), (3, 4), exactly=True)
case("Concatenate from the end", own("Concatenate", BOTH, axis=-2), (3, 4), (2, 4), exactly=True)
case("Multiply by itself", own("Multiply", [X, X]), (3, 4), exactly=True)
case("Concatenate thrice", own("Concatenate", [X, Y, X], axis=1), (3, 4), (2, 4), exactly=True)
case("Subtract", own("Subtract", BOTH), (3, 4), (3, 4), exactly=True)

for name in ("Add", "Subtract", "Multiply", "Divide", "TrueDivide"):
    due = name not in ("Divide", "TrueDivide")
    case(f"{name} constant", operation(name, X, 0.1), (3, 4), exactly=due)
    case(f"{name} to images", operation(name, X, -7), (3, 4, 2), exactly=due)
    if due:
        case(f"constant {name}", operation(name, 1.7, X), (3, 4), exactly=True)
        case(f"{name} of two", operation(name, X, Y), (3, 4), (3, 4), exactly=True)
        case(f"{name} broadcasts", operation(name, X, Y), (3, 4), (1, 4), exactly=True)
for name in ("Maximum", "Minimum"):
    case(f"{name} of two", operation(name, X, Y), (3, 4), (3, 4), exactly=True)
    for value in (0.75, -2.0):
        case(f"{name} with {value}", operation(name, X, value), (3, 4))
case("Absolute", operation("Absolute", X), (3, 4), exactly=True)
case("Maximum with 0", operation("Maximum", X, 0.0), (3, 4), exactly=True)
case("Negative", operation("Negative", X), (3, 4), exactly=True)
case("Square", operation("Square", X), (3, 4), exactly=True)
case("Concatenate", operation("Concatenate", BOTH, axis=-2), (3, 4), (2, 4), exactly=True)
for name in ("Mean", "Max"):
    case(f"{name} of images", operation(name, X, axis=[1, 2], keepdims=True), (3, 4, 2))
    case(f"{name} of images, channels first", operation(name, X, axis=[2, 3]), (3, 4, 2))
    case(f"{name} of sequences", operation(name, X, axis=1), (3, 4))
case("Reshape", operation("Reshape", X, newshape=[-1, 6, 2]), (3, 4), exactly=True)
case("ExpandDims", operation("ExpandDims", X, axis=-1), (3, 4), exactly=True)
case("Squeeze", operation("Squeeze", X, axis=2), (3, 1, 2), exactly=True)
case("Transpose", operation("Transpose", X, axes=[0, 2, 1]), (3, 4), exactly=True)
for name in ("Relu", "Relu6", "Sigmoid", "Silu", "Tanh", "Softplus", "LogSoftmax"):
    case(f"operation {name}", operation(name, X), (3, 4), exactly=True)
case("HardSigmoid", operation("HardSigmoid", X), (3, 4))
case("HardSilu", operation("HardSilu", X), (3, 4))
case("LeakyRelu", operation("LeakyRelu", X, negative_slope=0.1), (3, 4), exactly=True)
case("Elu", operation("Elu", X, alpha=0.5), (3, 4), exactly=True)
case("Gelu", operation("Gelu", X, approximate=True), (3, 4))
case("Softmax", operation("Softmax", X, axis=-1), (3, 4), exactly=True)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_a_rewritten_layer_computes_the_same(name: str, seed: int) -> None:
    member, shapes, exactly = CASES[name]
    saved = with_weights(around(member, *shapes), seed)
    inputs = [numbers((2, *shape), seed + i) for i, shape in enumerate(shapes)]
    new, rewrites = check(saved, inputs, exactly)
    assert {rewrite.layer for rewrite in rewrites} == {"own"}
    assert names(new)[-1] == "own"
    assert all(name.startswith("own") for name in names(new)[len(shapes) :])


def test_every_rule_has_a_case() -> None:
    asked = {
        f"{'ops' if 'ops' in member['module'] else 'layers'}.{member['class_name']}"
        for member, _, _ in CASES.values()
    }
    for rule in RULES:
        assert asked & set(rule.subjects), rule


def test_reasons_are_deviations_or_arguments() -> None:
    deviations = {d.id for dialect in DIALECTS.values() for d in dialect.deviations}
    for member, shapes, _ in CASES.values():
        for rewrite in rewritten(with_weights(around(member, *shapes)), "tfjs")[1]:
            known = rewrite.why in {*deviations, "class_name", "inputs"}
            cls = Layer.registered.get(rewrite.what.removeprefix("layers."))
            assert known or (cls is not None and rewrite.why in cls.arguments), rewrite


# Graphs


def test_a_shared_layer_is_rewritten_once() -> None:
    """The pieces are called as often as it was."""
    shared = layer("Dense", "shared", X, Y, ("shared", 1, 0), units=4, activation="hard_silu")
    total = layer("Add", "sum", [("shared", 0, 0), ("shared", 2, 0)])
    ends = [[*X], [*Y]], [["sum", 0, 0], ["shared", 1, 0]]
    saved = with_weights(functional([input_layer("x", 4), input_layer("y", 4), shared, total], *ends))
    new, rewrites = check(saved, [numbers((3, 4), 1), numbers((3, 4), 2)])
    assert list(new.weights) == [("shared_dense",)]
    assert [rewrite.layer for rewrite in rewrites] == ["shared", "shared"]
    assert names(new)[2:] == [
        "shared_dense", "shared_rescaling", "shared_re_lu", "shared_rescaling_1", "shared", "sum",
    ]  # fmt: skip


def sequential(name: str, *layers: dict[str, Any]) -> dict[str, Any]:
    bare = [{k: v for k, v in entry.items() if k != "inbound_nodes"} for entry in layers]
    config = {"name": name, "layers": bare}
    return {"class_name": "Sequential", "name": name, "config": config, "inbound_nodes": []}


def test_a_sequential_model_stays_one_while_layers_follow_one_another() -> None:
    dense = layer("Dense", "dense", units=3, activation="hard_sigmoid")
    saved = with_weights(sequential("model", input_layer("x", 4), dense, layer("Softmax", "end")))
    new, _ = check(saved, [numbers((2, 4), 0)])
    assert new.configuration["class_name"] == "Sequential"
    assert names(new) == ["x", "dense_dense", "dense_rescaling", "dense_re_lu", "dense", "end"]


def test_a_sequential_model_inside_may_become_functional() -> None:
    """Keras counts its calls otherwise then."""
    dense = layer("Dense", "dense", units=4, activation="hard_silu")
    inner = sequential("inner", input_layer("z", 4), dense, layer("Softmax", "end"))
    inner["inbound_nodes"] = [{"args": [tensors(of)], "kwargs": {}} for of in (X, ("inner", 0, 0))]
    last = layer("Identity", "last", ("inner", 1, 0))
    ends = [[*X]], [["inner", 0, 0], ["last", 0, 0], ["inner", 1, 0]]
    saved = with_weights(functional([input_layer("x", 4), inner, last], *ends))
    new, rewrites = check(saved, [numbers((2, 4), 0)])
    assert {rewrite.layer for rewrite in rewrites} == {"inner/dense", "last"}
    assert list(new.weights) == [("inner", "dense_dense")]
    assert new.configuration["config"]["layers"][1]["class_name"] == "Functional"


def test_names_that_are_there_are_not_given_again() -> None:
    members = [
        input_layer("x", 4),
        layer("Dense", "d", X, units=4, activation="hard_sigmoid"),
        layer("Dense", "d_dense", ("d", 0, 0), units=4),
    ]
    saved = with_weights(functional(members, [[*X]], [["d_dense", 0, 0]]))
    new, _ = check(saved, [numbers((2, 4), 0)])
    assert names(new) == ["x", "d_dense_1", "d_rescaling", "d_re_lu", "d", "d_dense"]
    assert list(new.weights) == [("d_dense_1",), ("d_dense",)]


def test_unknown_steps_stay_unknown() -> None:
    saved = with_weights(around(own("ZeroPadding1D", padding=2), (None, 3)))
    check(saved, [numbers((2, 5, 3), 0)], exactly=True)


def test_a_model_of_known_layers_is_handed_back() -> None:
    saved = with_weights(around(own("Dense", units=3, activation="relu"), (4,)))
    assert rewritten(saved, "tfjs") == (saved, ())


# What is scaled, for what the targets compute


HARD = {"recurrent_activation": "hard_sigmoid"}
CELL = {"class_name": "LSTMCell", "config": {"units": 2, **HARD}}
SCALED: dict[str, tuple[dict[str, Any], Shape]] = {
    "LSTM": (own("LSTM", units=2, **HARD), (4, 3)),
    "LSTM backwards": (own("LSTM", units=2, go_backwards=True, return_sequences=True, **HARD), (4, 3)),
    "GRU": (own("GRU", units=2, reset_after=False, use_bias=False, **HARD), (4, 3)),
    "GRU throughout": (own("GRU", units=2, reset_after=False, activation="hard_sigmoid", **HARD), (4, 3)),
    "SimpleRNN": (own("SimpleRNN", units=2, activation="hard_sigmoid"), (4, 3)),
    "ConvLSTM2D": (own("ConvLSTM2D", filters=2, kernel_size=2, **HARD), (3, 4, 4, 1)),
    "RNN": (own("RNN", cell=CELL), (4, 3)),
    "Bidirectional": (
        own("Bidirectional", layer={"class_name": "LSTM", "config": {"units": 2, "name": "l", **HARD}}),
        (4, 3),
    ),
}


def in_float64(saved: SavedModel) -> SavedModel:
    weights = {
        path: {name: InMemory(loaded(array).astype(np.float64)) for name, array in own.items()}
        for path, own in saved.weights.items()
    }
    return replace(saved, weights=weights)


def as_keras_2(saved: SavedModel, inputs: Sequence[Any]) -> list[Any]:
    with patched({"activations.hard_sigmoid": keras_2_hard_sigmoid}):
        return outputs(saved, inputs)


@pytest.mark.parametrize("target", ["tfjs", "keras2"])
@pytest.mark.parametrize("name", SCALED)
def test_hard_sigmoid_inside_is_that_of_scaled_weights(name: str, target: Target) -> None:
    """Up to the rounding of the weights, which in float64 is little."""
    member, shape = SCALED[name]
    saved = in_float64(with_weights(around(member, shape), 4))
    inputs = [0.25 * numbers((2, *shape), 3)]
    new, (rewrite,) = rewritten(saved, target)
    assert (rewrite.made, rewrite.counts_on) == (("own",), ("own",))
    assert counted_on([rewrite]) == {("own",): frozenset((rewrite.why,))}
    expected, found = outputs(saved, inputs), as_keras_2(new, inputs)
    np.testing.assert_allclose(found, expected, rtol=ULPS, atol=ULPS)
    assert np.abs(np.subtract(outputs(new, inputs), expected)).max() > 1e-3
    assert np.abs(np.subtract(as_keras_2(saved, inputs), expected)).max() > 1e-3


@pytest.mark.parametrize("source", ["tfjs", "keras2"])
@pytest.mark.parametrize("name", [*SCALED, "Activation"])
def test_the_older_hard_sigmoid_becomes_that_of_keras_3(name: str, source: Program) -> None:
    activation = own("Activation", activation="hard_sigmoid"), (4, 3)
    member, shape = (SCALED | {"Activation": activation})[name]
    saved = in_float64(with_weights(around(member, shape), 4))
    inputs = [0.25 * numbers((2, *shape), 3)]
    new, (rewrite,) = rewritten(saved, "keras3", source)
    np.testing.assert_allclose(outputs(new, inputs), as_keras_2(saved, inputs), rtol=ULPS, atol=ULPS)
    assert rewrite.why == DIFFERENT[source]


def test_a_masked_layer_keeps_its_mask_and_its_states() -> None:
    lstm = layer("LSTM", "lstm", ("masking", 0, 0), units=2, **HARD)
    lstm["inbound_nodes"][0]["kwargs"] = {"initial_state": [tensors(("h", 0, 0)), tensors(("c", 0, 0))]}
    members = [
        *(input_layer(name, *shape) for name, shape in (("x", (4, 3)), ("h", (2,)), ("c", (2,)))),
        layer("Masking", "masking", X),
        layer("Dense", "dense", ("masking", 0, 0), units=2, activation="hard_sigmoid"),
        lstm,
        layer("LSTM", "last", ("dense", 0, 0), units=2, **HARD),
        layer("Add", "sum", [("lstm", 0, 0), ("last", 0, 0)]),
    ]
    ends = [[name, 0, 0] for name in ("x", "h", "c")], [["sum", 0, 0]]
    saved = in_float64(with_weights(functional(members, *ends)))
    new, rewrites = rewritten(saved, "tfjs")
    assert [rewrite.layer for rewrite in rewrites] == ["dense", "lstm", "last"]
    x = numbers((2, 4, 3), 0)
    x[0, 2:] = 0
    inputs = [x, numbers((2, 2), 1), numbers((2, 2), 2)]
    np.testing.assert_allclose(as_keras_2(new, inputs), outputs(saved, inputs), rtol=4 * ULPS, atol=4 * ULPS)


def test_what_the_source_computes_alike_is_left_alone() -> None:
    saved = with_weights(around(own("Dense", units=3, activation="hard_sigmoid"), (4,)))
    assert rewritten(saved, "tfjs", "keras2", {"tfjs-hard-sigmoid-of-keras-2"}) == (saved, ())


@pytest.mark.parametrize(
    ("member", "shape"),
    [
        (own("LSTM", units=2, activation="hard_sigmoid"), (4, 3)),
        (own("GRU", units=2, reset_after=True), (4, 3)),
        (own("Dense", units=2, activation="sparsemax"), (4, 3)),
        (own("Conv2DTranspose", filters=2, kernel_size=2, strides=3, output_padding=1), (4, 3, 2)),
        # Written out, these kernels would take memory that no file has.
        (own("Conv1D", filters=2**13, kernel_size=1, groups=2**12), (4, 2**12)),
        (own("Conv2DTranspose", filters=1, kernel_size=2, dilation_rate=2**13), (4, 3, 2)),
    ],
)
def test_what_nothing_is_equal_to_stays(member: dict[str, Any], shape: Shape) -> None:
    saved = with_weights(around(member, shape))
    assert rewritten(saved, "tfjs") == (saved, ())


def test_layers_that_are_given_masks_stay() -> None:
    """TensorFlow.js hands no mask on through the layers that would take their place."""
    members = [
        input_layer("x", 4, 2),
        layer("Masking", "masking", X),
        layer("Dense", "dense", ("masking", 0, 0), units=2, activation="hard_tanh"),
    ]
    saved = with_weights(functional(members, [[*X]], [["dense", 0, 0]]))
    assert rewritten(saved, "tfjs") == (saved, ())


def test_the_optimizer_is_left_out_where_weights_were_changed() -> None:
    optimizer = {"iterations": InMemory(np.array(7))}
    moved = with_weights(around(own("Dense", units=3, activation="hard_silu"), (4,)))
    kept = with_weights(around(own("Activation", activation="hard_silu"), (4,)))
    assert rewritten(replace(moved, optimizer=optimizer), "tfjs")[0].optimizer == {}
    assert rewritten(replace(kept, optimizer=optimizer), "tfjs")[0].optimizer == optimizer


@pytest.mark.parametrize("name", ["hard_sigmoid", "hard_silu"])
def test_keras_2_has_another_hard_sigmoid_too(name: str) -> None:
    saved = with_weights(around(own("Dense", units=3, activation=name), (4,)))
    _, rewrites = check(saved, [numbers((2, 4), 0)], target="keras2")
    assert rewrites[0].why == ("keras2-hard-sigmoid" if name == "hard_sigmoid" else "activation")


def test_a_model_in_time_distributed_is_rewritten_too() -> None:
    inner = sequential(
        "inner",
        input_layer("z", 3),
        layer("Dense", "dense", units=2, activation="hard_tanh"),
        layer("Activation", "end", activation="hard_silu"),
    )
    saved = with_weights(around(own("TimeDistributed", layer=inner), (4, 3)))
    assert list(saved.weights[("own",)]) == ["dense/kernel", "dense/bias"]
    named = {n.partition("/")[2]: w for n, w in saved.weights[("own",)].items()}
    stored = replace(saved, weights={("own", "inner", "dense"): named})
    x = numbers((2, 4, 3), 0)
    np.testing.assert_array_equal(outputs(stored, [x]), outputs(saved, [x]))
    new, rewrites = check(stored, [x])
    assert list(new.weights) == [("own", "inner", "dense_dense")]
    assert {rewrite.layer for rewrite in rewrites} == {"own/inner/dense", "own/inner/end"}


# Names


def test_layers_with_weights_get_names_of_their_own() -> None:
    """Layers of models beside one another, and in TimeDistributed; the outermost keep theirs."""

    def tower(name: str, *on: Any, **config: Any) -> dict[str, Any]:
        dense = layer("Dense", "dense", ("z", 0, 0), units=3, **config)
        flat = layer("Activation", "flat", ("dense", 0, 0), activation="tanh")
        ends = [["z", 0, 0]], [["flat", 0, 0]]
        model = functional([input_layer("z", 3), dense, flat], *ends)
        model["config"]["name"] = name
        return {**model, "name": name, "inbound_nodes": [{"args": [tensors(of)], "kwargs": {}} for of in on]}

    members = [
        input_layer("x", 3),
        layer("Dense", "dense", X, units=3),
        layer("Dense", "one_dense", X, units=3),
        tower("one", X, ("dense", 0, 0)),
        tower("other", ("one", 1, 0), **HARD_TANH),
        layer("Add", "sum", [("one", 1, 0), ("other", 0, 0), ("one_dense", 0, 0)]),
    ]
    saved = with_weights(functional(members, [["x", 0, 0]], [["sum", 0, 0]]))
    new, rewrites = uniquely_named(*rewritten(saved, "tfjs"))
    named = {r.layer: r.made for r in rewrites if r.why == "name"}
    assert named == {"one/dense": ("one/one_dense_1",)}
    assert list(new.weights) == [
        ("dense",), ("one_dense",), ("one", "one_dense_1"), ("other", "dense_dense"),
    ]  # fmt: skip
    inputs = [numbers((2, 3), 0)]
    np.testing.assert_array_equal(outputs(new, inputs), outputs(saved, inputs))
    assert Names(new.configuration, "model.json").written(new.weights)
    assert uniquely_named(new, rewrites) == (new, rewrites)


# Layers that the specification lacks


def replaced_by(member: dict[str, Any], weights: Mapping[str, Any], *inputs: Any) -> Any:
    """What takes the place of a member, computed."""
    held = {name: InMemory(np.asarray(array)) for name, array in weights.items()}
    saved = SavedModel(around(member, *(x.shape[1:] for x in inputs)), {("own",): held} if held else {})
    new, _ = rewritten(saved, "tfjs")
    assert objections(new) == []
    (found,) = outputs(new, inputs)
    return found


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), axis=st.sampled_from([None, -1, 1, 2, (1, 2), (1, 3)]))
def test_normalization_is_a_batch_normalization(seed: int, axis: int | tuple[int, ...] | None) -> None:
    """(x − mean)/max(√variance, 1e-7), also where the variance is next to nothing."""
    x = numbers((2, 3, 4, 2), seed)
    kept = () if axis is None else tuple(a % 4 for a in (axis if isinstance(axis, tuple) else (axis,)))
    shape = tuple(x.shape[a] for a in kept)
    mean, variance = numbers(shape, seed + 1), np.abs(numbers(shape, seed + 2))
    variance = np.where(np.random.default_rng(seed).random(shape) < 0.3, np.float32(1e-20), variance)
    along = tuple(x.shape[a] if a in kept else 1 for a in range(4))
    m, v = (np.asarray(a, np.float64).reshape(along) for a in (mean, variance))
    expected = (x - m) / np.maximum(np.sqrt(v), 1e-7)
    told = {"axis": [*axis] if isinstance(axis, tuple) else axis, "invert": False}
    found = replaced_by(own("Normalization", **told), {"mean": mean, "variance": variance, "count": 0}, x)
    np.testing.assert_allclose(found, expected, rtol=ULPS)
    given = {"mean": mean.tolist(), "variance": np.float32(variance).tolist()}
    np.testing.assert_array_equal(replaced_by(own("Normalization", **told, **given), {}, x), found)


def test_layers_of_keras_applications() -> None:
    x, y, gamma = (numbers(shape, 0).astype(np.float64) for shape in ((2, 3, 4, 2), (2, 3, 4, 2), (2,)))
    residual = own("CustomScaleLayer", BOTH, scale=0.17)
    np.testing.assert_array_equal(replaced_by(residual, {}, x, y), x + y * 0.17)
    scaled = own("LayerScale", projection_dim=2, init_values=1e-6)
    np.testing.assert_array_equal(replaced_by(scaled, {"gamma": gamma}, x), x * gamma)


def test_images_are_augmented_in_training_alone() -> None:
    """Keras writes `training` of the call, and does not act on it in `predict`."""
    x = numbers((2, 4, 4, 3), 0)
    flip = own("RandomFlip", mode="horizontal", seed=None)
    flip["inbound_nodes"][0]["kwargs"] = {"training": True}
    np.testing.assert_array_equal(replaced_by(flip, {}, x), x)


def test_layers_that_a_call_has_act_as_in_training_stay() -> None:
    member = own("BatchNormalization", axis=1)
    member["inbound_nodes"][0]["kwargs"] = {"training": True}
    saved = with_weights(around(member, (3, 4, 2)))
    assert rewritten(saved, "tfjs") == (saved, ())


# Real models


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models of `keras.applications`."""
    folder = tmp_path_factory.mktemp("applications")
    environment = os.environ | KERAS_TENSORFLOW
    subprocess.run([sys.executable, MAKER, folder], env=environment, check=True)
    return folder


@pytest.mark.keras
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EfficientNetB0", {"layers.Normalization": 1}),
        ("MobileNet", {"layers.GlobalAveragePooling2D": 1}),
        (
            "MobileNetV3Small",
            {
                "layers.Activation": 19,
                "layers.GlobalAveragePooling2D": 10,
                "ops.Add": 9,
                "ops.Multiply": 9,
            },
        ),
    ],
)
def test_a_real_model_is_rewritten(applications: Path, name: str, expected: dict[str, int]) -> None:
    with formats.opened(applications / f"{name}.keras") as saved:
        assert objections(saved)
        new, rewrites = check(saved, [numbers((2, 32, 32, 3), 0)])
        assert Counter(rewrite.what for rewrite in rewrites) == expected
        convolutions = {path for path, own in saved.weights.items() if "kernel" in own}
        assert all(new.weights[path] == saved.weights[path] for path in convolutions)
