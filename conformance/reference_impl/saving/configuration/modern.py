"""Configurations of Keras 2 and of TensorFlow.js in the form that Keras 3 writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from reprlib import repr as shown
from typing import Any

from conformance.reference_impl import activations, fields, identifiers
from conformance.reference_impl.fields import REQUIRED, Serialized
from conformance.reference_impl.layers import Bidirectional, Layer
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.models.graph import DEEPEST, Reference, graph, is_model, is_operation
from conformance.reference_impl.models.model import Model
from conformance.reference_impl.saving.configuration.known import known, naming
from conformance.reference_impl.saving.configuration.masks import Masks
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject
from conformance.reference_impl.spelling import suggestion

KINDS = {
    "initializer": ("keras.initializers", identifiers.INITIALIZERS),
    "regularizer": ("keras.regularizers", identifiers.REGULARIZERS),
    "constraint": ("keras.constraints", identifiers.CONSTRAINTS),
}
"""The last word of an argument's name, the module of what it names, and the classes there."""

INNER = frozenset(("backward_layer", "cell", "cells", "layer"))
"""The arguments that are layers, or lists of them."""

RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}
"""By class, the older names of arguments and the newer ones."""

WITHOUT_EFFECT = frozenset(
    (
        "autocast", "batch_input_shape", "batch_size", "dropout_func", "dynamic", "enable_caching_device",
        "force_generator", "fused", "implementation", "input_dim", "input_length", "input_shape", "rank",
        "rng_type", "use_one_hot_matmul",
    )
)  # fmt: skip
"""Arguments that Keras 3 does not have, and that change nothing of what a layer of a model computes."""

NEUTRAL: Mapping[str, Any] = {
    "adjustment": None,
    "conv_op": None,
    "groups": 1,
    "kernel_constraint": None,
    "kernel_regularizer": None,
    "noise_shape": None,
    "reverse_state_order": False,
    "sparse": False,
    "time_major": False,
    "virtual_batch_size": None,
}
"""Arguments that some classes of Keras 3 do not have, and the value with which they change nothing there."""

UNUSED = frozenset(("kernel_initializer",))
"""Arguments that Keras 2 tells of depthwise and separable convolutions, whose kernels have other names."""

TRUSTED = frozenset(("keras", "tf_keras", "tensorflow", "keras_core", "builtins"))
"""The packages whose modules a description may name; none is ever imported."""

HOLDING_CODE = frozenset(("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"))
"""Layers of Keras that hold code, or name a file that does."""

OF_TENSORFLOW = frozenset(
    ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod", "InstanceProperty")
)


def modern(configuration: Any, file: str | PathLike[str] = "configuration") -> JSONObject:
    """The configuration of a Sequential or functional model in the form of Keras 3.

    What is in that form already stays as it is, so that forms may be mixed, as in the HDF5 files of Keras 3.
    No class is looked up by the module that a configuration names, and no code in it is run. A function keeps
    its name where it is another one for the program that wrote it, as `hard_sigmoid` is; dialects tell.

    Args:
        configuration: `{"class_name", "config"}`, or the list of a Sequential's layers.
        file: what errors name.

    Raises:
        FormatError: something in it is not what the form allows, holds code, or is a class that is not
            Keras's; the message names layer and argument.

    >>> dense = {"class_name": "Dense", "config": {"units": 3, "batch_input_shape": [None, 4], "name": "d"}}
    >>> model = modern({"class_name": "Sequential", "config": [dense]})
    >>> [layer["class_name"] for layer in model["config"]["layers"]]
    ['InputLayer', 'Dense']
    """
    if isinstance(configuration, list):
        configuration = {"class_name": "Sequential", "config": configuration}
    reader = _Reader(file)
    if not isinstance(configuration, Mapping) or not is_model(configuration):
        given = configuration.get("class_name") if isinstance(configuration, Mapping) else configuration
        raise reader.error("model", f"{shown(given)} is no Sequential or Functional model")
    return reader.model(configuration, "model", 0)


