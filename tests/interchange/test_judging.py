"""Each layer is judged from the backend's own inputs to it: what departs is named, and nothing behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.checks import Bench
from conformance.interchange.judging import LayerCheck, Specified, check_layers
from conformance.reference_impl import layers
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.runners.inspection import Inspection
from conformance.runners.protocol import Identity
from conformance.verdicts import Rung, Verdict
from tests.interchange.test_models_asked import INPUTS, of_keras, of_tfjs
from tests.interchange.told import F32, Told, as_specified, only
from tests.runners.adapter import Adapter


def bench(name: str = "exact", **versions: str) -> Bench:
    return Bench.of(Identity(name, "python", versions, {}, {}, {"base": "ieee-float32"}, {}), ())


DENSE = {"kernel": np.array([[1, 2], [3, 4]], F32), "bias": np.array([1, -1], F32)}


def outputs(checks: list[LayerCheck]) -> list[LayerCheck]:
    return [check for check in checks if check.observable.startswith("output/")]


def two_dense(first: list[list[float]]) -> list[LayerCheck]:
    """The checks of two layers, each with the same weights, of which the first gives this of [[1, 2]]."""
    told = Told()
    x, y = told.array([[1, 2]]), told.array(first)
    z = told.array(np.array(first, F32) @ DENSE["kernel"] + DENSE["bias"])
    told.call("a", [x], y)
    told.call("b", [y], z)
    dense = Specified(layers.Dense(2), DENSE)
    return outputs(list(check_layers(told.inspection(), {("a",): dense, ("b",): dense}, bench())))


def test_layers_that_are_right_conform() -> None:
    checks = two_dense([[8, 9]])
    assert [check.verdict for check in checks] == [Verdict.CONFORMS] * 2
    assert [check.rung for check in checks] == [Rung.EXACT] * 2
    assert [check.error for check in checks] == [0, 0]


def test_an_error_is_held_against_the_layer_that_makes_it_alone() -> None:
    wrong, behind = two_dense([[8, 9.5]])
    assert (wrong.path, wrong.verdict, wrong.error, wrong.place) == (("a",), Verdict.DIVERGES, 0.5, (0, 1))
    assert wrong.margin == "infinite"  # small integers: nothing is rounded
    assert behind.verdict is Verdict.CONFORMS


def test_nan_is_infinitely_far_off() -> None:
    wrong, _ = two_dense([[8, np.nan]])
    assert (wrong.verdict, wrong.error, wrong.place) == (Verdict.DIVERGES, np.inf, (0, 1))


def test_calls_of_one_layer_are_counted() -> None:
    told = Told()
    x, y, z = told.array([[1, 2]]), told.array([[8, 9]]), told.array([[0, 0]])
    told.call("a", [x], y)
    told.call("a", [x], z)
    checks = outputs(list(check_layers(told.inspection(), only("a", layers.Dense(2), **DENSE), bench())))
    assert [(check.call, check.verdict) for check in checks] == [
        (0, Verdict.CONFORMS),
        (1, Verdict.DIVERGES),
    ]


def alone(specified: Mapping[LayerPath, Specified], told: Told) -> LayerCheck:
    (check,) = outputs(list(check_layers(told.inspection(), specified, bench())))
    return check


def test_what_the_specification_lacks_never_conforms() -> None:
    told = Told()
    told.call("a", [told.array([[1]])], told.array([[1]]))
    assert alone({}, told).verdict is Verdict.UNSPECIFIED
    assert alone(only("a", None), told).verdict is Verdict.UNSPECIFIED


def test_tensors_that_are_no_inputs_leave_it_open() -> None:
    told = Told()
    told.call("a", [told.array([[1, 2]])], told.array([[8, 9]]), scale={"array": 0})
    assert alone(only("a", layers.Dense(2), **DENSE), told).verdict is Verdict.UNSPECIFIED


def test_other_numbers_of_outputs_and_other_shapes_diverge() -> None:
    dense = only("a", layers.Dense(2), **DENSE)
    told = Told()
    told.call("a", [told.array([[1, 2]])], told.array([[8]]))
    assert alone(dense, told).message == "shape [1, 1], expected [1, 2]"
    told = Told()
    told.call("a", [told.array([[1, 2]])], told.array([[8, 9]]), told.array([[8, 9]]))
    checks = outputs(list(check_layers(told.inspection(), dense, bench())))
    assert {(check.verdict, check.message) for check in checks} == {
        (Verdict.DIVERGES, "2 outputs, expected 1")
    }


def test_a_value_of_inputs_that_are_to_be_refused_is_a_finding() -> None:
    told = Told()
    told.call("a", [told.array([1, 2])], told.array([[8, 9]]))
    assert alone(only("a", layers.Conv1D(2, 1)), told).verdict is Verdict.ACCEPTS


KERNEL = {
    "kernel": np.array([[0.5]], F32),
    "recurrent_kernel": np.array([[0.25]], F32),
    "bias": np.array([0.125], F32),
}


def recurrent(given: str | None, computed_with: str | None, *, on_purpose: bool = False) -> LayerCheck:
    """The check of a recurrent layer behind one that hands a mask on.

    Args:
        given: the mask that the layer is called with: `due`, `other` or none.
        computed_with: the one that its output is right for.
        on_purpose: whether the mask that is given is the output of a layer.
    """
    told = Told()
    x = told.array([[[1], [2], [3]]])
    masks = {
        "due": told.array([[True, True, False]], bool),
        "other": told.array([[True, False, False]], bool),
    }
    steps = {"due": (1, 2), "other": (1,), None: (1, 2, 3)}[computed_with]
    h = 0.0
    for step in steps:
        h = np.tanh(step * 0.5 + h * 0.25 + 0.125)
    told.call("source", [told.array([[[0], [0], [0]]])], x, output_masks=(masks["due"],))
    if on_purpose and given:
        told.call("comparison", [x], masks[given])
    told.call("rnn", [x], told.array([[h]]), masks=(masks[given] if given else None,))
    specified = only("rnn", layers.SimpleRNN(1), **KERNEL)
    return outputs(list(check_layers(told.inspection(), specified, bench())))[-1]


def test_a_mask_is_that_which_the_layers_before_hand_on() -> None:
    assert recurrent("due", "due").verdict is Verdict.CONFORMS
    assert recurrent(None, "due").verdict is Verdict.CONFORMS


def test_a_layer_that_is_given_another_mask_departs_and_is_said_to_be_right_for_that() -> None:
    wrong = recurrent("other", "other")
    assert wrong.verdict is Verdict.DIVERGES
    assert wrong.message.endswith("; right for the mask that it was called with")
    assert not recurrent("other", None).message.endswith("it was called with")


def test_a_mask_that_a_layer_has_computed_is_given_on_purpose() -> None:
    assert recurrent("other", "other", on_purpose=True).verdict is Verdict.CONFORMS


def test_a_mask_that_is_not_handed_on_is_a_finding() -> None:
    told = Told()
    words = told.array([[1, 0]], np.int32)
    told.call("embedding", [words], told.array([[[3], [2]]]))
    embedding = Specified(layers.Embedding(2, 1, mask_zero=True), {"embeddings": np.array([[2], [3]], F32)})
    checks = list(check_layers(told.inspection(), {("embedding",): embedding}, bench()))
    assert [(check.observable, check.verdict) for check in checks] == [
        ("output/0", Verdict.CONFORMS),
        ("mask/0", Verdict.DIVERGES),
    ]


def test_inputs_of_which_some_have_no_mask_are_judged_as_if_it_hid_nothing() -> None:
    told = Told()
    x, y, mask = told.array([[[1], [2]]]), told.array([[[3], [4]]]), told.array([[True, False]], bool)
    told.call("join", [x, y], told.array([[[1, 3], [2, 4]]]), masks=(mask,), output_masks=(mask,))
    assert alone(only("join", layers.Concatenate()), told).verdict is Verdict.CONFORMS


def test_a_recorded_deviation_explains_what_departs() -> None:
    """TensorFlow.js's hard sigmoid is that of Keras 2."""
    told = Told()
    x = np.array([[-2.75, -1, 0, 2.6]], F32)
    told.call("a", [told.array(x)], told.array(np.clip(x * F32(0.2) + F32(0.5), 0, 1)))
    specified = only("a", layers.Activation("hard_sigmoid"))
    (check,) = outputs(
        list(check_layers(told.inspection(), specified, bench("tfjs-cpu", **{"tfjs-layers": "4.22.0"})))
    )
    assert check.verdict is Verdict.DEVIATES
    assert len(check.deviations) == 1
    assert "hard-sigmoid" in check.deviations[0]
    assert check.error
    assert check.error > 0.01
    assert alone(specified, told).verdict is Verdict.DIVERGES


