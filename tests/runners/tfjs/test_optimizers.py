"""Single updates of TensorFlow.js's optimizers, against numbers worked out here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import f32, refused

pytestmark = pytest.mark.node

RATE = {"learning_rate": 0.5}


def stepped(iteration: int, **slots: Any) -> dict[str, Any]:
    """The variables `v` = [3] and `w` = [1, 2] with the gradients [0] and [4, −8], and slots of both."""
    return {
        "variable/v": f32([3]),
        "variable/w": f32([1, 2]),
        "gradient/v": f32([0]),
        "gradient/w": f32([4, -8]),
        "slot/iteration": np.array(iteration, np.int32),
        **{f"slot/v/{slot}": f32([0]) for slot in slots},
        **{f"slot/w/{slot}": x for slot, x in slots.items()},
    }


def test_gradient_descent(adapter: Adapter) -> None:
    answer = adapter.observe("optimizers.SGD", "update/w update/v", config=RATE, weights=stepped(7))
    np.testing.assert_array_equal(answer["update/w"], [-1, 6])
    np.testing.assert_array_equal(answer["update/v"], [3])


def test_an_update_begins_from_the_slots_that_are_given(adapter: Adapter) -> None:
    """A momentum that is of gradients: m = [5, −6]."""
    answer = adapter.observe(
        "optimizers.SGD",
        "update/w slot/w/momentum slot/v/momentum",
        config=RATE | {"momentum": 0.25},
        weights=stepped(7, momentum=f32([4, 8])),
    )
    np.testing.assert_array_equal(answer["slot/w/momentum"], [5, -6])
    np.testing.assert_array_equal(answer["slot/v/momentum"], [0])
    np.testing.assert_array_equal(answer["update/w"], [-1.5, 5])


def test_the_count_of_updates_is_given_too(adapter: Adapter) -> None:
    """After one update 1 − βᵗ is 3/4 for both averages, and not 1/2."""
    answer = adapter.observe(
        "optimizers.Adam",
        "update/w slot/w/momentum slot/w/velocity",
        config=RATE | {"beta_1": 0.5, "beta_2": 0.5, "epsilon": 0.0},
        weights=stepped(1, momentum=f32([0, 0]), velocity=f32([8, 32])),
    )
    m, v = np.array([2.0, -4.0]), np.array([12.0, 48.0])
    np.testing.assert_array_equal(answer["slot/w/momentum"], m)
    np.testing.assert_array_equal(answer["slot/w/velocity"], v)
    expected = np.array([1.0, 2.0]) - 0.5 * (m / 0.75) / np.sqrt(v / 0.75)
    np.testing.assert_allclose(answer["update/w"], expected, rtol=1e-6)


def test_what_tf_train_does_not_take_is_refused(adapter: Adapter) -> None:
    answer = adapter.observe(
        "optimizers.Adam", "update/w", config=RATE | {"amsgrad": True}, weights=stepped(0)
    )
    assert refused(answer["update/w"], "not-implemented", "construction")
    assert "tf.train.adam of TensorFlow.js takes no amsgrad" in answer["update/w"].message


def test_slots_that_cannot_be_told_hide_no_update(adapter: Adapter) -> None:
    zeros = {"momentum": f32([0, 0]), "norm": f32([0, 0])}
    config = RATE | {"beta_1": 0.5, "epsilon": 0.0}
    answer = adapter.observe(
        "optimizers.Adamax", "update/w slot/w/norm", config=config, weights=stepped(0, **zeros)
    )
    np.testing.assert_array_equal(answer["update/w"], [0.5, 2.5])
    assert refused(answer["slot/w/norm"], "not-implemented", "call")


def test_optimizers_are_those_of_tf_train(adapter: Adapter) -> None:
    capabilities = adapter.identity.capabilities
    told = {
        subject.removeprefix("optimizers.") for subject in capabilities if subject.startswith("optimizers.")
    }
    assert told == {"SGD", "RMSprop", "Adam", "Adamax", "Adadelta", "Adagrad"}
