"""Normalization by given statistics, by those of renormalization, and along axes that are not the last."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.interchange.rewriting.rule import (
    LARGEST,
    Piece,
    Replacement,
    Rule,
    Site,
    itself,
    permuted,
    reshaped,
)
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.saving.saved_model import InMemory, loaded

LEAST_DEVIATION = 1e-7
"""`keras.config.epsilon()`, below which Normalization takes no standard deviation."""


def statistics(site: Site, name: str) -> Array | None:
    """The mean or the variance, in float32, as Keras computes with it."""
    given = site.config.get(name)
    if given is not None:
        return np.asarray(given, np.float32)
    return loaded(site.weights[name]).astype(np.float32) if name in site.weights else None


def normalized(site: Site) -> Replacement | None:
    """(x − mean)/max(√variance, 1e-7) is a BatchNormalization without epsilon. Where the variance is below
    1e-14, its variance is 1, and its gamma 1e7, a float32: what is computed is the same."""
    shape, mean, variance = site.shape, statistics(site, "mean"), statistics(site, "variance")
    if shape is None or mean is None or variance is None or site.config.get("invert"):
        return None
    axes = _axes(site.config.get("axis", -1), len(shape))
    flat = not (axes in ([], [len(shape) - 1]) and 2 <= len(shape) <= 4)
    needed = shape[1:] if flat else shape[-1:]
    if 0 in axes or None in needed:
        return None
    sizes = [n for n in needed if n is not None]
    if math.prod(sizes) > LARGEST:
        return None
    aligned = [1] * len(shape)
    for axis, n in zip(reversed(axes), reversed(mean.shape), strict=False):
        aligned[axis] = n
    of_channels = [
        np.broadcast_to(x.reshape(aligned[-len(sizes) :]), sizes).reshape(-1) for x in (mean, variance)
    ]
    normalization = _by_channel(*of_channels)
    if flat:
        pieces = (reshaped([math.prod(sizes)]), normalization, reshaped(shape[1:]))
        return Replacement(pieces, "class_name", "BatchNormalization of flat samples, without epsilon")
    return Replacement((normalization,), "class_name", "BatchNormalization without epsilon")


def _axes(axis: Any, rank: int) -> list[int]:
    return [] if axis is None else sorted(a % rank for a in ([axis] if isinstance(axis, int) else axis))


def _by_channel(mean: Array, variance: Array) -> Piece:
    constant = np.sqrt(variance.astype(np.float64)) < LEAST_DEVIATION
    weights = {
        "moving_mean": InMemory(np.ascontiguousarray(mean)),
        "moving_variance": InMemory(np.where(constant, np.float32(1), variance)),
    }
    scale = bool(constant.any())
    if scale:
        gamma = np.where(constant, 1 / LEAST_DEVIATION, 1.0).astype(np.float32)
        weights = {"gamma": InMemory(gamma), **weights}
    config = {"axis": -1, "epsilon": 0.0, "center": False, "scale": scale, "trainable": False}
    return Piece("BatchNormalization", config, weights=weights)


def along_last_axis(site: Site) -> Replacement | None:
    """A layer along one inner axis: Permute around it."""
    shape, axis = site.shape, site.layer.config["axis"]
    if shape is None or not 3 <= len(shape) <= 4 or not isinstance(axis, int):
        return None
    axis %= len(shape)
    if axis in (0, len(shape) - 1):
        return None
    there = [*(i for i in range(1, len(shape)) if i != axis), axis]
    back = [there.index(i) + 1 for i in range(1, len(shape))]
    pieces = (permuted(*there), itself(site, axis=-1), permuted(*back))
    return Replacement(pieces, LAST_AXIS_ONLY[site.class_name], "Permute around it, with axis -1")


def without_renormalization(site: Site) -> Replacement | None:
    """Batch renormalization, which is batch normalization but in training."""
    if not site.layer.config["renorm"]:
        return None
    normalization = itself(site, renorm=False)
    for argument in ("renorm_clipping", "renorm_momentum"):
        normalization.config.pop(argument, None)
    own = {name: weight for name, weight in site.weights.items() if name not in OF_RENORMALIZATION}
    pieces = (replace(normalization, weights=own),)
    return Replacement(
        pieces, "tfjs-no-renormalization", "BatchNormalization without renorm, as in inference"
    )


LAST_AXIS_ONLY = {
    "BatchNormalization": "tfjs-batch-normalization-inner-axis",
    "Softmax": "tfjs-softmax-last-axis-only",
}

OF_RENORMALIZATION = ("moving_stddev", "renorm_mean", "renorm_stddev")

RULES = (
    Rule(("layers.Normalization",), normalized),
    Rule(("layers.BatchNormalization",), without_renormalization),
    Rule(tuple(f"layers.{name}" for name in LAST_AXIS_ONLY), along_last_axis),
)
