"""Drafts about optimizers: an update from given slots, with each argument, and gradients of several kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from conformance.cases.case import Case, Literal, Source
from conformance.cases.drafts.draft import keyed, recipe
from conformance.reference_impl import optimizers
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.optimizers import SGD, Adam, OptimizerMap
from conformance.reference_impl.optimizers.schedules import ExponentialDecay
from conformance.reference_impl.tape import Tensor

SHAPES = {"kernel": (3, 5), "bias": (5,)}
"""The variables."""

REGIMES = ("normal", "wide_exponents", "tiny", "signed_zeros")
"""Of the gradients: most of them tell nothing of an epsilon."""

NOT_NEGATIVE = (
    "velocity", "velocity_hat", "accumulator", "accumulated_grad", "accumulated_delta_var", "norm", "r", "c",
)  # fmt: skip
"""Slots that are means or sums of squares, or magnitudes."""

COUNTS = ("iteration", "step_counter")
"""Slots that are integers."""

COMMON: tuple[dict[str, Any], ...] = (
    {"weight_decay": 0.125},
    {"clipnorm": 0.5},
    {"clipvalue": 0.25},
    {"global_clipnorm": 0.75},
    {"use_ema": True, "ema_momentum": 0.75},
    {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 2},
)
"""Arguments that all take."""

OWN: dict[str, tuple[dict[str, Any], ...]] = {
    "SGD": ({}, {"momentum": 0.75}, {"momentum": 0.75, "nesterov": True}),
    "RMSprop": (
        {"rho": 0.75, "epsilon": 2.0**-10},
        {"rho": 0.5, "epsilon": 2.0**-6, "momentum": 0.75},
        {"rho": 0.75, "epsilon": 2.0**-4, "centered": True},
    ),
    "Adam": (
        {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10},
        {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 2.0**-4},
        {"beta_1": 0.75, "beta_2": 0.5, "epsilon": 2.0**-10, "amsgrad": True},
    ),
    "AdamW": (
        {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10, "weight_decay": 0.25},
        {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 2.0**-10, "weight_decay": 0.125, "amsgrad": True},
    ),
    "Adadelta": (
        {"rho": 0.75, "epsilon": 2.0**-10},
        {"rho": 0.5, "epsilon": 2.0**-4},
    ),
    "Adagrad": ({}, {"epsilon": 2.0**-6}),
    "Adamax": (
        {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10},
        {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 2.0**-4},
    ),
    "Adafactor": (
        {"epsilon_1": 2.0**-20, "epsilon_2": 0.125},
        {"beta_2_decay": -0.5, "epsilon_1": 2.0**-20, "epsilon_2": 0.5, "clip_threshold": 0.25},
        {"epsilon_1": 2.0**-20, "epsilon_2": 0.25, "relative_step": False},
    ),
    "Nadam": ({"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10},),
    "Ftrl": (
        {},
        {"learning_rate_power": -0.75, "beta": 0.25},
        {"l1_regularization_strength": 0.25, "l2_regularization_strength": 0.5},
        {"l2_shrinkage_regularization_strength": 0.5},
    ),
    "Lion": ({"beta_1": 0.75, "beta_2": 0.5},),
    "Lamb": ({"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10},),
    "Muon": (
        {"ns_steps": 2, "momentum": 0.75},
        {"ns_steps": 1, "nesterov": False, "rms_rate": None},
        {"ns_steps": 1, "exclude_embeddings": False},
    ),
    "ScheduleFreeAdamW": (
        {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10},
        {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 2.0**-10, "warmup_steps": 8},
    ),
}
"""Values of the arguments that an optimizer has for itself, representable in float32."""


RATES: tuple[dict[str, Any], ...] = (
    {"learning_rate": 0.1},
    {"learning_rate": ExponentialDecay(0.5, decay_steps=2, decay_rate=0.25).serialized()},
)
"""A learning rate that float32 does not have, and one that a schedule gives."""

ADAM = {"learning_rate": 0.125, "beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10}

AROUND: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "LossScaleOptimizer",
        {"inner_optimizer": Adam(**ADAM).serialized(), "initial_scale": 8.0, "dynamic_growth_steps": 4},
    ),
    (
        "LossScaleOptimizer",
        {
            "inner_optimizer": SGD(0.125, 0.75).serialized(),
            "initial_scale": 2.0,
            "dynamic_growth_steps": 2,
            "name": "scaled",
        },
    ),
    (
        "MultiOptimizer",
        {"optimizer_map": OptimizerMap(Adam(**ADAM), {"bias": SGD(0.25, momentum=0.5)}).serialized()},
    ),
    (
        "MultiOptimizer",
        {
            "optimizer_map": OptimizerMap(SGD(0.5, momentum=0.25), {"kernel": Adam(**ADAM)}).serialized(),
            "loss_scale_factor": 8.0,
            "name": "by_path",
        },
    ),
)
"""Optimizers around others."""


SAID = ("config", "reconstructed/config")


def asking(case: Case, *observables: str) -> Case:
    """The case, asked for these observables too."""
    return msgspec.structs.replace(case, observables=(*case.observables, *observables))


def drafts() -> Iterator[Case]:
    for name, own in OWN.items():
        for config in own:
            for regime in REGIMES:
                case = draft_optimizer(name, {"learning_rate": 0.125, **config}, regime)
                yield asking(case, *SAID, "signature") if regime == REGIMES[0] else case
        for config in COMMON:
            yield asking(draft_optimizer(name, {"learning_rate": 0.125, **own[0], **config}), *SAID)
        yield draft_optimizer(name, {"learning_rate": 0.5, **own[0]}, iteration=0, initial=True)
        for spelling in (name, name.lower()):
            yield Case(f"optimizers.{name}", {"identifier": spelling}, observables=("identifier",))
    for config in RATES:
        yield asking(draft_optimizer("SGD", config), *SAID)
    for name, config in AROUND:
        for regime in ("normal", "one_infinity"):
            case = draft_optimizer(name, config, regime)
            yield asking(case, *SAID) if regime == "normal" else case


def draft_optimizer(
    name: str,
    config: Mapping[str, Any],
    gradients: str = "normal",
    *,
    iteration: int = 3,
    initial: bool = False,
) -> Case:
    """A case about one update.

    Args:
        gradients: the regime of the gradients.
        iteration: how many calls there were.
        initial: whether the slots are as they begin.
    """
    subject = f"optimizers.{name}"
    optimizer = optimizers.get({"class_name": name, "config": config})
    variables = {path: Tensor(xp.zeros(shape)) for path, shape in SHAPES.items()}
    slots = {
        slot.key: literal(slot.initial) if initial or not slot.initial.ndim else drawn(slot.key, slot.initial)
        for slot in optimizer.slots(variables)
    }
    slots |= {key: Literal((), (iteration,), "int32") for key in slots if last(key) in COUNTS}
    weights: dict[str, Source] = {
        **{f"variable/{path}": recipe("normal", *shape) for path, shape in SHAPES.items()},
        **{f"gradient/{path}": recipe(gradients, *shape) for path, shape in SHAPES.items()},
        **{f"slot/{key}": source for key, source in slots.items()},
    }
    told = [f"slot/{key}" for key in slots if last(key) not in (*COUNTS, "learning_rate")]
    return Case(
        subject,
        dict(config),
        weights={key: keyed(source, subject, config, key) for key, source in weights.items()},
        observables=(*(f"update/{path}" for path in SHAPES), *told),
    )


def drawn(key: str, like: Tensor) -> Source:
    """Numbers that the slot may have."""
    regimes = {"average_gradient": "small_normal", **dict.fromkeys(NOT_NEGATIVE, "positive")}
    return recipe(regimes.get(last(key), "normal"), *like.shape)


def last(key: str) -> str:
    """The name of a slot, without what it is of."""
    return key.rpartition("/")[2]


def literal(x: Tensor) -> Source:
    return Literal(x.shape, tuple(x.value.ravel().tolist()))
