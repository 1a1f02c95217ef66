"""Directories of TensorFlow.js that are broken, or made to do harm: what makes each, and what is said of it.

Run as `python -m tests.saving.hostile_model_json DIRECTORY`, it makes them all there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KERNEL = {"name": "dense/kernel", "shape": [3, 2], "dtype": "float32"}
BIAS = {"name": "dense/bias", "shape": [2], "dtype": "float32"}
SIZE = 32
"""Bytes of both."""

QUANTIZED = {"dtype": "uint8", "scale": 0.5, "min": -1.0}


def document() -> dict[str, Any]:
    """A model that nothing is wrong with: 32 bytes of weights in two shards."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "input_1", "batch_input_shape": [None, 3]}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 2}},
    ]
    return {
        "format": "layers-model",
        "modelTopology": {"class_name": "Sequential", "config": {"name": "model", "layers": layers}},
        "weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": [dict(KERNEL), dict(BIAS)]}],
    }


def make(directory: Path, model: Any, **shards: bytes) -> None:
    """A directory of that `model.json`, and of shards of these contents, else of those that belong to it."""
    directory.mkdir()
    content = model if isinstance(model, bytes) else json.dumps(model).encode()
    (directory / "model.json").write_bytes(content)
    for name, content in {"a": bytes(20), "b": bytes(12), **shards}.items():
        (directory / f"{name}.bin").write_bytes(content)


@dataclass(frozen=True)
class Hostile:
    """A directory to refuse, and parts of what is said: the place and the reason."""

    make: Callable[[Path], None]
    place: str
    reason: str


def shards(place: str, reason: str, **contents: bytes) -> Hostile:
    return Hostile(lambda directory: make(directory, document(), **contents), place, reason)


def text(place: str, reason: str, content: bytes) -> Hostile:
    return Hostile(lambda directory: make(directory, content), place, reason)


def changed(place: str, reason: str, change: Callable[[dict[str, Any]], object]) -> Hostile:
    def made(directory: Path) -> None:
        model = document()
        change(model)
        make(directory, model)

    return Hostile(made, place, reason)


def path(name: str, reason: str = "plain name") -> Hostile:
    """Another path for the second shard."""
    return changed("/weightsManifest/0/paths/1", reason, lambda m: group(m)["paths"].__setitem__(1, name))


def weight(place: str, reason: str, **entries: Any) -> Hostile:
    """Other entries for the kernel."""
    where = f"/weightsManifest/0/weights/0{place}"
    return changed(where, reason, lambda m: group(m)["weights"][0].update(entries))


def strings(reason: str, content: bytes) -> Hostile:
    """Three strings in the first shard and the second."""

    def made(directory: Path) -> None:
        model = document()
        group(model)["weights"][0].update(dtype="string", shape=[3])
        make(directory, model, a=content)

    return Hostile(made, "/weightsManifest/0/weights/0", reason)


def linked(target: str, reason: str) -> Hostile:
    def made(directory: Path) -> None:
        make(directory, document())
        (directory.parent / "outside.bin").write_bytes(bytes(12))
        (directory / "b.bin").unlink()
        (directory / "b.bin").symlink_to(target)

    return Hostile(made, "/weightsManifest/0/paths/1", reason)


def queue(directory: Path) -> None:
    make(directory, document())
    (directory / "b.bin").unlink()
    os.mkfifo(directory / "b.bin")


def folder(directory: Path) -> None:
    make(directory, document())
    (directory / "b.bin").unlink()
    (directory / "b.bin").mkdir()


def missing(directory: Path) -> None:
    make(directory, document())
    (directory / "b.bin").unlink()


def linked_model(directory: Path) -> None:
    make(directory, document())
    (directory / "model.json").rename(directory.parent / "elsewhere.json")
    (directory / "model.json").symlink_to("../elsewhere.json")


def no_model(directory: Path) -> None:
    directory.mkdir()


def hard_links(directory: Path) -> None:
    """One file under two names, by which little on the disk would be much in memory."""
    make(directory, document(), a=bytes(16))
    (directory / "b.bin").unlink()
    (directory / "b.bin").hardlink_to(directory / "a.bin")


def huge_json(directory: Path) -> None:
    make(directory, b"")
    with (directory / "model.json").open("wb") as file:
        file.truncate(2**34)


