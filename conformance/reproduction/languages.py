"""Literals of the languages that scripts are written in: numbers that read back as the same bits, and
configurations by the names that each runtime has for them."""

from __future__ import annotations

import json
import keyword
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.reference_impl.arrays import Array

WIDTH = 96
"""Columns of a script's lines of numbers."""

SHORT = 64
"""Columns of numbers that stand in the line of their array's name."""

ABSENT = "(absent)"
"""Stands in a script where a structure says nothing."""


@dataclass(frozen=True)
class Language:
    """How a language writes what JSON and arrays hold.

    Attributes:
        special: the spellings of NaN, infinity, true, false and null.
        key: the spelling of a mapping's key.
        indent: of the lines of an array.
    """

    special: Mapping[str, str]
    key: Callable[[str], str]
    indent: str

    def number(self, x: Any) -> str:
        """The shortest decimal that reads back as the same number; NumPy scalars keep their precision."""
        if isinstance(x, bool | np.bool_):
            return self.special["true" if x else "false"]
        if isinstance(x, int | np.integer):
            return str(x)
        if math.isnan(x):
            return self.special["nan"]
        if math.isinf(x):
            return self.special["inf"] if x > 0 else f"-{self.special['inf']}"
        shortest = str(x)
        # A decimal is read as a double first: rare ones round to a neighbour that way.
        exact = isinstance(x, float) or x.dtype.type(float(shortest)) == x
        return shortest if exact else repr(float(x))

    def array(self, x: Array) -> str:
        """The elements in row-major order, between brackets, in lines of at most `WIDTH` columns."""
        numbers = ", ".join(map(self.number, np.ravel(x)))
        if len(numbers) <= SHORT:
            return f"[{numbers}]"
        lines = textwrap.fill(numbers, WIDTH, break_long_words=False, break_on_hyphens=False)
        return f"[\n{textwrap.indent(lines, self.indent)},\n]"

    def limits(self, x: Array) -> str:
        """One number where all are equal, else as `array`."""
        return self.number(float(x.flat[0])) if x.size and (x == x.flat[0]).all() else self.array(x)

    def value(self, x: Any) -> str:
        """Anything that JSON can hold."""
        match x:
            case None:
                return self.special["null"]
            case str():
                return json.dumps(x, ensure_ascii=True)
            case dict():
                return "{" + ", ".join(f"{self.key(k)}: {self.value(v)}" for k, v in x.items()) + "}"
            case list() | tuple():
                return "[" + ", ".join(map(self.value, x)) + "]"
        return self.number(x)


def _python_key(name: str) -> str:
    return json.dumps(name)


def _javascript_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][\w$]*", name, re.ASCII) else json.dumps(name)


PYTHON = Language(
    {"nan": "np.nan", "inf": "np.inf", "true": "True", "false": "False", "null": "None"}, _python_key, "    "
)
JAVASCRIPT = Language(
    {"nan": "NaN", "inf": "Infinity", "true": "true", "false": "false", "null": "null"}, _javascript_key, "  "
)


def python_arguments(config: Mapping[str, Any]) -> str:
    """A configuration as keyword arguments of Keras; layers inside another's configuration are made.

    >>> python_arguments({"units": 3, "activation": "relu"})
    'units=3, activation="relu"'
    """
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in config):
        return f"**{PYTHON.value(config)}"
    return ", ".join(f"{name}={_python_argument(value)}" for name, value in config.items())


def _python_argument(value: Any) -> str:
    if isinstance(value, dict) and value.get("module") == "keras.layers":
        return f"keras.saving.deserialize_keras_object({PYTHON.value(value)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_python_argument, value))}]"
    return PYTHON.value(value)


@cache
def tensorflow_js_names() -> dict[str, Any]:
    """The tables of the naming differences, which the adapter of TensorFlow.js reads too."""
    path = Path(__file__).parents[1] / "runners" / "tfjs" / "naming.json"
    tables: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return tables


def camel(name: str) -> str:
    """
    >>> camel("kernel_initializer")
    'kernelInitializer'
    """
    return re.sub(r"(?<=[a-z0-9])_+([a-z0-9])", lambda match: match[1].upper(), name)


