"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L1L2, L2, MAX_NORM, NON_NEG
from conformance.reference_impl import layers


def lstm() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        # The gates' function is named, so that a backend whose default differs is judged by all the rest.
        config = {"recurrent_activation": "sigmoid"} | config
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.LSTM", config, [recipe(regime, *shape)], **more)

    bare = [recipe("normal", 2, 4, 5)]
    yield draft_layer("layers.LSTM", {"units": 3}, bare, weights="small_normal", training=True, once=True)
    for units in (1, 4, 5):
        yield case({"units": units, "return_sequences": True}, 2, 3, 4, weights="normal")
    yield case({"units": 3, "return_state": True}, 2, 4, 5)
    yield case({"units": 3, "return_sequences": True, "return_state": True}, 2, 4, 5)
    yield case({"units": 3, "go_backwards": True}, 2, 4, 5)
    yield case({"units": 3, "go_backwards": True, "return_sequences": True}, 2, 4, 5)
    yield case({"units": 3, "use_bias": False}, 2, 3, 4)
    yield case({"units": 3, "trainable": False}, 2, 3, 4)
    yield case({"units": 3, "unit_forget_bias": False}, 2, 3, 4)
    yield case({"units": 3, "unroll": True, "return_sequences": True}, 2, 3, 4)
    yield case({"units": 3, "stateful": True}, 2, 3, 4)
    yield case({"units": 3, "use_cudnn": False}, 2, 3, 4)
    yield case({"units": 3, "seed": 7, "dropout": 0.5, "recurrent_dropout": 0.25}, 2, 3, 4)
    for activation in ("relu", "linear", "softsign"):
        yield case({"units": 3, "activation": activation}, 2, 3, 4)
    for activation in ("hard_sigmoid", "relu", "tanh"):
        yield case({"units": 3, "recurrent_activation": activation}, 2, 3, 4)
    state = [recipe("normal", 2, 3), recipe("normal", 2, 3)]
    yield case({"units": 3}, 2, 4, 5, initial_state=state)
    yield case({"units": 3, "return_sequences": True, "return_state": True}, 2, 4, 5, initial_state=state)
    for mask in ("mask_right_padded", "mask_left_padded", "mask", "mask_first_false", "mask_all_true"):
        masks = [recipe(mask, 3, 4, dtype="bool")]
        yield case({"units": 3}, 3, 4, 5, masks=masks)
        yield case({"units": 3, "return_sequences": True, "return_state": True}, 3, 4, 5, masks=masks)
    masks = [recipe("mask_right_padded", 3, 4, dtype="bool")]
    yield case({"units": 3, "go_backwards": True, "return_sequences": True}, 3, 4, 5, masks=masks)
    yield case({"units": 3, "return_sequences": True, "zero_output_for_mask": True}, 3, 4, 5, masks=masks)
    yield case({"units": 2}, 1, 1, 1, weights="normal")
    yield case({"units": 4}, 2, 10, 3)
    yield case({"units": 3}, 0, 3, 4)
    yield case({"units": 3, "use_cudnn": False}, 0, 3, 4)
    yield case(
        {
            "units": 3,
            "kernel_initializer": "zeros",
            "recurrent_initializer": "glorot_uniform",
            "bias_initializer": "ones",
            "kernel_regularizer": L2,
            "recurrent_regularizer": L1L2,
            "bias_regularizer": L2,
            "activity_regularizer": L2,
            "kernel_constraint": NON_NEG,
            "recurrent_constraint": MAX_NORM,
            "bias_constraint": NON_NEG,
        },
        2, 3, 4,
    )  # fmt: skip


