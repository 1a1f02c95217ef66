"""Constraints, regularizers, initializers and schedules, as the cases about them ask Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.called import CalledExperiment
from conformance.runners.keras_adapter.configured import settled_by_seed
from conformance.runners.keras_adapter.runtime import to_array

ASKED = {
    "constraints": ["output/*", "dtype", "config", "reconstructed/*", "signature", "identifier", "refusal"],
    "regularizers": ["output/*", "gradient/input/0", "dtype", "config", "reconstructed/*", "signature",
                     "identifier", "refusal"],
    "schedules": ["output/*", "dtype", "config", "reconstructed/*", "signature", "refusal"],
    "initializers": ["output/*", "drawn", "seeds", "dtype", "config", "reconstructed/*", "signature",
                     "identifier", "refusal"],
}  # fmt: skip
"""Patterns of observables by kind of subject."""


class InitializerExperiment(CalledExperiment):
    """An initializer of `keras.initializers`, called with a shape."""

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable:
            case "drawn":
                return self.called.output(0)
            case "seeds":
                return self._settled_by_seed()
        return super().ask(observable)

    def calling(self, made: Any) -> Callable[[], Any]:
        (shape,) = self.case.inputs
        return lambda: made(tuple(map(int, shape)))

    def _settled_by_seed(self) -> dict[str, bool]:
        def made(seed: int | None) -> Callable[[], bytes]:
            calling = self.calling(self.construct(seed=seed))
            return lambda: to_array(calling()).tobytes()

        return settled_by_seed(made, self.case.config["seed"])


class ScheduleExperiment(CalledExperiment):
    """A schedule of `keras.optimizers.schedules`, called with one step after the other."""

    def calling(self, made: Any) -> Callable[[], Any]:
        (steps,) = self.case.inputs
        return lambda: tf.stack([made(int(step)) for step in steps])
