"""Literals in scripts read back as the same bits, in both languages."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl.arrays import Array
from conformance.reproduction.languages import JAVASCRIPT, PYTHON, python_arguments, tensorflow_js_factory
from conformance.runners.node import find_node
from conformance.runners.provision import ensure_package, silent


def hard_floats() -> Array:
    """Zeros, infinities, NaN, subnormals, the ends of the range, and 2000 random bit patterns."""
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1.1754942e-38, 1.1754944e-38, 3.4028235e38]
    bits = np.random.default_rng(0).integers(0, 2**32, 2000, dtype=np.uint32)
    random = bits.view(np.float32)
    return np.concatenate([np.array(special, np.float32), random[~np.isnan(random)]])


def test_python_reads_the_same_bits() -> None:
    x = hard_floats()
    again: Array = np.array(eval(PYTHON.array(x), {"np": np}), "float32")
    assert np.array_equal(again.view(np.uint32)[~np.isnan(x)], x.view(np.uint32)[~np.isnan(x)])
    assert np.isnan(again[np.isnan(x)]).all()


@pytest.mark.node
def test_javascript_reads_the_same_bits() -> None:
    x = hard_floats()[~np.isnan(hard_floats())]
    program = (
        f"const x = new Float32Array({JAVASCRIPT.array(x)});"
        "console.log(JSON.stringify(Array.from(new Uint32Array(x.buffer))))"
    )
    done = subprocess.run([find_node().path, "-"], input=program, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == x.view(np.uint32).tolist()


def test_doubles_and_integers_and_truth_values() -> None:
    assert PYTHON.array(np.array([0.1, 1e300])) == "[0.1, 1e+300]"
    assert JAVASCRIPT.array(np.array([3, -4], np.int32)) == "[3, -4]"
    assert JAVASCRIPT.array(np.array([True, False])) == "[true, false]"


def test_long_arrays_are_wrapped_and_never_cut() -> None:
    x = hard_floats()
    lines = PYTHON.array(x).splitlines()
    assert max(map(len, lines)) <= 101
    assert len(lines) > 100


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"units": 3, "seed": None}, "units=3, seed=None"),
        ({"name": 'a"b\\'}, r'name="a\"b\\"'),
        ({"lambda": 1}, '**{"lambda": 1}'),
        (
            {"layer": {"module": "keras.layers", "class_name": "Dense", "config": {}}},
            'layer=keras.saving.deserialize_keras_object({"module": "keras.layers", "class_name": "Dense", '
            '"config": {}})',
        ),
    ],
)
def test_configurations_become_keyword_arguments(config: dict[str, Any], expected: str) -> None:
    assert python_arguments(config) == expected


@pytest.mark.node
def test_every_layer_of_tensorflow_js_is_made_by_its_function() -> None:
    """Of the classes in its registry, all that `tf.layers` has a function for."""
    package = ensure_package(silent, find_node()) / "node_modules" / "@tensorflow" / "tfjs"
    program = (
        f"const tf = require({json.dumps(str(package))});"
        "const classes = Object.keys(tf.serialization.SerializationMap.getMap().classNameMap);"
        "console.log(JSON.stringify([classes, Object.keys(tf.layers)]))"
    )
    done = subprocess.run([find_node().path, "-"], input=program, capture_output=True, text=True, check=True)
    classes, functions = json.loads(done.stdout.splitlines()[-1])
    known = {name.lower() for name in functions}
    # An activation function is a class too, in small letters.
    layers = [name for name in classes if name.lower() in known and not name.islower()]
    made = {name: tensorflow_js_factory(name) for name in layers}
    assert len(made) > 50
    assert {name: function for name, function in made.items() if function not in functions} == {}