def cell(name: str, config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
    """A case about a cell, which is given its states."""
    subject = f"layers.{name}"
    states = layers.get(name).from_config(config).output_shapes([shape])[1:]
    given = [recipe("normal", *state) for state in states]  # type: ignore[arg-type]  # inputs are concrete
    more = {"weights": "small_normal", "initial_state": given} | more
    return draft_layer(subject, config, [recipe(regime, *shape)], **more)


def cells(name: str, **gates: Any) -> Iterator[Case]:
    """What all cells are asked; `gates` are the arguments whose defaults differ between backends."""
    yield cell(name, {"units": 3}, 2, 5, training=True, once=True)
    for units in (1, 4, 5):
        yield cell(name, gates | {"units": units}, 2, 4, weights="normal")
    for argument in ("use_bias", "trainable"):
        yield cell(name, gates | {"units": 3, argument: False}, 2, 4)
    for activation in ("relu", "linear"):
        yield cell(name, gates | {"units": 3, "activation": activation}, 2, 4)
    dropped = {"seed": 7, "dropout": 0.5, "recurrent_dropout": 0.25}
    yield cell(name, gates | {"units": 3} | dropped, 2, 4)
    yield cell(name, gates | {"units": 2}, 1, 1)
    yield cell(name, gates | {"units": 3}, 0, 4)
    yield cell(name, gates | {"units": 3}, 2, 4, regime="one_nan")
    yield cell(name, gates | REGULARIZED, 2, 4)


def simple_rnn_cell() -> Iterator[Case]:
    yield from cells("SimpleRNNCell")


def lstm_cell() -> Iterator[Case]:
    yield from cells("LSTMCell", recurrent_activation="sigmoid")
    yield cell("LSTMCell", {"units": 3, "recurrent_activation": "hard_sigmoid"}, 2, 4)
    yield cell("LSTMCell", {"units": 3, "recurrent_activation": "sigmoid", "unit_forget_bias": False}, 2, 4)


def gru_cell() -> Iterator[Case]:
    yield from cells("GRUCell", recurrent_activation="sigmoid", reset_after=False)
    for after in (True, False):
        gates = {"recurrent_activation": "sigmoid", "reset_after": after}
        for units in (3, 4):
            yield cell("GRUCell", gates | {"units": units}, 2, 4)
        yield cell("GRUCell", gates | {"units": 3, "use_bias": False}, 2, 4)
    gates = {"recurrent_activation": "hard_sigmoid", "reset_after": False}
    yield cell("GRUCell", gates | {"units": 3}, 2, 4)


REGULARIZED = {
    "units": 3,
    "kernel_initializer": "zeros",
    "recurrent_initializer": "glorot_uniform",
    "bias_initializer": "ones",
    "kernel_regularizer": L2,
    "recurrent_regularizer": L1L2,
    "bias_regularizer": L2,
    "kernel_constraint": NON_NEG,
    "recurrent_constraint": MAX_NORM,
    "bias_constraint": NON_NEG,
}
"""Every argument about what weights begin as, and are held to."""


def simple_rnn() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.SimpleRNN", config, [recipe(regime, *shape)], **more)

    yield case({"units": 3}, 2, 4, 5, training=True, once=True)
    for units in (1, 4, 5):
        yield case({"units": units, "return_sequences": True}, 2, 3, 4, weights="normal")
    yield case({"units": 3, "return_state": True}, 2, 4, 5)
    yield case({"units": 3, "return_sequences": True, "return_state": True}, 2, 4, 5)
    yield case({"units": 3, "go_backwards": True, "return_sequences": True}, 2, 4, 5)
    for argument, value in (("use_bias", False), ("trainable", False), ("unroll", True), ("stateful", True)):
        yield case({"units": 3, argument: value}, 2, 3, 4)
    yield case({"units": 3, "seed": 7, "dropout": 0.5, "recurrent_dropout": 0.25}, 2, 3, 4)
    for activation in ("relu", "linear", "softsign"):
        yield case({"units": 3, "activation": activation}, 2, 3, 4)
    state = [recipe("normal", 2, 3)]
    yield case({"units": 3, "return_sequences": True, "return_state": True}, 2, 4, 5, initial_state=state)
    for mask in ("mask_right_padded", "mask", "mask_first_false"):
        masks = [recipe(mask, 3, 4, dtype="bool")]
        yield case({"units": 3, "return_sequences": True, "return_state": True}, 3, 4, 5, masks=masks)
    masks = [recipe("mask_right_padded", 3, 4, dtype="bool")]
    yield case({"units": 3, "go_backwards": True}, 3, 4, 5, masks=masks)
    yield case({"units": 3, "return_sequences": True, "zero_output_for_mask": True}, 3, 4, 5, masks=masks)
    yield case({"units": 2}, 1, 1, 1, weights="normal")
    yield case({"units": 3}, 0, 3, 4)
    yield case({"units": 3, "return_sequences": True}, 2, 3, 4, regime="one_nan")
    yield case({"units": 4}, 2, 10, 3)
    yield case(REGULARIZED, 2, 3, 4)
    yield case({"units": 3, "activity_regularizer": L2}, 2, 3, 4)


def gru() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        # Both are named, so that a backend whose default differs is judged by all the rest.
        config = {"recurrent_activation": "sigmoid", "reset_after": False} | config
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.GRU", config, [recipe(regime, *shape)], **more)

    bare = [recipe("normal", 2, 4, 5)]
    yield draft_layer("layers.GRU", {"units": 3}, bare, weights="small_normal", training=True, once=True)
    for after in (False, True):
        for units in (1, 4, 5):
            config = {"units": units, "reset_after": after, "return_sequences": True}
            yield case(config, 2, 3, 4, weights="normal")
        yield case({"units": 3, "reset_after": after, "return_state": True}, 2, 4, 5)
        yield case({"units": 3, "reset_after": after, "use_bias": False}, 2, 3, 4)
        yield case({"units": 3, "reset_after": after, "activation": "relu"}, 2, 3, 4)
        masks = [recipe("mask", 3, 4, dtype="bool")]
        yield case({"units": 3, "reset_after": after, "return_sequences": True}, 3, 4, 5, masks=masks)
        yield case({"units": 3, "reset_after": after, "use_cudnn": False}, 2, 3, 4)
        dropped = {"seed": 7, "dropout": 0.5, "recurrent_dropout": 0.25, "reset_after": after}
        yield case({"units": 3} | dropped, 2, 3, 4)
        yield case(REGULARIZED | {"reset_after": after}, 2, 3, 4)
    yield case({"units": 3, "return_sequences": True, "return_state": True}, 2, 4, 5)
    yield case({"units": 3, "go_backwards": True, "return_sequences": True}, 2, 4, 5)
    for argument in ("unroll", "stateful"):
        yield case({"units": 3, argument: True}, 2, 3, 4)
    yield case({"units": 3, "trainable": False}, 2, 3, 4)
    for activation in ("linear", "softsign"):
        yield case({"units": 3, "activation": activation}, 2, 3, 4)
    for activation in ("hard_sigmoid", "relu", "tanh"):
        yield case({"units": 3, "recurrent_activation": activation}, 2, 3, 4)
    state = [recipe("normal", 2, 3)]
    yield case({"units": 3, "return_sequences": True, "return_state": True}, 2, 4, 5, initial_state=state)
    for mask in ("mask_right_padded", "mask_first_false"):
        masks = [recipe(mask, 3, 4, dtype="bool")]
        yield case({"units": 3, "return_sequences": True, "return_state": True}, 3, 4, 5, masks=masks)
    masks = [recipe("mask_right_padded", 3, 4, dtype="bool")]
    yield case({"units": 3, "go_backwards": True}, 3, 4, 5, masks=masks)
    yield case({"units": 3, "return_sequences": True, "zero_output_for_mask": True}, 3, 4, 5, masks=masks)
    yield case({"units": 2}, 1, 1, 1, weights="normal")
    yield case({"units": 3}, 0, 3, 4)
    yield case({"units": 3, "return_sequences": True}, 2, 3, 4, regime="one_nan")
    yield case({"units": 4}, 2, 10, 3)
    yield case({"units": 3, "activity_regularizer": L2}, 2, 3, 4)


CONVOLVED = {"filters": 3, "kernel_size": [2, 3], "recurrent_activation": "sigmoid", "unit_forget_bias": True}
"""A ConvLSTM2D, or its cell, of which no two dimensions are alike. Its gates are named, so that a backend
whose defaults differ is judged by all the rest."""

GEOMETRIES: tuple[dict[str, Any], ...] = (
    {"padding": "same"},
    {"kernel_size": 1},
    {"kernel_size": [3, 1], "padding": "same"},
    {"strides": 2},
    {"strides": [1, 2], "padding": "same"},
    {"strides": [2, 1]},
    {"dilation_rate": 2},
    {"dilation_rate": [1, 2], "padding": "same"},
    {"data_format": "channels_last", "padding": "same"},
)
"""What the windows over the input are like."""

WEIGHED: dict[str, Any] = {name: value for name, value in REGULARIZED.items() if name != "units"}


def conv_lstm2d_cell() -> Iterator[Case]:
    bare = {"filters": 3, "kernel_size": 2}
    yield cell("ConvLSTM2DCell", bare, 2, 4, 5, 2, training=True, once=True)

    def case(config: dict[str, Any], *shape: int, **more: Any) -> Case:
        return cell("ConvLSTM2DCell", CONVOLVED | config, *shape, **more)

    for geometry in GEOMETRIES:
        yield case(geometry, 2, 5, 6, 2)
    yield case({"data_format": "channels_first"}, 2, 2, 4, 5)
    for filters in (1, 4, 5):
        yield case({"filters": filters}, 2, 3, 4, 2, weights="normal")
    for argument in ("use_bias", "trainable", "unit_forget_bias"):
        yield case({argument: False}, 2, 3, 4, 2)
    for activation in ("relu", "linear"):
        yield case({"activation": activation}, 2, 3, 4, 2)
    for activation in ("hard_sigmoid", "tanh"):
        yield case({"recurrent_activation": activation}, 2, 3, 4, 2)
    yield case({"seed": 7, "dropout": 0.5, "recurrent_dropout": 0.25}, 2, 3, 4, 2)
    yield case({"kernel_size": 1}, 1, 1, 1, 1)
    yield case({}, 0, 3, 4, 2)
    yield case({"padding": "same"}, 2, 3, 4, 2, regime="one_nan")
    yield case(WEIGHED, 2, 3, 4, 2)


def conv_lstm2d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.ConvLSTM2D", CONVOLVED | config, [recipe(regime, *shape)], **more)

    bare = {"filters": 3, "kernel_size": 2}
    images = [recipe("normal", 2, 3, 4, 5, 2)]
    yield draft_layer("layers.ConvLSTM2D", bare, images, weights="small_normal", training=True, once=True)
    everything = {"return_sequences": True, "return_state": True}
    for geometry in GEOMETRIES:
        yield case(everything | geometry, 2, 3, 5, 6, 2)
    yield case({"data_format": "channels_first"}, 2, 3, 2, 4, 5)
    yield case(everything | {"data_format": "channels_first", "padding": "same"}, 2, 2, 2, 4, 5)
    for filters in (1, 4):
        yield case({"filters": filters, "return_sequences": True}, 2, 3, 3, 4, 2, weights="normal")
    yield case({"return_state": True}, 2, 3, 3, 4, 2)
    yield case({"go_backwards": True}, 2, 3, 3, 4, 2)
    yield case({"go_backwards": True, "return_sequences": True}, 2, 3, 3, 4, 2)
    for argument in ("unroll", "stateful"):
        yield case({argument: True}, 2, 3, 3, 4, 2)
    for argument in ("use_bias", "trainable", "unit_forget_bias"):
        yield case({argument: False}, 2, 3, 3, 4, 2)
    for activation in ("relu", "softsign"):
        yield case({"activation": activation}, 2, 3, 3, 4, 2)
    for activation in ("hard_sigmoid", "tanh"):
        yield case({"recurrent_activation": activation}, 2, 3, 3, 4, 2)
    yield case({"seed": 7, "dropout": 0.5, "recurrent_dropout": 0.25}, 2, 3, 3, 4, 2)
    state = [recipe("normal", 2, 2, 2, 3)] * 2
    yield case({}, 2, 3, 3, 4, 2, initial_state=state)
    yield case(everything | {"go_backwards": True}, 2, 3, 3, 4, 2, initial_state=state)
    for mask in ("mask_right_padded", "mask_first_false", "mask_all_true"):
        masks = [recipe(mask, 3, 4, dtype="bool")]
        yield case(everything, 3, 4, 3, 4, 2, masks=masks)
    masks = [recipe("mask", 3, 4, dtype="bool")]
    yield case({}, 3, 4, 3, 4, 2, masks=masks)
    yield case({"unroll": True, "go_backwards": True}, 3, 4, 3, 4, 2, masks=masks)
    yield case({"return_sequences": True, "zero_output_for_mask": True}, 3, 4, 3, 4, 2, masks=masks)
    yield case({"kernel_size": 1, "filters": 1}, 1, 1, 1, 1, 1, weights="normal")
    yield case({}, 0, 3, 3, 4, 2)
    yield case({"padding": "same", "return_sequences": True}, 2, 3, 3, 4, 2, regime="one_nan")
    yield case(WEIGHED, 2, 3, 3, 4, 2)
    yield case({"activity_regularizer": L2}, 2, 3, 3, 4, 2)