def dtype_policy(dtype: Any) -> Any:
    """A dtype's name, or the description of its policy, as Keras 3 describes it.

    >>> dtype_policy("float32")["config"]
    {'name': 'float32'}
    """
    match dtype:
        case str(name) | {"class_name": "Policy", "config": {"name": str(name)}}:
            return described("keras", "DTypePolicy", {"name": name})
    return dtype


def described(module: str, class_name: str, config: Any, registered_name: str | None = None) -> JSONObject:
    """An object as Keras 3 describes it."""
    return {
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": registered_name,
    }


@dataclass(frozen=True)
class _Reader:
    file: str | PathLike[str]

    def error(self, place: str, reason: str) -> FormatError:
        return FormatError(self.file, place, reason)

    def model(self, given: Mapping[str, Any], place: str, depth: int) -> JSONObject:
        config = given.get("config")
        if isinstance(config, list):
            config = {"layers": config}
        if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list):
            raise self.error(place, "a model's config needs a list of layers")
        if depth > DEEPEST:
            raise self.error(place, f"models and layers are nested deeper than {DEEPEST}")
        self.check_trusted(given, place)
        own = {"build_config", "compile_config"} & given.keys()
        kept = {key: given[key] for key in sorted(own)}
        if given["class_name"] == "Sequential":
            return described("keras", "Sequential", self.sequential(config, place, depth)) | kept
        functional = self.functional(config, place, depth)
        model = described("keras.src.models.functional", "Functional", functional, "Functional") | kept
        self.check_graph(model, config)
        return _with_shapes(model)

    def sequential(self, config: Mapping[str, Any], place: str, depth: int) -> JSONObject:
        name = self.name(config, place, "sequential")
        layers = [self.layer(layer, f"model {name}", depth + 1) for layer in config["layers"]]
        if layers and layers[0]["class_name"] != "InputLayer":
            layers = [*_input_before(config["layers"][0], layers[0]), *layers]
        built = {"build_input_shape": config["build_input_shape"]} if "build_input_shape" in config else {}
        return {
            "name": name,
            "trainable": config.get("trainable", True),
            "dtype": dtype_policy(config.get("dtype") or "float32"),
            "layers": layers,
            **built,
        }

    def functional(self, config: Mapping[str, Any], place: str, depth: int) -> JSONObject:
        name = self.name(config, place, "functional")
        place = f"model {name}"
        layers = [self.layer(entry, place, depth + 1) for entry in config["layers"]]
        nodes: dict[str, list[Any]] = {}
        for entry, layer in zip(config["layers"], layers, strict=True):
            own = entry.get("name") or layer["config"].get("name")
            if not isinstance(own, str) or own in nodes:
                raise self.error(
                    place, f"every layer needs a name of its own, a {layer['class_name']} has {shown(own)}"
                )
            nodes[own] = entry.get("inbound_nodes", [])
            if not isinstance(nodes[own], list):
                raise self.error(f"layer {own}", f"inbound_nodes is no list, but {shown(nodes[own])}")
        models = {
            own: layer["class_name"] for own, layer in zip(nodes, layers, strict=True) if is_model(layer)
        }
        first = _first_calls({own: len(nodes[own]) for own in models}, nodes.values(), config)
        sequential = {own: n for own, n in first.items() if models[own] == "Sequential"}
        return {
            "name": name,
            "trainable": config.get("trainable", True),
            "layers": [
                {
                    **_without_older_build(layer, nodes[own]),
                    "name": own,
                    "inbound_nodes": [
                        self.node(node, layer["class_name"], f"call {i} of layer {own}", first)
                        for i, node in enumerate(nodes[own])
                    ],
                }
                for own, layer in zip(nodes, layers, strict=True)
            ],
            "input_layers": self.ends(config.get("input_layers"), f"{place}: input_layers", {}),
            # Keras 3 too counts a functional model's own graph here, unlike a Sequential's.
            "output_layers": self.ends(config.get("output_layers"), f"{place}: output_layers", sequential),
        }

    def check_graph(self, model: Mapping[str, Any], older: Mapping[str, Any]) -> None:
        """Refuses a graph that is broken, or that Keras 3 takes otherwise than the older form is meant."""
        try:
            found = graph(model)
        except ValueError as error:
            raise self.error("", str(error)) from error
        names = (layer["name"] for layer in model["config"]["layers"])
        told = {
            name: entry.get("inbound_nodes", []) for name, entry in zip(names, older["layers"], strict=True)
        }
        masks = Masks(found)
        for call in found.calls:
            in_older_form = isinstance(told[call.layer][call.index], list)
            if in_older_form and "mask" not in call.kwargs and masks.is_ignored(call):
                raise self.error(
                    f"layer {call.layer}",
                    "its input has a mask, which Keras 3 ignores where initial states are given too, as "
                    "here: leave the mask out",
                )

    def name(self, config: Mapping[str, Any], place: str, otherwise: str) -> str:
        name = otherwise if config.get("name") is None else config["name"]
        if not isinstance(name, str):
            raise self.error(place, f"a name is a string, got {shown(name)}")
        return name

    def node(self, node: Any, class_name: str, place: str, first: Mapping[str, int]) -> JSONObject:
        """One call of a layer."""
        if isinstance(node, Mapping):
            if not isinstance(node.get("args"), list) or not isinstance(node.get("kwargs"), dict):
                raise self.error(place, f'expected {{"args": […], "kwargs": {{…}}}}, got {shown(node)}')
            return {"args": node["args"], "kwargs": node["kwargs"]}
        if not isinstance(node, list) or not node:
            raise self.error(place, f"expected a list of [layer, call, output, arguments], got {shown(node)}")
        if isinstance(node[0], str):
            node = [node]
        tensors, kwargs = [], dict[str, Any]()
        for item in node:
            match item:
                case ["_CONSTANT_VALUE", -1, value, *rest]:
                    tensors.append(value)
                case [str(name), int(call), int(output), *rest] if call >= first.get(name, 0) and output >= 0:
                    tensors.append(_tensor(name, call - first.get(name, 0), output))
                case _:
                    raise self.error(place, f"expected [layer, call, output, arguments], got {shown(item)}")
            match rest:
                case [dict(given), *_]:
                    kwargs |= {key: self.keyword(value, first) for key, value in given.items()}
        cls = Layer.registered.get(class_name)
        if len(tensors) > 1 and cls is not None and issubclass(cls, Recurrent | Bidirectional):
            kwargs["initial_state"] = tensors[1:]
            tensors = tensors[:1]
        return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": kwargs}

    def keyword(self, value: Any, first: Mapping[str, int], depth: int = 0) -> Any:
        """An argument of a call that is given by name, with tensors for what names an output of a layer."""
        match value:
            case [str(name), int(call), int(output)]:
                return _tensor(name, call - first.get(name, 0), output)
            case list() if depth < DEEPEST:
                return [self.keyword(item, first, depth + 1) for item in value]
        return value

    def ends(self, given: Any, place: str, first: Mapping[str, int]) -> Any:
        """The inputs or outputs of a model; a single one stands by itself."""

        def mapped(value: Any, depth: int) -> Any:
            match value:
                case [str(name), int(call), int(output)]:
                    return [name, call - first.get(name, 0), output]
                case list() if depth < DEEPEST:
                    return [mapped(item, depth + 1) for item in value]
                case dict() if depth < DEEPEST:
                    return {key: mapped(item, depth + 1) for key, item in value.items()}
            raise self.error(place, f"expected [layer, call, output] or a list of them, got {shown(value)}")

        found = mapped(given, 0)
        return found[0] if isinstance(found, list) and len(found) == 1 else found

    def check_trusted(self, given: Mapping[str, Any], place: str) -> None:
        """Refuses what is not Keras's own by its module or by the name it was registered under."""
        class_name, module, registered = (given.get(k) for k in ("class_name", "module", "registered_name"))
        package = str(module).partition(".")[0]
        if (module is not None and package not in TRUSTED) or ">" in str(registered or ""):
            raise self.error(
                place,
                f"{registered or class_name} is a class of {shown(module)}, not of Keras; custom classes "
                "are not loaded: make the model of Keras's own layers",
            )

    def layer(self, given: Any, place: str, depth: int) -> JSONObject:
        """A layer, or a model inside another or inside a layer."""
        if depth > DEEPEST:
            raise self.error(place, f"models and layers are nested deeper than {DEEPEST}")
        if not isinstance(given, Mapping) or not isinstance(class_name := given.get("class_name"), str):
            raise self.error(place, f"expected the class_name and config of a layer, got {shown(given)}")
        config = given.get("config")
        own = given.get("name") or (config.get("name") if isinstance(config, Mapping) else None)
        place = f"layer {own or class_name}"
        if is_model(given):
            return self.model(given, place, depth)
        if not isinstance(config, Mapping):
            raise self.error(place, f"a config is an object, got {shown(config)}")
        self.check_trusted(given, place)
        if is_operation(given):
            return described(given["module"], class_name, dict(config), given.get("registered_name"))
        kept = {"build_config": given["build_config"]} if "build_config" in given else {}
        if _is_of_keras_itself(given) and class_name not in _classes():
            own_config = {**config, "dtype": dtype_policy(config.get("dtype"))}
            return described(given["module"], class_name, own_config, given.get("registered_name")) | kept
        self.check_class(class_name, place)
        if class_name == "InputLayer":
            return self.input_layer(config, place) | kept
        return described("keras.layers", class_name, self.arguments(class_name, config, place, depth)) | kept

    def check_class(self, name: str, place: str) -> None:
        if name in HOLDING_CODE:
            raise self.error(
                place, f"a {name} layer holds code, which is not run: use Keras's own layers instead"
            )
        if name in OF_TENSORFLOW:
            raise self.error(
                place, f"{name} is an operation of TensorFlow, not a layer: use Keras's own layers"
            )
        names = _classes()
        if name not in names:
            raise self.error(
                place,
                f"{name} is no layer of Keras, and custom ones are not loaded; "
                f"{suggestion(name[:80], sorted(names))}",
            )

    def input_layer(self, config: Mapping[str, Any], place: str) -> JSONObject:
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        if not isinstance(shape, list) or not all(n is None or (type(n) is int and n >= 0) for n in shape):
            raise self.error(
                place, f"argument batch_shape: expected a list of sizes and null, got {shown(shape)}"
            )
        named = _input_layer(self.name(config, place, "input_layer"), shape, _plain(config.get("dtype")))
        for key in ("sparse", "ragged", "optional"):
            named["config"][key] = bool(config.get(key, False))
        return named

    def arguments(self, class_name: str, config: Mapping[str, Any], place: str, depth: int) -> JSONObject:
        """The arguments of a layer."""
        cls = Layer.registered.get(class_name)
        names = cls.arguments.keys() if cls else known("keras3").layers[class_name]
        renamed = RENAMED.get(class_name, {})
        found = {} if cls is None else self.told_by_default(cls, place)
        for key, value in config.items():
            name = renamed.get(key, key)
            if value is None and cls and name in names and cls.arguments[name].kind is fields.boolean:
                # TensorFlow.js writes null for a flag that was not given, and takes it for false.
                found[name] = False
            elif name == "activation" and cls and cls.may_be_activated_by(value):
                found[name] = self.layer(value, f"{place}: argument {name}", depth + 1)
            elif name in names:
                found[name] = self.argument(name, value, place, depth)
            elif not (_may_be_left_out(name, value) or _is_the_cells(config, name)):
                raise self.error(
                    place,
                    f"argument {name} = {shown(value)} of {class_name} is not known to Keras 3; "
                    f"{suggestion(name, sorted(names))}",
                )
        if class_name == "Bidirectional":
            return self.bidirectional(found, place)
        return found

    def told_by_default(self, cls: type[Layer], place: str) -> JSONObject:
        """The arguments that Keras 3 tells of every layer of a class, at their defaults."""
        return {
            name: self.argument(name, field.default, place, 0)
            for name, field in cls.arguments.items()
            if field.serialized is Serialized.ALWAYS and field.default is not REQUIRED and name != "name"
        }

    def argument(self, name: str, value: Any, place: str, depth: int) -> Any:
        """The value of one argument of a layer."""
        place = f"{place}: argument {name}"
        kind = name.rpartition("_")[2]
        if name == "dtype":
            if isinstance(value, Mapping):
                self.check_trusted(value, place)
            return dtype_policy(value or "float32")
        if kind in KINDS and value is not None:
            return self.identifier(value, kind, place)
        if kind == "activation":
            return self.activation(value, place)
        if name == "axis" and isinstance(value, list) and len(value) == 1:
            return value[0]
        if name in INNER and isinstance(value, Mapping):
            return self.layer(value, place, depth + 1)
        if name in INNER and isinstance(value, list):
            return [self.layer(item, place, depth + 1) for item in value]
        if isinstance(value, Mapping) and "class_name" in value:
            self.check_trusted(value, place)
        return value

    def identifier(self, value: Any, kind: str, place: str) -> JSONObject:
        module, table = KINDS[kind]
        older = {new: name for name, new in naming()["classes"].items()}
        if isinstance(value, Mapping):
            self.check_trusted(value, place)
        try:
            if isinstance(value, Mapping):
                value = {**value, "class_name": older.get(value["class_name"], value["class_name"])}
            found = identifiers.complete(value, table)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise self.error(place, str(error)) from error
        assert found is not None  # the value is not
        return described(module, found["class_name"], found["config"])

    def activation(self, value: Any, place: str) -> str:
        if isinstance(value, Mapping):
            raise self.error(
                place,
                f"{shown(value.get('registered_name') or value.get('class_name'))} is no activation function "
                "of Keras; those are named by strings, and a layer is put behind this one instead",
            )
        try:
            return activations.get(value).name
        except ValueError as error:
            raise self.error(place, str(error)) from error

    def bidirectional(self, found: JSONObject, place: str) -> JSONObject:
        """Both directions, by the names that Keras gives them, and with zeros where a sequence is masked."""
        if not isinstance(found.get("layer"), Mapping) or is_model(found["layer"]):
            raise self.error(place, "argument layer: expected a recurrent layer")
        layer = found["layer"]
        name = str(layer["config"].get("name") or identifiers.snake_case(layer["class_name"]))
        masked = {"zero_output_for_mask": bool(layer["config"].get("return_sequences", False))}
        backward = found.get("backward_layer")
        if not isinstance(backward, Mapping | None):
            raise self.error(place, "argument backward_layer: expected a recurrent layer")
        if backward is None:
            mirrored = {"go_backwards": not layer["config"].get("go_backwards", False)}
            backward = _changed(layer, mirrored | {"name": f"backward_{name.removeprefix('forward_')}"})
        elif not name.startswith("forward_"):
            # The form of Keras 2: it puts the prefix on both names when it makes the layer.
            backward = _changed(backward, {"name": f"backward_{backward['config'].get('name') or name}"})
        return {
            **found,
            "layer": _changed(layer, masked | {"name": f"forward_{name.removeprefix('forward_')}"}),
            "backward_layer": _changed(backward, masked),
        }


