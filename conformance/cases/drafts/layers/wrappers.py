"""Layers around another layer, and layers of any cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.recurrent import cell as draft_cell


def inside(class_name: str, **config: Any) -> dict[str, Any]:
    """A layer inside a configuration, as Keras's JSON has it."""
    return {"module": "keras.layers", "class_name": class_name, "config": config, "registered_name": None}


NAMED = {"kernel_initializer": "glorot_uniform"}
"""The argument whose default differs between backends: the wrapper is judged, not the layer inside."""

NON_NEGATIVE = {"class_name": "NonNeg", "config": {}}


def time_distributed() -> Iterator[Case]:
    def case(layer: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        config = {"layer": layer} | more.pop("config", {})
        return draft_layer("layers.TimeDistributed", config, [recipe(regime, *shape)], **more)

    dense = inside("Dense", units=3, **NAMED)
    yield case(dense, 2, 4, 5, training=True, once=True)
    for shape in ((3, 2, 4), (1, 1, 1), (2, 3, 4, 5), (0, 3, 4), (2, 1, 4), (3, 3, 3)):
        yield case(dense, *shape)
    yield case(inside("Dense", units=4, activation="relu", use_bias=False, **NAMED), 2, 3, 5)
    yield case(inside("Dense", units=3, trainable=False, **NAMED), 2, 3, 4)
    yield case(dense, 2, 3, 4, config={"trainable": False})
    conv = inside("Conv2D", filters=3, kernel_size=[2, 1], padding="same", **NAMED)
    yield case(conv, 2, 3, 4, 5, 2)
    yield case(inside("Flatten", data_format="channels_last"), 2, 3, 4, 5)
    yield case(inside("Activation", activation="tanh"), 2, 3, 4)
    yield case(inside("Softmax", axis=-1), 2, 3, 4)
    yield case(inside("Softmax", axis=-1), 2, 3, 4, masks=[recipe("mask", 2, 3, 4, dtype="bool")])
    yield case(dense, 2, 3, 4, masks=[recipe("mask", 2, 3, dtype="bool")])
    yield case(dense, 2, 3, 4, regime="one_nan")
    recurrent = inside("LSTM", units=3, recurrent_activation="sigmoid", unit_forget_bias=True, **NAMED)
    yield case(recurrent, 2, 3, 4, 5, weights="small_normal")
    simple = inside("SimpleRNN", units=3, return_sequences=True, **NAMED)
    yield case(simple, 2, 3, 4, 5, weights="small_normal")
    # What a backend does otherwise with a layer by itself, it does inside another too.
    yield case(inside("Dense", units=3, activation="hard_sigmoid"), 2, 3, 4)
    yield case(inside("Dense", units=3, kernel_constraint=NON_NEGATIVE), 2, 3, 4)
    yield case(inside("ReLU", negative_slope=0.5), 2, 3, 4)
    yield case(inside("LeakyReLU", negative_slope=0.5), 2, 3, 4)
    yield case(inside("PReLU"), 2, 3, 4)
    yield case(inside("LayerNormalization"), 2, 3, 4)
    yield case(inside("BatchNormalization", axis=1), 2, 3, 4, weights={"moving_variance": "positive"})
    yield case(inside("GlobalMaxPooling1D"), 2, 3, 5, 4)
    yield case(inside("Conv1D", filters=2, kernel_size=2, activation="gelu"), 2, 3, 5, 4)
    yield case(inside("DepthwiseConv2D", kernel_size=2), 2, 3, 5, 4, 2)


def bidirectional() -> Iterator[Case]:
    def case(layer: dict[str, Any], *shape: int, **more: Any) -> Case:
        config = {"layer": layer} | more.pop("config", {})
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.Bidirectional", config, [recipe("normal", *shape)], **more)

    def lstm(**config: Any) -> dict[str, Any]:
        gates = {"recurrent_activation": "sigmoid", "unit_forget_bias": True}
        return inside("LSTM", name="inner", units=3, **gates, **NAMED, **config)

    def gru(**config: Any) -> dict[str, Any]:
        gates = {"recurrent_activation": "sigmoid", "reset_after": False}
        return inside("GRU", name="inner", units=3, **gates, **NAMED, **config)

    simple = inside("SimpleRNN", name="inner", units=3, **NAMED)
    yield case(simple, 2, 3, 4)
    yield case(simple, 2, 3, 4, config={"merge_mode": "sum"}, masks=[recipe("mask", 2, 3, dtype="bool")])
    everything = {"return_sequences": True, "return_state": True}
    yield case(lstm(), 2, 4, 5, training=True, once=True)
    for mode in ("sum", "mul", "ave", "concat", None):
        yield case(gru(), 2, 3, 4, config={"merge_mode": mode})
        yield case(lstm(**everything), 2, 3, 4, config={"merge_mode": mode})
    yield case(gru(return_sequences=True), 2, 3, 4)
    state = [recipe("normal", 2, 3)]
    yield case(gru(return_sequences=True), 2, 3, 4, initial_state=state * 2)
    yield case(lstm(return_state=True), 2, 3, 4, initial_state=state * 4)
    masks = [recipe("mask", 3, 4, dtype="bool")]
    yield case(inside("SimpleRNN", name="inner", units=3, activation="relu6"), 2, 3, 4)
    gates = {"reset_after": False, "recurrent_activation": "hard_sigmoid"}
    yield case(inside("GRU", name="inner", units=3, **gates), 2, 3, 4)
    yield case(inside("LSTM", name="inner", units=3, kernel_constraint=NON_NEGATIVE), 2, 3, 4)
    yield case(gru(), 3, 4, 5, masks=masks)
    yield case(gru(return_sequences=True), 3, 4, 5, masks=masks)
    yield case(lstm(**everything), 3, 4, 5, masks=[recipe("mask_right_padded", 3, 4, dtype="bool")])
    yield case(gru(use_bias=False), 2, 3, 4)
    yield case(gru(trainable=False), 2, 3, 4)
    yield case(gru(), 2, 3, 4, config={"trainable": False})
    yield case(lstm(), 1, 1, 1)
    yield case(gru(), 0, 3, 4)
    for stack in STACKS[0], STACKS[2]:
        cell = inside("StackedRNNCells", cells=list(stack))
        repeated = inside("RNN", name="inner", cell=cell, return_sequences=True)
        yield case(repeated, 2, 3, 5)
        apart = {"config": {"merge_mode": None}, "gradients": False}
        yield case(repeated, 3, 4, 5, masks=[recipe("mask", 3, 4, dtype="bool")], **apart)
    yield case(inside("RNN", name="inner", cell=GRU_CELL, return_state=True), 2, 3, 4)
    other = lstm(go_backwards=True)
    other["config"] |= {"name": "other", "units": 2}
    yield case(gru(), 2, 3, 4, config={"backward_layer": other})


SIMPLE_CELL = inside("SimpleRNNCell", name="simple", units=3, **NAMED)
LSTM_CELL = inside(
    "LSTMCell", name="lstm", units=4, recurrent_activation="sigmoid", unit_forget_bias=True, **NAMED
)
GRU_CELL = inside("GRUCell", name="gru", units=2, recurrent_activation="sigmoid", reset_after=False, **NAMED)
"""Cells of different sizes."""

OTHER_LSTM_CELL = LSTM_CELL | {"config": LSTM_CELL["config"] | {"name": "other"}}

STACKS: tuple[tuple[dict[str, Any], ...], ...] = (
    (SIMPLE_CELL, GRU_CELL),
    (GRU_CELL, SIMPLE_CELL),
    (LSTM_CELL, GRU_CELL),
    (SIMPLE_CELL, LSTM_CELL),
    (LSTM_CELL, OTHER_LSTM_CELL),
    (SIMPLE_CELL, LSTM_CELL, GRU_CELL),
)
"""Stacks of cells with one state, with two, and with either."""


def rnn() -> Iterator[Case]:
    def case(cell: dict[str, Any], *shape: int, **more: Any) -> Case:
        config = {"cell": cell} | more.pop("config", {})
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.RNN", config, [recipe("normal", *shape)], **more)

    simple = inside("SimpleRNNCell", units=3, **NAMED)
    lstm = inside("LSTMCell", units=3, recurrent_activation="sigmoid", unit_forget_bias=True, **NAMED)
    gru = inside("GRUCell", units=3, recurrent_activation="sigmoid", reset_after=False, **NAMED)
    yield case(simple, 2, 4, 5, training=True, once=True)
    for cell in (simple, lstm, gru):
        yield case(cell, 2, 3, 4)
        yield case(cell, 2, 3, 4, config={"return_sequences": True, "return_state": True})
        yield case(cell, 2, 3, 4, config={"go_backwards": True, "return_sequences": True})
        masks = [recipe("mask", 3, 4, dtype="bool")]
        yield case(cell, 3, 4, 5, config={"return_sequences": True}, masks=masks)
    after = inside("GRUCell", units=3, recurrent_activation="sigmoid", reset_after=True, **NAMED)
    yield case(after, 2, 3, 4, config={"return_sequences": True})
    for argument in ("unroll", "stateful"):
        yield case(simple, 2, 3, 4, config={argument: True})
    yield case(simple, 2, 3, 4, config={"trainable": False})
    state = [recipe("normal", 2, 3)]
    yield case(gru, 2, 3, 4, config={"return_state": True}, initial_state=state)
    yield case(lstm, 2, 3, 4, config={"return_sequences": True}, initial_state=state * 2)
    masks = [recipe("mask_right_padded", 3, 4, dtype="bool")]
    zeros = {"return_sequences": True, "zero_output_for_mask": True}
    yield case(lstm, 3, 4, 5, config=zeros, masks=masks)
    yield case(inside("SimpleRNNCell", units=1, **NAMED), 1, 1, 1)
    yield case(gru, 0, 3, 4)
    yield case(inside("SimpleRNNCell", units=2, trainable=False, **NAMED), 2, 3, 4)
    yield from rnn_of_stack()


def rnn_of_stack() -> Iterator[Case]:
    def case(*cells: dict[str, Any], times: int = 3, batch: int = 2, **more: Any) -> Case:
        config = {"cell": inside("StackedRNNCells", cells=list(cells))} | more.pop("config", {})
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.RNN", config, [recipe("normal", batch, times, 5)], **more)

    everything = {"return_sequences": True, "return_state": True}
    for stack in STACKS:
        yield case(*stack)
        yield case(*stack, config=everything)
    yield case(*STACKS[2], config={"cell": list(STACKS[2])})
    yield case(*STACKS[4], config=everything | {"cell": list(STACKS[4])})
    yield case(LSTM_CELL)
    yield case(SIMPLE_CELL, config=everything)
    for argument in ("go_backwards", "unroll", "stateful"):
        for stack in STACKS[::2]:
            yield case(*stack, config={"return_sequences": True, argument: True})
    for stack in STACKS[:3]:
        masks = [recipe("mask", 3, 4, dtype="bool")]
        yield case(*stack, config=everything, batch=3, times=4, masks=masks)
        zeros = {"return_sequences": True, "zero_output_for_mask": True}
        yield case(*stack, config=zeros, batch=3, times=4, masks=masks)
    sizes = {"simple": [3], "lstm": [4, 4], "other": [4, 4], "gru": [2]}
    for stack in STACKS:
        state = [recipe("normal", 2, n) for cell in stack for n in sizes[cell["config"]["name"]]]
        yield case(*stack, config=everything, initial_state=state, gradients=len(stack) < 3)
    yield case(*STACKS[0], batch=0)
    yield case(*STACKS[2], batch=0)
    yield case(*STACKS[0], config={"trainable": False})


def stacked_rnn_cells() -> Iterator[Case]:
    def case(
        *cells: dict[str, Any], batch: int = 2, config: dict[str, Any] | None = None, **more: Any
    ) -> Case:
        return draft_cell("StackedRNNCells", {"cells": list(cells)} | (config or {}), batch, 5, **more)

    yield case(*STACKS[0], training=True, once=True)
    for stack in STACKS[1:]:
        yield case(*stack)
    yield case(GRU_CELL)
    yield case(LSTM_CELL)
    yield case(*STACKS[2], config={"trainable": False})
    frozen = GRU_CELL | {"config": GRU_CELL["config"] | {"trainable": False}}
    yield case(LSTM_CELL, frozen)
    yield case(*STACKS[1], batch=0)
    yield case(*STACKS[3], batch=1, regime="one_nan")
