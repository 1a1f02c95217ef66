"""The weights manifest of TensorFlow.js: which weights there are, and which bytes of which files they are.

A group's weights stand one after the other in its shards, in the manifest's order, little-endian and
unpadded; the shards are cut anywhere. Source: `tfjs-core/src/io/io_utils.ts`.
"""

from __future__ import annotations

import math
import os
import stat
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np

from conformance.reference_impl.saving.located import Located, quoted
from conformance.reference_impl.saving.quantization import Quantized, Restoration
from conformance.reference_impl.saving.saved_model import FormatError, StoredArray

ITEM_SIZES = {"float32": 4, "int32": 4, "bool": 1, "complex64": 8, "uint8": 1, "uint16": 2}
"""Bytes of an element, by dtype. The last two only TensorFlow.js's Python converter writes."""

STRING = "string"
"""The dtype whose elements are of any length: four bytes that tell it, and so many bytes."""

LENGTH_BYTES = 4

READ_BYTES = 2**18
"""At once: what stays in a processor's cache is written faster than a whole `PIECE`."""

HIGHEST_RANK = 6
"""Of a tensor in TensorFlow.js."""

LONGEST = 2**31 - 1
"""Elements along an axis."""

Identity = tuple[int, int]
"""A file's device and number."""


@dataclass(frozen=True)
class Shards:
    """The files that hold a group's weights, one after the other."""

    paths: tuple[Path, ...]
    sizes: tuple[int, ...]

    @cached_property
    def ends(self) -> list[int]:
        return list(accumulate(self.sizes))

    @property
    def size(self) -> int:
        return self.ends[-1] if self.ends else 0

    def read(self, start: int, stop: int) -> bytearray:
        """The bytes from start to stop of all shards together.

        Raises:
            FormatError: a file has become shorter, or cannot be read.
        """
        content = bytearray(stop - start)
        filled = memoryview(content)
        shard = bisect_right(self.ends, start)
        while filled:
            offset = start - (self.ends[shard] - self.sizes[shard])
            wanted = min(len(filled), self.sizes[shard] - offset)
            try:
                with self.paths[shard].open("rb") as file:
                    file.seek(offset)
                    found = file.readinto(filled[:wanted])
            except OSError as error:
                raise FormatError(self.paths[shard], "", str(error.strerror)) from None
            if found < wanted:
                raise FormatError(self.paths[shard], "", "has become shorter since it was looked at")
            filled, start, shard = filled[wanted:], start + wanted, shard + 1
        return content


@dataclass(frozen=True, slots=True)
class InShards:
    """An array whose bytes are a stretch of shards."""

    shape: tuple[int, ...]
    dtype: str
    shards: Shards
    start: int
    stop: int
    located: Located

    def pieces(self) -> Iterator[memoryview]:
        for start in range(self.start, self.stop, READ_BYTES):
            content = self.shards.read(start, min(start + READ_BYTES, self.stop))
            if self.dtype == "bool" and max(content) > 1:
                raise self.located.fault("a boolean is neither 0 nor 1")
            yield memoryview(content)


@dataclass(frozen=True, slots=True)
class Entry:
    """A weight of the manifest.

    Attributes:
        of_optimizer: whether it is the optimizer's, not a layer's.
    """

    name: str
    of_optimizer: bool
    array: StoredArray
    located: Located


def entries(manifest: Located, directory: Path, taken: set[Identity]) -> list[Entry]:
    """The weights of a manifest whose files lie in the directory.

    Args:
        taken: the files that are no shards.

    Raises:
        FormatError: the manifest is not one, or its files are not what it says.
    """
    seen = set(taken)
    found: dict[str, Entry] = {}
    for group in manifest.items():
        shards = _shards(group.member("paths"), directory, seen)
        place = 0
        for declared in group.member("weights").items():
            entry, place = _entry(declared, shards, place)
            if entry.name in found:
                raise declared.fault(f"the weight {quoted(entry.name)} is declared twice")
            found[entry.name] = entry
        if place < shards.size:
            raise group.fault(f"its weights take {place} bytes, and its shards hold {shards.size}")
    return list(found.values())


