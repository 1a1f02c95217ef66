"""The error of a whole model, and the limit that adjoint analysis gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.interchange.depth import Distance, between, from_specification
from conformance.interchange.judging import Specified
from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import declared
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.saving.saved_model import LayerPath
from tests.interchange.test_models_asked import INPUTS, of_keras, of_tfjs
from tests.interchange.told import F32, Told, as_specified, only
from tests.runners.adapter import Adapter

IEEE = declared({"base": "ieee-float32"})

X = np.array([[0.1, -0.7]], F32)


def scaling(factor: float) -> Specified:
    """x ↦ factor·x: one rounding."""
    return Specified(layers.Rescaling(factor), {})


def distance(told: Told, specified: Any, end: int, *inputs: Array) -> Distance | None:
    (found,) = from_specification(told.inspection(end), specified, inputs, IEEE)
    return found


def test_the_limit_weighs_the_rounding_of_each_layer_by_what_follows() -> None:
    """Of 3x and then 8·(3x) the first rounding counts eightfold, and the second is none."""
    told = Told()
    x = told.array(X)
    y = told.array(X * F32(3))
    z = told.array(told.arrays[y] * F32(8))
    told.call("a", [x], y)
    told.call("b", [y], z)
    found = distance(told, {("a",): scaling(3.0), ("b",): scaling(8.0)}, z, X)
    alone = Told()
    alone.call("a", [alone.array(X)], alone.array(X * F32(3)))
    first = distance(alone, {("a",): scaling(3.0)}, 1, X)
    assert found is not None
    assert first is not None
    assert found.place == first.place
    assert found.error == 8 * first.error
    assert found.limit is not None
    assert first.limit is not None
    assert found.error <= found.limit
    # The second product has a bound too: how far it could be rounded, were the first not what it is.
    assert 8 * first.limit <= found.limit <= 17 * first.limit


def test_a_tensor_that_is_used_twice_has_both_cotangents() -> None:
    told = Told()
    x, y = told.array(X), told.array(X * F32(3))
    told.call("a", [x], y)
    told.call("sum", [y, y], told.array(2 * told.arrays[y]))
    found = distance(told, {("a",): scaling(3.0), ("sum",): Specified(layers.Add(), {})}, 2, X)
    assert found is not None
    assert found.limit is not None
    assert found.limit >= found.error > 0


def test_an_array_that_is_two_outputs_of_a_layer_counts_once() -> None:
    """The last step of a recurrent layer, and its state."""
    told = Told()
    x = told.array([[[0.5], [0.25]]])
    h = F32(0)
    for step in told.arrays[x][0, :, 0]:
        h = np.tanh(step * F32(0.5) + h * F32(0.25) + F32(0.125))
    y = told.array([[h]])
    told.call("rnn", [x], y, y)
    weights = {"kernel": [[0.5]], "recurrent_kernel": [[0.25]], "bias": [0.125]}
    rnn = Specified(layers.SimpleRNN(1, return_state=True), {n: np.array(w, F32) for n, w in weights.items()})
    found = distance(told, {("rnn",): rnn}, y, told.arrays[x])
    assert found is not None
    assert found.limit is not None
    assert found.error <= found.limit < 1e-5


def network(depth: int) -> tuple[Told, dict[LayerPath, Specified]]:
    """Dense layers one behind the other, computed in float32."""
    rng = np.random.default_rng(5)
    told = Told()
    specified: dict[LayerPath, Specified] = {}
    last = told.array(rng.normal(size=(2, 32)))
    for i in range(depth):
        kernel = (rng.normal(size=(32, 32)) * np.sqrt(2 / 32)).astype(F32)
        bias = rng.normal(size=32).astype(F32) / 8
        y = told.array(np.maximum(told.arrays[last] @ kernel + bias, 0))
        told.call(f"{i}", [last], y)
        dense = layers.Dense(32, activation="relu")
        specified[(f"{i}",)] = Specified(dense, {"kernel": kernel, "bias": bias})
        last = y
    return told, specified


def test_the_limit_of_fifty_layers_is_a_small_part_of_the_value() -> None:
    told, specified = network(50)
    end = len(told.arrays) - 1
    found = distance(told, specified, end, told.arrays[0])
    assert found is not None
    assert found.limit is not None
    assert found.likely is not None
    assert found.error <= found.limit
    assert found.likely < found.limit
    assert found.limit < 0.02 * float(np.max(told.arrays[end]))


def test_an_error_in_the_middle_exceeds_the_limit() -> None:
    told, specified = network(8)
    middle = told.arrays[4].copy()
    middle[0] *= F32(1.01)
    for i in range(4, 8):
        weights = specified[(f"{i}",)].weights
        middle = np.maximum(middle @ weights["kernel"] + weights["bias"], 0)
    told.arrays[-1] = middle
    found = distance(told, specified, 8, told.arrays[0])
    assert found is not None
    assert found.limit is not None
    assert found.error > 10 * found.limit


def test_what_the_specification_cannot_follow_has_no_distance() -> None:
    told, specified = network(3)
    del specified[("1",)]
    assert distance(told, specified, 3, told.arrays[0]) is None
    told, specified = network(3)
    assert distance(told, specified, 3, X) is None  # where the first input comes from is not known


def test_a_model_that_passes_its_input_on_is_as_far_as_rounding_goes() -> None:
    told = Told()
    x = told.array(X)
    told.call("drop", [x], x)
    found = distance(told, only("drop", layers.Dropout(0.5)), x, X)
    assert found is not None
    assert (found.error, found.limit) == (0, 0)


def test_predictions_are_compared_output_by_output() -> None:
    told = Told()
    x, y, other = told.array(X), told.array([[0.1, -0.2]]), told.array([1])
    some, another = told.inspection(x, y, x), told.inspection(y, y, other)
    first, second, third = between(some, another)
    assert first == Distance(abs(float(F32(-0.7)) - float(F32(-0.2))), (0, 1))
    assert second == Distance(0, (0, 0))
    assert third is None


@pytest.mark.keras
@pytest.mark.parametrize("name", sorted(INPUTS.keys() - {"operations"}))
def test_predictions_of_keras_are_within_the_limit(keras: Adapter, keras_models: Path, name: str) -> None:
    within(keras, of_keras(keras, keras_models, name), name)


@pytest.mark.node
@pytest.mark.parametrize("name", sorted(INPUTS.keys() - {"operations", "states"}))
def test_predictions_of_tensorflow_js_are_within_the_limit(
    tfjs: Adapter, tfjs_models: Path, name: str
) -> None:
    within(tfjs, of_tfjs(tfjs, tfjs_models, name), name)


def within(adapter: Adapter, inspection: Any, name: str) -> None:
    arithmetic = declared(adapter.identity.arithmetic)
    found = from_specification(inspection, as_specified(inspection), INPUTS[name], arithmetic)
    assert len(found) == len(inspection.told.outputs)
    for one in found:
        assert one is not None
        assert one.limit is not None
        assert one.error <= one.limit < 1e-3
