"""What the suite asks: a class that says who it is, and answers cases."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from conformance.runners.plugin import Answer, PythonCase, observe_each, stage
from conformance.runners.protocol import Identity
from jax_layers.layer import Call, Layer, Mask, Result, Shape
from jax_layers.layers import LAYERS

# Layers of dtype float64 compute in float64.
jax.config.update("jax_enable_x64", True)

INFERENCE = ["output/*", "again/*", "shape/*", "dtype", "mask/*", "weights", "config", "refusal*"]
"""What a certificate of the profile `inference` asks."""

GRADIENTS = ["gradient/*"]
TRAINING = ["training/output/*", "training/state/*", "training/gradient/*"]

DRAWING = {"Dropout", "LSTM"}
"""Layers that draw random numbers in training, which these here do not."""


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
            # with its reciprocal. Its expm1 was seen to be 3.6 units in the last place off.
            arithmetic={
                "base": "ieee-float32",
                "subnormals": "flushed",
                "ulps": {"divide": 1.5, "expm1": 4.0},
            },
            capabilities={
                f"layers.{name}": INFERENCE + GRADIENTS + ([] if name in DRAWING else TRAINING)
                for name in LAYERS
            },
        )

    def observe(self, case: PythonCase) -> Mapping[str, Answer]:
        return observe_each(case, Experiment(case).answer)


class Experiment:
    """The layer of a case, and what is seen of it."""

    def __init__(self, case: PythonCase) -> None:
        self.case = case
        self.shapes: list[Shape] = [x.shape for x in case.inputs]

    def answer(self, observable: str) -> Answer:
        """The answer to an observable that the capabilities list."""
        match observable.split("/"):
            case ["output", i]:
                return np.asarray(self.inference.outputs[int(i)])
            case ["again", "output", i]:
                return np.asarray(self.again.outputs[int(i)])
            case ["training", "output", i]:
                return np.asarray(self.training.outputs[int(i)])
            case ["training", "state", name]:
                return np.asarray(self.training.state[name])
            case ["gradient", of, which]:
                return self.gradient(self.call, of, which)
            case ["training", "gradient", of, which]:
                return self.gradient(replace(self.call, training=True), of, which)
            case ["dtype"]:
                return [str(output.dtype) for output in self.inference.outputs]
            case ["mask", i]:
                mask = self.masks[int(i)]
                return None if mask is None else np.asarray(mask)
            case ["shape", how_much]:
                shapes = self.layer.inferred(self.as_known(how_much))
                return [list(shape) for shape in shapes]
            case ["weights"]:
                return self.weights()
            case ["config"]:
                return self.layer.config
            case ["refusal"]:
                self.layer(self.untrained)
                return None
            case ["refusal", "widened"]:
                self.layer(replace(self.untrained, inputs=[twice(x, -1) for x in self.call.inputs]))
                return None
        raise NotImplementedError(observable)

    @cached_property
    def layer(self) -> Layer:
        with stage("construction"):
            return LAYERS[self.case.subject.removeprefix("layers.")].of(self.case.config)

    @cached_property
    def call(self) -> Call:
        """What the case calls its layer with, in inference mode."""
        return Call(
            inputs=[self.array(x) for x in self.case.inputs],
            weights={name: self.array(x) for name, x in self.case.weights.items()},
            masks=[jnp.asarray(mask) for mask in self.case.masks],
            initial_state=[self.array(x) for x in self.case.initial_state],
        )

    @cached_property
    def untrained(self) -> Call:
        """The same, with weights that are as yet all 0."""
        self.layer.check(self.shapes)
        weights = self.layer.weights_for(self.shapes)
        return replace(self.call, weights={w.name: jnp.zeros(w.shape, self.dtype) for w in weights})

    @cached_property
    def inference(self) -> Result:
        return self.layer(self.call)

    @cached_property
    def training(self) -> Result:
        return self.layer(replace(self.call, training=True))

    @cached_property
    def again(self) -> Result:
        """What another layer gives, that was called before: a stateful one goes on from there, and on no
        other does it leave a trace."""
        if getattr(self.layer, "stateful", False):
            return self.layer(replace(self.call, initial_state=self.inference.carried))
        parts = {name: [twice(x, 0) for x in getattr(self.call, name)] for name in BATCHES}
        self.layer(replace(self.call, **parts))
        return self.layer(self.call)

    @property
    def masks(self) -> tuple[Mask, ...]:
        """What each output hands on."""
        inputs = self.call.inputs
        return self.layer.output_masks(inputs, self.call.masks or [None] * len(inputs))

    @property
    def dtype(self) -> str:
        return self.layer.dtype or "float32"

    def array(self, x: np.ndarray[Any, Any]) -> jax.Array:
        """A floating array in the layer's dtype, as Keras casts it; any other as it is."""
        return jnp.asarray(x, self.dtype if np.issubdtype(x.dtype, np.floating) else x.dtype)

    def gradient(self, call: Call, of: str, which: str) -> Answer:
        """The vector-Jacobian product of all outputs with the cotangents, by one input or weight."""

        def outputs(x: jax.Array) -> tuple[jax.Array, ...]:
            if of == "weight":
                return self.layer(replace(call, weights={**call.weights, which: x})).outputs
            inputs = [x if i == int(which) else other for i, other in enumerate(call.inputs)]
            return self.layer(replace(call, inputs=inputs)).outputs

        at = call.weights[which] if of == "weight" else call.inputs[int(which)]
        _, vjp = jax.vjp(outputs, at)
        return np.asarray(vjp(tuple(map(self.array, self.case.cotangents)))[0])

    def as_known(self, how_much: str) -> Sequence[Shape]:
        """The inputs' shapes: `concrete`, with an `unknown_batch`, or `unknown` wherever they may be."""
        if how_much == "concrete":
            return self.shapes
        if how_much == "unknown_batch":
            return [(None, *shape[1:]) for shape in self.shapes]
        return [
            tuple(
                n if {i, i - len(shape)} & {*self.layer.fixed_axes()} else None for i, n in enumerate(shape)
            )
            for shape in self.shapes
        ]

    def weights(self) -> Answer:
        return [
            {
                "name": weight.name,
                "shape": weight.shape,
                "dtype": self.dtype,
                "trainable": weight.trainable and self.layer.trainable,
            }
            for weight in self.layer.weights_for(self.shapes)
        ]


BATCHES = ("inputs", "masks", "initial_state")
"""The parts of a call that have something for each sample."""


def twice(x: jax.Array, axis: int) -> jax.Array:
    """The array followed by itself along an axis."""
    return jnp.concatenate([x, x], axis)
