"""Labels and predictions for losses and metrics, and the comparison of what is computed from them."""

from __future__ import annotations

import numpy as np

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.tape import Tensor

Rng = np.random.Generator
Shape = tuple[int, ...]


def numbers(rng: Rng, shape: Shape) -> Array:
    return np.asarray(rng.normal(size=shape) * rng.choice([0.5, 1.0, 4.0]))


def counts(rng: Rng, shape: Shape) -> Array:
    return rng.integers(0, 5, shape).astype(float)


def positive(rng: Rng, shape: Shape) -> Array:
    return rng.uniform(0.125, 8, shape)


def probabilities(rng: Rng, shape: Shape) -> Array:
    """Some are 0 or 1, or as near as the edges at which they are clipped."""
    edges = np.array([0.0, 1.0, 1e-8, 1 - 2.0**-24, 1e-7])
    return np.where(rng.random(shape) < 0.2, rng.choice(edges, shape), rng.random(shape))


def logits(rng: Rng, shape: Shape) -> Array:
    return np.asarray(rng.normal(size=shape) * rng.choice([1.0, 8.0]))


def bits(rng: Rng, shape: Shape) -> Array:
    return rng.integers(0, 2, shape).astype(float)


def signs(rng: Rng, shape: Shape) -> Array:
    return 1 - 2 * bits(rng, shape)


def one_hot(rng: Rng, shape: Shape) -> Array:
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def distribution(rng: Rng, shape: Shape) -> Array:
    p = rng.uniform(0.01, 1, shape)
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


def classes(rng: Rng, shape: Shape) -> Array:
    labels = rng.integers(0, shape[-1], shape[:-1])
    return labels[..., None] if rng.random() < 0.3 else labels


def one_class(rng: Rng, shape: Shape) -> Array:
    return np.asarray(rng.integers(0, shape[-1], shape[:-1]))


def embeddings(rng: Rng, shape: Shape) -> Array:
    x = rng.normal(size=shape)
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def padded(rng: Rng, shape: Shape) -> Array:
    """Labels from 1 for so many steps and classes, shorter than the steps and padded with 0."""
    batch, steps, count = shape
    length = max(1, steps // 2)
    labels = rng.integers(1, count, (batch, length))
    return np.where(np.arange(length) < rng.integers(1, length + 1, (batch, 1)), labels, 0)


def refuse_beyond(expected: Tensor, computed: Array, what: str) -> None:
    """Fails where a computed element is further from the expected one than its bound."""
    assert computed.shape == expected.shape, what
    bound = np.zeros(expected.shape) if expected.error is None else expected.error
    same = (computed == expected.value) | (np.isnan(computed) & np.isnan(expected.value))
    with np.errstate(invalid="ignore"):
        within = same | (np.abs(computed.astype(np.float64) - expected.value) <= bound)
    assert within.all(), f"{what}: {computed[~within]} for {expected.value[~within]} ± {bound[~within]}"
