"""Metrics of Keras 3.15 that differ: what a configuration forgets, what counts though it is to be ignored."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.metrics import CLASSES, ONE_HOT, PLANES, REQUIRED, SAID, STEPS, draft_metric
from conformance.cases.subjects.metric import updates
from conformance.dialects.deviation import CONFIGURATIONS, Metadata, Raises, Value, subject
from conformance.dialects.keras_record import KERAS, in_keras, searched
from conformance.dialects.scopes import all_of, sets
from conformance.reference_impl.metrics.metric import MetricFunction
from conformance.reference_impl.tape import Tensor

SOURCE = "keras@3.15.1 src/metrics"
CLASSIFIED = tuple(f"metrics.{name}" for name in ("IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"))
"""The metrics that have a confusion matrix, and may have an axis of classes."""

FORGOTTEN = f"{KERAS}/pull/23717"
"""The change that makes CosineSimilarity tell its axis."""

COSINE = draft_metric("CosineSimilarity", {"axis": 1}, [STEPS.batch(2), STEPS.batch(1)], SAID)


def without_axis(case: Case, config: Any) -> Any:
    return {name: value for name, value in config.items() if name != "axis"}


def along_the_last(original: MetricFunction, y_true: Tensor, y_pred: Tensor, axis: int | None) -> Tensor:
    return original(y_true, y_pred)


def counts_what_is_ignored(
    original: Any, weight: Tensor | None, mask: Tensor | None, own: Tensor | None
) -> Any:
    """The function's own mask is left out where there are no weights that it could be put into."""
    return original(weight, mask, own if weight is not None else None)


def ignores_unweighed(case: Case, data: Data) -> bool:
    """A label is to be ignored in an update without weights."""
    ignored = case.config.get("ignore_class")
    batches = updates(data.weights) if ignored is not None else []
    return any("sample_weight" not in batch and bool((batch["y_true"] == ignored).any()) for batch in batches)


def along_another(case: Case, data: Data) -> bool:
    """The classes lie along an axis that a vector does not have."""
    return case.config.get("axis", -1) not in (-1, 0)


def of_nothing(case: Case, data: Data) -> bool:
    """There is an update with an empty batch, and the largest score is asked of it."""
    return case.config.get("threshold") is None and any(
        batch["y_pred"].shape[0] == 0 for batch in updates(data.weights)
    )


DEVIATIONS = (
    in_keras(
        id="keras-cosine-metric-config-forgets-axis",
        summary="The metric CosineSimilarity does not tell `axis` in its configuration: a model that is "
        "compiled with one is loaded with the default.",
        kind="bug",
        source=f"{SOURCE}/regression_metrics.py, get_config of CosineSimilarity",
        upstream=FORGOTTEN,
        scope=subject("metrics.CosineSimilarity"),
        effect=Metadata(CONFIGURATIONS, without_axis),
        witnesses=(COSINE,),
    ),
    in_keras(
        id="keras-cosine-metric-reconstructed-along-the-last-axis",
        summary="The metric CosineSimilarity that is made from its own configuration lies along the last "
        "axis, whichever it was.",
        kind="bug",
        source=f"{SOURCE}/regression_metrics.py, get_config of CosineSimilarity",
        upstream=FORGOTTEN,
        scope=all_of(subject("metrics.CosineSimilarity"), sets("axis")),
        effect=Value({"metrics.cosine_similarity": along_the_last}, ("reconstructed/result",)),
        witnesses=(COSINE,),
    ),
    in_keras(
        id="keras-crossentropy-metric-counts-ignored-class",
        summary="The metric SparseCategoricalCrossentropy counts samples of the class to ignore, each with a "
        "crossentropy of 0, unless there are sample weights: the result is too small. With them, and in the "
        "loss, they do not count.",
        kind="bug",
        source=f"{SOURCE}/reduction_metrics.py, reduce_to_samplewise_values: the mask of the values is put "
        "into `sample_weight` alone",
        upstream=searched(
            "keras SparseCategoricalCrossentropy metric ignore_class counts ignored samples sample_weight"
        ),
        scope=all_of(subject("metrics.SparseCategoricalCrossentropy"), ignores_unweighed),
        effect=Value(
            {"metrics.weighing": counts_what_is_ignored}, ("result/*", "state/*", "reconstructed/result")
        ),
        witnesses=(
            draft_metric("SparseCategoricalCrossentropy", {"ignore_class": 2}, [CLASSES.batch(9)], SAID),
        ),
    ),
    in_keras(
        id="keras-metric-of-largest-of-nothing",
        summary="CategoricalHinge, and FBetaScore and F1Score without a threshold, refuse an empty batch, "
        "which leaves other metrics as they are.",
        kind="bug",
        source="keras@3.15.1 src/backend/tensorflow/numpy.py, max",
        upstream=searched("keras CategoricalHinge empty batch tf.reduce_max axis error numpy max zero size"),
        scope=all_of(
            subject("metrics.CategoricalHinge", "metrics.FBetaScore", "metrics.F1Score"), of_nothing
        ),
        effect=Raises(
            "invalid-argument",
            "call",
            ("result/*", "state/*", "reconstructed/result", "dtype"),
            "Cannot compute the max of an empty tensor",
        ),
        witnesses=(
            draft_metric("CategoricalHinge", {}, [ONE_HOT.batch(0)]),
            draft_metric("FBetaScore", {}, [ONE_HOT.batch(0)]),
        ),
    ),
    in_keras(
        id="keras-iou-sums-along-axis-of-classes",
        summary="IoU, MeanIoU, OneHotIoU and OneHotMeanIoU have no result where `axis`, that of the classes "
        "in labels and predictions, is not the last: the scores of the classes, a vector, are summed up "
        "along it too.",
        kind="bug",
        source=f"{SOURCE}/iou_metrics.py, result of IoU: ops.sum(iou, axis=self.axis)",
        upstream=f"{KERAS}/issues/23667",
        scope=all_of(subject(*CLASSIFIED), along_another),
        effect=Raises(
            "invalid-argument",
            "call",
            ("result/*", "reconstructed/result", "dtype"),
            "Invalid reduction dimension",
        ),
        witnesses=(
            draft_metric(
                "IoU",
                REQUIRED["IoU"] | {"sparse_y_true": False, "sparse_y_pred": False, "axis": 1},
                [PLANES.batch(2)],
            ),
        ),
    ),
)
