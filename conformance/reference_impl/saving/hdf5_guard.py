"""HDF5 files from strangers, read so that nothing outside them is opened and little of them is in memory.

The HDF5 library follows links and external storage to other files of the machine, makes up values that a file
does not have, and resolves one long string as often as an attribute names it. Here it only says where a
dataset's bytes lie; they are read from the file itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import prod
from os import PathLike
from typing import Any, BinaryIO

import numpy as np

from conformance.reference_impl.saving.hdf5_headers import (
    attribute_texts,
    check_addresses,
    elements_elsewhere,
)
from conformance.reference_impl.saving.saved_model import PIECE, FormatError

DEEPEST = 40
MOST_OBJECTS = 2**18
MOST_NAMES = 2**16

STORED_TYPES = {f"float{bits}": f"IEEE_F{bits}" for bits in (16, 32, 64)} | {
    f"{sign}int{bits}": f"STD_{sign.upper() or 'I'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
"""The types of elements that are read and written: HDF5's name, without the order of bytes, by NumPy's."""

_TYPES = {
    f"{stored}{order}": (name, order == "BE")
    for name, stored in STORED_TYPES.items()
    for order in ("LE", "BE")
}
"""The stored types that are read: NumPy's name, and whether the bytes have to be swapped."""


@dataclass
class _File:
    """What all groups of a file share; `claimed` is how many bytes each dataset has that was opened."""

    stream: BinaryIO
    name: str | PathLike[str]
    within: str
    size: int
    claimed: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def claim(self, path: str, size: int) -> None:
        """Count a dataset's bytes: several may lie in the same, and make a large model of a small file."""
        self.total += size - self.claimed.get(path, 0)
        self.claimed[path] = size
        if self.total > self.size:
            raise self.fault(path, "all datasets together need more bytes than the file has")

    def fault(self, path: str, reason: str) -> FormatError:
        place = f"{self.within}:{path}" if self.within else path
        return FormatError(self.name, printable(place), reason)

    @contextmanager
    def reading(self, path: str) -> Iterator[None]:
        """Whatever the HDF5 library says of a damaged file, as FormatError."""
        try:
            yield
        except FormatError:
            raise
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise self.fault(path, f"damaged HDF5: {printable(str(error))[:200]}") from None


def printable(text: str) -> str:
    """The text on one line."""
    return "".join(c if c.isprintable() else "�" for c in text)


@contextmanager
def opened(stream: BinaryIO, name: str | PathLike[str], within: str = "") -> Iterator[Group]:
    """The root group of an HDF5 file.

    Args:
        stream: the file, which has to stay open as long as its datasets are read.
        name: of the file, for errors.
        within: the member of an archive that it is, if it is one.

    Raises:
        FormatError: it is no HDF5 file, or is not complete.
    """
    import h5py

    size = stream.seek(0, 2)
    file = _File(stream, name, within, size)
    with file.reading("/"):
        check_addresses(stream)
        found = h5py.File(stream, "r")
    try:
        yield Group(file, found.id, "")
    finally:
        found.close()


@dataclass(frozen=True)
class StoredDataset:
    """A dataset that lies in one piece in its file; see `StoredArray`."""

    shape: tuple[int, ...]
    dtype: str
    path: str
    offset: int
    swapped: bool
    file: _File = field(repr=False)

    @property
    def itemsize(self) -> int:
        return np.dtype(self.dtype).itemsize

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.itemsize

    def pieces(self) -> Iterator[memoryview]:
        for start in range(0, self.nbytes, PIECE):
            size = min(PIECE, self.nbytes - start)
            self.file.stream.seek(self.offset + start)
            piece = bytearray(size)
            if self.file.stream.readinto(piece) != size:  # type: ignore[attr-defined]  # every binary stream has it
                raise self.file.fault(
                    self.path, f"the file ends {start} bytes into a weight of {self.nbytes}"
                )
            if self.swapped:
                np.frombuffer(piece, f"u{self.itemsize}").byteswap(inplace=True)
            yield memoryview(piece)


