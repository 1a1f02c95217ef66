"""The formats of files with models, each known by the path of its files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from conformance.reference_impl.saving import keras_archive, legacy_h5, model_json, weights_h5
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject, SavedModel


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        name: for messages.
        endings: of the paths of its files; that of one without an ending is a directory.
        opened: the model of a file, whose weights are read while the block lasts.
        write: a model as a file, in place of what is there; nothing changes if it fails.
    """

    name: str
    endings: tuple[str, ...]
    opened: Callable[[Path], AbstractContextManager[SavedModel]]
    write: Callable[[SavedModel, Path], None]


def _beside_its_weights(path: Path) -> AbstractContextManager[SavedModel]:
    return nullcontext(model_json.read(path))


def _with_its_weights(model: SavedModel, path: Path) -> None:
    model_json.write(model, directory_of(path))


def directory_of(path: Path) -> Path:
    """The directory of a model of TensorFlow.js, which may be named by its model.json."""
    return path.parent if path.name == model_json.FILE else path


def _weights_alone(path: Path) -> AbstractContextManager[SavedModel]:
    raise FormatError(path, "", "has weights without a model; give its configuration")


TENSORFLOW_JS = Format("TensorFlow.js", (model_json.FILE,), _beside_its_weights, _with_its_weights)

FORMATS = (
    Format("weights of Keras 3", (".weights.h5",), _weights_alone, weights_h5.write),
    Format("Keras 3", (".keras",), keras_archive.opened, keras_archive.write),
    Format("HDF5 of Keras 2 and 3", (".h5", ".hdf5"), legacy_h5.opened, legacy_h5.write),
    TENSORFLOW_JS,
)
"""The first whose ending a path has is its format."""


def format_of(path: str | PathLike[str]) -> Format:
    """The format of the file at a path, by its name.

    Raises:
        FormatError: none has such names.

    >>> format_of("model.keras").name, format_of("web_model").name
    ('Keras 3', 'TensorFlow.js')
    """
    name = Path(path).name
    if "." not in name or Path(path).is_dir():
        return TENSORFLOW_JS
    for known in FORMATS:
        if name.endswith(known.endings):
            return known
    endings = ", ".join(ending for known in FORMATS for ending in known.endings)
    raise FormatError(
        path,
        "",
        f"no format has files of this name; known endings: {endings}; a name without one is a directory",
    )


def opened(
    path: str | PathLike[str], configuration: JSONObject | None = None
) -> AbstractContextManager[SavedModel]:
    """The model of a file, to be used in a `with` block, while which its weights are read.

    Args:
        configuration: of the model, in Keras 3's form, for a file of weights alone.

    Raises:
        FormatError: the file is not of its format, or is not safe.
    """
    if configuration is not None:
        return weights_h5.opened(Path(path), configuration)
    return format_of(path).opened(Path(path))


def write(saved: SavedModel, path: str | PathLike[str]) -> None:
    """A model as a file of the format that its path names, in place of what is there.

    Raises:
        FormatError: the format cannot have such a model; the old file stays.
    """
    format_of(path).write(saved, Path(path))
