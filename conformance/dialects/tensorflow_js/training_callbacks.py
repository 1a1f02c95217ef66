"""What callbacks of TensorFlow.js are told of a training run, and when EarlyStopping ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import callbacks
from conformance.cases.drafts import training as drafts
from conformance.dialects.deviation import Metadata, Raises, Scope, Value, subject
from conformance.dialects.scopes import all_of
from conformance.dialects.tensorflow_js.record import FIRST, LAYERS, deviation, issue, searched
from conformance.dialects.tensorflow_js.training import FIT, RUNS, TRAINING, asks, validates
from conformance.reference_impl.metrics import Metric
from conformance.reference_impl.metrics.metric import State
from conformance.reference_impl.primitives import subtract
from conformance.reference_impl.tape import Tensor


def calls_back(name: str, **arguments: Any) -> Scope:
    """The case is about the callback of that name, with these arguments."""

    def scope(case: Case, data: Data) -> bool:
        given = case.config.get("callback", {})
        return all(given.get(argument) == value for argument, value in arguments.items())

    return all_of(subject(f"callbacks.{name}"), scope)


def has_baseline(case: Case, data: Data) -> bool:
    """What is to be better has to be better than a baseline."""
    return case.config["callback"].get("baseline") is not None


def starts_later(case: Case, data: Data) -> bool:
    """Early stopping is not to look at the first epochs."""
    return bool(case.config["callback"].get("start_from_epoch", 0))


def the_baseline(original: Any, baseline: float | None) -> float | None:
    return baseline


def any_epoch(original: Any, epoch: int, *others: Any) -> bool:
    return True


def of_the_batch(
    original: Any, metrics: Mapping[str, Metric], before: Mapping[str, State]
) -> dict[str, Tensor]:
    """What the batch has added."""

    def alone(metric: Metric, earlier: State) -> State:
        return {
            name: subtract(x, earlier[name]) if name in earlier else x for name, x in metric.state.items()
        }

    return {name: m.compute(alone(m, before.get(name, {}))) for name, m in metrics.items()}


Occasion = list[Any]


def occasions(change: Callable[[Occasion], Occasion | None]) -> Callable[[Case, Any], Any]:
    """Each occasion changed so, or left out."""

    def patch(case: Case, expected: Sequence[Occasion]) -> list[Occasion]:
        return [changed for occasion in expected if (changed := change(occasion)) is not None]

    return patch


def without_tests(occasion: Occasion) -> Occasion | None:
    return None if occasion[0].startswith("on_test") else occasion


def with_batch_and_size(at: str) -> Callable[[Occasion], Occasion]:
    """With both in the logs at an occasion."""

    def change(occasion: Occasion) -> Occasion:
        if occasion[0] != at:
            return occasion
        return [*occasion[:-1], sorted({*occasion[-1], "batch", "size"})]

    return change


def without_last_logs(occasion: Occasion) -> Occasion:
    return ["on_train_end", []] if occasion[0] == "on_train_end" else occasion


def abbreviated(occasion: Occasion) -> Occasion:
    logs = (
        name.removesuffix("accuracy") + "acc" if name.endswith("accuracy") else name for name in occasion[-1]
    )
    return [*occasion[:-1], sorted(logs)]


def names_accuracy(case: Case, data: Data) -> bool:
    return "accuracy" in str(case.config["compile"].get("metrics", ""))


DEVIATIONS = (
    deviation(
        "tfjs-logs-of-the-batch-alone",
        "What a callback is given at the end of a batch is of that batch; Keras gives the mean over the "
        "batches of the epoch so far. The logs of an epoch are the same.",
        kind="intentional",
        source=f"{TRAINING}:fitLoop, `batchLogs[label] = out`",
        upstream=searched("onBatchEnd logs loss per batch running average differs from Keras"),
        remedy="Average in the callback, weighted by `size`.",
        since=FIRST,
        scope=all_of(RUNS, asks("fit")),
        effect=Value({"training.results_after_batch": of_the_batch}, ("fit/step/*/log/*",)),
        witnesses=(drafts.last_batch_is_smaller(),),
    ),
    deviation(
        "tfjs-no-callbacks-of-evaluation",
        "Callbacks are not called when validation begins and ends, nor at its batches: there are no such "
        "methods.",
        kind="intentional",
        source=f"{LAYERS}/base_callbacks.js:BaseCallback",
        upstream=searched("callbacks onTestBegin onTestEnd not called during validation evaluate callback"),
        remedy="Call `evaluate` yourself at the end of each epoch.",
        since=FIRST,
        scope=all_of(RUNS, asks("fit"), validates),
        effect=Metadata(("fit/callbacks",), occasions(without_tests)),
        witnesses=(drafts.normalization(),),
    ),
    deviation(
        "tfjs-batch-and-size-in-logs",
        "The logs at the end of a batch have its number and its size, `batch` and `size`, beside the losses"
        " and metrics, as those of Keras 2.",
        kind="intentional",
        source=f"{TRAINING}:fitLoop, `batchLogs['size'] = batchEnd - batchStart`",
        upstream=searched("onBatchEnd logs batch and size keys in callback logs"),
        remedy="Leave the two out when you read the logs.",
        since=FIRST,
        scope=all_of(RUNS, asks("fit")),
        effect=Metadata(("fit/callbacks",), occasions(with_batch_and_size("on_train_batch_end"))),
        witnesses=(drafts.last_batch_is_smaller(),),
    ),
    deviation(
        "tfjs-train-end-without-logs",
        "At the end of training callbacks are given no logs; Keras gives those of the last epoch.",
        kind="intentional",
        source=f"{TRAINING}:fitLoop, `callbackList.onTrainEnd()`",
        upstream=searched("onTrainEnd callback logs undefined"),
        remedy="Keep the logs of the last onEpochEnd.",
        since=FIRST,
        scope=all_of(RUNS, asks("fit")),
        effect=Metadata(("fit/callbacks",), occasions(without_last_logs)),
        witnesses=(drafts.last_batch_is_smaller(),),
    ),
    deviation(
        "tfjs-accuracy-is-acc",
        "The metric `accuracy` is `acc` in logs and histories, as in Keras before 2.3.",
        kind="intentional",
        source=f"{TRAINING}:compile, `suffix = 'acc'`",
        upstream=issue(680),
        remedy="Read `acc` and `val_acc`.",
        since="keras 2.3.0 (2019)",
        scope=all_of(RUNS, asks("fit"), names_accuracy),
        effect=Metadata(("fit/callbacks",), occasions(abbreviated)),
        witnesses=(drafts.accuracy(),),
    ),
    deviation(
        "tfjs-baseline-is-the-first-best",
        "EarlyStopping takes the baseline for the best value so far: an epoch that is better than those "
        "before, and no better than it, is none. It may stop after the first epoch, too.",
        kind="intentional",
        source=f"{LAYERS}/callbacks.js:EarlyStopping.onTrainBegin, `this.best = this.baseline`",
        upstream=searched("earlyStopping baseline patience stops at first epoch"),
        remedy="Give no baseline, or a callback of your own.",
        since="tfjs-layers 1.1.0 (2019)",
        scope=all_of(calls_back("EarlyStopping"), has_baseline),
        effect=Value(
            {
                "training.first_to_be_better_than": the_baseline,
                "training.may_stop_after": any_epoch,
            },
            FIT,
        ),
        witnesses=(callbacks.stopping(patience=1, baseline=2.0**-10),),
    ),
    deviation(
        "tfjs-stops-early-from-the-first-epoch",
        "EarlyStopping has no `startFromEpoch`, and passes over an argument that it does not know: it looks "
        "at every epoch.",
        kind="intentional",
        source=f"{LAYERS}/callbacks.js:EarlyStopping",
        upstream=searched("earlyStopping startFromEpoch start_from_epoch"),
        remedy="Watch from the first epoch on, or write the callback by tf.CustomCallback.",
        since="tfjs-layers 1.1.0 (2019)",
        scope=all_of(calls_back("EarlyStopping"), starts_later),
        effect=Value({"training.watches": any_epoch}, FIT),
        witnesses=(callbacks.stopping(patience=1, start_from_epoch=2),),
    ),
    deviation(
        "tfjs-best-weights-not-restored",
        "EarlyStopping does not implement `restoreBestWeights`.",
        kind="intentional",
        source=f"{LAYERS}/callbacks.js:EarlyStopping",
        upstream=issue(8488),
        remedy="Keep the best weights in a callback of your own.",
        since="tfjs-layers 1.1.0 (2019)",
        scope=calls_back("EarlyStopping", restore_best_weights=True),
        effect=Raises("not-implemented", "construction", FIT, "restoreBestWeights = True is not implemented"),
        witnesses=(callbacks.best_weights_restored(),),
    ),
)
