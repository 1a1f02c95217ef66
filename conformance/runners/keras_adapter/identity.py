"""Who answers: versions, settings, platform, arithmetic, and what can be asked, by introspection."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np
import tensorflow as tf

from conformance.runners.keras_adapter.exchange import MODELS, OBSERVABLES
from conformance.runners.keras_adapter.guide import STATEMENTS
from conformance.runners.keras_adapter.messages import Message
from conformance.runners.keras_adapter.metrics import STREAM
from conformance.runners.keras_adapter.models import FORMATS
from conformance.runners.keras_adapter.optimizers import OPTIMIZER
from conformance.runners.keras_adapter.runtime import keras
from conformance.runners.keras_adapter.subjects import ACTIVATIONS, ALIASES, CLASSES
from conformance.runners.keras_adapter.training import TRAINING
from conformance.runners.keras_adapter.values import ASKED as VALUES

ARITHMETIC: dict[str, Any] = {
    "base": "ieee-float32",
    # Flushed or kept, depending on the size of the tensor.
    "subnormals": "either",
    # Measured over all 2³² inputs, rounded up to a tenth; with oneDNN, over a sample, nothing differs:
    # reports/ulps.json.
    "ulps": {
        "expm1": 4.9,
        "log": 3.5,
        "log1p": 4.8,
        "rsqrt": 3.4,
        "sigmoid": 6.6,
        "softplus": 7.4,
        "tanh": 6.2,
    },
    "algorithms": {"batch_normalization": "folded", "elu": "exp-1", "selu": "exp-1"},
}
"""What TensorFlow on CPU promises of floating point; see `reference_impl.arithmetic` for the words."""

DESCRIPTION = ["signature", "methods", "config", "reconstructed/config"]
CALL = ["output/*", "again/*", "training/output/*", "training/state/*", "gradient/*", "training/gradient/*",
        "random", "seeds", "method/*",
        "shape/*", "dtype", "mask/*", "weights",
        "reconstructed/output/*", "refusal*"]  # fmt: skip
FUNCTION = ["output/*", "again/*", "gradient/input/*", "shape/*", "dtype", "refusal", "signature",
            "identifier"]  # fmt: skip
LOSS = ["output/*", "gradient/input/1", "dtype", "config", "reconstructed/*", "signature", "identifier",
        "refusal"]  # fmt: skip
"""Patterns of observables: of any layer class, of one that can be called, of an activation function, of a
loss."""


def identify(name: str, settings: dict[str, str]) -> Message:
    """The answer to `start`, a `protocol.Identity`, under the name that the suite gave.

    Args:
        settings: beside those that TensorFlow and Keras tell.
    """
    return {
        "name": name,
        "language": "python",
        "versions": {
            keras.__name__: keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "settings": {
            "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
            "threads": str(tf.config.threading.get_intra_op_parallelism_threads()),
            "determinism": "ops",
            "device": "cpu",
            "floatx": keras.backend.floatx(),
            "epsilon": str(keras.backend.epsilon()),
            "image_data_format": keras.backend.image_data_format(),
            **settings,
        },
        "platform": {
            "machine": platform.machine(),
            "system": platform.system(),
            "processor_features": _processor_features(),
        },
        "arithmetic": ARITHMETIC,
        "capabilities": _capabilities(),
        "aliases": ALIASES,
        "models": FORMATS,
    }


def _processor_features() -> str:
    try:
        configuration: dict[str, Any] = np.show_config(mode="dicts")  # type: ignore[assignment]  # this mode's
    except TypeError:
        return "unknown: NumPy before 1.25 does not tell"
    extensions = configuration["SIMD Extensions"]
    return " ".join([*extensions.get("baseline", []), *extensions.get("found", [])])


def _capabilities() -> dict[str, list[str]]:
    layers = {
        f"layers.{name}": DESCRIPTION + (CALL if cls.call is not keras.layers.Layer.call else [])
        for name, cls in CLASSES["layers"].items()
    }
    functions = {f"activations.{name}": FUNCTION for name in ACTIVATIONS}
    others = {
        f"{kind}.{name}": patterns
        for kind, patterns in {"losses": LOSS, "metrics": STREAM, "optimizers": OPTIMIZER, **VALUES}.items()
        for name in CLASSES.get(kind, ())
    }
    return layers | functions | others | dict.fromkeys(MODELS, OBSERVABLES) | TRAINING | STATEMENTS
