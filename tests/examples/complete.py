"""The two complete examples: how each is asked, wherever it lies, and what it is certified for."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.certificates.grading import Grade
from conformance.runners.node import find_node

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def hosted(folder: Path, reference: str) -> str:
    """The command that hosts a class from a folder, as an installed one would be."""
    host = [sys.executable, "-m", "conformance.runners.plugin_host", reference]
    return shlex.join(["env", f"PYTHONPATH={folder}:{ROOT}", *host])


@dataclass(frozen=True)
class Example:
    """A backend that is an example.

    Attributes:
        folder: where it lies.
        command: what asks it in another folder, or in that one.
        layers: all that it has.
        subjects: the set that they are of.
        grade: that it is granted for them, in the profile `inference`.
    """

    name: str
    folder: Path
    command: Callable[[Path], str]
    layers: tuple[str, ...]
    subjects: str
    grade: Grade


JAX = Example(
    "jax-layers",
    EXAMPLES / "jax-backend",
    lambda folder: hosted(folder, "jax_layers.backend:JaxLayers"),
    (
        "Activation", "Add", "BatchNormalization", "Concatenate", "Conv2D", "Dense", "Dropout", "Embedding",
        "Flatten", "LSTM", "LayerNormalization", "MaxPooling2D", "Reshape",
    ),
    "core",
    # It declares functions that are looser than the published ones.
    Grade.DIALECT,
)  # fmt: skip

JAVASCRIPT = Example(
    "plain-javascript",
    EXAMPLES / "javascript-backend",
    lambda folder: shlex.join([str(find_node().path), str(folder / "backend.mjs")]),
    ("Cropping1D", "Dense", "Permute", "ReLU", "RepeatVector", "UpSampling1D"),
    # TensorFlow.js has no Cropping1D.
    "keras",
    Grade.SPECIFICATION,
)
