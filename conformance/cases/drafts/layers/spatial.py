"""Layers that lengthen or shorten the spatial dimensions: zero padding, cropping, upsampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.layers.pooling import SPACE, drafted
from conformance.cases.drafts.layers.settings import L2

PAIRS = ([1, 2], [0, 1], [2, 0])
"""So much before and after each dimension: never the same."""


def asked(
    layer: str, rank: int, argument: str, values: Sequence[Any], formats: Sequence[str]
) -> Iterator[Case]:
    """What every such layer is asked, with some values of its own argument.

    Args:
        formats: the data formats that it takes, or none.
    """
    space = SPACE[:rank]
    case = partial(drafted, layer)
    yield case({}, *space, training=True, once=True)
    for value in values:
        yield case({argument: value}, *space)
        for data_format in formats:
            yield case({argument: value, "data_format": data_format}, *space)
    uneven = {argument: values[-1]}
    for regime in ("signed_zeros", "subnormals", "one_nan", "one_infinity", "lattice", "wide_exponents"):
        yield case(uneven, *space, regime=regime)
    yield case(uneven, *space, batch=0)
    yield case(uneven, *(4, 3, 5)[:rank], batch=1)
    yield case(uneven | {"trainable": False, "activity_regularizer": L2}, *space)


def formats(rank: int) -> tuple[str, ...]:
    return ("channels_last", "channels_first") if rank > 1 else ()


def zero_padding(rank: int) -> Iterator[Case]:
    layer = f"ZeroPadding{rank}D"
    values = [0, 2, [1, 2]] if rank == 1 else [0, 2, [2, 1, 0][:rank], [list(p) for p in PAIRS[:rank]]]
    yield from asked(layer, rank, "padding", values, ("channels_last", "channels_first"))
    yield drafted(layer, {"padding": 1}, *(1,) * rank)


def cropping(rank: int) -> Iterator[Case]:
    layer = f"Cropping{rank}D"
    values = [0, 1, [1, 2]] if rank == 1 else [0, 1, [2, 1, 0][:rank], [list(p) for p in PAIRS[:rank]]]
    yield from asked(layer, rank, "cropping", values, formats(rank))
    yield drafted(layer, {"cropping": 1}, *(3,) * rank)


def up_sampling(rank: int) -> Iterator[Case]:
    layer = f"UpSampling{rank}D"
    values = [1, 3] if rank == 1 else [1, 3, [2, 3, 1][:rank]]
    yield from asked(layer, rank, "size", values, formats(rank))
    yield drafted(layer, {"size": 2}, *(1,) * rank)


def up_sampling2d() -> Iterator[Case]:
    yield from up_sampling(2)
    case = partial(drafted, "UpSampling2D")
    for interpolation in ("bilinear", "bicubic", "lanczos3", "lanczos5"):
        config = {"interpolation": interpolation}
        for size in (2, [2, 2], [4, 1], [1, 3]):
            yield case(config | {"size": size}, 4, 4)
        for data_format in ("channels_last", "channels_first"):
            yield case(config | {"size": [3, 2], "data_format": data_format}, 5, 6)
        for regime in ("large_mean", "wide_exponents", "one_nan"):
            yield case(config | {"size": [2, 2]}, 5, 5, regime=regime)
        yield case(config | {"size": [2, 2]}, 7, 6, batch=0)
        yield case(config | {"size": [2, 3]}, 1, 1, batch=1)
        yield case(config | {"size": [1, 1]}, 3, 2)
    for size in ([2, 3], [1, 1]):
        yield case({"interpolation": "nearest", "size": size}, 7, 6)
    # 49 is the smallest factor whose reciprocal, 49 times, is below 1 in doubles; 41 in floats.
    for size in ([49, 1], [1, 41]):
        yield case({"size": size}, 2, 3, batch=1)