def _classes() -> set[str]:
    """The layers of Keras by name, and those that only the specification has."""
    return known("keras3").layers.keys() | Layer.registered.keys()


def _is_of_keras_itself(description: Mapping[str, Any]) -> bool:
    """Whether a layer is of Keras 3 but no part of its interface, as those of its applications are."""
    return str(description.get("module")).startswith("keras.src.applications.")


def _changed(layer: Mapping[str, Any], changes: Mapping[str, Any]) -> JSONObject:
    return {**layer, "config": {**layer["config"], **changes}}


def _plain(dtype: Any) -> str:
    """The name of an input's dtype."""
    match dtype:
        case str():
            return dtype
        case {"config": {"name": str(name)}}:
            return name
    return "float32"


def _input_layer(name: str, shape: Sequence[int | None], dtype: str) -> JSONObject:
    config = {
        "batch_shape": list(shape),
        "dtype": dtype,
        "sparse": False,
        "ragged": False,
        "name": name,
        "optional": False,
    }
    return described("keras.layers", "InputLayer", config)


def _input_before(given: Mapping[str, Any], layer: Mapping[str, Any]) -> list[JSONObject]:
    """The input that stands before the first layer of a Sequential, if it says what it is given: in its
    configuration as it was, or by an input of its own where it is a model."""
    name = f"{layer['config'].get('name', 'layer')}_input"
    if not is_model(layer):
        shape = given["config"].get("batch_input_shape")
        dtype = _plain(layer["config"].get("dtype"))
        return [_input_layer(name, shape, dtype)] if isinstance(shape, list) else []
    inner: Mapping[str, Any] = layer
    while is_model(inner):
        inner = next(iter(inner["config"]["layers"]), {})
    if inner.get("class_name") != "InputLayer":
        return []
    return [_input_layer(name, inner["config"]["batch_shape"], inner["config"]["dtype"])]


