"""What TensorFlow.js does not refuse around training, or refuses by failing somewhere inside: arguments of
optimizers and initializers, labels, names of outputs, and data of runs."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts import refusals as drafts
from conformance.cases.drafts import training
from conformance.cases.drafts.refusals import (
    classifying,
    classifying_by_number,
    forking,
    generated_nothing,
    given,
    spoilt,
)
from conformance.cases.drafts.values import sizes
from conformance.cases.training import SUBJECTS as RUNS
from conformance.dialects.deviation import REFUSAL, Accepts, Raises, subject
from conformance.dialects.refused import (
    broadcasts_gradients,
    has_no_samples,
    wrong_in,
    wrong_in_labels,
    wrong_in_part,
    wrong_rate,
)
from conformance.dialects.scopes import all_of
from conformance.dialects.tensorflow_js.optimizers import SUBJECTS as OPTIMIZERS
from conformance.dialects.tensorflow_js.record import CORE, LAYERS, deviation, pull, searched
from conformance.dialects.tensorflow_js.training import TRAINING
from conformance.reference_impl.identified import CLASSES

INITIALIZERS = tuple(f"initializers.{name}" for name in CLASSES["initializers"])
OF_CLASSES = ("losses.SparseCategoricalCrossentropy", "metrics.SparseCategoricalCrossentropy", *RUNS)
"""What labels are given to that are numbers of classes."""

RATE = {"learning_rate": 0.125}
METRICS_SEARCHED = searched('compile metrics object per output list of lists "metric is not a function"')
SPLIT_SEARCHED = searched("validationSplit 0 or out of range ignored empty validation fit")


def names_one_metric(case: Case, data: Data) -> bool:
    """The metrics are one name."""
    return isinstance(case.config["compile"].get("metrics"), str)


def measures_each_output(case: Case, data: Data) -> bool:
    """There is a list of metrics for each output, in a list."""
    metrics = case.config["compile"].get("metrics")
    return isinstance(metrics, list) and any(isinstance(one, list) for one in metrics)


def measures_by_name(case: Case, data: Data) -> bool:
    """The metrics are given by the names of outputs."""
    return isinstance(case.config["compile"].get("metrics"), dict)


def has_no_batches(case: Case, data: Data) -> bool:
    return bool(case.config["data"].get("batches") == [])


def has_no_labels(case: Case, data: Data) -> bool:
    return "y" not in case.config["data"]


DEVIATIONS = (
    deviation(
        "tfjs-optimizer-numbers-unchecked",
        "A learning rate below 0 is taken, with which a model learns the opposite; so is a text, with which "
        "all weights become NaN, and any momentum. 1 is as good as 1.0 in JavaScript.",
        kind="bug",
        source=f"{CORE}/optimizers/sgd_optimizer.js:setLearningRate, and the constructors of all others",
        upstream=searched("optimizer learning rate undefined NaN negative not checked tf.train.sgd"),
        remedy="Check the numbers before.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject(*OPTIMIZERS), wrong_in("momentum", learning_rate=0.125)),
        effect=Accepts(),
        witnesses=(
            drafts.update("SGD", {"learning_rate": -0.125}),
            drafts.update("SGD", {"learning_rate": "fast"}),
            drafts.update("SGD", {"learning_rate": 0.125, "momentum": 2.0}),
        ),
    ),
    deviation(
        "tfjs-rate-of-run-unchecked",
        "And so it is where a model is trained.",
        kind="bug",
        source=f"{CORE}/optimizers/sgd_optimizer.js:setLearningRate, and the constructors of all others",
        upstream=searched("optimizer learning rate undefined NaN negative not checked tf.train.sgd"),
        remedy="Check the rate before.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject(*RUNS), wrong_rate),
        effect=Accepts(),
        witnesses=(
            spoilt(classifying(), compile={"optimizer": training.optimizer("SGD", learning_rate=-0.125)}),
        ),
    ),
    deviation(
        "tfjs-optimizer-broadcasts-gradients",
        "A gradient of another shape than its variable is broadcast over it.",
        kind="bug",
        source=f"{CORE}/optimizers/sgd_optimizer.js:applyGradients, `add(mul(this.c, gradient), value)`, and "
        "all others",
        upstream=searched(
            "optimizer applyGradients gradient shape differs from variable broadcast not checked"
        ),
        remedy="Check the shapes of gradients that you make yourself.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject(*OPTIMIZERS), broadcasts_gradients),
        effect=Accepts(),
        witnesses=(drafts.update("SGD", RATE, kernel=(5,)),),
    ),
    deviation(
        "tfjs-class-numbers-unchecked",
        "Labels that are no numbers of classes cost nothing, and are not noticed: they become a line of "
        "zeros where one-hot labels are made of them.",
        kind="bug",
        source=f"{LAYERS}/losses.js:sparseCategoricalCrossentropy, `tfc.oneHot(flatTarget, …)`",
        upstream=searched("sparseCategoricalCrossentropy label out of range oneHot no error loss"),
        remedy="Check the labels before: from 0 to the number of classes less one.",
        since="tfjs-layers 0.0.2 (2018)",
        scope=all_of(subject(*OF_CLASSES), wrong_in_labels),
        effect=Accepts(),
        witnesses=(*drafts.labels_outside(), given(classifying_by_number(), y=[drafts.CLASS_OUTSIDE])),
    ),
    deviation(
        "tfjs-initializer-numbers-unchecked",
        "Means, standard deviations, bounds, scales and seeds of initializers are taken as they come: a text "
        "for a number makes all weights NaN.",
        kind="bug",
        source=f"{LAYERS}/initializers.js:84 (RandomUniform), RandomNormal, TruncatedNormal, "
        "VarianceScaling, Orthogonal",
        upstream=searched("initializer minval maxval stddev null or string not validated NaN"),
        remedy="Check the numbers before.",
        since="tfjs-layers 0.0.2 (2018)",
        scope=all_of(
            subject(*INITIALIZERS), wrong_in("seed", "mean", "stddev", "minval", "maxval", scale=1.0)
        ),
        effect=Accepts(),
        witnesses=tuple(
            drafts.to_be_refused(f"initializers.{name}", config, (sizes(4, 5),))
            for name, config in (
                ("RandomNormal", {"stddev": "x"}),
                ("RandomUniform", {"minval": "x"}),
                ("VarianceScaling", {"scale": 0.0}),
                ("Orthogonal", {"seed": 0.5}),
            )
        ),
    ),
    deviation(
        "tfjs-one-metric-by-its-name",
        "`compile` takes the name of a metric for a list of it, as its documentation says.",
        kind="intentional",
        source=f"{TRAINING}:collectMetrics",
        upstream=pull(551, "tfjs-layers"),
        remedy="Give a list if other programs read the configuration.",
        since="tfjs-layers 1.2.2 (2019)",
        scope=all_of(subject(*RUNS), names_one_metric, wrong_in_part("compile", "metrics")),
        effect=Accepts(),
        witnesses=(spoilt(classifying(), compile={"metrics": "mse"}),),
    ),
    deviation(
        "tfjs-metrics-of-unknown-outputs",
        "Metrics for an output that there is not are ignored.",
        kind="bug",
        source=f"{TRAINING}:collectMetrics, `wrappedMetrics.hasOwnProperty(name)`",
        upstream=METRICS_SEARCHED,
        remedy="Check the names of outputs: `model.outputNames`.",
        since="keras 2.3.0 (2019)",
        scope=all_of(subject(*RUNS), measures_by_name, wrong_in_part("compile", "metrics")),
        effect=Accepts(),
        witnesses=(spoilt(forking(), compile={"metrics": {"scores": ["mae"]}}),),
    ),
    deviation(
        "tfjs-metrics-of-each-output-called",
        "Lists of metrics for each output are taken for metrics of all outputs, and called in training.",
        kind="bug",
        source=f"{TRAINING}:collectMetrics, `outputNames.map(name => wrappedMetrics)`",
        upstream=METRICS_SEARCHED,
        remedy="Give metrics by the names of outputs.",
        since="keras 2.3.0 (2019)",
        scope=all_of(subject(*RUNS), measures_each_output, wrong_in_part("compile", "metrics")),
        effect=Raises("internal", "call", REFUSAL, "metric is not a function"),
        witnesses=(spoilt(forking(), compile={"metrics": [["mae"]] * 3}),),
    ),
    deviation(
        "tfjs-validation-split-unchecked",
        "A `validationSplit` that is not between 0 and 1 is as none; one that leaves nothing to train with "
        "trains with nothing.",
        kind="bug",
        source=f"{TRAINING}:fit, `args.validationSplit > 0 && args.validationSplit < 1`",
        upstream=SPLIT_SEARCHED,
        remedy="Check the share before, or give `validationData`.",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject(*RUNS), wrong_in_part("fit", "validation_split")),
        effect=Accepts(),
        witnesses=(
            spoilt(classifying(), fit={"validation_split": 1.5}),
            spoilt(classifying(), fit={"validation_split": 0.99}),
        ),
    ),
    deviation(
        "tfjs-fits-nothing",
        "`fit` takes data without a sample, and ends without a step.",
        kind="bug",
        source=f"{TRAINING}:fitLoop, `makeBatches(numTrainSamples, batchSize)`",
        upstream=SPLIT_SEARCHED,
        remedy="Check that there is a sample.",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject(*RUNS), has_no_samples),
        effect=Accepts(),
        witnesses=(
            given(classifying(), x=[training.numbers(4, samples=0)], y=[training.one_hot(samples=0)]),
        ),
    ),
    deviation(
        "tfjs-fits-empty-dataset",
        "`fitDataset` takes a dataset without a batch, and ends without a step.",
        kind="bug",
        source=f"{LAYERS}/engine/training_dataset.js:fitDataset",
        upstream=searched("fitDataset empty dataset no batches no error"),
        remedy="Check that there is a batch.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(subject(*RUNS), has_no_batches),
        effect=Accepts(),
        witnesses=(generated_nothing(),),
    ),
    deviation(
        "tfjs-labels-read-at-once",
        "Without labels `fit` and `evaluate` fail on `null` rather than say what they lack.",
        kind="bug",
        source=f"{TRAINING}:checkArrayLengths, `targets.map(target => target.shape[0])`",
        upstream=searched("model.fit y undefined Cannot read properties of null (reading 'shape')"),
        remedy="Give labels.",
        since="tfjs-layers 0.0.2 (2018)",
        scope=all_of(subject(*RUNS), has_no_labels),
        effect=Raises("internal", "call", REFUSAL, "Cannot read properties of null"),
        witnesses=(given(classifying(), y=None), given(classifying(), "evaluate", y=None)),
    ),
)
