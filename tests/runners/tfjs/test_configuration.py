"""Constructors and configurations of TensorFlow.js, in the names of Keras."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import ramp

pytestmark = pytest.mark.node


def test_the_signature_of_dense_is_read_from_its_constructor(cpu: Adapter) -> None:
    arguments = cpu.observe("layers.Dense", "signature", config={"units": 3})["signature"]["arguments"]
    assert arguments["units"] == {"required": True}
    assert arguments["use_bias"] == {"default": True}
    assert arguments["activation"] == {"default": "linear"}
    assert arguments["bias_initializer"] == {"default": {"class_name": "Zeros", "config": {}}}
    assert arguments["kernel_initializer"]["default"]["config"]["distribution"] == "normal"
    assert arguments["name"] == {"default": None}
    assert arguments["input_dim"] == {"read": True}
    assert "lora_rank" not in arguments


def test_an_argument_that_the_constructor_makes_itself_is_none_of_its_arguments(cpu: Adapter) -> None:
    arguments = cpu.observe("layers.LSTM", "signature", config={"units": 3})["signature"]["arguments"]
    assert "cell" not in arguments
    assert arguments["recurrent_activation"] == {"default": "hard_sigmoid"}


def test_an_argument_that_the_constructor_reads_from_a_copy_is_an_argument(cpu: Adapter) -> None:
    config = {"filters": 3, "kernel_size": 2}
    arguments = cpu.observe("layers.ConvLSTM2D", "signature", config=config)["signature"]["arguments"]
    assert arguments["kernel_size"] == {"required": True}
    assert arguments["strides"] == {"default": [1, 1]}
    assert arguments["return_sequences"] == {"default": False}
    assert not {"cell", "units"} & arguments.keys()


def test_a_configuration_comes_back_by_keras_names(cpu: Adapter) -> None:
    config = {
        "units": 2,
        "name": "some_layer",
        "activation": "hard_sigmoid",
        "use_bias": False,
        "kernel_initializer": {
            "module": "keras.initializers",
            "class_name": "VarianceScaling",
            "config": {"scale": 2.0, "mode": "fan_in", "distribution": "uniform", "seed": None},
            "registered_name": None,
        },
        "bias_initializer": "lecun_normal",
        "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.5}},
        "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}},
        "no_such_argument": "some_value",
    }
    answer = cpu.observe(
        "layers.Dense",
        "config reconstructed/config reconstructed/output/0 output/0",
        ramp(2, 3),
        config=config,
        weights={"kernel": ramp(3, 2)},
    )
    assert answer["config"] == {
        "units": 2,
        "name": "some_layer",
        "trainable": True,
        "activation": "hard_sigmoid",
        "use_bias": False,
        "kernel_initializer": {
            "class_name": "VarianceScaling",
            "config": {"scale": 2, "mode": "fan_in", "distribution": "uniform", "seed": None},
        },
        "bias_initializer": {
            "class_name": "VarianceScaling",
            "config": {"scale": 1, "mode": "fan_in", "distribution": "normal", "seed": None},
        },
        "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0, "l2": 0.5}},
        "bias_regularizer": None,
        "activity_regularizer": None,
        "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}},
        "bias_constraint": None,
    }
    assert answer["reconstructed/config"] == answer["config"]
    np.testing.assert_array_equal(answer["reconstructed/output/0"], answer["output/0"])
