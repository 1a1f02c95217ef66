"""Headers of the objects in an HDF5 file, read from its bytes before the library sees them.

The library would read an attribute whole, and each of its texts may be a reference to the same long one: what
takes kilobytes in the file would take gigabytes in memory. Here the lengths are added up first. It would also
look for elements that are elsewhere as soon as it opens their dataset, and for ever in a damaged heap.
Source: HDF5 File Format Specification 3.0, sections III.E (global heap) and IV.A (object headers).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from struct import Struct
from typing import BinaryIO

MOST_BYTES = 16 * 2**20
MOST_TEXTS = 2**16
MOST_STEPS = 2**18
"""How many messages of object headers, and objects of heaps, are looked at for one attribute."""

SIGNATURE = b"\x89HDF\r\n\x1a\n"
EXTERNAL_FILES, LAYOUT, ATTRIBUTE, CONTINUATION, ATTRIBUTE_INFO = 0x07, 0x08, 0x0C, 0x10, 0x15
VIRTUAL = 3
FIXED_TEXT, VARIABLE_LENGTH = 3, 9
NULL_SPACE = 2
SHARED = 2
UNDEFINED = b"\xff" * 8

_ADDRESS = Struct("<Q")
_CONTINUATION = Struct("<QQ")
_REFERENCE = Struct("<IQI")
_HEAP_OBJECT = Struct("<HHIQ")
_ATTRIBUTE = Struct("<BBHHH")
_MESSAGE_1, _MESSAGE_2 = Struct("<HHB"), Struct("<BHB")


def check_addresses(stream: BinaryIO) -> None:
    """Whether addresses in the file are 8 bytes wide and count from its beginning, as the library's are.

    Raises:
        ValueError: they are not, or the file is no HDF5 file.
    """
    start = _bytes(stream, 0, 32)
    if not start.startswith(SIGNATURE):
        raise ValueError("the file does not begin as an HDF5 file")
    widths, base = (start[13:15], 24) if start[8] < 2 else (start[9:11], 12)
    if widths != b"\x08\x08" or _ADDRESS.unpack_from(start, base)[0]:
        raise ValueError("addresses that are not 8 bytes wide, or do not count from the file's beginning")


def attribute_texts(stream: BinaryIO, header: int, name: str) -> tuple[str, ...] | None:
    """The texts of the attribute of that name; None if the object has none.

    Args:
        header: the address of the object's header.

    Raises:
        ValueError: it is no list of texts in UTF-8, larger than the limits above, or damaged.
    """
    try:
        for message in _Header(stream, header).attributes():
            attribute = _Attribute.parsed(message)
            if attribute.name == name.encode():
                return attribute.texts(stream)
    except (struct.error, IndexError):
        raise ValueError("the object's header is damaged") from None
    return None


def elements_elsewhere(stream: BinaryIO, header: int) -> str:
    """Where the elements of a dataset are that are not in its file; "" if they are in it.

    Raises:
        ValueError: the header is damaged.
    """
    try:
        for kind, message in _Header(stream, header).messages():
            if kind == EXTERNAL_FILES:
                return "in other files, which are not read (HDF5 external storage)"
            if kind == LAYOUT and message[0] > 2 and message[1] == VIRTUAL:
                return "in other datasets, which are not read (HDF5 virtual dataset)"
    except (struct.error, IndexError):
        raise ValueError("the object's header is damaged") from None
    return ""


def _bytes(stream: BinaryIO, start: int, size: int) -> bytes:
    if size > MOST_BYTES:
        raise ValueError(f"{size} bytes; {MOST_BYTES} are allowed")
    try:
        stream.seek(start)
    except (OverflowError, OSError):
        raise ValueError(f"an address beyond the file: {start}") from None
    content = stream.read(size)
    if len(content) != size:
        raise ValueError("the file ends within it")
    return content


@dataclass
class _Header:
    """The messages of an object's header, of either version."""

    stream: BinaryIO
    address: int
    steps: int = 0

    def attributes(self) -> Iterator[bytes]:
        for kind, message in self.messages():
            if kind == ATTRIBUTE:
                yield message
            elif kind == ATTRIBUTE_INFO and not message[4 if message[1] & 1 else 2 :].startswith(UNDEFINED):
                raise ValueError("the object has more attributes than Keras writes (dense storage)")

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """The messages in all blocks of the header, by their kinds."""
        start = _bytes(self.stream, self.address, 16)
        if start.startswith(b"OHDR"):
            yield from self._messages_2(start[5])
        else:
            blocks = [(self.address + 16, int.from_bytes(start[8:12], "little"))]
            while blocks:
                for kind, message in self._messages(_bytes(self.stream, *blocks.pop()), _MESSAGE_1, 8):
                    if kind == CONTINUATION:
                        blocks.append(_CONTINUATION.unpack_from(message))
                    yield kind, message

    def _messages_2(self, flags: int) -> Iterator[tuple[int, bytes]]:
        at = self.address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(_bytes(self.stream, at, width), "little")
        head = 6 if flags & 4 else 4
        # Without the signature before the messages of a continuation, and the checksum behind them.
        blocks = [(at + width, size)]
        while blocks:
            for kind, message in self._messages(_bytes(self.stream, *blocks.pop()), _MESSAGE_2, head):
                if kind == CONTINUATION:
                    begin, size = _CONTINUATION.unpack_from(message)
                    blocks.append((begin + 4, max(size - 8, 0)))
                yield kind, message

    def _messages(self, block: bytes, layout: Struct, head: int) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + head <= len(block):
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise ValueError("an object header without end")
            kind, size, flags = layout.unpack_from(block, at)
            if kind == ATTRIBUTE and flags & SHARED:
                raise ValueError("shared with other objects, as Keras writes none")
            yield kind, block[at + head : at + head + size]
            at += head + size


