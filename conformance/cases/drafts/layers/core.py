"""Layers with no room of their own: dense products, look-ups, shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.settings import L1L2, L2, MAX_NORM, NON_NEG, SCALING, UNIFORM


def dense() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Dense", config, [recipe(regime, *shape)], **more)

    yield case({"units": 3}, 2, 5, training=True, once=True)
    for activation in ("linear", "relu", "sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "softmax"):
        yield case({"units": 7, "activation": activation}, 4, 5)
    for activation in ("hard_sigmoid", "relu6", "gelu", "mish", "silu", "log_softmax"):
        yield case({"units": 7, "activation": activation}, 4, 5)
    yield case({"units": 6, "use_bias": False}, 3, 4)
    yield case({"units": 6, "use_bias": False, "activation": "relu"}, 3, 4)
    for shape in ((1, 1), (2, 3, 5), (2, 3, 4, 5), (2, 2, 3, 2, 4), (0, 5), (3, 16), (5, 17), (2, 49)):
        yield case({"units": 8}, *shape)
        yield case({"units": 8, "activation": "relu"}, *shape)
    for units in (1, 4, 9, 16, 48):
        yield case({"units": units}, 5, 33)
    yield case({"units": 6}, 3, 4, 5, masks=[recipe("mask_right_padded", 3, 4, dtype="bool")])
    # A kernel whose shape does not tell whether it is transposed.
    yield case({"units": 6}, 3, 6)
    for regime in (
        "lattice",
        "cancelling",
        "wide_exponents",
        "one_nan",
        "one_infinity",
        "subnormals",
        "tiny",
    ):
        yield case({"units": 5}, 4, 11, regime=regime)
    yield case({"units": 5}, 4, 11, regime="lattice", weights="lattice", cotangent="lattice")
    yield case(
        {"units": 33, "activation": "relu"}, 7, 48, regime="lattice", weights="lattice", cotangent="lattice"
    )
    yield case({"units": 8}, 8, 1024, gradients=False)
    yield case({"units": 64}, 16, 300)
    for rank, alpha in ((2, None), (2, 8), (1, 3)):
        yield case({"units": 5, "lora_rank": rank, "lora_alpha": alpha}, 3, 4)
    yield case(
        {
            "units": 4,
            "kernel_initializer": "he_normal",
            "bias_initializer": UNIFORM,
            "kernel_regularizer": L2,
            "bias_regularizer": L1L2,
            "activity_regularizer": L2,
            "kernel_constraint": MAX_NORM,
            "bias_constraint": NON_NEG,
        },
        2,
        3,
    )
    yield case({"units": 4, "kernel_initializer": SCALING, "trainable": False, "name": "own_name"}, 2, 3)


def embedding() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, rows: int = 7, **more: Any) -> Case:
        indices = recipe(f"indices:{rows}", *shape, dtype="int32")
        return draft_layer("layers.Embedding", config, [indices], **more)

    yield case({"input_dim": 7, "output_dim": 3}, 2, 5, training=True, once=True)
    for shape in ((4,), (1, 1), (2, 3, 4), (0, 3)):
        yield case({"input_dim": 7, "output_dim": 3}, *shape)
    yield case({"input_dim": 7, "output_dim": 3, "mask_zero": True}, 3, 4)
    yield case({"input_dim": 7, "output_dim": 3, "trainable": False}, 3, 4)
    yield case({"input_dim": 1, "output_dim": 1}, 2, 2, rows=1)
    yield case({"input_dim": 50, "output_dim": 17}, 3, 9, rows=50)
    repeated = Literal((2, 4), (1.0, 1.0, 1.0, 3.0, 3.0, 1.0, 0.0, 1.0), "int32")
    yield draft_layer("layers.Embedding", {"input_dim": 5, "output_dim": 3}, [repeated])
    for rank, alpha in ((2, None), (2, 8)):
        yield case({"input_dim": 7, "output_dim": 5, "lora_rank": rank, "lora_alpha": alpha}, 2, 3)
    yield case(
        {
            "input_dim": 7,
            "output_dim": 3,
            "embeddings_initializer": "normal",
            "embeddings_regularizer": L2,
            "embeddings_constraint": MAX_NORM,
        },
        2,
        4,
    )


def flatten() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Flatten", config, [recipe(regime, *shape)], **more)

    yield case({}, 2, 3, 4, training=True, once=True)
    yield case({}, 2, 3, 4, masks=[recipe("mask", 2, 3, dtype="bool")])
    for shape in ((5,), (3, 4), (2, 3, 4, 5), (1, 1, 1), (0, 3, 4), (2, 2, 3, 2, 3)):
        for data_format in ("channels_last", "channels_first"):
            yield case({"data_format": data_format}, *shape)
    for regime in ("signed_zeros", "subnormals", "one_nan", "one_infinity"):
        yield case({"data_format": "channels_first"}, 2, 3, 4, regime=regime)


def activation() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Activation", config, [recipe(regime, *shape)], **more)

    yield case({"activation": "relu"}, 2, 3, training=True, once=True)
    for name in ("tanh", "linear"):
        yield case({"activation": name}, 2, 3, 4, masks=[recipe("mask", 2, 3, dtype="bool")])
    for name in (
        "linear",
        "sigmoid",
        "tanh",
        "softmax",
        "elu",
        "selu",
        "softplus",
        "softsign",
        "hard_sigmoid",
    ):
        yield case({"activation": name}, 2, 3, 4)
    for name in (
        "hard_sigmoid",
        "relu6",
        "log_softmax",
        "gelu",
        "mish",
        "swish",
        "exponential",
        "leaky_relu",
    ):
        yield case({"activation": name}, 2, 5)
    yield draft_layer(
        "layers.Activation", {"activation": "relu"}, [Literal((4,), (-2.0, 1.0, 0.0, 5.0))], gradients=False
    )
