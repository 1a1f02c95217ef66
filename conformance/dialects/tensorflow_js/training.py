"""Training runs of TensorFlow.js that come to something else than Keras's, or take less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import training as drafts
from conformance.cases.models import configuration
from conformance.cases.training import SUBJECTS, data_of
from conformance.dialects.deviation import Metadata, Raises, Scope, Value, subject
from conformance.dialects.scopes import all_of, without
from conformance.dialects.tensorflow_js.optimizers import SUBJECTS as OPTIMIZERS_THERE
from conformance.dialects.tensorflow_js.record import CORE, LAYERS, deviation, issue, searched
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.metrics import Metric
from conformance.reference_impl.metrics.metric import State
from conformance.reference_impl.models import Model
from conformance.reference_impl.primitives import add, subtract
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
    """A callback of that name is among those of `fit`, with these arguments."""

    def scope(case: Case, data: Data) -> bool:
        given = case.config.get("fit", {}).get("callbacks", ())
        return any(
            own == name and all(config.get(key) == value for key, value in arguments.items())
            for own, config in given
        )

    return scope


def calls_unknown(case: Case, data: Data) -> bool:
    """A callback is among those of `fit` that TensorFlow.js has not."""
    return any(name != "EarlyStopping" for name, _ in case.config.get("fit", {}).get("callbacks", ()))


def takes_no(*names: str) -> Scope:
    """An argument of `fit` is given that TensorFlow.js has not."""
    return lambda case, data: any(name in case.config.get("fit", {}) for name in names)


def constrains(case: Case, data: Data) -> bool:
    """Some weight has a constraint."""
    return bool(Said(Model.from_config(configuration(case))).constraints)


def has_baseline(case: Case, data: Data) -> bool:
    """Training may be stopped early, with a baseline."""
    given = case.config.get("fit", {}).get("callbacks", ())
    return any(name == "EarlyStopping" and config.get("baseline") is not None for name, config in given)


def optimizes_otherwise(case: Case, data: Data) -> bool:
    """The optimizer is one that TensorFlow.js has not."""
    return f"optimizers.{case.config['compile']['optimizer']['class_name']}" not in OPTIMIZERS_THERE


def all_steps(original: Any, steps: int | None) -> None:
    return None


def unconstrained(original: Any, constraints: Any) -> dict[str, Any]:
    return {}


def the_baseline(original: Any, baseline: float | None) -> float | None:
    return baseline


def any_epoch(original: Any, epoch: int) -> bool:
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


def with_batch_and_size(occasion: Occasion) -> Occasion:
    if occasion[0] != "on_train_batch_end":
        return occasion
    return [*occasion[:-1], sorted({*occasion[-1], "batch", "size"})]


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
        upstream=searched("custom callback onTestBegin onTestEnd validation callbacks evaluate BaseCallback"),
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
        upstream=searched("onBatchEnd logs batch size fields in logs fit callback onTrainEnd logs undefined"),
        scope=all_of(RUNS, asks("fit")),
        effect=Metadata(("fit/callbacks",), occasions(with_batch_and_size)),
        witnesses=(drafts.last_batch_is_smaller(),),
    ),
    deviation(
        "tfjs-train-end-without-logs",
        "At the end of training callbacks are given no logs; Keras gives those of the last epoch.",
        kind="intentional",
        source=f"{TRAINING}:fitLoop, `callbackList.onTrainEnd()`",
        upstream=searched("onBatchEnd logs batch size fields in logs fit callback onTrainEnd logs undefined"),
        scope=all_of(RUNS, asks("fit")),
        effect=Metadata(("fit/callbacks",), occasions(without_last_logs)),
        witnesses=(drafts.last_batch_is_smaller(),),
    ),
    deviation(
        "tfjs-accuracy-is-acc",
        "The metric `accuracy` is `acc` in logs and histories, as in Keras before 2.3.",
        kind="intentional",
        source=f"{TRAINING}:compile, `suffix = 'acc'`",
        upstream=searched("model.fit history acc instead of accuracy metric name logs"),
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
        scope=all_of(RUNS, weighs_samples, asks("fit"), without(compiles_with("weighted_metrics"))),
        effect=Raises("not-implemented", "call", FIT, "sample weight is not supported yet"),
        witnesses=(drafts.weighted_samples(),),
    ),
    deviation(
        "tfjs-evaluates-without-sample-weights",
        "`evaluate` takes weights of samples, as its documentation says, and does nothing with them.",
        kind="bug",
        source=f"{TRAINING}:evaluate, `TODO(cais): Standardize config.sampleWeights as well`",
        upstream=issue(25),
        scope=all_of(RUNS, weighs_samples, asks("evaluate")),
        effect=Value({"training.weights_in_evaluation": unweighted}, EVALUATE),
        witnesses=(drafts.weighted_samples(),),
    ),
    deviation(
        "tfjs-no-sample-weights-on-batch",
        "`trainOnBatch` has no argument for weights of samples.",
        kind="intentional",
        source=f"{TRAINING}:trainOnBatch",
        upstream=issue(25),
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
        upstream=searched("model.fit validationBatchSize validationFreq validation frequency not supported"),
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
        scope=all_of(RUNS, takes_no("steps_per_epoch")),
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
        scope=all_of(RUNS, has_baseline),
        effect=Value(
            {
                "training.first_to_be_better_than": the_baseline,
                "training.may_stop_after": any_epoch,
            },
            FIT,
        ),
        witnesses=(drafts.stopping(patience=1, baseline=2.0**-10),),
    ),
    deviation(
        "tfjs-few-optimizers",
        "Of Keras's optimizers there are SGD, RMSprop, Adam, Adamax, Adadelta and Adagrad.",
        kind="intentional",
        source=f"{CORE}/optimizers/optimizer_constructors.js",
        upstream=searched("optimizers missing Nadam Ftrl AdamW Lion request additional optimizer"),
        scope=all_of(RUNS, optimizes_otherwise),
        effect=Raises("not-implemented", "construction", EVERYTHING, "TensorFlow.js has no optimizer"),
        witnesses=(drafts.with_optimizer(drafts.LION),),
    ),
    deviation(
        "tfjs-few-callbacks",
        "Of Keras's callbacks there is EarlyStopping alone.",
        kind="intentional",
        source=f"{LAYERS}/callbacks.js",
        upstream=searched(
            "callbacks missing ModelCheckpoint ReduceLROnPlateau LearningRateScheduler support"
        ),
        scope=all_of(RUNS, calls_unknown),
        effect=Raises("not-implemented", "construction", FIT, "TensorFlow.js has no callback"),
        witnesses=(drafts.reduced_rate(),),
    ),
    deviation(
        "tfjs-best-weights-not-restored",
        "EarlyStopping does not implement `restoreBestWeights`.",
        kind="intentional",
        source=f"{LAYERS}/callbacks.js:EarlyStopping",
        upstream=issue(8488),
        scope=all_of(RUNS, calls_back("EarlyStopping", restore_best_weights=True)),
        effect=Raises("not-implemented", "construction", FIT, "restoreBestWeights = True is not implemented"),
        witnesses=(drafts.best_weights_restored(),),
    ),
)
