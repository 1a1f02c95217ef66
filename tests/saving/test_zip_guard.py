"""Zip files: what is sound is read as it is, wherever it lies; hostile ones are in `hostile_keras_files`."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reference_impl.saving.saved_model import FormatError
from conformance.reference_impl.saving.zip_guard import Archive, Slice


def zipped(method: int, **contents: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return stream


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_is_opened_with_random_access(method: int) -> None:
    content = bytes(range(256)) * 100
    archive = Archive(zipped(method, first=b"1", member=content, last=b"2"), "f")
    with archive.opened("member") as stream:
        assert stream.read() == content
        stream.seek(1000)
        assert stream.read(5) == content[1000:1005]
        assert stream.seek(0, 2) == len(content)
        assert stream.read(1) == b""


def test_a_stored_member_is_not_copied() -> None:
    archive = Archive(zipped(zipfile.ZIP_STORED, member=b"content"), "f")
    with archive.opened("member") as stream:
        assert isinstance(stream, io.BufferedReader)
        assert isinstance(stream.raw, Slice)


def test_something_before_the_archive_is_no_matter() -> None:
    stream = io.BytesIO(b"#! self-extracting\n" + zipped(zipfile.ZIP_STORED, member=b"content").getvalue())
    archive = Archive(stream, "f")
    assert archive.read("member", 100) == b"content"
    with archive.opened("member") as opened:
        assert opened.read() == b"content"


def test_a_member_is_read_up_to_a_size() -> None:
    archive = Archive(zipped(zipfile.ZIP_DEFLATED, member=b"content"), "f.keras")
    assert archive.read("member", 7) == b"content"
    with pytest.raises(FormatError, match=r"^f\.keras: member: 7 bytes; 6 are allowed$"):
        archive.read("member", 6)


@given(st.binary(max_size=60), st.data())
def test_a_slice_is_a_file(content: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(content)))
    size = data.draw(st.integers(0, len(content) - start))
    ours, theirs = Slice(io.BytesIO(content), start, size), io.BytesIO(content[start : start + size])
    for _ in range(5):
        position, count = data.draw(st.tuples(st.integers(0, 70), st.integers(0, 70)))
        assert ours.seek(position) == theirs.seek(position)
        assert ours.read(count) == theirs.read(count)
        assert ours.tell() == theirs.tell()


@given(st.data())
def test_an_archive_with_changed_bytes_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(zipped(zipfile.ZIP_DEFLATED, one=b"1" * 50, two=bytes(range(99))).getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, 2 * len(content))) :]
    with suppress(FormatError):
        archive = Archive(io.BytesIO(content), "f")
        for member in archive.members:
            archive.read(member, 10_000)
            with archive.opened(member) as stream:
                stream.read()


def test_a_missing_file_is_the_callers_mistake(tmp_path: Path) -> None:
    from conformance.reference_impl.saving import formats

    with pytest.raises(FileNotFoundError), formats.opened(tmp_path / "none.keras"):
        pass
