"""Metrics, as the cases about them ask Keras."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.configured import Configured, serialized
from conformance.runners.keras_adapter.passes import once
from conformance.runners.keras_adapter.refusals import Refusal, at
from conformance.runners.keras_adapter.runtime import keras, to_array
from conformance.runners.keras_adapter.subjects import arguments
from conformance.runners.wire import Array

STREAM = ["result/*", "state/*", "dtype", "config", "reconstructed/*", "signature", "identifier", "refusal"]
"""Patterns of the observables of a metric."""


class MetricExperiment(Configured):
    """A metric of `keras.metrics` that is updated with one batch after the other, or resolved from a name."""

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable.split("/"):
            case ["result" | "state", *_]:
                return self._seen(observable)
            case ["dtype"]:
                return [self._seen("result/0").dtype.name]
            case ["refusal"]:
                self._updated(self.made).result()
                return None
            case ["config"]:
                return serialized(self.config)
            case ["reconstructed", "config"]:
                return serialized(self.twin.get_config())
            case ["reconstructed", "result"]:
                return to_array(self._updated(self.twin).result())
            case ["signature"]:
                return {"arguments": arguments(self.cls)}
            case ["identifier"]:
                with at("construction"):
                    return type(keras.metrics.get(self.case.config["identifier"])).__name__
        raise ValueError(f"a metric has no observable {observable!r}")

    def construct(self, **changed: Any) -> Any:
        """As `Configured.construct`; a function that the metric wraps is told as Keras serialises it."""
        cls, config = self.cls, {**self.case.config, **changed}
        with at("construction"):
            return cls.from_config(config)

    def _seen(self, observable: str) -> Array:
        answer = self._streamed[observable]
        if isinstance(answer, Refusal):
            raise answer
        return answer

    @once
    def _updates(self) -> list[dict[str, Any]]:
        """The arguments of each update."""
        of: dict[int, dict[str, Any]] = {}
        for key, x in self.case.weights.items():
            number, _, argument = key.partition("/")
            of.setdefault(int(number), {})[argument] = tf.constant(x)
        return [of[number] for number in sorted(of)]

    def _updated(self, metric: Any) -> Any:
        """The metric after all updates."""
        with at("call"):
            for update in self._updates:
                metric.update_state(**update)
        return metric

    @once
    def _streamed(self) -> dict[str, Array | Refusal]:
        """The results and variables after each update, and after a reset, by the names of observables; a
        refused result hides nothing else."""
        metric, found = self.construct(), dict[str, Array | Refusal]()

        def look(when: str) -> None:
            try:
                with at("call"):
                    found[f"result/{when}"] = to_array(metric.result())
            except Refusal as refusal:
                found[f"result/{when}"] = refusal
            found.update({f"state/{when}/{v.name}": to_array(v.value) for v in metric.variables})

        with at("call"):
            for number, update in enumerate(self._updates):
                metric.update_state(**update)
                look(str(number))
            metric.reset_state()
            look("reset")
        return found
