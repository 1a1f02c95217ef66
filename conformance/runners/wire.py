"""What both sides of the protocol share in Python, with nothing but the standard library and NumPy: adapters
also run where the suite is not installed."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

PROTOCOL_VERSION = 1

DTYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "int32": "<i4", "int64": "<i8",
          "uint8": "|u1", "int8": "|i1", "bool": "|b1"}  # fmt: skip


NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def name_of(dtype: np.dtype[Any]) -> str:
    """The name of a dtype; to ask NumPy for it takes ten times as long as to look it up."""
    return NAMES.get(dtype) or dtype.name


def pack(x: Array) -> tuple[str, tuple[int, ...], str]:
    """The dtype, shape and base64 data of a tensor in a message.

    >>> pack(np.array([1.0], np.float32))
    ('float32', (1,), 'AACAPw==')
    """
    return name_of(x.dtype), tuple(x.shape), base64.b64encode(little_endian(x).tobytes()).decode()


def little_endian(x: Array) -> Array:
    """The elements in row-major order as messages have them.

    Raises:
        KeyError: no message can hold an array of this dtype.
    """
    return np.ascontiguousarray(x, dtype=DTYPES[name_of(x.dtype)])


def unpack(dtype: str, shape: Sequence[int], data: str) -> Array:
    """The array of a tensor in a message.

    Raises:
        ValueError: an unknown dtype, a negative dimension, or another number of bytes than the shape needs.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} is none of {', '.join(DTYPES)}")
    if any(n < 0 for n in shape):
        raise ValueError(f"shape {list(shape)} has a negative dimension")
    return np.frombuffer(base64.b64decode(data, validate=True), dtype=DTYPES[dtype]).reshape(shape)


def reserve_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for the protocol, and return them as binary streams.

    From then on file descriptor 0 is empty and 1 is standard error, so that nothing that a library
    reads or prints, in C or in a child of its own, can get between two messages.
    """
    sys.stdout.flush()
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies
