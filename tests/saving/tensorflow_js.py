"""TensorFlow.js in Node, asked to load and save models by `tensorflow_js.mjs`."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.runners.node import find_node
from conformance.runners.provision import ensure_package

PROGRAM = Path(__file__).with_name("tensorflow_js.mjs")

LIMIT_S = 120

Request = Mapping[str, Any]


def ask(*requests: Request) -> Any:
    """What TensorFlow.js answers to each of the requests; one that it refuses, by its `error`."""
    done = subprocess.run(
        [find_node().path, PROGRAM, ensure_package()],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def array(told: Mapping[str, Any]) -> NDArray[Any]:
    """A tensor that was told, as an array; TensorFlow.js has booleans in bytes."""
    values = np.frombuffer(base64.b64decode(told["data"]), told["dtype"])
    return values.reshape(told["shape"])


def values(told: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """Tensors by their names."""
    return {one["name"]: array(one) for one in told}
