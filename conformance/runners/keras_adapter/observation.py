"""One case, asked of Keras: each observable is a value or an error of its own, and all work is done once."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from conformance.runners.keras_adapter.activations import ActivationExperiment
from conformance.runners.keras_adapter.called import CalledExperiment
from conformance.runners.keras_adapter.exchange import ModelExperiment
from conformance.runners.keras_adapter.layers import LayerExperiment
from conformance.runners.keras_adapter.losses import LossExperiment
from conformance.runners.keras_adapter.messages import ConcreteCase, Message, of_value
from conformance.runners.keras_adapter.metrics import MetricExperiment
from conformance.runners.keras_adapter.optimizers import OptimizerExperiment
from conformance.runners.keras_adapter.refusals import Refusal, at
from conformance.runners.keras_adapter.runtime import api
from conformance.runners.keras_adapter.training import TrainingExperiment
from conformance.runners.keras_adapter.values import InitializerExperiment, ScheduleExperiment

_BEFORE_BUILDING = ("config", "reconstructed")


class Experiment(Protocol):
    """A case, asked for one observable after the other."""

    def ask(self, observable: str) -> Any:
        """The answer, an array or what JSON can hold.

        Raises:
            Refusal: Keras refused, or failed.
        """


EXPERIMENTS: dict[str, Callable[[ConcreteCase], Experiment]] = {
    "layers": LayerExperiment,
    "activations": ActivationExperiment,
    "losses": LossExperiment,
    "metrics": MetricExperiment,
    "optimizers": OptimizerExperiment,
    "schedules": ScheduleExperiment,
    "constraints": CalledExperiment,
    "regularizers": CalledExperiment,
    "initializers": InitializerExperiment,
    "models": ModelExperiment,
    "training": TrainingExperiment,
    "callbacks": TrainingExperiment,
}
"""By kind of subject, how it is asked."""


def observe(case: ConcreteCase) -> Message:
    """The answers to the case's observables, under fresh layer names and the case's seed.

    A configuration is asked for before the layer is built, since building may change it.
    """
    # Keras's own `set_random_seed` and `clear_session` would also empty TensorFlow's kernel cache, at several
    # times the cost of a case.
    api.reset_names()
    api.seed(case.seed)
    random.seed(case.seed)
    np.random.seed(case.seed % 2**32)
    experiment = EXPERIMENTS[case.subject.partition(".")[0]](case)
    first = sorted(case.observables, key=lambda name: name.split("/")[0] not in _BEFORE_BUILDING)
    answers = {name: _answer(experiment, name) for name in first}
    return {name: answers[name] for name in case.observables}


def _answer(experiment: Experiment, observable: str) -> Message:
    try:
        with at("call"):
            return of_value(experiment.ask(observable))
    except Refusal as refusal:
        return refusal.to_message()
