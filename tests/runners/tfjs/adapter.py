"""The TensorFlow.js adapter as a child of the tests, and the numbers that they ask it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from conformance.runners import protocol
from conformance.runners.node import find_node
from conformance.runners.protocol import WireError
from tests.runners.adapter import Adapter

F32 = NDArray[np.float32]

ADAPTER = Path(protocol.__file__).parent / "tfjs" / "adapter.mjs"


def started(modules: Path, backend: str, log: Path) -> Adapter:
    return Adapter([find_node().path, ADAPTER, "--modules", modules], backend, log)


def f32(values: ArrayLike) -> F32:
    return np.array(values, np.float32)


def ramp(*shape: int) -> F32:
    """Small, pairwise different values of both signs."""
    size = int(np.prod(shape))
    return (f32(range(size)).reshape(shape) - f32(size // 2)) / f32(8)


DENSE = {"kernel": f32([[1, -1], [2, -2], [3, -3]]), "bias": f32([0.5, 0.25])}
NORMALIZATION = {
    "gamma": f32([2, 3]),
    "beta": f32([1, -1]),
    "moving_mean": f32([0.5, 0.25]),
    "moving_variance": f32([1, 4]),
}


def refused(answer: object, kind: str, at: str) -> bool:
    assert isinstance(answer, WireError), answer
    assert (answer.kind, answer.at) == (kind, at), answer
    return True
