"""Layers, activations and losses of Keras, as the cases about them ask."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, SupportsIndex

import numpy as np
import tensorflow as tf

from conformance.runners.keras_adapter.calls import Invocation, is_stateful, of_other_sizes
from conformance.runners.keras_adapter.members import members
from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.passes import Pass, once
from conformance.runners.keras_adapter.refusals import at
from conformance.runners.keras_adapter.runtime import api, dtype_name, keras, to_array
from conformance.runners.keras_adapter.subjects import (
    activation_function,
    constructor_arguments,
    function_arguments,
    layer_class,
    loss_arguments,
    loss_class,
)
from conformance.runners.wire import Array


class LayerExperiment:
    """A layer of `keras.layers`, constructed, built, given its weights and called."""

    def __init__(self, case: ConcreteCase) -> None:
        self.case = case
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
                return serialized(self._twin.get_config())
            case ["shape", knowledge]:
                return self._inferred_shapes(knowledge)
            case ["config"]:
                return serialized(self._config)
            case ["dtype"]:
                return self._inference.dtypes
            case ["mask", index]:
                return self._inference.mask(int(index))
            case ["weights"]:
                return self._described_weights()
            case ["refusal", *second]:
                return self._refusal(widened=second == ["widened"])
            case ["methods"]:
                return members(self._class)
            case ["method", name]:
                return METHODS[name](self)
            case ["signature"]:
                return {"arguments": constructor_arguments(self._class)}
        raise ValueError(f"a layer has no observable {observable!r}")

    @once
    def _class(self) -> Any:
        with at("construction"):
            return layer_class(self.case.subject.removeprefix("layers."))

    @once
    def _layer(self) -> Any:
        return self._construct()

    def _construct(self, **changed: Any) -> Any:
        """The layer of the case's configuration, or of it with some arguments changed."""
        cls, config = self._class, {**self.case.config, **changed}
        with at("construction"):
            return cls(**{name: _deserialized_layers(value) for name, value in config.items()})

    @once
    def _config(self) -> dict[str, Any]:
        layer = self._layer
        with at("config"):
            config: dict[str, Any] = layer.get_config()
            return config

    @once
    def _twin(self) -> Any:
        """The layer that the configuration makes, anew."""
        config = self._config
        with at("reconstruction"):
            return self._class.from_config(dict(config))

    @once
    def _invocation(self) -> Invocation:
        with at("call"):
            return Invocation(self._class, self.case)

    @once
    def _built(self) -> Any:
        return self._build(self._layer)

    def _build(self, layer: Any) -> Any:
        invocation = self._invocation
        with at("build"):
            if not layer.built:
                try:
                    layer.build(*invocation.grouped(invocation.shapes))
                except Exception:
                    # A first call checks its inputs before it builds: its complaint is what users see.
                    invocation(self._construct(), training=False)
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
        return _recorded_if_asked(self.case, mode, forward, self._invocation.inputs, weights)

    @once
    def _inference(self) -> Pass:
        layer, invocation = self._loaded, self._invocation
        return self._pass("", lambda: invocation(layer, training=False))

    @once
    def _again(self) -> Pass:
        """A call of another such layer: after one, where it is stateful, else after some of other sizes."""
        layer, invocation = self._load(self._build(self._construct())), self._invocation

        def forward() -> Any:
            if is_stateful(layer):
                invocation(layer, training=False)
            else:
                for other in of_other_sizes(self.case):
                    with suppress(Exception):  # what it refuses must leave no trace either
                        Invocation(self._class, other)(layer, training=False)
            return invocation(layer, training=False, follows=True)

        return Pass(forward, {}, ())

    @once
    def _reconstruction(self) -> Pass:
        twin, original, invocation = self._build(self._twin), self._loaded, self._invocation
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
        layer, invocation = self._construct(), self._invocation
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
                Invocation(self._class, replace(self.case, inputs=twice))(layer, training=False)

    def _settled_by_seed(self) -> dict[str, bool]:
        weights, invocation, seed = self._loaded.get_weights(), self._invocation, self.case.config["seed"]

        def made(seed: int | None) -> Callable[[], bytes]:
            layer = self._build(self._construct(seed=seed))
            layer.set_weights(weights)
            return lambda: to_array(tf.nest.flatten(invocation(layer, training=True))[0]).tobytes()

        settled = made(seed)
        first = settled()
        return {
            "same_seed": first == made(seed)(),
            "other_seed": first == made(seed + 1)(),
            "without_seed": made(None)() == made(None)(),
            "next_call": first == settled(),
        }

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
            shapes = _as_known(knowledge, invocation.shapes, layer.input_spec)
            return _shape_list(layer.compute_output_shape(*invocation.grouped(shapes)))


METHODS: dict[str, Callable[[LayerExperiment], Any]] = {
    "count_params": LayerExperiment.counted_parameters,
    "get_weights": LayerExperiment.order_of_weights,
    "set_weights": LayerExperiment.accepted_weights,
    "trainable": LayerExperiment.frozen_and_thawed,
    "reset_state": LayerExperiment.carried_and_reset,
}
"""By the name of a layer's method, how it is tried."""


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
        return _recorded_if_asked(self.case, "", lambda: function(*inputs, **config), inputs, {})

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
            shapes = _as_known(knowledge, [x.shape for x in self.case.inputs], None)
            symbols = [
                api.symbol(shape, x.dtype.name) for shape, x in zip(shapes, self.case.inputs, strict=True)
            ]
            return _shape_list(function(*symbols, **self.case.config).shape)

    def _canonical_name(self) -> Any:
        with at("construction"):
            return keras.activations.serialize(keras.activations.get(self.case.config["identifier"]))


