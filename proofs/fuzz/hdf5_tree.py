"""HDF5 files as trees, which are changed and built anew: bytes alone make no links, types or longer texts.

What the guard of the readers does not take from a file is not in its tree, so that no other code meets it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import h5py
import numpy as np

from conformance.reference_impl.saving import hdf5_guard
from conformance.reference_impl.saving.saved_model import FormatError, loaded
from proofs.fuzz.mutations import NAMES, Draw, json_text

TEXTS = ("model_config", "training_config", "keras_version", "backend", "name")
LISTS = ("layer_names", "weight_names")

DTYPES = (
    "f2", "f4", "f8", ">f4", "i1", "i4", "i8", "u2", "c8", "?", "S3", h5py.string_dtype(), h5py.ref_dtype
)  # fmt: skip

OTHER_VALUES: Sequence[Any] = (
    np.arange(3), np.bytes_(b"\xe9"), [], "", ["a"] * 40, h5py.Empty("S1"), np.bytes_(b"{}" * 40_000)
)  # fmt: skip
"""Of attributes."""

LIBRARY_VERSIONS = ("earliest", "v110", "latest")

REFUSALS = (KeyError, OSError, RuntimeError, TypeError, ValueError)
"""What h5py raises for names, values and links that a file does not take."""


@dataclass
class Group:
    """A group: its attributes as h5py takes them, and what is in it."""

    attributes: dict[str, Any] = field(default_factory=dict)
    inside: dict[str, Node] = field(default_factory=dict)


@dataclass
class Dataset:
    """Numbers, and how they are stored: the name of a function below."""

    values: Any
    stored: str = "whole"


@dataclass
class Link:
    """A name for something: soft and external ones as HDF5 has them, or a hard one, by a path."""

    kind: str
    path: str


Node = Group | Dataset | Link


def mutated(content: bytes, draw: Draw) -> bytes:
    """A file changed in its bytes, or as a tree."""
    if draw.random.random() < 0.4:
        return draw.few(content)
    tree = deepcopy(_tree(content))
    if tree is None:
        return draw.few(content)
    for _ in range(draw.random.choice((1, 1, 2, 4))):
        _edit(tree, draw)
    return built(tree, draw)


@lru_cache(maxsize=1024)  # the same inputs are changed again and again
def _tree(content: bytes) -> Group | None:
    """The tree of a file; None if the guard does not open it."""
    try:
        with hdf5_guard.opened(io.BytesIO(content), "changed") as root:
            return _read(root)
    except FormatError:
        return None


def _read(group: hdf5_guard.Group, depth: int = 0) -> Group:
    found = Group()
    for name in (*TEXTS, *LISTS):
        with suppress(FormatError):
            if (texts := group.texts(name)) is not None:
                found.attributes[name] = list(texts) if name in LISTS else "".join(texts)
    for name in group.names() if depth < 12 else ():
        with suppress(FormatError):
            found.inside[name] = _read(group.group(name), depth + 1)
        with suppress(FormatError):
            found.inside[name] = Dataset(loaded(group.dataset(name)))
    return found


def _groups(group: Group) -> Iterator[Group]:
    yield group
    for node in group.inside.values():
        if isinstance(node, Group):
            yield from _groups(node)


def _edit(tree: Group, draw: Draw) -> None:
    """Change an attribute or something inside a group."""
    random = draw.random
    groups = list(_groups(tree))
    with_attributes = [group for group in groups if group.attributes]
    if with_attributes and random.random() < 0.5:
        _edit_attribute(random.choice(with_attributes), draw)
        return
    group = random.choice([group for group in groups if group.inside] or groups)
    names = [name for one in groups for name in one.inside] or ["0"]
    name = random.choice(list(group.inside) or ["0"])
    node = group.inside.get(name)
    other = random.choice((*names, *NAMES, "1", "2", "vars", "layers", "optimizer"))
    if node is None or random.random() < 0.15:
        group.inside[other] = random.choice((Group(), Dataset(np.zeros((2, 3), "f4")), _link(draw)))
        return
    match random.randrange(7):
        case 0:
            del group.inside[name]
        case 1:
            group.inside[other] = group.inside.pop(name)
        case 2:
            group.inside[other] = deepcopy(node)
        case 3:
            group.inside[name] = _link(draw)
        case 4:
            random.choice(groups).inside[name] = deepcopy(node)
        case _ if isinstance(node, Dataset):
            group.inside[name] = _other(node, draw)


def _link(draw: Draw) -> Link:
    kind = draw.random.choice(("soft", "external", "hard"))
    path = "/" + draw.random.choice(
        ("", "layers", "layers/dense", "model_weights", "model_weights/dense", "secret")
    )
    return Link(kind, path)


def _other(dataset: Dataset, draw: Draw) -> Dataset:
    """Other numbers, shape or storage."""
    random = draw.random
    if random.random() < 0.4:
        return Dataset(dataset.values, random.choice(tuple(STORED)))
    shape = [*dataset.values.shape]
    if random.random() < 0.5:
        shape = random.choice(([], [0], [*shape, 1], shape[::-1], shape[1:], [3] * 7, [n + 1 for n in shape]))
    return Dataset(np.zeros(shape, random.choice(DTYPES)), dataset.stored)


def _edit_attribute(group: Group, draw: Draw) -> None:
    random = draw.random
    name = random.choice(list(group.attributes))
    value = group.attributes[name]
    if random.random() < 0.15:
        group.attributes[name] = random.choice(OTHER_VALUES)
    elif random.random() < 0.1:
        del group.attributes[name]
    elif random.random() < 0.05:
        group.attributes[f"{name}0"] = group.attributes.pop(name)
    elif isinstance(value, str):
        group.attributes[name] = json_text(value.encode(), draw).decode("utf-8", "replace").replace("\0", "")
    elif isinstance(value, list):
        names = [*value, *group.inside, *NAMES]
        changed = [random.choice(names) if random.random() < 0.2 else text for text in value]
        group.attributes[name] = random.choice(
            (changed, changed[:-1], [*changed, random.choice(names)], changed[::-1])
        )


def built(tree: Group, draw: Draw) -> bytes:
    """The file of a tree, without what HDF5 itself does not take."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver=(draw.random.choice(LIBRARY_VERSIONS), "latest")) as file:
        hard = list(_put(file, tree, draw))
        for group, name, path in hard:
            with suppress(*REFUSALS):
                group[name] = file[path]
    return stream.getvalue()


