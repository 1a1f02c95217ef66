"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L1L2, L2, MAX_NORM, NON_NEG


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
