"""Pooling against its definition, one window at a time, and its conventions at ties, edges and NaN."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context, Layer
from conformance.reference_impl.tape import Tensor, variable, vjp

quickly = settings(max_examples=40, deadline=None, derandomize=True, database=None)

SPACE = (5, 4, 3)


def pooled(layer: Layer, x: Array, mask: Array | None = None) -> Array:
    context = Context(masks=() if mask is None else (mask,))
    output: Array = layer.call([variable(x)], {}, context).outputs[0].value
    return output


def gradient(layer: Layer, x: Array, cotangent: Array | None = None) -> Array:
    source = variable(x)
    (output,) = layer.call([source], {}, Context()).outputs
    given = np.ones(output.shape) if cotangent is None else cotangent
    (found,) = vjp([output], [Tensor(given)], [source])
    return found.value


def series(*values: float) -> Array:
    """One sample with one channel."""
    return np.array(values, np.float64).reshape(1, -1, 1)


def window_slices(n: int, size: int, stride: int, padding: str) -> Iterator[slice]:
    """Where along an axis each window lies, cut at the edges."""
    if padding == "valid":
        yield from (slice(start, start + size) for start in range(0, n - size + 1, stride))
        return
    count = -(-n // stride)
    before = max((count - 1) * stride + size - n, 0) // 2
    for k in range(count):
        start = k * stride - before
        yield slice(max(start, 0), min(start + size, n))


def by_definition(x: Array, config: dict[str, Any], reduce: Callable[[Array], float]) -> Array:
    """Channels last."""
    axes = [
        list(window_slices(n, size, stride, config["padding"]))
        for n, size, stride in zip(x.shape[1:-1], config["pool_size"], config["strides"], strict=True)
    ]
    out = np.empty((x.shape[0], *map(len, axes), x.shape[-1]))
    for b, c in itertools.product(range(x.shape[0]), range(x.shape[-1])):
        for place in itertools.product(*(range(len(axis)) for axis in axes)):
            inside: tuple[Any, ...] = (b, *(axis[p] for axis, p in zip(axes, place, strict=True)), c)
            out[(b, *place, c)] = reduce(x[inside])
    return out


def configurations(rank: int) -> st.SearchStrategy[dict[str, Any]]:
    small = st.lists(st.integers(1, 3), min_size=rank, max_size=rank)
    return st.fixed_dictionaries(
        {"pool_size": small, "strides": small, "padding": st.sampled_from(["valid", "same"])}
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("kind", "reduce"), [("Max", np.max), ("Average", np.mean)])
def test_pooling_is_its_definition(kind: str, rank: int, reduce: Callable[[Array], float]) -> None:
    @quickly
    @given(configurations(rank))
    def holds(config: dict[str, Any]) -> None:
        x = np.random.default_rng(1).standard_normal((2, *SPACE[:rank], 2))
        layer = layers.get(f"{kind}Pooling{rank}D").from_config(config)
        expected = by_definition(x, config, reduce)
        assert layer.output_shapes([x.shape]) == (expected.shape,)
        np.testing.assert_allclose(pooled(layer, x), expected, rtol=1e-14, atol=1e-15)
        first = type(layer).from_config(config | {"data_format": "channels_first"})
        found = pooled(first, np.moveaxis(x, -1, 1))
        np.testing.assert_array_equal(found, np.moveaxis(pooled(layer, x), -1, 1))

    holds()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("kind", "reduce"), [("Max", np.max), ("Average", np.mean)])
def test_global_pooling_is_over_all_of_the_space(kind: str, rank: int, reduce: Callable[..., Array]) -> None:
    make = layers.get(f"Global{kind}Pooling{rank}D")
    x = np.random.default_rng(2).standard_normal((2, *SPACE[:rank], 3))
    space = tuple(range(1, rank + 1))
    np.testing.assert_allclose(pooled(make(), x), reduce(x, axis=space), rtol=1e-14, atol=1e-15)
    kept = pooled(make(keepdims=True, data_format="channels_first"), np.moveaxis(x, -1, 1))
    expected = np.moveaxis(reduce(x, axis=space, keepdims=True), -1, 1)
    np.testing.assert_allclose(kept, expected, rtol=1e-14, atol=1e-15)


def test_strides_are_the_size_of_the_window_unless_given() -> None:
    assert layers.MaxPooling2D((2, 3)).config["strides"] == (2, 3)
    assert layers.AveragePooling3D(2, 1).config["strides"] == (1, 1, 1)


def test_first_of_the_largest_gets_the_gradient() -> None:
    layer = layers.MaxPooling1D(3, strides=1)
    found = gradient(layer, series(1, 2, 2, 1, 1, 1, 2), series(1, 2, 3, 4, 5))
    np.testing.assert_array_equal(found, series(0, 3, 3, 4, 0, 0, 5))


def test_what_lies_outside_takes_no_part_in_a_maximum() -> None:
    layer = layers.MaxPooling1D(3, strides=1, padding="same")
    x = series(-1, -2, -np.inf, -np.inf)
    np.testing.assert_array_equal(pooled(layer, x), series(-1, -1, -2, -np.inf))
    np.testing.assert_array_equal(gradient(layer, x, series(1, 2, 3, 4)), series(3, 3, 4, 0))


def test_maximum_passes_over_nan_and_a_mean_does_not() -> None:
    x = series(np.nan, 1, 0, np.nan, np.nan)
    np.testing.assert_array_equal(pooled(layers.MaxPooling1D(2, 1), x), series(1, 1, 0, -np.inf))
    np.testing.assert_array_equal(
        pooled(layers.AveragePooling1D(2, 1), x), series(np.nan, 0.5, np.nan, np.nan)
    )


def test_the_largest_of_all_of_the_space_share_the_gradient() -> None:
    found = gradient(layers.GlobalMaxPooling1D(), series(1, 2, 0, 2))
    np.testing.assert_array_equal(found, series(0, 0.5, 0, 0.5))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_masked_steps_do_not_count(data_format: str) -> None:
    layer = layers.GlobalAveragePooling1D(data_format=data_format)
    x = np.array([[[1.0, 2], [np.nan, np.nan], [4, 8]], [[1, 1], [2, 2], [3, 3]]])
    mask = np.array([[1, 0, 1], [0, 0, 0]], bool)
    given = x if data_format == "channels_last" else np.moveaxis(x, -1, 1)
    with np.errstate(invalid="ignore"):
        found = pooled(layer, given, mask)
    np.testing.assert_array_equal(found, [[2.5, 5], [np.nan, np.nan]])
