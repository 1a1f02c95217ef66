"""Files of Keras's formats that are broken, or lie, or reach for what is outside them.

`HOSTILE` has a maker for each, and what the refusal has to say. They start from sound files of a small model,
as the package writes them; `python -m tests.saving.hostile_keras_files DIRECTORY` makes them all.
"""

from __future__ import annotations

import json
import stat
import struct
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from conformance.reference_impl.saving import keras_archive, legacy_h5
from conformance.reference_impl.saving.saved_model import InMemory, LayerPath, SavedModel, StoredArray

CONFIG, WEIGHTS = keras_archive.CONFIGURATION, keras_archive.WEIGHTS
MEBIBYTE = 2**20


def layer(class_name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def model() -> SavedModel:
    """Two dense layers, (4) → (3) → (3)."""
    layers = [
        layer("InputLayer", batch_shape=[None, 4], dtype="float32", name="input"),
        layer("Dense", units=3, name="dense"),
        layer("Dense", units=3, name="out"),
    ]
    weights: dict[LayerPath, dict[str, StoredArray]] = {
        ("dense",): {"kernel": InMemory(np.ones((4, 3), "f4")), "bias": InMemory(np.zeros(3, "f4"))},
        ("out",): {"kernel": InMemory(np.ones((3, 3), "f4")), "bias": InMemory(np.zeros(3, "f4"))},
    }
    configuration = layer("Sequential", "keras", name="model", layers=layers)
    return SavedModel(configuration, weights, optimizer={"iteration": InMemory(np.array(7, "i8"))})


@dataclass(frozen=True)
class Hostile:
    """A maker of a file.

    Attributes:
        suffix: of the file's name.
        make: writes the file; the second argument is a file elsewhere, with secrets, which it may point to.
        said: what the refusal has to say.
    """

    suffix: str
    make: Callable[[Path, Path], None]
    said: tuple[str, ...]


HOSTILE: dict[str, Hostile] = {}


def hostile(
    suffix: str, *said: str
) -> Callable[[Callable[[Path, Path], None]], Callable[[Path, Path], None]]:
    def add(make: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
        HOSTILE[make.__name__] = Hostile(suffix, make, said)
        return make

    return add


def sound_keras(path: Path) -> None:
    keras_archive.write(model(), path)


def sound_h5(path: Path) -> None:
    legacy_h5.write(model(), path)


def members(path: Path) -> dict[str, bytes]:
    sound_keras(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, contents: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


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


# Zip files


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


# JSON


def configured(path: Path, content: bytes) -> None:
    pack(path, members(path) | {CONFIG: content}, zipfile.ZIP_DEFLATED)


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    configuration = json.loads(members(path)[CONFIG])
    change(configuration)
    configured(path, json.dumps(configuration).encode())


@hostile(".keras", "config.json", "UTF-8")
def a_configuration_in_latin_1(path: Path, elsewhere: Path) -> None:
    configured(path, '{"module": "é"}'.encode("latin-1"))


@hostile(".keras", "config.json", "NaN")
def a_configuration_with_nan(path: Path, elsewhere: Path) -> None:
    configured(path, b'{"module": NaN}')


@hostile(".keras", "config.json", "twice")
def a_configuration_with_a_key_twice(path: Path, elsewhere: Path) -> None:
    configured(path, b'{"class_name": "Sequential", "class_name": "Lambda"}')


@hostile(".keras", "config.json", "levels")
def a_deep_configuration(path: Path, elsewhere: Path) -> None:
    configured(path, b'{"config": ' + b"[" * 200_000 + b"]" * 200_000 + b"}")


@hostile(".keras", "config.json", "values")
def a_configuration_of_very_many_values(path: Path, elsewhere: Path) -> None:
    varied = b",".join(b"{}" if i % 7 else b"[%d]" % i for i in range(2_000_000))
    configured(path, b'{"config": [' + varied + b"]}")


@hostile(".keras", "config.json", "object")
def a_configuration_that_is_a_list(path: Path, elsewhere: Path) -> None:
    configured(path, b"[]")


@hostile(".keras", "metadata.json", "not JSON")
def metadata_that_are_none(path: Path, elsewhere: Path) -> None:
    pack(path, members(path) | {"metadata.json": b"keras"})


@hostile(".keras", "Dense")
def a_layer_for_a_model(path: Path, elsewhere: Path) -> None:
    configured(path, json.dumps(layer("Dense", units=3, name="dense")).encode())


@hostile(".keras", "layers")
def a_model_without_layers(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"].update(layers=None))


@hostile(".keras", "t0", "nested deeper")
def very_many_layers_inside_each_other(path: Path, elsewhere: Path) -> None:
    wrapped = layer("Dense", units=3, name="dense")
    for i in reversed(range(30)):
        wrapped = layer("TimeDistributed", layer=wrapped, name=f"t{i}")
    changed(path, lambda c: c["config"]["layers"].append(wrapped))


@hostile(".keras", "dense")
def two_layers_of_one_name(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"]["layers"][2]["config"].update(name="dense"))


@hostile(".keras")
def layers_that_are_numbers(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"].update(layers=[1, 2, 3]))


@hostile(".keras", "class_name", "None")
def a_layer_of_no_class(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"]["layers"][2].update(class_name=None))


@hostile(".keras", "dense", "units")
def a_layer_of_impossible_arguments(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"]["layers"][1]["config"].update(units=-3))


@hostile(".keras", "dense", "kernel (1000")
def a_layer_built_for_impossible_shapes(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"]["layers"][1].update(build_config={"input_shape": [None, 10**30]}))


@hostile(".keras", "Lambda")
def a_lambda_with_bytecode(path: Path, elsewhere: Path) -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wAAAA==", "defaults": None, "closure": None}}
    changed(path, lambda c: c["config"]["layers"].append(layer("Lambda", function=code, name="run_me")))


@hostile(".keras", "os")
def a_class_of_another_module(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"]["layers"].append(layer("system", "os", name="run_me")))


@hostile(".keras", "Mine")
def a_custom_class(path: Path, elsewhere: Path) -> None:
    custom = layer("Mine", "my_package.layers", name="mine") | {"registered_name": "my_package>Mine"}
    changed(path, lambda c: c["config"]["layers"].append(custom))


def connected(path: Path, *calls: tuple[str, int], output: str = "out") -> None:
    """A functional model with a layer, `out`, that is called on outputs of those calls."""

    def of(history: tuple[str, int]) -> dict[str, Any]:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [*history, 0]}}

    def change(configuration: dict[str, Any]) -> None:
        given, dense, out = configuration["config"]["layers"]
        given["inbound_nodes"] = []
        dense["inbound_nodes"] = [{"args": [of(("input", 0))], "kwargs": {}}]
        out["inbound_nodes"] = [{"args": [of(call)], "kwargs": {}} for call in calls]
        configuration["class_name"] = "Functional"
        configuration["config"] |= {"input_layers": [["input", 0, 0]], "output_layers": [[output, 0, 0]]}

    changed(path, change)


@hostile(".keras", "out", "circle")
def layers_in_a_circle(path: Path, elsewhere: Path) -> None:
    connected(path, ("out", 1), ("out", 0))


@hostile(".keras", "out", "ghost")
def a_layer_given_the_output_of_none(path: Path, elsewhere: Path) -> None:
    connected(path, ("ghost", 0))


@hostile(".keras", "out", "call 7 of layer dense")
def a_layer_given_the_output_of_no_call(path: Path, elsewhere: Path) -> None:
    connected(path, ("dense", 7))


@hostile(".keras", "expected [layer, call, output]")
def a_layer_given_the_output_of_a_call_before_the_first(path: Path, elsewhere: Path) -> None:
    connected(path, ("dense", -1))


@hostile(".keras", "output", "ghost")
def a_model_that_gives_the_output_of_no_layer(path: Path, elsewhere: Path) -> None:
    connected(path, ("dense", 0), output="ghost")


# HDF5, inside .keras and by itself


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


@contextmanager
def h5_file(path: Path) -> Iterator[h5py.File]:
    sound_h5(path)
    with h5py.File(path, "r+") as file:
        yield file


KERNEL = "layers/dense/vars/0"
LEGACY_KERNEL = "model_weights/dense/dense/kernel"


@hostile(".keras", WEIGHTS, "other files")
def external_storage(path: Path, elsewhere: Path) -> None:
    with weights_file(path) as file:
        del file[KERNEL]
        file.create_dataset(KERNEL, (4, 3), "<f4", external=[(str(elsewhere), 0, 48)])


@hostile(".h5", "kernel", "other files")
def external_storage_in_h5(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        del file[LEGACY_KERNEL]
        file.create_dataset(LEGACY_KERNEL, (4, 3), "<f4", external=[(str(elsewhere), 0, 48)])


@hostile(".keras", WEIGHTS, "virtual")
def a_virtual_dataset(path: Path, elsewhere: Path) -> None:
    with weights_file(path, libver="latest") as file:
        del file[KERNEL]
        layout = h5py.VirtualLayout((4, 3), "<f4")
        layout[:] = h5py.VirtualSource(str(elsewhere), "secret", (4, 3))
        file.create_virtual_dataset(KERNEL, layout)


@hostile(".h5", "kernel", "virtual")
def a_virtual_dataset_without_end_in_h5(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        del file[LEGACY_KERNEL]
        layout = h5py.VirtualLayout((4, 3), "<f4", maxshape=(None, 3))
        source = h5py.VirtualSource(str(elsewhere), "secret", (4, 3), maxshape=(None, 3))
        layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
        file.create_virtual_dataset(LEGACY_KERNEL, layout)


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


@hostile(".h5", "model_weights", "external link")
def an_external_link_to_the_weights_of_h5(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        linked(file, "model_weights", h5py.ExternalLink(str(elsewhere), "/"))


@hostile(".h5", "model_weights/dense/dense", "soft link")
def a_soft_link_inside_a_layer_of_h5(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        linked(file, "model_weights/dense/dense", h5py.SoftLink("/model_weights/out/out"))


@hostile(".h5", "extra", "external link")
def an_external_link_that_nothing_names(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file["model_weights/dense/extra"] = h5py.ExternalLink(str(elsewhere), "/")


@hostile(".h5", "dangling", "soft link")
def a_layer_name_of_a_dangling_link(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file["model_weights/dangling"] = h5py.SoftLink("/nowhere")
        file["model_weights"].attrs["layer_names"] = ["dense", "out", "dangling"]


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


@hostile(".h5", "more bytes than the file")
def many_layers_in_the_same_bytes(path: Path, elsewhere: Path) -> None:
    layers = [layer("Embedding", input_dim=1000, output_dim=100, name=f"e{i}") for i in range(100)]
    each: dict[str, StoredArray] = {"embeddings": InMemory(np.zeros((1000, 100), "f4"))}
    configuration = layer("Sequential", "keras", name="model", layers=layers)
    legacy_h5.write(SavedModel(configuration, {(f"e{i}",): each for i in range(100)}), path)
    with tempfile.TemporaryDirectory() as directory, h5py.File(path) as file:
        with h5py.File(Path(directory, "shared.h5"), "w") as shared:
            shared.attrs.update(file.attrs)
            file.copy("model_weights/e0", shared, "model_weights/e0")
            for i in range(1, 100):
                shared[f"model_weights/e{i}/e{i}/embeddings"] = shared["model_weights/e0/e0/embeddings"]
                shared[f"model_weights/e{i}"].attrs["weight_names"] = [f"e{i}/embeddings"]
            shared["model_weights"].attrs["layer_names"] = [f"e{i}" for i in range(100)]
        content = Path(directory, "shared.h5").read_bytes()
    path.write_bytes(content)


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


@hostile(".h5", "HDF5")
def half_an_h5(path: Path, elsewhere: Path) -> None:
    sound_h5(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@hostile(".h5", "model_config")
def an_h5_of_weights_alone(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        del file.attrs["model_config"]


@hostile(".h5", "model_config", "NaN")
def an_h5_configured_with_nan(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file.attrs["model_config"] = '{"class_name": NaN}'


@hostile(".h5", "training_config", "levels")
def an_h5_trained_deeply(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file.attrs["training_config"] = '{"loss":' * 1000 + "1" + "}" * 1000


@hostile(".h5", "model_config", "UTF-8")
def an_h5_configured_in_latin_1(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file.attrs["model_config"] = np.bytes_("{'é'}".encode("latin-1"))


@hostile(".h5", "model_config", "another type")
def an_h5_configured_by_numbers(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file.attrs["model_config"] = np.arange(10)


@hostile(".h5", "model_config", "allowed")
def an_h5_with_a_great_configuration(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file.attrs["model_config"] = " " * 20 * MEBIBYTE


@hostile(".h5", "layer_names", "allowed")
def many_names_in_the_same_bytes(path: Path, elsewhere: Path) -> None:
    """Four thousand references to one text of 4 MiB: 16 GiB, if each is followed."""
    names = 4000
    with h5_file(path) as file:
        del file["model_weights"].attrs["layer_names"]
        file["model_weights"].attrs["layer_names"] = ["z" * 4 * MEBIBYTE, *(["y"] * (names - 1))]
    content = bytearray(path.read_bytes())
    reference = content.index(struct.pack("<I", 4 * MEBIBYTE), 0, len(content))
    while content[reference + 16 : reference + 20] != struct.pack("<I", 1):
        reference = content.index(struct.pack("<I", 4 * MEBIBYTE), reference + 1)
    content[reference : reference + 16 * names] = content[reference : reference + 16] * names
    path.write_bytes(content)


@hostile(".h5", "layer_names", "twice")
def an_h5_with_a_layer_twice(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file["model_weights"].attrs["layer_names"] = ["dense", "dense"]


@hostile(".h5", "weight_names", "twice")
def an_h5_with_a_weight_twice(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file["model_weights/dense"].attrs["weight_names"] = ["dense/kernel", "dense/kernel"]


@hostile(".h5", "missing")
def an_h5_with_a_weight_of_the_parent(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file["model_weights/dense"].attrs["weight_names"] = ["../out/out/kernel", "dense/bias"]


@hostile(".h5", "missing")
def an_h5_with_a_weight_of_the_root(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file["model_weights/dense"].attrs["weight_names"] = ["/model_weights/out/out/kernel", "dense/bias"]


@hostile(".h5", "no list of names")
def an_h5_with_a_weight_unnamed(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file["model_weights/dense/dense/more"] = np.zeros(3, "f4")


@hostile(".h5", "'dense'", "kernel, bias", "dense/colonel")
def an_h5_with_a_kernel_of_another_name(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file.move(LEGACY_KERNEL, "model_weights/dense/dense/colonel")
        file["model_weights/dense"].attrs["weight_names"] = ["dense/colonel", "dense/bias"]


@hostile(".h5", "ghost", "no layer")
def an_h5_with_weights_of_no_layer(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        file.copy("model_weights/dense", "model_weights/ghost")
        file["model_weights"].attrs["layer_names"] = ["dense", "out", "ghost"]


@hostile(".h5", "'out'", "expected the weights")
def an_h5_without_the_weights_of_a_layer(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        del file["model_weights/out"]
        file["model_weights"].attrs["layer_names"] = ["dense"]


@hostile(".h5", "weight_names")
def an_h5_without_the_names_of_weights(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        del file["model_weights/dense"].attrs["weight_names"]


@hostile(".weights.h5", "configuration")
def weights_without_a_configuration(path: Path, elsewhere: Path) -> None:
    path.write_bytes(members(path)[WEIGHTS])


@hostile(".onnx", "no format")
def a_file_of_no_format(path: Path, elsewhere: Path) -> None:
    path.write_bytes(b"")


def make_all(directory: Path) -> dict[str, Path]:
    """Every file, by its maker's name, and `elsewhere.h5`, to which some of them point."""
    elsewhere = directory / "elsewhere.h5"
    with h5py.File(elsewhere, "w") as file:
        file["secret"] = np.full((4, 3), 42, "f4")
    made = {name: directory / f"{name}{file.suffix}" for name, file in HOSTILE.items()}
    for name, file in HOSTILE.items():
        file.make(made[name], elsewhere)
    return made


if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    print(*make_all(directory).values(), sep="\n")
