"""Outputs, states and gradients of layers and functions, against numbers worked out here."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import DENSE, NORMALIZATION, f32, ramp, refused

pytestmark = pytest.mark.node

F64 = NDArray[np.float64]


def test_dense_by_hand(adapter: Adapter) -> None:
    answer = adapter.observe(
        "layers.Dense",
        "output/0 training/output/0 gradient/input/0 gradient/weight/kernel gradient/weight/bias dtype",
        f32([[1, 2, 3]]),
        config={"units": 2, "activation": "relu"},
        weights=DENSE,
        cotangents=[f32([[2, 5]])],
    )
    np.testing.assert_array_equal(answer["output/0"], [[14.5, 0]])
    np.testing.assert_array_equal(answer["training/output/0"], [[14.5, 0]])
    np.testing.assert_array_equal(answer["gradient/input/0"], [[2, 4, 6]])
    np.testing.assert_array_equal(answer["gradient/weight/kernel"], [[2, 0], [4, 0], [6, 0]])
    np.testing.assert_array_equal(answer["gradient/weight/bias"], [2, 0])
    assert answer["dtype"] == ["float32"]


def test_conv2d_by_hand(cpu: Adapter) -> None:
    image, kernel = ramp(1, 3, 3, 1), ramp(2, 2, 1, 1)
    answer = cpu.observe(
        "layers.Conv2D",
        "output/0 gradient/input/0 gradient/weight/kernel gradient/weight/bias shape/unknown",
        image,
        config={"filters": 1, "kernel_size": [2, 2], "data_format": "channels_last"},
        weights={"kernel": kernel, "bias": f32([1])},
        cotangents=[f32([1, 0, 0, 2]).reshape(1, 2, 2, 1)],
    )
    x, k = image[0, :, :, 0], kernel[:, :, 0, 0]
    windows = [[x[i : i + 2, j : j + 2] for j in range(2)] for i in range(2)]
    expected = [[(window * k).sum() + 1 for window in row] for row in windows]
    np.testing.assert_array_equal(answer["output/0"][0, :, :, 0], expected)
    np.testing.assert_array_equal(
        answer["gradient/weight/kernel"][:, :, 0, 0], windows[0][0] + 2 * windows[1][1]
    )
    np.testing.assert_array_equal(answer["gradient/weight/bias"], [3])
    gradient = np.zeros((3, 3))
    gradient[:2, :2] += k
    gradient[1:, 1:] += 2 * k
    np.testing.assert_array_equal(answer["gradient/input/0"][0, :, :, 0], gradient)
    assert answer["shape/unknown"] == [[None, None, None, 1]]


def test_lstm_starts_from_the_given_state_and_steps_over_masked_inputs(adapter: Adapter) -> None:
    kernel, recurrent, bias = ramp(1, 4), ramp(1, 4), ramp(4)
    x, h, c = ramp(2, 3, 1), f32([[0.5], [-0.5]]), f32([[0.25], [1.0]])
    mask = np.array([[True, False, True], [True, True, True]])
    answer = adapter.observe(
        "layers.LSTM",
        "output/0 output/1 output/2 gradient/weight/recurrent_kernel shape/concrete shape/unknown",
        x,
        config={"units": 1, "return_state": True, "recurrent_activation": "sigmoid"},
        weights={"kernel": kernel, "recurrent_kernel": recurrent, "bias": bias},
        masks=[mask],
        initial_state=[h, c],
        cotangents=[f32([[1], [2]]), f32([[0], [0]]), f32([[3], [0]])],
    )

    def forward(recurrent: F64) -> tuple[F64, F64]:
        state, carry = h.astype(np.float64), c.astype(np.float64)
        for step in range(3):
            i, f, g, o = np.split(x[:, step] @ kernel + state @ recurrent + bias, 4, axis=-1)
            i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            new_carry = f * carry + i * np.tanh(g)
            keep = mask[:, step, None]
            state, carry = np.where(keep, o * np.tanh(new_carry), state), np.where(keep, new_carry, carry)
        return state, carry

    state, carry = forward(recurrent.astype(np.float64))
    np.testing.assert_allclose(answer["output/0"], state, rtol=1e-5)
    np.testing.assert_array_equal(answer["output/1"], answer["output/0"])
    np.testing.assert_allclose(answer["output/2"], carry, rtol=1e-5)
    difference = []
    for gate in range(4):
        sides = []
        for step in (1e-6, -1e-6):
            shifted = recurrent.astype(np.float64)
            shifted[0, gate] += step
            state, carry = forward(shifted)
            sides.append(state[0, 0] + 2 * state[1, 0] + 3 * carry[0, 0])
        difference.append((sides[0] - sides[1]) / 2e-6)
    np.testing.assert_allclose(answer["gradient/weight/recurrent_kernel"][0], difference, rtol=1e-4)
    assert answer["shape/concrete"] == [[2, 1]] * 3
    assert answer["shape/unknown"] == [[None, 1]] * 3


def test_training_changes_the_moving_statistics_and_nothing_after_it(adapter: Adapter) -> None:
    x = f32([[0, 2], [4, 6]])
    answer = adapter.observe(
        "layers.BatchNormalization",
        "training/output/0 training/state/moving_mean training/state/moving_variance "
        "training/gradient/weight/beta output/0 training/state/gamma weights",
        x,
        config={"momentum": 0.5, "epsilon": 0.0009765625},
        weights=NORMALIZATION,
        cotangents=[f32([[1, 2], [3, 4]])],
    )
    np.testing.assert_array_equal(answer["training/state/moving_mean"], [1.25, 2.125])
    np.testing.assert_array_equal(answer["training/state/moving_variance"], [2.5, 4])
    np.testing.assert_array_equal(answer["training/gradient/weight/beta"], [4, 6])
    np.testing.assert_allclose(answer["training/output/0"], [[-1, -4], [3, 2]], rtol=1e-3)
    inference = (x - [0.5, 0.25]) / np.sqrt(f32([1, 4]) + 0.0009765625) * [2, 3] + [1, -1]
    np.testing.assert_allclose(answer["output/0"], inference, rtol=1e-6)
    assert refused(answer["training/state/gamma"], "invalid-argument", "call")
    assert [(weight["name"], weight["trainable"]) for weight in answer["weights"]] == [
        ("gamma", True),
        ("beta", True),
        ("moving_mean", False),
        ("moving_variance", False),
    ]


def test_a_stateful_layer_starts_anew_for_every_observable(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.LSTM",
        "output/0 training/output/0 reconstructed/output/0",
        ramp(2, 3, 1),
        config={"units": 1, "stateful": True},
        weights={"kernel": ramp(1, 4), "recurrent_kernel": ramp(1, 4), "bias": ramp(4)},
    )
    np.testing.assert_array_equal(answer["training/output/0"], answer["output/0"])
    np.testing.assert_array_equal(answer["reconstructed/output/0"], answer["output/0"])


def test_integers_stay_integers_and_are_not_differentiated(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.Embedding",
        "output/0 gradient/weight/embeddings gradient/input/0 shape/unknown",
        np.array([[1, 1, 2]], np.int32),
        config={"input_dim": 3, "output_dim": 2},
        weights={"embeddings": ramp(3, 2)},
        cotangents=[ramp(1, 3, 2)],
    )
    np.testing.assert_array_equal(answer["output/0"], ramp(3, 2)[[[1, 1, 2]]])
    cotangent = ramp(1, 3, 2)[0]
    np.testing.assert_array_equal(
        answer["gradient/weight/embeddings"], [[0, 0], cotangent[0] + cotangent[1], cotangent[2]]
    )
    assert refused(answer["gradient/input/0"], "invalid-argument", "gradient")
    assert answer["shape/unknown"] == [[None, None, 2]]


def test_several_inputs(adapter: Adapter) -> None:
    left, right, cotangent = ramp(2, 3), ramp(2, 2), ramp(2, 5)
    answer = adapter.observe(
        "layers.Concatenate",
        "output/0 gradient/input/0 gradient/input/1 shape/concrete shape/unknown_batch shape/unknown",
        left,
        right,
        cotangents=[cotangent],
    )
    np.testing.assert_array_equal(answer["output/0"], np.concatenate([left, right], axis=-1))
    np.testing.assert_array_equal(answer["gradient/input/0"], cotangent[:, :3])
    np.testing.assert_array_equal(answer["gradient/input/1"], cotangent[:, 3:])
    assert answer["shape/concrete"] == [[2, 5]]
    assert answer["shape/unknown_batch"] == [[None, 5]]
    assert answer["shape/unknown"] == [[None, None]]


@pytest.mark.parametrize("name", ["hard_sigmoid", "gelu_new", "log_softmax", "relu6"])
def test_activations_by_their_snake_case_names(cpu: Adapter, name: str) -> None:
    answer = cpu.observe(f"activations.{name}", "identifier", config={"identifier": name})
    assert answer == {"identifier": name}
    x = f32([[-4, 1, 8]])
    value = cpu.observe(f"activations.{name}", "output/0 gradient/input/0", x, cotangents=[x])
    assert value["output/0"].shape == value["gradient/input/0"].shape == (1, 3)


def test_a_cell_takes_its_states_beside_its_input(cpu: Adapter) -> None:
    weights = {"kernel": ramp(3, 2), "recurrent_kernel": ramp(2, 2), "bias": ramp(2)}
    x, h = ramp(4, 3), ramp(4, 2)
    answer = cpu.observe(
        "layers.SimpleRNNCell",
        "output/0 output/1",
        x,
        config={"units": 2, "activation": "linear"},
        weights=weights,
        initial_state=[h],
    )
    expected = x @ weights["kernel"] + h @ weights["recurrent_kernel"] + weights["bias"]
    for index in range(2):
        np.testing.assert_allclose(answer[f"output/{index}"], expected, rtol=1e-5)


def test_weights_of_two_layers_keep_the_scope_in_which_they_differ(cpu: Adapter) -> None:
    inner = {"class_name": "SimpleRNN", "config": {"units": 2, "name": "inner"}}
    described = cpu.observe("layers.Bidirectional", "weights", ramp(1, 2, 3), config={"layer": inner})[
        "weights"
    ]
    assert [weight["name"] for weight in described][::3] == ["forward_inner/kernel", "backward_inner/kernel"]


def test_a_layer_answers_again_after_calls_of_other_sizes(adapter: Adapter) -> None:
    answer = adapter.observe(
        "layers.Conv2D",
        "output/0 again/output/0",
        ramp(2, 4, 5, 1),
        config={"filters": 2, "kernel_size": 2, "padding": "same"},
        weights={"kernel": ramp(2, 2, 1, 2), "bias": ramp(2)},
    )
    np.testing.assert_array_equal(answer["again/output/0"], answer["output/0"])


def test_a_stateful_layer_answers_again_from_its_last_states(adapter: Adapter) -> None:
    weights = {"kernel": ramp(1, 4), "recurrent_kernel": ramp(1, 4), "bias": ramp(4)}
    config = {"units": 1, "recurrent_activation": "sigmoid"}
    x = ramp(2, 3, 1)
    again = adapter.observe(
        "layers.LSTM", "again/output/0", x, config=config | {"stateful": True}, weights=weights
    )
    twice = adapter.observe(
        "layers.LSTM", "output/0", np.concatenate([x, x], axis=1), config=config, weights=weights
    )
    np.testing.assert_allclose(again["again/output/0"], twice["output/0"], rtol=1e-5)


def test_weights_of_a_stack_are_given_by_the_names_of_their_cells(cpu: Adapter) -> None:
    cells = [
        {"class_name": "SimpleRNNCell", "config": {"units": n, "activation": "linear", "name": name}}
        for name, n in (("one", 2), ("two", 4))
    ]
    one = {"kernel": ramp(3, 2), "recurrent_kernel": ramp(2, 2), "bias": ramp(2)}
    two = {"kernel": ramp(2, 4), "recurrent_kernel": ramp(4, 4), "bias": ramp(4)}
    x = ramp(2, 1, 3)
    answer = cpu.observe(
        "layers.RNN",
        "output/0 weights",
        x,
        config={"cell": {"class_name": "StackedRNNCells", "config": {"cells": cells}}},
        weights={f"{scope}/{n}": w for scope, own in (("one", one), ("two", two)) for n, w in own.items()},
    )
    expected = (x[:, 0] @ one["kernel"] + one["bias"]) @ two["kernel"] + two["bias"]
    np.testing.assert_allclose(answer["output/0"], expected, rtol=1e-5)
    assert [weight["name"] for weight in answer["weights"]][::3] == ["RNNCell_0/kernel", "RNNCell_1/kernel"]


def test_constraints_penalties_and_initial_values_by_hand(adapter: Adapter) -> None:
    w = f32([3, 4])
    constrained = adapter.observe("constraints.MaxNorm", "output/0 config", w, config={"max_value": 1})
    np.testing.assert_allclose(constrained["output/0"], [0.6, 0.8], rtol=1e-6)
    assert constrained["config"] == {"max_value": 1, "axis": 0}
    penalty = adapter.observe(
        "regularizers.L2", "output/0 gradient/input/0", w, config={"l2": 0.5}, cotangents=[f32(2)]
    )
    np.testing.assert_array_equal(penalty["output/0"], 12.5)
    np.testing.assert_array_equal(penalty["gradient/input/0"], [6, 8])
    sizes = np.array([2, 3], np.int32)
    made = adapter.observe("initializers.Constant", "output/0 dtype", sizes, config={"value": 0.5})
    np.testing.assert_array_equal(made["output/0"], np.full((2, 3), 0.5))
    assert made["dtype"] == ["float32"]
    named = adapter.observe("initializers.LecunNormal", "identifier", config={"identifier": "lecun_normal"})
    assert named["identifier"] == "LecunNormal"


def test_constraints_regularizers_and_initializers_are_those_of_the_registry(adapter: Adapter) -> None:
    told: dict[str, set[str]] = {}
    for subject in adapter.identity.capabilities:
        kind, _, name = subject.partition(".")
        told.setdefault(kind, set()).add(name)
    assert told["constraints"] == {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}
    assert told["regularizers"] == {"L1", "L2", "L1L2"}
    assert told["initializers"] >= {"Zeros", "Orthogonal", "LecunUniform", "VarianceScaling"}
