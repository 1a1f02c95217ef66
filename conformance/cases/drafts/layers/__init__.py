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
    preprocessing,
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
    advanced_activations.relu,
    advanced_activations.leaky_relu,
    advanced_activations.elu,
    advanced_activations.prelu,
    advanced_activations.thresholded_relu,
    normalization.layer_normalization,
    normalization.group_normalization,
    normalization.unit_normalization,
    normalization.rms_normalization,
    preprocessing.rescaling,
    preprocessing.category_encoding,
    preprocessing.center_crop,
    preprocessing.resizing,
)
"""What drafts the cases about a layer, in the order of the corpus."""


def drafts() -> Iterator[Case]:
    for layer in LAYERS:
        yield from layer()
