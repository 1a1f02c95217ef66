"""Optimizers compute Keras's updates, from Keras's own slots, within the bounds that these numbers imply."""

from __future__ import annotations

import json
import math
import re
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
from conformance.reference_impl.fields import REQUIRED, Field
from conformance.reference_impl.optimizers import (
    SGD,
    Adam,
    AdamW,
    LossScaleOptimizer,
    MultiOptimizer,
    Muon,
    Optimizer,
    OptimizerMap,
    ScheduleFreeAdamW,
    get,
)
from conformance.reference_impl.optimizers.schedules import Schedule, deserialize
from conformance.reference_impl.patches import patched
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
    "accumulation": {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 1},
    "schedule": {"learning_rate": DECAYING},
}
"""Arguments that all take."""

STEPS = 3


def questions() -> dict[str, dict[str, Any]]:
    asked = {}
    for name, own in OWN.items():
        configs: dict[str, dict[str, Any]] = (
            {"defaults": {}} | {str(i): config for i, config in enumerate(own)} | COMMON
        )
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
    # In the second step there is no gradient for any variable of one of them, which it refuses.
    asked["several"] = {"optimizer": several, "steps": 1}
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
    # What Keras names of itself gets a number.
    names = [
        re.sub(r"^variable_\d+$", "variable", n) for n in json.loads(str(answer["description"]))["slots"]
    ]
    assert [slot.name for slot in slots] == names
    assert len({slot.key for slot in slots}) == len(slots)
    theirs = by_path(answer, "slot/0")
    for i, slot in enumerate(slots):
        assert margin(slot.initial, theirs[str(i)]) <= 1, slot.key


def reading_what_is_updated(original: Any, self: Any, y: Tensor, before: Tensor, z: Tensor) -> Tensor:
    found: Tensor = original(self, y, z, z)
    return found


KERAS_COMPUTES = {"optimizers.ScheduleFreeAdamW.mean_before": reading_what_is_updated}
"""What Keras on TensorFlow computes otherwise than its comments and the paper say: `momentum.value`, which
is kept as the value before the update, is the variable itself (schedule_free_adamw.py, `update_step`)."""


def largest_margins(name: str, answer: Mapping[str, Array]) -> dict[str, float]:
    """By what changes, the largest margin over all steps, each from Keras's own variables and slots."""
    question, worst = QUESTIONS[name], dict[str, float]()
    optimizer = get(question["optimizer"])
    optimizer.exclude_from_weight_decay(var_names=question.get("spared", ()))
    constraints = {"dense/kernel": relu} if question.get("constrained") else {}
    for step in range(1, question["steps"] + 1):
        with error_bounds(TENSORFLOW), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            variables = {path: exact(x) for path, x in by_path(answer, f"variable/{step - 1}").items()}
            gradients = {path: exact(x) for path, x in by_path(answer, f"gradient/{step}").items()}
            state = slots_of(optimizer, answer, step - 1)
            update = optimizer.apply(gradients, variables, state, constraints)
        theirs = by_path(answer, f"variable/{step}")
        slots = {key: slot.value for key, slot in slots_of(optimizer, answer, step).items()}
        for ours, observed in ((update.variables, theirs), (update.state, slots)):
            for key, x in observed.items():
                worst[key] = max(worst.get(key, 0.0), margin(ours[key], x))
    return worst


@pytest.mark.keras
@pytest.mark.parametrize("name", QUESTIONS)
def test_each_step_is_that_of_keras_from_the_same_slots(
    name: str, answers: Mapping[str, Mapping[str, Array]]
) -> None:
    with patched(KERAS_COMPUTES):
        margins = largest_margins(name, answers[name])
    assert max(margins.values()) <= 1, margins


@pytest.mark.keras
def test_what_keras_computes_otherwise_shows(answers: Mapping[str, Mapping[str, Array]]) -> None:
    margins = largest_margins("ScheduleFreeAdamW-0", answers["ScheduleFreeAdamW-0"])
    assert margins["dense/kernel"] > 1
    assert margins["dense/kernel/momentum"] <= 1


@pytest.mark.keras
@pytest.mark.parametrize("name", ["SGD-ema", "Adam-ema_overwriting", "Lion-weight_decay", "scaling"])
def test_final_variables_are_those_of_keras(name: str, answers: Mapping[str, Mapping[str, Array]]) -> None:
    answer, steps = answers[name], QUESTIONS[name]["steps"]
    optimizer = get(QUESTIONS[name]["optimizer"])
    variables = {path: exact(x) for path, x in by_path(answer, f"variable/{steps}").items()}
    final = optimizer.final_variables(variables, slots_of(optimizer, answer, steps))
    for path, theirs in by_path(answer, "final").items():
        np.testing.assert_array_equal(final[path].value, theirs)


