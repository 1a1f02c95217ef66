"""`.h5` files whose HDF5 is damaged, reaches for other files, or lies."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from conformance.reference_impl.saving import legacy_h5
from conformance.reference_impl.saving.saved_model import InMemory, SavedModel, StoredArray
from tests.saving.hostile_keras_files.hostile import hostile
from tests.saving.hostile_keras_files.sound import MEBIBYTE, layer, sound_h5
from tests.saving.hostile_keras_files.weights import linked

KERNEL = "model_weights/dense/dense/kernel"


@contextmanager
def h5_file(path: Path) -> Iterator[h5py.File]:
    sound_h5(path)
    with h5py.File(path, "r+") as file:
        yield file


@hostile(".h5", "kernel", "other files")
def external_storage_in_h5(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        del file[KERNEL]
        file.create_dataset(KERNEL, (4, 3), "<f4", external=[(str(elsewhere), 0, 48)])


@hostile(".h5", "kernel", "virtual")
def a_virtual_dataset_without_end_in_h5(path: Path, elsewhere: Path) -> None:
    with h5_file(path) as file:
        del file[KERNEL]
        layout = h5py.VirtualLayout((4, 3), "<f4", maxshape=(None, 3))
        source = h5py.VirtualSource(str(elsewhere), "secret", (4, 3), maxshape=(None, 3))
        layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
        file.create_virtual_dataset(KERNEL, layout)


@hostile(".h5", "kernel", "virtual")
def a_virtual_dataset_in_a_heap_without_end(path: Path, elsewhere: Path) -> None:
    """The last object of the heap, where the sources are, is so large that the one behind it begins where it
    does: the library goes round as soon as the dataset is opened. Found by fuzzing."""
    a_virtual_dataset_without_end_in_h5(path, elsewhere)
    content = bytearray(path.read_bytes())
    last = at = content.rindex(b"GCOL") + 16
    while content[at : at + 2] != b"\0\0":
        last = at
        (size,) = struct.unpack_from("<Q", content, at + 8)
        at += 16 + -(-size // 8) * 8
    struct.pack_into("<Q", content, last + 8, 2**64 - 16)
    path.write_bytes(content)


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
        file.move(KERNEL, "model_weights/dense/dense/colonel")
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
