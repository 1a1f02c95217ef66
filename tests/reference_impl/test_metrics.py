"""Metrics: all that the runtimes have, and their results and states within the bounds of live Keras."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from conformance.reference_impl import fields, losses, metrics
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.metrics import Metric
from conformance.reference_impl.tape import error_bounds

from .labelled import (
    Rng,
    Shape,
    bits,
    classes,
    counts,
    distribution,
    logits,
    numbers,
    one_class,
    one_hot,
    positive,
    probabilities,
    refuse_beyond,
    signs,
)
from .live_keras import LiveKeras


def dyadic(rng: Rng, shape: Shape) -> Array:
    """Scores at and between thresholds that are representable."""
    return np.asarray(rng.integers(0, 17, shape) / 16)


def rough(rng: Rng, shape: Shape) -> Array:
    """Few integers: many are equal."""
    return np.asarray(rng.integers(0, 3, shape).astype(float))


def regions(rng: Rng, shape: Shape) -> Array:
    """Classes from 0 to 3, and some that are none."""
    return np.asarray(rng.integers(-1, 5, shape))


def scores(rng: Rng, shape: Shape) -> Array:
    return np.asarray(rng.random((*shape[:-1], 3)))


def hot(rng: Rng, shape: Shape) -> Array:
    return one_hot(rng, (*shape[:-1], 3))


Data = Callable[[Rng, Shape], Array]


@dataclass(frozen=True)
class Suited:
    """What suits a metric: labels and predictions, arguments with some values, and the shape of predictions.

    Attributes:
        labels: None for a metric of values.
        weights: of a `batch`, or of `each` loss or element too, or none.
    """

    labels: Data | None
    predictions: Data
    arguments: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    ranks: tuple[int, ...] = (2, 3)
    at_least: int = 2
    weights: str = "batch"


def sure(**arguments: Any) -> dict[str, tuple[Any, ...]]:
    """Arguments that are always given."""
    return {name: (value,) for name, value in arguments.items()}


THRESHOLDS = {"thresholds": (None, 0.25, [0.25, 0.5], [0.0, 0.5, 1.0])}
AT = {"num_thresholds": (5, 200, 1), "class_id": (None, 1)}
AREA = {
    "num_thresholds": (5, 17, 200),
    "curve": ("ROC", "PR", "PRGAIN"),
    "summation_method": ("interpolation", "minoring", "majoring"),
}
SMOOTHING = {"label_smoothing": (0, 0.125)}
FOUR = sure(num_classes=4, target_class_ids=[0, 2])
COUNTS = (
    Suited(bits, dyadic, THRESHOLDS, ranks=(1, 2)),
    Suited(bits, probabilities, THRESHOLDS, ranks=(3,), weights="none"),
)
SHARES = (
    Suited(bits, dyadic, THRESHOLDS, ranks=(1, 2)),
    Suited(bits, probabilities, THRESHOLDS | {"class_id": (1,), "top_k": (None, 1, 2)}, ranks=(2,)),
)
F_SCORE = {"average": (None, "micro", "macro", "weighted"), "threshold": (None, 0.5, 0.3)}

SUITED: dict[str, tuple[Suited, ...]] = {
    "Mean": (Suited(None, numbers, ranks=(0, 1, 2, 3), weights="each"),),
    "Sum": (Suited(None, numbers, ranks=(0, 1, 2, 3), weights="each"),),
    "MeanMetricWrapper": (),
    "Accuracy": (Suited(rough, rough, ranks=(1, 2)),),
    "BinaryAccuracy": (Suited(bits, dyadic, {"threshold": (0.5, 0.25, 0.3)}, weights="each"),),
    "CategoricalAccuracy": (Suited(one_hot, rough), Suited(hot, scores)),
    "SparseCategoricalAccuracy": (Suited(classes, rough), Suited(one_class, distribution)),
    "TopKCategoricalAccuracy": (Suited(one_hot, rough, {"k": (1, 2, 5)}),),
    "SparseTopKCategoricalAccuracy": (
        Suited(one_class, rough, {"k": (1, 2, 5)}),
        Suited(one_class, rough, {"k": (1, 2)} | sure(from_sorted_ids=True)),
    ),
    "KLDivergence": (Suited(distribution, distribution),),
    "Poisson": (Suited(counts, positive),),
    "BinaryCrossentropy": (
        Suited(bits, probabilities, SMOOTHING | sure(from_logits=False)),
        Suited(bits, logits, SMOOTHING | sure(from_logits=True)),
    ),
    "CategoricalCrossentropy": (
        Suited(one_hot, distribution, SMOOTHING),
        Suited(one_hot, logits, SMOOTHING | sure(from_logits=True)),
    ),
    "SparseCategoricalCrossentropy": (
        Suited(one_class, distribution),
        Suited(one_class, logits, sure(from_logits=True)),
    ),
    "Hinge": (Suited(signs, numbers), Suited(bits, numbers)),
    "SquaredHinge": (Suited(signs, numbers),),
    "CategoricalHinge": (Suited(one_hot, numbers),),
    "MeanSquaredError": (Suited(numbers, numbers),),
    "MeanAbsoluteError": (Suited(numbers, numbers),),
    "MeanAbsolutePercentageError": (Suited(positive, numbers),),
    "MeanSquaredLogarithmicError": (Suited(positive, positive),),
    "RootMeanSquaredError": (Suited(numbers, numbers, weights="each"),),
    "CosineSimilarity": (Suited(numbers, numbers, {"axis": (-1, 1)}, weights="none"),),
    "LogCoshError": (Suited(numbers, numbers),),
    "R2Score": (
        Suited(
            numbers,
            numbers,
            {
                "class_aggregation": ("uniform_average", None, "variance_weighted_average"),
                "num_regressors": (0, 1, 9),
            },
            ranks=(2,),
        ),
    ),
    "PearsonCorrelation": (Suited(numbers, numbers, at_least=3),),
    "ConcordanceCorrelation": (Suited(numbers, numbers, at_least=3),),
    "TruePositives": COUNTS,
    "TrueNegatives": COUNTS,
    "FalsePositives": COUNTS,
    "FalseNegatives": COUNTS,
    "Precision": SHARES,
    "Recall": SHARES,
    "SensitivityAtSpecificity": (Suited(bits, dyadic, AT | sure(specificity=0.5), ranks=(2,)),),
    "SpecificityAtSensitivity": (Suited(bits, dyadic, AT | sure(sensitivity=0.25), ranks=(2,)),),
    "PrecisionAtRecall": (Suited(bits, dyadic, AT | sure(recall=0.5), ranks=(2,)),),
    "RecallAtPrecision": (Suited(bits, dyadic, AT | sure(precision=0.75), ranks=(2,)),),
    "AUC": (
        Suited(bits, probabilities, AREA, ranks=(1, 2)),
        Suited(bits, dyadic, AREA | sure(thresholds=[0.25, 0.625]), ranks=(1, 2)),
        Suited(bits, probabilities, AREA | sure(multi_label=True), ranks=(2,)),
        Suited(bits, logits, AREA | sure(from_logits=True), ranks=(1, 2)),
        Suited(
            lambda rng, shape: bits(rng, (*shape[:1], 3)),
            lambda rng, shape: probabilities(rng, (*shape[:1], 3)),
            AREA | {"label_weights": ([1.0, 2.0, 0.5],), "multi_label": (True, False)},
            ranks=(2,),
        ),
    ),
    "FBetaScore": (Suited(one_hot, dyadic, F_SCORE | {"beta": (1.0, 2.0, 0.5)}, ranks=(2,)),),
    "F1Score": (Suited(bits, dyadic, F_SCORE, ranks=(2,)),),
    "IoU": (
        Suited(regions, regions, FOUR | {"ignore_class": (None, 1)}, ranks=(1,)),
        Suited(regions, regions, FOUR | sure(dtype="float32"), ranks=(1,)),
        Suited(regions, regions, FOUR, weights="none"),
        Suited(
            lambda rng, shape: rng.integers(0, 3, shape[:-1]),
            scores,
            sure(num_classes=3, target_class_ids=[1], sparse_y_pred=False),
            weights="none",
        ),
    ),
    "BinaryIoU": (
        Suited(bits, dyadic, {"threshold": (0.5, 0.3), "target_class_ids": ([0, 1], [1])}, ranks=(1,)),
    ),
    "MeanIoU": (Suited(regions, regions, sure(num_classes=4) | {"ignore_class": (None, 0)}, ranks=(1,)),),
    "OneHotIoU": (Suited(hot, scores, sure(num_classes=3, target_class_ids=[0, 1]), weights="none"),),
    "OneHotMeanIoU": (Suited(hot, scores, sure(num_classes=3), weights="none"),),
}
"""By class, data and arguments that suit it."""

Batch = tuple[Array, ...]


def batches(name: str, seed: int) -> tuple[dict[str, Any], list[Batch]]:
    """Arguments of a metric, and the arguments of some updates."""
    rng = np.random.default_rng(seed)
    suited = SUITED[name][rng.integers(len(SUITED[name]))]
    rank = int(rng.choice(suited.ranks))
    sizes = [int(n) for n in rng.integers(2, 6, rank)]
    config = {
        k: v[rng.integers(len(v))] for k, v in suited.arguments.items() if rng.random() < 0.6 or len(v) == 1
    }
    weighted = suited.weights != "none" and rng.random() < 0.5
    each = suited.weights == "each" and rng.random() < 0.5
    made = []
    for _ in range(rng.integers(1, 4)):
        shape = (int(rng.integers(1, 6)), *sizes[1:]) if rank else ()
        if rank > 1:
            shape = (*shape[:-1], max(shape[-1], suited.at_least))
        data = [suited.predictions(rng, shape)]
        if suited.labels is not None:
            data.insert(0, suited.labels(rng, shape))
        if weighted:
            data.append(rng.choice([0.0, 0.5, 1.0, 3.0], shape if each else shape[:1]))
        made.append(tuple(x.astype(np.float32) if x.dtype.kind == "f" else x for x in map(np.asarray, data)))
    return config, made


def made(name: str, config: dict[str, Any]) -> Metric:
    return metrics.metric_class(name)(**config)


def updated(metric: Metric, batch: Batch) -> None:
    """The metric after a batch, in float64."""
    metric.update_state(*(x.astype(np.float64) if x.dtype.kind == "f" else x for x in batch))


def refuse_other_state(metric: Metric, computed: list[tuple[str, Array]], what: str) -> None:
    assert list(metric.variables) == [name for name, _ in computed], what
    for name, value in computed:
        refuse_beyond(metric.variables[name], value, f"{name} of {what}")


@pytest.mark.keras
@pytest.mark.parametrize("name", [name for name, suited in SUITED.items() if suited])
@settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_results_and_states_are_those_of_live_keras(
    name: str, live_keras: LiveKeras, arithmetic: Arithmetic, seed: int
) -> None:
    config, updates = batches(name, seed)
    results, states = live_keras.ask("metric", name, config, updates)
    what = f"{name}({config}) of {updates}"
    with error_bounds(arithmetic):
        metric = made(name, config)
        refuse_other_state(metric, states[0], f"{what}, before")
        for batch, result, state in zip(updates, results, states[1:], strict=False):
            updated(metric, batch)
            refuse_other_state(metric, state, what)
            refuse_beyond(metric.result(), result, f"result of {what}")
        metric.reset_state()
        refuse_other_state(metric, states[-1], f"{what}, after a reset")
        refuse_beyond(metric.result(), results[-1], f"result of {what}, after a reset")


NOT_TOLD = {"CosineSimilarity": {"axis"}}
"""Arguments that Keras's `get_config` forgets."""

