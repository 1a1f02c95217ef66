"""Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L1L2, L2, LATTICE, MAX_NORM, NON_NEG

KERNEL_AND_BIAS = {
    "kernel_initializer": "lecun_uniform",
    "bias_initializer": "ones",
    "kernel_regularizer": L1L2,
    "bias_regularizer": L2,
    "activity_regularizer": L2,
    "kernel_constraint": NON_NEG,
    "bias_constraint": MAX_NORM,
}
DEPTHWISE_AND_BIAS = {
    "depthwise_initializer": "lecun_uniform",
    "bias_initializer": "ones",
    "depthwise_regularizer": L1L2,
    "bias_regularizer": L2,
    "activity_regularizer": L2,
    "depthwise_constraint": NON_NEG,
    "bias_constraint": MAX_NORM,
}
SEPARABLE_AND_BIAS = DEPTHWISE_AND_BIAS | {
    "pointwise_initializer": "he_normal",
    "pointwise_regularizer": L2,
    "pointwise_constraint": MAX_NORM,
}


def conv2d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv2D", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 5, 6, 4, training=True, once=True)
    for padding in ("valid", "same"):
        for kernel in (1, 2, 3, [3, 2], [1, 4]):
            yield case({"filters": 4, "kernel_size": kernel, "padding": padding}, 2, 5, 7, 3)
        for strides in (2, 3, [1, 2], [2, 1]):
            yield case({"filters": 4, "kernel_size": 3, "padding": padding, "strides": strides}, 2, 7, 8, 3)
        # Elements between the windows.
        for kernel in (1, [1, 2], 2):
            yield case({"filters": 4, "kernel_size": kernel, "padding": padding, "strides": 3}, 1, 6, 9, 3)
        for dilation in (2, [1, 2], [3, 1]):
            config = {"filters": 4, "kernel_size": [3, 2], "padding": padding, "dilation_rate": dilation}
            yield case(config, 2, 9, 8, 3)
        for groups in (2, 3):
            yield case({"filters": 6, "kernel_size": 2, "padding": padding, "groups": groups}, 2, 4, 5, 6)
        # As wide as it has filters: where a bias could be added along the wrong axis.
        wide = {"filters": 4, "kernel_size": 1, "padding": padding, "groups": 2}
        yield case(wide | {"data_format": "channels_first"}, 2, 6, 3, 4)
        first = {"filters": 4, "padding": padding, "data_format": "channels_first"}
        yield case(first | {"kernel_size": [3, 2]}, 2, 3, 6, 5)
        yield case(first | {"kernel_size": 2, "strides": 2}, 2, 3, 6, 5)
    for activation in ("relu", "sigmoid", "tanh", "relu6", "elu", "softmax", "hard_sigmoid"):
        yield case({"filters": 5, "kernel_size": 2, "activation": activation}, 2, 4, 5, 3)
    yield case({"filters": 5, "kernel_size": 3, "activation": "relu", "dilation_rate": 2}, 1, 7, 8, 2)
    yield case({"filters": 5, "kernel_size": 2, "use_bias": False}, 2, 4, 5, 3)
    yield case({"filters": 5, "kernel_size": 2, "trainable": False}, 2, 4, 5, 3)
    for regime in ("lattice", "cancelling", "one_nan", "one_infinity"):
        yield case({"filters": 4, "kernel_size": 3, "padding": "same"}, 1, 4, 5, 3, regime=regime)
    for filters, channels in ((1, 1), (8, 4), (9, 16), (16, 3), (17, 5)):
        yield case(
            {"filters": filters, "kernel_size": 3, "padding": "same"}, 2, 5, 4, channels,
            **LATTICE,
        )  # fmt: skip
    yield case({"filters": 4, "kernel_size": 2}, 0, 4, 5, 3)
    yield case({"filters": 4, "kernel_size": 1}, 2, 3, 2, 3, masks=[recipe("mask", 2, 3, dtype="bool")])
    yield case({"filters": 2, "kernel_size": [2, 1]}, 1, 2, 1, 1)
    for rank, alpha in ((2, None), (2, 8)):
        yield case({"filters": 5, "kernel_size": 2, "lora_rank": rank, "lora_alpha": alpha}, 2, 4, 3, 3)
    yield case({"filters": 4, "kernel_size": [2, 3], **KERNEL_AND_BIAS}, 1, 4, 5, 2)


def conv1d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv1D", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 5, 4, training=True, once=True)
    for padding in ("valid", "same", "causal"):
        for kernel in (1, 3, [4]):
            yield case({"filters": 4, "kernel_size": kernel, "padding": padding}, 2, 6, 3)
        for strides in (2, [3]):
            yield case({"filters": 4, "kernel_size": 4, "padding": padding, "strides": strides}, 2, 9, 3)
        # Elements between the windows.
        yield case({"filters": 4, "kernel_size": 2, "padding": padding, "strides": 3}, 1, 9, 3)
        yield case({"filters": 4, "kernel_size": 3, "padding": padding, "dilation_rate": 2}, 2, 7, 3)
        yield case({"filters": 6, "kernel_size": 2, "padding": padding, "groups": 3}, 2, 5, 6)
        first = {"filters": 4, "kernel_size": 2, "padding": padding, "data_format": "channels_first"}
        yield case(first, 2, 3, 7)
        # As long as it has filters: where a bias could be added along the wrong axis.
        yield case(first | {"groups": 2, "kernel_size": 1}, 2, 6, 4)
    for activation in ("relu", "tanh"):
        yield case({"filters": 5, "kernel_size": 2, "activation": activation}, 2, 4, 3)
    yield case({"filters": 5, "kernel_size": 2, "use_bias": False}, 2, 4, 3)
    yield case({"filters": 5, "kernel_size": 2, "trainable": False}, 2, 4, 3)
    for regime in ("one_nan", "one_infinity"):
        yield case({"filters": 4, "kernel_size": 3, "padding": "same"}, 1, 6, 3, regime=regime)
    yield case({"filters": 8, "kernel_size": 3, "padding": "same"}, 2, 6, 5, **LATTICE)
    yield case({"filters": 4, "kernel_size": 2}, 0, 4, 3)
    yield case({"filters": 2, "kernel_size": 1}, 1, 1, 1)
    for rank, alpha in ((2, None), (2, 8)):
        yield case({"filters": 5, "kernel_size": 2, "lora_rank": rank, "lora_alpha": alpha}, 2, 4, 3)
    yield case({"filters": 4, "kernel_size": 2, **KERNEL_AND_BIAS}, 1, 4, 2)
    yield case({"filters": 4, "kernel_size": 2, "kernel_constraint": NON_NEG}, 1, 4, 2)


def conv3d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv3D", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 3, 4, 5, 2, training=True, once=True)
    for padding in ("valid", "same"):
        for kernel in (1, [3, 1, 2]):
            yield case({"filters": 2, "kernel_size": kernel, "padding": padding}, 2, 4, 3, 5, 3)
        for strides in (2, [1, 2, 3]):
            config = {"filters": 2, "kernel_size": 2, "padding": padding, "strides": strides}
            yield case(config, 1, 5, 4, 6, 3)
        for dilation in (2, [1, 3, 1]):
            config = {"filters": 2, "kernel_size": [1, 2, 2], "padding": padding, "dilation_rate": dilation}
            yield case(config, 1, 3, 5, 4, 3)
        yield case({"filters": 4, "kernel_size": 2, "padding": padding, "groups": 2}, 1, 3, 3, 4, 4)
        first = {"filters": 4, "kernel_size": 2, "padding": padding, "data_format": "channels_first"}
        yield case(first, 1, 3, 4, 3, 3)
        # As wide as it has filters.
        yield case(first | {"kernel_size": 1}, 1, 3, 2, 3, 4)
    for activation in ("relu", "tanh"):
        yield case({"filters": 3, "kernel_size": 2, "activation": activation}, 1, 3, 3, 4, 2)
    yield case({"filters": 3, "kernel_size": 2, "use_bias": False}, 1, 3, 3, 4, 2)
    yield case({"filters": 3, "kernel_size": 2, "trainable": False}, 1, 3, 3, 4, 2)
    for regime in ("one_nan", "one_infinity"):
        yield case({"filters": 2, "kernel_size": 2, "padding": "same"}, 1, 3, 2, 4, 2, regime=regime)
    yield case({"filters": 4, "kernel_size": 2, "padding": "same"}, 1, 3, 4, 3, 3, **LATTICE)
    yield case({"filters": 2, "kernel_size": 2}, 0, 3, 4, 3, 2)
    yield case({"filters": 1, "kernel_size": 1}, 1, 1, 1, 1, 1)
    for rank, alpha in ((2, None), (2, 8)):
        yield case({"filters": 3, "kernel_size": 2, "lora_rank": rank, "lora_alpha": alpha}, 1, 2, 3, 3, 2)
    yield case({"filters": 3, "kernel_size": 2, **KERNEL_AND_BIAS}, 1, 3, 2, 3, 2)


def depthwise_conv1d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.DepthwiseConv1D", config, [recipe(regime, *shape)], **more)

    yield case({"kernel_size": 2}, 2, 5, 3, training=True, once=True)
    for padding in ("valid", "same"):
        for multiplier in (1, 2):
            yield case({"kernel_size": 3, "padding": padding, "depth_multiplier": multiplier}, 2, 6, 3)
        yield case({"kernel_size": [4], "padding": padding, "strides": 3}, 2, 9, 2)
        yield case({"kernel_size": 2, "padding": padding, "dilation_rate": [3]}, 2, 7, 2)
        yield case({"kernel_size": 2, "padding": padding, "strides": 2, "dilation_rate": 2}, 2, 8, 2)
        first = {"kernel_size": 2, "padding": padding, "data_format": "channels_first"}
        yield case(first | {"depth_multiplier": 2}, 2, 3, 4)
        # As long as it has output channels.
        yield case(first | {"kernel_size": 1}, 2, 3, 3)
    yield case({"kernel_size": 2, "activation": "relu"}, 2, 4, 3)
    yield case({"kernel_size": 2, "use_bias": False}, 2, 4, 3)
    yield case({"kernel_size": 2, "trainable": False}, 2, 4, 3)
    for regime in ("one_nan", "one_infinity"):
        yield case({"kernel_size": 2, "padding": "same"}, 1, 5, 3, regime=regime)
    yield case({"kernel_size": 3, "depth_multiplier": 3}, 2, 6, 2, **LATTICE)
    yield case({"kernel_size": 2}, 0, 4, 3)
    yield case({"kernel_size": 1}, 1, 1, 1)
    yield case({"kernel_size": 2, **DEPTHWISE_AND_BIAS}, 1, 4, 2)


def depthwise_conv2d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.DepthwiseConv2D", config, [recipe(regime, *shape)], **more)

    yield case({"kernel_size": 2}, 2, 5, 4, 3, training=True, once=True)
    for padding in ("valid", "same"):
        for kernel, multiplier in ((3, 1), ([1, 2], 2), ([3, 2], 3)):
            config = {"kernel_size": kernel, "padding": padding, "depth_multiplier": multiplier}
            yield case(config, 2, 5, 6, 3)
        for strides in (2, 3, [1, 2]):
            yield case({"kernel_size": [2, 3], "padding": padding, "strides": strides}, 2, 7, 8, 2)
        # Elements between the windows.
        yield case({"kernel_size": 2, "padding": padding, "strides": 3}, 1, 6, 9, 2)
        for dilation in (2, [1, 2]):
            yield case({"kernel_size": [3, 2], "padding": padding, "dilation_rate": dilation}, 1, 7, 6, 2)
        both = {"kernel_size": 2, "strides": [2, 1], "dilation_rate": 2}
        yield case(both | {"padding": padding}, 1, 6, 5, 2)
        first = {"kernel_size": 2, "padding": padding, "data_format": "channels_first"}
        yield case(first | {"depth_multiplier": 2}, 2, 3, 4, 5)
        # As wide as it has output channels.
        yield case(first | {"kernel_size": 1}, 2, 3, 2, 3)
    for activation in ("relu", "relu6", "softmax"):
        yield case({"kernel_size": 2, "activation": activation}, 2, 4, 4, 3)
    yield case({"kernel_size": 2, "use_bias": False}, 2, 4, 4, 3)
    yield case({"kernel_size": 2, "trainable": False}, 2, 4, 4, 3)
    for regime in ("one_nan", "one_infinity"):
        yield case({"kernel_size": 2, "padding": "same"}, 1, 4, 3, 3, regime=regime)
    for channels, multiplier in ((4, 2), (9, 1)):
        yield case(
            {"kernel_size": 3, "padding": "same", "depth_multiplier": multiplier}, 2, 5, 4, channels,
            **LATTICE,
        )  # fmt: skip
    yield case({"kernel_size": 2}, 0, 4, 4, 3)
    yield case({"kernel_size": [2, 1]}, 1, 2, 1, 1)
    yield case({"kernel_size": 2, **DEPTHWISE_AND_BIAS}, 1, 4, 3, 2)
    yield case({"kernel_size": 2, "depthwise_constraint": NON_NEG, "depthwise_regularizer": L2}, 1, 4, 3, 2)


def separable_conv1d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.SeparableConv1D", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 4, "kernel_size": 2}, 2, 5, 3, training=True, once=True)
    for padding in ("valid", "same"):
        config: dict[str, Any] = {"filters": 4, "padding": padding}
        yield case(config | {"kernel_size": 3, "depth_multiplier": 2}, 2, 6, 3)
        yield case(config | {"kernel_size": [4], "strides": 3}, 2, 9, 2)
        yield case(config | {"kernel_size": 2, "dilation_rate": [3]}, 2, 7, 2)
        yield case(config | {"kernel_size": 2, "strides": 2, "dilation_rate": 2}, 2, 8, 2)
        first = config | {"data_format": "channels_first"}
        yield case(first | {"kernel_size": 2, "depth_multiplier": 2}, 2, 3, 6)
        # As long as it has filters.
        yield case(first | {"kernel_size": 1}, 2, 3, 4)
    yield case({"filters": 4, "kernel_size": 2, "activation": "relu"}, 2, 4, 3)
    yield case({"filters": 4, "kernel_size": 2, "use_bias": False}, 2, 4, 3)
    yield case({"filters": 4, "kernel_size": 2, "trainable": False}, 2, 4, 3)
    for regime in ("one_nan", "one_infinity"):
        yield case({"filters": 3, "kernel_size": 2, "padding": "same"}, 1, 5, 3, regime=regime)
    yield case({"filters": 5, "kernel_size": 3, "depth_multiplier": 2}, 2, 6, 2, **LATTICE)
    yield case({"filters": 4, "kernel_size": 2}, 0, 4, 3)
    yield case({"filters": 2, "kernel_size": 1}, 1, 1, 1)
    yield case({"filters": 3, "kernel_size": 2, **SEPARABLE_AND_BIAS}, 1, 4, 2)


def separable_conv2d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.SeparableConv2D", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 4, "kernel_size": 2}, 2, 5, 4, 3, training=True, once=True)
    for padding in ("valid", "same"):
        config: dict[str, Any] = {"filters": 4, "padding": padding}
        for kernel, multiplier in ((3, 1), ([1, 2], 2), ([3, 2], 3)):
            yield case(config | {"kernel_size": kernel, "depth_multiplier": multiplier}, 2, 5, 6, 3)
        for strides in (2, [1, 2]):
            yield case(config | {"kernel_size": [2, 3], "strides": strides}, 2, 7, 8, 2)
        # Elements between the windows.
        yield case(config | {"kernel_size": 2, "strides": 3}, 1, 6, 9, 2)
        for dilation in (2, [1, 2]):
            yield case(config | {"kernel_size": [3, 2], "dilation_rate": dilation}, 1, 7, 6, 2)
        yield case(config | {"kernel_size": 2, "strides": [2, 1], "dilation_rate": 2}, 1, 6, 5, 2)
        first = config | {"data_format": "channels_first"}
        yield case(first | {"kernel_size": 2, "depth_multiplier": 2}, 2, 3, 4, 6)
        # As wide as it has filters.
        yield case(first | {"kernel_size": 1}, 2, 3, 2, 4)
    for activation in ("relu", "relu6", "softmax"):
        yield case({"filters": 4, "kernel_size": 2, "activation": activation}, 2, 4, 4, 3)
    yield case({"filters": 4, "kernel_size": 2, "use_bias": False}, 2, 4, 4, 3)
    yield case({"filters": 4, "kernel_size": 2, "trainable": False}, 2, 4, 4, 3)
    for regime in ("one_nan", "one_infinity"):
        yield case({"filters": 3, "kernel_size": 2, "padding": "same"}, 1, 4, 3, 3, regime=regime)
    config = {"filters": 8, "kernel_size": 3, "padding": "same", "depth_multiplier": 2}
    yield case(config, 2, 5, 4, 3, **LATTICE)
    yield case({"filters": 4, "kernel_size": 2}, 0, 4, 4, 3)
    yield case({"filters": 2, "kernel_size": [2, 1]}, 1, 2, 1, 1)
    yield case({"filters": 3, "kernel_size": 2, **SEPARABLE_AND_BIAS}, 1, 4, 3, 2)
    constrained = {"depthwise_constraint": NON_NEG, "pointwise_constraint": MAX_NORM}
    yield case({"filters": 3, "kernel_size": 2} | constrained, 1, 4, 3, 2)


def conv2d_transpose() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv2DTranspose", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 3, 4, 2, training=True, once=True)
    for padding in ("valid", "same"):
        config: dict[str, Any] = {"filters": 4, "padding": padding}
        for kernel in (1, 3, [2, 4]):
            yield case(config | {"kernel_size": kernel}, 2, 3, 4, 3)
        # A stride longer than the window, as long, and shorter.
        for kernel, strides in ((3, 2), (2, 3), ([2, 3], [2, 1])):
            yield case(config | {"kernel_size": kernel, "strides": strides}, 2, 3, 4, 3)
        yield case(config | {"kernel_size": [3, 2], "dilation_rate": 2}, 1, 3, 4, 2)
        yield case(config | {"kernel_size": 3, "strides": 2, "output_padding": 1}, 1, 3, 4, 2)
        yield case(config | {"kernel_size": [3, 4], "strides": 3, "output_padding": [0, 2]}, 1, 2, 3, 2)
        yield case(config | {"kernel_size": [2, 3], "strides": 2, "output_padding": 0}, 1, 3, 2, 2)
        first = config | {"data_format": "channels_first"}
        yield case(first | {"kernel_size": 2, "strides": 2}, 2, 3, 4, 5)
        # As wide as it has filters.
        yield case(first | {"kernel_size": 1}, 2, 3, 2, 4)
    for activation in ("relu", "tanh", "softmax"):
        yield case({"filters": 4, "kernel_size": 2, "activation": activation}, 2, 3, 3, 3)
    yield case({"filters": 4, "kernel_size": 2, "use_bias": False}, 2, 3, 3, 3)
    yield case({"filters": 4, "kernel_size": 2, "trainable": False}, 2, 3, 3, 3)
    for regime in ("one_nan", "one_infinity"):
        yield case({"filters": 3, "kernel_size": 2, "strides": 2}, 1, 3, 3, 3, regime=regime)
    for filters, channels in ((8, 4), (9, 16)):
        config = {"filters": filters, "kernel_size": 3, "padding": "same", "strides": 2}
        yield case(config, 1, 3, 4, channels, **LATTICE)
    yield case({"filters": 4, "kernel_size": 2}, 0, 3, 4, 3)
    yield case({"filters": 2, "kernel_size": [2, 1]}, 1, 1, 1, 1)
    yield case({"filters": 4, "kernel_size": [2, 3], **KERNEL_AND_BIAS}, 1, 3, 3, 2)


def conv1d_transpose() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv1DTranspose", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 4, 2, training=True, once=True)
    for padding in ("valid", "same"):
        config: dict[str, Any] = {"filters": 4, "padding": padding}
        for kernel, strides in ((3, 1), (4, 2), (2, [3])):
            yield case(config | {"kernel_size": kernel, "strides": strides}, 2, 4, 3)
        yield case(config | {"kernel_size": 3, "dilation_rate": 2}, 2, 4, 3)
        yield case(config | {"kernel_size": 3, "strides": 2, "output_padding": 1}, 2, 4, 3)
        yield case(config | {"kernel_size": 3, "strides": 3, "output_padding": [0]}, 2, 4, 3)
        first = config | {"data_format": "channels_first"}
        yield case(first | {"kernel_size": 2, "strides": 2}, 2, 3, 4)
        # As long as it has filters.
        yield case(first | {"kernel_size": 1}, 2, 3, 4)
    yield case({"filters": 4, "kernel_size": 2, "activation": "relu"}, 2, 4, 3)
    yield case({"filters": 4, "kernel_size": 2, "use_bias": False}, 2, 4, 3)
    yield case({"filters": 4, "kernel_size": 2, "trainable": False}, 2, 4, 3)
    for regime in ("one_nan", "one_infinity"):
        yield case({"filters": 3, "kernel_size": 2, "strides": 2}, 1, 4, 3, regime=regime)
    yield case({"filters": 8, "kernel_size": 3, "padding": "same", "strides": 2}, 2, 4, 5, **LATTICE)
    yield case({"filters": 4, "kernel_size": 2}, 0, 4, 3)
    yield case({"filters": 2, "kernel_size": 2}, 1, 1, 1)
    yield case({"filters": 4, "kernel_size": 2, **KERNEL_AND_BIAS}, 1, 3, 2)


def conv3d_transpose() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv3DTranspose", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 2, 3, 2, 2, training=True, once=True)
    for padding in ("valid", "same"):
        config: dict[str, Any] = {"filters": 2, "padding": padding}
        for kernel, strides in ((1, 1), ([3, 2, 1], 1), (3, 2), (2, [1, 2, 3])):
            yield case(config | {"kernel_size": kernel, "strides": strides}, 1, 2, 3, 2, 3)
        yield case(config | {"kernel_size": [1, 3, 2], "dilation_rate": 2}, 1, 2, 3, 2, 2)
        yield case(config | {"kernel_size": 3, "strides": 2, "output_padding": 1}, 1, 2, 2, 3, 2)
        padded = {"strides": [2, 3, 2], "output_padding": [0, 2, 1]}
        yield case(config | padded | {"kernel_size": 3}, 1, 2, 2, 2, 2)
        first = config | {"data_format": "channels_first"}
        yield case(first | {"kernel_size": 2, "strides": 2}, 1, 3, 2, 2, 3)
        # As wide as it has filters.
        yield case(first | {"kernel_size": 1}, 1, 3, 3, 3, 2)
    for activation in ("relu", "tanh"):
        yield case({"filters": 3, "kernel_size": 2, "activation": activation}, 1, 2, 2, 3, 2)
    yield case({"filters": 3, "kernel_size": 2, "use_bias": False}, 1, 2, 2, 3, 2)
    yield case({"filters": 3, "kernel_size": 2, "trainable": False}, 1, 2, 2, 3, 2)
    for regime in ("one_nan", "one_infinity"):
        yield case({"filters": 2, "kernel_size": 2, "strides": 2}, 1, 2, 3, 2, 2, regime=regime)
    yield case({"filters": 4, "kernel_size": 2, "strides": 2}, 1, 3, 2, 3, 3, **LATTICE)
    yield case({"filters": 2, "kernel_size": 2}, 0, 2, 3, 2, 2)
    yield case({"filters": 1, "kernel_size": 2}, 1, 1, 1, 1, 1)
    yield case({"filters": 3, "kernel_size": 2, **KERNEL_AND_BIAS}, 1, 2, 2, 3, 2)