def _without_older_build(layer: JSONObject, nodes: Sequence[Any]) -> JSONObject:
    """A layer without what Keras 2 says of how it was built: Keras 3 builds it anew, from its calls."""
    if not any(isinstance(node, list) for node in nodes):
        return layer
    return {key: value for key, value in layer.items() if key != "build_config"}


def _tensor(
    layer: str, call: int, output: int, shape: Sequence[int | None] = (), dtype: str = "float32"
) -> JSONObject:
    """What Keras 3 writes for an output of a layer's call; it looks at the history alone."""
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [*shape], "dtype": dtype, "keras_history": [layer, call, output]},
    }


def _with_shapes(model: JSONObject) -> JSONObject:
    """A functional model whose calls tell the shapes and dtypes of tensors that they did not tell.

    It is as it was where the specification does not know all the layers, or their shapes do not go together.
    """
    try:
        found = Model.from_config(model)
        shapes = found.shapes().outputs
    except ValueError:
        return model
    known = {
        Reference(p[0], call, i): s
        for (p, call), made in shapes.items()
        if len(p) == 1
        for i, s in enumerate(made)
    }
    dtypes = {}
    for reference, layer in zip(found.graph.inputs, found.input_layers, strict=True):
        known[reference], dtypes[reference] = layer.batch_shape, layer.dtype

    def told(value: Any) -> Any:
        match value:
            case {
                "class_name": "__keras_tensor__",
                "config": {"shape": [], "keras_history": [layer, call, output, *_]},
            }:
                reference = Reference(layer, call, output)
                return _tensor(*reference, known.get(reference, ()), dtypes.get(reference, "float32"))
            case list():
                return [told(item) for item in value]
            case dict():
                return {key: told(item) for key, item in value.items()}
        return value

    layers = [{**layer, "inbound_nodes": told(layer["inbound_nodes"])} for layer in model["config"]["layers"]]
    return {**model, "config": {**model["config"], "layers": layers}}


