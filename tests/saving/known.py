"""What each program that reads a configuration knows by name, asked of the live ones.

`python -m tests.saving.known [PYTHON]` writes it into the table of `saving/configuration/known.py`; PYTHON is
that of an environment with Keras 2.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from conformance.cases.corpus import load
from conformance.reference_impl.saving.configuration.known import TABLE
from conformance.runners.node import find_node
from conformance.runners.provision import ensure_package

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def of_keras(python: str, generation: int) -> dict[str, Any]:
    """What Keras 3 or 2 in the environment of a Python knows."""
    legacy = {"TF_USE_LEGACY_KERAS": "1" if generation == 2 else "0", "PYTHONPATH": str(ROOT)}
    command = [python, "-m", "tests.saving.adapters.known_to_keras"]
    done = subprocess.run(
        command, env=os.environ | legacy, cwd=ROOT, capture_output=True, check=True, text=True
    )
    table: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return table


def of_tensorflow_js() -> dict[str, Any]:
    """What TensorFlow.js knows, of those layers that the specification has."""
    cropping = {"Cropping2D": {"cropping": [[0, 0], [0, 0]]}}
    required = {
        case.subject.removeprefix("layers."): case.config
        for case in load("quick")
        if "signature" in case.observables
    }
    command = [
        str(find_node().path),
        str(HERE / "adapters" / "known_to_tensorflow_js.mjs"),
        str(ensure_package()),
    ]
    done = subprocess.run(
        command, input=json.dumps(required | cropping), capture_output=True, check=True, text=True
    )
    table: dict[str, Any] = json.loads(done.stdout)
    return table


if __name__ == "__main__":
    found = {
        "keras3": of_keras(sys.executable, 3),
        "keras2": of_keras(sys.argv[1] if len(sys.argv) > 1 else sys.executable, 2),
        "tfjs": of_tensorflow_js(),
    }
    lines = [
        f' "{program}": {{\n'
        + ",\n".join(f'  "{kind}": {json.dumps(names, sort_keys=True)}' for kind, names in table.items())
        + "\n }"
        for program, table in found.items()
    ]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
