"""`.keras` files that are no zip files, or whose directory and members lie; and what is no file of Keras."""

from __future__ import annotations

import stat
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np

from tests.saving.hostile_keras_files.hostile import hostile
from tests.saving.hostile_keras_files.sound import (
    CONFIG,
    MEBIBYTE,
    WEIGHTS,
    members,
    pack,
    sound_keras,
)


def with_member(path: Path, info: zipfile.ZipInfo, content: bytes = b"x") -> None:
    contents = members(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, own in contents.items():
            archive.writestr(name, own)
        archive.writestr(info, content)


def patched(path: Path, member: str, field: int, layout: str, value: int, local: int | None = None) -> None:
    """Change a field of a member's entry in the directory, and in its local header."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info, at = archive.getinfo(member), archive.start_dir
    while content[at + 46 : at + 46 + len(member)] != member.encode():
        at = content.index(b"PK\x01\x02", at + 4)
    struct.pack_into(layout, content, at + field, value)
    if local is not None:
        struct.pack_into(layout, content, info.header_offset + local, value)
    path.write_bytes(content)


@hostile(".keras", "zip")
def an_empty_file(path: Path, elsewhere: Path) -> None:
    path.write_bytes(b"")


@hostile(".keras", "zip")
def a_text(path: Path, elsewhere: Path) -> None:
    path.write_text("a model, honestly\n" * 100)


@hostile(".keras", "zip")
def half_a_zip(path: Path, elsewhere: Path) -> None:
    sound_keras(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@hostile(".keras", "zip")
def a_zip_without_its_last_bytes(path: Path, elsewhere: Path) -> None:
    sound_keras(path)
    path.write_bytes(path.read_bytes()[:-10])


@hostile(".keras", "metadata.json", "cut off")
def a_zip_without_its_first_bytes(path: Path, elsewhere: Path) -> None:
    sound_keras(path)
    path.write_bytes(path.read_bytes()[200:])


@hostile(".keras", "config.json", "twice")
def a_member_twice(path: Path, elsewhere: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        with_member(path, zipfile.ZipInfo(CONFIG), b"{}")


@hostile(".keras", "../../evil.py", "leads out")
def a_name_of_a_parent(path: Path, elsewhere: Path) -> None:
    with_member(path, zipfile.ZipInfo("../../evil.py"))


@hostile(".keras", "assets/../../evil.py", "leads out")
def a_name_of_a_parent_further_in(path: Path, elsewhere: Path) -> None:
    with_member(path, zipfile.ZipInfo("assets/../../evil.py"))


@hostile(".keras", "/etc/evil", "root of a disk")
def an_absolute_name(path: Path, elsewhere: Path) -> None:
    with_member(path, zipfile.ZipInfo("/etc/evil"))


@hostile(".keras", "C:evil", "root of a disk")
def a_name_with_a_drive(path: Path, elsewhere: Path) -> None:
    with_member(path, zipfile.ZipInfo("C:evil"))


@hostile(".keras", "backslash")
def a_name_with_backslashes(path: Path, elsewhere: Path) -> None:
    with_member(path, zipfile.ZipInfo("..\\evil.py"))


@hostile(".keras", "no path")
def a_name_with_a_null(path: Path, elsewhere: Path) -> None:
    with_member(path, zipfile.ZipInfo("evil!py"))
    path.write_bytes(path.read_bytes().replace(b"evil!py", b"evil\0py"))


@hostile(".keras", "no path")
def a_name_with_a_line_break(path: Path, elsewhere: Path) -> None:
    with_member(path, zipfile.ZipInfo("evil\npy"))


@hostile(".keras", "assets", "symbolic link")
def a_symbolic_link(path: Path, elsewhere: Path) -> None:
    info = zipfile.ZipInfo("assets")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with_member(path, info, str(elsewhere).encode())


@hostile(".keras", "pipe", "no file")
def a_pipe(path: Path, elsewhere: Path) -> None:
    info = zipfile.ZipInfo("pipe")
    info.create_system = 3
    info.external_attr = (stat.S_IFIFO | 0o777) << 16
    with_member(path, info)


@hostile(".keras", "config.json", "encrypted")
def an_encrypted_member(path: Path, elsewhere: Path) -> None:
    sound_keras(path)
    patched(path, CONFIG, 8, "<H", 1, local=6)


@hostile(".keras", "metadata.json", "compression method 12")
def bzip2(path: Path, elsewhere: Path) -> None:
    pack(path, members(path), zipfile.ZIP_BZIP2)


@hostile(".keras", "config.json", "compression method 99")
def a_compression_that_nobody_knows(path: Path, elsewhere: Path) -> None:
    sound_keras(path)
    patched(path, CONFIG, 10, "<H", 99, local=8)


@hostile(".keras", "model.weights.h5", "more than 100 times")
def a_bomb(path: Path, elsewhere: Path) -> None:
    pack(path, members(path) | {WEIGHTS: bytes(300 * MEBIBYTE)}, zipfile.ZIP_DEFLATED)


@hostile(".keras", "config.json", "allowed")
def a_configuration_of_spaces(path: Path, elsewhere: Path) -> None:
    contents = members(path)
    lines = b"".join(b"%12d\n" % i for i in range(20 * MEBIBYTE // 13))
    pack(path, contents | {CONFIG: lines + contents[CONFIG]}, zipfile.ZIP_DEFLATED)


@hostile(".keras", "config.json", "damaged")
def a_bomb_that_says_it_is_small(path: Path, elsewhere: Path) -> None:
    pack(path, members(path) | {CONFIG: b" " * 100 * MEBIBYTE}, zipfile.ZIP_DEFLATED)
    patched(path, CONFIG, 24, "<I", 1000, local=22)


@hostile(".keras", "config.json")
def a_member_that_says_it_is_larger(path: Path, elsewhere: Path) -> None:
    contents = members(path)
    pack(path, contents, zipfile.ZIP_DEFLATED)
    patched(path, CONFIG, 24, "<I", len(contents[CONFIG]) + 100, local=22)


@hostile(".keras", "stored with")
def a_stored_member_of_two_sizes(path: Path, elsewhere: Path) -> None:
    pack(path, members(path))
    patched(path, CONFIG, 24, "<I", 2**31, local=22)


@hostile(".keras", "lies within")
def members_in_each_other(path: Path, elsewhere: Path) -> None:
    pack(path, members(path))
    with zipfile.ZipFile(path) as archive:
        weights = archive.getinfo(WEIGHTS)
    patched(path, CONFIG, 42, "<I", weights.header_offset + 8)


@hostile(".keras", "directory")
def a_great_directory(path: Path, elsewhere: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(20_000):
            archive.writestr(zipfile.ZipInfo(f"assets/{i:020}"), b"")


@hostile(".keras", "model.weights.h5", "damaged")
def a_bit_flipped_in_a_weight(path: Path, elsewhere: Path) -> None:
    pack(path, members(path))
    content = bytearray(path.read_bytes())
    content[content.index(np.ones(9, "f4").tobytes())] ^= 1
    path.write_bytes(content)


@hostile(".keras", "config.json", "damaged")
def a_local_header_of_another_name(path: Path, elsewhere: Path) -> None:
    sound_keras(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"config.json", b"konfig.json", 1))


@hostile(".keras", "config.json", "missing")
def no_configuration(path: Path, elsewhere: Path) -> None:
    pack(path, {name: content for name, content in members(path).items() if name != CONFIG})


@hostile(".keras", "model.weights.h5", "missing")
def no_weights(path: Path, elsewhere: Path) -> None:
    pack(path, {name: content for name, content in members(path).items() if name != WEIGHTS})


@hostile(".onnx", "no format")
def a_file_of_no_format(path: Path, elsewhere: Path) -> None:
    path.write_bytes(b"")
