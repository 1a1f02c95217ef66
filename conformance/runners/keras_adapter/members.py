"""What a layer's users can call and look up: the public methods and properties of its class.

`python -m conformance.runners.keras_adapter.members` writes them into `reference_impl/layers/members.json`
for the specification, which promises those of Keras.
"""

from __future__ import annotations

import functools
import inspect
import json
from pathlib import Path
from typing import Any

from conformance.runners.keras_adapter.runtime import keras
from conformance.runners.keras_adapter.subjects import CLASSES


@functools.cache
def members(cls: Any) -> dict[str, str]:
    """By name, `method` or `property`: what Keras defines, not what its classes inherit from TensorFlow's."""
    own = [base for base in cls.__mro__ if base.__module__.partition(".")[0] == keras.__name__]
    names = sorted({name for base in own for name in vars(base) if not name.startswith("_")})
    kinds = {name: _kind(inspect.getattr_static(cls, name)) for name in names}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _kind(member: Any) -> str | None:
    """None of what is neither, as a constant of the class is."""
    if isinstance(member, property):
        return "property"
    return "method" if inspect.isroutine(member) else None


if __name__ == "__main__":
    common = members(keras.layers.Layer)
    table: dict[str, dict[str, str]] = {"Layer": common}
    for name, cls in sorted(CLASSES["layers"].items()):
        if cls is not keras.layers.Layer:
            table[name] = {m: kind for m, kind in members(cls).items() if common.get(m) != kind}
    target = Path(__file__).parents[2] / "reference_impl" / "layers" / "members.json"
    rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(row)}" for name, row in table.items() if row)
    target.write_text(f"{{\n{rows}\n}}\n", "utf-8")
    print(f"the members of {len(table)} classes in {target.name}")