def judged(adapter: Adapter, inspection: Inspection) -> list[LayerCheck]:
    return list(check_layers(inspection, as_specified(inspection), Bench.of(adapter.identity, ())))


def conforms(checks: list[LayerCheck], *but: str) -> None:
    assert checks
    for check in checks:
        wanted = Verdict.UNSPECIFIED if check.path[-1] in but else Verdict.CONFORMS
        assert check.verdict is wanted, check


@pytest.mark.keras
@pytest.mark.parametrize("name", INPUTS)
def test_every_layer_of_keras_conforms(keras: Adapter, keras_models: Path, name: str) -> None:
    conforms(judged(keras, of_keras(keras, keras_models, name)), "not_equal", "multiply")


@pytest.mark.node
@pytest.mark.parametrize("name", sorted(INPUTS.keys() - {"operations", "states"}))
def test_every_layer_of_tensorflow_js_conforms(tfjs: Adapter, tfjs_models: Path, name: str) -> None:
    conforms(judged(tfjs, of_tfjs(tfjs, tfjs_models, name)))


@pytest.mark.node
def test_a_recorded_deviation_of_a_live_layer_is_named(tfjs: Adapter, tfjs_models: Path) -> None:
    """The gates of TensorFlow.js's LSTM are by default its own hard sigmoid."""
    checks = outputs(judged(tfjs, of_tfjs(tfjs, tfjs_models, "states")))
    assert {check.verdict for check in checks} == {Verdict.DEVIATES}
    assert {check.deviations for check in checks} == {("tfjs-hard-sigmoid-of-keras-2",)}


