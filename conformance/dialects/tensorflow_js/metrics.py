"""Metrics of TensorFlow.js: functions of one batch, without arguments, weights or state."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.metrics import (
    CLASSES,
    EDGES,
    NUMBERS,
    ONE_HOT,
    SCORES,
    Suited,
    draft_metric,
    to_be_named,
)
from conformance.dialects.deviation import Raises, Scope, Value, subject
from conformance.dialects.scopes import all_of, without
from conformance.dialects.tensorflow_js.losses import has_short_lines, normalized
from conformance.dialects.tensorflow_js.record import (
    CPU,
    FIRST,
    LAYERS,
    WASM,
    deviation,
    issue,
    pull,
    searched,
)
from conformance.reference_impl.losses.reduction import everything
from conformance.reference_impl.losses.regression import EPSILON
from conformance.reference_impl.metrics.metric import MetricFunction
from conformance.reference_impl.primitives import divide, multiply, negative, reshape, subtract, where
from conformance.reference_impl.tape import Tensor

IDENTIFIERS = {
    "binaryAccuracy", "categoricalAccuracy", "precision", "categoricalCrossentropy",
    "sparseCategoricalCrossentropy", "mse", "MSE", "mae", "MAE", "mape", "MAPE", "cosine",
}  # fmt: skip
"""What `compile` knows metrics by (metricsMap)."""

THERE = subject(
    *(
        f"metrics.{name}"
        for name in (
            "BinaryAccuracy",
            "BinaryCrossentropy",
            "CategoricalAccuracy",
            "CategoricalCrossentropy",
            "CosineSimilarity",
            "MeanAbsoluteError",
            "MeanAbsolutePercentageError",
            "MeanSquaredError",
            "Precision",
            "R2Score",
            "Recall",
            "SparseCategoricalAccuracy",
            "SparseCategoricalCrossentropy",
        )
    )
)
"""The metrics that both have."""

SOURCE = f"{LAYERS}/metrics.js"
RESULT = ("result/0",)
"""What TensorFlow.js can be asked of a metric beside its name: of a batch, the first."""


def takes_arguments(case: Case, data: Data) -> bool:
    """The configuration says something."""
    return bool(case.config.keys() - {"identifier"})


def weighs(case: Case, data: Data) -> bool:
    """The first batch has weights of samples."""
    return "0/sample_weight" in data.weights


def named_otherwise(case: Case, data: Data) -> bool:
    """The name to be resolved is none that `compile` has, in camel or snake case."""
    name = case.config.get("identifier", "")
    camel = re.sub(r"(?<=[a-z0-9])_+([a-z0-9])", lambda found: found[1].upper(), name)
    return bool(name) and camel not in IDENTIFIERS


def undecided(case: Case, data: Data) -> bool:
    """A prediction of the first batch is neither 0 nor 1."""
    return not np.isin(data.weights["0/y_pred"], (0, 1)).all()


def of_integers(case: Case, data: Data) -> bool:
    """The first labels are integers."""
    return data.weights["0/y_true"].dtype.kind == "i"


def of_several(case: Case, data: Data) -> bool:
    """There are several outputs."""
    return bool(data.weights["0/y_pred"].shape[-1] > 1)


def there(*names: str) -> Scope:
    """A batch for these metrics, as TensorFlow.js can be asked."""
    asked = all_of(THERE, lambda case, data: "0/y_true" in data.weights)
    return all_of(
        subject(*(f"metrics.{name}" for name in names)), asked, without(takes_arguments), without(weighs)
    )


def counted_as_they_are(
    original: Any, y_true: Tensor, y_pred: Tensor, *others: Any, **options: Any
) -> dict[str, Tensor]:
    """Predictions of just 1 are positive, of just 0 negative, and all others neither."""

    def count(label: int, prediction: int) -> Tensor:
        both = (y_true.value == label) & (y_pred.value == prediction)
        return Tensor(np.reshape(both.sum(), (1,)).astype(y_pred.dtype))

    return {
        "true_positives": count(1, 1),
        "false_positives": count(0, 1),
        "true_negatives": count(0, 0),
        "false_negatives": count(1, 0),
    }


def of_all_together(original: Any, state: Any) -> tuple[Tensor, Tensor]:
    """One score of the outputs as if they were one."""
    summed = {name: everything(state[name]) for name in ("squared_sum", "sum", "residual", "count")}
    average = divide(summed["sum"], summed["count"])
    spread = subtract(summed["squared_sum"], multiply(summed["sum"], average))
    score = subtract(1.0, divide(summed["residual"], spread))
    return reshape(score, shape=(1,)), reshape(spread, shape=(1,))


def opposite(original: MetricFunction, *batch: Tensor, **options: Any) -> Tensor:
    """The loss: the less, the better."""
    return negative(original(*batch, **options))


def given_nan(case: Case, data: Data) -> bool:
    """A prediction of the first batch is NaN."""
    return bool(np.isnan(data.weights["0/y_pred"]).any())


def first_if_nan(original: Any, x: Any, axis: int = -1) -> Any:
    """The first, if it is NaN, than which nothing is greater; another NaN is passed over."""
    return np.where(np.isnan(np.take(x, 0, axis=axis)), 0, original(x, axis))


def nearly_nothing(case: Case, data: Data) -> bool:
    """A line of labels or predictions of the first batch is of nearly no length."""
    return any(has_short_lines(data.weights[f"0/{name}"]) for name in ("y_true", "y_pred"))


def least_for_nan(x: Tensor) -> Tensor:
    """ε where it is NaN, which is the lower limit of the clip."""
    return where(Tensor(np.isnan(x.value).astype(x.dtype)), EPSILON, x)


def of_clipped_probability(original: Any, y_true: Tensor, y_pred: Tensor) -> Tensor:
    return original(y_true, least_for_nan(y_pred))  # type: ignore[no-any-return]  # a tensor


def clipped_distribution(original: Any, y_pred: Tensor, axis: int) -> Tensor:
    return least_for_nan(original(y_pred, axis))


NAN_FIRST = {
    "y_true": Literal((1, 3), (1.0, 0.0, 0.0)),
    "y_pred": Literal((1, 3), ("nan", 1.0, 2.0)),
}

DEVIATIONS = (
    deviation(
        "tfjs-metrics-without-arguments",
        "Metrics are functions of labels and predictions: they have no arguments, as a threshold or `k`, "
        "and no state but the mean that training and evaluation make of all batches.",
        kind="intentional",
        source=f"{SOURCE} (metricsMap); {LAYERS}/engine/training.js, testFunction",
        upstream=searched("metrics threshold from logits arguments precision recall class"),
        remedy="Give `compile` a function of your own.",
        since=FIRST,
        scope=all_of(THERE, takes_arguments),
        effect=Raises("not-implemented", "construction", RESULT, "functions without arguments"),
        witnesses=(draft_metric("BinaryAccuracy", {"threshold": 0.25}, [EDGES.batch(2)]),),
    ),
    deviation(
        "tfjs-metrics-without-weights",
        "Metrics take no weights of samples; `fit` refuses `sampleWeight`.",
        kind="intentional",
        source=f"{LAYERS}/engine/training.js, fit: sample weight is not supported yet",
        upstream=issue(25),
        remedy="Weigh in a function of your own.",
        since=FIRST,
        scope=all_of(THERE, without(takes_arguments), weighs),
        effect=Raises("not-implemented", "call", RESULT, "take no weights of samples"),
        witnesses=(draft_metric("MeanSquaredError", {}, [NUMBERS.batch(2, 2)]),),
    ),
    deviation(
        "tfjs-metrics-by-one-name",
        "`compile` knows a dozen metrics by one name each, and squared, absolute and percentage errors and "
        "cosines by short ones alone: recall and R² have none, nor has what Keras 3 has renamed.",
        kind="intentional",
        source=f"{SOURCE} (metricsMap, get)",
        upstream=pull(551, "tfjs-layers"),
        remedy="Give `compile` the functions of `tf.metrics` in the place of names.",
        since=FIRST,
        scope=all_of(THERE, named_otherwise),
        effect=Raises("invalid-argument", "construction", ("identifier",), "Unknown metric"),
        witnesses=(
            to_be_named("MeanSquaredError", "mean_squared_error"),
            to_be_named("Recall", "recall"),
        ),
    ),
    deviation(
        "tfjs-cosine-metric-is-the-loss",
        "The metric `cosine`, `tf.metrics.cosineProximity`, is the loss: −1 of vectors that lie alike, where "
        "Keras's is 1.",
        kind="bug",
        source=f"{SOURCE} (cosine = cosineProximity); {LAYERS}/losses.js (cosineProximity: neg)",
        upstream=searched("cosineProximity metric sign negative cosine similarity Keras"),
        remedy="Change the sign.",
        since="keras 2.3.0 (2019)",
        scope=there("CosineSimilarity"),
        effect=Value({"metrics.cosine_similarity": opposite}, RESULT),
        witnesses=(draft_metric("CosineSimilarity", {}, [NUMBERS.batch(2)]),),
    ),
    deviation(
        "tfjs-cosine-metric-of-short-vectors",
        "cosineProximity divides by no less than √ε: vectors shorter than 3·10⁻⁴ count less.",
        kind="bug",
        source=f"{LAYERS}/losses.js (l2Normalize): sqrt(maximum(squareSum, epsilon()))",
        upstream=searched("cosineProximity l2Normalize epsilon zero vector"),
        remedy="Scale short vectors up before.",
        since=FIRST,
        scope=all_of(there("CosineSimilarity"), nearly_nothing),
        effect=Value({"losses.normalized": normalized}, RESULT),
        witnesses=(draft_metric("CosineSimilarity", {}, [Suited("normal", "small_positive").batch(2)]),),
    ),
    deviation(
        "tfjs-accuracy-takes-first-nan-for-largest",
        "Where the first prediction is NaN its class is taken for the most likely one; Keras on TensorFlow "
        "passes NaN over everywhere.",
        kind="intentional",
        source=f"{CPU}/kernels/ArgMax.js; {WASM}/kernels/ArgMax.js (src/cc/kernels/ArgMax.cc): max begins "
        "with the first, and nothing is greater than NaN",
        upstream=searched("argMax NaN first element"),
        remedy="Check the predictions for NaN yourself.",
        since=FIRST,
        scope=all_of(there("CategoricalAccuracy", "SparseCategoricalAccuracy"), given_nan),
        effect=Value({"metrics.argmax": first_if_nan}, RESULT),
        witnesses=(draft_metric("CategoricalAccuracy", {}, [NAN_FIRST]),),
    ),
    deviation(
        "tfjs-precision-without-threshold",
        "precision and recall count a prediction of just 1 as positive and one of just 0 as negative; what "
        "is between, as what a sigmoid gives, is neither: the result is mostly 0.",
        kind="intentional",
        source=f"{SOURCE} (truePositives, falsePositives, falseNegatives)",
        upstream=pull(320, "tfjs-layers"),
        remedy="Round the predictions before.",
        since="tfjs-layers 0.8.0 (2018)",
        scope=all_of(there("Precision", "Recall"), undecided),
        effect=Value({"metrics.counted": counted_as_they_are}, RESULT),
        witnesses=(
            draft_metric("Precision", {}, [EDGES.batch(4)]),
            draft_metric("Recall", {}, [EDGES.batch(4)]),
        ),
    ),
    deviation(
        "tfjs-r2-score-of-all-outputs-together",
        "r2Score takes all outputs for one: their variance is that around the mean of all, where Keras "
        "averages the scores of the outputs.",
        kind="bug",
        source=f"{SOURCE} (r2Score: yTrue.mean(), sum())",
        upstream=pull(8353),
        remedy="Score each output by itself, and average.",
        since="tfjs-layers 4.21.0 (2024)",
        scope=all_of(there("R2Score"), of_several),
        effect=Value({"metrics.r2_scores": of_all_together}, RESULT),
        witnesses=(draft_metric("R2Score", {}, [NUMBERS.batch(4)]),),
    ),
    deviation(
        "tfjs-sparse-crossentropy-metric-of-integers",
        "sparseCategoricalCrossentropy refuses labels that are integers as a metric too: it is the loss.",
        kind="bug",
        source=f"{LAYERS}/losses.js (sparseCategoricalCrossentropy): floor(K.flatten(target))",
        upstream=searched("sparseCategoricalCrossentropy int32 labels floor must be float32 error"),
        remedy="Give labels as float32.",
        since=FIRST,
        scope=all_of(there("SparseCategoricalCrossentropy"), of_integers),
        effect=Raises("invalid-argument", "call", RESULT, "Argument 'x' passed to 'floor' must be float32"),
        witnesses=(draft_metric("SparseCategoricalCrossentropy", {}, [CLASSES.batch(2)]),),
    ),
)

ONLY_WASM = (
    deviation(
        "tfjs-wasm-crossentropy-metrics-of-nan",
        "Crossentropies of NaN are those of ε: the clip has made it the least that is allowed, so that a "
        "model that gives NaN seems to be no more than wrong.",
        kind="bug",
        source=f"{WASM}/kernels/ClipByValue.js (src/cc/kernels/ClipByValue.cc:65: XNNPACK's clamp gives its "
        "lower limit for NaN)",
        upstream=searched("wasm clipByValue NaN returns min value"),
        remedy="Check the predictions for NaN yourself.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=all_of(there("BinaryCrossentropy", "CategoricalCrossentropy"), given_nan),
        effect=Value(
            {
                "losses.of_probability": of_clipped_probability,
                "losses.distribution": clipped_distribution,
            },
            RESULT,
        ),
        witnesses=(
            draft_metric("BinaryCrossentropy", {}, [SCORES.batch(3, predictions="one_nan")]),
            draft_metric("CategoricalCrossentropy", {}, [ONE_HOT.batch(3, predictions="one_nan")]),
        ),
    ),
)
