"""Live backends tell of saved models what they are, and what each layer was given and gave."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.interchange.serving import serving
from conformance.reference_impl.arrays import Array
from conformance.runners.inspection import Inspection
from conformance.runners.protocol import LayerCall, WireError
from tests.runners.adapter import Adapter

WORDS = np.array([[1, 2, 3, 0, 0, 0, 0], [4, 5, 6, 7, 8, 9, 0]], np.int32)


def normal(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


INPUTS = {
    "sequential": [normal(2, 6, 5, 3)],
    "diamond": [normal(2, 6), normal(3, 6)[:2]],
    "nested": [normal(2, 6), normal(3, 6)[:2]],
    "text": [WORDS],
    "states": [normal(2, 5, 3)],
    "operations": [normal(2, 4)],
}


def of_keras(keras: Adapter, folder: Path, name: str, **how: Any) -> Inspection:
    return keras.inspect(folder / f"{name}.keras", *INPUTS[name], **how)


def of_tfjs(tfjs: Adapter, folder: Path, name: str, **how: Any) -> Inspection:
    with serving(folder / name / "model.json") as url:
        return tfjs.inspect(url, *INPUTS[name], **how)


def calls_of(inspection: Inspection, *path: str) -> list[LayerCall]:
    return [call for call in inspection.told.calls if call.layer == path]


def subjects(inspection: Inspection) -> dict[str, str]:
    return {"/".join(layer.path): layer.subject for layer in inspection.told.layers}


def holds(inspection: Inspection, name: str) -> None:
    """What is so of every model, whoever tells it."""
    told, arrays = inspection.told, inspection.arrays
    assert told.error is None
    assert [list(x.shape)[1:] for x in told.inputs] == [list(x.shape)[1:] for x in INPUTS[name]]
    assert len(told.outputs) == len(told.results)
    given = [x.tobytes() for x in INPUTS[name]]
    computed = {n for call in told.calls for n in call.outputs}
    for call in told.calls:
        for n in call.inputs:
            assert n in computed or arrays[n].tobytes() in given
    # What `predict` gives, layers have given too; where it is a graph of its own, nearly.
    for n in told.results:
        assert any(
            arrays[n].shape == arrays[m].shape and np.allclose(arrays[n], arrays[m], atol=1e-6)
            for m in computed
        )
    for call in calls_of(inspection, "top"):
        weights, (x,), (y,) = inspection.weights(("top",)), call.inputs, call.outputs
        if name not in ("sequential",):
            np.testing.assert_allclose(
                arrays[y], arrays[x] @ weights["kernel"] + weights["bias"], rtol=1e-4, atol=1e-6
            )


@pytest.mark.keras
@pytest.mark.parametrize("name", INPUTS)
def test_keras_tells_of_a_model(keras: Adapter, keras_models: Path, name: str) -> None:
    holds(of_keras(keras, keras_models, name), name)


@pytest.mark.node
@pytest.mark.parametrize("name", sorted(INPUTS.keys() - {"operations"}))
def test_tensorflow_js_tells_of_a_model(tfjs: Adapter, tfjs_models: Path, name: str) -> None:
    holds(of_tfjs(tfjs, tfjs_models, name), name)


def shared_layer(inspection: Inspection, meeting: str) -> None:
    """Both calls of the shared layer are told, and which output of them went where."""
    x, y = calls_of(inspection, "shared")
    (met,) = calls_of(inspection, meeting)
    assert set(met.inputs) == {*x.outputs, *y.outputs}
    ((join,), (product,)) = calls_of(inspection, "join"), calls_of(inspection, "times")
    assert join.inputs == (*met.outputs, *product.outputs)
    left, right = (inspection.arrays[n] for n in met.inputs)
    np.testing.assert_array_equal(inspection.arrays[product.outputs[0]], left * right)


@pytest.mark.keras
def test_keras_tells_each_call_of_a_shared_layer(keras: Adapter, keras_models: Path) -> None:
    shared_layer(of_keras(keras, keras_models, "diamond"), "minus")


@pytest.mark.node
def test_tensorflow_js_tells_each_call_of_a_shared_layer(tfjs: Adapter, tfjs_models: Path) -> None:
    shared_layer(of_tfjs(tfjs, tfjs_models, "diamond"), "mean")


def models_inside(inspection: Inspection) -> None:
    told = subjects(inspection)
    assert told["head"].startswith("models.")
    assert told["head/tower"] == "models.Sequential"
    assert told["head/tower/low"] == "layers.Dense"
    low, high = ("head", "tower", "low"), ("head", "tower", "high")
    assert {name: x.shape for name, x in inspection.weights(low).items()} == {"kernel": (6, 5), "bias": (5,)}
    assert [c.outputs for c in calls_of(inspection, *low)] == [c.inputs for c in calls_of(inspection, *high)]
    (total,), (top,) = calls_of(inspection, "head", "sum"), calls_of(inspection, "top")
    assert {*total.inputs} == {n for c in calls_of(inspection, *high) for n in c.outputs}
    assert top.inputs == total.outputs


@pytest.mark.keras
def test_keras_tells_of_the_models_inside_a_model(keras: Adapter, keras_models: Path) -> None:
    models_inside(of_keras(keras, keras_models, "nested"))


@pytest.mark.node
def test_tensorflow_js_tells_of_the_models_inside_a_model(tfjs: Adapter, tfjs_models: Path) -> None:
    models_inside(of_tfjs(tfjs, tfjs_models, "nested"))


def masks_on_their_way(inspection: Inspection) -> None:
    def mask(n: int | None) -> Any:
        return None if n is None else inspection.arrays[n].tolist()

    due = (WORDS != 0).tolist()
    (embedding,), (first,), (dropout,), (second,) = (
        calls_of(inspection, name) for name in ("embedding", "first", "dropout", "second")
    )
    assert mask(embedding.output_masks[0]) == due
    for call in (first, dropout, second):
        assert [mask(n) for n in call.masks] == [due]
    assert mask(first.output_masks[0]) == due
    assert dropout.outputs == dropout.inputs == second.inputs  # in inference it passes its input on
    assert second.output_masks == (None,)


@pytest.mark.keras
def test_keras_tells_which_masks_are_handed_on(keras: Adapter, keras_models: Path) -> None:
    inspection = of_keras(keras, keras_models, "text")
    masks_on_their_way(inspection)
    assert subjects(inspection)["not_equal"] == "operations.NotEqual"
    assert calls_of(inspection, "not_equal")[0].others == {"1": 0}


@pytest.mark.node
def test_tensorflow_js_tells_which_masks_are_handed_on(tfjs: Adapter, tfjs_models: Path) -> None:
    inspection = of_tfjs(tfjs, tfjs_models, "text")
    masks_on_their_way(inspection)
    (top,) = calls_of(inspection, "top")
    assert top.output_masks == (None,)
    assert top.masks != (None,)  # TensorFlow.js calls whatever follows with the last mask that there was


def states_of(inspection: Inspection) -> None:
    """TensorFlow.js calls a layer anew for each of its outputs that somebody wants."""
    encoders, (decoder,) = calls_of(inspection, "encoder"), calls_of(inspection, "decoder")
    assert {call.inputs for call in encoders} == {decoder.inputs}
    for place, state in enumerate(decoder.initial_state, start=1):
        assert state in {call.outputs[place] for call in encoders}
    assert len(decoder.initial_state) == 2


@pytest.mark.keras
def test_keras_tells_the_states_that_a_layer_starts_from(keras: Adapter, keras_models: Path) -> None:
    states_of(of_keras(keras, keras_models, "states"))


@pytest.mark.node
def test_tensorflow_js_tells_the_states_that_a_layer_starts_from(tfjs: Adapter, tfjs_models: Path) -> None:
    states_of(of_tfjs(tfjs, tfjs_models, "states"))


@pytest.mark.keras
def test_keras_says_which_formats_it_loads_and_times_each_predict(keras: Adapter, keras_models: Path) -> None:
    assert keras.identity.models == ("keras", "h5")
    told = keras.inspect(keras_models / "sequential.h5", *INPUTS["sequential"], repeats=3).told
    assert told.error is None
    assert len(told.seconds) == 3
    assert min(told.seconds) > 0


@pytest.mark.node
def test_tensorflow_js_says_which_format_it_loads_and_times_each_predict(
    tfjs: Adapter, tfjs_models: Path
) -> None:
    assert tfjs.identity.models == ("model.json",)
    told = of_tfjs(tfjs, tfjs_models, "sequential", repeats=3).told
    assert len(told.seconds) == 3
    assert min(told.seconds) > 0


def error_of(inspection: Inspection) -> tuple[str, str]:
    error = inspection.told.error
    assert isinstance(error, WireError)
    return error.kind, error.at


@pytest.mark.keras
def test_keras_tells_where_it_fails(keras: Adapter, keras_models: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.keras"
    broken.write_bytes((keras_models / "sequential.keras").read_bytes()[:1000])
    assert error_of(keras.inspect(broken, *INPUTS["sequential"]))[1] == "load"
    unfit = keras.inspect(keras_models / "sequential.keras", normal(2, 6, 5, 7))
    assert error_of(unfit) == ("invalid-argument", "call")
    assert [layer.path for layer in unfit.told.layers] == [("conv",), ("norm",), ("flat",), ("top",)]
    holds(of_keras(keras, keras_models, "sequential"), "sequential")


@pytest.mark.node
def test_tensorflow_js_tells_where_it_fails(tfjs: Adapter, tfjs_models: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(tfjs_models / "sequential", tmp_path / "broken"))
    (broken / "weights.bin").write_bytes(b"1234")
    with serving(broken / "model.json") as url:
        assert error_of(tfjs.inspect(url, *INPUTS["sequential"]))[1] == "load"
        missing = error_of(tfjs.inspect(url.replace("model.json", "other.json"), *INPUTS["sequential"]))
    assert missing == ("invalid-argument", "load")
    with serving(tfjs_models / "sequential" / "model.json") as url:
        unfit = tfjs.inspect(url, normal(2, 6, 5, 7))
        assert error_of(unfit) == ("invalid-argument", "call")
    assert [layer.path for layer in unfit.told.layers] == [("conv",), ("norm",), ("flat",), ("top",)]
    holds(of_tfjs(tfjs, tfjs_models, "sequential"), "sequential")
