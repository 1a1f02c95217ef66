"""Pooling: by windows, and over all of the space; in one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L2

SPACE = (7, 6, 5)
"""The sizes of the spatial dimensions, all different."""

CHANNELS = 3


def drafted(
    layer: str, config: dict[str, Any], *space: int, regime: str = "normal", batch: int = 2, **more: Any
) -> Case:
    """A case on an input of these spatial dimensions, in the data format of the configuration."""
    first = config.get("data_format") == "channels_first"
    shape = (batch, CHANNELS, *space) if first else (batch, *space, CHANNELS)
    return draft_layer(f"layers.{layer}", config, [recipe(regime, *shape)], **more)


def windows(layer: str, rank: int, required: dict[str, Any]) -> Iterator[Case]:
    """What every pooling by windows is asked."""
    space = SPACE[:rank]
    case = partial(drafted, layer)
    yield case(required, *space, training=True, once=True)
    for padding in ("valid", "same"):
        for size in (1, 3, [3, 1, 2][:rank]):
            yield case({"pool_size": size, "padding": padding}, *space)
        for size, strides in ((3, 1), (2, 3), ([2, 3, 1][:rank], [1, 2, 2][:rank])):
            yield case({"pool_size": size, "strides": strides, "padding": padding}, *space)
        for step in (None, 1):
            config = {"pool_size": [2, 3, 2][:rank], "strides": step, "padding": padding}
            yield case(config | {"data_format": "channels_first"}, *space)
        for regime in ("all_negative", "ties", "one_nan", "one_infinity"):
            yield case({"pool_size": 3, "strides": 2, "padding": padding}, *space, regime=regime)
    overlapping = {"pool_size": 2, "strides": 1}
    for regime in ("lattice", "signed_zeros", "subnormals", "wide_exponents"):
        yield case(overlapping, *space, regime=regime, cotangent="lattice")
    # A window as large as the space, one that is larger, and a space of one place.
    yield case({"pool_size": list(space)}, *space)
    yield case({"pool_size": 4, "strides": 1, "padding": "same"}, *(3, 2, 2)[:rank])
    yield case({"pool_size": 2, "padding": "same"}, *(1,) * rank, batch=1)
    yield case({"pool_size": 2}, *space, batch=0)
    yield case({"pool_size": 2, "trainable": False, "activity_regularizer": L2}, *space)


def max_pooling(rank: int) -> Iterator[Case]:
    layer = f"MaxPooling{rank}D"
    yield from windows(layer, rank, {})
    ones = (1,) * (rank - 1)
    nothing = Literal((1, 4, *ones, 1), ("-inf", "-inf", 1.0, "nan"))
    yield draft_layer(f"layers.{layer}", {"pool_size": [2, *ones]}, [nothing], gradients=False)


def average_pooling(rank: int) -> Iterator[Case]:
    yield from windows(f"AveragePooling{rank}D", rank, {"pool_size": 2})


def everywhere(layer: str, rank: int) -> Iterator[Case]:
    """What every pooling over all of the space is asked."""
    space = SPACE[:rank]
    case = partial(drafted, layer)
    yield case({}, *space, training=True, once=True)
    for data_format in ("channels_last", "channels_first"):
        for keepdims in (False, True):
            yield case({"data_format": data_format, "keepdims": keepdims}, *space)
        yield case({"data_format": data_format}, *(1,) * rank, batch=1)
    for regime in (
        "all_negative", "ties", "lattice", "one_nan", "one_infinity", "signed_zeros", "subnormals",
        "wide_exponents",
    ):  # fmt: skip
        yield case({}, *space, regime=regime)
    yield case({}, *space, batch=0)
    yield case({"keepdims": True}, *(9, 8, 3)[:rank], batch=3)
    yield case({"trainable": False, "activity_regularizer": L2}, *space)


def global_max_pooling(rank: int) -> Iterator[Case]:
    yield from everywhere(f"GlobalMaxPooling{rank}D", rank)


def global_average_pooling(rank: int) -> Iterator[Case]:
    layer = f"GlobalAveragePooling{rank}D"
    yield from everywhere(layer, rank)
    if rank == 1:
        for regime in ("mask", "mask_right_padded", "mask_left_padded", "mask_all_true"):
            mask = recipe(regime, 2, SPACE[0], dtype="bool")
            for data_format in ("channels_last", "channels_first"):
                yield drafted(layer, {"data_format": data_format}, SPACE[0], masks=[mask])
        yield drafted(layer, {"keepdims": True}, SPACE[0], masks=[recipe("mask", 2, SPACE[0], dtype="bool")])
        hidden = Literal((2, 3), (0.0, 0.0, 0.0, 1.0, 1.0, 0.0), "bool")
        yield drafted(layer, {}, 3, masks=[hidden])
