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
from conformance.cases.drafts.models.sketch import Sketch, described, sequential
from conformance.cases.models import configuration, weight_name
from conformance.cases.subjects.training import TrainingSubject
from conformance.cases.training import METHODS
from conformance.reference_impl.models import Model

JSONObject = dict[str, Any]

SAMPLES = 7
"""In batches of 3 or 4 the last is smaller."""

REGIMES = {"moving_variance": "positive", "gamma": "positive", "recurrent_kernel": "small_normal"}
"""Of weights, by the last parts of their names; others are normal."""


def optimizer(class_name: str, **config: Any) -> JSONObject:
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
    sources: Mapping[str, Sequence[Source]],
    compiled: Mapping[str, Any],
    **methods: Any,
) -> Case:
    """A case about a model, compiled so, and the methods that are given with their arguments; it asks all that
    they tell.

    Args:
        sources: for `x`, `y`, `sample_weight`, and `validation_x` and so on, an array for each input or output.
    """
    subject = f"training.{model['class_name']}"
    inputs: list[Source] = []
    places: JSONObject = {}
    for name, given in sources.items():
        part, _, rest = name.rpartition("validation_")
        own = places.setdefault("validation", {}) if name != rest else places
        own[rest] = [*range(len(inputs), len(inputs) + len(given))]
        inputs += given
    asked = Case(subject, {"model": model["config"], "compile": dict(compiled), "data": places, **methods})
    config = asked.config
    shapes = [source.shape for source in sources["x"]]
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
    run, data = TrainingSubject(case), make(case)
    told = [name for method in METHODS if method in methods for name in run.run(method, data, {})]
    return msgspec.structs.replace(case, observables=tuple(told))


def regime_of(weight: str) -> str:
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
        CLASSES,
        {"x": [numbers(4)], "y": [one_hot()]},
        {"optimizer": SGD, "loss": "categorical_crossentropy", "metrics": ["mse"]},
        fit={"epochs": 2, "batch_size": 4},
        evaluate={"batch_size": 4},
        predict={"batch_size": 4},
    )


QUICK: tuple[Callable[[], Case], ...] = (last_batch_is_smaller,)


def drafts() -> Iterator[Case]:
    return (make_case() for make_case in QUICK)
