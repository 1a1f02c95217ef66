"""A saved model, whatever the format of its file: what every codec gives on reading and takes for writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, Protocol

import numpy as np

from conformance.reference_impl.arrays import Array

JSONObject = dict[str, Any]

LayerPath = tuple[str, ...]
"""The names of the models around a layer, from the outside in and without the outermost, and its own name."""

PIECE = 4 * 2**20
"""The most bytes of a weight that are in memory at once."""

LONGEST_PLACE, LONGEST_REASON = 160, 400
"""Characters of an error."""


class FormatError(ValueError):
    """A file is not what its format says, or wants what no file may: one line with file, place and reason."""

    def __init__(self, file: str | PathLike[str], place: str, reason: str) -> None:
        # Names out of files may hold anything, and be of any length.
        place, reason = _cut(place, LONGEST_PLACE), _cut(reason, LONGEST_REASON)
        message = f"{file}: {place}: {reason}" if place else f"{file}: {reason}"
        super().__init__("".join(c if c.isprintable() else "�" for c in message))
        self.file, self.place, self.reason = file, place, reason


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class StoredArray(Protocol):
    """An array that may still be in its file.

    Attributes:
        shape: all its dimensions.
        dtype: its NumPy name, or `string`.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> str: ...

    def pieces(self) -> Iterator[memoryview]:
        """Its elements in C order and little-endian, as bytes in pieces of no more than `PIECE`.

        Raises:
            FormatError: the file holds less than it declares, or could not be read.
        """
        ...


@dataclass(frozen=True)
class InMemory:
    """An array that is in memory.

    >>> InMemory(np.zeros((2, 3), np.float32)).dtype
    'float32'
    """

    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> str:
        return str(self.array.dtype.name)

    def pieces(self) -> Iterator[memoryview]:
        little = np.ascontiguousarray(self.array, self.array.dtype.newbyteorder("<"))
        flat = little.reshape(-1).view(np.uint8).data
        yield from (flat[start : start + PIECE] for start in range(0, len(flat), PIECE))


def loaded(stored: StoredArray) -> Array:
    """The array itself, in memory; not for strings.

    >>> loaded(InMemory(np.arange(3)))
    array([0, 1, 2])
    """
    content = bytearray().join(stored.pieces())
    return np.frombuffer(content, np.dtype(stored.dtype).newbyteorder("<")).reshape(stored.shape)


@dataclass(frozen=True)
class SavedModel:
    """What a file says of a model.

    Attributes:
        configuration: `{"module", "class_name", "config", "registered_name", "build_config"}` of a Sequential
            or Functional model in the form of Keras 3, layers, nodes and identifiers inside it too.
        weights: by the path of a layer, its weights by the names that the specification has for them
            (`Layer.declare_weights`: `kernel`, `forward_lstm/kernel`, …), in its order. A layer that has none
            is left out; one that the specification does not know has those of its file.
        training: the argument of `compile` in the form of Keras 3's `compile_config`, if it was compiled.
        optimizer: the optimizer's variables by name, in its order.
        metadata: `userDefinedMetadata` of TensorFlow.js.
        made_by: the program that wrote the file and its version, as the file says: `Keras 3.15.1`.
    """

    configuration: JSONObject
    weights: Mapping[LayerPath, Mapping[str, StoredArray]]
    training: JSONObject | None = None
    optimizer: Mapping[str, StoredArray] = field(default_factory=dict)
    metadata: JSONObject | None = None
    made_by: str = ""
