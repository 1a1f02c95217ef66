"""Weights, alone or in a sound `.keras` archive, whose HDF5 is damaged, reaches for other files, or lies."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.saving.hostile_keras_files.hostile import hostile
from tests.saving.hostile_keras_files.sound import MEBIBYTE, WEIGHTS, members, pack

KERNEL = "layers/dense/vars/0"


@contextmanager
def weights_file(path: Path, **options: Any) -> Iterator[h5py.File]:
    """The weights of a sound `.keras`, to be changed."""
    contents = members(path)
    with tempfile.TemporaryDirectory() as directory:
        inside = Path(directory, "w.h5")
        inside.write_bytes(contents[WEIGHTS])
        with h5py.File(inside, "r+", **options) as file:
            yield file
        pack(path, contents | {WEIGHTS: inside.read_bytes()})


@hostile(".keras", WEIGHTS, "other files")
def external_storage(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        del file[KERNEL]
        file.create_dataset(KERNEL, (4, 3), "<f4", external=[(str(elsewhere), 0, 48)])


@hostile(".keras", WEIGHTS, "virtual")
def a_virtual_dataset(path: Path, elsewhere: Path) -> None:
    with weights_file(path, libver="latest") as file:
        del file[KERNEL]
        layout = h5py.VirtualLayout((4, 3), "<f4")
        layout[:] = h5py.VirtualSource(str(elsewhere), "secret", (4, 3))
        file.create_virtual_dataset(KERNEL, layout)


def linked(file: h5py.File, place: str, link: object) -> None:
    del file[place]
    file[place] = link


@hostile(".keras", KERNEL, "soft link")
def a_soft_link_to_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        linked(file, KERNEL, h5py.SoftLink("/layers/dense_1/vars/0"))


@hostile(".keras", KERNEL, "external link")
def an_external_link_to_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        linked(file, KERNEL, h5py.ExternalLink(str(elsewhere), "/secret"))


@hostile(".keras", "/layers", "external link")
def an_external_link_to_all_layers(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        linked(file, "layers", h5py.ExternalLink(str(elsewhere), "/"))


@hostile(".keras", "/layers/dense", "soft link")
def a_soft_link_to_a_layer(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        linked(file, "layers/dense", h5py.SoftLink("/layers/dense_1"))


@hostile(".keras", "/optimizer", "external link")
def an_external_link_to_the_optimizer(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        linked(file, "optimizer", h5py.ExternalLink(str(elsewhere), "/"))


def replaced(file: h5py.File, place: str, **how: Any) -> None:
    del file[place]
    file.create_dataset(place, **how)


@hostile(".keras", KERNEL, "another type")
def references_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, data=np.full((4, 3), file["layers"].ref, h5py.ref_dtype), dtype=h5py.ref_dtype)


@hostile(".keras", KERNEL, "another type")
def regions_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, shape=(4, 3), dtype=h5py.regionref_dtype)


@hostile(".keras", KERNEL, "another type")
def texts_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, data=np.full((4, 3), "x", object), dtype=h5py.string_dtype())


@hostile(".keras", KERNEL, "another type")
def records_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, data=np.zeros((4, 3), [("a", "f4"), ("b", "i4")]))


@hostile(".keras", KERNEL, "another type")
def complex_numbers_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, data=np.zeros((4, 3), "c8"))


@hostile(".keras", "dense", "expected floats, found int32")
def integers_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, data=np.zeros((4, 3), "i4"))


@hostile(".keras", KERNEL, "bytes")
def a_huge_shape_of_nothing(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        late = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        late.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
        del file[KERNEL]
        h5py.h5d.create(
            file.id, KERNEL.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((2**20, 2**20)), late
        )


@hostile(".keras", KERNEL, "chunks")
def a_compressed_bomb(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(
            file, KERNEL, data=np.zeros((64 * MEBIBYTE,), "f4"), chunks=(16 * MEBIBYTE,), compression="gzip"
        )


@hostile(".keras", KERNEL, "chunks")
def chunks_that_are_not_there(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, shape=(2**20, 2**20), dtype="f4", chunks=(1024, 1024))


@hostile(".keras", KERNEL, "shape")
def a_null_space_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, data=h5py.Empty("f4"))


@hostile(".keras", "dense", "kernel, bias", "(4, 2)")
def a_weight_of_another_shape(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, KERNEL, data=np.zeros((4, 2), "f4"))


@hostile(".keras", "dense", "expected the weights kernel, bias")
def a_weight_too_few(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        del file["layers/dense/vars/1"]


@hostile(".keras", "dense", "expected the weights")
def a_weight_too_many(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        file["layers/dense/vars/2"] = np.zeros(3, "f4")


@hostile(".keras", "vars", "'0'")
def weights_of_odd_numbers(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        file.move(KERNEL, "layers/dense/vars/00")


@hostile(".keras", "'out'", "expected the weights")
def a_layer_without_its_weights(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        del file["layers/dense_1"]


@hostile(".keras", "dense_2", "no layer")
def weights_without_a_layer(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        file.copy("layers/dense", "layers/dense_2")


@hostile(".keras", "'dense'", "weights of 'out'")
def layers_in_another_order(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        file.move("layers/dense", "layers/x")
        file.move("layers/dense_1", "layers/dense")
        file.move("layers/x", "layers/dense_1")


@hostile(".keras", "by another name")
def a_group_in_itself(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        file["layers/dense/again"] = file["layers"]


@hostile(".keras", "inside each other")
def very_many_groups_inside_each_other(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        file.create_group("layers/dense/" + "/".join("abcdefghij" * 20))


@hostile(".keras", KERNEL, "found a group")
def a_group_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        del file[KERNEL]
        file.create_group(KERNEL)


@hostile(".keras", "/layers/dense", "found a dataset")
def a_weight_for_a_group(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        replaced(file, "layers/dense", data=np.zeros(3, "f4"))


@hostile(".keras", KERNEL, "no group and no dataset")
def a_type_for_a_weight(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        del file[KERNEL]
        file[KERNEL] = np.dtype("f4")


@hostile(".keras", WEIGHTS, "HDF5")
def weights_that_are_no_hdf5(path: Path, elsewhere: Path) -> None:
    pack(path, members(path) | {WEIGHTS: b"weights" * 1000})


@hostile(".keras", WEIGHTS, "HDF5")
def half_of_the_weights(path: Path, elsewhere: Path) -> None:
    contents = members(path)
    pack(path, contents | {WEIGHTS: contents[WEIGHTS][: len(contents[WEIGHTS]) // 2]})


@hostile(".keras", WEIGHTS, "HDF5")
def weights_behind_something_else(path: Path, elsewhere: Path) -> None:
    contents = members(path)
    pack(path, contents | {WEIGHTS: bytes(512) + contents[WEIGHTS]})


@hostile(".weights.h5", "configuration")
def weights_without_a_configuration(path: Path, elsewhere: Path) -> None:
    path.write_bytes(members(path)[WEIGHTS])


@hostile(".onnx", "no format")
def a_file_of_no_format(path: Path, elsewhere: Path) -> None:
    path.write_bytes(b"")
