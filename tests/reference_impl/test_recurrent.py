"""Recurrent layers, their cells and layers around others against their equations, step by step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.tape import variable
from tests.reference_impl.layer_calls import call, described, drawn, weights_for


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm_by_loops(x: Array, weights: dict[str, Array], mask: Array | None, backwards: bool) -> Array:
    """h and c as (sample, time, 2, units), one sample after the other, from the equations."""
    units = weights["recurrent_kernel"].shape[0]
    slices = {gate: slice(k * units, (k + 1) * units) for k, gate in enumerate("ifco")}
    histories = []
    for sample in range(x.shape[0]):
        h, c, history = np.zeros(units), np.zeros(units), []
        times = range(x.shape[1])
        for t in reversed(times) if backwards else times:
            if mask is None or mask[sample, t]:
                z = {
                    gate: x[sample, t] @ weights["kernel"][:, s]
                    + h @ weights["recurrent_kernel"][:, s]
                    + weights["bias"][s]
                    for gate, s in slices.items()
                }
                c = sigmoid(z["f"]) * c + sigmoid(z["i"]) * np.tanh(z["c"])
                h = sigmoid(z["o"]) * np.tanh(c)
            history.append(np.stack([h, c]))
        histories.append(history)
    return np.array(histories)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_lstm_is_its_equations(backwards: bool, masked: bool) -> None:
    lstm = layers.LSTM(4, return_sequences=True, return_state=True, go_backwards=backwards)
    x, weights = drawn((3, 5, 2)), weights_for(lstm, (3, 5, 2))
    mask = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [1, 1, 1, 1, 1]], bool) if masked else None
    sequence, h, c = call(lstm, [x], weights, masks=() if mask is None else (mask,)).outputs
    expected = lstm_by_loops(x, weights, mask, backwards)
    if mask is not None:
        # Where the first times are masked there is no output yet: zeros, as in the initial state.
        assert not expected[1, 0, 0].any() or backwards
    np.testing.assert_allclose(sequence.value, expected[:, :, 0], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(h.value, expected[:, -1, 0], rtol=1e-12)
    np.testing.assert_allclose(c.value, expected[:, -1, 1], rtol=1e-12)


@pytest.mark.parametrize("reset_after", [False, True])
def test_gru_is_its_equations(reset_after: bool) -> None:
    gru = layers.GRU(3, return_sequences=True, reset_after=reset_after)
    x, weights = drawn((2, 4, 5)), weights_for(gru, (2, 4, 5))
    (sequence,) = call(gru, [x], weights).outputs
    kernel, recurrent = (np.split(weights[name], 3, axis=1) for name in ("kernel", "recurrent_kernel"))
    rows = weights["bias"] if reset_after else np.stack([weights["bias"], np.zeros(9)])
    bias, recurrent_bias = (np.split(row, 3) for row in rows)
    h = np.zeros((2, 3))
    for t in range(4):
        z, r = (
            sigmoid(x[:, t] @ kernel[k] + bias[k] + h @ recurrent[k] + recurrent_bias[k]) for k in range(2)
        )
        u = r * (h @ recurrent[2] + recurrent_bias[2]) if reset_after else (r * h) @ recurrent[2]
        h = z * h + (1 - z) * np.tanh(x[:, t] @ kernel[2] + bias[2] + u)
        np.testing.assert_allclose(sequence.value[:, t], h, rtol=1e-12)


def test_simple_rnn_is_its_equation() -> None:
    rnn = layers.SimpleRNN(3, return_sequences=True, go_backwards=True)
    x, weights = drawn((2, 4, 5)), weights_for(rnn, (2, 4, 5))
    (sequence,) = call(rnn, [x], weights).outputs
    h = np.zeros((2, 3))
    for step, t in enumerate(reversed(range(4))):
        h = np.tanh(x[:, t] @ weights["kernel"] + weights["bias"] + h @ weights["recurrent_kernel"])
        np.testing.assert_allclose(sequence.value[:, step], h, rtol=1e-12)


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_layer_is_rnn_of_its_cell(name: str) -> None:
    layer = layers.get(name)(3, return_sequences=True, return_state=True)
    rnn = layers.RNN(described(layers.get(f"{name}Cell")(3)), return_sequences=True, return_state=True)
    x, weights = drawn((2, 4, 5)), weights_for(layer, (2, 4, 5))
    pairs = zip(call(layer, [x], weights).outputs, call(rnn, [x], weights).outputs, strict=True)
    assert all(np.array_equal(one.value, other.value) for one, other in pairs)


CELLS = [layers.LSTMCell(4, name="one"), layers.GRUCell(3), layers.LSTMCell(2, name="two")]


def stacked(cells: list[Any]) -> dict[str, Any]:
    return described(layers.StackedRNNCells([described(cell) for cell in cells]))


def own_weights(weights: dict[str, Array], scope: str) -> dict[str, Array]:
    return {n.removeprefix(f"{scope}/"): w for n, w in weights.items() if n.startswith(f"{scope}/")}


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_stack_repeated_is_layers_one_after_the_other(backwards: bool, masked: bool) -> None:
    everything = {"return_sequences": True, "return_state": True}
    rnn = layers.RNN(stacked(CELLS), go_backwards=backwards, **everything)
    x, weights = drawn((2, 4, 5)), weights_for(rnn, (2, 4, 5))
    mask = np.array([[1, 1, 0, 1], [0, 1, 1, 0]], bool)
    masks: tuple[Array, ...] = (mask,) if masked else ()
    begin = [drawn((2, n), 50 + i) for i, n in enumerate((4, 4, 3, 2, 2))]
    sequence, *states = call(
        rnn, [x], weights, masks=masks, initial_state=tuple(map(variable, begin))
    ).outputs
    expected = []
    if backwards:
        x, masks = x[:, ::-1], tuple(mask[:, ::-1] for mask in masks)
    for cell, scope in zip(CELLS, ("one", "gru_cell", "two"), strict=True):
        given, begin = begin[: cell.states], begin[cell.states :]
        layer = layers.RNN(described(cell), **everything)
        out, *own = call(
            layer,
            [x],
            own_weights(weights, scope),
            masks=masks,
            initial_state=tuple(map(variable, given)),
        ).outputs
        x = out.value
        expected += [state.value for state in own]
    np.testing.assert_allclose(sequence.value, x, rtol=1e-13, atol=1e-15)
    for state, wanted in zip(states, expected, strict=True):
        np.testing.assert_allclose(state.value, wanted, rtol=1e-13, atol=1e-15)


def test_list_of_cells_is_their_stack() -> None:
    assert layers.RNN([described(cell) for cell in CELLS]).get_config() == (
        layers.RNN(stacked(CELLS)).get_config()
    )


def test_weights_of_a_stack_are_named_after_their_cells_and_trained_as_these_are() -> None:
    cells = [layers.GRUCell(2), layers.GRUCell(3, trainable=False), layers.SimpleRNNCell(1, name="top")]
    declared = layers.RNN(stacked(cells)).declare_weights([(2, 4, 5)])
    scopes = ("gru_cell", "gru_cell_1", "top")
    names = [f"{s}/{name}" for s in scopes for name in ("kernel", "recurrent_kernel", "bias")]
    assert [w.name for w in declared] == names
    assert [w.trainable for w in declared] == [True] * 3 + [False] * 3 + [True] * 3
    (alone,) = cells[:1]
    assert layers.StackedRNNCells([described(alone)]).declare_weights([(2, 5)]) == tuple(
        replace(weight, dtype="float32") for weight in alone.declare_weights([(2, 5)])
    )


def test_cells_of_a_stack_drop_apart() -> None:
    cells = [layers.SimpleRNNCell(8, "linear", dropout=0.5, name=f"c{i}") for i in range(2)]
    stack = layers.StackedRNNCells([described(cell) for cell in cells])
    weights = {
        f"c{i}/{name}": w
        for i in range(2)
        for name, w in (("kernel", np.eye(8)), ("recurrent_kernel", np.zeros((8, 8))), ("bias", np.zeros(8)))
    }
    states = (variable(np.zeros((64, 8))),) * 2
    out, first, _ = call(stack, [np.ones((64, 8))], weights, training=True, initial_state=states).outputs
    assert set(np.unique(first.value)) == {0.0, 2.0}
    assert 0.2 < np.mean(out.value == 4.0) < 0.3


def test_time_distributed_is_a_loop_over_time() -> None:
    conv = layers.Conv2D(2, 2)
    wrapper = layers.TimeDistributed(described(conv))
    x, weights = drawn((2, 3, 4, 5, 2)), weights_for(wrapper, (2, 3, 4, 5, 2))
    (out,) = call(wrapper, [x], weights).outputs
    for t in range(3):
        np.testing.assert_array_equal(out.value[:, t], call(conv, [x[:, t]], weights).outputs[0].value)


MERGED: dict[str | None, Callable[[Array, Array], list[Array]]] = {
    "sum": lambda y, z: [y + z],
    "mul": lambda y, z: [y * z],
    "ave": lambda y, z: [(y + z) / 2],
    "concat": lambda y, z: [np.concatenate([y, z], axis=-1)],
    None: lambda y, z: [y, z],
}


@pytest.mark.parametrize("mode", MERGED)
@pytest.mark.parametrize("sequences", [False, True])
def test_bidirectional_is_two_passes(mode: str | None, sequences: bool) -> None:
    forward = layers.LSTM(3, return_sequences=sequences, return_state=True, name="one")
    layer = layers.Bidirectional(described(forward), merge_mode=mode)
    x, weights = drawn((2, 4, 5)), weights_for(layer, (2, 4, 5))
    one, other = (
        {n.removeprefix(f"{scope}_one/"): w for n, w in weights.items() if n.startswith(scope)}
        for scope in ("forward", "backward")
    )
    (y, *states), (z, *others) = (
        [out.value for out in call(forward, [data], own).outputs]
        for data, own in ((x, one), (x[:, ::-1], other))
    )
    expected = [*MERGED[mode](y, z[:, ::-1] if sequences else z), *states, *others]
    for out, wanted in zip(call(layer, [x], weights).outputs, expected, strict=True):
        np.testing.assert_allclose(out.value, wanted, rtol=1e-13)


@pytest.mark.parametrize("mode", [mode for mode in MERGED if mode])
@pytest.mark.parametrize("sizes", [(1, 3), (3, 1)])
def test_bidirectional_merges_outputs_that_broadcast(mode: str, sizes: tuple[int, int]) -> None:
    forward, backward = layers.GRU(sizes[0]), layers.GRU(sizes[1], go_backwards=True)
    layer = layers.Bidirectional(described(forward), merge_mode=mode, backward_layer=described(backward))
    x, weights = drawn((2, 4, 5)), weights_for(layer, (2, 4, 5))
    assert [call(layer, [x], weights).outputs[0].shape] == list(layer.output_shapes([(2, 4, 5)]))


def convolved(x: Array, kernel: Array, config: dict[str, Any]) -> Array:
    """One image after the other, by the layer Conv2D, which has its own proof."""
    conv = layers.Conv2D(kernel.shape[-1], kernel.shape[:2], use_bias=False, **config)
    return call(conv, [x], {"kernel": kernel}).outputs[0].value


GEOMETRIES: list[dict[str, Any]] = [
    {},
    {"padding": "same", "strides": (1, 2)},
    {"dilation_rate": (2, 1)},
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("backwards", [False, True])
def test_conv_lstm_is_its_equations(geometry: dict[str, Any], backwards: bool) -> None:
    layer = layers.ConvLSTM2D(
        3, (2, 3), return_sequences=True, return_state=True, go_backwards=backwards, **geometry
    )
    x = drawn((2, 3, 4, 6, 2))
    weights = weights_for(layer, x.shape)
    bias, mask = np.split(weights["bias"], 4), np.array([[1, 0, 1], [1, 1, 1]], bool)
    kernel, recurrent = (np.split(weights[name], 4, axis=-1) for name in ("kernel", "recurrent_kernel"))
    sequence, *states = call(layer, [x], weights, masks=(mask,)).outputs
    h = c = np.zeros(states[0].shape)
    for step, t in enumerate(reversed(range(3)) if backwards else range(3)):
        i, f, g, o = (
            convolved(x[:, t], kernel[k], geometry)
            + bias[k]
            + convolved(h, recurrent[k], {"padding": "same"})
            for k in range(4)
        )
        kept = mask[:, t, None, None, None]
        c = np.where(kept, sigmoid(f) * c + sigmoid(i) * np.tanh(g), c)
        h = np.where(kept, sigmoid(o) * np.tanh(c), h)
        np.testing.assert_allclose(sequence.value[:, step], h, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(states[0].value, h, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(states[1].value, c, rtol=1e-11, atol=1e-14)


def test_conv_lstm_with_channels_first_is_the_one_with_channels_last() -> None:
    last, first = (
        layers.ConvLSTM2D(3, 2, return_sequences=True, data_format=f"channels_{where}")
        for where in ("last", "first")
    )
    x = drawn((2, 3, 4, 5, 2))
    weights = weights_for(last, x.shape)
    (expected,) = call(last, [x], weights).outputs
    (out,) = call(first, [np.moveaxis(x, -1, 2)], weights).outputs
    assert first.output_shapes([np.moveaxis(x, -1, 2).shape]) == (out.shape,)
    np.testing.assert_array_equal(out.value, np.moveaxis(expected.value, -1, 2))


def test_conv_lstm_drops_for_each_gate_apart_and_at_all_times_alike() -> None:
    cell = layers.ConvLSTM2DCell(1, 1, dropout=0.5, recurrent_dropout=0.5, use_bias=False)
    x, ones = np.ones((1, 3, 40, 40, 1)), {"kernel": np.ones((1, 1, 1, 4))}
    context = Context(training=True, rng_key=3)
    z = cell.project(variable(x), {n: variable(w) for n, w in ones.items()}, context).value
    assert set(np.unique(z)) == {0.0, 2.0}
    np.testing.assert_array_equal(z[:, 0], z[:, 2])
    for one, other in itertools.combinations(range(4), 2):
        assert 0.4 < np.mean(z[0, 0, ..., one] == z[0, 0, ..., other]) < 0.6
    h = variable(np.ones((1, 40, 40, 1)))
    recurrent = cell.recurrent(h, {"recurrent_kernel": variable(ones["kernel"])}, context).value
    assert set(np.unique(recurrent)) == {0.0, 2.0}
    assert 0.4 < np.mean(recurrent[0] == z[0, 0]) < 0.6
