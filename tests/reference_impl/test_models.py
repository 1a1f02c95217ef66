"""Models compute what Keras computes, and say which layer is at fault where one is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.models import Model, Outcome
from conformance.reference_impl.models.graph import Reference, graph
from conformance.reference_impl.saving.saved_model import LayerPath
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp
from tests.reference_impl.layer_calls import drawn

PROGRAM = Path(__file__).parent / "adapters" / "models.py"

# Configurations to begin with


def layer(class_name: str, name: str, *calls: Any, **config: Any) -> dict[str, Any]:
    """A layer and its calls, each on (layer, call, output), or on a list of those."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": [{"args": [tensors(call)], "kwargs": {}} for call in calls],
    }


def tensors(of: Any) -> Any:
    if isinstance(of, list):
        return [tensors(item) for item in of]
    config = {"shape": [], "dtype": "float32", "keras_history": [*of]}
    return {"class_name": "__keras_tensor__", "config": config}


def given(name: str, *shape: int | None) -> dict[str, Any]:
    return layer("InputLayer", name, batch_shape=[None, *shape], dtype="float32")


def functional(
    layers: list[dict[str, Any]], inputs: Any, outputs: Any, name: str = "model"
) -> dict[str, Any]:
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Functional", "name": name, "config": config, "inbound_nodes": []}


X, Y = ("x", 0, 0), ("y", 0, 0)
TOWERS = functional(
    [
        given("x", 4),
        given("y", 4),
        layer("Dense", "shared", X, Y, ("shared", 2, 0), units=4, activation="tanh"),
        layer("Add", "sum", [("shared", 0, 0), ("shared", 1, 0)]),
    ],
    [[*X], [*Y]],
    [["sum", 0, 0]],
)
TOWERS["config"]["layers"][2]["inbound_nodes"][2] = {"args": [tensors(("sum", 0, 0))], "kwargs": {}}
TOWERS["config"]["output_layers"] = [["shared", 2, 0]]


def random_weights(model: Model) -> dict[LayerPath, dict[str, Tensor]]:
    return {
        path: {w.name: variable(drawn(w.shape, 7 * len(path) + i)) for i, w in enumerate(weights)}
        for path, weights in model.declare_weights().items()
    }


def test_a_model_in_time_distributed_is_called_at_every_time() -> None:
    dense = {"units": 2, "activation": "tanh", "kernel_initializer": "glorot_uniform"}
    inner = functional(
        [given("z", 3), layer("Dense", "dense", ("z", 0, 0), **dense)], [["z", 0, 0]], [["dense", 0, 0]], "i"
    )
    several, one = (
        Model.from_config(
            functional(
                [given("x", 5, 3), layer("TimeDistributed", "times", X, layer=repeated)],
                [[*X]],
                [["times", 0, 0]],
            )
        )
        for repeated in (inner, {"class_name": "Dense", "config": dense})
    )
    weights = random_weights(one)
    (own,) = weights.values()
    x = variable(drawn((2, 5, 3), 1))
    (expected,) = one.call([x], weights, Context()).outputs
    assert several.output_shapes() == one.output_shapes() == ((None, 5, 2),)
    assert [w.name for w in several.declare_weights()["times",]] == ["dense/kernel", "dense/bias"]
    by_path: list[dict[LayerPath, Mapping[str, Tensor]]] = [
        {("times",): {f"dense/{name}": w for name, w in own.items()}},
        {("times", "i", "dense"): own},
    ]
    for named in by_path:
        (found,) = several.call([x], named, Context()).outputs
        np.testing.assert_array_equal(found.value, expected.value)


def test_a_model_of_two_outputs_is_no_layer() -> None:
    inner = functional([given("z", 3)], [["z", 0, 0]], [["z", 0, 0], ["z", 0, 0]])
    model = functional(
        [given("x", 5, 3), layer("TimeDistributed", "t", X, layer=inner)], [[*X]], [["t", 0, 0]]
    )
    with pytest.raises(ValueError, match="several inputs or outputs"):
        Model.from_config(model)


