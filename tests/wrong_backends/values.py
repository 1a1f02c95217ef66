"""Faults of constraints, regularizers, initializers and schedules: axes, factors, fans, what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.reference_impl.primitives import multiply
from conformance.reference_impl.tape import Tensor

from .fault import Fault

SPECIFICATION = "conformance.reference_impl"


def along_the_first_axis(original: Any, w: Tensor, axis: Any) -> Tensor:
    return original(w, 0)


def without_epsilon(original: Any, w: Tensor, norm: Tensor, wanted: Tensor) -> Tensor:
    """Where the norm is 0, what is divided by it is no number."""
    return Tensor(w.value * (wanted.value / norm.value))


def halved(original: Any, x: Tensor) -> Tensor:
    return multiply(original(x), 0.5)


def mean_in_place_of_sum(original: Any, x: Tensor) -> Tensor:
    return multiply(original(x), 1.0 / max(x.value.size, 1))


def of_all_pairs(original: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Both products of two lines are counted."""
    return multiply(original(x, *args, **kwargs), 2.0)


def transposed(original: Any, *args: Any) -> Any:
    inputs, outputs = original(*args)
    return outputs, inputs


def without_window(original: Any, shape: Any, *axes: Any) -> Any:
    """The fans of a kernel as if its window were one."""
    return original(shape[-2:] if None in axes else shape, *axes)


def uncorrected(original: Any, stddev: float) -> float:
    return stddev


def from_zero(original: Any, minval: float, maxval: float) -> Any:
    """Uniform numbers of the right width, on one side of zero."""
    return original(0.0, maxval - minval)


def not_of_length_one(original: Any, self: Any, key: int, shape: Any) -> Any:
    return original(self, key, shape) * (1 + 2.0**-8)


def normal_numbers(original: Any, self: Any, key: int, shape: Any) -> Any:
    """What should be made orthogonal, as it was drawn."""
    return self.gain * np.random.default_rng(key).normal(size=shape)


def smooth(original: Any, step: Tensor, length: float, whole: bool) -> Tensor:
    return original(step, length, False)


def seed_ignored(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"same_seed": False} if observable == "seeds" else answer


def drawn_anew(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"next_call": False} if observable == "seeds" else answer


def gain_forgotten(case: Case, observable: str, answer: Any) -> Any:
    return {} if observable == "config" else answer


def rate_forgotten(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"learning_rate": 0.001} if observable == "reconstructed/config" else answer


FAULTS = (
    Fault(
        "axis-of-constraint-lost", "forward", "constraints.UnitNorm",
        {f"{SPECIFICATION}.constraints:norms": along_the_first_axis},
    ),
    Fault(
        "norm-of-zero-divides", "forward", "constraints.MaxNorm",
        {f"{SPECIFICATION}.constraints:scaled": without_epsilon},
    ),
    Fault("l2-halved", "forward", "regularizers.L2", {f"{SPECIFICATION}.regularizers:square": halved}),
    Fault(
        "penalty-is-a-mean", "gradients", "regularizers.L1",
        {f"{SPECIFICATION}.regularizers:everything": mean_in_place_of_sum},
    ),
    Fault(
        "pairs-counted-twice", "forward", "regularizers.OrthogonalRegularizer",
        {f"{SPECIFICATION}.regularizers:everything": of_all_pairs},
    ),
    Fault("fans-transposed", "random", "initializers.HeUniform", {"initializers.fans": transposed}),
    Fault(
        "fans-without-window", "random", "initializers.VarianceScaling",
        {"initializers.fans": without_window},
    ),
    Fault(
        "truncation-uncorrected", "random", "initializers.GlorotNormal",
        {"initializers.of_truncated": uncorrected},
    ),
    Fault(
        "variance-for-deviation", "random", "initializers.HeNormal",
        {"initializers.of_variance": lambda original, variance, law: original(variance**2, law)},
    ),
    Fault(
        "gain-ignored", "forward", "initializers.Identity",
        {"initializers.identity": lambda original, shape, like, gain: original(shape, like, 1.0)},
    ),
    Fault("uniform-from-zero", "random", "initializers.RandomUniform", {"initializers.between": from_zero}),
    Fault(
        "orthogonal-too-long", "random", "initializers.Orthogonal",
        {f"{SPECIFICATION}.initializers:Orthogonal.sample": not_of_length_one},
    ),
    Fault(
        "orthogonal-not-at-all", "random", "initializers.Orthogonal",
        {f"{SPECIFICATION}.initializers:Orthogonal.sample": normal_numbers},
    ),
    Fault("initializer-ignores-seed", "random", "initializers.RandomNormal", said=seed_ignored),
    Fault("initializer-draws-anew", "random", "initializers.TruncatedNormal", said=drawn_anew),
    Fault("gain-forgotten", "config", "initializers.Identity", said=gain_forgotten),
    Fault(
        "staircase-ignored", "forward", "schedules.ExponentialDecay",
        {f"{SPECIFICATION}.optimizers.schedules:periods": smooth},
    ),
    Fault("rate-forgotten", "config-round-trip", "optimizers.SGD", said=rate_forgotten),
)  # fmt: skip