def plain_name(located: Located) -> str:
    """The name of a file in the model's directory, as a manifest gives it."""
    # TensorFlow.js itself writes "./model.weights.bin".
    name = located.text().removeprefix("./")
    if name in ("", ".", "..") or any(c in "/\\:" or not c.isprintable() for c in name):
        raise located.fault(f"{quoted(name)} is not the plain name of a file in the model's directory")
    return name


def file_in(directory: Path, located: Located) -> tuple[Path, os.stat_result]:
    """The regular file in the directory that a JSON string names, and what is known of it."""
    name = plain_name(located)
    try:
        path = (directory / name).resolve(strict=True)
        known = path.stat()
    except FileNotFoundError:
        raise located.fault(f"there is no file {quoted(name)}") from None
    except (OSError, RuntimeError) as error:
        raise located.fault(f"{quoted(name)}: {getattr(error, 'strerror', None) or error}") from None
    if path.parent != directory.resolve():
        raise located.fault(f"{quoted(name)} is a link that leaves the model's directory")
    if not stat.S_ISREG(known.st_mode):
        raise located.fault(f"{quoted(name)} is not a regular file")
    return path, known


def identity(known: os.stat_result) -> Identity:
    return known.st_dev, known.st_ino


def _shards(paths: Located, directory: Path, seen: set[Identity]) -> Shards:
    found, sizes = [], []
    for located in paths.items():
        path, known = file_in(directory, located)
        if identity(known) in seen:
            raise located.fault(f"the file {quoted(path.name)} stands for something else already")
        seen.add(identity(known))
        found.append(path)
        sizes.append(known.st_size)
    return Shards(tuple(found), tuple(sizes))


def _entry(declared: Located, shards: Shards, start: int) -> tuple[Entry, int]:
    """A weight that begins there, and where it ends."""
    name = declared.member("name").text()
    shape, dtype = _shape(declared.member("shape")), _dtype(declared.member("dtype"))
    group = declared.optional("group")
    if group is not None and group.text() not in ("model", "optimizer"):
        raise group.fault(f"expected 'model' or 'optimizer', found {quoted(group.text())}")
    quantization = declared.optional("quantization")
    restoration = None if quantization is None else Restoration.read(quantization, dtype)
    size = math.prod(shape)
    left = shards.size - start
    item = LENGTH_BYTES if dtype == STRING else ITEM_SIZES[dtype]
    item = item if restoration is None else restoration.stored.itemsize
    if size * item > left:
        raise declared.fault(
            f"{quoted(name)} takes {size * item} bytes, and its shards have {left} left for it"
        )
    length = _length_of_strings(shards, start, size, declared) if dtype == STRING else size * item
    stored = InShards(
        shape,
        dtype if restoration is None else restoration.stored.name,
        shards,
        start,
        start + length,
        declared,
    )
    array = stored if restoration is None else Quantized(stored, dtype, restoration)
    of_optimizer = group is not None and group.text() == "optimizer"
    return Entry(name, of_optimizer, array, declared), start + length


def _shape(located: Located) -> tuple[int, ...]:
    if located.count() > HIGHEST_RANK:
        raise located.fault(f"{located.count()} dimensions; TensorFlow.js has {HIGHEST_RANK} at most")
    for axis in located.items():
        if type(axis.value) is not int or not 0 <= axis.value <= LONGEST:
            raise axis.fault(f"expected a dimension from 0 to {LONGEST}, found {str(axis.value)[:80]}")
    return tuple(axis.value for axis in located.items())


def _dtype(located: Located) -> str:
    dtype = located.text()
    if dtype not in ITEM_SIZES and dtype != STRING:
        known = ", ".join((*ITEM_SIZES, STRING))
        raise located.fault(f"unknown dtype {quoted(dtype)}; there are {known}")
    return dtype


def _length_of_strings(shards: Shards, start: int, count: int, declared: Located) -> int:
    """Bytes that so many strings take, their lengths included."""
    window, begins, place = bytearray(), start, start
    for _ in range(count):
        if place + LENGTH_BYTES > shards.size:
            raise declared.fault("its strings end behind its shards")
        if place + LENGTH_BYTES > begins + len(window):
            begins, window = place, shards.read(place, min(place + READ_BYTES, shards.size))
        (length,) = np.frombuffer(window, "<u4", 1, place - begins)
        place += LENGTH_BYTES + int(length)
    if place > shards.size:
        raise declared.fault("its strings end behind its shards")
    return place - start