REQUIRED: dict[str, dict[str, Any]] = {
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
}
"""Arguments without which there is no such metric."""

NAMED = [name for name in SUITED if name != "MeanMetricWrapper"]


@pytest.mark.keras
def test_every_class_of_keras_is_here_with_its_arguments(live_keras: LiveKeras) -> None:
    classes = live_keras.ask("classes", "metrics")
    assert len(classes) == 46
    assert classes.pop("Metric") == [("dtype", None), ("name", None)]
    assert classes.keys() == Metric.registered.keys() == SUITED.keys()
    wrapper = [name for name, _ in classes.pop("MeanMetricWrapper")]
    assert wrapper == ["fn", "name", "dtype", "kwargs"]
    for name, arguments in classes.items():
        own = metrics.metric_class(name).arguments
        assert [n for n, _ in arguments] == list(own), name
        for n, default in arguments:
            if default == "REQUIRED":
                assert own[n].default is fields.REQUIRED, (name, n)
            elif n not in ("name", "dtype"):
                assert own[n].parse(own[n].default) == own[n].parse(default), (name, n)


@pytest.mark.keras
@pytest.mark.parametrize("name", NAMED)
def test_configuration_and_direction_are_those_of_keras(name: str, live_keras: LiveKeras) -> None:
    given = REQUIRED.get(name, {})
    metric = made(name, given)
    told = live_keras.ask("config", "metrics", name, given)
    # Keras numbers the names that it makes up.
    told["name"] = metric.name
    assert told == {n: v for n, v in metric.get_config().items() if n not in NOT_TOLD.get(name, set())}
    assert metric.from_config(metric.get_config()).get_config() == metric.get_config()
    assert live_keras.ask("direction", name, given) == metric.direction


