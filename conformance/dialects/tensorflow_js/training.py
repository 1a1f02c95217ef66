"""Training runs of TensorFlow.js that come to something else than Keras's, or take less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import callbacks, datasets
from conformance.cases.drafts import training as drafts
from conformance.cases.models import configuration
from conformance.cases.training import SUBJECTS, data_of
from conformance.dialects.deviation import Metadata, Raises, Scope, Value, subject
from conformance.dialects.scopes import all_of, any_of, without
from conformance.dialects.tensorflow_js.optimizers import SUBJECTS as OPTIMIZERS_THERE
from conformance.dialects.tensorflow_js.record import (
    CORE,
    FIRST,
    LAYERS,
    deviation,
    issue,
    pull,
    searched,
)
from conformance.reference_impl import optimizers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.metrics import Metric
from conformance.reference_impl.metrics.metric import State, Variable
from conformance.reference_impl.models import Model
from conformance.reference_impl.primitives import add, divide, multiply, subtract
from conformance.reference_impl.tape import Tensor
from conformance.reference_impl.training.weights import Said

RUNS = subject(*SUBJECTS)

FIT = ("fit/*",)
EVALUATE = ("evaluate/log/*",)
EVERYTHING = ("fit/*", "evaluate/*", "predict/*", "train_on_batch/*")
EVALUATED = (*EVALUATE, "fit/history/val_*")
"""What an evaluation shows in, that of validation data too."""

TRAINING = f"{LAYERS}/engine/training.js"


def asks(method: str) -> Scope:
    """The case calls the method."""
    return lambda case, data: method in case.config


def compiles_with(argument: str) -> Scope:
    return lambda case, data: bool(case.config["compile"].get(argument))


def weighs_samples(case: Case, data: Data) -> bool:
    return "sample_weight" in case.config["data"]


def penalizes(case: Case, data: Data) -> bool:
    """Some weight has a regularizer."""
    said = Said(Model.from_config(configuration(case)))
    ones = {key: Tensor(np.ones(1)) for key in said.trainable}
    return bool(said.penalties_of_weights(ones))


def several_outputs(case: Case, data: Data) -> bool:
    return len(case.config["data"]["y"]) > 1


def masks(case: Case, data: Data) -> bool:
    """A layer makes masks."""
    layers = configuration(case)["config"]["layers"]
    return any(
        layer["class_name"] == "Masking" or layer["config"].get("mask_zero") is True for layer in layers
    )


def weighs_some_classes(case: Case, data: Data) -> bool:
    """A class in the labels has no weight."""
    given = case.config.get("fit", {}).get("class_weight")
    if given is None:
        return False
    (y,) = data_of(case, data.inputs)["y"]
    classes = y.argmax(-1) if y.shape[-1] > 1 else y
    return any(str(int(c)) not in given for c in classes.ravel())


def calls_back(name: str, **arguments: Any) -> Scope:
    """The case is about the callback of that name, with these arguments."""

    def scope(case: Case, data: Data) -> bool:
        given = case.config.get("callback", {})
        return all(given.get(argument) == value for argument, value in arguments.items())

    return all_of(subject(f"callbacks.{name}"), scope)


def takes_no(*names: str) -> Scope:
    """An argument of `fit` is given that TensorFlow.js has not."""
    return lambda case, data: any(name in case.config.get("fit", {}) for name in names)


def constrains(case: Case, data: Data) -> bool:
    """Some weight has a constraint."""
    return bool(Said(Model.from_config(configuration(case))).constraints)


def has_baseline(case: Case, data: Data) -> bool:
    """What is to be better has to be better than a baseline."""
    return case.config["callback"].get("baseline") is not None


def starts_later(case: Case, data: Data) -> bool:
    """Early stopping is not to look at the first epochs."""
    return bool(case.config["callback"].get("start_from_epoch", 0))


def in_batches(case: Case, data: Data) -> bool:
    """Data are given in batches."""
    return "batches" in case.config["data"]


def runs_out(case: Case, data: Data) -> bool:
    """There are fewer batches than so many steps in each epoch take."""
    given = case.config["fit"]
    steps = given.get("steps_per_epoch", 0) * given.get("epochs", 1)
    return bool(steps > len(case.config["data"]["batches"]))


def stops_within_an_epoch(case: Case, data: Data) -> bool:
    """A callback ends the training after the first of several batches."""
    (x,) = data_of(case, data.inputs)["x"]
    return "on_train_batch_end" in case.config["callback"] and case.config["fit"]["batch_size"] < len(x)


def optimizer_by_name(*names: str) -> Scope:
    return lambda case, data: case.config["compile"]["optimizer"] in names


def optimizer_is_a_name(case: Case, data: Data) -> bool:
    return isinstance(case.config["compile"]["optimizer"], str)


def measures(name: str) -> Scope:
    """A metric of that name is asked for."""
    return lambda case, data: name in case.config["compile"].get("metrics", ())


def optimizes_otherwise(case: Case, data: Data) -> bool:
    """The optimizer is one that TensorFlow.js has not."""
    name = type(optimizers.get(case.config["compile"]["optimizer"])).__name__
    return f"optimizers.{name}" not in OPTIMIZERS_THERE


def never(original: Any, *given: Any) -> bool:
    return False


def no_logs(original: Any, epoch: int) -> dict[str, Any]:
    return {}


def where_complete(original: Any, complete: bool) -> bool:
    return complete


class OfBatches(Metric):
    """The mean over batches, by their sizes, of what a metric is of each of them alone."""

    def __init__(self, metric: Metric) -> None:
        super().__init__(name=metric.config["name"])
        self.metric = metric

    def declare_variables(self, shape: Any) -> tuple[Variable, ...]:
        return Variable("total"), Variable("count")

    def updated(self, state: State, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None) -> State:
        self.metric.reset_state()
        self.metric.update_state(y_true, y_pred, sample_weight)
        size = float(y_pred.shape[0])
        return {
            "total": add(state["total"], multiply(self.metric.result(), size)),
            "count": add(state["count"], size),
        }

    def compute(self, state: State) -> Tensor:
        return divide(state["total"], state["count"])


def batch_by_batch(original: Any, metric: Metric) -> Metric:
    return OfBatches(metric)


def all_steps(original: Any, steps: int | None) -> None:
    return None


def unconstrained(original: Any, constraints: Any) -> dict[str, Any]:
    return {}


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


def forgotten_in_evaluation(original: Any, penalties: Sequence[Tensor], training: bool) -> Sequence[Tensor]:
    return penalties if training else []


def unweighted(original: Any, sample_weights: Any) -> Any:
    return ()


def unmasked(original: Any, mask: Array | None) -> None:
    return None


def shifted(original: Any, results: dict[str, Tensor], losses: Sequence[str]) -> dict[str, Tensor]:
    """The running sum of the losses of outputs, then these again and the metrics, under the names of one sum,
    the losses and the metrics."""
    if not losses:
        return results
    each = [results[name] for name in losses]
    metrics = [name for name in results if name != "loss" and name not in losses]
    values = [*accumulate(each, add), *each, *(results[name] for name in metrics)]
    return dict(zip(("loss", *losses, *metrics), values, strict=False))


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


def validates(case: Case, data: Data) -> bool:
    return "validation" in case.config["data"] or "validation_split" in case.config.get("fit", {})


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
        "tfjs-penalties-not-evaluated",
        "The loss that `evaluate` and validation give is without the penalties of regularizers, which that "
        "of training has: the two cannot be compared.",
        kind="bug",
        source=f"{TRAINING}:makeTestFunction, which has no `calculateLosses`",
        upstream=searched("evaluate regularization loss not included validation loss regularizer"),
        remedy="Add the penalties yourself, or compare a metric.",
        since=FIRST,
        scope=all_of(RUNS, penalizes),
        effect=Value({"training.counted_penalties": forgotten_in_evaluation}, EVALUATED),
        witnesses=(drafts.penalties(),),
    ),
    deviation(
        "tfjs-evaluation-of-several-outputs-shifted",
        "Of several outputs `evaluate` gives the running sums of their losses, then these once more, then "
        "the metrics, one number more than `metricsNames` for each output after the first: what is named "
        "`loss` is the first output's, and every name after it has the number of another one. So has the "
        "history of validation.",
        kind="bug",
        source=f"{TRAINING}:makeTestFunction, `valOutputs.push(totalLoss)`",
        upstream=issue(5941),
        remedy="Read by place: the losses of outputs are the differences of the first numbers. Or evaluate "
        "each output by itself.",
        since=FIRST,
        scope=all_of(RUNS, several_outputs),
        effect=Value({"training.results_of_evaluation": shifted}, EVALUATED),
        witnesses=(drafts.several_outputs(),),
    ),
    deviation(
        "tfjs-masks-not-in-losses",
        "Losses are means over all steps, those that a mask hides too: training goes for what the labels "
        "say of padding.",
        kind="bug",
        source=f"{TRAINING}:makeTrainFunction, `TODO(cais): Add logic for output masks`",
        upstream=searched("masking loss ignores mask Masking layer masked timesteps loss"),
        remedy="Give a loss of your own that multiplies by the mask, or train in Keras.",
        since=FIRST,
        scope=all_of(RUNS, masks),
        effect=Value({"training.mask_of_loss": unmasked}, ("fit/*", "evaluate/*", "train_on_batch/*")),
        witnesses=(drafts.masked_steps(),),
    ),
    deviation(
        "tfjs-no-sample-weights",
        "`fit` refuses weights of samples.",
        kind="intentional",
        source=f"{TRAINING}:standardizeUserData",
        upstream=issue(25),
        remedy="Weigh classes by `classWeight`, repeat samples, or train in Keras.",
        since="tfjs-layers 1.2.3 (2019)",
        scope=all_of(
            RUNS, weighs_samples, without(in_batches), asks("fit"), without(compiles_with("weighted_metrics"))
        ),
        effect=Raises("not-implemented", "call", FIT, "sample weight is not supported yet"),
        witnesses=(drafts.weighted_samples(),),
    ),
    deviation(
        "tfjs-evaluates-without-sample-weights",
        "`evaluate` takes weights of samples, as its documentation says, and does nothing with them.",
        kind="bug",
        source=f"{TRAINING}:evaluate, `TODO(cais): Standardize config.sampleWeights as well`",
        upstream=issue(25),
        remedy="Evaluate groups of samples, and weigh the results.",
        since=FIRST,
        scope=all_of(RUNS, weighs_samples, without(in_batches), asks("evaluate")),
        effect=Value({"training.weights_in_evaluation": unweighted}, EVALUATE),
        witnesses=(drafts.weighted_samples(),),
    ),
    deviation(
        "tfjs-no-sample-weights-on-batch",
        "`trainOnBatch` has no argument for weights of samples.",
        kind="intentional",
        source=f"{TRAINING}:trainOnBatch",
        upstream=issue(25),
        remedy="Weigh by a loss of your own.",
        since="tfjs-layers 0.9.0 (2018)",
        scope=all_of(RUNS, weighs_samples, asks("train_on_batch")),
        effect=Raises("not-implemented", "call", ("train_on_batch/*",), "takes no weights of samples"),
        witnesses=(drafts.weighted_samples_on_batch(),),
    ),
    deviation(
        "tfjs-weights-for-all-classes",
        "`classWeight` has to have a weight for every class in the labels; Keras takes 1 for one that it "
        "lacks.",
        kind="intentional",
        source=f"{LAYERS}/engine/training_utils.js:standardizeWeights",
        upstream=searched("classWeight must contain all classes in the training data"),
        remedy="Give 1 for the others.",
        since="tfjs-layers 1.2.3 (2019)",
        scope=all_of(RUNS, weighs_some_classes),
        effect=Raises("invalid-argument", "call", FIT, "classWeight must contain all classes"),
        witnesses=(drafts.some_classes_weighted(),),
    ),
    deviation(
        "tfjs-compile-takes-less",
        "`compile` has neither weights of losses nor weighted metrics.",
        kind="intentional",
        source=f"{TRAINING}:compile",
        upstream=issue(25),
        remedy="Put the weights into losses of your own.",
        since=FIRST,
        scope=all_of(
            RUNS,
            lambda case, data: any(
                case.config["compile"].get(n) for n in ("loss_weights", "weighted_metrics")
            ),
        ),
        effect=Raises(
            "not-implemented",
            "construction",
            EVERYTHING,
            "compile of TensorFlow.js takes no",
        ),
        witnesses=(drafts.weighted_losses(),),
    ),
    deviation(
        "tfjs-fit-takes-less",
        "`fit` has no batch size for validation of its own, and validates after every epoch.",
        kind="intentional",
        source=f"{TRAINING}:fit",
        upstream=searched("fit validationBatchSize validationFreq not supported"),
        remedy="Call `evaluate` yourself, when and by what batches you want.",
        since=FIRST,
        scope=all_of(RUNS, takes_no("validation_batch_size", "validation_freq")),
        effect=Raises("not-implemented", "construction", FIT, "fit of TensorFlow.js takes no"),
        witnesses=(drafts.validated_now_and_then(),),
    ),
    deviation(
        "tfjs-steps-per-epoch-ignored",
        "`fit` of tensors takes `stepsPerEpoch`, and does nothing with it: every epoch has all batches.",
        kind="bug",
        source=f"{TRAINING}:fit, `args.initialEpoch, null, null`",
        upstream=issue(870),
        remedy="Use fitDataset and `batchesPerEpoch`.",
        since=FIRST,
        scope=all_of(RUNS, takes_no("steps_per_epoch"), without(in_batches)),
        effect=Value({"training.steps_of_epoch": all_steps}, FIT),
        witnesses=(drafts.epochs_cut_short(),),
    ),
    deviation(
        "tfjs-constraints-not-in-training",
        "Constraints of weights are not applied after a step: an optimizer assigns to the variables "
        "themselves, and a constraint is looked at only where a layer writes.",
        kind="bug",
        source=f"{LAYERS}/variables.js:LayerVariable.write, which no optimizer of {CORE} calls",
        upstream=issue(3345),
        remedy="Set the weights again after each batch, which applies their constraints.",
        since=FIRST,
        scope=all_of(RUNS, constrains),
        effect=Value({"training.constrained": unconstrained}, ("fit/*", "train_on_batch/*")),
        witnesses=(drafts.constrained(),),
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
        "tfjs-few-optimizers",
        "Of Keras's optimizers there are SGD, RMSprop, Adam, Adamax, Adadelta and Adagrad.",
        kind="intentional",
        source=f"{CORE}/optimizers/optimizer_constructors.js",
        upstream=searched("AdamW Nadam Ftrl optimizer not available feature request"),
        remedy="Use one of these, or train in Keras.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(RUNS, optimizes_otherwise, without(optimizer_is_a_name)),
        effect=Raises("not-implemented", "construction", EVERYTHING, "TensorFlow.js has no optimizer"),
        witnesses=(drafts.with_optimizer(drafts.LION),),
    ),
    deviation(
        "tfjs-few-optimizer-names",
        "Of Keras's optimizers sgd, rmsprop, adam, adamax, adadelta and adagrad can be given by their names.",
        kind="intentional",
        source=f"{LAYERS}/optimizers.js:getOptimizer",
        upstream=searched("AdamW Nadam Ftrl optimizer not available feature request"),
        remedy="Use one of these, or train in Keras.",
        since=FIRST,
        scope=all_of(RUNS, optimizes_otherwise, optimizer_is_a_name),
        effect=Raises("invalid-argument", "construction", EVERYTHING, "Unknown Optimizer"),
        witnesses=(drafts.named("nadam"),),
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
    deviation(
        "tfjs-named-optimizers-are-faster",
        "The learning rate of an optimizer that is given by its name is 0.01 for adagrad, 1 for adadelta and "
        "0.002 for adamax, as in the Keras of before TensorFlow 2; in Keras 3 it is 0.001 for "
        "all of them.",
        kind="intentional",
        source=f"{LAYERS}/optimizers.js:getOptimizer",
        upstream=pull(229, "tfjs-layers"),
        remedy="Give an optimizer with its learning rate: `tf.train.adagrad(0.001)`.",
        since="keras 2.6.0 (2021)",
        scope=all_of(RUNS, optimizer_by_name("adagrad", "adadelta", "adamax")),
        effect=Value(
            {
                "default:optimizers.Adagrad.learning_rate": 0.01,
                "default:optimizers.Adadelta.learning_rate": 1.0,
                "default:optimizers.Adamax.learning_rate": 0.002,
            },
            ("fit/*", "train_on_batch/*"),
        ),
        witnesses=(drafts.named("adagrad"), drafts.named("adadelta"), drafts.named("adamax")),
    ),
    deviation(
        "tfjs-metrics-averaged-over-batches",
        "Metrics are functions of a batch, of which training and evaluation give the mean over batches. A "
        "ratio of counts, as precision, is no such mean: it depends on how data are cut into batches.",
        kind="intentional",
        source=f"{TRAINING}:testLoop; {LAYERS}/base_callbacks.js:BaseLogger",
        upstream=searched("metrics precision recall averaged over batches evaluate wrong fit"),
        remedy="Predict all, and compute the metric of it; or give batches of one size.",
        since="keras 2.3.0 (2019)",
        scope=all_of(RUNS, measures("precision")),
        effect=Value({"training.streamed": batch_by_batch}, ("fit/*", "evaluate/log/*", "train_on_batch/*")),
        witnesses=(drafts.counted(),),
    ),
)
