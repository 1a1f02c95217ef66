"""Convolutions of every kind and rank against their definitions, in either data format."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.convolution import WindowedProduct
from conformance.reference_impl.layers.layer import Layer
from tests.reference_impl.layer_calls import call, drawn, quickly, weights_for

LAYERS = {name: c for name, c in Layer.registered.items() if c.__module__.startswith("conformance.")}


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
steps = st.one_of(
    st.fixed_dictionaries({"strides": pairs}),
    st.fixed_dictionaries({"dilation_rate": st.tuples(st.integers(1, 2), st.integers(1, 2))}),
)
convolutions = st.tuples(
    steps,
    st.fixed_dictionaries(
        {
            "kernel_size": pairs,
            "padding": st.sampled_from(["valid", "same"]),
            "data_format": st.sampled_from(["channels_last", "channels_first"]),
            "groups": st.integers(1, 2),
            "use_bias": st.booleans(),
        }
    ),
).map(lambda parts: parts[0] | parts[1])
sizes = st.integers(5, 6)
"""Of an axis on which every drawn window fits."""


def convolution(config: dict[str, Any], height: int, width: int) -> tuple[layers.Conv2D, tuple[int, ...]]:
    """A convolution with 4 filters, and the shape of an input for it."""
    last = config["data_format"] == "channels_last"
    return layers.Conv2D(4, **config), (2, height, width, 6) if last else (2, 6, height, width)


def padded(x: Array, conv: layers.Conv2D) -> Array:
    if conv.padding == "valid":
        return x
    widths = []
    for n, size, stride, dilation in zip(
        x.shape[1:3], conv.kernel_size, conv.strides, conv.dilation_rate, strict=True
    ):
        outputs = -(-n // stride)
        missing = max((outputs - 1) * stride + (size - 1) * dilation + 1 - n, 0)
        widths.append((missing // 2, missing - missing // 2))
    return np.pad(x, ((0, 0), *widths, (0, 0)))


def convolved_by_loops(conv: layers.Conv2D, x: Array, kernel: Array, bias: Array) -> Array:
    """One output at a time, from the definition."""
    (shape,) = conv.output_shapes([x.shape])
    last = conv.data_format == "channels_last"
    height, width = shape[1:3] if last else shape[2:]
    assert height is not None
    assert width is not None
    x = x if last else np.moveaxis(x, 1, -1)
    x = padded(x, conv)
    depth, per_group = kernel.shape[2], conv.filters // conv.groups
    out = np.zeros((x.shape[0], height, width, conv.filters))
    for b, i, j, f in itertools.product(*map(range, out.shape)):
        group = f // per_group
        for p, q, c in itertools.product(range(kernel.shape[0]), range(kernel.shape[1]), range(depth)):
            row = i * conv.strides[0] + p * conv.dilation_rate[0]
            column = j * conv.strides[1] + q * conv.dilation_rate[1]
            out[b, i, j, f] += x[b, row, column, group * depth + c] * kernel[p, q, c, f]
    out = out + bias
    return out if last else np.moveaxis(out, -1, 1)


@settings(quickly, max_examples=25)
@given(convolutions, sizes, sizes)
def test_conv2d_is_its_definition(config: dict[str, Any], height: int, width: int) -> None:
    conv, shape = convolution(config, height, width)
    weights = weights_for(conv, shape)
    x = drawn(shape)
    (out,) = call(conv, [x], weights).outputs
    assert conv.output_shapes([shape]) == (out.shape,)
    expected = convolved_by_loops(conv, x, weights["kernel"], weights.get("bias", np.zeros(4)))
    np.testing.assert_allclose(out.value, expected, rtol=1e-12, atol=1e-12)


@quickly
@given(convolutions, sizes, sizes)
def test_channels_first_is_channels_last_transposed(config: dict[str, Any], height: int, width: int) -> None:
    last, shape = convolution(config | {"data_format": "channels_last"}, height, width)
    first = layers.Conv2D.from_config(last.get_config() | {"data_format": "channels_first"})
    weights, x = weights_for(last, shape), drawn(shape)
    (expected,) = call(last, [x], weights).outputs
    (out,) = call(first, [np.moveaxis(x, -1, 1)], weights).outputs
    np.testing.assert_array_equal(out.value, np.moveaxis(expected.value, -1, 1))


def test_grouped_convolution_is_convolutions_side_by_side() -> None:
    grouped = layers.Conv2D(6, 2, groups=3, use_bias=False)
    x, weights = drawn((2, 4, 5, 6)), weights_for(grouped, (2, 4, 5, 6))
    alone = layers.Conv2D(2, 2, use_bias=False)
    parts = [
        call(alone, [x[..., 2 * g : 2 * g + 2]], {"kernel": weights["kernel"][..., 2 * g : 2 * g + 2]})
        for g in range(3)
    ]
    expected = np.concatenate([part.outputs[0].value for part in parts], axis=-1)
    np.testing.assert_allclose(call(grouped, [x], weights).outputs[0].value, expected, rtol=1e-13)


def windows_by_loops(layer: WindowedProduct, x: Array) -> Iterator[tuple[tuple[Any, ...], Array]]:
    """The place of each position in the output, and the window there as (batch, *size, channels); the input
    has channels last."""
    """The place of each position in the output, and the window there as (batch, *size, channels)."""
    axes = list(zip(layer.kernel_size, layer.strides, layer.dilation_rate, strict=True))
    reaches = [(size - 1) * dilation + 1 for size, _, dilation in axes]
    widths, counts = [], []
    for n, reach, (_, stride, _) in zip(x.shape[1:-1], reaches, axes, strict=True):
        count = (n - reach) // stride + 1 if layer.padding == "valid" else -(-n // stride)
        missing = max((count - 1) * stride + reach - n, 0)
        before = {"valid": 0, "same": missing // 2, "causal": reach - 1}[layer.padding]
        widths.append((before, reach))  # what lies beyond the last window does no harm
        counts.append(count)
    x = np.pad(x, ((0, 0), *widths, (0, 0)))
    for position in itertools.product(*map(range, counts)):
        places: Any = (
            slice(i * stride, i * stride + reach, dilation)
            for i, reach, (_, stride, dilation) in zip(position, reaches, axes, strict=True)
        )
        yield (slice(None), *position), x[(slice(None), *places)]


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize("steps", [{}, {"strides": 3}, {"dilation_rate": 2}])
def test_conv1d_is_its_definition(padding: str, steps: dict[str, int]) -> None:
    conv = layers.Conv1D(4, 2, padding=padding, **steps)
    x = drawn((2, 7, 3))
    weights = weights_for(conv, x.shape)
    (out,) = call(conv, [x], weights).outputs
    assert conv.output_shapes([x.shape]) == (out.shape,)
    for position, window in windows_by_loops(conv, x):
        expected = np.einsum("bkc,kcf->bf", window, weights["kernel"]) + weights["bias"]
        np.testing.assert_allclose(out.value[position], expected, rtol=1e-12, atol=1e-12)


def test_causal_output_sees_nothing_later() -> None:
    conv = layers.Conv1D(2, 3, padding="causal", dilation_rate=2)
    x, later = drawn((1, 8, 2)), np.arange(8)[:, None] > 4
    weights = weights_for(conv, x.shape)
    whole, cut = (call(conv, [x], weights).outputs[0].value for x in (x, np.where(later, 9.0, x)))
    np.testing.assert_array_equal(whole[:, :5], cut[:, :5])
    assert (whole[:, 5:] != cut[:, 5:]).all()


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("steps", [{}, {"strides": (1, 2, 3)}, {"dilation_rate": (2, 1, 1)}])
def test_conv3d_is_its_definition(padding: str, steps: dict[str, Any]) -> None:
    conv = layers.Conv3D(2, (2, 1, 2), padding=padding, **steps)
    x = drawn((2, 4, 3, 5, 2))
    weights = weights_for(conv, x.shape)
    (out,) = call(conv, [x], weights).outputs
    assert conv.output_shapes([x.shape]) == (out.shape,)
    for position, window in windows_by_loops(conv, x):
        expected = np.einsum("bijkc,ijkcf->bf", window, weights["kernel"]) + weights["bias"]
        np.testing.assert_allclose(out.value[position], expected, rtol=1e-12, atol=1e-12)


DEPTHWISE_STEPS = [{}, {"strides": (2, 1)}, {"dilation_rate": 2}, {"strides": 2, "dilation_rate": (1, 2)}]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("steps", DEPTHWISE_STEPS)
def test_depthwise_convolution_is_its_definition(padding: str, steps: dict[str, Any]) -> None:
    conv = layers.DepthwiseConv2D((2, 3), padding=padding, depth_multiplier=2, **steps)
    x = drawn((2, 5, 7, 3))
    weights = weights_for(conv, x.shape)
    (out,) = call(conv, [x], weights).outputs
    assert conv.output_shapes([x.shape]) == (out.shape,)
    for position, window in windows_by_loops(conv, x):
        # Channel by channel, and for each of them all that it is multiplied to.
        expected = np.einsum("bijc,ijcm->bcm", window, weights["kernel"]).reshape(2, 6) + weights["bias"]
        np.testing.assert_allclose(out.value[position], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("steps", DEPTHWISE_STEPS)
def test_separable_convolution_is_a_depthwise_and_a_pointwise_one(
    padding: str, steps: dict[str, Any]
) -> None:
    geometry = {"kernel_size": (2, 3), "padding": padding, **steps}
    separable = layers.SeparableConv2D(4, depth_multiplier=2, **geometry)
    x = drawn((2, 5, 7, 3))
    weights = weights_for(separable, x.shape)
    depthwise = layers.DepthwiseConv2D(depth_multiplier=2, use_bias=False, **geometry)
    (between,) = call(depthwise, [x], {"kernel": weights["depthwise_kernel"]}).outputs
    pointwise = {"kernel": weights["pointwise_kernel"], "bias": weights["bias"]}
    (expected,) = call(layers.Conv2D(4, 1), [between.value], pointwise).outputs
    (out,) = call(separable, [x], weights).outputs
    np.testing.assert_allclose(out.value, expected.value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("one", ["DepthwiseConv", "SeparableConv"])
def test_one_dimension_is_two_of_which_one_is_of_size_1(one: str) -> None:
    shared = {"padding": "same", "depth_multiplier": 2} | ({"filters": 3} if "Sep" in one else {})
    line = layers.get(f"{one}1D")(kernel_size=3, strides=2, **shared)
    plane = layers.get(f"{one}2D")(kernel_size=(1, 3), strides=(1, 2), **shared)
    x = drawn((2, 6, 2))
    weights = weights_for(line, x.shape)
    flat = {n: w if n == "bias" else w.reshape(1, *w.shape) for n, w in weights.items()}
    (expected,) = call(plane, [x[:, None]], flat).outputs
    np.testing.assert_array_equal(call(line, [x], weights).outputs[0].value, expected.value[:, 0])


TRANSPOSED_STEPS = [
    {}, {"strides": 2}, {"strides": (3, 1)}, {"dilation_rate": 2}, {"strides": 3, "output_padding": (0, 2)},
]  # fmt: skip


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("steps", TRANSPOSED_STEPS)
def test_transposed_convolution_is_the_adjoint_of_the_convolution(
    padding: str, steps: dict[str, Any]
) -> None:
    transposed = layers.Conv2DTranspose(2, (3, 2), padding=padding, use_bias=False, **steps)
    if padding == "same" and steps.get("output_padding"):
        transposed = layers.Conv2DTranspose(2, (3, 3), padding=padding, use_bias=False, **steps)
    x = drawn((2, 3, 4, 5))
    weights = weights_for(transposed, x.shape)
    (out,) = call(transposed, [x], weights).outputs
    assert transposed.output_shapes([x.shape]) == (out.shape,)
    forwards = {k: v for k, v in steps.items() if k != "output_padding"}
    convolution = layers.Conv2D(5, transposed.kernel_size, padding=padding, use_bias=False, **forwards)
    y = drawn(out.shape, 3)
    (back,) = call(convolution, [y], weights).outputs
    assert back.shape == x.shape
    assert float((out.value * y).sum()) == pytest.approx(float((x * back.value).sum()), rel=1e-12)


@pytest.mark.parametrize(("rank", "shape"), [(1, (2, 4, 3)), (3, (2, 2, 3, 2, 3))])
def test_transposed_convolution_of_every_rank_lays_windows_over_the_output(
    rank: int, shape: tuple[int, ...]
) -> None:
    layer = layers.get(f"Conv{rank}DTranspose")(2, 3, strides=2)
    x, weights = drawn(shape), weights_for(layer, shape)
    (out,) = call(layer, [x], weights).outputs
    expected = np.zeros(out.shape) + weights["bias"]
    for position in itertools.product(*map(range, shape[1:-1])):
        place: Any = (slice(None), *position)
        reach: Any = (slice(None), *(slice(2 * i, 2 * i + 3) for i in position))
        expected[reach] += np.tensordot(x[place], weights["kernel"], axes=([1], [rank + 1]))
    np.testing.assert_allclose(out.value, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [n for n, c in LAYERS.items() if issubclass(c, WindowedProduct)])
def test_every_convolution_with_channels_first_is_the_one_with_channels_last(name: str) -> None:
    takes = LAYERS[name].arguments
    config = {"kernel_size": 2, "strides": 2, "padding": "same"} | (
        {"filters": 4} if "filters" in takes else {}
    )
    last, first = (layers.get(name)(**config, data_format=f"channels_{where}") for where in ("last", "first"))
    assert isinstance(last, WindowedProduct)
    x = drawn((2, *range(3, 3 + last.rank), 2))
    weights = weights_for(last, x.shape)
    (expected,) = call(last, [x], weights).outputs
    (out,) = call(first, [np.moveaxis(x, -1, 1)], weights).outputs
    assert first.output_shapes([np.moveaxis(x, -1, 1).shape]) == (out.shape,)
    np.testing.assert_array_equal(out.value, np.moveaxis(expected.value, -1, 1))
