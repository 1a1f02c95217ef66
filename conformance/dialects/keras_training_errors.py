"""What Keras on TensorFlow does not refuse around training, or refuses by failing somewhere inside: arguments
of optimizers, losses and schedules, labels, numbers of losses, and data of runs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import starmap

from conformance.cases.case import JSON, Case
from conformance.cases.data import Data
from conformance.cases.drafts import losses, training
from conformance.cases.drafts import refusals as drafts
from conformance.cases.drafts.draft import recipe
from conformance.cases.drafts.refusals import classifying, forking, given, spoilt
from conformance.cases.drafts.schedules import DECAY, draft_schedule
from conformance.cases.training import SUBJECTS
from conformance.dialects.deviation import REFUSAL, Accepts, Deviation, Raises, Scope, subject
from conformance.dialects.keras_errors import in_words
from conformance.dialects.keras_metrics import single
from conformance.dialects.keras_record import KERAS, TENSORFLOW, in_keras, searched
from conformance.dialects.refused import (
    broadcasts_gradients,
    has_no_samples,
    sound,
    wrong_in,
    wrong_in_labels,
    wrong_in_part,
    wrong_rate,
)
from conformance.dialects.scopes import all_of, any_of, without
from conformance.reference_impl.losses import Loss
from conformance.reference_impl.optimizers import Optimizer
from conformance.reference_impl.optimizers.schedules import Schedule

OPTIMIZERS = tuple(f"optimizers.{name}" for name in Optimizer.registered)
LOSSES = tuple(f"losses.{name}" for name in Loss.registered)
SCHEDULES = tuple(f"schedules.{name}" for name in Schedule.registered)
RUNS = subject(*SUBJECTS)

SOURCE = "keras 3.15.1, keras/src"
TEXT_SEARCHED = searched(
    "keras layer invalid argument type string '<=' not supported between instances of 'str' and 'int' "
    "validation units rate"
)
ARGUMENTS_SEARCHED = searched(
    "keras LossScaleOptimizer inner_optimizer not an optimizer Muon ns_steps exclude_layers "
    "MultiOptimizer argument validation"
)
RATE_SEARCHED = searched("keras optimizer negative learning rate not validated should raise ValueError")
SPLIT_SEARCHED = searched(
    "keras validation_split greater than 1 or negative not validated empty validation data"
)
DOWNHILL = (
    "A rate says how far to go against the gradient: below 0 an optimizer goes for the largest loss, which "
    "nobody asks for so. Keras refuses what is no float; neither runtime compares the number with 0."
)
OWN_SHAPE = (
    "A gradient has the shape of what it is of; one of another shape is another variable's. Neither runtime "
    "compares the two, and their arithmetic broadcasts."
)
SOME_DATA = (
    "Training with no samples is a mistake in the data, by which nothing is learnt. Keras refuses a "
    "generator that gives none, and TensorFlow.js to evaluate none; neither looks at the arrays of `fit`."
)
A_SHARE = (
    "Both document the argument as a fraction between 0 and 1. Keras refuses one that leaves nothing for "
    "either side; neither runtime looks at what is beyond."
)

ADAM = {"learning_rate": 0.125, "beta_1": 0.75, "beta_2": 0.875, "epsilon": 2.0**-10}
SGD = {"learning_rate": 0.125}

NOTHING = [training.numbers(4, samples=0)]
EVALUATED = given(classifying(), "evaluate")
"""Sound; an evaluation is sooner asked than a fit."""

NUMBERS: Mapping[str, float] = {"dynamic_growth_steps": 2, "gradient_accumulation_steps": 2, "q": 0.5}
"""By argument, a number that it may be, where 1 is none."""


def of_loss(name: str, **config: JSON) -> Case:
    """A loss of data that suit it, to be refused."""
    of_labels, of_predictions = losses.DATA[name][0]
    shape = losses.SHAPES.get(name, ((4, 5),))[0]
    arrays = (losses.labels(name, of_labels, shape), recipe(of_predictions, *shape))
    return drafts.to_be_refused(f"losses.{name}", config, arrays)


def text_for_number(
    name: str,
    at: str,
    message: str,
    source: str,
    since: str,
    by: Mapping[tuple[str, ...], tuple[str, ...]],
    *witnesses: Case,
) -> Deviation:
    """An entry about texts for numbers, which fail where an operation of Python meets them.

    Args:
        by: by subjects, the arguments.
    """

    def used(subjects: tuple[str, ...], arguments: tuple[str, ...]) -> Scope:
        instead = {argument: NUMBERS.get(argument, 1.0) for argument in arguments}
        return all_of(subject(*subjects), in_words(*arguments), wrong_in(**instead))

    return in_keras(
        id=f"keras-{name}",
        summary="A text for a number is used as a number before anything looks at its type: the error is "
        "Python's own, and names no argument.",
        kind="bug",
        source=f"{SOURCE}/{source}",
        upstream=TEXT_SEARCHED,
        remedy="Give a number.",
        since=since,
        scope=any_of(*starmap(used, by.items())),
        effect=Raises("internal", at, REFUSAL, message),
        witnesses=witnesses,
    )


def batch_of_none(case: Case, data: Data) -> bool:
    """What is wrong is a batch size of 0."""
    return any(wrong_in_part(method, "batch_size")(case, data) for method in drafts.ARGUMENTS)


def fewer_losses_than_outputs(case: Case, data: Data) -> bool:
    loss = case.config["compile"].get("loss")
    return isinstance(loss, list) and len(loss) < len(case.config["model"].get("output_layers", ()))


def several_losses_for_one_output(case: Case, data: Data) -> bool:
    loss = case.config["compile"].get("loss")
    return isinstance(loss, list) and case.subject == "training.Sequential" and len(loss) > 1


def names_outputs(case: Case, data: Data) -> bool:
    """The losses are given by the names of outputs."""
    return isinstance(case.config["compile"].get("loss"), dict)


def several_inputs(case: Case, data: Data) -> bool:
    """What is wrong are inputs after the first."""
    x = case.config["data"]["x"]
    alone = {**case.config, "data": {**case.config["data"], "x": x[:1]}}
    return len(x) > 1 and sound(case, data, config=alone)


def asks(*methods: str) -> Scope:
    return lambda case, data: any(method in case.config for method in methods)


MOMENTS = ("optimizers.Muon", "optimizers.LossScaleOptimizer")

DEVIATIONS = (
    in_keras(
        id="keras-learning-rate-below-zero",
        summary="A learning rate below 0 is taken: the model learns the opposite.",
        kind="bug",
        source=f"{SOURCE}/optimizers/base_optimizer.py:176, which looks for a float alone",
        upstream=RATE_SEARCHED,
        remedy="Check the rate before.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*OPTIMIZERS), without(in_words("learning_rate")), wrong_in(learning_rate=0.125)),
        effect=Accepts(),
        witnesses=(drafts.update("SGD", {"learning_rate": -0.125}),),
        stands=DOWNHILL,
    ),
    in_keras(
        id="keras-rate-of-run-below-zero",
        summary="And so it is where a model is trained.",
        kind="bug",
        source=f"{SOURCE}/optimizers/base_optimizer.py:176, which looks for a float alone",
        upstream=RATE_SEARCHED,
        remedy="Check the rate before.",
        since="keras 3.0.0 (2023)",
        scope=all_of(RUNS, wrong_rate),
        effect=Accepts(),
        witnesses=(
            spoilt(classifying(), compile={"optimizer": training.optimizer("SGD", learning_rate=-0.125)}),
        ),
        stands=DOWNHILL,
    ),
    in_keras(
        id="keras-optimizer-broadcasts-gradients",
        summary="Adam broadcasts a gradient of another shape than its variable over the averages it keeps.",
        kind="bug",
        source=f"{SOURCE}/optimizers/adam.py:update_step",
        upstream=searched("keras Adam apply gradient shape mismatch variable broadcast no error"),
        remedy="Check the shapes of gradients that you make yourself.",
        since="keras 2.8.0 (2022)",
        scope=all_of(subject("optimizers.Adam"), broadcasts_gradients),
        effect=Accepts(),
        witnesses=(drafts.update("Adam", ADAM, kernel=(5,)),),
        stands=OWN_SHAPE,
    ),
    in_keras(
        id="keras-optimizer-counts-unchecked",
        summary="LossScaleOptimizer takes 0 for `dynamic_growth_steps`, so that the scale never grows; Muon "
        "a negative `ns_steps`, and a text for a list of patterns, of which each letter is one.",
        kind="bug",
        source=f"{SOURCE}/optimizers/loss_scale_optimizer.py, muon.py:137",
        upstream=ARGUMENTS_SEARCHED,
        remedy="Give whole numbers above 0.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject(*MOMENTS),
            without(in_words("dynamic_growth_steps")),
            wrong_in("ns_steps", "exclude_layers", "dynamic_growth_steps"),
        ),
        effect=Accepts(),
        witnesses=(
            drafts.update("Muon", {**SGD, "exclude_layers": "dense"}),
            drafts.update("Muon", {**SGD, "ns_steps": -1}),
        ),
    ),
    text_for_number(
        "optimizer-text-when-made",
        "construction",
        "not supported between instances of",
        "optimizers/base_optimizer.py:104, ftrl.py:114",
        "keras 2.6.0 (2021)",
        {
            OPTIMIZERS: ("gradient_accumulation_steps",),
            ("optimizers.Ftrl",): (
                "initial_accumulator_value",
                "l1_regularization_strength",
                "l2_regularization_strength",
                "l2_shrinkage_regularization_strength",
            ),
        },
        drafts.update("SGD", {**SGD, "gradient_accumulation_steps": "3"}),
        drafts.update("Ftrl", {**SGD, "l1_regularization_strength": "x"}),
    ),
    text_for_number(
        "optimizer-text-when-built",
        "build",
        "not supported between instances of",
        "optimizers/rmsprop.py:build",
        "keras 2.8.0 (2022)",
        {("optimizers.RMSprop",): ("momentum",)},
        drafts.update("RMSprop", {**SGD, "momentum": "x"}),
    ),
    text_for_number(
        "optimizer-text-compared-in-update",
        "call",
        "not supported between instances of",
        "optimizers/base_optimizer.py:_clip_gradients, schedule_free_adamw.py",
        "keras 2.8.0 (2022)",
        {
            OPTIMIZERS: ("clipnorm", "clipvalue", "global_clipnorm"),
            ("optimizers.ScheduleFreeAdamW",): ("warmup_steps",),
        },
        drafts.update("SGD", {**SGD, "clipnorm": "x"}),
        drafts.update("ScheduleFreeAdamW", {**ADAM, "warmup_steps": "x"}),
    ),
    text_for_number(
        "optimizer-text-subtracted-in-update",
        "call",
        "unsupported operand type(s) for -",
        "optimizers/muon.py, loss_scale_optimizer.py",
        "keras 3.0.0 (2023)",
        {MOMENTS: ("momentum", "dynamic_growth_steps")},
        drafts.update("Muon", {**SGD, "momentum": "x"}),
    ),
    in_keras(
        id="keras-loss-scale-of-no-optimizer",
        summary="LossScaleOptimizer takes anything for the optimizer inside, and sets its attribute.",
        kind="bug",
        source=f"{SOURCE}/optimizers/loss_scale_optimizer.py:101",
        upstream=ARGUMENTS_SEARCHED,
        remedy="Give an instance of an optimizer.",
        since="keras 3.10.0 (2025)",
        scope=all_of(
            subject("optimizers.LossScaleOptimizer"),
            wrong_in(inner_optimizer={"class_name": "SGD", "config": {}}),
        ),
        effect=Raises("internal", "construction", REFUSAL, "has no attribute 'loss_scale_factor'"),
        witnesses=(drafts.update("LossScaleOptimizer", {"inner_optimizer": 3}),),
    ),
    in_keras(
        id="keras-multi-optimizer-of-no-map",
        summary="MultiOptimizer takes anything for its map, and calls it when it is built.",
        kind="bug",
        source=f"{SOURCE}/optimizers/multi_optimizer.py:255",
        upstream=ARGUMENTS_SEARCHED,
        remedy="Give an OptimizerMap.",
        since="keras 3.15.0 (2026)",
        scope=all_of(
            subject("optimizers.MultiOptimizer"), lambda case, data: case.config.get("optimizer_map") == 3
        ),
        effect=Raises("internal", "build", REFUSAL, "object is not callable"),
        witnesses=(drafts.update("MultiOptimizer", {"optimizer_map": 3}),),
    ),
    text_for_number(
        "loss-text-when-made",
        "construction",
        "not supported between instances of",
        "losses/losses.py, CategoricalGeneralizedCrossEntropy",
        "keras 3.10.0 (2025)",
        {("losses.CategoricalGeneralizedCrossEntropy",): ("q",)},
        of_loss("CategoricalGeneralizedCrossEntropy", q="x"),
    ),
    text_for_number(
        "loss-text-when-called",
        "call",
        "unsupported operand type(s) for",
        "losses/losses.py, binary_crossentropy, categorical_crossentropy, circle, and others",
        "keras 3.0.0 (2023)",
        {LOSSES: ("label_smoothing", "margin")},
        of_loss("BinaryCrossentropy", label_smoothing="x"),
        of_loss("Circle", margin="x"),
    ),
    text_for_number(
        "loss-text-when-multiplied",
        "call",
        "has no attribute '__index__'",
        "losses/losses.py, tversky",
        "keras 3.3.0 (2024)",
        {("losses.Tversky",): ("alpha", "beta")},
        of_loss("Tversky", alpha="x"),
    ),
    in_keras(
        id="keras-ctc-labels-unchecked",
        summary="CTC takes labels that are no numbers of classes.",
        kind="bug",
        source=f"{SOURCE}/backend/tensorflow/nn.py, ctc_loss",
        upstream=searched("keras CTC loss label out of range of classes no error"),
        remedy="Check the labels before: from 1 to the number of classes, and 0 behind them.",
        since="keras 3.0.2 (2023)",
        scope=all_of(subject("losses.CTC"), wrong_in_labels),
        effect=Accepts(),
        witnesses=(
            drafts.to_be_refused("losses.CTC", {}, (drafts.OUTSIDE_LINES, recipe("normal", 3, 7, 4))),
        ),
    ),
    text_for_number(
        "schedule-text-when-called",
        "call",
        "unsupported operand type(s) for -",
        "optimizers/schedules/learning_rate_schedule.py, CosineDecay",
        "keras 2.6.0 (2021)",
        {SCHEDULES: ("alpha",)},
        draft_schedule("CosineDecay", {**DECAY, "alpha": "x"}, "refusal"),
    ),
    in_keras(
        id="keras-piecewise-of-a-number",
        summary="A number for `boundaries` or `values` of PiecewiseConstantDecay fails by an error of "
        "Python's own: it has no length.",
        kind="bug",
        source=f"{SOURCE}/optimizers/schedules/learning_rate_schedule.py:244",
        upstream=TEXT_SEARCHED,
        remedy="Give lists, also of one.",
        since="keras 2.6.0 (2021)",
        scope=all_of(
            subject("schedules.PiecewiseConstantDecay"), any_of(single("boundaries"), single("values"))
        ),
        effect=Raises("internal", "construction", REFUSAL, "has no len()"),
        witnesses=(
            draft_schedule("PiecewiseConstantDecay", {"boundaries": 3, "values": [0.5, 0.25]}, "refusal"),
        ),
    ),
    in_keras(
        id="keras-batch-size-of-zero",
        summary="A batch size of 0 is as none given: it is 32.",
        kind="bug",
        source=f"{SOURCE}/trainers/data_adapters/array_data_adapter.py, `if not batch_size`",
        upstream=searched("keras fit batch_size=0 silently falls back to 32 no error"),
        remedy="Check the size before.",
        since="keras 2.6.0 (2021)",
        scope=all_of(RUNS, batch_of_none),
        effect=Accepts(),
        witnesses=(spoilt(given(classifying(), "predict"), predict={"batch_size": 0}),),
    ),
    in_keras(
        id="keras-validation-split-unchecked",
        summary="A `validation_split` above 1 counts from the end: of 7 samples 1.5 trains with the first 3, "
        "and one below 0 validates with nothing.",
        kind="bug",
        source=f"{SOURCE}/trainers/data_adapters/array_slicing.py:499, train_validation_split",
        upstream=SPLIT_SEARCHED,
        remedy="Check the share before, or give validation_data.",
        since="keras 2.6.0 (2021)",
        scope=all_of(RUNS, wrong_in_part("fit", "validation_split")),
        effect=Accepts(),
        witnesses=(spoilt(classifying(), fit={"validation_split": 1.5}),),
        stands=A_SHARE,
    ),
    in_keras(
        id="keras-fits-nothing",
        summary="`fit` and `evaluate` take data without a sample, and tell no loss.",
        kind="bug",
        source=f"{SOURCE}/trainers/epoch_iterator.py, EpochIterator._enumerate_iterator",
        upstream=searched(
            "keras empty dataset fit evaluate predict no samples UnboundLocalError batch_outputs"
        ),
        remedy="Check that there is a sample.",
        since="keras 3.0.0 (2023)",
        scope=all_of(RUNS, has_no_samples, asks("fit", "evaluate")),
        effect=Accepts(),
        witnesses=(given(classifying(), "evaluate", x=NOTHING, y=[training.one_hot(samples=0)]),),
        stands=SOME_DATA,
    ),
    in_keras(
        id="keras-predicts-nothing",
        summary="`predict` of no samples fails on a local variable that no batch has set.",
        kind="bug",
        source=f"{SOURCE}/backend/tensorflow/trainer.py:596, predict",
        upstream=f"{TENSORFLOW}/issues/41978",
        remedy="Check that there is a sample.",
        since="keras 3.0.0 (2023)",
        scope=all_of(RUNS, has_no_samples, asks("predict")),
        effect=Raises("internal", "call", REFUSAL, "cannot access local variable"),
        witnesses=(given(classifying(), "predict", x=NOTHING),),
    ),
    in_keras(
        id="keras-losses-fewer-than-outputs",
        summary="A list of fewer losses than outputs leaves the last outputs without one: they are not "
        "trained.",
        kind="bug",
        source=f"{SOURCE}/trainers/compile_utils.py, CompileLoss._build_nested, `iterator = enumerate(loss)`",
        upstream=searched("keras compile loss list of two losses single output no error second loss ignored"),
        remedy="Give a loss for each output, or losses by names.",
        since="keras 3.7.0 (2024)",
        scope=all_of(RUNS, fewer_losses_than_outputs),
        effect=Accepts(),
        witnesses=(spoilt(given(forking(), "evaluate"), compile={"loss": ["mean_squared_error"]}),),
    ),
    in_keras(
        id="keras-losses-of-one-output",
        summary="Of a list of losses for the one output of a model the first alone is computed, the others "
        "are forgotten.",
        kind="bug",
        source=f"{SOURCE}/trainers/compile_utils.py, CompileLoss.call, `return loss_values[0]`",
        upstream=searched("keras compile loss list of two losses single output no error second loss ignored"),
        remedy="Give one loss, and add others by add_loss.",
        since="keras 3.7.0 (2024)",
        scope=all_of(RUNS, several_losses_for_one_output),
        effect=Accepts(),
        witnesses=(spoilt(EVALUATED, compile={"loss": ["categorical_crossentropy", "mean_squared_error"]}),),
    ),
    in_keras(
        id="keras-losses-of-unknown-output",
        summary="A Sequential does not know the name of its output where a loss is given by one: an unknown "
        "name fails by an error of Python's own.",
        kind="bug",
        source=f"{SOURCE}/trainers/compile_utils.py, CompileLoss.build, of `output_names` that are None",
        upstream=searched("keras compile loss dict Sequential output name 'NoneType' object is not iterable"),
        remedy="Give one loss, not one by a name.",
        since="keras 3.7.0 (2024)",
        scope=all_of(subject("training.Sequential"), names_outputs),
        effect=Raises("internal", "call", REFUSAL, "object is not iterable"),
        witnesses=(spoilt(EVALUATED, compile={"loss": {"topp": "categorical_crossentropy"}}),),
    ),
    in_keras(
        id="keras-sequential-of-several-inputs",
        summary="A Sequential takes the first of several inputs, and warns of their structure.",
        kind="bug",
        source=f"{SOURCE}/models/sequential.py:240, Sequential.call, which passes by the `input_spec` of the "
        "model inside; functional.py, _convert_inputs_to_tensors",
        upstream=f"{KERAS}/pull/20170",
        remedy="Use a functional model for several inputs.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("training.Sequential"), several_inputs),
        effect=Accepts(),
        witnesses=(given(classifying(), "evaluate", x=[training.numbers(4), training.numbers(4)]),),
    ),
)
