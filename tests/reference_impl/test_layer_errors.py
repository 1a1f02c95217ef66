"""What the layers refuse, and how they say it: the argument or the shape, what was given, what is allowed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from conformance.cases import corpus
from conformance.reference_impl import layers
from conformance.reference_impl.fields import REQUIRED
from conformance.reference_impl.layers.layer import Context, Layer
from conformance.reference_impl.tape import variable

QUICK = [case for case in corpus.load("quick") if case.subject.startswith("layers.")]
LAYERS = {name: c for name, c in Layer.registered.items() if c.__module__.startswith("conformance.")}


DENSE = {"class_name": "Dense", "config": {"units": 2}}
GRU = {"class_name": "GRU", "config": {"units": 2}}


@pytest.mark.parametrize("name", LAYERS)
def test_unknown_argument_suggests_the_nearest(name: str) -> None:
    required = {n: _some_value(name, n) for n, f in LAYERS[name].arguments.items() if f.default is REQUIRED}
    with pytest.raises(TypeError, match=rf"{name} has no argument `dtpye`; did you mean dtype"):
        LAYERS[name](**required, dtpye="float32")


def _some_value(layer: str, argument: str) -> Any:
    config = next(case.config for case in QUICK if case.subject == f"layers.{layer}")
    return config[argument]


@pytest.mark.parametrize("name", LAYERS)
def test_missing_required_argument_is_named(name: str) -> None:
    required = [n for n, f in LAYERS[name].arguments.items() if f.default is REQUIRED]
    for missing in required:
        given = {n: _some_value(name, n) for n in required if n != missing}
        with pytest.raises(TypeError, match=f"{name} needs argument `{missing}`"):
            LAYERS[name](**given)


@pytest.mark.parametrize(
    ("name", "config", "says"),
    [
        ("Dense", {"units": 0}, ("`units`", "positive integer", "0")),
        ("Dense", {"units": True}, ("`units`", "positive integer", "True")),
        ("Dense", {"units": 2, "activation": "rleu"}, ("`activation`", "'rleu'", "relu")),
        ("Dense", {"units": 2, "use_bias": 1}, ("`use_bias`", "True or False", "1")),
        ("Dense", {"units": 2, "kernel_initializer": "glorot"}, ("`kernel_initializer`", "glorot_normal")),
        (
            "Dense",
            {"units": 2, "lora_rank": 1, "kernel_constraint": "non_neg"},
            ("`lora_rank`", "constraint"),
        ),
        ("Conv2D", {"filters": 2, "kernel_size": [1, 2, 3]}, ("`kernel_size`", "2 integers", "(1, 2, 3)")),
        (
            "Conv2D",
            {"filters": 2, "kernel_size": 2, "padding": "causal"},
            ("`padding`", "'valid', 'same'", "causal"),
        ),
        ("Conv2D", {"filters": 3, "kernel_size": 2, "groups": 2}, ("`groups`", "2", "3")),
        (
            "Conv2D",
            {"filters": 2, "kernel_size": 2, "strides": 2, "dilation_rate": 2},
            ("`strides`", "`dilation_rate`"),
        ),
        ("Conv1D", {"filters": 2, "kernel_size": 2, "padding": "full"}, ("`padding`", "'causal'", "full")),
        (
            "DepthwiseConv2D",
            {"kernel_size": 2, "depth_multiplier": 0},
            ("`depth_multiplier`", "positive", "0"),
        ),
        ("SeparableConv1D", {"filters": 2, "kernel_size": [2, 2]}, ("`kernel_size`", "1 integers", "(2, 2)")),
        (
            "Conv2DTranspose",
            {"filters": 2, "kernel_size": 2, "strides": 2, "output_padding": 2},
            ("`output_padding`", "less than strides", "(2, 2)"),
        ),
        (
            "Conv1DTranspose",
            {"filters": 2, "kernel_size": 2, "output_padding": -1},
            ("`output_padding`", "-1"),
        ),
        ("BatchNormalization", {"axis": 1.5}, ("`axis`", "integer", "1.5")),
        (
            "BatchNormalization",
            {"renorm": True, "renorm_clipping": {"rmx": 1}},
            ("`renorm_clipping`", "rmax", "rmx"),
        ),
        ("LSTM", {"units": 2, "use_cudnn": "yes"}, ("`use_cudnn`", "'auto', True, False", "yes")),
        (
            "ConvLSTM2D",
            {"filters": 2, "kernel_size": 2, "strides": 2, "dilation_rate": 2},
            ("`strides`", "`dilation_rate`", "may exceed 1"),
        ),
        (
            "ConvLSTM2DCell",
            {"filters": 2, "kernel_size": 2, "padding": "causal"},
            ("`padding`", "'valid', 'same'", "causal"),
        ),
        ("TimeDistributed", {"layer": {"class_name": "Dens", "config": {}}}, ("`layer`", "Dense")),
        ("TimeDistributed", {"layer": "Dense"}, ("`layer`", "class_name", "'Dense'")),
        ("RNN", {"cell": DENSE}, ("`cell`", "cell", "Dense")),
        ("RNN", {"cell": []}, ("`cell`", "list of cells", "[]")),
        ("StackedRNNCells", {"cells": []}, ("`cells`", "at least one", "[]")),
        ("StackedRNNCells", {"cells": DENSE}, ("`cells`", "a list", "Dense")),
        ("StackedRNNCells", {"cells": [DENSE]}, ("`cells`", "expected cells", "Dense")),
        ("Bidirectional", {"layer": DENSE}, ("`layer`", "recurrent", "Dense")),
        ("Bidirectional", {"layer": GRU, "merge_mode": "max"}, ("`merge_mode`", "'concat'", "max")),
        ("Bidirectional", {"layer": GRU, "backward_layer": GRU}, ("`backward_layer`", "`go_backwards`")),
        ("Flatten", {"data_format": "NCHW"}, ("`data_format`", "'channels_first'", "NCHW")),
        ("MaxPooling2D", {"pool_size": [1, 2, 3]}, ("`pool_size`", "2 integers", "(1, 2, 3)")),
        ("AveragePooling1D", {"pool_size": 2, "strides": 0}, ("`strides`", "positive integer", "0")),
        ("AveragePooling3D", {"pool_size": 2, "padding": "full"}, ("`padding`", "'valid', 'same'", "full")),
        ("GlobalMaxPooling1D", {"keepdims": 1}, ("`keepdims`", "True or False", "1")),
        ("Softmax", {"axis": "last"}, ("`axis`", "integer", "last")),
        ("Activation", {"activation": "sigmiod"}, ("`activation`", "sigmoid")),
        ("Dot", {"axes": [1, 2, 3]}, ("`axes`", "a pair", "[1, 2, 3]")),
        ("Reshape", {"target_shape": [-1, 2, -1]}, ("`target_shape`", "one may be -1", "[-1, 2, -1]")),
        ("Reshape", {"target_shape": [-2]}, ("`target_shape`", "[-2]")),
        ("Permute", {"dims": [0, 1]}, ("`dims`", "from 1", "[0, 1]")),
        ("RepeatVector", {"n": 0}, ("`n`", "positive integer", "0")),
        ("Dropout", {"rate": 1.5}, ("`rate`", "from 0 to 1", "1.5")),
        ("Dropout", {"rate": 0.5, "noise_shape": [0, 1]}, ("`noise_shape`", "positive", "[0, 1]")),
        ("GaussianNoise", {"stddev": -0.5}, ("`stddev`", "from 0 to 1", "-0.5")),
        ("SpatialDropout2D", {"rate": 0.5, "data_format": "NCHW"}, ("`data_format`", "NCHW")),
        ("RandomWidth", {"factor": 1.5}, ("`factor`", "up to 1", "1.5")),
        ("RandomWidth", {"factor": 0}, ("`factor`", "above 0", "0")),
        ("RandomWidth", {"factor": [0.5, 0.25]}, ("`factor`", "no less", "[0.5, 0.25]")),
        ("Resizing", {"height": 2, "width": 2, "interpolation": "cubic"}, ("`interpolation`", "'bicubic'")),
    ],
)
def test_bad_argument_is_named_with_what_is_allowed(
    name: str, config: dict[str, Any], says: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="argument") as error:
        layers.get(name).from_config(config)
    assert [text for text in says if text not in str(error.value)] == []


@pytest.mark.parametrize(
    ("layer", "shapes", "says"),
    [
        (layers.Dense(2), [(3,)], ("Dense", "rank 2 or more", "(3,)")),
        (layers.Dense(2), [(3, 4), (3, 4)], ("Dense", "one input", "2 were given")),
        (layers.Conv2D(2, 2), [(1, 4, 5)], ("Conv2D", "rank 4", "(1, 4, 5)")),
        (layers.Conv2D(2, 2, groups=2), [(1, 4, 5, 3)], ("`groups`", "2", "3 input channels")),
        (layers.LSTM(2), [(1, 2)], ("LSTM", "rank 3", "(1, 2)")),
        (layers.ConvLSTM2D(2, 2), [(1, 4, 5, 3)], ("ConvLSTM2D", "rank 5", "(1, 4, 5, 3)")),
        (layers.ConvLSTM2D(2, 2), [(1, 2, 4, 5, None)], ("channels", "(1, 4, 5, None)")),
        (layers.BatchNormalization(axis=3), [(2, 3)], ("`axis`", "3", "(2, 3)")),
        (layers.MaxPooling3D(), [(1, 4, 5, 3)], ("MaxPooling3D", "rank 5", "(1, 4, 5, 3)")),
        (layers.GlobalAveragePooling1D(), [(1, 4)], ("GlobalAveragePooling1D", "rank 3", "(1, 4)")),
        (layers.Concatenate(), [(2, 3), (4, 3)], ("Concatenate", "(2, 3)", "(4, 3)")),
        (layers.Concatenate(), [], ("Concatenate", "at least one")),
        (layers.Add(), [], ("Add", "at least one")),
        (layers.Add(), [(2, 3), (3, 3)], ("Add", "one batch size", "(3, 3)")),
        (layers.Average(), [(2, 3), ()], ("Average", "rank 1 or more", "()")),
        (layers.Maximum(), [(2, 3), (2, 4)], ("Maximum", "cannot broadcast", "(2, 4)")),
        (layers.Subtract(), [(2, 3)] * 3, ("Subtract", "two inputs", "3 were given")),
        (layers.Dot(1), [(2, 3)], ("Dot", "two inputs", "1 were given")),
        (layers.Dot(0), [(2, 3), (2, 3)], ("`axes`", "0 is the batch", "(2, 3)")),
        (layers.Dot((1, 2)), [(2, 3), (2, 3)], ("`axes`", "2 is out of range", "(2, 3)")),
        (layers.Dot(1), [(2, 3), (2, 4)], ("Dot", "equally long", "(2, 4)")),
        (layers.Dot(1), [(2, 3), (4, 3)], ("Dot", "one batch size", "(4, 3)")),
        (layers.Dot(0), [(2,), (2,)], ("Dot", "rank 2 or more", "(2,)")),
        (layers.Reshape((5, -1)), [(2, 3, 4)], ("`target_shape`", "(5, -1)", "(2, 3, 4)")),
        (layers.Permute((2, 1)), [(2, 3)], ("Permute", "rank 3", "(2, 3)")),
        (layers.RepeatVector(2), [(2, 3, 4)], ("RepeatVector", "rank 2", "(2, 3, 4)")),
        (layers.Softmax([1, 2]), [(2, 3)], ("`axis`", "[2]", "(2, 3)")),
        (layers.GroupNormalization(1, axis=-2), [(2, 3)], ("`axis`", "behind the batch", "(2, 3)")),
        (layers.Normalization(axis=[1, 2]), [(2, 3)], ("`axis`", "[2]", "(2, 3)")),
        (layers.Normalization(axis=[1, -1]), [(2, 3)], ("`axis`", "once", "[1, -1]")),
        (
            layers.Normalization(axis=[1, 2], mean=[1.0, 2.0], variance=[1.0, 2.0]),
            [(2, 2, 3)],
            ("`mean`", "(2, 3)", "(2, 2, 3)", "(2,)"),
        ),
        (
            layers.Bidirectional(
                GRU,
                merge_mode="ave",
                backward_layer={"class_name": "GRU", "config": {"units": 3, "go_backwards": True}},
            ),
            [(2, 4, 5)],
            ("`backward_layer`", "merge_mode='ave'", "2 and 3 units"),
        ),
        (layers.Rescaling([1.0, 2.0, 3.0]), [(2, 4)], ("`scale`", "(3,)", "(2, 4)")),
        (layers.Rescaling(1.0, [1.0, 2.0]), [(None, 3)], ("`offset`", "(2,)", "(None, 3)")),
        (layers.SpatialDropout1D(0.5), [(2, 3)], ("SpatialDropout1D", "rank 3", "(2, 3)")),
    ],
)
def test_bad_input_is_named_with_its_shape(layer: Layer, shapes: list[Any], says: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        layer.check_inputs(shapes)
    assert [text for text in says if text not in str(error.value)] == []


@pytest.mark.parametrize("shapes", [[(2, 3), (2, 3)], [(2, 4)], [(1, 3)]])
def test_states_of_another_number_or_shape_are_refused(shapes: list[tuple[int, int]]) -> None:
    layer = layers.SimpleRNN(3)
    weights = {w.name: variable(np.zeros(w.shape)) for w in layer.declare_weights([(2, 4, 5)])}
    context = Context(initial_state=tuple(variable(np.zeros(shape)) for shape in shapes))
    with pytest.raises(ValueError, match=r"SimpleRNN takes initial states of shapes \[\(2, 3\)\]"):
        layer.call([variable(np.zeros((2, 4, 5)))], weights, context)


@pytest.mark.parametrize("name", ["AlphaDropout", "GaussianDropout"])
def test_noise_without_end_is_refused_in_training(name: str) -> None:
    x = variable(np.ones((2, 3)))
    with pytest.raises(ValueError, match=f"`rate`: {name} with rate 1"):
        layers.get(name)(rate=1).call([x], {}, Context(training=True))


@pytest.mark.parametrize("noise_shape", [(2,), (2, 2), (None, 1, 1)])
def test_noise_shape_that_does_not_broadcast_is_refused(noise_shape: Any) -> None:
    with pytest.raises(ValueError, match=r"`noise_shape`: .* an input of shape \(2, 3\)"):
        layers.Dropout(0.5, noise_shape).drawn_shape((2, 3))


def test_argument_that_a_class_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="SpatialDropout1D has no argument `trainable`"):
        layers.SpatialDropout1D(0.5, trainable=False)


def test_convolution_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"leaves nothing of an input of shape \(1, 2, 2, 1\)"):
        layers.Conv2D(1, 3).output_shapes([(1, 2, 2, 1)])


def test_pooling_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"leaves nothing of an input of shape \(1, 2, 1\): pool_size"):
        layers.MaxPooling1D(3).output_shapes([(1, 2, 1)])


@pytest.mark.parametrize("axis", [[1, 1], [1, -1]])
@pytest.mark.parametrize(
    "name", ["LayerNormalization", "Normalization", "RMSNormalization", "Softmax", "UnitNormalization"]
)
def test_an_axis_that_is_named_twice_is_refused(name: str, axis: list[int]) -> None:
    with pytest.raises(ValueError, match=r"`axis`: each axis is allowed once, got \[1, .*\(2, 3\)"):
        LAYERS[name](axis=axis).check_inputs([(2, 3)])


def test_embedding_refuses_an_index_out_of_range() -> None:
    layer = layers.Embedding(3, 2)
    table = variable(np.ones((3, 2)))
    for index in (-1, 3):
        x = variable(np.array([[index]], np.int32))
        with pytest.raises(ValueError, match=r"\[0, 3\)"):
            layer.call([x], {"embeddings": table}, Context())


def test_unknown_layer_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match="Conv2D"):
        layers.get("Conv2d")


@pytest.mark.parametrize("name", LAYERS)
def test_positional_arguments_are_those_of_the_signature(name: str) -> None:
    names = list(LAYERS[name].arguments)
    config = next(case.config for case in QUICK if case.subject == f"layers.{name}")
    required = [config[n] for n in names if LAYERS[name].arguments[n].default is REQUIRED]
    if name == "InputLayer":
        required = [[3]]  # its shape, with the batch or without it: neither has to be given
    by_position = LAYERS[name](*required)
    assert by_position.config == LAYERS[name](**dict(zip(names, required, strict=False))).config
    with pytest.raises(TypeError, match="takes at most"):
        LAYERS[name](*range(len(names) + 1))


@pytest.mark.keras
def test_positional_arguments_are_in_the_order_of_keras() -> None:
    program = (
        "import inspect, json, keras; "
        "parameters = lambda name: inspect.signature(getattr(keras.layers, name)).parameters.values(); "
        f"print(json.dumps({{n: [p.name for p in parameters(n) if p.kind is p.POSITIONAL_OR_KEYWORD] "
        f"for n in {list(LAYERS)} if hasattr(keras.layers, n)}}))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for name, arguments in json.loads(result.stdout.splitlines()[-1]).items():
        assert list(LAYERS[name].arguments)[: len(arguments)] == arguments, name
