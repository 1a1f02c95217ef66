"""Convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L1L2, L2, LATTICE, MAX_NORM, NON_NEG


def conv2d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv2D", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 5, 6, 4, training=True, once=True)
    for padding in ("valid", "same"):
        for kernel in (1, 2, 3, [3, 2], [1, 4]):
            yield case({"filters": 4, "kernel_size": kernel, "padding": padding}, 2, 5, 7, 3)
        for strides in (2, 3, [1, 2], [2, 1]):
            yield case({"filters": 4, "kernel_size": 3, "padding": padding, "strides": strides}, 2, 7, 8, 3)
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
    yield case(
        {
            "filters": 4,
            "kernel_size": [2, 3],
            "kernel_initializer": "lecun_uniform",
            "bias_initializer": "ones",
            "kernel_regularizer": L1L2,
            "bias_regularizer": L2,
            "activity_regularizer": L2,
            "kernel_constraint": NON_NEG,
            "bias_constraint": MAX_NORM,
        },
        1, 4, 5, 2,
    )  # fmt: skip
