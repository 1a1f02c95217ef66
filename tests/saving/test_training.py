"""How a model was compiled: Keras's own of either generation, and nothing of anybody else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.reference_impl.saving.saved_model import FormatError, InMemory, StoredArray, loaded
from conformance.reference_impl.saving.training import (
    legacy_state,
    legacy_training,
    modern_state,
    modern_training,
)


def described(module: str, class_name: str, **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


OF_KERAS_2 = {
    "loss": {"class_name": "MeanSquaredError", "config": {"reduction": "auto", "fn": "mean_squared_error"}},
    "metrics": [
        [{"class_name": "MeanMetricWrapper", "config": {"name": "mae", "fn": "mean_absolute_error"}}]
    ],
    "weighted_metrics": None,
    "optimizer_config": {
        "class_name": "Custom>SGD",
        "config": {
            "name": "SGD",
            "jit_compile": False,
            "is_legacy_optimizer": False,
            "learning_rate": {"class_name": "ExponentialDecay", "config": {"decay_rate": 0.9}},
        },
    },
}
OF_KERAS_3 = {
    "loss": described("keras.losses", "MeanSquaredError", reduction="sum_over_batch_size"),
    "metrics": ["mean_absolute_error"],
    "weighted_metrics": None,
    "optimizer": described(
        "keras.optimizers",
        "SGD",
        name="SGD",
        learning_rate=described("keras.optimizers.schedules", "ExponentialDecay", decay_rate=0.9),
    ),
}


def test_what_keras_2_says_is_said_as_keras_3_does() -> None:
    assert modern_training(OF_KERAS_2, "f") == OF_KERAS_3


def test_what_keras_3_says_stays() -> None:
    assert modern_training(OF_KERAS_3, "f") == OF_KERAS_3


@pytest.mark.parametrize("generation", [2, 3])
def test_there_and_back(generation: int) -> None:
    there = legacy_training(OF_KERAS_3, generation)
    assert there is not None
    assert modern_training(there, "f") == OF_KERAS_3


def test_keras_2_is_not_told_what_only_keras_3_knows() -> None:
    adam = described("keras.optimizers", "Adam", loss_scale_factor=None, beta_1=0.5)
    told = legacy_training({"optimizer": adam}, 2)
    config = {"beta_1": 0.5, "is_legacy_optimizer": False}
    assert told == {"optimizer_config": {"class_name": "Adam", "config": config}}


@pytest.mark.parametrize(
    ("training", "name"),
    [
        ({"optimizer_config": {"class_name": "Custom>Mine", "config": {}}}, "Custom>Mine"),
        ({"optimizer": described("mine.optimizers", "SGD")}, "SGD"),
        ({"loss": described("keras.losses", "Mine") | {"registered_name": "package>Mine"}}, "package>Mine"),
        ({"loss": {"class_name": "function", "config": "my_loss", "module": "builtins"}}, "my_loss"),
        ({"loss": {"out": {"class_name": "package>Loss", "config": {}}}}, "package>Loss"),
        ({"metrics": ["mae", described("os", "system")]}, "system"),
        ({"metrics": [described("keras.metrics", "Mean") | {"config": None}]}, "Mean"),
    ],
)
def test_what_is_not_kerass_is_refused_by_name(training: dict[str, Any], name: str) -> None:
    with pytest.raises(FormatError, match=f"^f: (optimizer|loss|metrics): '{name}'"):
        modern_training(training, "f")


def state(*names: str) -> dict[str, StoredArray]:
    return {name: InMemory(np.array(i, "f4")) for i, name in enumerate(names)}


def test_the_learning_rate_is_in_the_state_of_keras_3_alone() -> None:
    training = {"optimizer": described("keras.optimizers", "Adam", learning_rate=0.25)}
    older = state("iteration:0", "Adam/m/d/kernel:0", "Adam/v/d/kernel:0")
    newer = modern_state(older, training, 2)
    assert [float(loaded(array)) for array in newer.values()] == [0, 0.25, 1, 2]
    assert legacy_state(newer, training, 2) == older
    assert modern_state(newer, training, 3) == legacy_state(newer, training, 3) == newer


def test_a_schedule_is_in_no_state() -> None:
    training = {"optimizer": OF_KERAS_3["optimizer"]}
    older = state("iteration:0", "m")
    assert modern_state(older, training, 2) == legacy_state(older, training, 2) == older


def test_a_state_of_another_order_is_left_out() -> None:
    training = {"optimizer": described("keras.optimizers", "RMSprop", learning_rate=0.25)}
    assert modern_state(state("iteration:0", "v"), training, 2) == {}
    assert legacy_state(state("iteration", "learning_rate", "v"), training, 2) == {}


def test_what_was_compiled_without_an_optimizer_is_not_told() -> None:
    assert legacy_training({"optimizer": None, "loss": "mse"}, 3) is None
    assert legacy_training(None, 3) is None


def test_an_optimizer_may_be_named_alone() -> None:
    assert legacy_training({"optimizer": "adam"}, 3) == {
        "optimizer_config": {"class_name": "Adam", "config": {}}
    }
    newer = modern_state(state("iteration:0"), {"optimizer": "sgd"}, 2)
    assert float(loaded(newer["learning_rate"])) == np.float32(0.01)
