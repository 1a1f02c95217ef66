"""Layers, as the cases about them ask Keras."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from conformance.runners.keras_adapter.calls import Invocation, is_stateful, of_other_sizes
from conformance.runners.keras_adapter.configured import Configured, serialized, settled_by_seed
from conformance.runners.keras_adapter.members import members
from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.passes import Pass, once, recorded_if_asked
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import api, dtype_name, to_array
from conformance.runners.keras_adapter.shapes import as_known, shape_list
from conformance.runners.keras_adapter.subjects import constructor_arguments
from conformance.runners.keras_adapter.weights import named
from conformance.runners.wire import Array


class LayerExperiment(Configured):
    """A layer of `keras.layers`, constructed, built, given its weights and called."""

    def __init__(self, case: ConcreteCase) -> None:
        super().__init__(case)
        self._state: dict[str, Array] = {}

    def ask(self, observable: str) -> Any:
        """As `Experiment.ask`."""
        match observable.split("/"):
            case ["output", index]:
                return self._inference.output(int(index))
            case ["again", "output", index]:
                return self._again.output(int(index))
            case ["gradient", *source]:
                return self._inference.gradient("/".join(source))
            case ["training", "output", index]:
                return self._training.output(int(index))
            case ["training", "gradient", *source]:
                return self._training.gradient("/".join(source))
            case ["training", "state", *name]:
                return self._state_after_training("/".join(name))
            case ["random"]:
                return np.stack([self._training.output(0), self._training.gradient("input/0")])
            case ["seeds"]:
                return self._settled_by_seed()
            case ["reconstructed", "output", index]:
                return self._reconstruction.output(int(index))
            case ["reconstructed", "config"]:
                return serialized(self.twin.get_config())
            case ["shape", knowledge]:
                return self._inferred_shapes(knowledge)
            case ["config"]:
                return serialized(self.config)
            case ["dtype"]:
                return self._inference.dtypes
            case ["mask", index]:
                return self._inference.mask(int(index))
            case ["weights"]:
                return self._described_weights()
            case ["refusal", *second]:
                return self._refusal(widened=second == ["widened"])
            case ["methods"]:
                return members(self.cls)
            case ["method", name]:
                return METHODS[name](self)
            case ["signature"]:
                return {"arguments": constructor_arguments(self.cls)}
        raise ValueError(f"a layer has no observable {observable!r}")

    @once
    def _invocation(self) -> Invocation:
        with at("call"):
            return Invocation(self.cls, self.case)

    @once
    def _built(self) -> Any:
        return self._build(self.made)

    def _build(self, layer: Any) -> Any:
        invocation = self._invocation
        with at("build"):
            if not layer.built:
                try:
                    layer.build(*invocation.grouped(invocation.shapes))
                except Exception:
                    # A first call checks its inputs before it builds: its complaint is what users see.
                    invocation(self.construct(), training=False)
                    raise
        return layer

    @once
    def _weights(self) -> dict[str, Any]:
        """The variables by the names that cases use."""
        return named(self._built.weights)

    @once
    def _trainable(self) -> frozenset[str]:
        trainable = {id(variable) for variable in self._built.trainable_weights}
        return frozenset(name for name, variable in self._weights.items() if id(variable) in trainable)

    @once
    def _loaded(self) -> Any:
        """The built layer with the case's weights."""
        return self._load(self._built)

    def _load(self, layer: Any) -> Any:
        weights, given = named(layer.weights), self.case.weights
        with at("build"):
            if weights.keys() != given.keys():
                raise ValueError(
                    f"the case gives the weights [{', '.join(given)}], the layer has [{', '.join(weights)}]; "
                    "give exactly those"
                )
            for name, variable in weights.items():
                variable.assign(given[name])
        return layer

    def _pass(self, mode: str, forward: Callable[[], Any]) -> Pass:
        weights = {
            f"weight/{name}": api.tensor(variable)
            for name, variable in self._weights.items()
            if name in self._trainable
        }
        return recorded_if_asked(self.case, mode, forward, self._invocation.inputs, weights)

    @once
    def _inference(self) -> Pass:
        layer, invocation = self._loaded, self._invocation
        return self._pass("", lambda: invocation(layer, training=False))

    @once
    def _again(self) -> Pass:
        """A call of another such layer: after one, where it is stateful, else after some of other sizes."""
        layer, invocation = self._load(self._build(self.construct())), self._invocation

        def forward() -> Any:
            if is_stateful(layer):
                invocation(layer, training=False)
            else:
                for other in of_other_sizes(self.case):
                    with suppress(Exception):  # what it refuses must leave no trace either
                        Invocation(self.cls, other)(layer, training=False)
            return invocation(layer, training=False, follows=True)

        return Pass(forward, {}, ())

    @once
    def _reconstruction(self) -> Pass:
        twin, original, invocation = self._build(self.twin), self._loaded, self._invocation
        with at("reconstruction"):
            twin.set_weights(original.get_weights())
        return Pass(lambda: invocation(twin, training=False), {}, ())

    @once
    def _training(self) -> Pass:
        layer, invocation = self._loaded, self._invocation

        def forward() -> Any:
            before = [(variable, variable.numpy()) for variable in layer.non_trainable_variables]
            try:
                outputs = invocation(layer, training=True)
                self._state = {
                    name: to_array(variable)
                    for name, variable in self._weights.items()
                    if name not in self._trainable
                }
            finally:
                for variable, value in before:
                    variable.assign(value)
            return outputs

        return self._pass("training/", forward)

    def _state_after_training(self, name: str) -> Array:
        self._training.run()
        with at("call"):
            if name not in self._state:
                raise ValueError(
                    f"no state {name!r}; the non-trainable weights are [{', '.join(self._state)}]"
                )
            return self._state[name]

    @once
    def _used(self) -> Any:
        """A layer after its first call, which builds it; without inputs there is none."""
        layer, invocation = self.construct(), self._invocation
        if self.case.inputs:
            with at("call"):
                invocation(layer, training=False)
        return layer

    def _refusal(self, *, widened: bool) -> None:
        """Nothing, where the first call goes well or, `widened`, a second one with inputs twice as wide."""
        layer = self._used
        if widened:
            twice = tuple(np.concatenate([x, x], axis=-1) for x in self.case.inputs)
            with at("call"):
                Invocation(self.cls, replace(self.case, inputs=twice))(layer, training=False)

    def _settled_by_seed(self) -> dict[str, bool]:
        weights, invocation = self._loaded.get_weights(), self._invocation

        def made(seed: int | None) -> Callable[[], bytes]:
            layer = self._build(self.construct(seed=seed))
            layer.set_weights(weights)
            return lambda: to_array(tf.nest.flatten(invocation(layer, training=True))[0]).tobytes()

        return settled_by_seed(made, self.case.config["seed"])

    def counted_parameters(self) -> int:
        """What `count_params` says."""
        built = self._built
        with at("call"):
            return int(built.count_params())

    def order_of_weights(self) -> list[str | None]:
        """Which of the case's weights each of `get_weights` is."""
        loaded, given = self._loaded, self.case.weights

        def named(array: Array) -> str | None:
            return next((name for name, x in given.items() if np.array_equal(x, array)), None)

        with at("call"):
            return [named(array) for array in loaded.get_weights()]

    def accepted_weights(self) -> dict[str, bool]:
        """Which lists `set_weights` takes."""
        layer = self._loaded
        own = layer.get_weights()
        lists = {"own": own, "one_more": [*own, np.zeros(1, np.float32)]}
        if own:
            lists |= {"one_missing": own[:-1], "other_shape": [*own[:-1], np.zeros((2, *own[-1].shape))]}

        def taken(arrays: list[Array]) -> bool:
            try:
                layer.set_weights(arrays)
            except Exception:  # which error it is, is for those to judge who ask for errors
                return False
            return True

        return {what: taken(arrays) for what, arrays in lists.items()}

    def frozen_and_thawed(self) -> dict[str, dict[str, list[str]]]:
        """Which weights are trainable after `trainable` has been set."""
        layer = self._built
        names = {id(variable): name for name, variable in self._weights.items()}

        def told(trainable: bool) -> dict[str, list[str]]:
            layer.trainable = trainable
            kinds = "trainable_weights", "non_trainable_weights"
            return {kind: [names[id(variable)] for variable in getattr(layer, kind)] for kind in kinds}

        with at("call"):
            return {"frozen": told(False), "thawed": told(True)}

    def carried_and_reset(self) -> dict[str, bool]:
        """What a stateful layer makes of its states, and of `reset_state`."""
        layer, inputs = self._loaded, self._invocation.inputs

        def output() -> bytes:
            return to_array(tf.nest.flatten(layer(*inputs, training=False))[0]).tobytes()

        with at("call"):
            first, second = output(), output()
            api.reset_state(layer)
            return {"carried": first != second, "reset": first == output()}

    def _described_weights(self) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "shape": list(variable.shape),
                "dtype": dtype_name(variable.dtype),
                "trainable": name in self._trainable,
            }
            for name, variable in self._weights.items()
        ]

    def _inferred_shapes(self, knowledge: str) -> list[list[int | None]]:
        layer, invocation = self._built, self._invocation
        with at("shape"):
            shapes = as_known(knowledge, invocation.shapes, layer.input_spec)
            return shape_list(layer.compute_output_shape(*invocation.grouped(shapes)))


METHODS: dict[str, Callable[[LayerExperiment], Any]] = {
    "count_params": LayerExperiment.counted_parameters,
    "get_weights": LayerExperiment.order_of_weights,
    "set_weights": LayerExperiment.accepted_weights,
    "trainable": LayerExperiment.frozen_and_thawed,
    "reset_state": LayerExperiment.carried_and_reset,
}
"""By the name of a layer's method, how it is tried."""
