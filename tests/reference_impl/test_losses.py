"""Losses: all that the runtimes have, and their values and gradients within the bounds of live Keras."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from conformance.reference_impl import losses
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.losses import LOSSES, Loss
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp
from conformance.runners.provision import ensure_package

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
    one_class,
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
    # Of one class, labels (batch,) are made (batch, 1), which Keras takes for labels of each pair.
    "CategoricalGeneralizedCrossEntropy": (
        Suited(one_class, distribution, {"q": (0.5, 0.7)}, ranks=(2,), at_least=2),
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
@settings(max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate])
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


NOT_TOLD = {
    "CosineSimilarity": {"axis"},
    "Huber": {"delta"},
    "SparseCategoricalCrossentropy": {"axis"},
}
"""Arguments that Keras's `get_config` forgets."""


@pytest.mark.keras
def test_every_class_of_keras_is_here_with_its_arguments(live_keras: LiveKeras) -> None:
    classes = live_keras.ask("classes", "losses")
    assert classes.pop("Loss") == [("name", None), ("reduction", "sum_over_batch_size"), ("dtype", None)]
    assert classes.keys() == Loss.registered.keys() == SUITED.keys()
    assert len(classes) == 22
    for name, arguments in classes.items():
        own = losses.loss_class(name).arguments
        assert [n for n, _ in arguments] == list(own)
        defaults = {n: own[n].parse(default) for n, default in arguments if n != "name"}
        assert defaults == {n: own[n].default_value(name) for n in own if n != "name"}


@pytest.mark.keras
@pytest.mark.parametrize("name", SUITED)
def test_configuration_is_that_of_keras(name: str, live_keras: LiveKeras) -> None:
    own = losses.loss_class(name)().get_config()
    told = live_keras.ask("config", "losses", name, {})
    forgotten = NOT_TOLD.get(name, set())
    assert told == {n: value for n, value in own.items() if n not in forgotten}
    assert losses.loss_class(name).from_config(own).get_config() == own


@pytest.mark.keras
def test_every_function_and_name_of_keras_is_here(live_keras: LiveKeras) -> None:
    for name, arguments in live_keras.ask("functions", "losses").items():
        assert losses.get(name) is LOSSES[name].function
        own = inspect.signature(LOSSES[name].function).parameters
        assert [n for n, _ in arguments] == list(own)[2:], name
    names = live_keras.ask("identifiers", "losses")
    assert names.pop("LossFunctionWrapper"), "which is not public, and needs a function"
    names.pop("Loss", None)
    for name, thing in names.items():
        assert getattr(losses.get(name), "__name__", type(losses.get(name)).__name__) == thing


@pytest.mark.node
def test_every_loss_of_tensorflow_js_is_here() -> None:
    source = ensure_package() / "node_modules/@tensorflow/tfjs-layers/dist/losses.js"
    (table,) = re.findall(r"export const lossesMap = \{([^}]*)\}", source.read_text())
    assert set(re.findall(r"\w+", table)) == {e.tensorflow_js for e in LOSSES.values()} - {None}


ACTUAL = {"y_true": np.array([[0.0, 1.0], [1.0, 0.0]]), "y_pred": np.array([[0.25, 0.5], [0.75, 0.5]])}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.Huber(reduction="average"), "`reduction`: expected one of 'sum_over_batch_size'"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), "`q`: expected a number between 0 and 1"),
        (lambda: losses.get("mean_sqared_error"), "did you mean mean_squared_error"),
        (lambda: losses.get({"class_name": "Hubber"}), "did you mean Huber"),
        (lambda: losses.get(3), "got 3"),
        (lambda: losses.MeanSquaredError()(np.ones((2, 3)), np.ones((2, 4))), r"\(2, 3\) and \(2, 4\)"),
        (
            lambda: losses.BinaryCrossentropy()(np.ones((2, 1)), np.ones((2, 4))),
            r"\(2, 4\); got shape \(2, 1\)",
        ),
        (lambda: losses.CategoricalCrossentropy(axis=2)(**ACTUAL), "`axis`: an axis of `y_pred`.* got 2"),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.array([0, 2]), ACTUAL["y_pred"]),
            "labels from 0 to 1.* got 2",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.array([0, 1, 1]), ACTUAL["y_pred"]),
            r"shape \(2,\); got \(3,\)",
        ),
        (
            lambda: losses.MeanSquaredError()(**ACTUAL, sample_weight=np.ones(3)),
            r"`sample_weight` have shapes that broadcast, got \(2,\) and \(3,\)",
        ),
        (lambda: losses.CTC()(np.array([1, 2]), np.ones((2, 3, 4))), r"`y_true`.* got shape \(2,\)"),
        (lambda: losses.CTC()(np.array([[1]]), np.ones((2, 4))), r"`y_pred`.* got shape \(2, 4\)"),
    ],
)
def test_what_is_wrong_is_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_argument_is_named() -> None:
    with pytest.raises(TypeError, match="Huber has no argument `delt`; did you mean delta"):
        losses.Huber(delt=1.0)


SAMPLEWISE = sorted(SUITED.keys() - {"Dice", "Tversky", "Circle"})
"""Losses whose value for a sample depends on that sample alone."""


@pytest.mark.parametrize("name", SAMPLEWISE)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_sample_of_weight_zero_is_as_if_absent(name: str, seed: int) -> None:
    asked = question(name, seed)
    loss = losses.loss_class(name)(**asked.config | {"reduction": "sum"})
    weight = np.ones(len(asked.y_pred))
    weight[0] = 0
    axes = 1 if name == "CTC" else asked.y_pred.ndim - 1
    weights = weight.reshape(-1, *[1] * (axes - 1))
    signed = np.isin(asked.y_true, (0, 1)).all() == np.isin(asked.y_true[1:], (0, 1)).all()
    assume(signed or "Hinge" not in name)
    whole, rest = loss(asked.y_true, asked.y_pred, weights), loss(asked.y_true[1:], asked.y_pred[1:])
    np.testing.assert_allclose(whole.value, rest.value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SUITED)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_mean_is_the_sum_of_all_losses_over_their_number(name: str, seed: int) -> None:
    asked = question(name, seed)

    def reduced(reduction: str | None) -> Array:
        loss = losses.loss_class(name)(**asked.config | {"reduction": reduction})
        value: Array = loss(asked.y_true, asked.y_pred.astype(np.float64), asked.sample_weight).value
        return value

    each, added, averaged = reduced(None), reduced("sum"), reduced("mean")
    if name != "Circle" and asked.config.get("ignore_class") is None:
        np.testing.assert_allclose(added, each.sum(), rtol=1e-12)
        np.testing.assert_allclose(averaged, each.sum() / each.size, rtol=1e-12)
    assert reduced("sum_over_batch_size") == averaged


@pytest.mark.parametrize("name", SUITED)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_float32_stays_float32(name: str, seed: int) -> None:
    asked = question(name, seed)
    y_pred = variable(asked.y_pred)
    with np.errstate(all="ignore"):
        value = losses.loss_class(name)(**asked.config)(asked.y_true, y_pred, asked.sample_weight, asked.mask)
        (gradient,) = vjp([value], [variable(np.ones(value.shape, np.float32), tracked=False)], [y_pred])
    assert (value.dtype, gradient.dtype) == (np.float32, np.float32)