def without_names(config: Any) -> Any:
    """A configuration without made-up names, and with numbers as float32 holds them."""
    if isinstance(config, dict):
        return {key: without_names(value) for key, value in config.items() if key != "name"}
    return np.float32(config) if isinstance(config, float) else config


@pytest.mark.keras
@pytest.mark.parametrize("name", QUESTIONS)
def test_configuration_is_that_of_keras(name: str, answers: Mapping[str, Mapping[str, Array]]) -> None:
    theirs = json.loads(str(answers[name]["description"]))["config"]
    optimizer = get(QUESTIONS[name]["optimizer"])
    assert without_names(optimizer.get_config()) == without_names(theirs)
    again = type(optimizer).from_config(theirs)
    assert without_names(again.get_config()) == without_names(theirs)


@pytest.mark.keras
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_those_of_keras(name: str, answers: Mapping[str, Mapping[str, Array]]) -> None:
    schedule = deserialize(SCHEDULES[name])
    for step, theirs in zip(AT, answers["rate"][name], strict=True):
        with error_bounds(TENSORFLOW):
            rate = schedule(step)
        assert margin(rate, theirs) <= 1, step


@pytest.mark.keras
def test_every_class_of_keras_is_here_with_its_arguments(
    answers: Mapping[str, Mapping[str, Array]],
) -> None:
    optimizers, schedules = json.loads(str(answers["classes"][""]))
    del optimizers["Optimizer"], schedules["LearningRateSchedule"]
    ours = Optimizer.registered | {"OptimizerMap": OptimizerMap}
    for theirs, classes in ((optimizers, ours), (schedules, Schedule.registered)):
        assert theirs.keys() == classes.keys()
        for name, arguments in theirs.items():
            shown = {n: f for n, f in classes[name].arguments.items() if f.shown}
            defaults = {n: "required" if f.default is REQUIRED else f.default for n, f in shown.items()}
            assert list(defaults.items()) == list(arguments.items()), name


@pytest.mark.keras
def test_what_is_refused_keras_refuses_too(answers: Mapping[str, Mapping[str, Array]]) -> None:
    assert json.loads(str(answers["refused"][""])) == ["ValueError"] * len(BAD)


# On its own


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_bad_configuration_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        get(bad)


ARGUMENTS = [
    pytest.param(cls, name, f, id=f"{cls.__name__}.{name}")
    for cls in (*Optimizer.registered.values(), *Schedule.registered.values())
    for name, f in cls.arguments.items()
]


@pytest.mark.parametrize(("cls", "name", "f"), ARGUMENTS)
def test_refusal_names_argument_value_and_what_is_allowed(cls: Any, name: str, f: Field) -> None:
    for value in f.kind.refused:
        with pytest.raises(
            ValueError, match=re.escape(f"argument `{name}`: expected {f.kind.allowed}, got ")
        ):
            f.parse(value)


def test_negative_learning_rate_is_refused_though_keras_takes_it() -> None:
    with pytest.raises(
        ValueError, match=r"argument `learning_rate`: expected a float of 0 or more.*got -0\.5"
    ):
        SGD(-0.5)


def test_decay_of_keras_2_is_taken_and_forgotten() -> None:
    assert SGD(decay=0.5).get_config() == SGD().get_config()


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean Adam"):
        get("adamm")
    with pytest.raises(TypeError, match="did you mean epsilon"):
        get(described("Adam", epsilom=1.0))
    with pytest.raises(ValueError, match="did you mean CosineDecay"):
        deserialize(described("CosinDecay"))


W = {"dense/kernel": variable(np.arange(6.0).reshape(3, 2) - 2), "dense/bias": variable(np.zeros(2))}


def drawn(seed: int) -> dict[str, Tensor]:
    rng = np.random.default_rng(seed)
    return {path: variable(rng.standard_normal(w.shape)) for path, w in W.items()}


def test_bad_gradients_are_refused() -> None:
    sgd = SGD()
    state = sgd.initial_state(W)
    with pytest.raises(ValueError, match="no gradient is given for any"):
        sgd.apply({}, W, state)
    with pytest.raises(ValueError, match="did you mean dense/bias"):
        sgd.apply({"dense/bia": W["dense/bias"]}, W, state)
    with pytest.raises(ValueError, match=r"shape \(2,\), the variable \(3, 2\)"):
        sgd.apply({"dense/kernel": W["dense/bias"]}, W, state)


def test_a_variable_without_gradient_stays_and_is_warned_of() -> None:
    adam = Adam(weight_decay=0.5)
    state = adam.initial_state(W)
    with pytest.warns(UserWarning, match="dense/bias"):
        update = adam.apply({"dense/kernel": drawn(1)["dense/kernel"]}, W, state)
    assert update.variables["dense/bias"] is W["dense/bias"]
    assert update.state["dense/bias/momentum"] is state["dense/bias/momentum"]


