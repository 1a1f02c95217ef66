"""The `.h5` of Keras 1 to 3: configurations in attributes, weights by the names of layers and weights.

`model_weights` has a group for each layer of the model, with the weights of a model inside the model all in
one, those that are trained first. Names of weights differ between versions, but for the last part, and begin
with whatever was around the layer when it was made: `dense/kernel:0`, `model/lstm/lstm_cell/kernel`.
Sources: `keras/src/legacy/saving/legacy_h5_format.py`, 3.15.1; `tf_keras/src/saving/legacy/hdf5_format.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from conformance.reference_impl.layers import Weight
from conformance.reference_impl.saving import hdf5_guard, strict_json
from conformance.reference_impl.saving.configuration import legacy, modern
from conformance.reference_impl.saving.hdf5_guard import Group, StoredDataset, printable
from conformance.reference_impl.saving.hdf5_skeleton import Skeleton
from conformance.reference_impl.saving.keras_layers import Configured, leaves, outermost
from conformance.reference_impl.saving.keras_order import in_keras_order
from conformance.reference_impl.saving.replacement import replacing_file
from conformance.reference_impl.saving.saved_model import JSONObject, LayerPath, SavedModel, StoredArray
from conformance.reference_impl.saving.training import (
    generation_of,
    legacy_state,
    legacy_training,
    modern_state,
    modern_training,
)

Generation = Literal[2, 3]

VERSIONS: Mapping[Generation, str] = {2: "2.21.0", 3: "3.15.1"}
"""Those of the forms in which files are written."""

OLDER_NAMES = {"depthwise_kernel": "kernel"}
"""Names of weights in Keras 2 that the specification and Keras 3 have otherwise."""

Weights = dict[LayerPath, Mapping[str, StoredArray]]


@contextmanager
def opened(path: Path) -> Iterator[SavedModel]:
    """The model of a file; its weights are read while the block lasts.

    Raises:
        FormatError: the file is damaged, unsafe, or not what Keras writes.
    """
    with path.open("rb") as stream, hdf5_guard.opened(stream, path) as root:
        configuration = _document(root, path, "model_config")
        if configuration is None:
            raise root.fault("has no attribute 'model_config': weights alone, or no model of Keras")
        configuration = modern(configuration, path)
        model = outermost(configuration, path)
        training = _document(root, path, "training_config")
        compiled = None if training is None else modern_training(training, path)
        version = root.text("keras_version") or "1"
        yield SavedModel(
            configuration,
            _read(root.group("model_weights"), model),
            training=compiled,
            optimizer=modern_state(_optimizer(root), compiled, generation_of(version)),
            made_by=f"Keras {printable(version)}",
        )


def _document(root: Group, path: Path, attribute: str) -> JSONObject | None:
    text = root.text(attribute)
    return None if text is None else strict_json.parse(text.encode(), path, attribute)


def _named(group: Group) -> Iterator[tuple[str, StoredDataset]]:
    """The weights of a group by their names, in its order."""
    names = group.texts("weight_names")
    if names is None:
        raise group.fault("has no attribute 'weight_names'")
    if len(set(names)) < len(names):
        raise group.fault("attribute 'weight_names': a name twice")
    for name in names:
        yield name, group.dataset(name)


def _refuse_others(group: Group, taken: set[str]) -> None:
    """That nothing in the group is left behind unsaid."""
    for path in group.datasets():
        if path not in taken:
            raise group.file.fault(f"{group.path}/{path}", "a weight that no list of names has")


def _optimizer(root: Group) -> dict[str, StoredArray]:
    group = root.optional("optimizer_weights")
    if group is None:
        return {}
    variables: dict[str, StoredArray] = dict(_named(group))
    _refuse_others(group, set(variables))
    return variables


def _read(group: Group, model: Configured) -> Weights:
    """The weights of a model's layers by the specification's names.

    Raises:
        FormatError: a layer's weights differ in name, number or shape from those that the specification has
            for it, or the file has weights of no layer.
    """
    layers = {layer.name: layer for layer in model.layers()}
    names = group.texts("layer_names")
    if names is None:
        raise group.fault("has no attribute 'layer_names'")
    if len(set(names)) < len(names):
        raise group.fault("attribute 'layer_names': a name twice")
    stored = {name: dict(_named(group.group(name))) for name in names}
    for name in names:
        if name not in layers and stored[name]:
            raise group.file.fault(f"{group.path}/{name}", "weights of no layer in the configuration")
    _refuse_others(group, {f"{name}/{weight}" for name in names for weight in stored[name]})
    weights: Weights = {}
    for name, layer in layers.items():
        weights |= _matched_in(layer, stored.get(name, {}))
    return weights


def _matched_in(layer: Configured, stored: Mapping[str, StoredDataset]) -> Weights:
    """The weights in the group of a layer, which may be a model, by the layers there."""
    inside = list(leaves(layer))
    by_part: dict[str, list[Configured]] = {}
    for leaf in inside:
        by_part.setdefault(leaf.name.partition("/")[0], []).append(leaf)
    of_layer: dict[LayerPath, dict[str, StoredDataset]] = {leaf.path: {} for leaf in inside}
    for name, dataset in stored.items():
        of_layer[_owner(layer, by_part, name).path][name] = dataset
    weights: Weights = {}
    for leaf in inside:
        own = of_layer[leaf.path]
        found = _specified(leaf, own)
        if found:
            weights[leaf.path] = {specified: own[name] for specified, name in found.items()}
    return weights


def _owner(layer: Configured, by_part: Mapping[str, Sequence[Configured]], name: str) -> Configured:
    """The layer whose name is in that of a weight, with most of those of the models around it; a layer by
    itself has all in its group.

    Args:
        by_part: the layers there by the first part of their names.
    """
    if not layer.is_model and layer.distributed() is None:
        return layer
    said = f"/{name}"
    candidates = [leaf for part in set(name.split("/")) for leaf in by_part.get(part, ())]
    named = [leaf for leaf in candidates if f"/{leaf.name}/" in said]
    # Of two in whose names as much is said, one is in fewer models that are not.
    told = [(sum(f"/{model}/" in said for model in leaf.path), -len(leaf.path)) for leaf in named]
    best = [leaf for leaf, so_much in zip(named, told, strict=True) if so_much == max(told)]
    if len(best) != 1:
        kind = "several" if best else "none"
        raise layer.fault(f"the file's weight {printable(name)!r} could be of {kind} of its layers")
    return best[0]


def _specified(leaf: Configured, stored: Mapping[str, StoredDataset]) -> dict[str, str]:
    """The names of a layer's weights in the file by those in the specification, in its order."""
    layer = leaf.specified()
    if layer is None:
        named = {_own_name(leaf, name): name for name in stored}
        if len(named) < len(stored):
            raise leaf.fault("two of its weights have one name, but for those of the layers around it")
        return named
    shapes = {name: dataset.shape for name, dataset in stored.items()}
    return leaf.fitted(layer, shapes, lambda declared: _matched(declared, stored))