@dataclass(frozen=True)
class _Attribute:
    """An attribute as its message has it: name, type, dimensions and content."""

    name: bytes
    datatype: bytes
    shape: tuple[int, ...]
    content: bytes

    @classmethod
    def parsed(cls, message: bytes) -> _Attribute:
        version, flags, *sizes = _ATTRIBUTE.unpack_from(message)
        if version not in (1, 2, 3) or (version > 1 and flags):
            raise ValueError("an attribute message of an unknown kind")
        at = 9 if version == 3 else 8
        parts = []
        for size in sizes:
            parts.append(message[at : at + size])
            at += -(-size // 8) * 8 if version == 1 else size
        name, datatype, dataspace = parts
        return cls(name.rstrip(b"\0"), datatype, _dimensions(dataspace), message[at:])

    def texts(self, stream: BinaryIO) -> tuple[str, ...]:
        count = prod(self.shape)
        if count > MOST_TEXTS:
            raise ValueError(f"{count} texts; {MOST_TEXTS} are allowed")
        if not count:
            return ()
        kind, size = self.datatype[0] & 15, int.from_bytes(self.datatype[4:8], "little")
        if count * size > len(self.content):
            raise ValueError(f"{count} texts of {size} bytes each; {len(self.content)} bytes are stored")
        stored = [self.content[i * size : (i + 1) * size] for i in range(count)]
        if kind == FIXED_TEXT:
            found = [text.rstrip(b"\0 ") for text in stored]
        elif kind == VARIABLE_LENGTH and self.datatype[1] & 15 == 1 and size == _REFERENCE.size:
            found = _referred(stream, [_REFERENCE.unpack(reference) for reference in stored])
        else:
            raise ValueError("expected texts, found values of another type")
        try:
            return tuple(text.decode("utf-8") for text in found)
        except UnicodeDecodeError:
            raise ValueError("not UTF-8") from None


def _dimensions(dataspace: bytes) -> tuple[int, ...]:
    if len(dataspace) < 4 or dataspace[0] not in (1, 2):
        raise ValueError("a dataspace message of an unknown kind")
    version, rank = dataspace[0], dataspace[1]
    if version == 2 and dataspace[3] == NULL_SPACE:
        return (0,)
    return Struct(f"<{rank}Q").unpack_from(dataspace, 8 if version == 1 else 4)


def _referred(stream: BinaryIO, references: list[tuple[int, int, int]]) -> list[bytes]:
    """The texts that references (length, address of the heap, index in it) are to."""
    total = sum(length for length, _, _ in references)
    if total > MOST_BYTES:
        raise ValueError(f"texts of {total} bytes together; {MOST_BYTES} are allowed")
    heaps: dict[int, dict[int, tuple[int, int]]] = {}
    steps = 0
    texts = []
    for length, address, index in references:
        if length == 0:
            texts.append(b"")
            continue
        if address not in heaps:
            heaps[address] = dict(_objects(stream, address, MOST_STEPS - steps))
            steps += len(heaps[address])
        if index not in heaps[address] or heaps[address][index][1] < length:
            raise ValueError(f"a reference to {length} bytes that are not there")
        texts.append(_bytes(stream, heaps[address][index][0], length))
    return texts


def _objects(stream: BinaryIO, heap: int, most: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """The objects of a global heap by their index: address and size."""
    start = _bytes(stream, heap, 16)
    if not start.startswith(b"GCOL"):
        raise ValueError("a reference to what is no heap")
    at, end = heap + 16, heap + _ADDRESS.unpack_from(start, 8)[0]
    for step in range(most + 1):
        if at + _HEAP_OBJECT.size > end:
            return
        index, _, _, size = _HEAP_OBJECT.unpack(_bytes(stream, at, _HEAP_OBJECT.size))
        if index == 0:  # what is free
            return
        if step == most:
            raise ValueError("a heap of too many texts")
        yield index, (at + _HEAP_OBJECT.size, size)
        at += _HEAP_OBJECT.size + -(-size // 8) * 8
