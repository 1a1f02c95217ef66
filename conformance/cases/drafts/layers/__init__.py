"""Drafts about the layers: each argument at two values or more, on data that aim at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from conformance.cases.case import Case
from conformance.cases.drafts.layers import (
    advanced_activations,
    convolution,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    spatial,
    wrappers,
)

LAYERS: tuple[Callable[[], Iterator[Case]], ...] = (
    core.dense,
    convolution.conv2d,
    normalization.batch_normalization,
    recurrent.lstm,
    recurrent.simple_rnn,
    recurrent.gru,
    recurrent.simple_rnn_cell,
    recurrent.lstm_cell,
    recurrent.gru_cell,
    wrappers.time_distributed,
    wrappers.rnn,
    wrappers.bidirectional,
    core.embedding,
    core.flatten,
    advanced_activations.softmax,
    merging.concatenate,
    core.activation,
    *(partial(pooling.max_pooling, rank) for rank in (1, 2, 3)),
    *(partial(pooling.average_pooling, rank) for rank in (1, 2, 3)),
    *(partial(pooling.global_max_pooling, rank) for rank in (1, 2, 3)),
    *(partial(pooling.global_average_pooling, rank) for rank in (1, 2, 3)),
    *(partial(spatial.zero_padding, rank) for rank in (1, 2, 3)),
    *(partial(spatial.cropping, rank) for rank in (1, 2, 3)),
    *(partial(spatial.up_sampling, rank) for rank in (1, 3)),
    spatial.up_sampling2d,
    convolution.conv1d,
    convolution.conv3d,
    convolution.depthwise_conv2d,
    convolution.depthwise_conv1d,
    convolution.separable_conv2d,
    convolution.separable_conv1d,
    convolution.conv2d_transpose,
    convolution.conv1d_transpose,
    convolution.conv3d_transpose,
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
    preprocessing.random_width,
)
"""What drafts the cases about a layer, in the order of the corpus."""


def drafts() -> Iterator[Case]:
    for layer in LAYERS:
        yield from layer()
