"""Layers called with arrays, and numbers and configurations to call them with."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.tape import variable

quickly = settings(max_examples=80, deadline=None, derandomize=True, database=None)
"""How many configurations a test draws."""


def call(layer: Layer, inputs: list[Array], weights: dict[str, Array], **context: Any) -> Result:
    tracked = {name: variable(w) for name, w in weights.items()}
    return layer.call([variable(x) for x in inputs], tracked, Context(**context))


def drawn(shape: tuple[int, ...], seed: int = 0) -> Array:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def weights_for(layer: Layer, *shapes: tuple[int, ...]) -> dict[str, Array]:
    layer.check_inputs(shapes)
    declared = layer.declare_weights(shapes)
    return {w.name: np.abs(drawn(w.shape, 17 * i + 1)) + 0.5 if "var" in w.name or "std" in w.name
            else drawn(w.shape, 17 * i + 1) for i, w in enumerate(declared)}  # fmt: skip


def described(layer: Layer) -> dict[str, Any]:
    """The layer as it stands inside another's configuration."""
    return {"class_name": type(layer).__name__, "config": layer.get_config()}
