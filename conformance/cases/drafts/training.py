"""Drafts about training runs: short ones, on small models, in batches of which the last is smaller.

The quick corpus has one of each thing that can be got wrong in a loop over data; the standard corpus combines
them with losses, optimizers and kinds of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec

from conformance.cases.case import Case, Source
from conformance.cases.data import make
from conformance.cases.drafts.draft import keyed, recipe
from conformance.cases.drafts.models.sketch import JSONObject, Sketch, described, sequential
from conformance.cases.models import configuration, weight_name
from conformance.cases.subjects.training import TrainingSubject
from conformance.cases.training import METHODS, PARTS
from conformance.reference_impl.models import Model

SAMPLES = 7
"""In batches of 3 or 4 the last is smaller."""

REGIMES = {"moving_variance": "positive", "gamma": "positive", "recurrent_kernel": "small_normal"}
"""Of weights, by the last parts of their names; others are normal."""


def optimizer(class_name: str, **config: Any) -> JSONObject:
    """With numbers that float32 can represent."""
    return {"class_name": class_name, "config": {"learning_rate": 0.125, **config}}


SGD = optimizer("SGD")
MOMENTUM = optimizer("SGD", momentum=0.75)
ADAM = optimizer("Adam", beta_1=0.75, beta_2=0.875, epsilon=2.0**-10)
RMSPROP = optimizer("RMSprop", rho=0.75, epsilon=2.0**-10)
LION = optimizer("Lion", beta_1=0.75, beta_2=0.5)
ADAGRAD = optimizer("Adagrad", initial_accumulator_value=0.125, epsilon=2.0**-20)


def dense(name: str, units: int, **config: Any) -> JSONObject:
    return described("Dense", name, {"units": units, **config})


LINE = sequential("line", (4,), dense("top", 1))
CLASSES = sequential(
    "classes", (4,), dense("hidden", 5, activation="tanh"), dense("top", 3, activation="softmax")
)
L1 = {"class_name": "L1", "config": {"l1": 0.0625}}
L2 = {"class_name": "L2", "config": {"l2": 0.125}}
PENALIZED = sequential(
    "penalized",
    (4,),
    dense("hidden", 5, activation="tanh", kernel_regularizer=L2, bias_regularizer=L1),
    dense("top", 1),
)
NORMALIZED = sequential(
    "normalized",
    (4,),
    dense("hidden", 5),
    described("BatchNormalization", "norm", {"momentum": 0.75, "epsilon": 0.125}),
    dense("top", 1),
)
FROZEN = sequential(
    "frozen",
    (4,),
    dense("hidden", 5, activation="tanh", trainable=False),
    dense("top", 1),
)


def draft(
    model: JSONObject,
    x: Sequence[Source],
    y: Sequence[Source],
    compiled: Mapping[str, Any],
    *,
    sample_weight: Sequence[Source] = (),
    validation: Sequence[Sequence[Source]] = (),
    batches: Sequence[int] = (),
    validation_batches: Sequence[int] = (),
    once: bool = False,
    callback: tuple[str, JSONObject] | None = None,
    regimes: Mapping[str, str] = MappingProxyType({}),
    **methods: Any,
) -> Case:
    """A case about a model, compiled so, and the methods that are given with their arguments; it asks all
    that they tell.

    Args:
        x, y, sample_weight: an array for each input, for each output, and for none, all or each of these.
        validation: the same once more.
        batches, validation_batches: the sizes of batches that are given, in the place of arrays.
        once: whether these batches can be gone through once alone.
        callback: the name and the arguments of the one that the case is about.
        regimes: of weights, by the ends of their names.
    """
    subject = f"training.{model['class_name']}" if callback is None else f"callbacks.{callback[0]}"
    inputs: list[Source] = []

    def placed(names: Sequence[str], sources: Sequence[Sequence[Source]]) -> dict[str, list[int]]:
        places = {}
        for name, given in zip(names, sources, strict=False):
            if given:
                places[name] = [*range(len(inputs), len(inputs) + len(given))]
                inputs.extend(given)
        return places

    def given(sources: Sequence[Sequence[Source]], sizes: Sequence[int]) -> JSONObject:
        in_batches: JSONObject = {"batches": [*sizes]} if sizes else {}
        return placed(PARTS, sources) | in_batches

    data = given((x, y, sample_weight), batches) | ({"once": True} if once else {})
    if validation:
        data["validation"] = given(validation, validation_batches)
    config = {"model": model["config"], "compile": dict(compiled), "data": data, **methods}
    if callback is not None:
        config["callback"] = callback[1]
    asked = Case(subject, config)
    declared = {
        weight_name(path, w.name): recipe(
            regime_of(weight_name(path, w.name), regimes), *w.shape, dtype=w.dtype or "float32"
        )
        for path, own in Model.from_config(configuration(asked)).declare_weights().items()
        for w in own
    }
    case = msgspec.structs.replace(
        asked,
        inputs=tuple(keyed(x, subject, config, f"input/{i}") for i, x in enumerate(inputs)),
        weights={name: keyed(x, subject, config, f"weight/{name}") for name, x in declared.items()},
    )
    run, made = TrainingSubject(case), make(case)
    told = [name for method in METHODS if method in methods for name in run.run(method, made, {})]
    return msgspec.structs.replace(case, observables=tuple(told))


def regime_of(weight: str, regimes: Mapping[str, str]) -> str:
    """The regime of the weight of that name."""
    known = {**REGIMES, **regimes}
    return next((regime for ending, regime in known.items() if weight.endswith(ending)), "normal")


def numbers(*shape: int, samples: int = SAMPLES) -> Source:
    return recipe("normal", samples, *shape)


def by_number(classes: int = 3, samples: int = SAMPLES) -> Source:
    return recipe(f"indices:{classes}", samples, 1)


def one_hot(classes: int = 3, samples: int = SAMPLES) -> Source:
    return recipe("one_hot", samples, classes)


def weights(samples: int = SAMPLES) -> Source:
    return recipe("weights", samples)


def forked() -> JSONObject:
    """One input, and two outputs: a number and a class."""
    sketch = Sketch("forked")
    x = sketch.layer("Dense", "hidden", sketch.input("x", 4), units=5, activation="tanh")
    score = sketch.layer("Dense", "score", x, units=1)
    return sketch.described(score, sketch.layer("Dense", "kind", x, units=3, activation="softmax"))


# The quick corpus


def last_batch_is_smaller() -> Case:
    """A mean over batches counts the samples, and an epoch begins anew."""
    return draft(
        CLASSES, [numbers(4)], [one_hot()],
        {"optimizer": SGD, "loss": "categorical_crossentropy", "metrics": ["mse"]},
        fit={"epochs": 2, "batch_size": 4}, evaluate={"batch_size": 4}, predict={"batch_size": 4},
    )  # fmt: skip


def penalties() -> Case:
    """They are part of the loss, in training and in evaluation."""
    return draft(
        PENALIZED, [numbers(4)], [numbers(1)], {"optimizer": ADAM, "loss": "mean_squared_error"},
        fit={"batch_size": 4}, evaluate={"batch_size": 3},
    )  # fmt: skip


def normalization() -> Case:
    """Means and variances move with every batch, in training alone; validation data change nothing."""
    return draft(
        NORMALIZED, [numbers(4)], [numbers(1)], {"optimizer": SGD, "loss": "mean_squared_error"},
        validation=[[numbers(4, samples=5)], [numbers(1, samples=5)]],
        fit={"epochs": 2, "batch_size": 4},
    )  # fmt: skip


def weighted_classes() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()], {"optimizer": MOMENTUM, "loss": "categorical_crossentropy"},
        fit={"batch_size": 4, "class_weight": {"0": 0.5, "1": 1.0, "2": 3.0}},
    )  # fmt: skip


def weighted_samples() -> Case:
    return draft(
        LINE, [numbers(4)], [numbers(1)],
        {"optimizer": SGD, "loss": "mean_squared_error", "metrics": ["mae"]},
        sample_weight=[weights()], fit={"batch_size": 4}, evaluate={"batch_size": 4},
    )  # fmt: skip


def several_outputs() -> Case:
    return draft(
        forked(), [numbers(4)], [numbers(1), one_hot()],
        {"optimizer": SGD, "loss": ["mean_squared_error", "categorical_crossentropy"]},
        fit={"batch_size": 4}, evaluate={"batch_size": 4}, predict={"batch_size": 4},
    )  # fmt: skip


def one_batch_at_a_time() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()],
        {"optimizer": MOMENTUM, "loss": "categorical_crossentropy", "metrics": ["mse"]},
        train_on_batch=[4, 3], test_on_batch=[4, 3],
    )  # fmt: skip


# The standard corpus


def accuracy() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()],
        {"optimizer": SGD, "loss": "categorical_crossentropy", "metrics": ["accuracy", "mae"]},
        validation=[[numbers(4, samples=3)], [one_hot(samples=3)]],
        fit={"epochs": 2, "batch_size": 3}, evaluate={"batch_size": 3},
    )  # fmt: skip


def masked_steps() -> Case:
    """Steps of zeros are left out, where a mask hides them."""
    model = sequential(
        "masked", (5, 1), described("Masking", "masking", {}),
        described("SimpleRNN", "rnn", {"units": 4, "return_sequences": True}), dense("top", 2),
    )  # fmt: skip
    return draft(
        model, [recipe("signed_zeros", SAMPLES, 5, 1)], [numbers(5, 2)],
        {"optimizer": SGD, "loss": "mean_squared_error"},
        fit={"batch_size": 4}, evaluate={"batch_size": 4}, predict={"batch_size": 4},
    )  # fmt: skip


def weighted_samples_on_batch() -> Case:
    return draft(
        LINE, [numbers(4)], [numbers(1)], {"optimizer": SGD, "loss": "mean_squared_error"},
        sample_weight=[weights()], train_on_batch=[4, 3], test_on_batch=[4, 3],
    )  # fmt: skip


def weighted_metrics() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()],
        {
            "optimizer": ADAGRAD, "loss": "categorical_crossentropy",
            "metrics": ["accuracy"], "weighted_metrics": ["accuracy", "mse"],
        },
        sample_weight=[weights()], fit={"batch_size": 4, "epochs": 2}, evaluate={"batch_size": 3},
    )  # fmt: skip


def some_classes_weighted() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()], {"optimizer": SGD, "loss": "categorical_crossentropy"},
        fit={"batch_size": 3, "class_weight": {"0": 0.5, "2": 2.0}},
    )  # fmt: skip


def weighted_losses() -> Case:
    return draft(
        forked(), [numbers(4)], [numbers(1), one_hot()],
        {
            "optimizer": SGD, "loss": ["mean_squared_error", "categorical_crossentropy"],
            "loss_weights": [0.25, 2.0], "metrics": [["mae"], ["accuracy"]],
        },
        fit={"batch_size": 4}, evaluate={"batch_size": 4},
    )  # fmt: skip


def validated_now_and_then() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()], {"optimizer": SGD, "loss": "categorical_crossentropy"},
        fit={
            "epochs": 3, "batch_size": 4, "validation_split": 0.25, "validation_freq": 2,
            "validation_batch_size": 1,
        },
    )  # fmt: skip


def split_off() -> Case:
    """The last samples are for validation."""
    return draft(
        PENALIZED, [numbers(4)], [numbers(1)], {"optimizer": SGD, "loss": "mean_squared_error"},
        fit={"epochs": 2, "batch_size": 3, "validation_split": 0.5},
    )  # fmt: skip


def epochs_cut_short() -> Case:
    return draft(
        LINE, [numbers(4)], [numbers(1)], {"optimizer": SGD, "loss": "mean_squared_error"},
        fit={"epochs": 2, "batch_size": 2, "steps_per_epoch": 2},
    )  # fmt: skip


def later_epochs() -> Case:
    return draft(
        LINE, [numbers(4)], [numbers(1)], {"optimizer": SGD, "loss": "mean_squared_error"},
        fit={"initial_epoch": 2, "epochs": 4, "batch_size": 4},
    )  # fmt: skip


def frozen() -> Case:
    return draft(
        FROZEN, [numbers(4)], [numbers(1)], {"optimizer": ADAM, "loss": "mean_squared_error"},
        fit={"batch_size": 4},
    )  # fmt: skip


def stateful() -> Case:
    """A state goes on from batch to batch, in every method."""
    first = described("InputLayer", "stateful_input", {"batch_shape": [2, 3, 2], "dtype": "float32"})
    rnn = described("SimpleRNN", "rnn", {"units": 3, "stateful": True})
    return draft(
        described("Sequential", "stateful", {"layers": [first, rnn, dense("top", 1)]}),
        [numbers(3, 2, samples=6)], [numbers(1, samples=6)],
        {"optimizer": SGD, "loss": "mean_squared_error"},
        fit={"batch_size": 2}, evaluate={"batch_size": 2}, predict={"batch_size": 2},
    )  # fmt: skip


def images() -> Case:
    return draft(
        sequential(
            "images", (6, 6, 1),
            described("Conv2D", "conv", {"filters": 3, "kernel_size": 3, "activation": "tanh"}),
            described("AveragePooling2D", "pool", {"pool_size": 2}), described("Flatten", "flat", {}),
            dense("top", 3, activation="softmax"),
        ),
        [numbers(6, 6, 1)], [one_hot()],
        {"optimizer": MOMENTUM, "loss": "categorical_crossentropy", "metrics": ["accuracy"]},
        fit={"batch_size": 4}, evaluate={"batch_size": 4}, predict={"batch_size": 4},
    )  # fmt: skip


def constrained() -> Case:
    """Weights are brought under their constraints after each step."""
    positive = {"class_name": "NonNeg", "config": {}}
    return draft(
        sequential(
            "constrained", (4,),
            dense("hidden", 5, kernel_constraint=positive, bias_constraint=positive),
            dense("top", 1),
        ),
        [numbers(4)], [numbers(1)], {"optimizer": SGD, "loss": "mean_squared_error"},
        regimes={"hidden/kernel": "positive", "hidden/bias": "positive"}, fit={"batch_size": 4},
    )  # fmt: skip


def towers() -> JSONObject:
    """Two inputs through one layer."""
    sketch = Sketch("shared")
    left, right = sketch.input("left", 4), sketch.input("right", 4)
    x = sketch.layer("Dense", "tower", left, units=3, activation="tanh")
    y = sketch.again("tower", right)
    times = sketch.layer("Multiply", "times", x, y)
    return sketch.described(sketch.layer("Dense", "top", times, units=1))


def shared() -> Case:
    """The gradient of a layer that is called twice is the sum of both."""
    return draft(
        towers(), [numbers(4), numbers(4)], [numbers(1)], {"optimizer": SGD, "loss": "mean_squared_error"},
        fit={"batch_size": 4}, evaluate={"batch_size": 4}, predict={"batch_size": 4},
    )  # fmt: skip


def nested() -> Case:
    """A model inside a model, whose weights are trained too."""
    tower = sequential("tower", (4,), dense("low", 3, activation="tanh"), dense("high", 2))
    sketch = Sketch("nested")
    x = sketch.add(tower, sketch.input("x", 4))
    return draft(
        sketch.described(sketch.layer("Dense", "top", x, units=1)),
        [numbers(4)], [numbers(1)], {"optimizer": MOMENTUM, "loss": "mean_squared_error"},
        fit={"batch_size": 4}, predict={"batch_size": 3},
    )  # fmt: skip


def with_optimizer(given: JSONObject) -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()], {"optimizer": given, "loss": "categorical_crossentropy"},
        fit={"batch_size": 4}, train_on_batch=[3],
    )  # fmt: skip


def with_loss(loss: str) -> Case:
    top = {"binary_crossentropy": "sigmoid", "poisson": "softplus"}.get(loss, "linear")
    labels = {"binary_crossentropy": "zeros_and_ones", "poisson": "positive"}.get(loss, "normal")
    hidden = dense("hidden", 5, activation="tanh")
    return draft(
        sequential("regression", (4,), hidden, dense("top", 2, activation=top)),
        [numbers(4)], [recipe(labels, SAMPLES, 2)], {"optimizer": SGD, "loss": loss},
        fit={"batch_size": 4}, evaluate={"batch_size": 4},
    )  # fmt: skip


def likely() -> Case:
    """A ratio of counts of what is more likely than not."""
    return draft(
        sequential("likely", (4,), dense("top", 1, activation="sigmoid")),
        [numbers(4)], [recipe("zeros_and_ones", SAMPLES, 1)],
        {"optimizer": SGD, "loss": "binary_crossentropy", "metrics": ["precision"]},
        fit={"batch_size": 4}, evaluate={"batch_size": 4},
    )  # fmt: skip


OPTIMIZERS = (
    optimizer("SGD", momentum=0.75, nesterov=True),
    RMSPROP,
    optimizer("Adamax", beta_1=0.75, beta_2=0.875, epsilon=2.0**-10),
    optimizer("Adadelta", rho=0.75, epsilon=2.0**-10),
    optimizer("AdamW", beta_1=0.75, beta_2=0.875, epsilon=2.0**-10, weight_decay=0.25),
    optimizer("Nadam", beta_1=0.75, beta_2=0.875, epsilon=2.0**-10),
    LION,
    optimizer("Ftrl"),
    optimizer("SGD", clipnorm=0.5),
)

NAMED = ("adam", "sgd", "rmsprop", "adagrad", "adadelta", "adamax", "nadam")

LOSSES = (
    "binary_crossentropy",
    "poisson",
    "mean_absolute_error",
    "mean_squared_logarithmic_error",
)


def by_class_number() -> Case:
    return draft(
        CLASSES, [numbers(4)], [by_number()],
        {"optimizer": ADAM, "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        fit={"batch_size": 4}, evaluate={"batch_size": 4},
    )  # fmt: skip


def named(optimizer: str, loss: str = "mean_squared_error") -> Case:
    """With the arguments of each that are there where nothing but a name is given."""
    return draft(
        LINE, [numbers(4)], [numbers(1)], {"optimizer": optimizer, "loss": loss},
        fit={"batch_size": 4, "epochs": 2},
    )  # fmt: skip


def instances(loss: JSONObject, *metrics: JSONObject | str) -> Case:
    """A loss and metrics that are made with arguments of their own."""
    return draft(
        CLASSES, [numbers(4)], [one_hot()], {"optimizer": SGD, "loss": loss, "metrics": [*metrics]},
        fit={"batch_size": 4}, evaluate={"batch_size": 4},
    )  # fmt: skip


def instance(class_name: str, **config: Any) -> JSONObject:
    return {"class_name": class_name, "config": config}


def ignored_class() -> Case:
    """A metric leaves out the samples of one class."""
    return draft(
        CLASSES, [numbers(4)], [by_number()],
        {
            "optimizer": SGD, "loss": "sparse_categorical_crossentropy",
            "metrics": [instance("SparseCategoricalCrossentropy", ignore_class=2)],
        },
        fit={"batch_size": 4, "epochs": 2}, evaluate={"batch_size": 4},
    )  # fmt: skip


def alike() -> Case:
    """A metric that is the better the higher it is, and a loss of the same name that is not."""
    return draft(
        sequential("vectors", (4,), dense("top", 3)), [numbers(4)], [numbers(3)],
        {"optimizer": SGD, "loss": "mean_squared_error", "metrics": [instance("CosineSimilarity")]},
        train_on_batch=[4, 3], evaluate={"batch_size": 4},
    )  # fmt: skip


def counted() -> Case:
    """A ratio of counts, which is no mean over batches; what is predicted is 0 or 1."""
    return draft(
        sequential("decided", (4,), dense("top", 1, use_bias=False)),
        [one_hot(4, samples=9)], [recipe("zeros_and_ones", 9, 1)],
        {"optimizer": SGD, "loss": "mean_squared_error", "metrics": ["precision"]},
        regimes={"top/kernel": "zeros_and_ones"}, evaluate={"batch_size": 4},
    )  # fmt: skip


STANDARD: tuple[Callable[[], Case], ...] = (
    accuracy,
    masked_steps,
    weighted_samples_on_batch,
    weighted_metrics,
    some_classes_weighted,
    weighted_losses,
    validated_now_and_then,
    split_off,
    epochs_cut_short,
    later_epochs,
    frozen,
    stateful,
    images,
    constrained,
    shared,
    nested,
    by_class_number,
    ignored_class,
    alike,
    counted,
    likely,
    *(partial(named, name) for name in NAMED),
    partial(named, "adam", "mse"),
    partial(instances, instance("MeanSquaredError"), instance("MeanSquaredError")),
    partial(instances, instance("MeanSquaredError", reduction="sum"), "mae"),
    partial(instances, instance("MeanSquaredError"), "cosine_similarity"),
    partial(
        instances,
        instance("CategoricalCrossentropy", label_smoothing=0.125),
        instance("CategoricalAccuracy", name="right"),
    ),
    *(partial(with_optimizer, given) for given in OPTIMIZERS),
    *(partial(with_loss, loss) for loss in LOSSES),
)


QUICK: tuple[Callable[[], Case], ...] = (
    last_batch_is_smaller,
    penalties,
    normalization,
    weighted_classes,
    weighted_samples,
    several_outputs,
    one_batch_at_a_time,
)


def drafts() -> Iterator[Case]:
    return (drafted() for drafted in QUICK)


def more() -> Iterator[Case]:
    """What the standard corpus has beyond them."""
    return (drafted() for drafted in STANDARD)
