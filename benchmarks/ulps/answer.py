"""Answers for a TensorFlow backend: `python -m benchmarks.ulps.answer BACKEND`.

Like `answer.mjs`, it writes a JSON line with its identity, then for each JSON line of a request
`{"function", "first", "count", "stride", "size"}` a JSON line `{"bytes"}` or `{"error"}` and that many bytes:
the float32 results for the inputs of bits first, first + stride, …, computed `size` at a time.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from benchmarks.ulps.functions import Array
from conformance.runners.keras_adapter.session import start

TENSORS_AT_ONCE = 2**10
"""That are split off and joined in one call."""


def tensorflow_functions() -> dict[str, Callable[[Any], Any]]:
    """The operations that keras.src.backend.tensorflow calls."""
    import tensorflow as tf

    return {
        "exp": tf.exp,
        "expm1": tf.math.expm1,
        "log": tf.math.log,
        "log1p": tf.math.log1p,
        "sqrt": tf.sqrt,
        "rsqrt": tf.math.rsqrt,
        "tanh": tf.nn.tanh,
        "sigmoid": tf.nn.sigmoid,
        "softplus": tf.math.softplus,
        "erf": tf.math.erf,
        "divide": lambda x: tf.divide(3.0, x),
        "elu": tf.nn.elu,
        "selu": tf.nn.selu,
    }


def results(operation: Callable[[Any], Any], bits: Array, size: int) -> Array:
    import tensorflow as tf

    parts = []
    for i in range(0, len(bits), size * TENSORS_AT_ONCE):
        x = bits[i : i + size * TENSORS_AT_ONCE].view(np.float32)
        tensors = tf.split(x, [min(size, len(x) - j) for j in range(0, len(x), size)])
        parts.append(tf.concat([operation(tensor) for tensor in tensors], 0).numpy())
    return np.concatenate(parts)


def main(backend: str, replies: BinaryIO) -> None:
    replies.write(json.dumps(start(backend)).encode() + b"\n")
    replies.flush()
    functions = tensorflow_functions()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        indices = np.arange(asked["count"], dtype=np.uint32) * np.uint32(asked["stride"])
        y = results(functions[asked["function"]], indices + np.uint32(asked["first"]), asked["size"])
        replies.write(json.dumps({"bytes": y.nbytes}).encode() + b"\n")
        replies.write(y.data)
        replies.flush()


if __name__ == "__main__":
    # What libraries print goes to standard error, as in the runners.
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    main(sys.argv[1], own)