# Against live Keras


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Array]]:
    """What Keras computed, by model and by what it is."""
    archive = tmp_path_factory.mktemp("models") / "models.npz"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(archive)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, Array]] = {}
    with np.load(archive) as arrays:
        for key in arrays.files:
            name, _, what = key.partition("/")
            found.setdefault(name, {})[what] = arrays[key]
    return found


def parts(answer: Mapping[str, Array], what: str) -> list[Array]:
    """Those of `what/0`, `what/1`, …"""
    keys = [key for key in answer if key.rpartition("/")[0] == what]
    return [answer[f"{what}/{i}"] for i in range(len(keys))]


def exact(x: Array) -> Tensor:
    return variable(x.astype(np.float64) if x.dtype.kind == "f" else x)


def called(model: Model, answer: Mapping[str, Array], training: bool) -> Outcome:
    weights = {
        path: dict(zip([w.name for w in declared], map(exact, parts(answer, key(path))), strict=True))
        for path, declared in model.declare_weights().items()
    }
    with error_bounds(IEEE_FLOAT32):
        return model.call([exact(x) for x in parts(answer, "input")], weights, Context(training=training))


def key(path: LayerPath, what: str = "weight") -> str:
    return f"{what}/{'|'.join(path)}"


NAMES = (
    "chain", "diamond", "towers", "nested", "twice", "several", "masked", "merged_masks", "encoded",
    "masked_states", "both_directions", "mask_from_inside", "in_a_chain", "operations", "mobile",
)  # fmt: skip


@pytest.mark.keras
@pytest.mark.parametrize("name", NAMES)
def test_weights_and_shapes_are_those_of_keras(name: str, answers: Mapping[str, Mapping[str, Array]]) -> None:
    answer = answers[name]
    model = Model.from_config(json.loads(str(answer["config"])))
    declared = model.declare_weights()
    theirs = {what.rpartition("/")[0] for what in answer if what.startswith("weight/")}
    assert {key(path) for path in declared} == theirs
    for path, weights in declared.items():
        assert [w.shape for w in weights] == [w.shape for w in parts(answer, key(path))], path
    given_shapes = [x.shape for x in parts(answer, "input")]
    assert list(model.output_shapes(given_shapes)) == [y.shape for y in parts(answer, "output")]
    assert [shape[1:] for shape in model.output_shapes()] == [y.shape[1:] for y in parts(answer, "output")]


@pytest.mark.keras
@pytest.mark.parametrize("name", [name for name in NAMES if name != "mobile"])
def test_outputs_are_those_of_keras(name: str, answers: Mapping[str, Mapping[str, Array]]) -> None:
    """All but a deep one: the bound of what its softmax is given is above 1,000, and e¹⁰⁰⁰ is infinite."""
    answer = answers[name]
    model = Model.from_config(json.loads(str(answer["config"])))
    outputs = called(model, answer, training=False).outputs
    for ours, theirs in zip(outputs, parts(answer, "output"), strict=True):
        assert within_its_bound(ours, theirs)


@pytest.mark.keras
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("masked", "mobile")])
def test_training_is_that_of_keras(name: str, answers: Mapping[str, Mapping[str, Array]]) -> None:
    """Those two draw in training."""
    answer = answers[name]
    model = Model.from_config(json.loads(str(answer["config"])))
    outcome = called(model, answer, training=True)
    for ours, theirs in zip(outcome.outputs, parts(answer, "training"), strict=True):
        assert within_its_bound(ours, theirs)
    declared = model.declare_weights()
    changed = {
        path
        for path in declared
        if any(
            (a != b).any()
            for a, b in zip(parts(answer, key(path)), parts(answer, key(path, "state")), strict=True)
        )
    }
    assert outcome.state.keys() == changed
    for path, state in outcome.state.items():
        names = [w.name for w in declared[path]]
        for weight, value in state.items():
            assert within_its_bound(value, parts(answer, key(path, "state"))[names.index(weight)])


def within_its_bound(ours: Tensor, theirs: Array) -> bool:
    error = np.zeros(ours.shape) if ours.error is None else ours.error
    assert np.isfinite(error).all()
    return ours.shape == theirs.shape and bool((np.abs(ours.value - theirs) <= error).all())


# On its own


def test_a_layer_that_is_called_again_has_one_set_of_weights() -> None:
    model = Model.from_config(TOWERS)
    weights = random_weights(model)
    assert list(weights) == [("shared",)]
    x, y = drawn((3, 4), 1), drawn((3, 4), 2)
    kernel, bias = (weights["shared",][name].value for name in ("kernel", "bias"))

    def dense(z: Array) -> Array:
        return np.asarray(np.tanh(z @ kernel + bias))

    (found,) = model.call([variable(x), variable(y)], weights, Context()).outputs
    np.testing.assert_allclose(found.value, dense(dense(x) + dense(y)), rtol=1e-12)


def test_the_order_in_which_layers_stand_does_not_matter() -> None:
    turned = {**TOWERS, "config": {**TOWERS["config"], "layers": TOWERS["config"]["layers"][::-1]}}
    inputs = [variable(drawn((3, 4), 1)), variable(drawn((3, 4), 2))]
    outputs = []
    for description in (TOWERS, turned):
        model = Model.from_config(description)
        outputs.append(model.call(inputs, random_weights(model), Context()).outputs[0].value)
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_every_call_of_a_layer_can_be_seen() -> None:
    model = Model.from_config(TOWERS)
    steps = list(model.steps([variable(drawn((3, 4), i)) for i in (1, 2)], random_weights(model), Context()))
    assert [(step.path, step.index) for step in steps] == [
        (("shared",), 0), (("shared",), 1), (("sum",), 0), (("shared",), 2)
    ]  # fmt: skip
    first, second, both, last = steps
    assert both.inputs == (first.outputs[0], second.outputs[0])
    assert last.inputs == both.outputs


def test_gradients_go_through_the_graph() -> None:
    model = Model.from_config(TOWERS)
    weights = random_weights(model)
    x, y, along = (drawn((3, 4), i) for i in (1, 2, 3))

    def output(z: Array) -> Tensor:
        return model.call([variable(z), variable(y)], weights, Context()).outputs[0]

    source = variable(x)
    (found,) = model.call([source, variable(y)], weights, Context()).outputs
    cotangent = drawn(found.shape, 4)
    (gradient,) = vjp([found], [variable(cotangent)], [source])
    step = 1e-6
    difference = (output(x + step * along).value - output(x - step * along).value) / (2 * step)
    assert np.vdot(gradient.value, along) == pytest.approx(np.vdot(cotangent, difference), rel=1e-7)


def test_each_call_draws_its_own_numbers() -> None:
    layers = [
        given("x", 50),
        layer("Dropout", "drop", X, X, rate=0.5),
        layer("Dropout", "other", X, rate=0.5),
    ]
    outputs = [["drop", 0, 0], ["drop", 1, 0], ["other", 0, 0]]
    model = Model.from_config(functional(layers, [[*X]], outputs))
    found = model.call([variable(np.ones((2, 50)))], {}, Context(training=True)).outputs
    assert len({x.value.tobytes() for x in found}) == 3


def test_long_chains_need_no_deep_stack() -> None:
    count = 3000
    layers = [given("x", 2), *(layer("Activation", str(i), activation="relu") for i in range(count))]
    model = Model.from_config({"class_name": "Sequential", "config": {"name": "m", "layers": layers}})
    (found,) = model.call([variable(np.ones((1, 2)))], {}, Context()).outputs
    assert found.shape == (1, 2)
    calls = [
        layer("Activation", str(i), (str(i - 1), 0, 0) if i else X, activation="relu") for i in range(count)
    ]
    assert (
        len(graph(functional([given("x", 2), *calls[::-1]], [[*X]], [[str(count - 1), 0, 0]])).calls) == count
    )


def inside_each_other(depth: int) -> dict[str, Any]:
    model = layer("Dense", "d", units=2)
    for _ in range(depth):
        config = {"name": "m", "layers": [given("x", 2), model]}
        model = {"class_name": "Sequential", "name": "m", "config": config}
    return model


DENSE = layer("Dense", "d", X, units=2)


def called_twice_each(depth: int) -> dict[str, Any]:
    """Small, and of 2^depth calls."""
    model = functional([given("x", 2), layer("Dense", "d", X, units=2)], [[*X]], [["d", 0, 0]], "d")
    for _ in range(depth):
        again = {**model, "inbound_nodes": [{"args": [tensors(of)], "kwargs": {}} for of in (X, ("d", 0, 0))]}
        model = functional([given("x", 2), again], [[*X]], [["d", 2, 0]], "d")
    return model


