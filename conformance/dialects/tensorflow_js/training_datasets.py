"""Training runs of TensorFlow.js on datasets: when they end, what callbacks are told of batches, and what
cannot be asked of them."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import callbacks, datasets
from conformance.cases.training import data_of
from conformance.dialects.deviation import Metadata, Raises, Value
from conformance.dialects.scopes import all_of, any_of
from conformance.dialects.tensorflow_js.record import LAYERS, deviation, issue, searched
from conformance.dialects.tensorflow_js.training import (
    EVALUATE,
    FIT,
    RUNS,
    TRAINING,
    asks,
    in_batches,
    takes_no,
    validates,
    weighs_samples,
)
from conformance.dialects.tensorflow_js.training_callbacks import calls_back, occasions, with_batch_and_size


def runs_out(case: Case, data: Data) -> bool:
    """There are fewer batches than so many steps in each epoch take."""
    given = case.config["fit"]
    steps = given.get("steps_per_epoch", 0) * given.get("epochs", 1)
    return bool(steps > len(case.config["data"]["batches"]))


def stops_within_an_epoch(case: Case, data: Data) -> bool:
    """A callback ends the training after the first of several batches."""
    (x,) = data_of(case, data.inputs)["x"]
    return "on_train_batch_end" in case.config["callback"] and case.config["fit"]["batch_size"] < len(x)


def never(original: Any, *given: Any) -> bool:
    return False


def no_logs(original: Any, epoch: int) -> dict[str, Any]:
    return {}


def where_complete(original: Any, complete: bool) -> bool:
    return complete


DEVIATIONS = (
    deviation(
        "tfjs-cut-short-not-validated",
        "An epoch that is cut short, since a callback has ended the training or a dataset has run out before "
        "`batchesPerEpoch`, is not followed by validation: the history of validation has fewer numbers than "
        "there are epochs.",
        kind="intentional",
        source=f"{TRAINING}:fitLoop, `if (batchIndex === batches.length - 1)`; "
        f"{LAYERS}/engine/training_dataset.js:fitDataset, `interrupting training`",
        upstream=searched(
            "stopTraining onBatchEnd validation not run val_loss missing epoch cut short fitLoop"
        ),
        remedy="Call `evaluate` yourself where training has ended.",
        since="keras 2.6.0 (2021)",
        scope=any_of(
            all_of(RUNS, asks("fit"), validates, in_batches, takes_no("steps_per_epoch")),
            all_of(calls_back("LambdaCallback"), validates, stops_within_an_epoch),
        ),
        effect=Value({"training.validates_after": where_complete}, FIT),
        witnesses=(datasets.validated_in_steps(), callbacks.ended("on_train_batch_end", batch_size=4)),
    ),
    deviation(
        "tfjs-dataset-begins-once",
        "A dataset that has run out before all epochs have had their `batchesPerEpoch` does not begin again, "
        "as in Keras: the epochs that are left have no batches, and no losses in the history.",
        kind="intentional",
        source=f"{LAYERS}/engine/training_dataset.js:fitDataset, `if (!hasBatchesPerEpoch)`",
        upstream=searched(
            "fitDataset batchesPerEpoch dataset iterator ran out of data repeat epochs validation"
        ),
        remedy="Give a dataset that repeats itself: `dataset.repeat()`.",
        since="keras 3.0.0 (2023)",
        scope=all_of(RUNS, asks("fit"), in_batches, takes_no("steps_per_epoch"), runs_out),
        effect=Value({"training.begins_again": never, "training.logs_without_batches": no_logs}, FIT),
        witnesses=(datasets.in_steps([4, 3], 3, 2), datasets.in_steps([4, 3], 2, 2)),
    ),
    deviation(
        "tfjs-dataset-batch-and-size-before",
        "Of datasets, the logs at the beginning of a batch have its number and its size too.",
        kind="intentional",
        source=f"{LAYERS}/engine/training_dataset.js:fitDataset, `onBatchBegin(batchIndex, batchLogs)`",
        upstream=searched("fitDataset onBatchBegin logs batch size callback"),
        remedy="Ignore the two keys.",
        since="keras 2.6.0 (2021)",
        scope=all_of(RUNS, asks("fit"), in_batches),
        effect=Metadata(("fit/callbacks",), occasions(with_batch_and_size("on_train_batch_begin"))),
        witnesses=(datasets.uneven(),),
    ),
    deviation(
        "tfjs-datasets-without-weights",
        "The batches of a dataset are `{xs, ys}`: there is no place for weights of samples in them.",
        kind="intentional",
        source=f"{LAYERS}/engine/training_dataset.js:standardizeDataIteratorOutput",
        upstream=issue(25),
        remedy="Weigh in a loss of your own, or by `classWeight`.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(RUNS, in_batches, weighs_samples),
        effect=Raises(
            "not-implemented", "call", (*FIT, *EVALUATE), "datasets of TensorFlow.js have no weights"
        ),
        witnesses=(datasets.weighted(),),
    ),
    deviation(
        "tfjs-no-predict-of-datasets",
        "There are `fitDataset` and `evaluateDataset`, and nothing that predicts for a dataset.",
        kind="intentional",
        source=f"{TRAINING}:LayersModel",
        upstream=searched("predict dataset predictDataset LayersModel tf.data"),
        remedy="Predict batch by batch, by `dataset.forEachAsync`.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(RUNS, asks("predict"), in_batches),
        effect=Raises(
            "not-implemented", "call", ("predict/*",), "predict of TensorFlow.js takes no datasets"
        ),
        witnesses=(datasets.uneven(),),
    ),
)
