"""What TensorFlow.js refuses, by kind and place, and that no other observable goes with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts import refusals, training
from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import f32, ramp, refused

pytestmark = pytest.mark.node


@pytest.mark.parametrize(
    ("subject", "config", "kind", "at"),
    [
        ("layers.Dense", {"units": -1}, "invalid-argument", "construction"),
        (
            "layers.Conv2D",
            {"filters": 1, "kernel_size": 1, "padding": "no"},
            "invalid-argument",
            "construction",
        ),
        ("layers.Flatten", {}, "invalid-argument", "build"),
        ("layers.Dense", {"units": 2}, "invalid-argument", "build"),
        ("layers.Softmax", {"axis": 0}, "not-implemented", "call"),
        ("activations.relu", {"max_value": 6}, "not-implemented", "construction"),
        ("layers.NoSuchLayer", {}, "not-implemented", "construction"),
    ],
)
def test_errors_are_classified_by_what_and_where(
    cpu: Adapter, subject: str, config: dict[str, Any], kind: str, at: str
) -> None:
    assert refused(cpu.observe(subject, "output/0", ramp(2, 3), config=config)["output/0"], kind, at)


def test_other_weights_than_the_layers_are_refused_by_name(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.Dense", "output/0", ramp(1, 3), config={"units": 2}, weights={"k": ramp(3, 2)}
    )
    assert refused(answer["output/0"], "invalid-argument", "build")
    assert answer["output/0"].message == "the layer's weights are: kernel, bias; given: k"


def test_a_dtype_that_tensorflow_js_lacks_is_refused(cpu: Adapter) -> None:
    answer = cpu.observe(
        "layers.Activation", "output/0 config", np.zeros((1, 2)), config={"activation": "relu"}
    )
    assert refused(answer["output/0"], "type", "call")
    assert answer["config"]["activation"] == "relu"


def test_an_output_of_no_size_is_refused_and_spoils_no_later_count(cpu: Adapter) -> None:
    answer = cpu.observe("layers.UpSampling2D", "output/0", ramp(1, 2, 3, 1), config={"size": 2})
    assert refused(answer["output/0"], "internal", "call")
    assert "no array has the shape [1, NaN, NaN, 1]" in answer["output/0"].message
    later = cpu.observe("layers.Flatten", "memory", ramp(2, 2, 3), cotangents=[ramp(2, 6)])
    assert later["memory"]["call"] == {"tensors": 0, "bytes": 0}


def test_a_missing_kernel_fails_only_the_gradient_that_needs_it(wasm: Adapter) -> None:
    answer = wasm.observe(
        "layers.Conv2D",
        "output/0 gradient/input/0 gradient/weight/kernel gradient/weight/bias",
        ramp(1, 3, 3, 1),
        config={"filters": 1, "kernel_size": 2, "activation": "relu"},
        weights={"kernel": ramp(2, 2, 1, 1), "bias": f32([1])},
        cotangents=[ramp(1, 2, 2, 1)],
    )
    assert refused(answer["gradient/weight/kernel"], "missing-kernel", "gradient")
    assert "Conv2DBackpropFilter" in answer["gradient/weight/kernel"].message
    for observable, shape in [("output/0", (1, 2, 2, 1)), ("gradient/input/0", (1, 3, 3, 1))]:
        assert answer[observable].shape == shape
    assert answer["gradient/weight/bias"].shape == (1,)


@pytest.mark.parametrize(
    ("subject", "config", "kind", "at"),
    [
        ("layers.Dense", {"units": -1}, "invalid-argument", "construction"),
        ("layers.Conv2D", {"filters": 1, "kernel_size": 1}, "invalid-argument", "call"),
        ("layers.Bidirectional", {}, "internal", "construction"),
        ("layers.Reshape", {"target_shape": 2}, "internal", "call"),
        ("activations.relu", {"max_value": 6}, "not-implemented", "construction"),
    ],
)
def test_what_is_wrong_is_refused_without_weights(
    cpu: Adapter, subject: str, config: dict[str, Any], kind: str, at: str
) -> None:
    assert refused(cpu.observe(subject, "refusal", ramp(2, 3), config=config)["refusal"], kind, at)


def test_sound_calls_are_answered_by_nothing_and_a_wider_one_is_refused(cpu: Adapter) -> None:
    answer = cpu.observe("layers.Dense", "refusal refusal/widened", ramp(2, 3), config={"units": 2})
    assert answer["refusal"] is None
    assert refused(answer["refusal/widened"], "invalid-argument", "call")
    assert cpu.observe("layers.Softmax", "refusal/widened", ramp(2, 3)) == {"refusal/widened": None}


def test_a_cell_is_built_before_it_is_called_with_its_states(cpu: Adapter) -> None:
    states = [f32(np.zeros((2, 2)))]
    config = {"units": 2}
    sound = cpu.observe("layers.SimpleRNNCell", "refusal", ramp(2, 3), config=config, initial_state=states)
    assert sound == {"refusal": None}
    without = cpu.observe("layers.SimpleRNNCell", "refusal", ramp(2, 3), config=config)
    assert refused(without["refusal"], "invalid-argument", "call")


def test_a_tensor_whose_size_is_no_number_spoils_no_later_count(cpu: Adapter) -> None:
    cpu.observe("layers.CenterCrop", "refusal", ramp(1, 4, 4, 1), config={"width": 2})
    dense = cpu.observe("layers.Dense", "memory", ramp(2, 3), config={"units": 2}, cotangents=[ramp(2, 2)])
    assert all(step["bytes"] is not None for step in dense["memory"].values())


def refusal_of(cpu: Adapter, case: Case) -> Any:
    data = make(case)
    answer = cpu.observe(
        case.subject, "refusal", *data.inputs, config=case.config, weights=dict(data.weights)
    )
    return answer["refusal"]


def test_updates_metrics_and_runs_are_answered_by_nothing_or_by_what_is_wrong(cpu: Adapter) -> None:
    rate = {"learning_rate": 0.5}
    assert refusal_of(cpu, refusals.update("SGD", rate)) is None
    assert refused(
        refusal_of(cpu, refusals.update("SGD", rate | {"clipnorm": 1.0})), "not-implemented", "construction"
    )
    assert refused(refusal_of(cpu, refusals.update("SGD", rate, kernel=(4, 5))), "invalid-argument", "call")
    pair = {"0/y_true": f32([1, 2]), "0/y_pred": f32([1, 2])}
    assert cpu.observe("metrics.MeanSquaredError", "refusal", weights=pair) == {"refusal": None}
    weighted = cpu.observe(
        "metrics.MeanSquaredError", "refusal", weights=pair | {"0/sample_weight": f32([1, 2])}
    )
    assert refused(weighted["refusal"], "not-implemented", "call")
    run = refusals.classifying()
    assert refusal_of(cpu, run) is None
    unknown = refusals.spoilt(run, compile={"loss": "categorical_crossentropie"})
    assert refused(refusal_of(cpu, unknown), "invalid-argument", "construction")
    fewer = refusals.given(run, "train_on_batch", y=[training.one_hot(samples=5)])
    assert refused(refusal_of(cpu, fewer), "invalid-argument", "call")