def _may_be_left_out(name: str, value: Any) -> bool:
    if name in WITHOUT_EFFECT or name in UNUSED:
        return True
    return name in NEUTRAL and type(value) is type(NEUTRAL[name]) and value == NEUTRAL[name]


def _first_calls(
    called: Mapping[str, int], nodes: Iterable[Sequence[Any]], config: Mapping[str, Any]
) -> dict[str, int]:
    """The number of the first call of those models inside that do not count from 0: before Keras 3, the graph
    that a model is made with counts as a call.

    Args:
        called: how often each model is called; the last call is referred to, else it would not be there.
        nodes: of all layers.
    """
    calls = [node for own in nodes for node in own]
    if not any(isinstance(node, list) for node in calls):
        return {}
    highest: dict[str, int] = {}
    for name, call in _referred([*calls, config.get("output_layers")]):
        highest[name] = max(highest.get(name, 0), call)
    return {name: 1 for name, count in called.items() if highest.get(name) == count}


def _is_the_cells(config: Mapping[str, Any], argument: str) -> bool:
    """Whether the argument of an RNN is one of its cell's, which TensorFlow.js tells beside the cell too."""
    match config.get("cell"):
        case {"config": dict(own)}:
            return argument in own and own[argument] == config[argument]
    return False


def _referred(node: Any, depth: int = 0) -> Iterator[tuple[str, int]]:
    """The layers, and which calls of them, that a call is given."""
    match node:
        case [str(name), int(call), int(), *rest]:
            yield name, call
            yield from _referred(rest, depth + 1)
        case list() if depth < DEEPEST:
            for item in node:
                yield from _referred(item, depth + 1)
        case dict() if depth < DEEPEST:
            for item in node.values():
                yield from _referred(item, depth + 1)
