"""What the Keras that answers, 3 or 2, knows by name: run by its own Python, it prints JSON."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import Any

from conformance.runners.keras_adapter.runtime import keras
from conformance.runners.keras_adapter.subjects import ACTIVATIONS, CLASSES, constructor_arguments


def taken_out(cls: type) -> set[str]:
    """The arguments that its constructors, and those of its bases, take out of `**kwargs`."""
    names: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] != keras.__name__ or "__init__" not in vars(base):
            continue
        source = inspect.getsource(inspect.unwrap(vars(base)["__init__"]))
        for node in ast.walk(ast.parse(textwrap.dedent(source))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("kwargs"), attr="pop" | "get"), args=[
                    ast.Constant(str(name)), *_
                ]):  # fmt: skip
                    names.add(name)
                case ast.Assign(targets=[ast.Name("allowed_kwargs")], value=ast.Set(elements)):
                    names |= {str(e.value) for e in elements if isinstance(e, ast.Constant)}
    return {name for name in names if not name.startswith("_")}


def layers() -> dict[str, list[str]]:
    return {
        name: sorted(constructor_arguments(cls).keys() | taken_out(cls))
        for name, cls in CLASSES["layers"].items()
    }


def objects(module: Any, base: str) -> dict[str, list[str]]:
    """The classes of a module by their own names."""
    classes = {value for value in vars(module).values() if isinstance(value, type)}
    found = {cls for cls in classes if issubclass(cls, getattr(module, base))}
    return {
        cls.__name__: sorted(set(inspect.signature(cls).parameters) - {"args", "kwargs"})
        for cls in found
        if cls.__name__ != base
    }


if __name__ == "__main__":
    table = {
        "layers": layers(),
        "initializers": objects(keras.initializers, "Initializer"),
        "regularizers": objects(keras.regularizers, "Regularizer"),
        "constraints": objects(keras.constraints, "Constraint"),
        "activations": sorted(ACTIVATIONS),
    }
    print(json.dumps(table))