@pytest.mark.keras
def test_every_function_and_name_of_keras_is_here(live_keras: LiveKeras) -> None:
    for name, arguments in live_keras.ask("functions", "metrics").items():
        function = metrics.FUNCTIONS.get(name) or losses.get(name)
        assert [n for n, _ in arguments] == list(inspect.signature(function).parameters)[2:], name
    names = live_keras.ask("identifiers", "metrics")
    assert {metrics.metric_class(name).__name__ for name in names if names[name] != "Metric"} <= SUITED.keys()
    for name, thing in names.items():
        assert thing == "Metric" or metrics.metric_class(name).__name__ == thing


@pytest.mark.parametrize("name", NAMED)
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_two_batches_are_as_one(name: str, seed: int) -> None:
    """But for hinges, which take labels 0 and 1 for signs where a whole batch has no others."""
    config, updates = batches(name, seed)
    split, whole = made(name, config), made(name, config)
    batch = updates[0]
    assume(all(x.ndim for x in batch))
    assume("Hinge" not in name or len({np.isin(half, (0, 1)).all() for half in halves(batch[0])}) == 1)
    for part in zip(*map(halves, batch), strict=True):
        updated(split, part)
    updated(whole, batch)
    for variable, value in whole.variables.items():
        np.testing.assert_allclose(split.variables[variable].value, value.value, rtol=1e-12, atol=1e-12)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(split.result().value, whole.result().value, rtol=1e-9, atol=1e-12)


