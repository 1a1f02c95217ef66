"""Faults of what is drawn: laws, scales, what is shared, seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.reference_impl.primitives import multiply, where
from conformance.reference_impl.random import Bernoulli, draw
from conformance.reference_impl.tape import Tensor

from .fault import LAYERS, Fault

DROPOUT = f"{LAYERS}.dropout:Dropout"
RANDOM = "conformance.reference_impl.random"
SAMPLE = f"{RANDOM}:Bernoulli.sample"
NORMAL = f"{RANDOM}:Normal.sample"


def more_often(original: Any, self: Bernoulli, key: int, shape: tuple[int, ...]) -> Any:
    """One in twenty of what should be dropped is kept."""
    return original(Bernoulli(1 - 0.95 * (1 - self.probability)), key, shape)


def unscaled(original: Any, self: Any, x: Tensor, rng_key: int) -> Tensor:
    kept = draw(rng_key, Bernoulli(1 - self.rate), self.drawn_shape(x.shape))
    return where(Tensor(kept.astype(x.dtype)), x, 0.0)


def first_row_everywhere(original: Any, self: Any, key: int, shape: tuple[int, ...]) -> Any:
    return np.repeat(original(self, key, (1, *shape[1:])), shape[0], axis=0)


def second_half_as_first(original: Any, self: Any, key: int, shape: tuple[int, ...]) -> Any:
    drawn = original(self, key, shape)
    half = shape[0] // 2
    drawn[half : 2 * half] = drawn[:half]
    return drawn


def element_by_element(original: Any, self: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape


def wider(original: Any, self: Any, key: int, shape: tuple[int, ...]) -> Any:
    return 1.05 * original(self, key, shape)


def off_centre(original: Any, self: Any, key: int, shape: tuple[int, ...]) -> Any:
    return original(self, key, shape) + 0.05


def uniform(original: Any, self: Any, key: int, shape: tuple[int, ...]) -> Any:
    """Of the same mean and variance."""
    words = np.random.Philox(key=key).random_raw(math.prod(shape))
    return (words * 2.0**-64 - 0.5).reshape(shape) * math.sqrt(12)


def cut_at_two(original: Any, self: Any, key: int, shape: tuple[int, ...]) -> Any:
    """The truncated normal distribution of initializers, scaled to variance 1."""
    drawn = original(self, key, (20, *shape))
    inside = np.take_along_axis(drawn, (np.abs(drawn) < 2).argmax(axis=0)[None], axis=0)[0]
    return inside / 0.87962566103423978


def drawn_twice(original: Any, outputs: Any, cotangents: Any, sources: Any) -> Any:
    """The gradient is that of other draws than the output's."""
    return [
        multiply(g, Tensor(np.roll(g.value != 0, 1) * 1.0)) for g in original(outputs, cotangents, sources)
    ]


def for_each_time(original: Any, self: Any, x: Tensor, shape: Any, *rest: Any) -> Any:
    return original(self, x, x.shape, *rest)


def for_all_gates(original: Any, cell: Any) -> bool:
    return False


def saturation_of_other_sign(original: Any) -> float:
    return -float(original())


def seed_ignored(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"same_seed": False} if observable == "seeds" else answer


def the_same_at_each_call(case: Case, observable: str, answer: Any) -> Any:
    return answer | {"next_call": True} if observable == "seeds" else answer


FAULTS = (
    Fault("dropout_rate_too_low", "random", "layers.Dropout", {SAMPLE: more_often}),
    Fault("dropout_unscaled", "random", "layers.Dropout", {f"{DROPOUT}.disturbed": unscaled}),
    Fault("dropout_same_in_each_row", "random", "layers.Dropout", {SAMPLE: first_row_everywhere}),
    Fault("dropout_repeats_after_half", "random", "layers.Dropout", {SAMPLE: second_half_as_first}),
    Fault("noise_shape_ignored", "random", "layers.Dropout", {f"{DROPOUT}.drawn_shape": element_by_element}),
    Fault(
        "spatial_dropout_of_elements",
        "random",
        "layers.SpatialDropout2D",
        {f"{LAYERS}.spatial_dropout:SpatialDropout.drawn_shape": element_by_element},
    ),
    Fault(
        "gradient_of_other_draws", "random", "layers.Dropout", {"conformance.cases.parts:vjp": drawn_twice}
    ),
    Fault("noise_five_percent_wider", "random", "layers.GaussianNoise", {NORMAL: wider}),
    Fault("noise_off_centre", "random", "layers.GaussianNoise", {NORMAL: off_centre}),
    Fault("noise_uniform", "random", "layers.GaussianNoise", {NORMAL: uniform}),
    Fault("noise_truncated", "random", "layers.GaussianDropout", {NORMAL: cut_at_two}),
    Fault("noise_same_in_each_row", "random", "layers.GaussianDropout", {NORMAL: first_row_everywhere}),
    Fault(
        "alpha_dropout_of_other_sign",
        "random",
        "layers.AlphaDropout",
        {"layers.AlphaDropout.saturation": saturation_of_other_sign},
    ),
    Fault(
        "recurrent_dropout_for_all_gates",
        "random",
        "layers.LSTMCell",
        {"layers.DenseCell.drops_by_block": for_all_gates},
    ),
    Fault(
        "dropout_for_each_time",
        "random",
        "layers.SimpleRNN",
        {f"{LAYERS}.cell:DenseCell.kept": for_each_time},
    ),
    Fault("seed_ignored", "random", "layers.GaussianNoise", said=seed_ignored),
    Fault("the_same_at_each_call", "random", "layers.Dropout", said=the_same_at_each_call),
)
