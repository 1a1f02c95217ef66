"""Faults of metrics: state that is forgotten or kept, weights, thresholds, classes and averages mistaken."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.primitives import divide, greater_equal, multiply
from conformance.reference_impl.tape import Tensor
from conformance.verdicts import Verdict

from .fault import Fault

METRICS = "conformance.reference_impl.metrics"


def not_reset(original: Any, metric: Any) -> None:
    """The next epoch goes on from the last one."""


def forgetful(original: Any, metric: Any, shape: Any) -> Any:
    """Every batch begins anew."""
    return {**original(metric, shape), **metric.initial_state(shape)}


def unweighed(original: Any, values: Tensor, sample_weight: Tensor | None, reduce: Any) -> Any:
    return original(values, None, reduce)


def averaged_by_batch(original: Any, metric: Any, state: Any, values: Tensor, sample_weight: Any) -> Any:
    """The mean of the means of batches: each counts as one, however large."""
    before = original(metric, {name: multiply(x, 0.0) for name, x in state.items()}, values, sample_weight)
    mean = divide(before["total"], before["count"])
    return {"total": Tensor(state["total"].value + mean.value), "count": Tensor(state["count"].value + 1)}


def weights_not_counted(original: Any, metric: Any, state: Any, values: Tensor, sample_weight: Any) -> Any:
    """Weighted values are divided by how many there are."""
    after = dict(original(metric, state, values, sample_weight))
    return after | {"count": Tensor(state["count"].value + len(values.value))}


def from_the_threshold_on(original: Any, x: Any, y: Any) -> Tensor:
    """A score that is the threshold is positive."""
    return greater_equal(x, y)


def last_of_ties(original: Any, x: Any, axis: int = -1) -> Any:
    return x.shape[axis] - 1 - original(xp.flip(x, axis), axis)


def transposed(original: Any, labels: Any, predictions: Any, classes: int, weights: Tensor) -> Tensor:
    return original(predictions, labels, classes, weights)


def other_class(original: Any, metric: Any, x: Tensor) -> Tensor:
    """Classes are numbered from 1."""
    last = tuple(slice(None) for _ in x.shape[:-1])
    chosen = metric.config["class_id"] - 1
    return Tensor(x.value[(*last, slice(chosen, chosen + 1))])


def one_more(original: Any, *labelled: Any, **options: Any) -> Any:
    """`k` best classes, and one more."""
    if "k" in options:
        options["k"] += 1
        return original(*labelled, **options)
    *others, k = labelled
    return original(*others, k + 1)


def by_all_labels(original: Any, *args: Any, by_label: bool = False, **options: Any) -> Any:
    """Each label has the counts of all."""
    counts = original(*args, by_label=by_label, **options)
    if not by_label:
        return counts
    return {n: Tensor(xp.broadcast_to(x.value.mean(1, keepdims=True), x.shape)) for n, x in counts.items()}


def named_otherwise(case: Case, observable: str, answer: Any) -> Any:
    """It does not tell its thresholds."""
    return {k: v for k, v in answer.items() if k != "thresholds"} if observable == "config" else answer


def metric_fault(name: str, subject: str, replaced: dict[str, Any]) -> Fault:
    return Fault(name, "metrics", f"metrics.{subject}", replaced, verdict=Verdict.DIVERGES)


FAULTS = (
    metric_fault("state-not-reset", "MeanSquaredError", {f"{METRICS}.metric:Metric.reset_state": not_reset}),
    metric_fault("state-forgotten", "AUC", {f"{METRICS}.metric:Metric.state_for": forgetful}),
    metric_fault("weights-ignored", "LogCoshError", {"metrics.samplewise": unweighed}),
    metric_fault(
        "average-of-batch-averages", "Mean*", {f"{METRICS}.reduction:Mean.taken_in": averaged_by_batch}
    ),
    metric_fault(
        "weights-not-counted", "MeanSquaredError", {f"{METRICS}.reduction:Mean.taken_in": weights_not_counted}
    ),
    metric_fault(
        "threshold-is-positive", "BinaryAccuracy", {f"{METRICS}.accuracies:greater": from_the_threshold_on}
    ),
    metric_fault(
        "threshold-of-counts-is-positive", "TruePositives",
        {f"{METRICS}.confusion:greater": from_the_threshold_on},
    ),
    metric_fault(
        "last-of-ties", "CategoricalAccuracy", {f"{METRICS}.accuracies:argmax": last_of_ties}
    ),
    metric_fault("confusion-matrix-transposed", "MeanIoU", {"metrics.confusion_matrix": transposed}),
    metric_fault("classes-from-one", "Precision", {f"{METRICS}.confusion:Counting.of_class": other_class}),
    metric_fault(
        "one-more-than-k", "TopKCategoricalAccuracy", {"metrics.top_k_categorical_accuracy": one_more}
    ),
    metric_fault("labels-counted-together", "AUC", {"metrics.counted": by_all_labels}),
    Fault("thresholds-not-told", "config", "metrics.Recall", said=named_otherwise),
)  # fmt: skip
