"""Calls get the numbers that TensorFlow.js will give them, and the model stays what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.models import Model
from conformance.reference_impl.models.graph import graph
from conformance.reference_impl.saving.tfjs_order import counted_as_made, order_of_calls
from conformance.reference_impl.tape import Tensor
from tests.reference_impl.test_models import functional, layer
from tests.reference_impl.test_models import given as input_layer

UNITS = 2


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    """Of some layers, each called on the input or on what any of them has given before, with the layers and
    the numbers of their calls in any order."""
    names = [f"d{i}" for i in range(draw(st.integers(1, 4)))]
    made: list[tuple[str, int]] = [("x", 0)]
    calls: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for name in names + draw(st.lists(st.sampled_from(names), max_size=5)):
        calls[name].append(draw(st.sampled_from(made)))
        made.append((name, len(calls[name]) - 1))
    numbers = {name: draw(st.permutations(range(len(own)))) for name, own in calls.items()} | {"x": [0]}

    def told(call: tuple[str, int]) -> tuple[str, int, int]:
        return call[0], numbers[call[0]][call[1]], 0

    members = [input_layer("x", UNITS)]
    for name, own in calls.items():
        nodes = [told(own[numbers[name].index(number)]) for number in range(len(own))]
        members.append(layer("Dense", name, *nodes, units=UNITS, activation="tanh"))
    return functional(draw(st.permutations(members)), [["x", 0, 0]], [[*told(call)] for call in made[1:]])


def outputs(description: dict[str, Any]) -> list[Any]:
    """Of a model with weights of its own in every layer, by the layers' names."""
    model = Model.from_config(description)
    weights = {
        path: {
            w.name: Tensor(np.random.default_rng(list(path[-1].encode())).normal(size=w.shape)) for w in own
        }
        for path, own in model.declare_weights().items()
    }
    return [y.value for y in model.call([Tensor(np.ones((1, UNITS)))], weights, Context()).outputs]


@given(models())
def test_what_tensorflow_js_makes_is_counted_in_its_order(description: dict[str, Any]) -> None:
    new, changed = counted_as_made(description)
    found = graph(new)
    made = order_of_calls(found.layers, found.calls)
    assert all(call.index in made[call.layer] for call in found.calls)
    assert all(order == sorted(order) for order in made.values())
    assert counted_as_made(new) == (new, ())
    assert bool(changed) == (new != description)


@given(models())
def test_the_same_is_computed(description: dict[str, Any]) -> None:
    new, _ = counted_as_made(description)
    np.testing.assert_array_equal(outputs(new), outputs(description))


def test_a_model_inside_counts_from_one_among_the_outputs() -> None:
    """`inner` is called on what `late` gives, and before that, as its second call, on the input."""
    own = layer("Dense", "own", ("y", 0, 0), units=UNITS)
    inner = functional([input_layer("y", UNITS), own], [["y", 0, 0]], [["own", 0, 0]], "inner")
    called = layer("", "inner", ("late", 0, 0), ("x", 0, 0))
    late = layer("Dense", "late", ("x", 0, 0), units=UNITS)
    members = [input_layer("x", UNITS), {**inner, "inbound_nodes": called["inbound_nodes"]}, late]
    description = functional(members, [["x", 0, 0]], [["inner", 1, 0], ["inner", 2, 0]])
    new, (changed,) = counted_as_made(description)
    assert changed.path == ("inner",)
    assert new["config"]["output_layers"] == [["inner", 2, 0], ["inner", 1, 0]]
    np.testing.assert_array_equal(outputs(new), outputs(description))


def test_a_model_inside_is_counted_too() -> None:
    members = [
        input_layer("x", UNITS),
        layer("Dense", "shared", ("late", 0, 0), ("x", 0, 0), units=UNITS),
        layer("Dense", "late", ("x", 0, 0), units=UNITS),
    ]
    inner = functional(members, [["x", 0, 0]], [["shared", 0, 0], ["shared", 1, 0]], "inner")
    around = [
        input_layer("z", UNITS),
        {**inner, "inbound_nodes": layer("", "", ("z", 0, 0))["inbound_nodes"]},
    ]
    distributed = layer("TimeDistributed", "times", layer=inner)
    for held in (around, [input_layer("z", 3, UNITS), distributed]):
        sequential = {"class_name": "Sequential", "config": {"name": "outer", "layers": held}}
        new, (changed,) = counted_as_made(sequential)
        assert changed.path[-2:] == ("inner", "shared")
        assert '["shared", 1, 0], ["shared", 0, 0]' in str(new).replace("'", '"')