def tensorflow_js_key(name: str, layer: str) -> str:
    """The name that TensorFlow.js has for an argument of a layer of Keras."""
    names = tensorflow_js_names()
    found: str = names["keysOf"].get(layer, {}).get(name) or names["keys"].get(name, camel(name))
    return found


def tensorflow_js_value(value: Any, key: str = "") -> Any:
    """A value of a Keras configuration as TensorFlow.js has it; `key` is the Keras name of its argument.

    >>> tensorflow_js_value({"class_name": "L1", "config": {"l1": 0.5}})
    {'className': 'L1L2', 'config': {'l2': 0, 'l1': 0.5}}
    """
    names = tensorflow_js_names()
    if isinstance(value, str):
        if key in names["verbatim"]:
            return value
        plain = re.fullmatch("[a-z0-9_]+", value) is not None
        return names["identifiers"].get(value, camel(value) if plain else value)
    if isinstance(value, list | tuple):
        return [tensorflow_js_value(item, key) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get("class_name", "")
    given = value.get("config", value).items()
    config = {tensorflow_js_key(k, name): tensorflow_js_value(v, k) for k, v in given}
    if "class_name" not in value:
        return config
    if name in names["madeFrom"]:
        made = names["madeFrom"][name]
        return {"className": made["className"], "config": made["config"] | config}
    return {"className": names["classes"].get(name, name), "config": config}


def tensorflow_js_function(name: str) -> str:
    """The identifier of an activation function of Keras in TensorFlow.js.

    >>> tensorflow_js_function("hard_sigmoid"), tensorflow_js_function("silu")
    ('hardSigmoid', 'swish')
    """
    found: str = tensorflow_js_value(tensorflow_js_names()["functions"].get(name, name))
    return found


def tensorflow_js_weight(name: str, layer: str, scopes: Mapping[str, str]) -> str:
    """The name that TensorFlow.js has for a weight of a layer, which has scopes of those names.

    >>> tensorflow_js_weight("kernel", "DepthwiseConv2D", {})
    'depthwise_kernel'
    >>> tensorflow_js_weight("lstm_cell/kernel", "RNN", {"lstm_cell": "RNNCell_0"})
    'RNNCell_0/kernel'
    """
    own = tensorflow_js_names()["weights"].get(layer, {})
    *parts, last = name.split("/")
    return "/".join([*(scopes[part] for part in parts), own.get(last, last)])


def tensorflow_js_factory(name: str) -> str:
    """The function of `tf.layers` that makes a layer of the class.

    >>> tensorflow_js_factory("LSTM"), tensorflow_js_factory("MaxPooling2D")
    ('lstm', 'maxPooling2d')
    """
    plain = name[0].lower() + re.sub(r"(?<=\d)D", "d", name[1:])
    found: str = tensorflow_js_names()["factories"].get(name, plain)
    return found


def tensorflow_js_arguments(config: Mapping[str, Any], layer: str) -> str:
    """The configuration of a layer as the object that its function in `tf.layers` takes; layers inside it are
    made.

    >>> tensorflow_js_arguments({"units": 3, "kernel_initializer": "glorot_uniform"}, "Dense")
    '{units: 3, kernelInitializer: "glorotUniform"}'
    """
    fields = [
        f"{JAVASCRIPT.key(tensorflow_js_key(key, layer))}: {_tensorflow_js_argument(value, key)}"
        for key, value in config.items()
    ]
    return "{" + ", ".join(fields) + "}"


def _tensorflow_js_argument(value: Any, key: str) -> str:
    if isinstance(value, dict) and value.get("module") == "keras.layers":
        factory = tensorflow_js_factory(value["class_name"])
        return f"tf.layers.{factory}({tensorflow_js_arguments(value['config'], value['class_name'])})"
    if isinstance(value, list):
        return f"[{', '.join(_tensorflow_js_argument(item, key) for item in value)}]"
    return JAVASCRIPT.value(tensorflow_js_value(value, key))
