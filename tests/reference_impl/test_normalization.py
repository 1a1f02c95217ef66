"""Normalization layers: what their outputs have to be like, and which elements they look at."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.tape import error_bounds
from tests.reference_impl.layer_calls import call, drawn, weights_for


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


def test_unit_normalization_is_bounded_by_the_scale_that_it_uses_and_not_by_the_largest() -> None:
    x = drawn((8, 100)).astype(np.float32).astype(float)
    with error_bounds(IEEE_FLOAT32):
        (out,) = call(layers.UnitNormalization(), [x], {}).outputs
    assert out.error is not None
    assert (out.error / np.spacing(np.abs(out.value).astype(np.float32))).max() < 100
