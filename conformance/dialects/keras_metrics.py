"""Metrics of Keras 3.15 that differ: what a configuration forgets, what counts though it is to be ignored."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.metrics import (
    CLASSES,
    ONE_HOT,
    PLANES,
    REQUIRED,
    SAID,
    STEPS,
    SUITED,
    draft_metric,
    to_be_refused,
)
from conformance.cases.subjects.metric import updates
from conformance.dialects.deviation import (
    CONFIGURATIONS,
    REFUSAL,
    Accepts,
    Metadata,
    Raises,
    Scope,
    Value,
    subject,
)
from conformance.dialects.keras_record import KERAS, in_keras, searched
from conformance.dialects.refused import wrong_in
from conformance.dialects.scopes import all_of, sets, without
from conformance.reference_impl.metrics.metric import MetricFunction
from conformance.reference_impl.tape import Tensor

SOURCE = "keras 3.15.1, keras/src/metrics"
METRICS = tuple(f"metrics.{name}" for name in SUITED)
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


def in_words(*arguments: str) -> Scope:
    """One of the arguments is a text."""
    return lambda case, data: any(isinstance(case.config.get(name), str) for name in arguments)


def single(argument: str) -> Scope:
    """The argument is one number."""
    return lambda case, data: isinstance(case.config.get(argument), int | float)


def spoilt(name: str, **arguments: Any) -> Case:
    """A metric with bad arguments, to be refused."""
    return to_be_refused(name, REQUIRED.get(name, {}) | arguments, SUITED[name].batch(4))


COMPARED = {
    "num_regressors": 0,
    "num_thresholds": 9,
    "precision": 0.5,
    "recall": 0.5,
    "sensitivity": 0.5,
    "specificity": 0.5,
    "thresholds": None,
}
"""Arguments that constructors compare with limits, and values within those."""

TAKEN = {"label_weights": None, "num_labels": None, "target_class_ids": [0], "top_k": None}
"""Arguments that nothing looks at, and values that are sound."""

TYPES_SEARCHED = searched(
    "keras metrics argument wrong type TypeError '<' not supported between instances of 'str' and 'int'"
)


DEVIATIONS = (
    in_keras(
        id="keras-cosine-metric-config-forgets-axis",
        summary="The metric CosineSimilarity does not tell `axis` in its configuration: a model that is "
        "compiled with one is loaded with the default.",
        kind="bug",
        source=f"{SOURCE}/regression_metrics.py, get_config of CosineSimilarity",
        upstream=FORGOTTEN,
        remedy="Compile again after loading, with the axis.",
        since="keras 3.0.0 (2023)",
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
        remedy="Make the metric anew with the axis.",
        since="keras 3.0.0 (2023)",
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
        remedy="Give sample weights, if only ones.",
        since="keras 3.14.0 (2026)",
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
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py, max",
        upstream=searched("keras CategoricalHinge empty batch tf.reduce_max axis error numpy max zero size"),
        remedy="Do not update with an empty batch.",
        since="keras 3.0.0 (2023)",
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
        remedy="Put the classes last.",
        since="keras 3.0.0 (2023)",
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
    in_keras(
        id="keras-metric-compares-text-with-numbers",
        summary="A text for a number, a threshold or how many there are, is compared with its limits before "
        "anything looks at its type: the error is Python's own, and names no argument.",
        kind="bug",
        source=f"{SOURCE}/confusion_metrics.py, metrics_utils.py:parse_init_thresholds, "
        "regression_metrics.py:R2Score",
        upstream=TYPES_SEARCHED,
        remedy="Give a number.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*METRICS), in_words(*COMPARED), wrong_in(**COMPARED)),
        effect=Raises("internal", "construction", REFUSAL, "not supported between instances of"),
        witnesses=(
            spoilt("Precision", thresholds="x"),
            spoilt("R2Score", num_regressors="3"),
            spoilt("SensitivityAtSpecificity", specificity="x"),
        ),
    ),
    in_keras(
        id="keras-metric-subtracts-text-from-numbers",
        summary="A text for `label_smoothing` fails in the first update, by an error of Python's own.",
        kind="bug",
        source="keras 3.15.1, keras/src/losses/losses.py, binary_crossentropy, categorical_crossentropy",
        upstream=TYPES_SEARCHED,
        remedy="Give a number.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*METRICS), in_words("label_smoothing"), wrong_in("label_smoothing")),
        effect=Raises("internal", "call", REFUSAL, "unsupported operand type(s) for -"),
        witnesses=(spoilt("BinaryCrossentropy", label_smoothing="x"),),
    ),
    in_keras(
        id="keras-metric-single-class-is-no-list",
        summary="A class alone for `target_class_ids` fails by an error of Python's own: it is no list.",
        kind="bug",
        source=f"{SOURCE}/iou_metrics.py, IoU: max(target_class_ids)",
        upstream=TYPES_SEARCHED,
        remedy="Give a list of one.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*METRICS), single("target_class_ids"), wrong_in(target_class_ids=[0])),
        effect=Raises("internal", "construction", REFUSAL, "'int' object is not iterable"),
        witnesses=(spoilt("BinaryIoU", target_class_ids=0),),
    ),
    in_keras(
        id="keras-auc-single-threshold-is-no-list",
        summary="A threshold alone fails in AUC by an error of Python's own, where other metrics take one: "
        "it is no list.",
        kind="bug",
        source=f"{SOURCE}/confusion_metrics.py, AUC: len(thresholds)",
        upstream=TYPES_SEARCHED,
        remedy="Give a list of one.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("metrics.AUC"), single("thresholds"), wrong_in("thresholds")),
        effect=Raises("internal", "construction", REFUSAL, "object of type 'float' has no len()"),
        witnesses=(spoilt("AUC", thresholds=0.5),),
    ),
    in_keras(
        id="keras-metric-wraps-what-is-no-function",
        summary="MeanMetricWrapper takes anything for a function, and fails in the first update.",
        kind="bug",
        source=f"{SOURCE}/reduction_metrics.py, MeanMetricWrapper",
        upstream=TYPES_SEARCHED,
        remedy="Give a function.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("metrics.MeanMetricWrapper"), single("fn")),
        effect=Raises("internal", "call", REFUSAL, "object is not callable"),
        witnesses=(spoilt("MeanMetricWrapper", fn=3),),
    ),
    in_keras(
        id="keras-metric-takes-what-counts-nothing",
        summary="Precision and Recall take `top_k=0`, so that nothing is positive; AUC takes `num_labels=0` "
        "as none given, and one number for all `label_weights`; IoU a class −1, which is the last.",
        kind="bug",
        source=f"{SOURCE}/confusion_metrics.py, Precision, Recall, AUC; iou_metrics.py, IoU",
        upstream=searched("keras metrics Precision top_k=0 validation num_labels target_class_ids negative"),
        remedy="Check the numbers yourself.",
        since="keras 2.3.0 (2019)",
        scope=all_of(subject(*METRICS), wrong_in(**TAKEN), without(single("target_class_ids"))),
        effect=Accepts(),
        witnesses=(
            spoilt("AUC", label_weights=0.5),
            spoilt("AUC", num_labels=0),
            spoilt("BinaryIoU", target_class_ids=[-1]),
            spoilt("Precision", top_k=0),
        ),
    ),
)