def test_a_function_is_a_learning_rate_that_no_configuration_tells() -> None:
    sgd = SGD(lambda: 0.5)
    update = sgd.apply({"dense/bias": variable(np.ones(2)), "dense/kernel": W["dense/kernel"]}, W,
                       sgd.initial_state(W))  # fmt: skip
    np.testing.assert_array_equal(update.variables["dense/bias"].value, [-0.5, -0.5])
    with pytest.raises(ValueError, match="a function"):
        sgd.get_config()


def made(name: str) -> Optimizer:
    """One of each class, with what it needs."""
    if name == "LossScaleOptimizer":
        return LossScaleOptimizer(Adam())
    if name == "MultiOptimizer":
        return MultiOptimizer(OptimizerMap(Adam(), {".*bias": SGD(momentum=0.5)}))
    return Optimizer.registered[name]()


def run(optimizer: Optimizer, steps: int = 3, scale: float = 1.0, dtype: str = "float64") -> dict[str, Array]:
    """The variables and the state after some steps on gradients, each multiplied."""
    w: Mapping[str, Tensor] = {path: variable(x.value.astype(dtype)) for path, x in W.items()}
    state: Mapping[str, Tensor] = optimizer.initial_state(w)
    for seed in range(steps):
        gradients = {path: variable((g.value * scale).astype(dtype)) for path, g in drawn(seed).items()}
        update = optimizer.apply(gradients, w, state)
        w, state = update.variables, update.state
    return {key: np.asarray(x.value) for key, x in {**w, **state}.items()}


@pytest.mark.parametrize("name", Optimizer.registered)
def test_fast_mode_has_nothing_in_float64(name: str) -> None:
    found = run(made(name), dtype="float32")
    assert {key for key, x in found.items() if x.dtype == np.float64} == set()


