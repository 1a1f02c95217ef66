"""Drafts about the layers: each argument at two values or more, on data that aim at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe

L2 = {"class_name": "L2", "config": {"l2": 0.0078125}}
L1L2 = {"class_name": "L1L2", "config": {"l1": 0.25, "l2": 0.5}}
NON_NEG = {"class_name": "NonNeg", "config": {}}
MAX_NORM = {"class_name": "MaxNorm", "config": {"max_value": 2.0, "axis": 0}}
UNIFORM = {"class_name": "RandomUniform", "config": {"minval": -0.5, "maxval": 0.5, "seed": 7}}
SCALING = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "uniform", "seed": None},
}

LATTICE = {"regime": "lattice", "weights": "lattice", "cotangent": "lattice"}
"""Small integers everywhere: every order of summation gives the same bits."""


def dense() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Dense", config, [recipe(regime, *shape)], **more)

    yield case({"units": 3}, 2, 5, training=True, more=["signature"])
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


def conv2d() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Conv2D", config, [recipe(regime, *shape)], **more)

    yield case({"filters": 3, "kernel_size": 2}, 2, 5, 6, 4, training=True, more=["signature"])
    for padding in ("valid", "same"):
        for kernel in (1, 2, 3, [3, 2], [1, 4]):
            yield case({"filters": 4, "kernel_size": kernel, "padding": padding}, 2, 5, 7, 3)
        for strides in (2, 3, [1, 2], [2, 1]):
            yield case({"filters": 4, "kernel_size": 3, "padding": padding, "strides": strides}, 2, 7, 8, 3)
        for dilation in (2, [1, 2], [3, 1]):
            config = {"filters": 4, "kernel_size": [3, 2], "padding": padding, "dilation_rate": dilation}
            yield case(config, 2, 9, 8, 3)
        for groups in (2, 3):
            yield case({"filters": 6, "kernel_size": 2, "padding": padding, "groups": groups}, 2, 4, 5, 6)
        # As wide as it has filters: where a bias could be added along the wrong axis.
        wide = {"filters": 4, "kernel_size": 1, "padding": padding, "groups": 2}
        yield case(wide | {"data_format": "channels_first"}, 2, 6, 3, 4)
        first = {"filters": 4, "padding": padding, "data_format": "channels_first"}
        yield case(first | {"kernel_size": [3, 2]}, 2, 3, 6, 5)
        yield case(first | {"kernel_size": 2, "strides": 2}, 2, 3, 6, 5)
    for activation in ("relu", "sigmoid", "tanh", "relu6", "elu", "softmax", "hard_sigmoid"):
        yield case({"filters": 5, "kernel_size": 2, "activation": activation}, 2, 4, 5, 3)
    yield case({"filters": 5, "kernel_size": 3, "activation": "relu", "dilation_rate": 2}, 1, 7, 8, 2)
    yield case({"filters": 5, "kernel_size": 2, "use_bias": False}, 2, 4, 5, 3)
    yield case({"filters": 5, "kernel_size": 2, "trainable": False}, 2, 4, 5, 3)
    for regime in ("lattice", "cancelling", "one_nan", "one_infinity"):
        yield case({"filters": 4, "kernel_size": 3, "padding": "same"}, 1, 4, 5, 3, regime=regime)
    for filters, channels in ((1, 1), (8, 4), (9, 16), (16, 3), (17, 5)):
        yield case(
            {"filters": filters, "kernel_size": 3, "padding": "same"}, 2, 5, 4, channels,
            **LATTICE,
        )  # fmt: skip
    yield case({"filters": 4, "kernel_size": 2}, 0, 4, 5, 3)
    yield case({"filters": 2, "kernel_size": [2, 1]}, 1, 2, 1, 1)
    for rank, alpha in ((2, None), (2, 8)):
        yield case({"filters": 5, "kernel_size": 2, "lora_rank": rank, "lora_alpha": alpha}, 2, 4, 3, 3)
    yield case(
        {
            "filters": 4,
            "kernel_size": [2, 3],
            "kernel_initializer": "lecun_uniform",
            "bias_initializer": "ones",
            "kernel_regularizer": L1L2,
            "bias_regularizer": L2,
            "activity_regularizer": L2,
            "kernel_constraint": NON_NEG,
            "bias_constraint": MAX_NORM,
        },
        1, 4, 5, 2,
    )  # fmt: skip


def batch_normalization() -> Iterator[Case]:
    positive: dict[str, str] = {
        "moving_variance": "positive",
        "moving_stddev": "positive",
        "renorm_stddev": "positive",
    }

    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        asked: dict[str, Any] = {"weights": positive, "training": True} | more
        return draft_layer("layers.BatchNormalization", config, [recipe(regime, *shape)], **asked)

    yield case({}, 6, 3, more=["signature"])
    for shape in ((5, 4), (3, 5, 4), (2, 3, 5, 4), (2, 2, 3, 2, 4)):
        for regime in ("normal", "small_variance", "large_mean"):
            yield case({}, *shape, regime=regime)
    small = {"": "normal", "moving_variance": "small_positive"}
    for shape in ((5, 4), (2, 3, 5, 4)):
        yield case({}, *shape, weights=small, regime="small_variance")
        yield case({"epsilon": 0.0009765625}, *shape, weights=small, regime="small_variance")
        yield case({"epsilon": 0.0625, "momentum": 0.5}, *shape)
        yield case({"scale": False}, *shape)
        yield case({"center": False}, *shape)
        yield case({"scale": False, "center": False}, *shape)
        yield case({"trainable": False}, *shape)
    yield case({"axis": 1}, 2, 3, 5, 4)
    yield case({"axis": 1}, 3, 4, 5, regime="large_mean")
    yield case({"axis": 2}, 2, 3, 4, 5)
    yield case({"axis": -2}, 3, 4, 5)
    yield case({}, 4, 5, 3, masks=[recipe("mask", 4, 5, dtype="bool")])
    yield case({}, 4, 5, 3, masks=[recipe("mask_all_true", 4, 5, dtype="bool")])
    for clipping in (None, {"rmax": 2.0, "rmin": 0.5, "dmax": 1.0}):
        yield case({"renorm": True, "renorm_clipping": clipping, "renorm_momentum": 0.75}, 6, 3)
    yield case({"synchronized": True}, 4, 3)
    yield case({}, 1, 4)
    yield case({}, 4, 3, regime="one_nan")
    yield case(
        {
            "beta_initializer": "ones",
            "gamma_initializer": UNIFORM,
            "moving_mean_initializer": "ones",
            "moving_variance_initializer": {"class_name": "Constant", "config": {"value": 2.0}},
            "beta_regularizer": L2,
            "gamma_regularizer": L1L2,
            "beta_constraint": NON_NEG,
            "gamma_constraint": MAX_NORM,
        },
        3,
        4,
    )


def lstm() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        # The gates' function is named, so that a backend whose default differs is judged by all the rest.
        config = {"recurrent_activation": "sigmoid"} | config
        more = {"weights": "small_normal"} | more
        return draft_layer("layers.LSTM", config, [recipe(regime, *shape)], **more)

    bare = [recipe("normal", 2, 4, 5)]
    yield draft_layer(
        "layers.LSTM", {"units": 3}, bare, weights="small_normal", training=True, more=["signature"]
    )
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


def embedding() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, rows: int = 7, **more: Any) -> Case:
        indices = recipe(f"indices:{rows}", *shape, dtype="int32")
        return draft_layer("layers.Embedding", config, [indices], **more)

    yield case({"input_dim": 7, "output_dim": 3}, 2, 5, training=True, more=["signature"])
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

    yield case({}, 2, 3, 4, training=True, more=["signature"])
    for shape in ((5,), (3, 4), (2, 3, 4, 5), (1, 1, 1), (0, 3, 4), (2, 2, 3, 2, 3)):
        for data_format in ("channels_last", "channels_first"):
            yield case({"data_format": data_format}, *shape)
    for regime in ("signed_zeros", "subnormals", "one_nan", "one_infinity"):
        yield case({"data_format": "channels_first"}, 2, 3, 4, regime=regime)


def softmax() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Softmax", config, [recipe(regime, *shape)], **more)

    yield case({}, 3, 5, training=True, more=["signature"])
    for regime in ("saturating", "ties", "large_mean", "one_nan", "one_infinity", "near_overflow", "tiny"):
        yield case({}, 4, 6, regime=regime)
    for axis in (1, 2, -1, -2):
        yield case({"axis": axis}, 2, 3, 4)
    for axes in ([1, 2], [-1], [1, 3]):
        yield case({"axis": axes}, 2, 3, 4, 5)
    yield case({}, 3, 4, masks=[recipe("mask", 3, 4, dtype="bool")])
    yield case({}, 3, 1)


def concatenate() -> Iterator[Case]:
    def case(config: dict[str, Any], *shapes: tuple[int, ...], regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Concatenate", config, [recipe(regime, *shape) for shape in shapes], **more)

    yield case({}, (2, 3), (2, 5), training=True, more=["signature"])
    yield case({}, (2, 3), (2, 5), (2, 1))
    yield case({"axis": 1}, (2, 3, 4), (2, 5, 4))
    yield case({"axis": -2}, (2, 3, 4), (2, 1, 4))
    yield case({"axis": 2}, (2, 3, 4, 5), (2, 3, 2, 5), (2, 3, 1, 5))
    yield case({"axis": -1}, (2, 3, 4), (2, 3, 6))
    yield case({"axis": 0}, (2, 3), (4, 3))
    for regime in ("signed_zeros", "subnormals", "one_nan", "one_infinity"):
        yield case({}, (2, 3), (2, 4), regime=regime)


def activation() -> Iterator[Case]:
    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer("layers.Activation", config, [recipe(regime, *shape)], **more)

    yield case({"activation": "relu"}, 2, 3, training=True, more=["signature"])
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


FAMILIES: tuple[Callable[[], Iterator[Case]], ...] = (
    dense, conv2d, batch_normalization, lstm, embedding, flatten, softmax, concatenate, activation,
)  # fmt: skip


def drafts() -> Iterator[Case]:
    for family in FAMILIES:
        yield from family()