def group(model: dict[str, Any]) -> Any:
    return model["weightsManifest"][0]


def config(model: dict[str, Any]) -> Any:
    return model["modelTopology"]["config"]


def pairs(depth: int) -> Any:
    return [pairs(depth - 1), pairs(depth - 1)] if depth else "dense"


def nested(depth: int) -> dict[str, Any]:
    model: dict[str, Any] = {"class_name": "Dense", "config": {"name": "dense"}}
    for i in range(depth):
        model = {"class_name": "Sequential", "config": {"name": f"m{i}", "layers": [model]}}
    return document() | {"modelTopology": model}


def directions(model: dict[str, Any]) -> None:
    """Were each direction of each looked at, there would be 2⁴⁰."""
    layer = config(model)["layers"][1]
    for _ in range(40):
        layer = {"class_name": "Bidirectional", "config": {"layer": layer}}
    config(model)["layers"][1] = layer


def times(model: dict[str, Any]) -> None:
    layer = config(model)["layers"][1]
    for _ in range(30):
        layer = {"class_name": "TimeDistributed", "config": {"layer": layer}}
    config(model)["layers"][1] = layer


def functional(model: dict[str, Any], inbound: str) -> None:
    """The layer is called with the output of the layer of that name."""
    first, dense = config(model)["layers"]
    first |= {"name": "input_1", "inbound_nodes": []}
    dense |= {"name": "dense", "inbound_nodes": [[[inbound, 0, 0, {}]]]}
    model["modelTopology"]["class_name"] = "Functional"
    config(model).update(input_layers=[["input_1", 0, 0]], output_layers=[["dense", 0, 0]])


def cyclic(model: dict[str, Any]) -> None:
    functional(model, "dense")


def twins(model: dict[str, Any]) -> None:
    """Two models in the model, with a layer of one name each."""
    inner = config(model)["layers"]
    config(model)["layers"] = [
        {"class_name": "Sequential", "config": {"name": name, "layers": inner}} for name in ("a", "b")
    ]


FIRST = "/weightsManifest/0"