def _own_name(leaf: Configured, name: str) -> str:
    """That of a weight without those of the layer and of what is around it."""
    said = re.sub(r":\d+$", "", name)
    return f"/{said}".partition(f"/{leaf.name}/")[2] or said


def _matched(declared: Sequence[Weight], stored: Mapping[str, StoredDataset]) -> dict[str, str] | None:
    """For each declared weight the one stored whose name means it, if there is just one, and of its shape."""
    own = {weight.name.rpartition("/")[2] for weight in declared}
    matched = {}
    for weight in declared:
        named = [name for name in stored if _means(_parts(name, own), weight.name.split("/"))]
        fitting = [
            n for n in named if stored[n].shape == weight.shape and stored[n].dtype.startswith("float")
        ]
        if len(named) != 1 or named != fitting:
            return None
        matched[weight.name] = named[0]
    return matched if len(set(matched.values())) == len(stored) else None


def _parts(name: str, own: set[str]) -> list[str]:
    *around, last = re.sub(r":\d+$", "", name).split("/")
    return [*around, last if last in own else OLDER_NAMES.get(last, last)]


def _means(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the parts of a name end with the last one wanted, and have the others in their order."""
    remaining = iter(parts)
    return parts[-1] == wanted[-1] and all(part in remaining for part in wanted)


def write(
    saved: SavedModel, path: Path, generation: Generation = 3, topology: JSONObject | None = None
) -> None:
    """A model as a file that `load_model` of that generation of Keras takes.

    Args:
        topology: the configuration as `legacy` gives it for Keras 2, with layers in Keras's order; where
            None, it is translated here, and refused where Keras 2 has no words for something.

    Raises:
        FormatError: some weights are of no layer; or Keras 2 has no words for something in the configuration.
    """
    configuration = in_keras_order(saved.configuration, path)
    model = outermost(configuration, path)
    written = configuration
    if generation == 2:
        written = legacy(configuration, "keras2") if topology is None else topology
    skeleton = Skeleton()
    skeleton.group(
        "",
        backend="tensorflow",
        keras_version=VERSIONS[generation],
        model_config=strict_json.text({name: written[name] for name in ("class_name", "config")}),
    )
    training = legacy_training(saved.training, generation)
    if training is not None:
        skeleton.group("", training_config=strict_json.text(training))
    layers = model.layers()
    skeleton.group(
        "model_weights",
        backend="tensorflow",
        keras_version=VERSIONS[generation],
        layer_names=[layer.name for layer in layers],
    )
    left = set(saved.weights)
    for layer in layers:
        named = dict(_ordered(layer, saved.weights, generation))
        _put(skeleton, f"model_weights/{layer.name}", named)
        left -= {leaf.path for leaf in leaves(layer)}
    if left:
        raise model.fault(f"has no layer {'/'.join(min(left))!r}, whose weights are given")
    skeleton.group("model_weights/top_level_model_weights", weight_names=[])
    state = legacy_state(saved.optimizer, saved.training, generation)
    if state:
        _put(skeleton, "optimizer_weights", state)
    with replacing_file(path) as new:
        skeleton.write(new)


def _put(skeleton: Skeleton, group: str, named: Mapping[str, StoredArray]) -> None:
    skeleton.group(group, weight_names=list(named))
    for name, array in named.items():
        skeleton.dataset(f"{group}/{name}", array)


def _ordered(
    layer: Configured, weights: Mapping[LayerPath, Mapping[str, StoredArray]], generation: Generation
) -> list[tuple[str, StoredArray]]:
    """The weights of a layer, or of all in a model, by their names in the file: those trained come first."""
    trained: list[tuple[str, StoredArray]] = []
    others: list[tuple[str, StoredArray]] = []
    for leaf in leaves(layer):
        own = weights.get(leaf.path, {})
        around = "/".join(leaf.path[len(layer.path) - 1 :])
        for name, is_trained in _trained(leaf, own).items():
            written = f"{around}/{name}" + (":0" if generation == 2 else "")
            (trained if is_trained else others).append((written, own[name]))
    return trained + others


def _trained(leaf: Configured, own: Mapping[str, StoredArray]) -> dict[str, bool]:
    """A layer's weights in their order, and which of them are trained."""
    layer = leaf.specified()
    free = leaf.trainable and leaf.config.get("trainable", True) is not False
    if layer is None:
        return dict.fromkeys(own, free)
    return {w.name: w.trainable and free for w in leaf.declared(layer, own)}
