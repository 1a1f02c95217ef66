"""The formats in which models go from one program to another, as files in memory.

A new format is an entry of `FORMATS`, with its codec; who loads or saves it says so in its capabilities
(`loaded/FORMAT/*`, `file/FORMAT`).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from conformance.interchange.conversion import Wanted, convert
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.saving import formats, keras_archive, legacy_h5, model_json, weights_h5
from conformance.reference_impl.saving.saved_model import (
    InMemory,
    JSONObject,
    LayerPath,
    SavedModel,
    loaded,
)

Weights = Mapping[LayerPath, Mapping[str, Array]]


@dataclass(frozen=True)
class Format:
    """A format of files with models.

    Attributes:
        path: of what is written, in a folder of its own: a file, or a folder of files.
        write: the model, there.
        wanted: what `convert` has to be told to write it.
    """

    path: str
    write: Callable[[SavedModel, Path], None]
    wanted: Wanted = field(default_factory=Wanted)


FORMATS: Mapping[str, Format] = {
    "keras": Format("model.keras", keras_archive.write),
    "h5": Format("model.h5", legacy_h5.write),
    "keras2.h5": Format("model.keras2.h5", partial(legacy_h5.write, generation=2), Wanted(generation=2)),
    "model.json": Format("model", model_json.write),
    "weights.h5": Format("model.weights.h5", weights_h5.write),
}
"""By the names that capabilities use. A program that does not load a file as it is gets it converted to the
first of these that it loads."""


@dataclass(frozen=True)
class File:
    """A saved model: what its files hold, by their names."""

    format: str
    content: Mapping[str, bytes]

    @cached_property
    def digest(self) -> str:
        """The same for the same files, and for no others."""
        parts = (
            f"{name}\0{hashlib.sha256(self.content[name]).hexdigest()}\0" for name in sorted(self.content)
        )
        return hashlib.sha256("".join((self.format, "\0", *parts)).encode()).hexdigest()


def in_memory(configuration: JSONObject, weights: Weights) -> SavedModel:
    """A model as the codecs take it."""
    stored = {path: {name: InMemory(x) for name, x in own.items()} for path, own in weights.items()}
    return SavedModel(configuration, stored)


def written(model: SavedModel, name: str) -> File:
    """The model in the format of that name.

    Raises:
        FormatError: the format has no words for something in the model.
    """
    with _folder() as folder:
        FORMATS[name].write(model, folder / FORMATS[name].path)
        return _file_in(folder, name)


def read(file: File, configuration: JSONObject) -> tuple[JSONObject, Weights]:
    """The configuration of the model in a file, in the form of Keras 3, and its weights.

    Args:
        configuration: of the model, for a file of weights alone.

    Raises:
        FormatError: the file is not of its format, or has a layer that is not known.
    """
    with _laid_out(file) as path, _opened(path, file.format, configuration) as saved:
        weights = {
            layer: {name: loaded(x) for name, x in own.items()} for layer, own in saved.weights.items()
        }
        return saved.configuration, weights


def converted(file: File, configuration: JSONObject, name: str) -> File:
    """The file as `conformance convert` makes one of another format of it.

    Args:
        configuration: as `read` takes it.

    Raises:
        Refused: the other format has no words for something in the model.
        FormatError: the file is not of its format.
    """
    with _laid_out(file) as path, _folder() as folder:
        if file.format == "weights.h5":
            with _opened(path, file.format, configuration) as saved:
                path = folder / FORMATS["keras"].path
                keras_archive.write(saved, path)
        out = folder / "converted"
        out.mkdir()
        convert(path, out / FORMATS[name].path, FORMATS[name].wanted)
        return _file_in(out, name)


def _opened(path: Path, name: str, configuration: JSONObject) -> AbstractContextManager[SavedModel]:
    return formats.opened(path, configuration if name == "weights.h5" else None)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        yield Path(folder)


def _file_in(folder: Path, name: str) -> File:
    """What has been written in the format."""
    path = folder / FORMATS[name].path
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    return File(name, {each.name: each.read_bytes() for each in found})


@contextmanager
def _laid_out(file: File) -> Iterator[Path]:
    """The path of the file, on disk for as long as the block lasts."""
    with _folder() as folder:
        path = folder / FORMATS[file.format].path
        home = path.parent if path.suffix else path
        home.mkdir(exist_ok=True)
        for name, content in file.content.items():
            # A program has named it: no more of that than a name in this folder.
            (home / Path(name).name).write_bytes(content)
        yield path