HOSTILE: dict[str, Hostile] = {
    "no model.json": Hostile(no_model, "", "no file 'model.json'"),
    "a shard that is too short": shards(
        f"{FIRST}/weights/1", "takes 8 bytes, and its shards have 7", b=bytes(11)
    ),
    "a shard that is too long": shards(FIRST, "take 32 bytes, and its shards hold 33", b=bytes(13)),
    "an empty shard": shards(f"{FIRST}/weights/0", "takes 24 bytes, and its shards have 20", b=b""),
    "a missing shard": Hostile(missing, f"{FIRST}/paths/1", "no file 'b.bin'"),
    "one shard too many": changed(
        f"{FIRST}/paths/2", "no file 'c.bin'", lambda m: group(m)["paths"].append("c.bin")
    ),
    "a shard that stands twice": path("a.bin", "stands for something else"),
    "the model itself as a shard": path("model.json", "stands for something else"),
    "a shard of two names": Hostile(hard_links, f"{FIRST}/paths/1", "stands for something else"),
    "a shard that is a directory": Hostile(folder, f"{FIRST}/paths/1", "not a regular file"),
    "a shard that is a queue": Hostile(queue, f"{FIRST}/paths/1", "not a regular file"),
    "an absolute path": path("/etc/passwd"),
    "a path to the parent": path("../outside.bin"),
    "a path from the parent back": path("./../model/b.bin"),
    "a path into a folder": path("folder/b.bin"),
    "a URL": path("https://example.com/b.bin"),
    "a data URL": path("data:;base64,AAAA"),
    "a backslash": path("..\\outside.bin"),
    "a drive": path("C:b.bin"),
    "a NUL in a path": path("b.bin\0"),
    "a line break in a path": path("b.bin\nall is well"),
    "an empty path": path(""),
    "a path to the directory": path("."),
    "a path of a thousand letters": path("b" * 1000, "File name too long"),
    "a path that is a number": changed(
        f"{FIRST}/paths/1", "a string", lambda m: group(m).update(paths=["a.bin", 1])
    ),
    "a link to the parent": linked("../outside.bin", "leaves the model's directory"),
    "an absolute link": linked("/etc/hostname", "leaves the model's directory"),
    "a link to itself": linked("b.bin", ""),
    "a link to nothing": linked("nothing.bin", "no file 'b.bin'"),
    "a model that is a link": Hostile(linked_model, "", "leaves the model's directory"),
    "nothing in model.json": text("", "not JSON", b""),
    "JSON cut off": text("", "not JSON", json.dumps(document()).encode()[:-9]),
    "not UTF-8": text("", "not UTF-8", b'{"format": "\xff"}'),
    "UTF-16": text("", "not UTF-8", json.dumps(document()).encode("utf-16")),
    "NaN in JSON": text("", "NaN", b'{"userDefinedMetadata": {"a": NaN}}'),
    "infinity in JSON": text("", "beyond float64", b'{"userDefinedMetadata": {"a": 1e999}}'),
    "a key twice": text("", "twice", b'{"format": "layers-model", "format": "graph-model"}'),
    "half a character": text("", "surrogate", b'{"format": "\\ud800"}'),
    "brackets nested deeply": text("", "levels of nesting", b'{"a": ' + b"[" * 10**6 + b"]" * 10**6 + b"}"),
    "models nested deeply": Hostile(lambda d: make(d, nested(60)), "", "levels of nesting"),
    "millions of values": text("", "values", b'{"a": [' + b"0," * 2**21 + b"0]}"),
    "a model.json of 16 GiB": Hostile(huge_json, "", "bytes"),
    "an array": text("", "object", b"[]"),
    "a graph model": changed("/format", "no layers", lambda m: m.update(format="graph-model")),
    "no topology": changed("", "no 'modelTopology'", lambda m: m.pop("modelTopology")),
    "a topology that is text": changed("/modelTopology", "an object", lambda m: m.update(modelTopology="{}")),
    "no configuration": changed(
        "model", "needs a list of layers", lambda m: m["modelTopology"].pop("config")
    ),
    "layers that are no array": changed(
        "model", "needs a list of layers", lambda m: config(m).update(layers={})
    ),
    "a layer that is no object": changed("model model", "got 7", lambda m: config(m)["layers"].append(7)),
    "a layer of no class": changed(
        "model model", "class_name", lambda m: config(m)["layers"][1].pop("class_name")
    ),
    "a layer's name of lists in lists": changed(
        "", "a name is a string", lambda m: config(m)["layers"][0]["config"].update(name=pairs(8))
    ),
    "two layers of one name": changed(
        "layer 'dense'", "have this name", lambda m: config(m)["layers"].append(config(m)["layers"][1])
    ),
    "a wrapper around nothing": changed(
        "layer dense",
        "argument layer",
        lambda m: config(m)["layers"][1].update(class_name="Bidirectional", config={"name": "dense"}),
    ),
    "a layer made of the wrong arguments": changed(
        "layer 'dense'", "units", lambda m: config(m)["layers"][1]["config"].update(units="two")
    ),
    "a layer of a million units": changed(
        "layer 'dense'", "(3, 2)", lambda m: config(m)["layers"][1]["config"].update(units=10**6)
    ),
    "code instead of a layer": changed(
        "layer dense", "Lambda", lambda m: config(m)["layers"][1].update(class_name="Lambda")
    ),
    "a layer out of a module": changed(
        "layer dense", "os", lambda m: config(m)["layers"][1].update(module="os", class_name="system")
    ),
    "directions of directions of directions": changed("layer Bidirectional", "nested deeper", directions),
    "times of times of times": changed("layer 'time_distributed'", "nested deeper", times),
    "a layer's name of megabytes": changed(
        "", "no layer of the model", lambda m: config(m)["layers"][1]["config"].update(name="a" * 2**20)
    ),
    "a node that comes before itself": changed("model model", "circle", cyclic),
    "a node of no layer": changed("model model", "nowhere", lambda m: functional(m, "nowhere")),
    "a weight's name of a million slashes": weight("", "1048576 characters", name="/" * 2**20),
    "a weight of either of two layers": changed(f"{FIRST}/weights/0", "'a/dense' and 'b/dense'", twins),
    "a manifest that is no array": changed(
        "/weightsManifest", "an array", lambda m: m.update(weightsManifest={})
    ),
    "a group without paths": changed(FIRST, "no 'paths'", lambda m: group(m).pop("paths")),
    "a group without weights": changed(FIRST, "no 'weights'", lambda m: group(m).pop("weights")),
    "a weight twice": changed(
        f"{FIRST}/weights/1", "twice", lambda m: group(m)["weights"][1].update(name="dense/kernel")
    ),
    "a weight twice by two names": changed(
        f"{FIRST}/weights/1",
        "another 'kernel'",
        lambda m: group(m)["weights"][1].update(name="dense/cell/kernel"),
    ),
    "a weight of no layer": weight("", "no layer", name="other/kernel"),
    "a weight without a layer": weight("", "no layer", name="kernel"),
    "a weight without a name": weight("", "no 'name'", name=None),
    "a name that is a number": weight("/name", "a string", name=3),
    "an unknown dtype": weight("/dtype", "unknown dtype", dtype="float64"),
    "an object as a dtype": weight("/dtype", "a string", dtype={"class_name": "DTypePolicy"}),
    "a dtype that takes more": weight("", "takes 48 bytes", dtype="complex64"),
    "a dtype that takes less": changed(
        FIRST, "take 14 bytes, and its shards hold 32", lambda m: group(m)["weights"][0].update(dtype="bool")
    ),
    "no shape": weight("", "no 'shape'", shape=None),
    "a negative dimension": weight("/shape/0", "found -3", shape=[-3, -2]),
    "a dimension that is a fraction": weight("/shape/0", "found 3.0", shape=[3.0, 2]),
    "a dimension that is true": weight("/shape/0", "found True", shape=[True, 6]),
    "an unknown dimension": weight("/shape/0", "found None", shape=[None, 2]),
    "a huge dimension": weight("/shape/0", "dimension", shape=[2**62, 2]),
    "a dimension of a thousand digits": weight("/shape/0", "dimension", shape=[10**1000, 2]),
    "a huge shape": weight("", "bytes", shape=[2**31 - 1] * 6),
    "nothing times a huge dimension": weight("/shape/1", "dimension", shape=[0, 2**62]),
    "a shape of too many dimensions": weight("/shape", "dimensions", shape=[1] * 10**5),
    "strings without end": strings("strings end behind", b"\xff" * 20),
    "a string's length cut off": strings("strings end behind", b"\x15\0\0\0" + bytes(16)),
    "a wrong group": weight("/group", "expected 'model'", group="other"),
    "quantization of no dtype": weight("/quantization", "no 'dtype'", quantization={}),
    "quantization to an unknown dtype": weight(
        "/quantization/dtype", "unknown dtype", quantization=QUANTIZED | {"dtype": "uint4"}
    ),
    "quantization without a scale": weight(
        "/quantization", "no 'scale'", quantization={"dtype": "uint8", "min": 0}
    ),
    "quantization without a minimum": weight(
        "/quantization", "no 'min'", quantization={"dtype": "uint8", "scale": 1}
    ),
    "a scale that is text": weight(
        "/quantization/scale", "a number", quantization=QUANTIZED | {"scale": "1"}
    ),
    "a scale of a thousand digits": weight(
        "/quantization/scale", "beyond float64", quantization=QUANTIZED | {"scale": 10**1000}
    ),
    "a scale that leaves float32": weight(
        "/quantization", "beyond float32", quantization=QUANTIZED | {"scale": 1e300}
    ),
    "a scale that leaves int32": weight(
        "/quantization", "beyond int32", dtype="int32", quantization=QUANTIZED | {"scale": 1e9}
    ),
    "quantized booleans": weight("/quantization/dtype", "not to bool", dtype="bool", quantization=QUANTIZED),
    "quantized strings": weight(
        "/quantization/dtype", "not to string", dtype="string", quantization=QUANTIZED
    ),
    "integers from float16": weight(
        "/quantization/dtype", "not to int32", dtype="int32", quantization={"dtype": "float16"}
    ),
    "quantized bytes that are not all there": changed(
        FIRST,
        "take 14 bytes, and its shards hold 32",
        lambda m: group(m)["weights"][0].update(quantization=QUANTIZED),
    ),
    "a training configuration that is text": changed(
        "/trainingConfig", "an object", lambda m: m.update(trainingConfig="adam")
    ),
    "metadata that is no object": changed(
        "/userDefinedMetadata", "an object", lambda m: m.update(userDefinedMetadata=[])
    ),
}
"""By name, what is refused on reading."""

if __name__ == "__main__":
    for name, hostile in HOSTILE.items():
        hostile.make(Path(sys.argv[1]) / name.replace("/", " "))
