"""Functions of Keras with a configuration, as the cases about them ask: constraints, regularizers, losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.configured import Configured
from conformance.runners.keras_adapter.passes import Pass, once, recorded_if_asked
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import keras


class CalledExperiment(Configured):
    """A function with a configuration, called with the case's inputs, or resolved from a name."""

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable.split("/"):
            case ["output", index]:
                return self.called.output(int(index))
            case ["gradient", *source]:
                return self.called.gradient("/".join(source))
            case ["dtype"]:
                return self.called.dtypes
            case ["refusal"]:
                self.called.run()
                return None
            case ["reconstructed", "output", index]:
                return Pass(self.calling(self.twin), {}, ()).output(int(index))
            case ["identifier"]:
                with at("construction"):
                    return self.resolved()
        return self.describe(observable)

    def calling(self, made: Any) -> Callable[[], Any]:
        """The call of what a configuration has made."""
        return lambda: made(*self.inputs)

    def resolved(self) -> str:
        """The name of what the case's identifier means."""
        module = getattr(keras, self.case.subject.partition(".")[0])
        return type(module.get(self.case.config["identifier"])).__name__

    @once
    def inputs(self) -> list[Any]:
        return [tf.constant(x) for x in self.case.inputs]

    @once
    def called(self) -> Pass:
        """The one call."""
        return recorded_if_asked(self.case, "", self.calling(self.made), self.inputs, {})
