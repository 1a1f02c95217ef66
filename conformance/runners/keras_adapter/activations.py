"""Activation functions, as the cases about them ask Keras."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import tensorflow as tf

from conformance.runners.keras_adapter.calls import of_other_sizes
from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.passes import Pass, once, recorded_if_asked
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import api, keras
from conformance.runners.keras_adapter.shapes import as_known, shape_list
from conformance.runners.keras_adapter.subjects import activation_function, function_arguments


class ActivationExperiment:
    """A function of `keras.activations`, called with the case's config as its keyword arguments."""

    def __init__(self, case: ConcreteCase) -> None:
        self.case = case

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable.split("/"):
            case ["output", index]:
                return self._inference.output(int(index))
            case ["again", "output", index]:
                return self._again.output(int(index))
            case ["gradient", *source]:
                return self._inference.gradient("/".join(source))
            case ["shape", knowledge]:
                return self._inferred_shapes(knowledge)
            case ["dtype"]:
                return self._inference.dtypes
            case ["refusal"]:
                self._inference.run()
                return None
            case ["signature"]:
                return {"arguments": function_arguments(self._function)}
            case ["identifier"]:
                return self._canonical_name()
        raise ValueError(f"an activation has no observable {observable!r}")

    @once
    def _function(self) -> Callable[..., Any]:
        with at("construction"):
            return activation_function(self.case.subject.removeprefix("activations."))

    @once
    def _inference(self) -> Pass:
        function, config = self._function, self.case.config
        inputs = [tf.constant(x) for x in self.case.inputs]
        return recorded_if_asked(self.case, "", lambda: function(*inputs, **config), inputs, {})

    @once
    def _again(self) -> Pass:
        """A call after others, of other sizes."""
        function, case = self._function, self.case

        def forward() -> Any:
            for other in of_other_sizes(case):
                with suppress(Exception):  # what it refuses must leave no trace either
                    function(*map(tf.constant, other.inputs), **case.config)
            return function(*map(tf.constant, case.inputs), **case.config)

        return Pass(forward, {}, ())

    def _inferred_shapes(self, knowledge: str) -> list[list[int | None]]:
        function = self._function
        with at("shape"):
            shapes = as_known(knowledge, [x.shape for x in self.case.inputs], None)
            symbols = [
                api.symbol(shape, x.dtype.name) for shape, x in zip(shapes, self.case.inputs, strict=True)
            ]
            return shape_list(function(*symbols, **self.case.config).shape)

    def _canonical_name(self) -> Any:
        with at("construction"):
            return keras.activations.serialize(keras.activations.get(self.case.config["identifier"]))
