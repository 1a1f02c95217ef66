"""The Keras adapter, asked over its standard input as the suite asks it, with numbers worked out here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts import refusals
from conformance.reference_impl.layers.members import members
from conformance.runners.registry import KERAS_ADAPTER
from tests.runners.adapter import Adapter

pytestmark = pytest.mark.keras

ENVIRONMENT = {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    log = tmp_path_factory.mktemp("keras") / "stderr"
    child = Adapter([sys.executable, KERAS_ADAPTER], "keras-tensorflow", log, **ENVIRONMENT)
    yield child
    assert child.stop() == 0


def float32(*values: Any) -> Any:
    return np.array(values, np.float32)


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


X = float32([1, 2], [3, 4])
DENSE = {"kernel": float32([1, 0, 2], [0, 1, -1]), "bias": float32(10, 20, 30)}


def test_start_says_who_answers(adapter: Adapter) -> None:
    identity = adapter.identity
    assert (identity.name, identity.language) == ("keras-tensorflow", "python")
    assert identity.versions.keys() == {"keras", "tensorflow", "numpy", "python"}
    assert identity.settings["onednn"] == "0"
    assert identity.settings["threads"] == "1"
    assert identity.arithmetic["base"] == "ieee-float32"


def test_capabilities_are_every_layer_class_and_activation(adapter: Adapter) -> None:
    capabilities = adapter.identity.capabilities
    assert "gradient/*" in capabilities["layers.Conv3DTranspose"]
    assert "gradient/*" not in capabilities["layers.Layer"]
    assert "identifier" in capabilities["activations.swish"]
    assert "activations.get" not in capabilities
    assert "fit/*" in capabilities["callbacks.CSVLogger"]
    assert "callbacks.Callback" not in capabilities


def test_aliases_are_told_with_the_class_that_they_name(adapter: Adapter) -> None:
    aliases = adapter.identity.aliases
    assert aliases["layers.AvgPool2D"] == "layers.AveragePooling2D"
    assert "layers.AveragePooling2D" not in aliases
    assert aliases.keys() <= adapter.identity.capabilities.keys()


def test_dense_value_and_gradients(adapter: Adapter) -> None:
    cotangent = float32([1, 0, 0], [0, 2, 1])
    answers = adapter.observe(
        "layers.Dense",
        "output/0 dtype gradient/input/0 gradient/weight/kernel gradient/weight/bias",
        X,
        config={"units": 3},
        weights=DENSE,
        cotangents=[cotangent],
    )
    np.testing.assert_array_equal(answers["output/0"], float32([11, 22, 30], [13, 24, 32]))
    np.testing.assert_array_equal(answers["gradient/input/0"], cotangent @ DENSE["kernel"].T)
    np.testing.assert_array_equal(answers["gradient/weight/kernel"], X.T @ cotangent)
    np.testing.assert_array_equal(answers["gradient/weight/bias"], float32(1, 2, 1))
    assert answers["dtype"] == ["float32"]


def test_serialized_initializers_regularizers_and_constraints_are_accepted(adapter: Adapter) -> None:
    config = {
        "units": 3,
        "kernel_initializer": {"class_name": "HeNormal", "config": {"seed": 1}},
        "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.5}},
        "bias_constraint": {"class_name": "NonNeg", "config": {}},
    }
    answer = adapter.observe("layers.Dense", "config", config=config)["config"]
    assert answer["kernel_initializer"]["class_name"] == "HeNormal"
    assert answer["kernel_regularizer"]["config"] == {"l2": 0.5}
    assert answer["bias_constraint"]["class_name"] == "NonNeg"


def test_conv2d_value_shapes_and_config(adapter: Adapter) -> None:
    x, kernel = np.arange(24, dtype=np.float32).reshape(1, 3, 4, 2), normal(2, 2, 2, 3)
    answers = adapter.observe(
        "layers.Conv2D",
        "output/0 shape/concrete shape/unknown_batch shape/unknown config weights "
        "reconstructed/config reconstructed/output/0",
        x,
        config={"filters": 3, "kernel_size": 2, "strides": [2, 1], "use_bias": False},
        weights={"kernel": kernel},
    )
    windows = np.stack([x[:, :2, i : i + 2] for i in range(3)], axis=1)
    expected = np.einsum("bohwc,hwcf->bof", windows, kernel)[:, None]
    np.testing.assert_allclose(answers["output/0"], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(answers["reconstructed/output/0"], answers["output/0"])
    assert answers["shape/concrete"] == [[1, 1, 3, 3]]
    assert answers["shape/unknown_batch"] == [[None, 1, 3, 3]]
    assert answers["shape/unknown"] == [[None, None, None, 3]]
    assert answers["config"]["kernel_size"] == [2, 2]
    assert answers["config"]["strides"] == [2, 1]
    assert answers["reconstructed/config"] == answers["config"]
    assert answers["weights"] == [
        {"name": "kernel", "shape": [2, 2, 2, 3], "dtype": "float32", "trainable": True}
    ]


def test_layer_names_do_not_depend_on_what_was_asked_before(adapter: Adapter) -> None:
    names = [adapter.observe("layers.Flatten", "config")["config"]["name"] for _ in range(2)]
    assert names == ["flatten", "flatten"]


def lstm(x: Any, mask: Any, h: Any, c: Any, weights: dict[str, Any]) -> Any:
    """The last state, one step at a time, gates in the order i, f, c, o."""
    for t in range(x.shape[1]):
        z = x[:, t] @ weights["kernel"] + h @ weights["recurrent_kernel"] + weights["bias"]
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        carry = f * c + i * np.tanh(g)
        keep = mask[:, t, None]
        h, c = np.where(keep, o * np.tanh(carry), h), np.where(keep, carry, c)
    return h, c


@pytest.mark.parametrize("unroll", [False, True])
def test_lstm_with_mask_and_initial_state(adapter: Adapter, unroll: bool) -> None:
    x, h, c = normal(2, 4, 3), normal(2, 2), normal(2, 2) / 2
    mask = np.array([[True, False, True, True], [False, True, True, False]])
    weights = {"kernel": normal(3, 8), "recurrent_kernel": normal(2, 8), "bias": normal(8)}
    answers = adapter.observe(
        "layers.LSTM",
        "output/0 output/1 output/2 gradient/input/0 shape/unknown_batch",
        x,
        config={"units": 2, "return_state": True, "unroll": unroll},
        masks=[mask],
        initial_state=[h, c],
        weights=weights,
        cotangents=[float32([1, 2], [3, 4]), np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32)],
    )
    last, carry = lstm(x, mask, h, c, weights)
    np.testing.assert_allclose(answers["output/0"], last, rtol=1e-5)
    np.testing.assert_allclose(answers["output/1"], last, rtol=1e-5)
    np.testing.assert_allclose(answers["output/2"], carry, rtol=1e-5)
    assert answers["shape/unknown_batch"] == [[None, 2], [None, 2], [None, 2]]
    gradient = answers["gradient/input/0"]
    assert (gradient[~mask] == 0).all()
    assert (gradient[mask] != 0).all()


def test_states_of_a_stack_are_given_cell_by_cell(adapter: Adapter) -> None:
    cells = [
        {"module": "keras.layers", "class_name": f"{name}Cell", "config": {"units": 2, "name": name.lower()}}
        for name in ("LSTM", "SimpleRNN")
    ]
    top = {"kernel": normal(2, 2), "recurrent_kernel": normal(2, 2), "bias": normal(2)}
    bottom = {"kernel": normal(3, 8), "recurrent_kernel": normal(2, 8), "bias": normal(8)}
    x, h, c, state = normal(2, 1, 3), normal(2, 2), normal(2, 2) / 2, normal(2, 2)
    answers = adapter.observe(
        "layers.RNN",
        "output/0 output/1 output/2 output/3 weights",
        x,
        config={"cell": cells, "return_state": True},
        initial_state=[h, c, state],
        weights={
            f"{scope}/{name}": w
            for scope, own in (("lstm", bottom), ("simplernn", top))
            for name, w in own.items()
        },
    )
    hidden, carry = lstm(x, np.ones((2, 1), bool), h, c, bottom)
    last = np.tanh(hidden @ top["kernel"] + state @ top["recurrent_kernel"] + top["bias"])
    for index, expected in enumerate((last, hidden, carry, last)):
        np.testing.assert_allclose(answers[f"output/{index}"], expected, rtol=1e-5)
    assert [weight["name"] for weight in answers["weights"]][::3] == ["lstm/kernel", "simplernn/kernel"]


def test_weights_of_stacks_in_both_directions_are_told_apart(adapter: Adapter) -> None:
    cells = [
        {"module": "keras.layers", "class_name": "GRUCell", "config": {"units": 2, "name": name}}
        for name in ("one", "two")
    ]
    stack = {"module": "keras.layers", "class_name": "StackedRNNCells", "config": {"cells": cells}}
    inner = {"module": "keras.layers", "class_name": "RNN", "config": {"cell": stack, "name": "inner"}}
    described = adapter.observe("layers.Bidirectional", "weights", normal(1, 2, 3), config={"layer": inner})
    assert [weight["name"] for weight in described["weights"]][::3] == [
        f"{direction}_inner/{name}/kernel" for direction in ("forward", "backward") for name in ("one", "two")
    ]


def test_a_stateful_layer_starts_anew_at_each_call(adapter: Adapter) -> None:
    answers = adapter.observe(
        "layers.LSTM",
        "output/0 training/output/0",
        normal(2, 4, 3),
        config={"units": 2, "stateful": True},
        weights={"kernel": normal(3, 8), "recurrent_kernel": normal(2, 8), "bias": normal(8)},
    )
    np.testing.assert_array_equal(answers["output/0"], answers["training/output/0"])


def test_batch_normalization_trains_from_the_same_state(adapter: Adapter) -> None:
    x = float32([1, 10], [3, 30])
    weights = {
        "gamma": float32(1, 2),
        "beta": float32(0, 1),
        "moving_mean": float32(1, 2),
        "moving_variance": float32(4, 1),
    }
    answers = adapter.observe(
        "layers.BatchNormalization",
        "training/output/0 training/state/moving_mean training/state/moving_variance "
        "output/0 training/gradient/weight/beta",
        x,
        config={"momentum": 0.5, "epsilon": 0.25},
        weights=weights,
        cotangents=[np.ones((2, 2), np.float32)],
    )
    trained = (x - [2, 20]) / np.sqrt(float32(1, 100) + 0.25) * [1, 2] + [0, 1]
    inferred = (x - [1, 2]) / np.sqrt(float32(4, 1) + 0.25) * [1, 2] + [0, 1]
    np.testing.assert_allclose(answers["training/output/0"], trained, rtol=1e-5)
    np.testing.assert_allclose(answers["output/0"], inferred, rtol=1e-5)
    np.testing.assert_allclose(answers["training/state/moving_mean"], [1.5, 11])
    np.testing.assert_allclose(answers["training/state/moving_variance"], [2.5, 50.5])
    np.testing.assert_array_equal(answers["training/gradient/weight/beta"], [2, 2])


def test_embedding_gradient_is_dense(adapter: Adapter) -> None:
    answers = adapter.observe(
        "layers.Embedding",
        "output/0 gradient/weight/embeddings",
        np.array([[2, 0, 2]], np.int32),
        config={"input_dim": 3, "output_dim": 2},
        weights={"embeddings": float32([1, 2], [3, 4], [5, 6])},
        cotangents=[float32([[1, 0], [0, 1], [2, 2]])],
    )
    np.testing.assert_array_equal(answers["output/0"], float32([[5, 6], [1, 2], [5, 6]]))
    np.testing.assert_array_equal(answers["gradient/weight/embeddings"], float32([0, 1], [0, 0], [3, 2]))


def test_several_inputs_go_as_a_list(adapter: Adapter) -> None:
    answers = adapter.observe(
        "layers.Concatenate",
        "output/0 shape/unknown gradient/input/1",
        float32([1], [2]),
        X,
        config={"axis": 1},
        cotangents=[float32([1, 2, 3], [4, 5, 6])],
    )
    np.testing.assert_array_equal(answers["output/0"], float32([1, 1, 2], [2, 3, 4]))
    np.testing.assert_array_equal(answers["gradient/input/1"], float32([2, 3], [5, 6]))
    assert answers["shape/unknown"] == [[None, None]]


def test_an_error_hides_no_other_observable(adapter: Adapter) -> None:
    answers = adapter.observe(
        "layers.Dense",
        "output/0 output/1 gradient/weight/bias gradient/weight/gamma training/state/bias",
        X,
        config={"units": 3},
        weights=DENSE,
        cotangents=[np.ones((2, 3), np.float32)],
    )
    assert answers["output/0"].shape == (2, 3)
    np.testing.assert_array_equal(answers["gradient/weight/bias"], [2, 2, 2])
    assert answers["output/1"].at == "call"
    assert answers["gradient/weight/gamma"].at == "gradient"
    assert "input/0, weight/kernel, weight/bias" in answers["gradient/weight/gamma"].message
    assert answers["training/state/bias"].kind == "invalid-argument"


def test_a_failing_gradient_leaves_the_value(adapter: Adapter) -> None:
    answers = adapter.observe(
        "layers.Dense",
        "output/0 gradient/input/0",
        X,
        config={"units": 3},
        weights=DENSE,
        cotangents=[float32([1])],
    )
    assert answers["output/0"].shape == (2, 3)
    assert (answers["gradient/input/0"].kind, answers["gradient/input/0"].at) == (
        "invalid-argument",
        "gradient",
    )


@pytest.mark.parametrize(
    ("config", "inputs", "kind", "at"),
    [
        ({"units": -1}, [X], "invalid-argument", "construction"),
        ({}, [X], "type", "construction"),
        ({"units": 3, "colour": "red"}, [X], "invalid-argument", "construction"),
        ({"units": 3}, [float32(1, 2)], "invalid-argument", "call"),
    ],
)
def test_refusals_say_where_and_of_which_kind(
    adapter: Adapter, config: dict[str, Any], inputs: list[Any], kind: str, at: str
) -> None:
    error = adapter.observe("layers.Dense", "output/0", *inputs, config=config, weights=DENSE)["output/0"]
    assert (error.kind, error.at) == (kind, at)
    assert error.message


@pytest.mark.parametrize(
    ("subject", "config", "inputs", "kind", "at"),
    [
        ("layers.Dense", {"units": 3, "colour": "red"}, [X], "invalid-argument", "construction"),
        ("layers.Conv1D", {"filters": "3", "kernel_size": 1}, [normal(1, 2, 3)], "internal", "construction"),
        ("layers.BatchNormalization", {"axis": 7}, [X], "internal", "call"),
        ("activations.relu", {"slope": 1.0}, [X], "type", "call"),
    ],
)
def test_what_is_wrong_is_refused_without_weights(
    adapter: Adapter, subject: str, config: dict[str, Any], inputs: list[Any], kind: str, at: str
) -> None:
    error = adapter.observe(subject, "refusal", *inputs, config=config)["refusal"]
    assert (error.kind, error.at) == (kind, at)


def test_sound_calls_are_answered_by_nothing_and_a_wider_one_is_refused(adapter: Adapter) -> None:
    answers = adapter.observe("layers.Dense", "refusal refusal/widened", X, config={"units": 3})
    assert answers["refusal"] is None
    assert (answers["refusal/widened"].kind, answers["refusal/widened"].at) == ("invalid-argument", "call")
    assert adapter.observe("layers.Softmax", "refusal/widened", X) == {"refusal/widened": None}
    assert adapter.observe("activations.relu", "refusal", X) == {"refusal": None}


@pytest.mark.parametrize("weights", [{}, {"kernel": DENSE["kernel"]}, DENSE | {"gamma": DENSE["bias"]}])
def test_other_weights_than_the_layers_are_refused(adapter: Adapter, weights: dict[str, Any]) -> None:
    answers = adapter.observe("layers.Dense", "output/0 weights", X, config={"units": 3}, weights=weights)
    error = answers["output/0"]
    assert (error.kind, error.at) == ("invalid-argument", "build")
    assert f"[{', '.join(weights)}]" in error.message
    assert "[kernel, bias]" in error.message
    assert [weight["name"] for weight in answers["weights"]] == ["kernel", "bias"]


def test_signature_of_dense(adapter: Adapter) -> None:
    arguments = adapter.observe("layers.Dense", "signature")["signature"]["arguments"]
    assert arguments["units"] == {"required": True}
    assert arguments["kernel_initializer"] == {"default": "glorot_uniform"}
    assert arguments["name"] == {"default": None}
    assert arguments["trainable"] == {"default": True}
    assert "self" not in arguments
    assert "kwargs" not in arguments


def test_signature_leaves_out_what_a_subclass_fills_itself(adapter: Adapter) -> None:
    convolution = adapter.observe("layers.Conv2D", "signature")["signature"]["arguments"]
    recurrent = adapter.observe("layers.LSTM", "signature")["signature"]["arguments"]
    assert "rank" not in convolution
    assert "cell" not in recurrent
    assert recurrent["zero_output_for_mask"] == {"default": False}


def test_activation_function(adapter: Adapter) -> None:
    answers = adapter.observe(
        "activations.leaky_relu",
        "output/0 gradient/input/0 shape/unknown_batch signature dtype",
        float32([-2, 3]),
        config={"negative_slope": 0.5},
        cotangents=[float32([4, 4])],
    )
    np.testing.assert_array_equal(answers["output/0"], float32([-1, 3]))
    np.testing.assert_array_equal(answers["gradient/input/0"], float32([2, 4]))
    assert answers["shape/unknown_batch"] == [[None, 2]]
    assert answers["signature"] == {"arguments": {"negative_slope": {"default": 0.2}}}
    assert answers["dtype"] == ["float32"]


def test_identifier_resolves_to_the_canonical_name(adapter: Adapter) -> None:
    known, unknown = (
        adapter.observe("activations.silu", "identifier", config={"identifier": identifier})["identifier"]
        for identifier in ("swish", "swoosh")
    )
    assert known == "silu"
    assert unknown.kind == "invalid-argument"


def test_unknown_subjects_name_the_known(adapter: Adapter) -> None:
    error = adapter.observe("layers.Dence", "output/0")["output/0"]
    assert (error.kind, error.at) == ("invalid-argument", "construction")
    assert "Dense" in error.message


RECURRENT_WEIGHTS = {"kernel": normal(3, 8), "recurrent_kernel": normal(2, 8), "bias": normal(8)}


def test_a_layer_answers_again_after_calls_of_other_sizes(adapter: Adapter) -> None:
    answers = adapter.observe(
        "layers.LSTM",
        "output/0 again/output/0",
        normal(2, 4, 3),
        config={"units": 2},
        weights=RECURRENT_WEIGHTS,
        masks=[np.array([[True, True, False, True], [True, False, False, False]])],
        initial_state=[normal(2, 2), normal(2, 2)],
    )
    np.testing.assert_array_equal(answers["again/output/0"], answers["output/0"])


def test_a_stateful_layer_answers_again_from_its_last_states(adapter: Adapter) -> None:
    x = normal(2, 4, 3)
    config = {"units": 2, "stateful": True}
    answers = adapter.observe("layers.LSTM", "again/output/0", x, config=config, weights=RECURRENT_WEIGHTS)
    twice = adapter.observe(
        "layers.LSTM",
        "output/0",
        np.concatenate([x, x], axis=1),
        config={"units": 2},
        weights=RECURRENT_WEIGHTS,
    )
    np.testing.assert_allclose(answers["again/output/0"], twice["output/0"], rtol=1e-5)


def test_members_of_every_layer_are_those_that_the_specification_promises(adapter: Adapter) -> None:
    """Else `python -m conformance.runners.keras_adapter.members` writes them anew."""
    capabilities = adapter.identity.capabilities
    layers = [subject.removeprefix("layers.") for subject in capabilities if subject.startswith("layers.")]
    live = {name: adapter.observe(f"layers.{name}", "methods")["methods"] for name in layers}
    assert live == {name: members(name) for name in layers}
    assert live["Dense"]["count_params"] == live["Dense"]["from_config"] == "method"
    assert live["Dense"]["trainable_weights"] == "property"
    assert "reset_state" not in live["Dense"]


def test_methods_of_a_built_layer_are_tried(adapter: Adapter) -> None:
    methods = ["count_params", "get_weights", "set_weights", "trainable"]
    asked = " ".join(f"method/{name}" for name in methods)
    answers = adapter.observe("layers.Dense", asked, X, config={"units": 3}, weights=DENSE)
    count, order, taken, trainable = (answers[f"method/{name}"] for name in methods)
    assert count == 9
    assert order == ["kernel", "bias"]
    assert taken == {"own": True, "one_more": False, "one_missing": False, "other_shape": False}
    assert trainable["frozen"] == {"trainable_weights": [], "non_trainable_weights": ["kernel", "bias"]}
    assert trainable["thawed"] == {"trainable_weights": ["kernel", "bias"], "non_trainable_weights": []}


def test_a_stateful_layer_carries_its_states_and_resets_them(adapter: Adapter) -> None:
    weights = {"kernel": normal(2, 3), "recurrent_kernel": normal(3, 3), "bias": normal(3)}
    for stateful in (True, False):
        config = {"units": 3, "stateful": stateful}
        answers = adapter.observe(
            "layers.SimpleRNN", "method/reset_state", normal(2, 4, 2), config=config, weights=weights
        )
        assert answers["method/reset_state"] == {"carried": stateful, "reset": True}


def test_a_case_draws_the_same_again_and_its_gradient_with_its_output(adapter: Adapter) -> None:
    x = np.ones((50, 40), np.float32)
    first, again = (
        adapter.observe("layers.Dropout", "random", x, config={"rate": 0.25}, cotangents=[2 * x])["random"]
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    output, gradient = first
    np.testing.assert_array_equal(gradient, 2 * output)
    np.testing.assert_allclose(np.unique(output), [0, 4 / 3], rtol=1e-6)


def test_a_seed_settles_what_the_first_call_draws(adapter: Adapter) -> None:
    x = np.ones((50, 40), np.float32)
    answers = adapter.observe("layers.GaussianNoise", "seeds", x, config={"stddev": 0.5, "seed": 3})
    assert answers["seeds"] == {
        "same_seed": True,
        "other_seed": False,
        "without_seed": False,
        "next_call": False,
    }


def stepped(iteration: int, **slots: Any) -> dict[str, Any]:
    """The variable `w` = [1, 2] with the gradient [4, −8], and slots of it."""
    given = {"variable/w": float32(1, 2), "gradient/w": float32(4, -8)}
    count = np.array(iteration, np.int32)
    own = {"slot/iteration": count, "slot/learning_rate": np.array(0.5, np.float32)}
    return given | own | {f"slot/w/{slot}": x for slot, x in slots.items()}


def test_an_update_begins_from_the_slots_that_are_given(adapter: Adapter) -> None:
    answer = adapter.observe(
        "optimizers.SGD",
        "update/w slot/w/momentum slot/iteration",
        config={"learning_rate": 0.5, "momentum": 0.25},
        weights=stepped(7, momentum=float32(4, 8)),
    )
    np.testing.assert_array_equal(answer["slot/w/momentum"], [-1, 6])
    np.testing.assert_array_equal(answer["update/w"], [0, 8])
    np.testing.assert_array_equal(answer["slot/iteration"], 8)


def test_slots_of_every_optimizer_are_known_by_their_keys(adapter: Adapter) -> None:
    """Those that Keras itself names, those of one name, and those of an optimizer inside another."""
    sgd: dict[str, Any] = {"class_name": "SGD", "config": {"momentum": 0.5}}
    sgd |= {"module": "keras.optimizers", "registered_name": None}
    asked: dict[str, tuple[dict[str, Any], str]] = {
        "Nadam": ({}, "slot/u_product slot/w/velocity"),
        "Adafactor": ({}, "slot/w/r slot/w/c slot/w/velocity"),
        "LossScaleOptimizer": ({"inner_optimizer": sgd}, "slot/dynamic_scale slot/inner/w/momentum"),
    }
    for name, (config, observables) in asked.items():
        answer = adapter.observe(f"optimizers.{name}", observables, config=config, weights=stepped(0))
        assert all(isinstance(x, np.ndarray) for x in answer.values()), answer


def test_an_optimizer_that_is_refused_says_where(adapter: Adapter) -> None:
    bad = adapter.observe("optimizers.SGD", "update/w", config={"momentum": 2.0}, weights=stepped(0))
    assert (bad["update/w"].kind, bad["update/w"].at) == ("invalid-argument", "construction")
    unknown = adapter.observe("optimizers.Adamm", "update/w", weights=stepped(0))
    assert "keras.optimizers has no class 'Adamm'" in unknown["update/w"].message


def test_constraints_penalties_and_initial_values_by_hand(adapter: Adapter) -> None:
    w = float32(3, 4)
    constrained = adapter.observe("constraints.MaxNorm", "output/0 config", w, config={"max_value": 1})
    np.testing.assert_allclose(constrained["output/0"], [0.6, 0.8], rtol=1e-6)
    assert constrained["config"] == {"max_value": 1, "axis": 0}
    penalty = adapter.observe(
        "regularizers.L2",
        "output/0 gradient/input/0",
        w,
        config={"l2": 0.5},
        cotangents=[np.array(2, np.float32)],
    )
    np.testing.assert_array_equal(penalty["output/0"], 12.5)
    np.testing.assert_array_equal(penalty["gradient/input/0"], [6, 8])
    sizes = np.array([2, 3], np.int32)
    made = adapter.observe("initializers.Constant", "output/0 dtype", sizes, config={"value": 0.5})
    np.testing.assert_array_equal(made["output/0"], np.full((2, 3), 0.5))
    assert made["dtype"] == ["float32"]
    again = adapter.observe("initializers.HeNormal", "seeds", sizes, config={"seed": 1})
    assert again["seeds"]["same_seed"]
    assert again["seeds"]["next_call"]


def test_a_schedule_tells_its_rate_at_every_step(adapter: Adapter) -> None:
    config = {"initial_learning_rate": 0.5, "decay_steps": 2, "decay_rate": 0.25}
    steps = np.array([0, 1, 2], np.int32)
    answer = adapter.observe("schedules.ExponentialDecay", "output/0", steps, config=config)
    np.testing.assert_array_equal(answer["output/0"], [0.5, 0.25, 0.125])


BATCHES = {
    "0/y_true": float32(1, 0),
    "0/y_pred": float32(3, 1),
    "1/y_true": float32(2),
    "1/y_pred": float32(0),
    "1/sample_weight": float32(3),
}
"""Squared errors of 4 and 1, and then of 4 with a weight of 3."""


def test_a_metric_tells_its_results_and_state_after_each_update_and_a_reset(adapter: Adapter) -> None:
    seen = "result/0 state/0/total state/0/count result/1 state/1/total state/1/count"
    answer = adapter.observe(
        "metrics.RootMeanSquaredError", f"{seen} result/reset state/reset/count dtype", weights=BATCHES
    )
    assert [float(answer[name]) for name in seen.split()] == pytest.approx(
        [np.sqrt(2.5), 5, 2, np.sqrt(17 / 5), 17, 5]
    )
    assert answer["result/reset"] == answer["state/reset/count"] == 0
    assert answer["dtype"] == ["float32"]


def test_a_result_that_is_refused_hides_no_state(adapter: Adapter) -> None:
    scores = np.array([[[0.25, 1], [0.75, 0]]], np.float32)
    answer = adapter.observe(
        "metrics.MeanIoU",
        "result/0 state/0/total_confusion_matrix",
        config={"num_classes": 2, "sparse_y_pred": False, "axis": 1},
        weights={"0/y_true": np.array([[1, 1]], np.int32), "0/y_pred": scores},
    )
    assert answer["result/0"].at == "call"
    np.testing.assert_array_equal(answer["state/0/total_confusion_matrix"], [[0, 0], [1, 1]])


def test_a_metric_is_known_by_its_names_and_made_from_its_configuration(adapter: Adapter) -> None:
    named = adapter.observe("metrics.MeanSquaredError", "identifier", config={"identifier": "mse"})
    assert named["identifier"] == "MeanSquaredError"
    again = adapter.observe(
        "metrics.BinaryAccuracy",
        "reconstructed/result",
        config={"threshold": 0.25},
        weights={"0/y_true": float32(1, 0), "0/y_pred": float32(0.5, 0.25)},
    )
    assert again["reconstructed/result"] == 1


def refusal_of(adapter: Adapter, case: Case) -> Any:
    data = make(case)
    answer = adapter.observe(
        case.subject, "refusal", *data.inputs, config=case.config, weights=dict(data.weights)
    )
    return answer["refusal"]


def test_updates_and_runs_are_answered_by_nothing_or_by_what_is_wrong(adapter: Adapter) -> None:
    rate = {"learning_rate": 0.5}
    assert refusal_of(adapter, refusals.update("SGD", rate)) is None
    assert refusal_of(adapter, refusals.update("SGD", rate | {"momentum": 2.0})).at == "construction"
    assert refusal_of(adapter, refusals.update("SGD", rate, kernel=(4, 5))).at == "call"
    run = refusals.classifying()
    assert refusal_of(adapter, run) is None
    unknown = refusal_of(adapter, refusals.spoilt(run, compile={"loss": "categorical_crossentropie"}))
    assert (unknown.kind, unknown.at) == ("invalid-argument", "call")
    assert "categorical_crossentropie" in unknown.message