def halves(x: Array) -> list[Array]:
    """The first half, and the rest; of one sample both are it, and nothing."""
    return [x[: (len(x) + 1) // 2], x[(len(x) + 1) // 2 :]]


@pytest.mark.parametrize("name", [name for name in NAMED if SUITED[name][0].weights != "none"])
@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_sample_of_weight_zero_is_as_if_absent(name: str, seed: int) -> None:
    config, updates = batches(name, seed)
    data = updates[0][: 1 if SUITED[name][0].labels is None else 2]
    assume(data[-1].ndim > 0 and len(data[-1]) > 1)
    labels = data[0]
    assume("Hinge" not in name or np.isin(labels, (0, 1)).all() == np.isin(labels[1:], (0, 1)).all())
    weight = np.ones(len(data[0]))
    weight[0] = 0
    if "IoU" in name or name in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"):
        assume(data[-1].ndim < (2 if "IoU" in name else 3))
    weighed, absent = made(name, config), made(name, config)
    updated(weighed, (*data, weight))
    updated(absent, tuple(x[1:] for x in data))
    if name == "R2Score":
        # The number of samples, by which it may be adjusted, counts all.
        assume(config.get("num_regressors", 0) == 0)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(weighed.result().value, absent.result().value, rtol=1e-9, atol=1e-12)


def test_a_wrapped_function_is_averaged() -> None:
    metric = metrics.MeanMetricWrapper("mean_squared_error", name="mine")
    metric.update_state(np.array([[0.0], [0.0]]), np.array([[1.0], [3.0]]), np.array([1.0, 3.0]))
    assert float(metric.result().value) == 7.0
    assert metric.get_config() == {"name": "mine", "dtype": "float32", "fn": "mean_squared_error"}


def test_a_masked_sample_does_not_count() -> None:
    metric = metrics.MeanSquaredError()
    metric.update_state(np.zeros((2, 1)), np.array([[1.0], [3.0]]), mask=np.array([True, False]))
    assert float(metric.result().value) == 1.0


PAIR = np.array([0.0, 1.0]), np.array([0.25, 0.75])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.get("acuracy"), "did you mean Accuracy or accuracy"),
        (lambda: metrics.get(3), "got 3"),
        (lambda: metrics.AUC(num_thresholds=1), "`num_thresholds`: expected an integer of 2 or more, got 1"),
        (lambda: metrics.AUC(curve="ROCK"), "`curve`: expected one of 'ROC', 'PR', 'PRGAIN', got 'ROCK'"),
        (lambda: metrics.AUC(num_labels=2), "`num_labels`: only with `multi_label`, got 2"),
        (lambda: metrics.AUC(multi_label=True)(*PAIR), r"\(batch, labels\), got shape \(2,\)"),
        (lambda: metrics.Precision(thresholds=[0.5, 2.0]), "`thresholds`: expected a number from 0 to 1"),
        (lambda: metrics.Recall(class_id=0)(*PAIR), r"`class_id`: 0 is no class .* \(2,\)"),
        (
            lambda: metrics.SensitivityAtSpecificity(1.5),
            "`specificity`: expected a number from 0 to 1, got 1.5",
        ),
        (lambda: metrics.FBetaScore(beta=1), "`beta`: expected a float above 0, got 1"),
        (lambda: metrics.F1Score(average="mean"), "`average`: expected one of None, 'micro'"),
        (lambda: metrics.F1Score()(*PAIR), r"\(batch, classes\), got shape \(2,\)"),
        (lambda: metrics.R2Score(num_regressors=-1), "`num_regressors`: expected an integer of 0 or more"),
        (lambda: metrics.R2Score()(*PAIR), r"one shape \(batch, outputs\), got \(2,\)"),
        (lambda: metrics.IoU(2, [2]), r"`target_class_ids`: expected classes below 2, got \[2\]"),
        (lambda: metrics.MeanIoU(2)(np.array([0, 1]), np.array([0])), "got 2 and 1"),
        (lambda: metrics.Mean()(np.ones(2), np.ones(3)), r"got \(2,\) and \(3,\)"),
        (lambda: metrics.TruePositives()(np.ones(2), np.ones(3)), r"one shape, got \(2,\) and \(3,\)"),
        (lambda: metrics.SparseCategoricalAccuracy()(np.array([0]), np.ones((2, 3))), r"\(2,\); got \(1,\)"),
    ],
)
def test_what_is_wrong_is_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", [name for name in NAMED if "IoU" not in name])
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_float32_stays_float32(name: str, seed: int) -> None:
    config, updates = batches(name, seed)
    metric = made(name, config)
    with np.errstate(all="ignore"):
        for batch in updates:
            metric.update_state(*batch)
        result = metric.result()
    assert {x.dtype.name for x in (result, *metric.variables.values())} == {"float32"}


@pytest.mark.keras
def test_ignored_samples_do_not_count(live_keras: LiveKeras) -> None:
    """In Keras they do, as losses of 0, unless there are weights."""
    labels, scores = np.array([0, 1, 2]), np.full((3, 3), 0.25, np.float32) + np.eye(3, dtype=np.float32) / 4
    ignoring = {"ignore_class": 0}
    for weights, counted in (((), 3), ((np.ones(3, np.float32),), 2)):
        metric = made("SparseCategoricalCrossentropy", ignoring)
        metric.update_state(labels, scores.astype(np.float64), *weights)
        assert float(metric.variables["count"].value) == 2
        question = "SparseCategoricalCrossentropy", ignoring, [(labels, scores, *weights)]
        _, states = live_keras.ask("metric", *question)
        assert dict(states[1])["count"] == counted