class LossExperiment:
    """A loss of `keras.losses`, called with labels, predictions and weights, or resolved from a name."""

    def __init__(self, case: ConcreteCase) -> None:
        self.case = case

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
            case ["config"]:
                return serialized(self._config)
            case ["reconstructed", "config"]:
                return serialized(self._twin.get_config())
            case ["reconstructed", "output", index]:
                return Pass(lambda: self._called(self._twin), {}, ()).output(int(index))
            case ["signature"]:
                return {"arguments": loss_arguments(self._class)}
            case ["identifier"]:
                return self._canonical_name()
        raise ValueError(f"a loss has no observable {observable!r}")

    @once
    def _class(self) -> Any:
        with at("construction"):
            return loss_class(self.case.subject.removeprefix("losses."))

    @once
    def _loss(self) -> Any:
        cls = self._class
        with at("construction"):
            return cls(**self.case.config)

    @once
    def _config(self) -> dict[str, Any]:
        loss = self._loss
        with at("config"):
            config: dict[str, Any] = loss.get_config()
            return config

    @once
    def _twin(self) -> Any:
        """The loss that the configuration makes, anew."""
        config = self._config
        with at("reconstruction"):
            return self._class.from_config(dict(config))

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
        loss = self._loss
        gradient = any(name.startswith("gradient/") for name in self.case.observables)
        sources = {"input/1": self._inputs[1]} if gradient else {}
        return Pass(lambda: self._called(loss), sources, self.case.cotangents)

    def _canonical_name(self) -> str:
        with at("construction"):
            meant = keras.losses.get(self.case.config["identifier"])
            return str(getattr(meant, "__name__", type(meant).__name__))


def _recorded_if_asked(
    case: ConcreteCase, mode: str, forward: Callable[[], Any], inputs: list[Any], weights: dict[str, Any]
) -> Pass:
    """The pass of a mode, "" or "training/", with the sources of its gradients if one is asked for."""
    asked = {"training/": ("training/gradient/", "random")}.get(mode, ("gradient/",))
    if not any(name.startswith(asked) for name in case.observables):
        return Pass(forward, {}, ())
    floating = {f"input/{index}": x for index, x in enumerate(inputs) if x.dtype.is_floating}
    return Pass(forward, floating | weights, case.cotangents)


def _deserialized_layers(value: Any) -> Any:
    """The value of an argument; layers inside another's configuration are made, as no constructor does it."""
    if isinstance(value, list):
        return [_deserialized_layers(item) for item in value]
    if isinstance(value, dict) and value.get("module") == "keras.layers":
        # A copy: `from_config` takes the layers inside out of the configuration that it is given.
        return keras.saving.deserialize_keras_object(copy.deepcopy(value))
    return value


def serialized(config: dict[str, Any]) -> Any:
    """The configuration as JSON, as Keras writes it to a file."""
    with at("config"):
        return keras.saving.serialize_keras_object(config)


def named(weights: list[Any]) -> dict[str, Any]:
    """The variables by the last part of their paths, or where some would share it, after as many of the first
    parts in which the paths differ as tell them apart: `forward_lstm/kernel` of
    `bidirectional/forward_lstm/lstm_cell/kernel`."""
    paths = [api.path(variable).split("/") for variable in weights]
    telling = [level for level, parts in enumerate(zip(*paths, strict=False)) if len(set(parts)) > 1]
    for count in range(len(telling) + 1):
        names = ["/".join([*(path[level] for level in telling[:count]), path[-1]]) for path in paths]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, weights, strict=True))


def _as_known(knowledge: str, shapes: list[tuple[int, ...]], input_spec: Any) -> list[tuple[int | None, ...]]:
    """The inputs' shapes, as far as they are known: `concrete`, `unknown_batch`, or `unknown`, where only
    those dimensions remain that the built layer's `input_spec` fixes."""
    match knowledge:
        case "concrete":
            return list(shapes)
        case "unknown_batch":
            return [(None, *shape[1:]) for shape in shapes]
        case "unknown":
            specs = tf.nest.flatten(input_spec)
            fixed = [getattr(spec, "axes", None) or {} for spec in specs] + [{}] * len(shapes)
            return [
                tuple(n if {axis, axis - len(shape)} & axes.keys() else None for axis, n in enumerate(shape))
                for shape, axes in zip(shapes, fixed, strict=False)
            ]
    raise ValueError(f"a shape is concrete, unknown_batch or unknown, not {knowledge!r}")


def _shape_list(shapes: Any) -> list[list[int | None]]:
    """The shapes of all outputs in order, of one shape or any nest of shapes."""
    if all(n is None or isinstance(n, SupportsIndex) for n in shapes):
        return [[None if n is None else int(n) for n in shapes]]
    parts = shapes.values() if isinstance(shapes, dict) else shapes
    return [shape for part in parts for shape in _shape_list(part)]
