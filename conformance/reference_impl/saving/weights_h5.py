"""Keras 3's `.weights.h5`: weights by the classes of their layers.

The weights of a layer lie in `layers/conv2d_1/vars/0`, `…/1`, …: the snake_case of its class, numbered among
those of that class in its model, and the weight's place among the layer's own. What is inside a layer follows
under the name of the attribute that holds it: `cell/vars/0`, `forward_layer/cell/vars/0`. The name of the
layer is an attribute of `vars`, which older files lack. Source: `keras/src/saving/saving_lib.py`, 3.15.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import Weight
from conformance.reference_impl.saving import hdf5_guard
from conformance.reference_impl.saving.hdf5_guard import Group, StoredDataset, printable
from conformance.reference_impl.saving.hdf5_skeleton import Skeleton
from conformance.reference_impl.saving.keras_layers import (
    Configured,
    Holder,
    holders,
    joined,
    numbered,
    outermost,
)
from conformance.reference_impl.saving.keras_order import in_keras_order
from conformance.reference_impl.saving.replacement import replacing_file
from conformance.reference_impl.saving.saved_model import (
    JSONObject,
    LayerPath,
    SavedModel,
    StoredArray,
)

Weights = dict[LayerPath, Mapping[str, StoredArray]]


@contextmanager
def opened(path: Path, configuration: JSONObject) -> Iterator[SavedModel]:
    """The weights of a file, for a model of this configuration; they are read while the block lasts.

    Raises:
        FormatError: the file is damaged, unsafe, or does not have the weights of such a model.
    """
    with path.open("rb") as stream, hdf5_guard.opened(stream, path) as root:
        model = outermost(in_keras_order(configuration, path), path)
        weights, optimizer = read(root, model)
        yield SavedModel(configuration, weights, optimizer=optimizer)


def write(saved: SavedModel, path: Path) -> None:
    """The weights of a model as a file that `load_weights` of the same model takes.

    Raises:
        FormatError: some weights are of no layer, or of one that the specification does not know.
    """
    skeleton = Skeleton()
    put(skeleton, replace(saved, configuration=in_keras_order(saved.configuration, path)), path)
    with replacing_file(path) as new:
        skeleton.write(new)


def keyed(model: Configured, group: str = "") -> Iterator[tuple[str, Configured]]:
    """The layers of a model and of the models in it, each model before its own, with their groups."""
    layers = model.layers()
    keys = numbered([snake_case(layer.class_name) for layer in layers])
    for key, layer in zip(keys, layers, strict=True):
        own = joined(group, "layers", key)
        yield own, layer
        if layer.is_model:
            yield from keyed(layer, own)
        elif inner := layer.distributed():
            yield f"{own}/layer", inner
            yield from keyed(inner, f"{own}/layer")


def read(root: Group, model: Configured) -> tuple[Weights, dict[str, StoredArray]]:
    """The weights of a model's layers, and of its optimizer, out of the file of that root.

    Raises:
        FormatError: a layer's weights differ in number or shape from those that the specification has for it,
            those of another one are in its place, or the file has weights of no layer.
    """
    weights: Weights = {}
    taken = set[str]()
    for group, layer in keyed(model):
        found = _Found(root, group, layer)
        if not layer.is_model and layer.distributed() is None:
            own = found.weights()
            if own:
                weights[layer.path] = own
        taken |= found.taken
    layers = root.optional("layers")
    for path in layers.datasets() if layers else ():
        if f"layers/{path}" not in taken and "seed_generator" not in path:
            raise root.file.fault(f"/layers/{path}", "a weight of no layer in the configuration")
    optimizer = root.optional("optimizer/vars")
    return weights, dict(_in_order(optimizer)) if optimizer else {}


def _in_order(group: Group) -> Iterator[tuple[str, StoredDataset]]:
    """The datasets `0`, `1`, … of a group."""
    names = set(group.names())
    for i in range(len(names)):
        if str(i) not in names:
            raise group.fault(f"has {len(names)} weights, and none of them is {str(i)!r}")
        yield str(i), group.dataset(str(i))


class _Found:
    """What a file has in the group of a layer."""

    def __init__(self, root: Group, group: str, layer: Configured) -> None:
        self.root, self.group, self.layer = root, group, layer
        self.taken = set[str]()
        vars_ = root.optional(f"{group}/vars")
        name = vars_.text("name") if vars_ else None
        if name is not None and name != layer.name:
            raise layer.fault(f"in its place, {group}, the file has the weights of {printable(name)!r}")

    def weights(self) -> dict[str, StoredArray]:
        specified = self.layer.specified()
        if specified is None:
            group = self.root.optional(self.group)
            if group and next(group.datasets(), None):
                raise self.layer.fault(
                    f"the file has its weights, and does not say which is which; the specification has no "
                    f"{printable(self.layer.class_name)}"
                )
            return {}
        parts = list(holders(specified))
        stored = [self._datasets(joined(self.group, part.attributes, "vars")) for part in parts]
        named: dict[str, StoredArray] = self.layer.fitted(
            specified,
            {dataset.path: dataset.shape for part in stored for dataset in part},
            partial(_named, parts, stored),
        )
        for weight in self.layer.declared(specified, named):
            kind, found = (weight.dtype or "float").rstrip("0123456789"), named[weight.name].dtype
            if not found.startswith(kind):
                raise self.layer.fault(f"weight {weight.name!r}: expected {kind}s, found {found}")
        return named

    def _datasets(self, group: str) -> list[StoredDataset]:
        found = self.root.optional(group)
        datasets = [dataset for _, dataset in _in_order(found)] if found else []
        self.taken |= {f"{group}/{i}" for i in range(len(datasets))}
        return datasets


def _named(
    parts: Sequence[Holder], stored: Sequence[Sequence[StoredDataset]], declared: Sequence[Weight]
) -> dict[str, StoredArray] | None:
    """The datasets of each part of a layer by the names of the weights declared, if of their shapes."""
    named: dict[str, StoredArray] = {}
    for part, datasets in zip(parts, stored, strict=True):
        own = [weight for weight in declared if part.owns(weight.name)]
        if [weight.shape for weight in own] != [dataset.shape for dataset in datasets]:
            return None
        named |= {weight.name: dataset for weight, dataset in zip(own, datasets, strict=True)}
    return {weight.name: named[weight.name] for weight in declared}


def put(skeleton: Skeleton, saved: SavedModel, file: Path) -> None:
    """Add a model's weights and its optimizer's to a file.

    Args:
        saved: its configuration has the layers in the order of `in_keras_order`.

    Raises:
        FormatError: as `write`.
    """
    model = outermost(saved.configuration, file)
    skeleton.group("vars", name=model.name)
    left = set(saved.weights)
    for group, layer in keyed(model):
        skeleton.group(f"{group}/vars", name=layer.name)
        if layer.is_model or layer.distributed():
            continue
        own = saved.weights.get(layer.path, {})
        left.discard(layer.path)
        specified = layer.specified()
        if specified is None and own:
            raise layer.fault(
                f"its weights cannot be written: the specification has no {printable(layer.class_name)}"
            )
        if specified is None:
            continue
        declared = layer.declared(specified, own)
        for part in holders(specified):
            where = joined(group, part.attributes, "vars")
            for i, name in enumerate(w.name for w in declared if part.owns(w.name)):
                skeleton.dataset(f"{where}/{i}", own[name])
    if left:
        raise model.fault(f"has no layer {'/'.join(min(left))!r}, whose weights are given")
    if saved.optimizer:
        for i, array in enumerate(saved.optimizer.values()):
            skeleton.dataset(f"optimizer/vars/{i}", array)
