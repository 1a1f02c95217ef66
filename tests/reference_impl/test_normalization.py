"""Normalization layers: what their outputs have to be like, and which elements they look at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array
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


def test_batch_renormalization_with_a_negative_epsilon_has_no_deviation_to_compare_with() -> None:
    layer, x = layers.BatchNormalization(renorm=True, epsilon=-1.0), drawn((5, 3))
    weights = weights_for(layer, x.shape)
    with np.errstate(invalid="ignore"):
        result = call(layer, [x], weights, training=True)
    assert np.isnan(result.outputs[0].value).all()


@pytest.mark.parametrize("training", [False, True])
def test_batch_normalization_refuses_a_mask_of_another_rank(training: bool) -> None:
    layer, x = layers.BatchNormalization(), drawn((3, 4))
    with pytest.raises(ValueError, match=r"one dimension less than the input, got \(3, 4\)"):
        call(layer, [x], weights_for(layer, x.shape), training=training, masks=(np.ones((3, 4), bool),))


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


STATISTICS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "the last axis": ({}, (3, 4)),
    "an inner one": ({"axis": 1}, (2, 3, 4)),
    "two in any order": ({"axis": [-1, 1]}, (2, 3, 4, 2)),
    "none": ({"axis": None}, (2, 3)),
    "scalars": ({"axis": [1, 2], "mean": 0.5, "variance": 2.25}, (2, 3, 4)),
    "of the last of two axes": (
        {"axis": [1, 3], "mean": [0.5, -2.0], "variance": [4.0, 0.25]},
        (2, 3, 4, 2),
    ),
    "that broadcast": ({"axis": [1, 2], "mean": [[0.5], [-2.0]], "variance": [[4.0], [0.25]]}, (3, 2, 4)),
    "without variance": ({"mean": [0.5, -2.0], "variance": [0.0, 1e-16]}, (5, 2)),
}
"""Arguments of Normalization and the shape of an input."""


def given_statistics(layer: layers.Normalization, shape: tuple[int, ...]) -> dict[str, Array]:
    return {
        name: np.asarray(3) if name == "count" else weight
        for name, weight in weights_for(layer, shape).items()
    }


@pytest.mark.parametrize("name", STATISTICS)
def test_inverted_normalization_brings_back_what_was_normalized(name: str) -> None:
    config, shape = STATISTICS[name]
    layer, inverse = (layers.Normalization(**config, invert=invert) for invert in (False, True))
    weights, x = given_statistics(layer, shape), drawn(shape, 3)
    (normalized,) = call(layer, [x], weights).outputs
    (back,) = call(inverse, [normalized.value], weights).outputs
    assert np.abs(normalized.value - x).max() > 0.1
    np.testing.assert_allclose(back.value, x, rtol=1e-12, atol=1e-12)


@pytest.mark.keras
def test_normalization_by_statistics_that_it_was_given_is_that_of_keras(tmp_path: Path) -> None:
    """Weights that are set, and then finalized, as after `adapt` and loading."""
    arrays: dict[str, Any] = {}
    for i, (config, shape) in enumerate(STATISTICS.values()):
        weights = given_statistics(layers.Normalization(**config), shape)
        arrays |= {f"{i}/{w}": x.astype(np.float32) for w, x in {"x": drawn(shape, 3), **weights}.items()}
    np.savez(tmp_path / "given.npz", **arrays)
    program = f"""
import keras, numpy as np
given, answers = np.load("given.npz"), {{}}
for i, config in enumerate({[config for config, _ in STATISTICS.values()]}):
    for invert in (False, True):
        layer = keras.layers.Normalization(**config, invert=invert)
        layer.build(given[f"{{i}}/x"].shape)
        if layer.weights:
            layer.set_weights([given[f"{{i}}/{{name}}"] for name in ("mean", "variance", "count")])
            layer.finalize_state()
        answers[f"{{i}}/{{invert}}"] = np.asarray(layer(given[f"{{i}}/x"]))
np.savez("answers.npz", **answers)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "answers.npz") as answers:
        for i, (config, _) in enumerate(STATISTICS.values()):
            x, *rest = (n for n in arrays if n.startswith(f"{i}/"))
            weights = {n.partition("/")[2]: arrays[n].astype(float) for n in rest}
            for invert in (False, True):
                with error_bounds(IEEE_FLOAT32):
                    layer = layers.Normalization(**config, invert=invert)
                    (out,) = call(layer, [arrays[x].astype(float)], weights).outputs
                assert out.error is not None
                assert (np.abs(answers[f"{i}/{invert}"] - out.value) <= out.error).all()
