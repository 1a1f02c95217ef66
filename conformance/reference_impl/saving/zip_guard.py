"""Zip files from strangers, checked before anything of them is unpacked."""

from __future__ import annotations

import io
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import BinaryIO

from conformance.reference_impl.saving.hdf5_guard import printable
from conformance.reference_impl.saving.saved_model import PIECE, FormatError

MOST_DIRECTORY_BYTES = 2**20
MOST_EXPANSION = 100
"""How many times as large as it is stored a member may be, …"""
FREE_EXPANSION = 2**20
"""… where it is larger than that."""

_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, struct.error, zlib.error)


class Slice(io.RawIOBase):
    """A part of a file as a file."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self.stream, self.start, self.size = stream, start, size
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if begin + offset < 0:
            raise OSError(f"a position before the beginning: {begin + offset}")
        self.position = begin + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self.size - self.position)
        if wanted <= 0:
            return 0
        self.stream.seek(self.start + self.position)
        read: int = self.stream.readinto(view[:wanted])  # type: ignore[attr-defined]  # every binary stream has it
        self.position += read
        return read


class _Unhurried(Slice):
    """The file as `zipfile` reads it: the directory all at once, whatever size the file says that it has."""

    most = MOST_DIRECTORY_BYTES

    def read(self, size: int = -1) -> bytes:
        if size > self.most:
            raise zipfile.BadZipFile(f"a directory of {size} bytes; {self.most} are allowed")
        return super().read(size) or b""


class Archive:
    """An open zip file whose directory has been checked."""

    def __init__(self, stream: BinaryIO, file: str | PathLike[str]) -> None:
        self.stream, self.file = stream, file
        size = stream.seek(0, io.SEEK_END)
        whole = _Unhurried(stream, 0, size)
        try:
            self.zip = zipfile.ZipFile(whole)
        except _DAMAGE as error:
            raise FormatError(
                file, "", f"no zip file, or not all of it: {printable(str(error))[:200]}"
            ) from None
        whole.most = PIECE
        self.members = self._checked()

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in self.zip.infolist():
            reason = _unsafe_name(info.orig_filename) or _unsafe_member(info)
            if info.filename in members:
                reason = "the name is there twice"
            if reason:
                raise self.fault(info.orig_filename, reason)
            members[info.filename] = info
        self._check_overlap()
        return members

    def _check_overlap(self) -> None:
        """Members whose bytes are each other's: a small file can be very large so."""
        end, before = 0, ""
        for info in sorted(self.zip.infolist(), key=lambda info: info.header_offset):
            if info.header_offset < 0:
                raise self.fault(info.filename, "lies before the file's beginning, which is cut off")
            if info.header_offset < end:
                raise self.fault(info.filename, f"lies within {before!r}")
            before = printable(info.filename)
            end = info.header_offset + _LOCAL_HEADER.size + len(info.orig_filename) + info.compress_size
        if end > self.zip.start_dir:
            raise self.fault(before, "the member's bytes are not all there")

    def fault(self, member: str, reason: str) -> FormatError:
        return FormatError(self.file, printable(member)[:200], reason)

    def read(self, member: str, most: int) -> bytes:
        """All of a member.

        Raises:
            FormatError: it is not there, larger than that, or damaged.
        """
        info = self._info(member)
        if info.file_size > most:
            raise self.fault(member, f"{info.file_size} bytes; {most} are allowed")
        with self._unpacking(info) as packed:
            return b"".join(packed)

    @contextmanager
    def opened(self, member: str) -> Iterator[BinaryIO]:
        """A member as a file with random access: where it lies, or else unpacked to a temporary file.

        Raises:
            FormatError: it is not there, or damaged.
        """
        info = self._info(member)
        if info.compress_type == zipfile.ZIP_STORED:
            with self._unpacking(info) as pieces:
                for _ in pieces:  # compared with its check sum
                    pass
            yield io.BufferedReader(Slice(self.stream, self._start(info), info.file_size))
            return
        with tempfile.TemporaryFile() as unpacked:
            with self._unpacking(info) as pieces:
                for piece in pieces:
                    unpacked.write(piece)
            unpacked.seek(0)
            yield unpacked

    def _info(self, member: str) -> zipfile.ZipInfo:
        if member not in self.members:
            raise self.fault(member, "is missing")
        return self.members[member]

    @contextmanager
    def _unpacking(self, info: zipfile.ZipInfo) -> Iterator[Iterator[bytes]]:
        """The pieces of a member, as many as its size says."""
        try:
            with self.zip.open(info) as packed:
                yield iter(lambda: packed.read(PIECE), b"")
                if packed.tell() != info.file_size:
                    raise self.fault(info.filename, f"{packed.tell()} bytes instead of {info.file_size}")
        except FormatError:
            raise
        except _DAMAGE as error:
            raise self.fault(info.filename, f"damaged: {printable(str(error))[:200]}") from None

    def _start(self, info: zipfile.ZipInfo) -> int:
        self.stream.seek(info.header_offset)
        *_, name, extra = _LOCAL_HEADER.unpack(self.stream.read(_LOCAL_HEADER.size))
        return info.header_offset + _LOCAL_HEADER.size + name + extra


def _unsafe_name(name: str) -> str | None:
    """What is wrong with the name of a member, if anything is."""
    parts = name.removesuffix("/").split("/")
    if "\\" in name:
        return "a name with a backslash"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "a name from the root of a disk"
    if ".." in parts:
        return "a name that leads out of the directory"
    if "" in parts or "." in parts or not name.isprintable():
        return "a name that is no path"
    return None


def _unsafe_member(info: zipfile.ZipInfo) -> str | None:
    """What else is wrong with a member, by what the directory says of it."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "no file"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted"
    if info.compress_type not in _METHODS:
        return f"compression method {info.compress_type}; stored and deflated ones are read"
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        return f"stored with {info.compress_size} bytes, and said to have {info.file_size}"
    if info.file_size > max(FREE_EXPANSION, MOST_EXPANSION * info.compress_size):
        return f"{info.compress_size} bytes that unpack to {info.file_size}: more than {MOST_EXPANSION} times"
    return None
