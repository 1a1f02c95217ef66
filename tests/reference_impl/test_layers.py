"""The layers: shapes, gradients by differences, independent implementations, configurations, errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases import corpus
from conformance.cases.answer import Refusal, Structure, Value, make
from conformance.cases.case import Case
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.convolution import WindowedProduct
from conformance.reference_impl.layers.layer import Context, Layer
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp
from tests.answers import answer
from tests.reference_impl.layer_calls import call, described, drawn, weights_for

QUICK = [
    case for case in corpus.load("quick") if case.subject.startswith("layers.") and not case.to_be_refused
]
LAYERS = {name: c for name, c in Layer.registered.items() if c.__module__.startswith("conformance.")}

quickly = settings(max_examples=80, deadline=None, derandomize=True, database=None)


def layer_of(case: Case) -> Layer:
    return layers.get(case.subject.partition(".")[2]).from_config(case.config)


# Every case of the corpus


def asking(*observables: str) -> list[Case]:
    """The cases that ask all of these."""
    return [case for case in QUICK if set(observables) <= set(case.observables)]


def test_inferred_shape_is_the_shape_of_the_output() -> None:
    for case in asking("shape/concrete", "output/0"):
        found = answer(case, make(case), None)
        inferred = found["shape/concrete"]
        assert isinstance(inferred, Structure), case
        outputs = [found[f"output/{i}"] for i in range(len(inferred.value))]
        assert [list(o.tensor.shape) for o in outputs if isinstance(o, Value)] == inferred.value, case


def test_unknown_dimensions_are_unknown_or_right() -> None:
    for case in asking("shape/concrete"):
        found = answer(case, make(case), None)
        concrete = found["shape/concrete"]
        assert isinstance(concrete, Structure)
        for name in {"shape/unknown_batch", "shape/unknown"}.intersection(case.observables):
            partial = found[name]
            assert isinstance(partial, Structure), case
            for known, full in zip(partial.value, concrete.value, strict=True):
                assert all(a in (None, b) for a, b in zip(known, full, strict=True)), case


def test_no_float64_leaks_into_float32() -> None:
    for case in QUICK:
        for name, expected in answer(case, make(case), None).items():
            assert not isinstance(expected, Refusal), (case, expected)
            if isinstance(expected, Value):
                assert expected.tensor.dtype != np.float64, (case, name)


def test_configuration_makes_the_same_layer() -> None:
    for case in QUICK:
        layer = layer_of(case)
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config(), case
        unsaid = {n for n in layer.config if n not in layer.get_config()}
        assert {n: v for n, v in again.config.items() if n not in unsaid} == {
            n: v for n, v in layer.config.items() if n not in unsaid
        }, case


def test_same_case_gives_the_same_bits() -> None:
    for case in QUICK[::7]:
        first, second = (answer(case, make(case), None) for _ in range(2))
        for name, expected in first.items():
            if isinstance(expected, Value):
                other = second[name]
                assert isinstance(other, Value)
                assert expected.tensor.value.tobytes() == other.tensor.value.tobytes(), (case, name)


# Drawn configurations


@quickly
@given(st.data())
def test_dense_shape(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)))
    dense = layers.Dense(data.draw(st.integers(1, 6)), use_bias=data.draw(st.booleans()))
    result = call(dense, [drawn(shape)], weights_for(dense, shape))
    assert dense.output_shapes([shape]) == (result.outputs[0].shape,)
    assert dense.output_shapes([(None, *shape[1:])]) == ((None, *result.outputs[0].shape[1:]),)


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


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_batch_normalization_makes_zero_mean_and_unit_variance(axis: int) -> None:
    layer = layers.BatchNormalization(axis=axis, epsilon=0.0625, momentum=0.75)
    x = 3 * drawn((4, 5, 3, 6)) + 2
    weights = weights_for(layer, x.shape)
    result = call(layer, [x], weights, training=True)
    rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    average, variance = rows.mean(0), rows.var(0)
    normalised = np.moveaxis(result.outputs[0].value, axis, -1).reshape(rows.shape)
    expected = (rows - average) / np.sqrt(variance + 0.0625) * weights["gamma"] + weights["beta"]
    np.testing.assert_allclose(normalised, expected, rtol=1e-10, atol=1e-12)
    for name, batch in (("moving_mean", average), ("moving_variance", variance)):
        np.testing.assert_allclose(result.state[name].value, 0.75 * weights[name] + 0.25 * batch, rtol=1e-12)


def test_batch_normalization_leaves_out_masked_elements() -> None:
    layer = layers.BatchNormalization()
    x, mask = drawn((3, 4, 2)), np.array([[1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 1, 1]], bool)
    result = call(layer, [x], weights_for(layer, x.shape), training=True, masks=(mask,))
    kept = np.where(mask[..., None], x, 1e6)
    again = call(layer, [kept], weights_for(layer, x.shape), training=True, masks=(mask,))
    for name in result.state:
        np.testing.assert_array_equal(result.state[name].value, again.state[name].value)
    moved = result.state["moving_mean"].value
    expected = 0.99 * weights_for(layer, x.shape)["moving_mean"] + 0.01 * x[mask].mean(0)
    np.testing.assert_allclose(moved, expected, rtol=1e-6)


@pytest.mark.parametrize("trainable", [False, True])
def test_batch_normalization_uses_moving_averages_unless_it_trains(trainable: bool) -> None:
    layer = layers.BatchNormalization(trainable=trainable)
    x = drawn((5, 3))
    weights = weights_for(layer, x.shape)
    training, inference = (call(layer, [x], weights, training=mode) for mode in (True, False))
    same = np.array_equal(training.outputs[0].value, inference.outputs[0].value)
    assert same is not trainable
    assert bool(training.state) is trainable
    assert not inference.state


@pytest.mark.parametrize(
    ("axes", "shapes", "subscripts"),
    [
        (1, ((2, 5), (2, 5)), "bi,bi->b"),
        (-1, ((2, 5), (2, 4, 5)), "bi,bni->bn"),
        ((1, 2), ((2, 3, 5), (2, 4, 3)), "bim,bni->bmn"),
        ((2, 1), ((2, 3, 5), (2, 5)), "bmi,bi->bm"),
        ((2, -1), ((2, 3, 4, 5), (2, 6, 7, 4)), "bmio,bnpi->bmonp"),
        ((-1, 1), ((2, 3), (2, 3, 4, 5)), "bi,binp->bnp"),
    ],
)
def test_dot_is_its_definition(axes: Any, shapes: tuple[tuple[int, ...], ...], subscripts: str) -> None:
    layer = layers.Dot(axes)
    x, y = (drawn(shape, seed) for seed, shape in enumerate(shapes))
    (out,) = call(layer, [x, y], {}).outputs
    assert layer.output_shapes(shapes) == (out.shape,)
    expected = np.einsum(subscripts, x, y).reshape(out.shape)
    np.testing.assert_allclose(out.value, expected, rtol=1e-12, atol=1e-13)


def test_dot_of_normalized_samples_is_the_cosine() -> None:
    x, y = drawn((3, 4)), drawn((3, 4), 1)
    (out,) = call(layers.Dot(1, normalize=True), [x, y], {}).outputs
    cosine = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(out.value[:, 0], cosine, rtol=1e-12)


MERGED_BY_LOOPS: dict[str, Any] = {
    "Add": sum, "Average": np.mean, "Maximum": max, "Minimum": min, "Multiply": np.prod,
}  # fmt: skip


@pytest.mark.parametrize("name", MERGED_BY_LOOPS)
def test_merging_aligns_inputs_by_their_last_dimensions(name: str) -> None:
    inputs = [drawn((2, 3, 4)), drawn((2, 4), 1), drawn((2, 3, 1), 2)]
    layer = layers.get(name)()
    (out,) = call(layer, inputs, {}).outputs
    assert layer.output_shapes([x.shape for x in inputs]) == ((2, 3, 4),)
    x, y, z = inputs
    for b, i, j in itertools.product(range(2), range(3), range(4)):
        together = MERGED_BY_LOOPS[name]([x[b, i, j], y[b, j], z[b, i, 0]])
        assert out.value[b, i, j] == pytest.approx(together, rel=1e-12)


def test_masked_elements_give_way() -> None:
    x, y = np.array([[[1.0], [5.0], [5.0], [2.0]]]), np.array([[[3.0], [4.0], [9.0], [8.0]]])
    masks = (np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 0]], bool))
    merged = {
        name: call(layers.get(name)(), [x, y], {}, masks=masks).outputs[0].value.ravel().tolist()
        for name in ("Multiply", "Maximum", "Minimum", "Add")
    }
    # Where both are masked, Multiply gives 0, and the others what the first holds.
    assert merged == {
        "Multiply": [1.0, 20.0, 9.0, 0.0],
        "Maximum": [1.0, 5.0, 9.0, 2.0],
        "Minimum": [1.0, 4.0, 9.0, 2.0],
        "Add": [4.0, 9.0, 14.0, 10.0],
    }


NOISY: dict[str, tuple[Layer, float]] = {
    "dropout": (layers.Dropout(0.25), (0.25 / 0.75) ** 0.5),
    "spatial_dropout": (layers.SpatialDropout2D(0.25, data_format="channels_first"), (0.25 / 0.75) ** 0.5),
    "gaussian_dropout": (layers.GaussianDropout(0.25), (0.25 / 0.75) ** 0.5),
    "gaussian_noise": (layers.GaussianNoise(0.5), 0.5),
}
"""Layers that are random in training, and the standard deviation of what they make of ones."""


@pytest.mark.parametrize("name", NOISY)
def test_noise_has_its_mean_and_deviation_and_follows_the_key(name: str) -> None:
    layer, deviation = NOISY[name]
    x = np.ones((60, 100, 2, 2))
    first, again, other = (
        call(layer, [x], {}, training=True, rng_key=key).outputs[0].value for key in (1, 1, 2)
    )
    # Six standard errors of the 6000 numbers that are drawn at least; of the deviation's, far more than six.
    assert first.mean() == pytest.approx(1, abs=6 * deviation / 6000**0.5)
    assert first.std() == pytest.approx(deviation, rel=0.1)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(call(layer, [x], {}).outputs[0].value, x)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = drawn((200, 200))
    out = call(layers.AlphaDropout(0.25), [x], {}, training=True).outputs[0].value
    assert out.mean() == pytest.approx(0, abs=0.03)
    assert out.std() == pytest.approx(1, abs=0.03)


def test_dropout_drops_together_along_the_noise_shape() -> None:
    x = np.ones((50, 3, 4))
    rows = call(layers.Dropout(0.5, (None, 1, None)), [x], {}, training=True).outputs[0].value
    channels = call(layers.SpatialDropout1D(0.5), [x], {}, training=True).outputs[0].value
    for out in (rows, channels):
        assert set(out.ravel()) == {0.0, 2.0}
        assert (out == out[:, :1]).all()


def test_time_distributed_dropout_drops_anew_at_every_time() -> None:
    layer = layers.TimeDistributed({"class_name": "Dropout", "config": {"rate": 0.5}})
    out = call(layer, [np.ones((50, 3, 4))], {}, training=True).outputs[0].value
    assert set(out.ravel()) == {0.0, 2.0}
    for t in range(2):
        assert 0.25 < (out[:, t] == out[:, t + 1]).mean() < 0.75


@pytest.mark.parametrize("axis", [-1, 1, [1, 2], [-1, -3]])
def test_layer_normalization_makes_zero_mean_and_unit_variance(axis: int | list[int]) -> None:
    layer = layers.LayerNormalization(axis, epsilon=0.0, center=False, scale=False)
    (out,) = call(layer, [drawn((3, 4, 5)) * 7 + 100], {}).outputs
    along = (axis,) if isinstance(axis, int) else tuple(axis)
    np.testing.assert_allclose(out.value.mean(axis=along), 0, atol=1e-12)
    np.testing.assert_allclose(out.value.var(axis=along), 1, rtol=1e-12)


def test_layer_normalization_scales_and_shifts_each_element_of_its_axes() -> None:
    layer, x = layers.LayerNormalization(axis=[1, 2]), drawn((2, 3, 4))
    weights = weights_for(layer, x.shape)
    plain = call(layers.LayerNormalization(axis=[1, 2], center=False, scale=False), [x], {}).outputs[0]
    (out,) = call(layer, [x], weights).outputs
    np.testing.assert_allclose(out.value, plain.value * weights["gamma"] + weights["beta"], atol=1e-12)


@pytest.mark.parametrize("axis", [1, -1])
def test_group_normalization_normalizes_each_group_alone(axis: int) -> None:
    layer = layers.GroupNormalization(2, axis=axis, epsilon=0.0, center=False, scale=False)
    x = drawn((3, 4, 5, 4))
    (out,) = call(layer, [x], {}).outputs
    groups = np.moveaxis(out.value, axis, 1).reshape(3, 2, -1)
    np.testing.assert_allclose(groups.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(groups.var(axis=-1), 1, rtol=1e-12)


def test_group_normalization_of_every_channel_has_as_many_groups() -> None:
    x = drawn((2, 3, 6))
    one_each, as_many = layers.GroupNormalization(-1), layers.GroupNormalization(6)
    weights = weights_for(as_many, x.shape)
    expected = call(as_many, [x], weights).outputs[0].value
    np.testing.assert_array_equal(call(one_each, [x], weights).outputs[0].value, expected)


def test_unit_normalization_leaves_zeros_as_they_are() -> None:
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    with error_bounds(None):
        (out,) = call(layers.UnitNormalization(), [x], {}).outputs
    np.testing.assert_allclose(out.value, [[0.0, 0.0], [0.6, 0.8]], rtol=1e-15)


@pytest.mark.parametrize(("old", "new"), [(4, 8), (8, 4), (5, 3), (3, 7), (1, 4), (4, 1)])
def test_bilinear_resizing_is_interpolation_between_centres(old: int, new: int) -> None:
    x = drawn((old,))
    (out,) = call(layers.Resizing(new, 1), [x.reshape(old, 1, 1)], {}).outputs
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    np.testing.assert_allclose(out.value.ravel(), np.interp(centres, np.arange(old), x), atol=1e-12)


@pytest.mark.parametrize(("old", "new"), [(4, 8), (8, 4), (5, 3), (1, 4), (4, 1)])
def test_nearest_resizing_takes_the_pixel_that_holds_the_centre(old: int, new: int) -> None:
    x = drawn((old,))
    layer = layers.Resizing(1, new, interpolation="nearest")
    (out,) = call(layer, [x.reshape(1, old, 1)], {}).outputs
    holding = [int((i + 0.5) * old / new) for i in range(new)]
    np.testing.assert_array_equal(out.value.ravel(), x[holding])


def test_antialiased_resizing_to_a_larger_size_is_bilinear() -> None:
    x = drawn((2, 3, 4, 2))
    plain, smooth = (call(layers.Resizing(6, 5, antialias=a), [x], {}).outputs[0] for a in (False, True))
    np.testing.assert_allclose(smooth.value, plain.value, atol=1e-12)


def test_image_in_proportion_is_cut_or_padded_in_the_middle() -> None:
    x = drawn((8, 4, 1))
    (cut,) = call(layers.Resizing(4, 4, crop_to_aspect_ratio=True), [x], {}).outputs
    np.testing.assert_allclose(cut.value, x[2:6], atol=1e-15)
    padding = layers.Resizing(8, 8, pad_to_aspect_ratio=True, fill_value=0.25)
    (padded,) = call(padding, [x], {}).outputs
    expected = np.pad(x, ((0, 0), (2, 2), (0, 0)), constant_values=0.25)
    np.testing.assert_allclose(padded.value, expected, atol=1e-15)


def test_slope_of_prelu_is_shared_along_axes() -> None:
    layer, x = layers.PReLU(shared_axes=[1]), drawn((2, 3, 4))
    weights = weights_for(layer, x.shape)
    (out,) = call(layer, [x], weights).outputs
    np.testing.assert_array_equal(out.value, np.where(x > 0, x, x * weights["alpha"]))


# Gradients

DIFFERENTIABLE: dict[str, tuple[Layer, tuple[tuple[int, ...], ...], dict[str, Any]]] = {
    "dense": (layers.Dense(3, activation="tanh"), ((2, 4),), {}),
    "dense_low_rank": (layers.Dense(3, lora_rank=2, lora_alpha=3), ((2, 4),), {}),
    "conv2d": (layers.Conv2D(4, (3, 2), padding="same", strides=(1, 2), groups=2), ((2, 4, 5, 2),), {}),
    "conv2d_dilated": (
        layers.Conv2D(2, 2, dilation_rate=(2, 1), data_format="channels_first"),
        ((2, 3, 5, 4),),
        {},
    ),
    "conv1d_causal": (layers.Conv1D(2, 3, padding="causal", strides=2), ((2, 5, 2),), {}),
    "conv3d": (layers.Conv3D(2, (2, 1, 2), padding="same", groups=2), ((1, 3, 2, 3, 2),), {}),
    "depthwise_conv2d": (
        layers.DepthwiseConv2D(2, strides=2, dilation_rate=2, depth_multiplier=2),
        ((2, 5, 4, 2),),
        {},
    ),
    "separable_conv1d": (layers.SeparableConv1D(3, 2, padding="same"), ((2, 4, 2),), {}),
    "conv2d_transpose": (
        layers.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=0),
        ((2, 2, 3, 2),),
        {},
    ),
    "conv1d_transpose": (layers.Conv1DTranspose(2, 2, strides=3), ((2, 3, 2),), {}),
    "batch_normalization": (layers.BatchNormalization(), ((5, 3),), {"training": True}),
    "batch_normalization_inference": (layers.BatchNormalization(axis=1), ((2, 3, 4),), {}),
    "batch_normalization_masked": (
        layers.BatchNormalization(),
        ((2, 4, 3),),
        {"training": True, "masks": (np.array([[1, 1, 0, 1], [1, 0, 1, 1]], bool),)},
    ),
    "lstm": (layers.LSTM(3, return_sequences=True, return_state=True), ((2, 4, 2),), {}),
    "lstm_masked": (
        layers.LSTM(3, go_backwards=True),
        ((2, 3, 2),),
        {"masks": (np.array([[1, 0, 1], [1, 1, 0]], bool),)},
    ),
    "simple_rnn": (layers.SimpleRNN(3, return_sequences=True), ((2, 4, 2),), {}),
    "gru": (layers.GRU(3, return_sequences=True, return_state=True), ((2, 4, 2),), {}),
    "gru_reset_before": (layers.GRU(3, reset_after=False, go_backwards=True), ((2, 3, 2),), {}),
    "conv_lstm2d": (
        layers.ConvLSTM2D(2, (2, 1), strides=(1, 2), padding="same", return_sequences=True),
        ((2, 2, 3, 4, 2),),
        {},
    ),
    "conv_lstm2d_dilated": (
        layers.ConvLSTM2D(2, 2, dilation_rate=2, data_format="channels_first", go_backwards=True),
        ((2, 2, 2, 4, 3),),
        {"masks": (np.array([[1, 0], [1, 1]], bool),)},
    ),
    "stacked_rnn_cells": (
        layers.RNN(
            [described(layers.LSTMCell(3)), described(layers.GRUCell(2))],
            return_sequences=True,
            return_state=True,
        ),
        ((2, 3, 4),),
        {},
    ),
    "time_distributed": (layers.TimeDistributed(described(layers.Dense(3))), ((2, 3, 4),), {}),
    "bidirectional": (
        layers.Bidirectional(described(layers.GRU(2, return_sequences=True))),
        ((2, 3, 2),),
        {"masks": (np.array([[1, 0, 1], [1, 1, 0]], bool),)},
    ),
    "flatten": (layers.Flatten(data_format="channels_first"), ((2, 3, 4),), {}),
    "max_pooling": (layers.MaxPooling2D((2, 3), strides=1, padding="same"), ((2, 4, 5, 3),), {}),
    "average_pooling": (
        layers.AveragePooling3D(2, padding="same", data_format="channels_first"),
        ((2, 2, 3, 4, 3),),
        {},
    ),
    "global_max_pooling": (layers.GlobalMaxPooling2D(keepdims=True), ((2, 3, 4, 2),), {}),
    "global_average_pooling": (
        layers.GlobalAveragePooling3D(data_format="channels_first"),
        ((2, 2, 3, 2, 3),),
        {},
    ),
    "global_average_pooling_masked": (
        layers.GlobalAveragePooling1D(),
        ((2, 3, 2),),
        {"masks": (np.array([[1, 0, 1], [1, 1, 0]], bool),)},
    ),
    "zero_padding": (layers.ZeroPadding2D(((1, 0), (2, 1))), ((2, 2, 3, 2),), {}),
    "cropping": (layers.Cropping2D(1, data_format="channels_first"), ((2, 2, 3, 4),), {}),
    "up_sampling": (layers.UpSampling3D((1, 2, 3)), ((2, 2, 2, 2, 2),), {}),
    "softmax": (layers.Softmax(axis=[1, 2]), ((2, 3, 4),), {}),
    "softmax_masked": (layers.Softmax(), ((2, 3),), {"masks": (np.array([[1, 0, 1], [1, 1, 1]], bool),)}),
    "concatenate": (layers.Concatenate(axis=1), ((2, 3), (2, 1), (2, 4)), {}),
    "activation": (layers.Activation("gelu"), ((2, 5),), {}),
    "add": (layers.Add(), ((2, 3, 4), (2, 4), (2, 3, 1)), {}),
    "subtract": (layers.Subtract(), ((2, 1, 4), (2, 3, 1)), {}),
    "multiply": (layers.Multiply(), ((2, 3, 4), (2, 4), (2, 3, 1)), {}),
    "multiply_masked": (
        layers.Multiply(),
        ((2, 3, 2), (2, 3, 2)),
        {"masks": (np.array([[1, 0, 1], [0, 1, 0]], bool), np.array([[1, 1, 0], [0, 0, 1]], bool))},
    ),
    "average": (layers.Average(), ((2, 3), (2, 1), (2, 3)), {}),
    "maximum": (layers.Maximum(), ((2, 3, 4), (2, 4), (2, 3, 1)), {}),
    "minimum": (layers.Minimum(), ((2, 1, 4), (2, 3, 1)), {}),
    "dot": (layers.Dot((2, 3)), ((2, 3, 4, 5), (2, 3, 2, 4)), {}),
    "dot_normalized": (layers.Dot(-1, normalize=True), ((3, 4), (3, 2, 4)), {}),
    "reshape": (layers.Reshape((4, -1)), ((2, 3, 4),), {}),
    "permute": (layers.Permute((3, 1, 2)), ((2, 3, 4, 5),), {}),
    "repeat_vector": (layers.RepeatVector(3), ((2, 4),), {}),
    "masking": (layers.Masking(), ((2, 3, 4),), {}),
    "dropout": (layers.Dropout(0.5), ((3, 4),), {"training": True}),
    "alpha_dropout": (layers.AlphaDropout(0.5, noise_shape=(None, 1)), ((3, 4),), {"training": True}),
    "gaussian_noise": (layers.GaussianNoise(0.5), ((3, 4),), {"training": True}),
    "gaussian_dropout": (layers.GaussianDropout(0.5), ((3, 4),), {"training": True}),
    "elu": (layers.ELU(0.5), ((2, 5),), {}),
    "layer_normalization": (layers.LayerNormalization(axis=[1, 3]), ((2, 3, 4, 5),), {}),
    "layer_normalization_rms": (layers.LayerNormalization(rms_scaling=True), ((3, 5),), {}),
    "group_normalization": (layers.GroupNormalization(2, axis=1), ((2, 4, 3),), {}),
    "unit_normalization": (layers.UnitNormalization(axis=[1, 2]), ((2, 3, 4),), {}),
    "rms_normalization": (layers.RMSNormalization(axis=1), ((2, 3, 4),), {}),
    "rescaling": (layers.Rescaling(0.5, offset=[1.0, 2.0]), ((3, 2),), {}),
    "center_crop_stretched": (layers.CenterCrop(5, 4), ((2, 3, 6, 2),), {}),
    "resizing": (layers.Resizing(3, 5, data_format="channels_first"), ((2, 2, 4, 3),), {}),
    "resizing_padded": (layers.Resizing(2, 4, pad_to_aspect_ratio=True, fill_value=0.5), ((2, 6, 3, 1),), {}),
    "resizing_antialiased": (layers.Resizing(2, 3, antialias=True), ((2, 5, 4, 1),), {}),
    "resizing_bicubic": (layers.Resizing(3, 7, interpolation="bicubic"), ((2, 5, 4, 1),), {}),
    "resizing_lanczos": (layers.Resizing(3, 7, interpolation="lanczos3"), ((5, 4, 2),), {}),
    "resizing_area": (layers.Resizing(3, 2, interpolation="area"), ((1, 4, 5, 2),), {}),
    "random_width": (layers.RandomWidth([0.5, 0.5]), ((2, 3, 4, 2),), {}),
    "up_sampling2d": (layers.UpSampling2D((1, 3), "channels_first", "lanczos5"), ((1, 2, 3, 2),), {}),
}
"""Layers with smooth outputs: the layer, the shapes of its inputs, and the circumstances of the call."""


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_is_the_central_difference(name: str) -> None:
    layer, shapes, context = DIFFERENTIABLE[name]
    arrays = {f"input/{i}": drawn(shape, 100 + i) for i, shape in enumerate(shapes)}
    arrays |= weights_for(layer, *shapes)
    inputs = list(arrays)[: len(shapes)]

    def outputs(values: dict[str, Array]) -> tuple[Tensor, ...]:
        weights = {n: variable(v) for n, v in values.items() if n not in inputs}
        return layer.call([variable(values[n]) for n in inputs], weights, Context(**context)).outputs

    tensors = {n: variable(v) for n, v in arrays.items()}
    weights = {n: t for n, t in tensors.items() if n not in inputs}
    found = layer.call([tensors[n] for n in inputs], weights, Context(**context)).outputs
    cotangents = [drawn(out.shape, 7 + i) for i, out in enumerate(found)]
    gradients = vjp(found, [variable(c, tracked=False) for c in cotangents], list(tensors.values()))
    for (n, array), gradient in zip(arrays.items(), gradients, strict=True):
        direction, step = drawn(array.shape, 31), 1e-6
        ahead, behind = (outputs(arrays | {n: array + s * direction}) for s in (step, -step))
        slope = sum(
            float((c * (a.value - b.value)).sum()) / (2 * step)
            for c, a, b in zip(cotangents, ahead, behind, strict=True)
        )
        scale = float((np.abs(gradient.value) * np.abs(direction)).sum()) + 1e-3
        assert slope == pytest.approx(float((gradient.value * direction).sum()), abs=1e-7 * scale), n


def test_gradient_of_embedding_adds_up_repeated_rows() -> None:
    layer = layers.Embedding(4, 2)
    table, indices = variable(drawn((4, 2))), np.array([[1, 1, 3]], np.int32)
    (out,) = layer.call([variable(indices)], {"embeddings": table}, Context()).outputs
    cotangent = drawn(out.shape)
    (gradient,) = vjp([out], [variable(cotangent, tracked=False)], [table])
    expected = np.zeros((4, 2))
    for position, row in enumerate(indices[0]):
        expected[row] += cotangent[0, position]
    np.testing.assert_allclose(gradient.value, expected, rtol=1e-14)


def test_alpha_of_a_low_rank_update_is_told_with_its_rank_alone() -> None:
    """As Keras does: without a rank there is nothing that it scales."""
    assert "lora_alpha" not in layers.Dense(3, lora_alpha=8).get_config()
    assert layers.Dense(3, lora_rank=2, lora_alpha=8).get_config()["lora_alpha"] == 8.0
    assert layers.Dense(3, lora_rank=2).get_config()["lora_alpha"] == 2.0
