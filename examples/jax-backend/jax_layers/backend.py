"""What the suite asks: a class that says who it is, and answers cases."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from conformance.runners.plugin import Answer, PythonCase, observe_each
from conformance.runners.protocol import Identity
from jax_layers.layers import LAYERS, Call, Result

# Layers of dtype float64 compute in float64.
jax.config.update("jax_enable_x64", True)

VALUES = ["output/*", "gradient/*", "dtype", "shape/concrete"]
TRAINING = ["training/output/*", "training/state/*", "training/gradient/*"]

DRAWING = {"Dropout", "LSTM"}
"""Layers that draw random numbers in training, which these here do not."""

OF_EVERY_LAYER = {
    "name", "trainable", "dtype", "autocast", "activity_regularizer", "input_shape", "batch_input_shape",
}  # fmt: skip
"""Arguments that every layer of Keras takes; the functions name those that they look at."""


class JaxLayers:
    """The layers in `jax_layers.layers`, on JAX's CPU device."""

    def identity(self) -> Identity:
        return Identity(
            name="jax-layers",
            language="python",
            versions={"jax": jax.__version__, "python": platform.python_version(), "numpy": np.__version__},
            settings={"device": jax.default_backend(), "x64": "on"},
            platform={"machine": platform.machine(), "system": platform.system()},
            # XLA computes with subnormal numbers as if they were 0, and divides by a constant by multiplying
            # with its reciprocal.
            arithmetic={"base": "ieee-float32", "subnormals": "flushed", "ulps": {"divide": 1.5}},
            capabilities={
                f"layers.{name}": VALUES if name in DRAWING else VALUES + TRAINING for name in LAYERS
            },
        )

    def observe(self, case: PythonCase) -> Mapping[str, Answer]:
        return observe_each(case, Experiment(case).answer)


class Experiment:
    """The layer of a case, and what is seen of it."""

    def __init__(self, case: PythonCase) -> None:
        self.case = case
        self.dtype = case.config.get("dtype") or "float32"

    def answer(self, observable: str) -> Answer:
        """The answer to an observable that the capabilities list."""
        match observable.split("/"):
            case ["output", i]:
                return np.asarray(self.run(self.call()).outputs[int(i)])
            case ["training", "output", i]:
                return np.asarray(self.run(self.call(training=True)).outputs[int(i)])
            case ["training", "state", name]:
                return np.asarray(self.run(self.call(training=True)).state[name])
            case ["gradient", of, which]:
                return self.gradient(self.call(), of, which)
            case ["training", "gradient", of, which]:
                return self.gradient(self.call(training=True), of, which)
            case ["dtype"]:
                return [str(output.dtype) for output in self.inferred()]
            case ["shape", "concrete"]:
                return [list(output.shape) for output in self.inferred()]
        raise NotImplementedError(observable)

    def run(self, call: Call) -> Result:
        """Call the layer of the case."""
        function = LAYERS[self.case.subject.removeprefix("layers.")]
        known = function.__kwdefaults__ or {}
        config = {k: v for k, v in self.case.config.items() if k in known or k not in OF_EVERY_LAYER}
        return function(call, **config)

    def call(self, *, training: bool = False) -> Call:
        """What the case calls its layer with."""
        case = self.case
        return Call(
            inputs=[self.array(x) for x in case.inputs],
            weights={name: self.array(x) for name, x in case.weights.items()},
            masks=[jnp.asarray(mask) for mask in case.masks],
            initial_state=[self.array(x) for x in case.initial_state],
            training=training,
        )

    def array(self, x: np.ndarray[Any, Any]) -> jax.Array:
        """A floating array in the layer's dtype, as Keras casts it; any other as it is."""
        return jnp.asarray(x, self.dtype if np.issubdtype(x.dtype, np.floating) else x.dtype)

    def gradient(self, call: Call, of: str, which: str) -> Answer:
        """The vector-Jacobian product of all outputs with the cotangents, by one input or weight."""

        def outputs(x: jax.Array) -> tuple[jax.Array, ...]:
            if of == "weight":
                return self.run(replace(call, weights=call.weights | {which: x})).outputs
            inputs = [x if i == int(which) else other for i, other in enumerate(call.inputs)]
            return self.run(replace(call, inputs=inputs)).outputs

        at = call.weights[which] if of == "weight" else call.inputs[int(which)]
        _, vjp = jax.vjp(outputs, at)
        return np.asarray(vjp(tuple(map(self.array, self.case.cotangents)))[0])

    def inferred(self) -> tuple[jax.ShapeDtypeStruct, ...]:
        """Shapes and dtypes of the outputs, without computing them."""
        return jax.eval_shape(lambda: self.run(self.call()).outputs)
