"""Initializers, constraints and regularizers of Keras: `weights.py QUESTIONS ARCHIVE` writes an archive.

`initializers/NAME`, `constraints/NAME` and `regularizers/NAME` are what each gives; `signatures`, JSON, has
the arguments of all classes by module; and `refused`, JSON, says of which error a bad description is.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

questions = json.loads(Path(sys.argv[1]).read_text())
MODULES = {name: getattr(keras, name) for name in ("initializers", "constraints", "regularizers")}


def signatures(module: Any) -> dict[str, Any]:
    """By class, the arguments with their defaults; an alias is there once, by the class's own name."""
    classes = {cls.__name__: cls for cls in vars(module).values() if inspect.isclass(cls)}
    return {
        name: {
            argument: parameter.default
            for argument, parameter in inspect.signature(cls).parameters.items()
            if parameter.default is not parameter.empty
        }
        for name, cls in classes.items()
    }


def refusal(module: str, description: Any) -> str:
    try:
        MODULES[module].get(description)
    except Exception as error:
        return type(error).__name__
    return "nothing"


archive: dict[str, Any] = {}
for name, (description, shape) in questions["initializers"].items():
    keras.utils.set_random_seed(1)
    archive[f"initializers/{name}"] = np.asarray(keras.initializers.get(description)(shape, dtype="float32"))
for module in ("constraints", "regularizers"):
    for name, (description, w) in questions[module].items():
        given = keras.ops.convert_to_tensor(np.array(w, np.float32))
        archive[f"{module}/{name}"] = np.asarray(MODULES[module].get(description)(given))
archive["signatures"] = np.array(
    json.dumps({name: signatures(module) for name, module in MODULES.items()}, default=repr)
)
archive["refused"] = np.array(json.dumps([refusal(module, bad) for module, bad in questions["bad"]]))
np.savez(sys.argv[2], **archive)
