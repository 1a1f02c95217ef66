"""HDF5 files: what is sound is read as h5py reads it; hostile ones are in `hostile_keras_files`."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.reference_impl.saving import hdf5_guard
from conformance.reference_impl.saving.hdf5_skeleton import Skeleton
from conformance.reference_impl.saving.saved_model import PIECE, FormatError, InMemory, loaded

DTYPES = ["f2", "f4", "f8", "i1", "u1", "i2", "i4", "u4", "i8", "u8"]


def made(fill: Callable[[h5py.File], None], **options: Any) -> io.BytesIO:
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        fill(file)
    return stream


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", DTYPES)
def test_elements_are_read_as_h5py_reads_them(dtype: str, order: str, libver: str) -> None:
    values = (np.arange(24) * 5 - 7).astype(dtype).astype(order + dtype).reshape(2, 3, 4)

    def fill(file: h5py.File) -> None:
        file["a/b"], file["scalar"], file["empty"] = values, values[0, 0, 0], values[:0]

    with hdf5_guard.opened(made(fill, libver=libver), "f") as root:
        stored = root.dataset("a/b")
        assert stored.dtype == values.dtype.newbyteorder("=").name
        assert loaded(stored).tolist() == values.tolist()
        assert loaded(root.dataset("scalar")).tolist() == values[0, 0, 0]
        assert loaded(root.dataset("empty")).shape == (0, 3, 4)


def test_a_large_dataset_comes_in_pieces() -> None:
    values = np.arange(3 * PIECE // 4 + 5, dtype="f4")
    with hdf5_guard.opened(made(lambda file: file.update(large=values)), "f") as root:
        sizes = [piece.nbytes for piece in root.dataset("large").pieces()]
        assert sizes == [PIECE, PIECE, PIECE, 20]
        assert (loaded(root.dataset("large")) == values).all()


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("text", ("text",)),
        ("é" * 40_000, ("é" * 40_000,)),
        (["a", "bé", ""], ("a", "bé", "")),
        (np.array([b"a", b"abc"]), ("a", "abc")),
        (np.bytes_("fixed"), ("fixed",)),
        (np.array([], "S1"), ()),
        ([], ()),
    ],
    ids=["text", "long", "list", "fixed list", "fixed", "no texts", "no floats"],
)
def test_texts_are_read_from_attributes(written: Any, read: tuple[str, ...], libver: str) -> None:
    def fill(file: h5py.File) -> None:
        group = file.create_group("g")
        for i in range(5):
            group.attrs[f"before{i}"] = "something else"
        group.attrs["it"] = written

    with hdf5_guard.opened(made(fill, libver=libver), "f") as root:
        assert root.group("g").texts("it") == read
        assert root.group("g").texts("nothing") is None


def test_an_attribute_that_keras_cut_is_joined() -> None:
    """As `save_attributes_to_hdf5_group` cuts it."""
    names = [f"layer_{i}_with_a_long_name" for i in range(5000)]

    def fill(file: h5py.File) -> None:
        for i, part in enumerate(np.array_split(np.array([name.encode() for name in names]), 3)):
            file.attrs[f"layer_names{i}"] = part

    with hdf5_guard.opened(made(fill), "f") as root:
        assert root.texts("layer_names") == tuple(names)


def test_what_is_written_is_read_and_long_lists_are_cut(tmp_path: Path) -> None:
    names = [f"weight_{i}_with_a_long_name" for i in range(9000)]
    skeleton = Skeleton()
    skeleton.group("", text="é" * 100_000)
    skeleton.group("g/h", names=names, none=[])
    values = {f"g/{i}": np.arange(i * 100_003, dtype="f4") for i in range(4)} | {"s": np.array(7, "i8")}
    for name, array in values.items():
        skeleton.dataset(name, InMemory(array))
    skeleton.write(tmp_path / "f.h5")
    with h5py.File(tmp_path / "f.h5") as file:
        assert set(file["g/h"].attrs) == {"names0", "names1", "names2", "names3", "none"}
        assert all(np.array_equal(file[name][()], array) for name, array in values.items())
    content = b"".join(skeleton.pieces())
    assert content == (tmp_path / "f.h5").read_bytes()
    with hdf5_guard.opened(io.BytesIO(content), "f") as root:
        assert root.group("g/h").texts("names") == tuple(names)
        assert root.group("g/h").texts("none") == ()
        assert root.text("text") == "é" * 100_000
        assert sorted(root.datasets()) == sorted(values)


def test_two_datasets_of_one_name_are_refused() -> None:
    skeleton = Skeleton()
    skeleton.dataset("a", InMemory(np.zeros(1)))
    with pytest.raises(ValueError, match="two weights are named 'a'"):
        skeleton.dataset("a", InMemory(np.zeros(1)))


def test_other_elements_than_numbers_are_not_written() -> None:
    with pytest.raises(ValueError, match="a: of bool; float16, "):
        Skeleton().dataset("a", InMemory(np.zeros(1, bool)))


def _sound(file: h5py.File) -> None:
    file["a/b"] = np.arange(9.0)
    file["a"].attrs["t"] = ["x", "yy"]


SOUND = made(_sound)


@settings(max_examples=300)
@given(st.data())
def test_a_file_with_changed_bytes_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(SOUND.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FormatError), hdf5_guard.opened(io.BytesIO(content), "f") as root:
        for path in list(root.datasets()):
            for piece in root.dataset(path).pieces():
                assert piece.nbytes
        if group := root.optional("a"):
            group.texts("t")
