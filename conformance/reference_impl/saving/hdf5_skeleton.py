"""HDF5 files written in two steps: first what says where everything is, then the weights, piece by piece.

The library writes the first, and leaves holes for the weights, in which their bytes are then put: so none of
them is in memory as a whole, and a file can go straight into an archive.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from conformance.reference_impl.saving.hdf5_guard import STORED_TYPES
from conformance.reference_impl.saving.saved_model import PIECE, FormatError, StoredArray

MOST_ATTRIBUTE_BYTES = 64512
"""Of one attribute: what is longer is cut, as Keras does."""

Value = str | Sequence[str]


@dataclass
class Skeleton:
    """What is to be written: groups with their attributes, and datasets."""

    groups: dict[str, dict[str, Value]] = field(default_factory=dict)
    datasets: dict[str, StoredArray] = field(default_factory=dict)

    def group(self, path: str, **attributes: Value) -> None:
        """Add a group, or attributes to one."""
        self.groups.setdefault(path, {}).update(attributes)

    def dataset(self, path: str, array: StoredArray) -> None:
        """Add a dataset of numbers at a path where none is yet; ValueError if there is one."""
        if path in self.datasets:
            raise ValueError(f"two weights are named {path!r}")
        if array.dtype not in STORED_TYPES:
            raise ValueError(f"{path}: of {array.dtype}; {', '.join(STORED_TYPES)} are written")
        self.datasets[path] = array

    def write(self, path: Path) -> None:
        """The file, at a path where there may be another."""
        offsets = self._lay_out(path)
        with path.open("r+b") as stream:
            for name, offset in offsets.items():
                stream.seek(offset)
                for piece in self._pieces(name):
                    stream.write(piece)

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The bytes of the file from its beginning to its end."""
        with tempfile.NamedTemporaryFile(suffix=".h5") as laid_out:
            offsets = self._lay_out(Path(laid_out.name))
            with Path(laid_out.name).open("rb") as stream:
                end = stream.seek(0, 2)
                stream.seek(0)
                for name, offset in sorted(offsets.items(), key=lambda item: item[1]):
                    yield from _read(stream, offset - stream.tell())
                    for piece in self._pieces(name):
                        yield piece
                        stream.seek(piece.nbytes, 1)
                yield from _read(stream, end - stream.tell())

    def _pieces(self, name: str) -> Iterator[memoryview]:
        """Those of a dataset, which are as many bytes as there is room for."""
        array = self.datasets[name]
        room = _nbytes(array)
        for piece in array.pieces():
            room -= piece.nbytes
            if room < 0:
                break
            yield piece
        if room:
            raise FormatError(name, "", f"its pieces are not the {_nbytes(array)} bytes that its shape needs")

    def _lay_out(self, path: Path) -> dict[str, int]:
        """Write all but the datasets' bytes; where those belong."""
        import h5py

        room = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        room.set_layout(h5py.h5d.CONTIGUOUS)
        room.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        room.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        room.set_obj_track_times(False)
        offsets = {}
        with h5py.File(path, "w", libver=("earliest", "v110")) as file:
            for name in sorted({*self.groups, *(name.rpartition("/")[0] for name in self.datasets)} - {""}):
                file.require_group(name)
            for name, attributes in self.groups.items():
                for attribute, value in attributes.items():
                    _set(file[name] if name else file, attribute, value)
            for name, array in self.datasets.items():
                space = (
                    h5py.h5s.create_simple(array.shape) if array.shape else h5py.h5s.create(h5py.h5s.SCALAR)
                )
                kind = h5py.h5t.py_create(np.dtype(array.dtype).newbyteorder("<"))
                dataset = h5py.h5d.create(file.id, name.encode(), kind, space, room)
                if _nbytes(array):
                    offsets[name] = dataset.get_offset()
        return offsets


def _nbytes(array: StoredArray) -> int:
    return int(np.prod(array.shape, dtype=object)) * np.dtype(array.dtype).itemsize


def _read(stream: BinaryIO, size: int) -> Iterator[bytes]:
    for start in range(0, size, PIECE):
        yield stream.read(min(PIECE, size - start))


def _set(target: Any, attribute: str, value: Value) -> None:
    """A text, or a list of texts, as many attributes as it takes."""
    if isinstance(value, str):
        target.attrs[attribute] = value
        return
    texts = np.array([text.encode() for text in value] or np.zeros(0, "S1"))
    parts = -(-texts.nbytes // MOST_ATTRIBUTE_BYTES) or 1
    while max(part.nbytes for part in np.array_split(texts, parts)) > MOST_ATTRIBUTE_BYTES:
        parts += 1
    if parts == 1:
        target.attrs[attribute] = texts
    else:
        for i, part in enumerate(np.array_split(texts, parts)):
            target.attrs[f"{attribute}{i}"] = part