@pytest.mark.parametrize("name", Optimizer.registered)
def test_fast_mode_computes_the_same_in_float32(name: str) -> None:
    exactly, fast = run(made(name)), run(made(name), dtype="float32")
    for key, x in exactly.items():
        np.testing.assert_allclose(fast[key], x, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", Optimizer.registered)
def test_configuration_makes_the_same_again(name: str) -> None:
    optimizer = made(name)
    description = json.loads(json.dumps(optimizer.serialized()))
    again = get(description)
    assert again.serialized() == optimizer.serialized()
    for key, x in run(optimizer).items():
        np.testing.assert_array_equal(run(again)[key], x)


SINGLE = [name for name in Optimizer.registered if name not in ("LossScaleOptimizer", "MultiOptimizer")]


@pytest.mark.parametrize("name", SINGLE)
def test_loss_scale_of_a_power_of_two_changes_no_bit(name: str) -> None:
    cls = Optimizer.registered[name]
    plain, scaled = run(cls()), run(cls(loss_scale_factor=64.0), scale=64.0)
    for key, x in plain.items():
        np.testing.assert_array_equal(scaled[key], x)


@pytest.mark.parametrize("name", SINGLE)
def test_wrapped_for_loss_scaling_it_is_itself(name: str) -> None:
    cls = Optimizer.registered[name]
    plain, wrapped = run(cls()), run(LossScaleOptimizer(cls(), initial_scale=8.0), scale=8.0)
    for key in W:
        np.testing.assert_array_equal(wrapped[key], plain[key])


@pytest.mark.parametrize("name", SINGLE)
def test_as_the_only_one_of_several_it_is_itself(name: str) -> None:
    cls = Optimizer.registered[name]
    plain, among = run(cls()), run(MultiOptimizer(OptimizerMap(cls())))
    for key in W:
        np.testing.assert_array_equal(among[key], plain[key])


@pytest.mark.parametrize("name", SINGLE)
def test_equal_gradients_that_are_accumulated_are_one(name: str) -> None:
    cls, g = Optimizer.registered[name], drawn(7)
    plain, accumulating = cls(), cls(gradient_accumulation_steps=2)
    expected = plain.apply(g, W, plain.initial_state(W))
    first = accumulating.apply(g, W, accumulating.initial_state(W))
    for path, w in W.items():
        np.testing.assert_array_equal(first.variables[path].value, w.value)
    assert accumulating.iterations(first.state) == 0
    second = accumulating.apply(g, first.variables, first.state)
    for path in W:
        np.testing.assert_array_equal(second.variables[path].value, expected.variables[path].value)
        assert not second.state[f"{path}/gradient_accumulator"].value.any()
    assert accumulating.iterations(second.state) == 1


@pytest.mark.parametrize("clip", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_beyond_all_gradients_and_by_limits_that_are_none_changes_nothing(clip: str) -> None:
    plain = run(SGD(0.5))
    for limit in (64.0, 0.0, -1.0):
        for key, x in run(SGD(0.5, **{clip: limit})).items():
            np.testing.assert_allclose(x, plain[key], rtol=1e-15, atol=1e-15)


def test_clipped_gradients_have_the_norms_asked_for() -> None:
    g = drawn(3)
    each = SGD(clipnorm=0.25).clipped(g)
    assert [round(float(np.linalg.norm(x.value)), 12) for x in each.values()] == [0.25, 0.25]
    together = SGD(global_clipnorm=0.25).clipped(g)
    norms = [float(np.linalg.norm(x.value)) for x in together.values()]
    assert math.hypot(*norms) == pytest.approx(0.25)
    assert abs(SGD(clipvalue=0.25).clipped(g)["dense/kernel"].value).max() == 0.25


def test_zero_gradients_are_clipped_without_an_error() -> None:
    zeros = {path: variable(np.zeros(w.shape)) for path, w in W.items()}
    with error_bounds(TENSORFLOW):
        for clip in ("clipnorm", "global_clipnorm"):
            clipped = SGD(**{clip: 0.5}).clipped(zeros)
            assert all(x.error is None or np.isfinite(x.error).all() for x in clipped.values())


def test_adam_without_epsilon_forgets_the_scale_of_gradients() -> None:
    adam = Adam(epsilon=0.0)
    plain, scaled = run(adam), run(adam, scale=2.0**20)
    for key in W:
        np.testing.assert_array_equal(scaled[key], plain[key])


def test_loss_scale_falls_where_a_gradient_is_not_finite_and_nothing_else_happens() -> None:
    optimizer = LossScaleOptimizer(SGD(momentum=0.5), initial_scale=8.0, dynamic_growth_steps=2)
    state = optimizer.initial_state(W)
    infinite = {path: variable(np.full(w.shape, np.inf)) for path, w in W.items()}
    update = optimizer.apply(infinite, W, state)
    assert float(update.state["dynamic_scale"].value) == 4.0
    assert update.variables == W
    assert optimizer.iterations(update.state) == 0
    for _ in range(2):
        update = optimizer.apply(drawn(1), W, update.state)
    assert float(update.state["dynamic_scale"].value) == 8.0
    assert float(optimizer.scaled_loss(variable(np.array(3.0)), update.state).value) == 24.0


def test_a_path_has_one_optimizer() -> None:
    adam, sgd = Adam(), SGD()
    chosen = OptimizerMap(adam, {"dense/kernel": sgd, "dense/.*": adam, ".*/bias": sgd})
    assert chosen("dense/kernel") is sgd
    assert chosen("other/kernel") is adam
    with pytest.raises(ValueError, match="several optimizers are for the variable 'dense/bias'"):
        chosen("dense/bias")
    with pytest.raises(ValueError, match="LossScaleOptimizer cannot be inside"):
        OptimizerMap(LossScaleOptimizer(adam))


def test_muon_makes_matrices_nearly_orthogonal() -> None:
    x = variable(np.random.default_rng(3).standard_normal((3, 5)))
    singular = np.linalg.svd(Muon().orthogonalized(x).value, compute_uv=False)
    assert ((singular > 0.6) & (singular < 1.3)).all()


def test_schedule_free_iterates_are_averaged() -> None:
    """With β₁ = 1 the variable is the mean of all z."""
    optimizer = ScheduleFreeAdamW(0.5, beta_1=1.0)
    w, state, seen = dict(W), optimizer.initial_state(W), []
    for seed in range(4):
        update = optimizer.apply(drawn(seed), w, state)
        w, state = update.variables, update.state
        seen.append(state["dense/kernel/momentum"].value)
    np.testing.assert_allclose(w["dense/kernel"].value, np.mean(seen, axis=0), rtol=1e-12)


def test_decay_of_adamw_goes_by_the_rate_alone() -> None:
    still = {path: variable(np.zeros(w.shape)) for path, w in W.items()}
    adamw = AdamW(0.5, weight_decay=0.25)
    update = adamw.apply(still, W, adamw.initial_state(W))
    np.testing.assert_array_equal(
        update.variables["dense/kernel"].value, W["dense/kernel"].value * (1 - 0.5 * 0.25)
    )


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_made_again_from_its_configuration(name: str) -> None:
    schedule = deserialize(SCHEDULES[name])
    assert deserialize(json.loads(json.dumps(schedule.serialized()))).config == schedule.config
    like = variable(np.zeros((), np.float32))
    assert schedule(3, like).dtype == np.float32
