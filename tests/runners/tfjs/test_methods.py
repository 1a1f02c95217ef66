"""What the layers of TensorFlow.js have, do and draw, told by the adapter in the words of Keras."""

from __future__ import annotations

import numpy as np
import pytest

from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import DENSE, NORMALIZATION, ramp

pytestmark = pytest.mark.node

ONES = np.ones((50, 40), np.float32)


def test_members_are_found_on_the_object_its_classes_and_their_functions(cpu: Adapter) -> None:
    found = cpu.observe("layers.Dense", "methods", config={"units": 3})["methods"]
    assert {found[name] for name in ("get_config", "count_params", "from_config", "compute_mask")} == {
        "method"
    }
    assert {found[name] for name in ("weights", "trainable", "input", "supports_masking")} == {"property"}
    assert "units" in found  # a field of the object
    assert not {"constructor", "has_own_property", "bind"} & found.keys()
    assert "reset_state" not in found


def test_methods_of_a_built_layer_are_tried(cpu: Adapter) -> None:
    methods = ("count_params", "get_weights", "set_weights", "trainable")
    asked = " ".join(f"method/{name}" for name in methods)
    answers = cpu.observe("layers.BatchNormalization", asked, ramp(3, 2), weights=NORMALIZATION)
    count, order, taken, trainable = (answers[f"method/{name}"] for name in methods)
    assert count == 8
    assert order == [*NORMALIZATION]
    assert taken == {"own": True, "one_more": False, "one_missing": False, "other_shape": False}
    assert trainable["frozen"] == {"trainable_weights": [], "non_trainable_weights": [*NORMALIZATION]}
    assert trainable["thawed"] == {
        "trainable_weights": ["gamma", "beta"],
        "non_trainable_weights": ["moving_mean", "moving_variance"],
    }


def test_weights_are_told_by_their_values(cpu: Adapter) -> None:
    """The names are of arrays that the layer gives back, not of its own list."""
    answers = cpu.observe(
        "layers.Dense", "method/get_weights", ramp(2, 3), config={"units": 2}, weights=DENSE
    )
    assert answers["method/get_weights"] == ["kernel", "bias"]


def test_a_stateful_layer_carries_its_states_and_resets_them(cpu: Adapter) -> None:
    weights = {"kernel": ramp(2, 3), "recurrent_kernel": ramp(3, 3), "bias": ramp(3)}
    answers = cpu.observe(
        "layers.SimpleRNN",
        "method/reset_state",
        ramp(2, 4, 2),
        config={"units": 3, "stateful": True},
        weights=weights,
    )
    assert answers["method/reset_state"] == {"carried": True, "reset": True}


@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout", "GaussianDropout"])
def test_a_case_draws_the_same_again(cpu: Adapter, name: str) -> None:
    first, again = (
        cpu.observe(f"layers.{name}", "random", ONES, config={"rate": 0.25}, cotangents=[2 * ONES])["random"]
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_the_gradient_is_that_of_the_same_draws(cpu: Adapter) -> None:
    answers = cpu.observe("layers.Dropout", "random", ONES, config={"rate": 0.25}, cotangents=[2 * ONES])
    output, gradient = answers["random"]
    np.testing.assert_array_equal(gradient, 2 * output)
    np.testing.assert_allclose(np.unique(output), [0, 4 / 3], rtol=1e-6)


def test_seeds_are_compared_between_layers_and_calls(cpu: Adapter) -> None:
    found = {
        name: cpu.observe(f"layers.{name}", "seeds", ONES, config={argument: 0.5, "seed": 3})["seeds"]
        for name, argument in (("Dropout", "rate"), ("GaussianNoise", "stddev"))
    }
    fresh = {"same_seed": True, "other_seed": False, "without_seed": False, "next_call": False}
    assert found == {"Dropout": fresh | {"next_call": True}, "GaussianNoise": fresh | {"same_seed": False}}
