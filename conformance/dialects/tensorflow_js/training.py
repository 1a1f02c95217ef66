"""Training runs of TensorFlow.js in which `fit`, `evaluate` and `trainOnBatch` come to something else than
Keras's, or take less."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import training as drafts
from conformance.cases.models import configuration
from conformance.cases.training import SUBJECTS, data_of
from conformance.dialects.deviation import Raises, Scope, Value, subject
from conformance.dialects.scopes import all_of, without
from conformance.dialects.tensorflow_js.record import CORE, FIRST, LAYERS, deviation, issue, searched
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.metrics import Metric
from conformance.reference_impl.metrics.metric import State, Variable
from conformance.reference_impl.models import Model
from conformance.reference_impl.primitives import add, divide, multiply
from conformance.reference_impl.tape import Tensor
from conformance.reference_impl.training.weights import Said

RUNS = subject(*SUBJECTS)

FIT = ("fit/*",)
EVALUATE = ("evaluate/log/*",)
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


def takes_no(*names: str) -> Scope:
    """An argument of `fit` is given that TensorFlow.js has not."""
    return lambda case, data: any(name in case.config.get("fit", {}) for name in names)


def constrains(case: Case, data: Data) -> bool:
    """Some weight has a constraint."""
    return bool(Said(Model.from_config(configuration(case))).constraints)


def in_batches(case: Case, data: Data) -> bool:
    """Data are given in batches."""
    return "batches" in case.config["data"]


def validates(case: Case, data: Data) -> bool:
    return "validation" in case.config["data"] or "validation_split" in case.config.get("fit", {})


def measures(name: str) -> Scope:
    """A metric of that name is asked for."""
    return lambda case, data: name in case.config["compile"].get("metrics", ())


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


DEVIATIONS = (
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
