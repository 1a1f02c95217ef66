"""Sound `.keras` archives whose configuration is no JSON, or no model, or names what is not Keras's."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.saving.hostile_keras_files.hostile import hostile
from tests.saving.hostile_keras_files.sound import CONFIG, layer, members, pack


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


@hostile(".keras", "noisy", "stddev")
def a_layer_with_a_description_of_no_class(path: Path, elsewhere: Path) -> None:
    noisy = layer("GaussianNoise", stddev={"class_name": {}, "config": {}}, name="noisy")
    changed(path, lambda c: c["config"]["layers"].append(noisy))


@hostile(".keras", "dense", "units")
def a_layer_of_impossible_arguments(path: Path, elsewhere: Path) -> None:
    changed(path, lambda c: c["config"]["layers"][1]["config"].update(units=-3))


@hostile(".keras", "scaled", "argument `scale`: expected a number")
def a_layer_of_a_number_beyond_float64(path: Path, elsewhere: Path) -> None:
    scaled = layer("Rescaling", scale=[10**400], name="scaled")
    changed(path, lambda c: c["config"]["layers"].append(scaled))


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
