"""Faults of optimizers: corrections left out, epsilons elsewhere, slots that are forgotten or mixed up."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.reference_impl.primitives import add, multiply, sqrt, square, subtract
from conformance.reference_impl.tape import Tensor, constant
from conformance.runners.protocol import WireError
from conformance.verdicts import Verdict

from .fault import Fault

OPTIMIZERS = "conformance.reference_impl.optimizers"


def uncorrected(original: Any, beta: float, t: int, like: Tensor) -> Tensor:
    """The averages are taken for unbiased from the first step on."""
    return constant(1.0, like)


def a_step_late(original: Any, beta: float, t: int, like: Tensor) -> Tensor:
    return original(beta, t + 1, like)


def ahead_ignored(original: Any, sgd: Any, w: Tensor, g: Tensor, slots: Any, now: Any) -> Any:
    """Nesterov's momentum is the ordinary one."""
    if not (sgd.nesterov and sgd.momentum):
        return original(sgd, w, g, slots, now)
    m = subtract(multiply(slots["momentum"], sgd.momentum), multiply(g, now.learning_rate))
    return add(w, m), {"momentum": m}


def epsilon_outside(original: Any, adagrad: Any, w: Tensor, g: Tensor, slots: Any, now: Any) -> Any:
    """√n + ε in place of √(n + ε)."""
    n = add(slots["accumulator"], square(g))
    root = add(sqrt(n), adagrad.epsilon)
    step = multiply(multiply(g, now.learning_rate), Tensor(1.0 / root.value))
    return subtract(w, step), {"accumulator": n}


def slot_forgotten(case: Case, observable: str, answer: Any) -> Any:
    """The momentum is told as zeros."""
    return answer * 0 if observable.endswith("/momentum") else answer


def without_epsilon(original: Any, x: Tensor, y: Any) -> Tensor:
    """Where a gradient has been zero, 0 is divided by 0."""
    return original(x, y) if isinstance(y, Tensor) else x


def decay_of_everything(original: Any, optimizer: Any, path: str, variable: Tensor) -> float | None:
    """Weights decay by the square of the factor that is asked for."""
    decay = original(optimizer, path, variable)
    return None if decay is None else decay * decay


def any_rate(case: Case, observable: str, answer: Any) -> Any:
    """Whatever the learning rate, it is taken."""
    refused = isinstance(answer, WireError) and "`learning_rate`" in answer.message
    return None if refused else answer


FAULTS = (
    Fault(
        "uncorrected-averages", "optimizer-steps", "optimizers.Adam",
        {f"{OPTIMIZERS}.adam:share_seen": uncorrected},
    ),
    Fault(
        "correction-a-step-late", "optimizer-steps", "optimizers.Adamax",
        {f"{OPTIMIZERS}.adamax:share_seen": a_step_late},
    ),
    Fault(
        "nesterov-ignored", "optimizer-steps", "optimizers.SGD", {"optimizers.SGD.step": ahead_ignored}
    ),
    Fault(
        "epsilon-outside-the-root", "optimizer-steps", "optimizers.Adagrad",
        {"optimizers.Adagrad.step": epsilon_outside},
    ),
    Fault("momentum-not-kept", "optimizer-steps", "optimizers.Lion", said=slot_forgotten),
    Fault(
        "decay-squared", "optimizer-steps", "optimizers.AdamW",
        {f"{OPTIMIZERS}.optimizer:Optimizer.decay_of": decay_of_everything},
    ),
    Fault(
        "epsilon-missing", "optimizer-steps", "optimizers.RMSprop",
        {f"{OPTIMIZERS}.rmsprop:add": without_epsilon},
    ),
    Fault(
        "maximum-ignored", "optimizer-steps", "optimizers.Adam",
        {f"{OPTIMIZERS}.adam:maximum": lambda original, old, new: new},
    ),
    Fault(
        "gradients-not-clipped", "optimizer-steps", "optimizers.SGD",
        {f"{OPTIMIZERS}.optimizer:Optimizer.clipped": lambda original, self, gradients: gradients},
    ),
    Fault(
        "averages-of-weights-stale", "optimizer-steps", "optimizers.*",
        {f"{OPTIMIZERS}.optimizer:Optimizer._average": lambda original, self, w, state: None},
    ),
    Fault("any-rate", "errors", "optimizers.*", said=any_rate, verdict=Verdict.ACCEPTS),
)  # fmt: skip
