"""The readers that are fuzzed: how an input becomes a file, how it is read whole, and how it is changed."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from conformance.reference_impl.saving import formats, hdf5_guard, strict_json
from conformance.reference_impl.saving.saved_model import PIECE, FormatError, StoredArray
from proofs.fuzz import hdf5_tree
from proofs.fuzz.mutations import Mutation, json_text, members_of, of_members

MODELS = Path(__file__).parents[2] / "tests" / "saving" / "files"
"""Configurations that Keras 2 and 3 and TensorFlow.js wrote."""

OF_WEIGHTS_ALONE = "nested"
"""The model for which files of weights alone are read."""


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        file: the name of the input as a file.
        put: writes an input's bytes there; False if they are none for this reader.
        read: reads all of what is there; FormatError where it is refused.
        mutated: changes an input.
    """

    file: str
    put: Callable[[bytes, Path], bool]
    read: Callable[[Path], None]
    mutated: Mutation


def as_file(content: bytes, path: Path) -> bool:
    path.write_bytes(content)
    return True


def as_directory(content: bytes, path: Path) -> bool:
    """The members of a zip file as the files of a directory."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        members = members_of(content)
    except Exception:  # of the many that `zipfile` has
        return False
    for name, own in members.items():
        with suppress(OSError, ValueError):  # a name that no file has
            if Path(name).name == name:
                (path / name).write_bytes(own)
    return True


def read_model(path: Path, configuration: Mapping[str, Any] | None = None) -> None:
    with formats.opened(path, None if configuration is None else dict(configuration)) as saved:
        read_arrays(array for own in (*saved.weights.values(), saved.optimizer) for array in own.values())


def read_arrays(arrays: Iterable[StoredArray]) -> None:
    """Read each in pieces; AssertionError if they are not what it is said to be."""
    for array in arrays:
        sizes = [piece.nbytes for piece in array.pieces()]
        assert max(sizes, default=0) <= PIECE
        if array.dtype != "string":
            assert sum(sizes) == math.prod(array.shape) * np.dtype(array.dtype).itemsize


def read_hdf5(path: Path) -> None:
    """What any reader asks of an HDF5 file."""
    with path.open("rb") as stream, hdf5_guard.opened(stream, path) as root:
        groups = {""}
        for place in root.datasets():
            with suppress(FormatError):
                read_arrays([root.dataset(place)])
            groups |= {*accumulate(place.split("/")[:-1], "{}/{}".format)}
        for place in groups:
            group = root.group(place) if place else root
            for attribute in ("name", "model_config", "layer_names"):
                with suppress(FormatError):
                    group.texts(attribute)


def read_json(path: Path) -> None:
    """What is read is JSON, and stays what it is when written."""
    parsed = strict_json.parse(path.read_bytes(), path)
    assert json.loads(strict_json.text(parsed)) == parsed


def written_by(program: str) -> dict[str, dict[str, Any]]:
    """The configurations of models that a program wrote, by name."""
    models: dict[str, dict[str, Any]] = json.loads((MODELS / f"{program}.json").read_text("utf-8"))
    return models


TARGETS: Mapping[str, Target] = {
    "keras_archive": Target(
        "model.keras", as_file, read_model, of_members({".json": json_text, ".h5": hdf5_tree.mutated}, True)
    ),
    "legacy_h5": Target("model.h5", as_file, read_model, hdf5_tree.mutated),
    "weights_h5": Target(
        "model.weights.h5",
        as_file,
        partial(read_model, configuration=written_by("keras3")[OF_WEIGHTS_ALONE]),
        hdf5_tree.mutated,
    ),
    "tensorflow_js": Target("model", as_directory, read_model, of_members({".json": json_text}, False)),
    "strict_json": Target("model.json", as_file, read_json, json_text),
    "hdf5_guard": Target("model.h5", as_file, read_hdf5, hdf5_tree.mutated),
}
