"""Drafts about the layers: each argument at two values or more, on data that aim at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.cases.case import Case
from conformance.cases.drafts.layers import (
    advanced_activations,
    convolution,
    core,
    merging,
    normalization,
    recurrent,
)

LAYERS: tuple[Callable[[], Iterator[Case]], ...] = (
    core.dense,
    convolution.conv2d,
    normalization.batch_normalization,
    recurrent.lstm,
    core.embedding,
    core.flatten,
    advanced_activations.softmax,
    merging.concatenate,
    core.activation,
    merging.add,
    merging.subtract,
    merging.multiply,
    merging.average,
    merging.maximum,
    merging.minimum,
    merging.dot,
    core.reshape,
    core.permute,
    core.repeat_vector,
    core.masking,
    core.dropout,
    core.spatial_dropout1d,
    core.spatial_dropout2d,
    core.spatial_dropout3d,
    core.gaussian_noise,
    core.gaussian_dropout,
    core.alpha_dropout,
    core.activity_regularization,
    core.identity,
)
"""What drafts the cases about a layer, in the order of the corpus."""


def drafts() -> Iterator[Case]:
    for layer in LAYERS:
        yield from layer()
