"""What is computed on every side: layers, the shapes of their inputs, and numbers. Imports only NumPy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]

IMAGES = (32, 56, 56, 64)


@dataclass(frozen=True)
class Workload:
    """A layer, and the shape of what it is called with."""

    name: str
    layer: str
    shape: tuple[int, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    training: bool = False

    def numbers(self, weights: Iterable[tuple[str, tuple[int, ...]]]) -> tuple[Array, list[Array]]:
        """The input, and the weights of these names and shapes, the same on every side."""
        rng, one, eight = np.random.default_rng(4), np.float32(1), np.float32(8)
        x = rng.standard_normal(self.shape, np.float32)
        drawn = [rng.standard_normal(shape, np.float32) for _, shape in weights]
        positive = [name.endswith("variance") for name, _ in weights]
        return x, [np.abs(w) + one if p else w / eight for w, p in zip(drawn, positive, strict=True)]


def cotangent(shape: tuple[int, ...]) -> Array:
    """What the gradients are asked for."""
    return np.random.default_rng(5).standard_normal(shape, np.float32)


def probe(arrays: Iterable[Any]) -> Iterator[float]:
    """A few elements of each array, by which the sides are seen to compute the same."""
    for array in arrays:
        flat = np.asarray(array).ravel()
        yield from map(float, flat[:: max(1, flat.size // 5)][:5])


CONVOLUTION = {"kernel_size": [3, 3], "padding": "same"}

WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("Conv2D", "Conv2D", IMAGES, CONVOLUTION | {"filters": 64}),
        Workload("DepthwiseConv2D", "DepthwiseConv2D", IMAGES, CONVOLUTION),
        Workload("Conv2DTranspose", "Conv2DTranspose", IMAGES, CONVOLUTION | {"filters": 64}),
        Workload(
            "Conv2DTranspose, strides 2",
            "Conv2DTranspose",
            (32, 28, 28, 64),
            CONVOLUTION | {"filters": 64, "strides": [2, 2]},
        ),
        Workload("MaxPooling2D", "MaxPooling2D", IMAGES),
        Workload("BatchNormalization", "BatchNormalization", IMAGES),
        Workload("BatchNormalization, training", "BatchNormalization", IMAGES, training=True),
        Workload("LayerNormalization", "LayerNormalization", (32, 128, 512)),
        Workload("LSTM", "LSTM", (128, 100, 32), {"units": 64}),
        Workload("Dense", "Dense", (256, 1024), {"units": 1024}),
    )
}
