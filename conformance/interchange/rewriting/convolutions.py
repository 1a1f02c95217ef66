"""Convolutions in groups or with gaps in their windows, by kernels that have the zeros written out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from conformance.interchange.rewriting.rule import (
    LARGEST,
    Derived,
    Piece,
    Replacement,
    Reshaped,
    Rule,
    Site,
    itself,
)
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.saving.saved_model import StoredArray, loaded

RENAMED = {
    "kernel_initializer": "depthwise_initializer",
    "kernel_regularizer": "depthwise_regularizer",
    "kernel_constraint": "depthwise_constraint",
}
"""The arguments that DepthwiseConv2D has by other names than Conv2D."""


def block_diagonal(kernel: StoredArray, groups: int) -> Array:
    """(*size, channels / groups, filters) → (*size, channels, filters), zero between groups."""
    own = loaded(kernel)
    *size, depth, filters = own.shape
    whole = np.zeros((*size, depth * groups, filters), own.dtype)
    for group in range(groups):
        outputs = slice(group * filters // groups, (group + 1) * filters // groups)
        whole[..., group * depth : (group + 1) * depth, outputs] = own[..., outputs]
    return whole


def dilated(kernel: StoredArray, rates: tuple[int, ...]) -> Array:
    """(*size, …) → ((size − 1) · rate + 1, …), zero between the elements."""
    own = loaded(kernel)
    rank = len(rates)
    whole = np.zeros((*_reach(own.shape[:rank], rates), *own.shape[rank:]), own.dtype)
    whole[tuple(slice(None, None, rate) for rate in rates)] = own
    return whole


def _reach(size: tuple[int, ...], rates: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((n - 1) * rate + 1 for n, rate in zip(size, rates, strict=True))


def _with_kernel(piece: Piece, kernel: StoredArray) -> Piece:
    weights: Mapping[str, StoredArray] = {**piece.weights, "kernel": kernel}
    return Piece(piece.class_name, piece.config, weights=weights)


def ungrouped(site: Site) -> Replacement | None:
    """Groups: of one channel each, a depthwise convolution; else a kernel for all channels."""
    layer, kernel = site.layer, site.weights.get("kernel")
    groups = layer.config["groups"]
    if groups == 1 or kernel is None:
        return None
    *size, depth, filters = kernel.shape
    one_stride = len(set(layer.config["strides"])) == 1
    if site.class_name == "Conv2D" and depth == 1 and one_stride:
        config = {RENAMED.get(key, key): value for key, value in itself(site).config.items()}
        for argument in ("filters", "groups", "lora_rank", "lora_alpha"):
            config.pop(argument, None)
        piece = Piece(
            "DepthwiseConv2D", config | {"depth_multiplier": filters // groups}, weights=site.weights
        )
        own = Reshaped(kernel, (*size, groups, filters // groups))
        return Replacement((_with_kernel(piece, own),), "groups", "DepthwiseConv2D with the same kernel")
    shape = (*size, depth * groups, filters)
    if math.prod(shape) > LARGEST:
        return None
    whole = Derived(shape, kernel.dtype, partial(block_diagonal, kernel, groups))
    piece = _with_kernel(itself(site, groups=1), whole)
    return Replacement((piece,), "groups", "a kernel for all channels, zero between groups")


def undilated(site: Site) -> Replacement | None:
    """Dilation: a kernel with the gaps written out as zeros."""
    layer, kernel = site.layer, site.weights.get("kernel")
    rates = layer.config["dilation_rate"]
    if set(rates) == {1} or kernel is None:
        return None
    rank = len(rates)
    size = _reach(kernel.shape[:rank], rates)
    shape = (*size, *kernel.shape[rank:])
    if math.prod(shape) > LARGEST:
        return None
    whole = Derived(shape, kernel.dtype, partial(dilated, kernel, rates))
    piece = itself(site, kernel_size=[*size], dilation_rate=[1] * rank)
    return Replacement(
        (_with_kernel(piece, whole),), "tfjs-dilation-ignored", "a kernel with zeros in the gaps"
    )


RULES = (
    Rule(("layers.Conv1D", "layers.Conv2D", "layers.Conv3D"), ungrouped),
    Rule(("layers.DepthwiseConv2D", "layers.Conv2DTranspose", "layers.Conv3DTranspose"), undilated),
)