ENDS: tuple[Any, Any] = ([[*X]], [["d", 0, 0]])


def of(*layers: dict[str, Any], inputs: Any = ENDS[0], outputs: Any = ENDS[1]) -> dict[str, Any]:
    return functional([given("x", 2), *layers], inputs, outputs)


def dense(*calls: Any, name: str = "d") -> dict[str, Any]:
    return layer("Dense", name, *calls, units=2)


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        (DENSE, "no Sequential or Functional model"),
        (functional([], *ENDS), "at least one layer"),
        (of(given("x", 2), DENSE), "two layers are named x"),
        (of({**DENSE, "name": None, "config": {"units": 2}}), "has no name"),
        (
            of(dense(("e", 0, 0)), dense(("d", 0, 0), name="e")),
            "circle: call 0 of layer d, call 0 of layer e",
        ),
        (of(dense(("d", 0, 0))), "in a circle"),
        (of(dense(("z", 0, 0))), "layer z, which the model does not have"),
        (of(dense(("x", 3, 0))), "has 1 calls"),
        (of(dense(("x", -1, 0))), "expected .layer, call, output"),
        (of(DENSE, inputs=[["d", 0, 0]]), "d, which is no InputLayer"),
        (of(DENSE, inputs=[]), "at least one input"),
        (of(DENSE, outputs=3), "output_layers are 3"),
        (of(DENSE, outputs=[["d", 4, 0]]), "an output is given .* call 4"),
        (of({**DENSE, "inbound_nodes": [[["x", 0, 0, {}]]]}), "call 0 of layer d"),
        (of({**DENSE, "inbound_nodes": 3}), "inbound_nodes is no list"),
        (of(layer("Dens", "d", X, units=2)), "layer d of model model: unknown layer"),
        (of(layer("Dense", "d", X)), "layer d of model model: Dense needs"),
        (of({**layer("Bincount", "d", X), "module": "keras.src.ops.numpy"}), "no operation 'Bincount'"),
        (of({**layer("Any", "d", X, at=3), "module": "keras.src.ops.numpy"}), "Any has no argument at"),
        (
            {"class_name": "Sequential", "config": {"name": "m", "layers": [DENSE]}},
            "the first layer, d, is no",
        ),
        (inside_each_other(40), "nested deeper than"),
        (called_twice_each(20), "model d: model d calls layers 131072 times"),
    ],
)
def test_broken_graphs_are_refused_by_name(description: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Model.from_config(description)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (
            [layer("Dense", "d", X, units=2), layer("Flatten", "z", ("d", 0, 3))],
            "layer z: there is no output 3",
        ),
        ([layer("Conv2D", "d", X, filters=2, kernel_size=1)], "layer d: Conv2D takes inputs of rank 4"),
        ([layer("Dense", "d", [X, X], units=2)], "layer d: Dense takes one input, 2 were given"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_by_name(layers: list[dict[str, Any]], reason: str) -> None:
    model = Model.from_config(functional([given("x", 2), *layers], *ENDS))
    with pytest.raises(ValueError, match=reason):
        model.output_shapes()


def test_what_a_model_is_called_with_is_checked() -> None:
    model = Model.from_config(functional([given("x", 2), DENSE], *ENDS))
    weights = random_weights(model)
    x = variable(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"takes 1 inputs \(x\), 2 were given"):
        model.call([x, x], weights, Context())
    with pytest.raises(ValueError, match="layer x: InputLayer is of shape"):
        model.call([variable(np.ones((3, 5)))], weights, Context())
    with pytest.raises(ValueError, match="a mask or None for each input, got 2"):
        model.call([x], weights, Context(masks=(None, None)))
    with pytest.raises(ValueError, match="layer d: weight kernel is missing"):
        model.call([x], {}, Context())
    with pytest.raises(ValueError, match="layer d: weight bias is of shape"):
        model.call([x], {("d",): {**weights["d",], "bias": x}}, Context())


def test_references_say_where_they_lead() -> None:
    assert str(Reference("d", 1, 2)) == "output 2 of call 1 of layer d"
