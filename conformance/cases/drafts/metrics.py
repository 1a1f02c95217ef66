"""Drafts about every metric: batches of different sizes one after the other, weights, and each argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.cases.case import Case, Source
from conformance.cases.drafts.draft import keyed, recipe
from conformance.cases.subjects.metric import RESET
from conformance.reference_impl import fields
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.metrics import metric_class
from conformance.reference_impl.metrics.metric import ALIASES

Config = dict[str, Any]

SAID = ("config", "reconstructed/config", "reconstructed/result")


@dataclass(frozen=True)
class Suited:
    """What suits a metric.

    Attributes:
        labels: the regime of labels; None for a metric of values, which has no labels.
        predictions: that of predictions, or values.
        shape: of the predictions of one sample.
        of_labels: the shape of the labels of one sample, where it is another.
        dtype: of the labels.
        weighted: whether there can be a weight for each sample.
    """

    labels: str | None
    predictions: str
    shape: tuple[int, ...] = (5,)
    of_labels: tuple[int, ...] | None = None
    dtype: str = "float32"
    weighted: bool = True

    def batch(self, size: int, *weights: int, predictions: str | None = None) -> dict[str, Source]:
        """The arguments of an update with so many samples.

        Args:
            weights: the shape of sample weights, if there are any.
            predictions: their regime, where it is another one.
        """
        of_predictions = recipe(predictions or self.predictions, size, *self.shape)
        given: dict[str, Source] = {"values": of_predictions}
        if self.labels is not None:
            shape = self.shape if self.of_labels is None else self.of_labels
            of_labels = recipe(self.labels, size, *shape, dtype=self.dtype)
            given = {"y_true": of_labels, "y_pred": of_predictions}
        return given | ({"sample_weight": recipe("weights", *weights)} if weights else {})


def function(name: str) -> Config:
    """A function, as Keras serialises it."""
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


REQUIRED: Mapping[str, Config] = {
    "IoU": {"num_classes": 4, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 4},
    "MeanMetricWrapper": {"fn": function("huber")},
    "OneHotIoU": {"num_classes": 4, "target_class_ids": [0, 2]},
    "OneHotMeanIoU": {"num_classes": 4},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.75},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
"""By class, arguments without which there is none."""

VALUES = Suited(None, "normal")
NUMBERS = Suited("normal", "normal")
STEPS = Suited("normal", "normal", (3, 5))
POSITIVE = Suited("positive", "positive")
SIGNS = Suited("signs", "normal")
SCORES = Suited("zeros_and_ones", "probabilities")
EDGES = Suited("zeros_and_ones", "unit_edges")
LOGITS = Suited("zeros_and_ones", "normal")
ONE_HOT = Suited("one_hot", "probabilities")
TIES = Suited("one_hot", "ties", (7,))
CLASSES = Suited("indices:5", "probabilities", of_labels=(), dtype="int32")
REGIONS = Suited("indices:5", "indices:5", (), dtype="int32")
SEGMENTS = Suited("one_hot", "probabilities", (4,))
HALVES = Suited("one_hot", "probabilities", (3,))
DECIDED = Suited("one_hot", "indices:5", (), (4,))
PLANES = Suited("zeros_and_ones", "ties", (4, 3), weighted=False)

SUITED: Mapping[str, Suited] = {
    "AUC": SCORES,
    "Accuracy": Suited("indices:3", "indices:3"),
    "BinaryAccuracy": EDGES,
    "BinaryCrossentropy": SCORES,
    "BinaryIoU": Suited("zeros_and_ones", "unit_edges", ()),
    "CategoricalAccuracy": TIES,
    "CategoricalCrossentropy": ONE_HOT,
    "CategoricalHinge": Suited("one_hot", "normal"),
    "ConcordanceCorrelation": NUMBERS,
    "CosineSimilarity": NUMBERS,
    "F1Score": SCORES,
    "FBetaScore": ONE_HOT,
    "FalseNegatives": EDGES,
    "FalsePositives": EDGES,
    "Hinge": SIGNS,
    "IoU": REGIONS,
    "KLDivergence": Suited("probabilities", "probabilities"),
    "LogCoshError": NUMBERS,
    "Mean": VALUES,
    "MeanAbsoluteError": NUMBERS,
    "MeanAbsolutePercentageError": Suited("positive", "normal"),
    "MeanIoU": REGIONS,
    "MeanMetricWrapper": NUMBERS,
    "MeanSquaredError": NUMBERS,
    "MeanSquaredLogarithmicError": POSITIVE,
    "OneHotIoU": SEGMENTS,
    "OneHotMeanIoU": SEGMENTS,
    "PearsonCorrelation": NUMBERS,
    "Poisson": Suited("indices:4", "positive"),
    "Precision": EDGES,
    "PrecisionAtRecall": SCORES,
    "R2Score": Suited("normal", "normal", (3,)),
    "Recall": EDGES,
    "RecallAtPrecision": SCORES,
    "RootMeanSquaredError": NUMBERS,
    "SensitivityAtSpecificity": SCORES,
    "SparseCategoricalAccuracy": Suited("indices:7", "ties", (7,), (), "int32"),
    "SparseCategoricalCrossentropy": CLASSES,
    "SparseTopKCategoricalAccuracy": Suited("indices:7", "ties", (7,), (), "int32"),
    "SpecificityAtSensitivity": SCORES,
    "SquaredHinge": SIGNS,
    "Sum": VALUES,
    "TopKCategoricalAccuracy": TIES,
    "TrueNegatives": EDGES,
    "TruePositives": EDGES,
}
"""By class, what suits it."""

LISTED = {"thresholds": [0.25, 0.5, 0.75]}
ALONG_FIRST = {"sparse_y_true": False, "sparse_y_pred": False, "axis": 1}
AT_EDGES = {"num_thresholds": 5, "class_id": 1}
SMOOTHED_LOGITS = {"from_logits": True, "label_smoothing": 0.125}

ARGUMENTS: Mapping[str, tuple[tuple[Config, Suited], ...]] = {
    "AUC": (
        ({"curve": "PR", "num_thresholds": 5}, replace(EDGES, weighted=False)),
        ({"summation_method": "minoring", "thresholds": [0.25, 0.625]}, EDGES),
        ({"multi_label": True, "num_labels": 5, "num_thresholds": 9}, EDGES),
        ({"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 0.0, 1.0], "from_logits": True}, LOGITS),
    ),
    "BinaryAccuracy": (({"threshold": 0.25}, EDGES),),
    "BinaryCrossentropy": ((SMOOTHED_LOGITS, LOGITS),),
    "BinaryIoU": (
        ({"threshold": 0.25, "target_class_ids": [1]}, Suited("zeros_and_ones", "unit_edges", ())),
    ),
    "CategoricalCrossentropy": (
        (SMOOTHED_LOGITS, Suited("one_hot", "normal")),
        ({"axis": 1}, Suited("one_hot", "probabilities", (3, 5))),
    ),
    "ConcordanceCorrelation": (({"axis": 1}, STEPS),),
    "CosineSimilarity": (({"axis": 1}, STEPS),),
    "F1Score": (({"average": "macro", "threshold": 0.5}, EDGES),),
    "FBetaScore": (
        ({"average": "weighted", "beta": 2.0}, Suited("one_hot", "ties")),
        ({"average": "micro", "beta": 0.5, "threshold": 0.25}, EDGES),
    ),
    "FalseNegatives": ((LISTED, EDGES),),
    "FalsePositives": ((LISTED, EDGES),),
    "IoU": (
        ({"ignore_class": 1, "num_classes": 5, "target_class_ids": [3]}, REGIONS),
        ({"dtype": "float32"}, REGIONS),
        (ALONG_FIRST, PLANES),
    ),
    "MeanIoU": (({"ignore_class": 0, "num_classes": 5}, REGIONS), (ALONG_FIRST, PLANES)),
    "MeanMetricWrapper": (({"delta": 0.5}, NUMBERS), ({"fn": function("mean_absolute_error")}, NUMBERS)),
    "OneHotIoU": (
        ({"ignore_class": 1, "num_classes": 3, "target_class_ids": [2]}, HALVES),
        ({"sparse_y_pred": True, "axis": 1}, DECIDED),
    ),
    "OneHotMeanIoU": (
        ({"ignore_class": 1, "num_classes": 3}, HALVES),
        ({"sparse_y_pred": True, "axis": 1}, DECIDED),
    ),
    "PearsonCorrelation": (({"axis": 1}, STEPS),),
    "Precision": (
        (LISTED, EDGES),
        ({"top_k": 2}, Suited("zeros_and_ones", "ties")),
        ({"class_id": 1, "thresholds": 0.25}, EDGES),
    ),
    "PrecisionAtRecall": (({"recall": 0.25, **AT_EDGES}, EDGES),),
    "R2Score": (
        ({"class_aggregation": None}, Suited("normal", "normal", (3,))),
        ({"class_aggregation": "variance_weighted_average", "num_regressors": 2}, NUMBERS),
    ),
    "Recall": (
        (LISTED, EDGES),
        ({"top_k": 2, "class_id": 1}, Suited("zeros_and_ones", "ties")),
    ),
    "RecallAtPrecision": (({"precision": 0.5, **AT_EDGES}, EDGES),),
    "SensitivityAtSpecificity": (({"specificity": 0.25, **AT_EDGES}, EDGES),),
    "SparseCategoricalCrossentropy": (
        ({"ignore_class": 2}, CLASSES),
        ({"from_logits": True, "axis": 1}, Suited("indices:5", "normal", (5,), (), "int32")),
        ({}, replace(CLASSES, dtype="float32")),
    ),
    "SparseTopKCategoricalAccuracy": (
        ({"k": 2}, Suited("indices:7", "ties", (7,), (), "int32")),
        ({"k": 2, "from_sorted_ids": True}, Suited("indices:5", "indices:5", (7,), (), "int32")),
    ),
    "SpecificityAtSensitivity": (({"sensitivity": 0.25, **AT_EDGES}, EDGES),),
    "TopKCategoricalAccuracy": (({"k": 2}, TIES),),
    "TrueNegatives": ((LISTED, EDGES),),
    "TruePositives": ((LISTED, EDGES),),
}
"""By class, arguments beside the defaults, and what suits them."""

FURTHER: tuple[tuple[str, Config, Suited], ...] = (
    ("AUC", {"curve": "PRGAIN"}, SCORES),
    ("AUC", {"curve": "PRGAIN", "summation_method": "majoring", "num_thresholds": 9}, EDGES),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, SCORES),
    ("AUC", {"curve": "PR", "summation_method": "minoring", "multi_label": True}, EDGES),
    ("AUC", {"label_weights": [1.0, 2.0, 0.5, 0.0, 1.0]}, SCORES),
    ("F1Score", {"average": "micro"}, Suited("one_hot", "ties")),
    ("F1Score", {"average": "weighted", "threshold": 0.5}, SCORES),
    ("FBetaScore", {"average": "macro", "beta": 2.0, "threshold": 0.75}, EDGES),
    ("Precision", {"top_k": 3, "class_id": 2, "thresholds": 0.5}, EDGES),
    ("R2Score", {"class_aggregation": None, "num_regressors": 1}, NUMBERS),
    ("Recall", {"top_k": 1}, EDGES),
    ("SparseTopKCategoricalAccuracy", {"k": 9}, CLASSES),
    ("TopKCategoricalAccuracy", {"k": 1}, TIES),
)
"""Arguments of metrics that are asked in the standard corpus alone."""

WEIGHTED: tuple[tuple[str, Suited, tuple[int, ...]], ...] = (
    ("BinaryAccuracy", Suited("zeros_and_ones", "unit_edges", (3, 5)), (4, 3)),
    ("Mean", Suited(None, "normal", (3, 5)), (4, 1)),
    ("MeanSquaredError", STEPS, (4, 1)),
    ("RootMeanSquaredError", NUMBERS, (4, 5)),
    ("Sum", Suited(None, "normal", (3, 5)), (4, 3, 5)),
)
"""Metrics of batches of 4, with weights of shapes that broadcast."""

EMPTY = ("AUC", "BinaryAccuracy", "CategoricalHinge", "IoU", "MeanSquaredError")
"""Metrics that are asked of an empty batch in the quick corpus: after another one, since TensorFlow.js on
WebAssembly makes of an empty first one what its memory held, which may well be the answer before."""

REFUSING = ("MeanSquaredError", "Precision")
"""Those that are asked there what they refuse."""

NOT_A_NUMBER = ("AUC", "CategoricalAccuracy", "MeanSquaredError", "Precision")
"""Those that are asked of NaN there."""


def draft_metric(
    name: str, config: Config, batches: Sequence[Mapping[str, Source]], more: Sequence[str] = ()
) -> Case:
    """A case about a metric: its result and variables after each update, and after a reset."""
    subject = f"metrics.{name}"
    weights = {
        f"{i}/{argument}": source for i, batch in enumerate(batches) for argument, source in batch.items()
    }
    shape = batches[0]["y_pred" if "y_pred" in batches[0] else "values"].shape
    variables = [v.name for v in metric_class(name).from_config(config).declare_variables(shape)]
    seen = [*map(str, range(len(batches))), RESET]
    return Case(
        subject,
        dict(config),
        weights={key: keyed(source, subject, config, key) for key, source in weights.items()},
        observables=(
            *(f"result/{when}" for when in seen),
            *(f"state/{when}/{variable}" for when in seen for variable in variables),
            *more,
        ),
    )


def drafts() -> Iterator[Case]:
    for name, suited in SUITED.items():
        required = REQUIRED.get(name, {})
        yield draft_metric(
            name, required, [suited.batch(size) for size in (4, 4, 2)], ("dtype", "signature", *SAID)
        )
        # A metric without arguments is asked with weights alone.
        for arguments, fitting in ARGUMENTS.get(name, (({}, suited),)):
            config = required | arguments
            weights = (3,) if fitting.weighted else ()
            yield draft_metric(name, config, [fitting.batch(5), fitting.batch(3, *weights)], SAID)
        if not required:
            yield to_be_named(name, snake_case(name))
    for name, suited, shape in WEIGHTED:
        yield draft_metric(name, REQUIRED.get(name, {}), [suited.batch(4, *shape), suited.batch(2)])
    for name in EMPTY:
        yield draft_metric(name, REQUIRED.get(name, {}), [SUITED[name].batch(3), SUITED[name].batch(0)])
    for name in NOT_A_NUMBER:
        yield draft_metric(name, {}, [SUITED[name].batch(3, predictions="one_nan"), SUITED[name].batch(2)])
    for name in REFUSING:
        yield from refused(name)


def more() -> Iterator[Case]:
    """Cases of the standard corpus alone: more of what is asked above of some."""
    for name, suited in SUITED.items():
        required = REQUIRED.get(name, {})
        yield draft_metric(name, required, [suited.batch(3, 3), suited.batch(1, 1)])
        if name not in EMPTY:
            yield draft_metric(name, required, [suited.batch(3), suited.batch(0)])
        if name not in NOT_A_NUMBER and suited.predictions != "indices:5":
            yield draft_metric(name, required, [suited.batch(3, predictions="one_nan"), suited.batch(2)])
        if not required:
            yield to_be_named(name, name)
        if name not in REFUSING:
            yield from refused(name)
    for name, arguments, fitting in FURTHER:
        yield draft_metric(name, arguments, [fitting.batch(4), fitting.batch(3)], SAID)
    for alias, name in ALIASES.items():
        yield to_be_named(name, alias)


def refused(name: str) -> Iterator[Case]:
    """What a metric has to refuse: arguments, predictions or weights that go with no label."""
    suited, required = SUITED[name], REQUIRED.get(name, {})
    good, other = suited.batch(4), suited.batch(7)
    # What a function does with an argument that it does not have is its own affair.
    unknown: tuple[Config, ...] = () if name == "MeanMetricWrapper" else ({"units": 3},)
    for argument in (*unknown, *bad_arguments(name)):
        yield to_be_refused(name, required | argument, good)
    if suited.labels is not None:
        yield to_be_refused(name, required, good | {"y_pred": other["y_pred"]})
    yield to_be_refused(name, required, good | {"sample_weight": recipe("weights", 3)})


def bad_arguments(name: str) -> Iterator[Config]:
    """Single arguments of a metric with values that their kinds refuse."""
    for argument, field in metric_class(name).arguments.items():
        if argument not in ("name", "dtype") and field.kind is not fields.boolean:
            yield from ({argument: value} for value in field.kind.refused)


def to_be_refused(name: str, config: Config, batch: Mapping[str, Source]) -> Case:
    subject = f"metrics.{name}"
    weights = {f"0/{argument}": source for argument, source in batch.items()}
    keys = {key: keyed(source, subject, config, key) for key, source in weights.items()}
    return Case(subject, dict(config), weights=keys, observables=("refusal",))


def to_be_named(name: str, identifier: str) -> Case:
    """A name that is resolved."""
    return Case(f"metrics.{name}", {"identifier": identifier}, observables=("identifier",))
