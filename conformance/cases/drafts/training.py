"""Drafts about training runs: short ones, on small models, in batches of which the last is smaller.

The quick corpus has one of each thing that can be got wrong in a loop over data; the standard corpus combines
them with losses, optimizers and kinds of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from conformance.cases.case import Case, Source
from conformance.cases.data import make
from conformance.cases.drafts.draft import keyed, recipe
from conformance.cases.drafts.models.sketch import JSONObject, Sketch, described, sequential
from conformance.cases.models import configuration, weight_name
from conformance.cases.subjects.training import TrainingSubject
from conformance.cases.training import METHODS
from conformance.reference_impl.models import Model

SAMPLES = 7
"""In batches of 3 or 4 the last is smaller."""

REGIMES = {"moving_variance": "positive", "gamma": "positive", "recurrent_kernel": "small_normal"}
"""Of weights, by the last parts of their names; others are normal."""


PARTS = ("x", "y", "sample_weight")


def optimizer(class_name: str, **config: Any) -> JSONObject:
    """With numbers that float32 can represent."""
    return {"class_name": class_name, "config": {"learning_rate": 0.125, **config}}


SGD = optimizer("SGD")
MOMENTUM = optimizer("SGD", momentum=0.75)
ADAM = optimizer("Adam", beta_1=0.75, beta_2=0.875, epsilon=2.0**-10)
RMSPROP = optimizer("RMSprop", rho=0.75, epsilon=2.0**-10)
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
    **methods: Any,
) -> Case:
    """A case about a model, compiled so, and the methods that are given with their arguments; it asks all
    that they tell.

    Args:
        x, y, sample_weight: an array for each input, for each output, and for none, all or each of these.
        validation: the same once more.
    """
    subject = f"training.{model['class_name']}"
    inputs: list[Source] = []

    def placed(names: Sequence[str], sources: Sequence[Sequence[Source]]) -> dict[str, list[int]]:
        places = {}
        for name, given in zip(names, sources, strict=False):
            if given:
                places[name] = [*range(len(inputs), len(inputs) + len(given))]
                inputs.extend(given)
        return places

    data: JSONObject = placed(PARTS, (x, y, sample_weight))
    if validation:
        data["validation"] = placed(PARTS, validation)
    config = {"model": model["config"], "compile": dict(compiled), "data": data, **methods}
    asked = Case(subject, config)
    shapes = [source.shape for source in x]
    declared = {
        weight_name(path, w.name): recipe(regime_of(w.name), *w.shape, dtype=w.dtype or "float32")
        for path, own in Model.from_config(configuration(asked)).declare_weights(shapes).items()
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


def regime_of(weight: str) -> str:
    """The regime of the weight of that name."""
    return next((regime for ending, regime in REGIMES.items() if weight.endswith(ending)), "normal")


def numbers(*shape: int, samples: int = SAMPLES) -> Source:
    return recipe("normal", samples, *shape)


def by_number(classes: int = 3, samples: int = SAMPLES) -> Source:
    return recipe(f"indices:{classes}", samples, 1)


def one_hot(classes: int = 3, samples: int = SAMPLES) -> Source:
    return recipe("one_hot", samples, classes)


def weights(samples: int = SAMPLES) -> Source:
    return recipe("weights", samples)


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
        {"optimizer": SGD, "loss": "mean_squared_error", "metrics": ["mae"], "weighted_metrics": ["mse"]},
        sample_weight=[weights()], fit={"batch_size": 4}, evaluate={"batch_size": 4},
    )  # fmt: skip


def several_outputs() -> Case:
    return draft(
        forked(), [numbers(4)], [numbers(1), one_hot()],
        {"optimizer": SGD, "loss": ["mean_squared_error", "categorical_crossentropy"]},
        fit={"batch_size": 4}, evaluate={"batch_size": 4}, predict={"batch_size": 4},
    )  # fmt: skip


def stopping_early() -> Case:
    """An optimizer that makes it worse, and patience for one epoch."""
    return draft(
        LINE, [numbers(4)], [numbers(1)],
        {"optimizer": optimizer("SGD", learning_rate=2.0), "loss": "mean_squared_error"},
        fit={
            "batch_size": 4, "epochs": 5,
            "callbacks": [["EarlyStopping", {"monitor": "loss", "patience": 1, "mode": "min"}]],
        },
    )  # fmt: skip


def one_batch_at_a_time() -> Case:
    return draft(
        CLASSES, [numbers(4)], [one_hot()],
        {"optimizer": MOMENTUM, "loss": "categorical_crossentropy", "metrics": ["mse"]},
        train_on_batch=[4, 3], test_on_batch=[4, 3],
    )  # fmt: skip


def forked() -> JSONObject:
    """One input, and two outputs: a number and a class."""
    sketch = Sketch("forked")
    x = sketch.layer("Dense", "hidden", sketch.input("x", 4), units=5, activation="tanh")
    score = sketch.layer("Dense", "score", x, units=1)
    return sketch.described(score, sketch.layer("Dense", "kind", x, units=3, activation="softmax"))


QUICK: tuple[Callable[[], Case], ...] = (
    last_batch_is_smaller,
    penalties,
    normalization,
    weighted_classes,
    weighted_samples,
    several_outputs,
    stopping_early,
    one_batch_at_a_time,
)


def drafts() -> Iterator[Case]:
    return (drafted() for drafted in QUICK)
