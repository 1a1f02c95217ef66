"""Zero padding, cropping and upsampling against NumPy's own functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context, Layer
from conformance.reference_impl.tape import variable

SPACE = (5, 6, 4)
WIDTHS = ((1, 2), (0, 1), (2, 0))
TIMES = (2, 3, 1)


def changed(layer: Layer, x: Array) -> Array:
    layer.check_inputs([x.shape])
    (output,) = layer.call([variable(x)], {}, Context()).outputs
    assert layer.output_shapes([x.shape]) == (output.shape,)
    value: Array = output.value
    return value


def drawn(rank: int, first: bool) -> Array:
    x: Array = np.random.default_rng(0).standard_normal((2, *SPACE[:rank], 3))
    return np.moveaxis(x, -1, 1) if first else x


def of_space(values: tuple[Any, ...], first: bool, neutral: Any) -> tuple[Any, ...]:
    """For all axes: the values for the spatial ones, the neutral one for batch and channels."""
    return (neutral, neutral, *values) if first else (neutral, *values, neutral)


def arguments(name: str, values: tuple[Any, ...], first: bool) -> dict[str, Any]:
    given = values[0] if len(values) == 1 else values
    return {name: given} | ({"data_format": "channels_first"} if first else {})


RANKS_AND_FORMATS = [(rank, first) for rank in (1, 2, 3) for first in (False, True)]


@pytest.mark.parametrize(("rank", "first"), RANKS_AND_FORMATS)
def test_zero_padding_is_that_of_numpy(rank: int, first: bool) -> None:
    x = drawn(rank, first)
    layer = layers.get(f"ZeroPadding{rank}D")(**arguments("padding", WIDTHS[:rank], first))
    np.testing.assert_array_equal(changed(layer, x), np.pad(x, of_space(WIDTHS[:rank], first, (0, 0))))


@pytest.mark.parametrize(("rank", "first"), [(1, False), *RANKS_AND_FORMATS[2:]])
def test_cropping_undoes_padding(rank: int, first: bool) -> None:
    x = drawn(rank, first)
    around = np.pad(x, of_space(WIDTHS[:rank], first, (0, 0)), constant_values=7)
    layer = layers.get(f"Cropping{rank}D")(**arguments("cropping", WIDTHS[:rank], first))
    np.testing.assert_array_equal(changed(layer, around), x)


@pytest.mark.parametrize(("rank", "first"), [(1, False), *RANKS_AND_FORMATS[2:]])
def test_upsampling_repeats(rank: int, first: bool) -> None:
    x = expected = drawn(rank, first)
    for axis, times in enumerate(of_space(TIMES[:rank], first, 1)):
        expected = np.repeat(expected, times, axis)
    layer = layers.get(f"UpSampling{rank}D")(**arguments("size", TIMES[:rank], first))
    np.testing.assert_array_equal(changed(layer, x), expected)


def test_one_number_is_for_both_ends_of_every_dimension() -> None:
    assert layers.ZeroPadding2D(2).config["padding"] == [[2, 2], [2, 2]]
    assert layers.Cropping3D((1, 0, 2)).config["cropping"] == [[1, 1], [0, 0], [2, 2]]
    assert layers.ZeroPadding1D((1, 0)).config["padding"] == [1, 0]


@pytest.mark.parametrize(
    ("name", "config", "says"),
    [
        ("ZeroPadding1D", {"padding": [1, 2, 3]}, ("`padding`", "two integers", "[1, 2, 3]")),
        ("ZeroPadding2D", {"padding": [1, -1]}, ("`padding`", "none below 0", "[1, -1]")),
        ("Cropping3D", {"cropping": [1, 2]}, ("`cropping`", "3 pairs of integers", "[1, 2]")),
        ("UpSampling1D", {"size": 0}, ("`size`", "positive integer", "0")),
        ("UpSampling2D", {"size": [1, 2, 3]}, ("`size`", "2 integers", "(1, 2, 3)")),
        ("UpSampling2D", {"interpolation": "cubic"}, ("`interpolation`", "'lanczos3'", "'cubic'")),
        ("UpSampling3D", {"size": [1, 2]}, ("`size`", "3 integers", "(1, 2)")),
    ],
)
def test_bad_argument_is_named_with_what_is_allowed(
    name: str, config: dict[str, Any], says: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="argument") as error:
        layers.get(name).from_config(config)
    assert [text for text in says if text not in str(error.value)] == []


def test_cropping_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"leaves nothing of an input of shape \(2, 5, 3, 1\)"):
        layers.Cropping2D(((0, 0), (1, 2))).check_inputs([(2, 5, 3, 1)])