@pytest.mark.keras
def test_a_changed_output_of_a_live_run_is_found_where_it_was_changed(
    keras: Adapter, keras_models: Path
) -> None:
    inspection = of_keras(keras, keras_models, "nested")
    (call,) = [call for call in inspection.told.calls if call.layer[-1] == "sum"]
    changed = list(inspection.arrays)
    changed[call.outputs[0]] = changed[call.outputs[0]] * F32(1.001)
    checks = judged(keras, replace(inspection, arrays=tuple(changed)))
    # The layer behind it was given something else than is told now.
    assert [c.path for c in outputs(checks) if c.verdict is not Verdict.CONFORMS] == [
        ("head", "sum"),
        ("top",),
    ]


@pytest.mark.keras
def test_swapped_weights_of_a_live_run_are_found(keras: Adapter, keras_models: Path) -> None:
    inspection = of_keras(keras, keras_models, "text")
    specified = as_specified(inspection)
    second = specified[("second",)]
    kernel = np.roll(second.weights["kernel"], 3, axis=1)
    specified[("second",)] = Specified(second.layer, {**second.weights, "kernel": kernel})
    checks = check_layers(inspection, specified, Bench.of(keras.identity, ()))
    assert [c.path for c in checks if c.verdict in (Verdict.DIVERGES,)] == [("second",)]
