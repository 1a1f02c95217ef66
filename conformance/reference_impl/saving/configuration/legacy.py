"""Configurations of Keras 3 in the form that Keras 2 and TensorFlow.js read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.reference_impl import identifiers
from conformance.reference_impl.fields import REQUIRED
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.models.graph import (
    Call,
    Graph,
    Reference,
    graph,
    is_model,
    is_operation,
)
from conformance.reference_impl.saving.configuration.known import Target, known, naming
from conformance.reference_impl.saving.configuration.masks import Masks
from conformance.reference_impl.saving.configuration.modern import INNER, KINDS, RENAMED
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject

DTYPES = ("bool", "complex64", "float32", "int32", "string")
"""Those that TensorFlow.js has."""

UNSAID = {"data_format": "channels_last"}
"""What Keras 3 writes for arguments that are None by default."""

NAMES = {"keras2": "Keras 2", "tfjs": "TensorFlow.js"}


class Untranslatable(FormatError):
    """A target has no words for something that a configuration says.

    Attributes:
        layer: its name.
        argument: of the layer's constructor; of what it names, after a dot (`kernel_initializer.input_axes`);
            of a call, as `call 0: mask`; or `class_name` where the layer itself is not known.
        value: what it is.
    """

    def __init__(self, layer: str, argument: str, value: Any, target: Target) -> None:
        super().__init__(
            "configuration", f"layer {layer}", f"{NAMES[target]} does not know {argument} = {value!r:.120}"
        )
        self.layer, self.argument, self.value, self.target = layer, argument, value, target


def refuse(what: Untranslatable) -> None:
    """Raises it."""
    raise what


def legacy(
    configuration: Mapping[str, Any],
    target: Target,
    on_untranslatable: Callable[[Untranslatable], None] = refuse,
) -> JSONObject:
    """A model's configuration, given in the form of Keras 3, as `{"class_name", "config"}` for a target.

    Only what the target knows is written: an argument that it lacks and that is at its default is left out.
    Operations that compute the masks which the target hands on unasked are left out too.

    Args:
        configuration: as `modern` gives it.
        target: what reads it.
        on_untranslatable: is given each thing that the target has no words for; where it does not raise, the
            thing is left out, or a layer that is not known written as it is.

    Raises:
        Untranslatable: by default, for the first such thing.
        ValueError: the model's graph is broken.

    >>> from conformance.reference_impl.saving.configuration import modern
    >>> dense = {"class_name": "Dense", "config": {"units": 3, "batch_input_shape": [None, 4], "name": "d"}}
    >>> back = legacy(modern([dense]), "tfjs")
    >>> back["config"]["layers"][0]["config"]
    {'batch_input_shape': [None, 4], 'dtype': 'float32', 'sparse': False, 'name': 'd_input'}
    """
    return _Writer(target, on_untranslatable).model(configuration)


def spelled(layer: Layer, target: Target) -> JSONObject:
    """The configuration of a layer in the words of a target; what it has none for is left out.

    >>> from conformance.reference_impl.layers import Dense
    >>> spelled(Dense(3, activation="silu"), "tfjs")["activation"]
    'swish'
    """
    class_name = type(layer).__name__
    described = {"class_name": class_name, "config": layer.get_config()}
    config: JSONObject = _Writer(target, lambda what: None).layer(described)["config"]
    return config


@dataclass(frozen=True)
class _Writer:
    target: Target
    on_untranslatable: Callable[[Untranslatable], None]

    def cannot_say(self, layer: str, argument: str, value: Any) -> None:
        self.on_untranslatable(Untranslatable(layer, argument, value, self.target))

    def model(self, description: Mapping[str, Any], frozen: bool = False) -> JSONObject:
        config = description["config"]
        # A model that is not trained has layers that are not.
        frozen = frozen or config.get("trainable") is False
        if description["class_name"] == "Sequential":
            layers = [self.layer(layer, frozen) for layer in config["layers"]]
            return {"class_name": "Sequential", "config": {"name": config["name"], "layers": layers}}
        return {"class_name": "Functional", "config": self.functional(graph(description), frozen)}

    def functional(self, graph: Graph, frozen: bool) -> JSONObject:
        first = {name: 1 for name, layer in graph.layers.items() if is_model(layer)}
        calls = self.without_masks(graph)
        own: dict[str, dict[int, Call]] = {}
        for call in calls:
            own.setdefault(call.layer, {})[call.index] = call
        layers = [
            {
                "name": name,
                **self.layer(description, frozen),
                "inbound_nodes": [self.node(call, first) for _, call in sorted(own.get(name, {}).items())],
            }
            for name, description in graph.layers.items()
            if name in own or not is_operation(description)
        ]
        return {
            "name": graph.name,
            "trainable": not frozen,
            "layers": layers,
            "input_layers": [[*reference] for reference in graph.inputs],
            "output_layers": [_numbered(reference, first) for reference in graph.outputs],
        }

    def without_masks(self, graph: Graph) -> list[Call]:
        """The calls without the masks that are handed on unasked, and without operations for those alone."""
        masks = Masks(graph)
        calls = []
        for call in graph.calls:
            kwargs = dict(call.kwargs)
            mask = kwargs.pop("mask", None)
            if call.kwargs.get("training"):
                self.cannot_say(call.layer, f"call {call.index}: training", True)
            kwargs.pop("training", None)
            inputs = [r for argument in call.args for r in _flat(argument)]
            for given, x in zip(mask if isinstance(mask, list) else [mask], inputs, strict=False):
                if given is not None and not masks.are_handed_on(given, x):
                    self.cannot_say(call.layer, f"call {call.index}: mask", str(given))
            if mask is None and masks.is_ignored(call):
                self.cannot_say(call.layer, f"call {call.index}: mask", None)
            calls.append(Call(call.layer, call.index, call.args, kwargs))
        return _without_unused(graph, calls)

    def node(self, call: Call, first: Mapping[str, int]) -> list[Any]:
        """A call as `[[layer, call, output, {arguments}], …]`."""
        kwargs = dict(call.kwargs)
        tensors = [item for argument in call.args for item in _flat(argument)]
        states = kwargs.pop("initial_state", None)
        tensors += [] if states is None else _flat(states)
        named = {}
        for key, value in kwargs.items():
            if value is not None and self.target == "tfjs":
                self.cannot_say(call.layer, f"call {call.index}: {key}", str(value))
            elif value is not None:
                named[key] = _mapped(value, first)
        node = []
        for item in tensors:
            if isinstance(item, Reference):
                node.append([*_numbered(item, first), named])
            elif item is None or self.target == "tfjs":
                self.cannot_say(call.layer, f"call {call.index}: constant", item)
            else:
                node.append(["_CONSTANT_VALUE", -1, item, named])
        return node

    def layer(self, description: Mapping[str, Any], frozen: bool = False) -> JSONObject:
        """A layer, or a model, inside a model or a layer."""
        if is_model(description):
            return self.model(description, frozen)
        class_name, config = description["class_name"], description["config"]
        if class_name == "InputLayer" and not is_operation(description):
            return {"class_name": class_name, "config": self.input_layer(config)}
        name = config.get("name") or class_name
        if is_operation(description) or class_name not in known(self.target).layers:
            self.cannot_say(name, "class_name", class_name)
            return {"module": description.get("module"), "class_name": class_name, "config": dict(config)}
        if frozen:
            config = {**config, "trainable": False}
        if class_name == "Bidirectional":
            config = self.one_direction(config)
        return {"class_name": class_name, "config": self.arguments(class_name, config, name)}

    def input_layer(self, config: Mapping[str, Any]) -> JSONObject:
        dtype = config.get("dtype") or "float32"
        found = {
            "batch_input_shape": config["batch_shape"],
            "dtype": dtype,
            "sparse": config.get("sparse", False),
            "name": config["name"],
        }
        if self.target == "keras2":
            found["ragged"] = config.get("ragged", False)
        elif config.get("ragged"):
            self.cannot_say(config["name"], "ragged", True)
        if self.target == "tfjs" and dtype not in DTYPES:
            self.cannot_say(config["name"], "dtype", dtype)
        if config.get("optional"):
            self.cannot_say(config["name"], "optional", True)
        return found

    def one_direction(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of Bidirectional, without the second direction where it is made from the first."""
        forward, backward = config["layer"], config.get("backward_layer")
        name = str(forward["config"].get("name"))
        stem = name.removeprefix("forward_")
        plain = {"name": stem, "zero_output_for_mask": False}
        own = _changed(forward, plain)
        if backward is None:
            return {**config, "layer": own}
        mirrored = {"go_backwards": not forward["config"].get("go_backwards", False)}
        mirror = _changed(own, mirrored)
        other = str(backward["config"].get("name"))
        same_name = self.target == "tfjs" or other == f"backward_{stem}"
        if _bare(mirror) == _bare(_changed(backward, plain)) and same_name:
            return {**{k: v for k, v in config.items() if k != "backward_layer"}, "layer": own}
        return {
            **config,
            "layer": own,
            "backward_layer": _changed(backward, plain | {"name": other.removeprefix("backward_")}),
        }

    def arguments(self, class_name: str, config: Mapping[str, Any], layer: str) -> JSONObject:
        older = {new: old for old, new in RENAMED.get(class_name, {}).items()}
        names = known(self.target).layers[class_name]
        found: JSONObject = {}
        for key, value in config.items():
            name = older.get(key, key)
            if name in names:
                found[name] = self.argument(key, value, layer)
            elif not _is_default(class_name, key, value):
                self.cannot_say(layer, key, value)
        return found

    def argument(self, name: str, value: Any, layer: str) -> Any:
        kind = name.rpartition("_")[2]
        if name == "dtype":
            return self.dtype(value, layer)
        if kind in KINDS and value is not None:
            return self.identifier(value, kind, name, layer)
        if kind == "activation" and isinstance(value, str):
            return self.activation(value, name, layer)
        if name in INNER and isinstance(value, Mapping):
            return self.layer(value)
        if name in INNER and isinstance(value, list):
            return [self.layer(item) for item in value]
        if isinstance(value, Mapping) and "class_name" in value:
            self.cannot_say(layer, name, value)
        return value

    def dtype(self, value: Any, layer: str) -> Any:
        match value:
            case {"config": {"name": str(name)}}:
                return (
                    {"class_name": "Policy", "config": {"name": name}} if name.startswith("mixed") else name
                )
        return value

    def activation(self, value: str, argument: str, layer: str) -> str:
        name: str = naming()["functions"].get(value, value)
        own = known(self.target).activations
        spelled = _camel(name) if self.target == "tfjs" else name
        if spelled not in own:
            self.cannot_say(layer, argument, value)
        return name

    def identifier(self, value: Mapping[str, Any], kind: str, argument: str, layer: str) -> Any:
        _, table = KINDS[kind]
        complete = identifiers.complete(value, table)
        assert complete is not None  # the value is not
        name, config = complete["class_name"], complete["config"]
        classes: Mapping[str, Sequence[str]] = getattr(known(self.target), f"{kind}s")
        if self.target == "tfjs":
            tables = naming()
            made = tables["madeFrom"].get(name)
            if made is not None:
                name, config = made["className"], made["config"] | config
            name = tables["classes"].get(name, name)
        if name not in classes:
            self.cannot_say(layer, argument, complete["class_name"])
            return None
        defaults = identifiers.complete(complete["class_name"], table)
        assert defaults is not None
        found = {}
        for key, item in config.items():
            if key in classes[name]:
                found[key] = item
            elif item != defaults["config"].get(key):
                self.cannot_say(layer, f"{argument}.{key}", item)
        return {"class_name": name, "config": found}


