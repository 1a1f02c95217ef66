"""Losses: all that the runtimes have, and their values and gradients within the bounds of live Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conformance.reference_impl import losses
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp

from .labelled import (
    Rng,
    Shape,
    bits,
    classes,
    counts,
    distribution,
    embeddings,
    logits,
    numbers,
    one_hot,
    padded,
    positive,
    probabilities,
    refuse_beyond,
    signs,
)
from .live_keras import LiveKeras

Data = Callable[[Rng, Shape], Array]


@dataclass(frozen=True)
class Suited:
    """What suits a loss: labels and predictions, arguments with some values, and the shape of predictions.

    Attributes:
        ranks: of predictions.
        at_least: the smallest size of the last axis.
    """

    labels: Data
    predictions: Data
    arguments: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    ranks: tuple[int, ...] = (2, 3)
    at_least: int = 1


SMOOTHING = {"label_smoothing": (0.0, 0.125, 0.1)}
AXES = {"axis": (-1, 1)}
FROM_LOGITS = {"from_logits": (True,)}
PROBABLE = {"from_logits": (False,)}
FOCAL = {"gamma": (2.0, 1.0, 3.0), "alpha": (0.25, 0.3)}

SUITED: dict[str, tuple[Suited, ...]] = {
    "MeanSquaredError": (Suited(numbers, numbers),),
    "MeanAbsoluteError": (Suited(numbers, numbers),),
    "MeanAbsolutePercentageError": (Suited(numbers, numbers), Suited(bits, numbers)),
    "MeanSquaredLogarithmicError": (Suited(positive, positive), Suited(numbers, numbers)),
    "CosineSimilarity": (Suited(numbers, numbers, AXES),),
    "Huber": (Suited(numbers, numbers, {"delta": (1.0, 0.5, 0.3)}),),
    "LogCosh": (Suited(numbers, numbers),),
    "Hinge": (Suited(signs, numbers), Suited(bits, numbers), Suited(numbers, numbers)),
    "SquaredHinge": (Suited(signs, numbers), Suited(bits, numbers)),
    "CategoricalHinge": (Suited(one_hot, numbers),),
    "KLDivergence": (Suited(distribution, distribution), Suited(one_hot, probabilities)),
    "Poisson": (Suited(counts, positive),),
    "BinaryCrossentropy": (
        Suited(bits, probabilities, AXES | SMOOTHING | PROBABLE),
        Suited(probabilities, logits, AXES | SMOOTHING | FROM_LOGITS),
    ),
    "BinaryFocalCrossentropy": (
        Suited(
            bits,
            probabilities,
            FOCAL | AXES | SMOOTHING | PROBABLE | {"apply_class_balancing": (True, False)},
        ),
        Suited(bits, logits, FOCAL | SMOOTHING | FROM_LOGITS),
    ),
    "CategoricalCrossentropy": (
        Suited(one_hot, distribution, SMOOTHING | PROBABLE, at_least=2),
        Suited(one_hot, probabilities, PROBABLE, at_least=2),
        Suited(one_hot, logits, SMOOTHING | FROM_LOGITS, at_least=2),
    ),
    "CategoricalFocalCrossentropy": (
        Suited(one_hot, distribution, FOCAL | SMOOTHING | PROBABLE, at_least=2),
        Suited(one_hot, logits, FOCAL | SMOOTHING | FROM_LOGITS, at_least=2),
    ),
    "SparseCategoricalCrossentropy": (
        Suited(classes, distribution, {"ignore_class": (None, 0)}, at_least=2),
        Suited(classes, logits, {"ignore_class": (None, 1, -1)} | FROM_LOGITS, at_least=2),
    ),
    "CategoricalGeneralizedCrossEntropy": (
        Suited(
            lambda rng, shape: rng.integers(0, shape[-1], shape[:-1]), distribution, {"q": (0.5, 0.7)}, (2,)
        ),
    ),
    "CTC": (Suited(padded, logits, ranks=(3,), at_least=2),),
    "Dice": (Suited(bits, probabilities, {"axis": (None, 1, (1,), -1)}),),
    "Tversky": (
        Suited(bits, probabilities, {"alpha": (0.5, 0.25), "beta": (0.5, 0.7), "axis": (None, 1, (0, 1))}),
    ),
    "Circle": (
        Suited(
            lambda rng, shape: rng.integers(0, 2, shape[:1]),
            embeddings,
            {"gamma": (80.0, 8.0), "margin": (0.4, 0.25), "remove_diagonal": (True, False)},
            ranks=(2,),
            at_least=2,
        ),
    ),
}
"""By class, data and arguments that suit it."""


@dataclass(frozen=True)
class Question:
    """A loss, and what it is called with."""

    name: str
    config: dict[str, Any]
    y_true: Array
    y_pred: Array
    sample_weight: Array | None
    mask: Array | None


def question(name: str, seed: int) -> Question:
    """A random one about a loss."""
    rng = np.random.default_rng(seed)
    suited = SUITED[name][rng.integers(len(SUITED[name]))]
    rank = int(rng.choice(suited.ranks))
    *outer, last = (int(n) for n in rng.integers(1, 6, rank))
    shape = (*outer, max(last, suited.at_least))
    config = {
        k: v[rng.integers(len(v))] for k, v in suited.arguments.items() if rng.random() < 0.6 or len(v) == 1
    }
    config["reduction"] = losses.REDUCTIONS[rng.integers(len(losses.REDUCTIONS))]
    y_true, y_pred = suited.labels(rng, shape), suited.predictions(rng, shape)
    if y_true.dtype.kind == "f":
        y_true = y_true.astype(np.float32)
    # Weights and masks are for each loss: those of steps are for steps, those of a batch for none.
    weighed = shape[:1] if name == "CTC" else shape[:-1]
    if config.get("axis") == 1 or name in ("Dice", "Tversky"):
        weighed = ()
    weight = rng.choice([0.0, 0.5, 1.0, 3.0], weighed) if weighed and rng.random() < 0.5 else None
    mask = rng.random(weighed) < 0.7 if weighed and rng.random() < 0.4 else None
    return Question(
        name,
        config,
        y_true,
        y_pred.astype(np.float32),
        None if weight is None else weight.astype(np.float32),
        mask,
    )


def answered(asked: Question, arithmetic: Arithmetic) -> tuple[Tensor, Callable[[Array], Tensor]]:
    """The loss with its bound, and by the cotangent its gradient."""
    loss = losses.loss_class(asked.name)(**asked.config)
    y_pred = variable(asked.y_pred.astype(np.float64))
    weight = None if asked.sample_weight is None else asked.sample_weight.astype(np.float64)
    value = loss(asked.y_true.astype(np.float64), y_pred, weight, asked.mask)

    def gradient(cotangent: Array) -> Tensor:
        with error_bounds(arithmetic):
            (product,) = vjp([value], [variable(cotangent.astype(np.float64), tracked=False)], [y_pred])
        return product

    return value, gradient


@pytest.mark.keras
@pytest.mark.parametrize("name", SUITED)
@settings(max_examples=20, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_value_and_gradient_are_those_of_live_keras(
    name: str, live_keras: LiveKeras, arithmetic: Arithmetic, seed: int
) -> None:
    asked = question(name, seed)
    with error_bounds(arithmetic):
        value, gradient = answered(asked, arithmetic)
    cotangent = np.random.default_rng(seed).choice([-1.5, 0.25, 2.0], value.shape).astype(np.float32)
    computed, product = live_keras.ask(
        "loss", name, asked.config, asked.y_true, asked.y_pred, asked.sample_weight, asked.mask, cotangent
    )
    refuse_beyond(value, computed, f"value of {asked}")
    refuse_beyond(gradient(cotangent), product, f"gradient of {asked} by {cotangent}")
