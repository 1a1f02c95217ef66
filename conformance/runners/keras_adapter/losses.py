"""Losses, as the cases about them ask Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.called import CalledExperiment
from conformance.runners.keras_adapter.passes import Pass, once
from conformance.runners.keras_adapter.runtime import keras


class LossExperiment(CalledExperiment):
    """A loss of `keras.losses`, called with labels, predictions and weights, or resolved from a name."""

    def calling(self, made: Any) -> Callable[[], Any]:
        def call() -> Any:
            y_true, y_pred, *weights = self.inputs
            if self.case.masks:
                y_pred._keras_mask = tf.constant(self.case.masks[0])
            return made(y_true, y_pred, *weights)

        return call

    def resolved(self) -> str:
        meant = keras.losses.get(self.case.config["identifier"])
        return str(getattr(meant, "__name__", type(meant).__name__))

    @once
    def called(self) -> Pass:
        """The one call; only predictions have a gradient."""
        gradient = any(name.startswith("gradient/") for name in self.case.observables)
        sources = {"input/1": self.inputs[1]} if gradient else {}
        return Pass(self.calling(self.made), sources, self.case.cotangents)
