"""What `compile` of TensorFlow.js takes less than Keras's, and which optimizers it makes."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import training as drafts
from conformance.dialects.deviation import Raises, Scope, Value
from conformance.dialects.scopes import all_of, without
from conformance.dialects.tensorflow_js.optimizers import SUBJECTS as OPTIMIZERS_THERE
from conformance.dialects.tensorflow_js.record import CORE, FIRST, LAYERS, deviation, issue, pull, searched
from conformance.dialects.tensorflow_js.training import RUNS, TRAINING
from conformance.reference_impl import optimizers

EVERYTHING = ("fit/*", "evaluate/*", "predict/*", "train_on_batch/*")


def optimizer_by_name(*names: str) -> Scope:
    return lambda case, data: case.config["compile"]["optimizer"] in names


def optimizer_is_a_name(case: Case, data: Data) -> bool:
    return isinstance(case.config["compile"]["optimizer"], str)


def optimizes_otherwise(case: Case, data: Data) -> bool:
    """The optimizer is one that TensorFlow.js has not."""
    name = type(optimizers.get(case.config["compile"]["optimizer"])).__name__
    return f"optimizers.{name}" not in OPTIMIZERS_THERE


DEVIATIONS = (
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
)
