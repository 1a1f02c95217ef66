"""Losses, as the cases about them ask Keras."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.configured import Configured
from conformance.runners.keras_adapter.passes import Pass, once
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import keras


class LossExperiment(Configured):
    """A loss of `keras.losses`, called with labels, predictions and weights, or resolved from a name."""

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable.split("/"):
            case ["output", index]:
                return self._pass.output(int(index))
            case ["gradient", *source]:
                return self._pass.gradient("/".join(source))
            case ["dtype"]:
                return self._pass.dtypes
            case ["refusal"]:
                self._pass.run()
                return None
            case ["reconstructed", "output", index]:
                return Pass(lambda: self._called(self.twin), {}, ()).output(int(index))
            case ["identifier"]:
                return self._canonical_name()
        return self.describe(observable)

    @once
    def _inputs(self) -> list[Any]:
        return [tf.constant(x) for x in self.case.inputs]

    def _called(self, loss: Any) -> Any:
        y_true, y_pred, *weights = self._inputs
        if self.case.masks:
            y_pred._keras_mask = tf.constant(self.case.masks[0])
        return loss(y_true, y_pred, *weights)

    @once
    def _pass(self) -> Pass:
        loss = self.made
        gradient = any(name.startswith("gradient/") for name in self.case.observables)
        sources = {"input/1": self._inputs[1]} if gradient else {}
        return Pass(lambda: self._called(loss), sources, self.case.cotangents)

    def _canonical_name(self) -> str:
        with at("construction"):
            meant = keras.losses.get(self.case.config["identifier"])
            return str(getattr(meant, "__name__", type(meant).__name__))
