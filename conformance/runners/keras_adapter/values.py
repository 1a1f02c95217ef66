"""Constraints, regularizers, initializers and schedules, as the cases about them ask Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.configured import Configured
from conformance.runners.keras_adapter.passes import Pass, once, recorded_if_asked
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import keras, to_array

ASKED = {
    "constraints": ["output/*", "dtype", "config", "reconstructed/*", "signature", "identifier", "refusal"],
    "regularizers": ["output/*", "gradient/input/0", "dtype", "config", "reconstructed/*", "signature",
                     "identifier", "refusal"],
    "schedules": ["output/*", "dtype", "config", "reconstructed/*", "signature", "refusal"],
    "initializers": ["output/*", "drawn", "seeds", "dtype", "config", "reconstructed/*", "signature",
                     "identifier", "refusal"],
}  # fmt: skip
"""Patterns of observables by kind of subject."""


class WeightExperiment(Configured):
    """A constraint of `keras.constraints` or a regularizer of `keras.regularizers`, called with a weight."""

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
                return Pass(self._calling(self.twin), {}, ()).output(int(index))
            case ["identifier"]:
                with at("construction"):
                    module = getattr(keras, self.case.subject.partition(".")[0])
                    return type(module.get(self.case.config["identifier"])).__name__
        return self.describe(observable)

    def _calling(self, made: Any) -> Callable[[], Any]:
        return lambda: made(*self._inputs)

    @once
    def _inputs(self) -> list[Any]:
        return [tf.constant(x) for x in self.case.inputs]

    @once
    def _pass(self) -> Pass:
        return recorded_if_asked(self.case, "", self._calling(self.made), self._inputs, {})


class InitializerExperiment(WeightExperiment):
    """An initializer of `keras.initializers`, called with a shape."""

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable:
            case "drawn":
                return self._pass.output(0)
            case "seeds":
                return self._settled_by_seed()
        return super().ask(observable)

    def _calling(self, made: Any) -> Callable[[], Any]:
        (shape,) = self.case.inputs
        return lambda: made(tuple(map(int, shape)))

    def _settled_by_seed(self) -> dict[str, bool]:
        seed = self.case.config["seed"]

        def made(seed: int | None) -> Callable[[], bytes]:
            calling = self._calling(self.construct(seed=seed))
            return lambda: to_array(calling()).tobytes()

        settled = made(seed)
        first = settled()
        return {
            "same_seed": first == made(seed)(),
            "other_seed": first == made(seed + 1)(),
            "without_seed": made(None)() == made(None)(),
            "next_call": first == settled(),
        }


class ScheduleExperiment(WeightExperiment):
    """A schedule of `keras.optimizers.schedules`, called with one step after the other."""

    def _calling(self, made: Any) -> Callable[[], Any]:
        (steps,) = self.case.inputs
        return lambda: tf.stack([made(int(step)) for step in steps])
