"""Optimizers compute Keras's updates, from Keras's own slots, within the bounds that these numbers imply."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl.arithmetic import declared
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.optimizers import (
    Optimizer,
    get,
)
from conformance.reference_impl.primitives import relu
from conformance.reference_impl.tape import Tensor, error_bounds, variable

PROGRAM = Path(__file__).parent / "adapters" / "optimizers.py"

TENSORFLOW = declared({"base": "ieee-float32", "subnormals": "either"})
"""The published ULPs hold of the functions that optimizers are made of."""


def described(class_name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": config}


def by_module(module: str, class_name: str, **config: Any) -> dict[str, Any]:
    return {"module": module, "registered_name": None, **described(class_name, **config)}


# Configurations

DECAYING = by_module(
    "keras.optimizers.schedules",
    "ExponentialDecay",
    initial_learning_rate=0.25,
    decay_steps=2,
    decay_rate=0.5,
)

OWN: dict[str, tuple[dict[str, Any], ...]] = {
    "SGD": ({"momentum": 0.75}, {"momentum": 0.75, "nesterov": True}, {"nesterov": True}),
    "RMSprop": (
        {"rho": 0.75, "epsilon": 2.0**-10},
        {"momentum": 0.5},
        {"centered": True, "epsilon": 2.0**-6},
        {"centered": True, "momentum": 0.5, "rho": 0.5, "epsilon": 2.0**-4},
    ),
    "Adam": (
        {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-8},
        {"amsgrad": True, "beta_2": 0.5},
    ),
    "AdamW": ({"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-8, "amsgrad": True},),
    "Adadelta": ({"rho": 0.5, "epsilon": 2.0**-6, "learning_rate": 1.0},),
    "Adagrad": (
        {"initial_accumulator_value": 0.5, "epsilon": 2.0**-6},
        {"initial_accumulator_value": 0.0},
    ),
    "Adamax": ({"beta_1": 0.75, "beta_2": 0.5, "epsilon": 2.0**-6},),
    "Adafactor": (
        {"beta_2_decay": -0.5, "epsilon_1": 2.0**-20, "epsilon_2": 0.5, "clip_threshold": 0.25},
        {"relative_step": False, "learning_rate": 2.0},
    ),
    "Nadam": ({"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-8},),
    "Ftrl": (
        {"learning_rate_power": -0.75, "initial_accumulator_value": 0.5},
        {"l1_regularization_strength": 0.25, "l2_regularization_strength": 0.5},
        {"l2_shrinkage_regularization_strength": 0.5, "beta": 0.25},
        {"learning_rate_power": 0.0, "l1_regularization_strength": 0.125},
    ),
    "Lion": ({"beta_1": 0.75, "beta_2": 0.5},),
    "Lamb": ({"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-8},),
    "Muon": (
        {"nesterov": False, "momentum": 0.5, "ns_steps": 2},
        {"rms_rate": None, "ns_steps": 1, "muon_a": 1.5, "muon_b": -0.5, "muon_c": 0.0},
        {"exclude_embeddings": False, "exclude_layers": ["dens"], "adam_lr_ratio": 0.5},
        {"weight_decay": None, "adam_weight_decay": 0.25, "adam_beta_1": 0.5, "adam_beta_2": 0.75},
    ),
    "ScheduleFreeAdamW": (
        {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-8},
        {"warmup_steps": 3, "learning_rate": 0.5},
    ),
}
"""Values of each argument that an optimizer has for itself, beside its defaults."""

COMMON: dict[str, dict[str, Any]] = {
    "weight_decay": {"weight_decay": 0.125},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.125},
    "global_clipnorm": {"global_clipnorm": 0.75},
    "ema": {"use_ema": True, "ema_momentum": 0.75},
    "ema_overwriting": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "loss_scale": {"loss_scale_factor": 8.0},
    "accumulation": {"gradient_accumulation_steps": 3, "use_ema": True, "ema_overwrite_frequency": 1},
    "schedule": {"learning_rate": DECAYING},
}
"""Arguments that all take."""

STEPS = 5


def questions() -> dict[str, dict[str, Any]]:
    asked = {}
    for name, own in OWN.items():
        configs = {"defaults": {}} | {str(i): config for i, config in enumerate(own)} | COMMON
        for which, config in configs.items():
            rate = {} if which == "defaults" else {"learning_rate": 0.125}
            asked[f"{name}-{which}"] = {
                "optimizer": by_module("keras.optimizers", name, **(rate | config)),
                "steps": STEPS,
            }
    decaying = by_module("keras.optimizers", "Adam", weight_decay=0.25, learning_rate=0.5)
    asked["spared"] = {"optimizer": decaying, "steps": 2, "spared": ["bias", "embed"]}
    asked["constrained"] = {"optimizer": decaying, "steps": 2, "constrained": True}
    scaling = by_module(
        "keras.optimizers",
        "LossScaleOptimizer",
        inner_optimizer=decaying,
        initial_scale=64.0,
        dynamic_growth_steps=2,
    )
    asked["scaling"] = {"optimizer": scaling, "steps": STEPS}
    sgd = by_module("keras.optimizers", "SGD", momentum=0.5, learning_rate=0.125)
    several = by_module(
        "keras.optimizers",
        "MultiOptimizer",
        optimizer_map=by_module(
            "keras.optimizers",
            "OptimizerMap",
            default_optimizer=decaying,
            optimizer_map={"embedding/.*": sgd},
        ),
        loss_scale_factor=4.0,
    )
    asked["several"] = {"optimizer": several, "steps": 3}
    return asked


QUESTIONS = questions()

SCHEDULES = {
    "exponential": described("ExponentialDecay", initial_learning_rate=0.5, decay_steps=7, decay_rate=0.9),
    "exponential stairs": described(
        "ExponentialDecay", initial_learning_rate=0.5, decay_steps=3, decay_rate=0.75, staircase=True
    ),
    "inverse": described("InverseTimeDecay", initial_learning_rate=0.5, decay_steps=5, decay_rate=0.25),
    "inverse stairs": described(
        "InverseTimeDecay", initial_learning_rate=0.5, decay_steps=2.5, decay_rate=0.25, staircase=True
    ),
    "constant": described("PiecewiseConstantDecay", boundaries=[2, 7.5, 20], values=[1.0, 0.5, 0.1, 0.25]),
    "polynomial": described("PolynomialDecay", initial_learning_rate=0.5, decay_steps=10),
    "polynomial cycle": described(
        "PolynomialDecay",
        initial_learning_rate=0.5,
        decay_steps=6,
        end_learning_rate=0.125,
        power=0.5,
        cycle=True,
    ),
    "cosine": described("CosineDecay", initial_learning_rate=0.5, decay_steps=12, alpha=0.25),
    "cosine after a warm-up": described(
        "CosineDecay", initial_learning_rate=0.125, decay_steps=8, warmup_target=1.0, warmup_steps=3
    ),
    "restarts": described(
        "CosineDecayRestarts",
        initial_learning_rate=0.5,
        first_decay_steps=5,
        t_mul=1.5,
        m_mul=0.5,
        alpha=0.125,
    ),
    "equal restarts": described(
        "CosineDecayRestarts", initial_learning_rate=0.5, first_decay_steps=4, t_mul=1.0, m_mul=0.75
    ),
}
AT = (0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 19, 24, 50)

BAD = (
    described("SGD", learning_rate=1),
    described("SGD", learning_rate="fast"),
    described("SGD", momentum=-0.5),
    described("SGD", momentum=1.5),
    described("Adam", clipnorm=1.0, clipvalue=1.0),
    described("Adam", clipvalue=1.0, global_clipnorm=1.0),
    described("Adam", use_ema=True, ema_momentum=1.5),
    described("Adam", use_ema=True, ema_overwrite_frequency=-1),
    described("Adam", gradient_accumulation_steps=1),
    described("AdamW", weight_decay=None),
    described("Lion", beta_1=0.0),
    described("Ftrl", learning_rate_power=0.5),
    described("Ftrl", initial_accumulator_value=-0.5),
    described("Ftrl", l1_regularization_strength=-0.5),
    described("Ftrl", l2_regularization_strength=-0.5),
    described("Ftrl", l2_shrinkage_regularization_strength=-0.5),
    described("Adam", nonsense=1),
    described("Adamm"),
    described("SGD", learning_rate=by_module("keras.optimizers.schedules", "CosineDecay",
                                             initial_learning_rate=0.5, decay_steps=0)),
    described("SGD", learning_rate=by_module("keras.optimizers.schedules", "PiecewiseConstantDecay",
                                             boundaries=[1, 2], values=[0.5, 0.25])),
)  # fmt: skip
"""What Keras refuses too."""


NON_NEGATIVE = relu

# Against live Keras


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Array]]:
    """What Keras did, by question and by what it is."""
    directory = tmp_path_factory.mktemp("optimizers")
    asked, archive = directory / "questions.json", directory / "answers.npz"
    asked.write_text(json.dumps({"optimizers": QUESTIONS, "schedules": SCHEDULES, "steps": AT, "bad": BAD}))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(asked), str(archive)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, Array]] = {}
    with np.load(archive) as arrays:
        for key in arrays.files:
            name, _, what = key.partition("/")
            found.setdefault(name, {})[what] = arrays[key]
    return found


def exact(x: Array) -> Tensor:
    return variable(x.astype(np.float64) if x.dtype.kind == "f" else x)


def by_path(answer: Mapping[str, Array], what: str) -> dict[str, Array]:
    return {key.removeprefix(f"{what}/"): x for key, x in answer.items() if key.startswith(f"{what}/")}


def slots_of(optimizer: Optimizer, answer: Mapping[str, Array], step: int) -> dict[str, Tensor]:
    """Keras's slots after a step, by the specification's keys."""
    variables = {path: exact(x) for path, x in by_path(answer, "variable/0").items()}
    keys = [slot.key for slot in optimizer.slots(variables)]
    theirs = by_path(answer, f"slot/{step}")
    return {key: exact(theirs[str(i)]) for i, key in enumerate(keys)}


def margin(ours: Tensor, theirs: Array) -> float:
    """The largest error over its limit."""
    assert ours.shape == theirs.shape
    error = np.zeros(ours.shape) if ours.error is None else ours.error
    assert np.isfinite(error).all()
    distance = np.abs(ours.value - theirs)
    with np.errstate(all="ignore"):
        return float(np.where(distance == 0, 0.0, distance / error).max())


@pytest.mark.keras
@pytest.mark.parametrize("name", QUESTIONS)
def test_slots_are_named_and_begin_as_those_of_keras(
    name: str, answers: Mapping[str, Mapping[str, Array]]
) -> None:
    answer = answers[name]
    optimizer = get(QUESTIONS[name]["optimizer"])
    with error_bounds(TENSORFLOW):
        variables = {path: exact(x) for path, x in by_path(answer, "variable/0").items()}
        slots = optimizer.slots(variables)
    assert [slot.name for slot in slots] == json.loads(str(answer["description"]))["slots"]
    assert len({slot.key for slot in slots}) == len(slots)
    theirs = by_path(answer, "slot/0")
    for i, slot in enumerate(slots):
        assert margin(slot.initial, theirs[str(i)]) <= 1, slot.key


@pytest.mark.keras
@pytest.mark.parametrize("name", QUESTIONS)
def test_each_step_is_that_of_keras_from_the_same_slots(
    name: str, answers: Mapping[str, Mapping[str, Array]]
) -> None:
    answer, question = answers[name], QUESTIONS[name]
    optimizer = get(question["optimizer"])
    optimizer.exclude_from_weight_decay(var_names=question.get("spared", ()))
    constraints = {"dense/kernel": NON_NEGATIVE} if question.get("constrained") else {}
    for step in range(1, question["steps"] + 1):
        with error_bounds(TENSORFLOW), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            variables = {path: exact(x) for path, x in by_path(answer, f"variable/{step - 1}").items()}
            gradients = {path: exact(x) for path, x in by_path(answer, f"gradient/{step}").items()}
            state = slots_of(optimizer, answer, step - 1)
            update = optimizer.apply(gradients, variables, state, constraints)
        for path, theirs in by_path(answer, f"variable/{step}").items():
            assert margin(update.variables[path], theirs) <= 1, (step, path)
        for key, theirs_of in slots_of(optimizer, answer, step).items():
            assert margin(update.state[key], theirs_of.value) <= 1, (step, key)