def _is_default(class_name: str, argument: str, value: Any) -> bool:
    """Whether an argument of a layer is at its default in Keras 3; not known of one that the specification
    lacks, unless there is nothing."""
    cls = Layer.registered.get(class_name)
    field = cls.arguments.get(argument) if cls else None
    if field is None or field.default is REQUIRED:
        return value is None
    default = field.default_value(f"layers.{class_name}")
    return bool(field.parse(value) == (UNSAID.get(argument) if default is None else default))


def _flat(value: Any) -> list[Any]:
    """What a structure of arguments holds, in order."""
    if isinstance(value, list | tuple) and not isinstance(value, Reference):
        return [leaf for item in value for leaf in _flat(item)]
    if isinstance(value, Mapping):
        return [leaf for key in sorted(value) for leaf in _flat(value[key])]
    return [value]


def _mapped(value: Any, first: Mapping[str, int]) -> Any:
    if isinstance(value, Reference):
        return _numbered(value, first)
    return [_mapped(item, first) for item in value] if isinstance(value, list | tuple) else value


def _numbered(reference: Reference, first: Mapping[str, int]) -> list[Any]:
    """A reference, where calls of models inside are counted behind their own graph."""
    return [reference.layer, reference.call + first.get(reference.layer, 0), reference.output]


def _without_unused(graph: Graph, calls: Sequence[Call]) -> list[Call]:
    """The calls, in their order, without operations that nothing is computed from."""
    needed = {(r.layer, r.call) for r in graph.outputs}
    kept = []
    for call in reversed(calls):
        if not is_operation(graph.layers[call.layer]) or (call.layer, call.index) in needed:
            needed |= {(r.layer, r.call) for r in call.references}
            kept.append(call)
    return kept[::-1]


def _changed(layer: Mapping[str, Any], changes: Mapping[str, Any]) -> JSONObject:
    return {**layer, "config": {**layer["config"], **changes}}


def _bare(layer: Mapping[str, Any]) -> tuple[Any, Any]:
    """A layer's class and arguments but its name."""
    return layer["class_name"], {k: v for k, v in layer["config"].items() if k != "name"}


def _camel(name: str) -> str:
    """As TensorFlow.js reads a name from a file."""
    return re.sub(r"_+(\w|$)", lambda match: match[1].upper(), name)