@dataclass(frozen=True)
class Group:
    """A group of a file, named by the path to it."""

    file: _File = field(repr=False)
    handle: Any = field(repr=False)
    path: str

    def fault(self, reason: str) -> FormatError:
        return self.file.fault(self.path or "/", reason)

    def names(self) -> list[str]:
        """The names in the group, sorted."""
        with self.file.reading(self.path):
            found = self.handle.get_num_objs()
            if found > MOST_OBJECTS:
                raise self.fault(f"a group of {found} names; {MOST_OBJECTS} are allowed")
            names = [bytes(name).decode("utf-8") for name in self.handle]
        return sorted(names)

    def has(self, name: str) -> bool:
        """Whether the group has something of this name, which is no path."""
        with self.file.reading(self.path):
            return bool(name) and name != "." and self.handle.links.exists(name.encode())

    def group(self, path: str) -> Group:
        """The group at a path below this one; FormatError if there is none, or the way there is a link."""
        group = self
        for name in path.split("/"):
            found = group._child(name)
            if not isinstance(found, Group):
                raise found.file.fault(found.path, "expected a group, found a dataset")
            group = found
        return group

    def optional(self, path: str) -> Group | None:
        """The group at a path below this one, or None if there is nothing."""
        group = self
        for name in path.split("/"):
            if not group.has(name):
                return None
            group = group.group(name)
        return group

    def dataset(self, path: str) -> StoredDataset:
        """The dataset at a path below this one; FormatError if there is none, or not one that is read."""
        *around, name = path.split("/")
        group = self.group("/".join(around)) if around else self
        found = group._child(name)
        if not isinstance(found, StoredDataset):
            raise found.fault("expected a dataset, found a group")
        return found

    def datasets(self) -> Iterator[str]:
        """The paths below this group at which datasets are, sorted.

        Raises:
            FormatError: something there is no group and no dataset, a group is in itself, or nested too deep.
        """
        import h5py

        seen: set[int] = set()
        waiting = [(self, "")]
        while waiting:
            group, prefix = waiting.pop()
            with self.file.reading(group.path):
                address = h5py.h5o.get_info(group.handle).addr
            if address in seen:
                raise group.fault("the group is there by another name, too")
            if len(seen) >= MOST_OBJECTS or prefix.count("/") > DEEPEST:
                raise group.fault(f"more than {MOST_OBJECTS} groups, or {DEEPEST} inside each other")
            seen.add(address)
            below = []
            for name in group.names():
                kind, handle = group._open(name)
                if kind is Group:
                    below.append((Group(self.file, handle, f"{group.path}/{name}"), f"{prefix}{name}/"))
                else:
                    yield f"{prefix}{name}"
            waiting += reversed(below)

    def text(self, name: str) -> str | None:
        """The attribute of that name, one text; None if there is none."""
        found = self._attribute(name)
        if found is None:
            return None
        if len(found) != 1:
            raise self.fault(f"attribute {name!r}: expected one text, found {len(found)}")
        return found[0]

    def texts(self, name: str) -> tuple[str, ...] | None:
        """The attribute of that name, a list of texts, or all of `name0`, `name1`, …, into which a long one
        is cut; None if there is none."""
        whole = self._attribute(name)
        if whole is not None:
            return whole
        joined: list[str] = []
        for i in count():
            part = self._attribute(f"{name}{i}")
            if part is None:
                return tuple(joined) if i else None
            joined += part
            if len(joined) > MOST_NAMES:
                raise self.fault(f"attribute {name!r}: more than {MOST_NAMES} texts")
        raise AssertionError  # `count` does not end

    def _attribute(self, name: str) -> tuple[str, ...] | None:
        import h5py

        with self.file.reading(self.path):
            address = h5py.h5o.get_info(self.handle).addr
        try:
            return attribute_texts(self.file.stream, address, name)
        except ValueError as error:
            raise self.fault(f"attribute {name!r}: {error}") from None

    def _open(self, name: str) -> tuple[type[Group] | type[StoredDataset], Any]:
        """What a name of this group stands for, opened."""
        import h5py

        path = f"{self.path}/{name}"
        if path.count("/") > DEEPEST:
            raise self.file.fault(path, f"more than {DEEPEST} groups inside each other")
        if not self.has(name):
            raise self.file.fault(path, "is missing")
        with self.file.reading(path):
            link = self.handle.links.get_info(name.encode())
            if link.type != h5py.h5l.TYPE_HARD:
                kind = {h5py.h5l.TYPE_SOFT: "soft", h5py.h5l.TYPE_EXTERNAL: "external"}.get(
                    link.type, "user-defined"
                )
                raise self.file.fault(path, f"{kind} links are not followed")
            elsewhere = elements_elsewhere(self.file.stream, link.u)
            if elsewhere:
                raise self.file.fault(path, f"its elements are {elsewhere}")
            handle = h5py.h5o.open(self.handle, name.encode())
        match handle:
            case h5py.h5g.GroupID():
                return Group, handle
            case h5py.h5d.DatasetID():
                return StoredDataset, handle
        raise self.file.fault(path, "is no group and no dataset")

    def _child(self, name: str) -> Group | StoredDataset:
        kind, handle = self._open(name)
        path = f"{self.path}/{name}"
        if kind is Group:
            return Group(self.file, handle, path)
        with self.file.reading(path):
            return self._checked(handle, path)

    def _checked(self, dataset: Any, path: str) -> StoredDataset:
        """The dataset, if its bytes lie in the file, in one piece, and as many as its shape needs."""
        import h5py

        def refused(reason: str) -> FormatError:
            return self.file.fault(path, reason)

        plist = dataset.get_create_plist()
        layout = plist.get_layout()
        if layout != h5py.h5d.CONTIGUOUS:
            raise refused(
                "is compressed or in chunks, and Keras stores weights in one piece: use `h5repack -l CONTI`"
            )
        dtype, swapped = self._dtype(dataset, path)
        shape = tuple(int(n) for n in dataset.shape) if dataset.get_space().is_simple() else None
        if shape is None:
            raise refused("has no shape (HDF5 null dataspace)")
        offset = dataset.get_offset()
        found = StoredDataset(shape, dtype, path, offset or 0, swapped, self.file)
        stored = 0 if offset is None else dataset.get_storage_size()
        if stored != found.nbytes or (offset or 0) + stored > self.file.size:
            raise refused(f"a shape of {shape} needs {found.nbytes} bytes; {stored} are stored")
        self.file.claim(path, found.nbytes)
        return found

    def _dtype(self, dataset: Any, path: str) -> tuple[str, bool]:
        import h5py

        stored = dataset.get_type()
        for name, known in _TYPES.items():
            if stored.equal(getattr(h5py.h5t, name)):
                return known
        raise self.file.fault(path, "expected floats or integers; its elements are of another type")