def _put(target: Any, group: Group, draw: Draw) -> Iterator[tuple[Any, str, str]]:
    """Fill a group; the hard links, which can be made when all is there."""
    for name, value in group.attributes.items():
        with suppress(*REFUSALS):
            target.attrs[name] = value
    for name, node in group.inside.items():
        with suppress(*REFUSALS):
            match node:
                case Group():
                    yield from _put(target.require_group(name), node, draw)
                case Dataset():
                    STORED[node.stored](target, name, node.values, draw)
                case Link("soft"):
                    target[name] = h5py.SoftLink(node.path)
                case Link("external"):
                    target[name] = h5py.ExternalLink(str(draw.elsewhere), node.path)
                case Link():
                    yield target, name, node.path


def _whole(target: Any, name: str, values: Any, draw: Draw) -> None:
    target.create_dataset(name, data=values)


def _in_chunks(target: Any, name: str, values: Any, draw: Draw) -> None:
    target.create_dataset(name, data=values, chunks=True, compression="gzip")


def _elsewhere(target: Any, name: str, values: Any, draw: Draw) -> None:
    external = [(str(draw.elsewhere), 0, max(values.nbytes, 1))]
    target.create_dataset(name, values.shape, values.dtype, external=external)


def _virtual(target: Any, name: str, values: Any, draw: Draw) -> None:
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(str(draw.elsewhere), "secret", values.shape)
    target.create_virtual_dataset(name, layout)


def _not_there(target: Any, name: str, values: Any, draw: Draw) -> None:
    target.create_dataset(name, (2**20, 2**20), "f4")


def _compact(target: Any, name: str, values: Any, draw: Draw) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(values.shape)
    h5py.h5d.create(target.id, name.encode(), h5py.h5t.py_create(values.dtype), space, properties)


def _no_space(target: Any, name: str, values: Any, draw: Draw) -> None:
    target[name] = h5py.Empty("f4")


def _a_type(target: Any, name: str, values: Any, draw: Draw) -> None:
    target[name] = np.dtype("f4")


STORED = {
    "whole": _whole,
    "chunks": _in_chunks,
    "elsewhere": _elsewhere,
    "virtual": _virtual,
    "not there": _not_there,
    "compact": _compact,
    "no space": _no_space,
    "a type": _a_type,
}
