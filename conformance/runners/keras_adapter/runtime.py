"""The Keras that answers, 3 or 2, and the few things that the adapter has to say to each in its own words."""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

import numpy as np
import tensorflow as tf

from conformance.runners.wire import Array

LEGACY = "tf_keras"
"""Keras 2 beside a TensorFlow whose own Keras is 3; the variable that asks for it is TensorFlow's."""

USES_LEGACY = os.environ.get("TF_USE_LEGACY_KERAS") == "1" and importlib.util.find_spec(LEGACY) is not None

keras: Any = importlib.import_module(LEGACY if USES_LEGACY else "keras")

GENERATION = int(keras.__version__.partition(".")[0])


class Keras3:
    """The words of Keras 3."""

    def reset_names(self) -> None:
        """Number layers without a name from the start again."""
        importlib.import_module("keras.src.utils.naming").reset_uids()

    def seed(self, seed: int) -> None:
        """Seed what Keras itself keeps; its operations are stateless, and draw their seeds from Python."""

    def leave_errors_alone(self) -> None:
        """Errors then carry the runtime's own type and message, without the arguments pasted in."""
        keras.config.disable_traceback_filtering()

    def symbol(self, shape: tuple[int | None, ...], dtype: str) -> Any:
        """A tensor without a value."""
        return keras.KerasTensor(shape, dtype)

    def path(self, variable: Any) -> str:
        """The variable's name, behind those of what it belongs to."""
        return str(variable.path)

    def tensor(self, variable: Any) -> Any:
        """What TensorFlow can differentiate by."""
        return variable.value

    def reset_state(self, layer: Any) -> None:
        """Start a stateful layer from zeros."""
        layer.reset_state()


class Keras2(Keras3):
    """The words of Keras 2."""

    def reset_names(self) -> None:
        keras.backend.reset_uids()

    def seed(self, seed: int) -> None:
        tf.random.set_seed(seed)

    def leave_errors_alone(self) -> None:
        tf.debugging.disable_traceback_filtering()

    def symbol(self, shape: tuple[int | None, ...], dtype: str) -> Any:
        return keras.Input(batch_shape=shape, dtype=dtype)

    def path(self, variable: Any) -> str:
        return str(variable.name).removesuffix(":0")

    def tensor(self, variable: Any) -> Any:
        return variable

    def reset_state(self, layer: Any) -> None:
        layer.reset_states()


api = Keras2() if GENERATION == 2 else Keras3()


def dtype_name(dtype: Any) -> str:
    """`float32`, of any of TensorFlow's and Keras's ways to name it."""
    return str(tf.as_dtype(dtype).name)


def to_array(x: Any) -> Array:
    """The array of a tensor; of slices too, densely."""
    return np.array(tf.convert_to_tensor(x))
