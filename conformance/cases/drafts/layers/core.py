"""Layers with no room of their own: dense products, look-ups, shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import configured, draft_layer, recipe
from conformance.cases.drafts.layers.settings import L1L2, L2, MAX_NORM, NON_NEG, SCALING, UNIFORM

WEIGHTS_OF_8_BITS = {
    "module": "keras.quantizers",
    "class_name": "Int8QuantizationConfig",
    "config": {"weight_quantizer": None, "activation_quantizer": None},
    "registered_name": None,
}
"""What `quantize` would do."""


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
    yield configured(case({"units": 4, "quantization_config": WEIGHTS_OF_8_BITS}, 2, 3))


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
    yield configured(case({"input_dim": 7, "output_dim": 3, "quantization_config": WEIGHTS_OF_8_BITS}, 2, 3))
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


MOVED = ("signed_zeros", "subnormals", "one_nan", "one_infinity")
"""Regimes for layers that compute nothing."""


def of_one_input(name: str) -> Callable[..., Case]:
    """Drafts of a layer with one input."""

    def case(config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
        return draft_layer(f"layers.{name}", config, [recipe(regime, *shape)], **more)

    return case


def reshape() -> Iterator[Case]:
    case = of_one_input("Reshape")
    yield case({"target_shape": [3, 4]}, 2, 12, training=True, once=True)
    for target in ([12], [-1], [4, 3], [4, -1], [-1, 4], [2, -1, 3], [2, 3, 2], [1, 12, 1], [-1, 1]):
        yield case({"target_shape": target}, 2, 3, 4)
    for shape, target in (
        ((1, 1), [1]),
        ((3, 1), []),
        ((3,), [1, -1]),
        ((0, 6), [2, 3]),
        ((2, 2, 3, 2, 3), [6, 6]),
        ((3, 5), [-1, 5, 1]),
    ):
        yield case({"target_shape": target}, *shape)
    yield case({"target_shape": [-1, 2]}, 0, 6)
    for regime in MOVED:
        yield case({"target_shape": [-1, 2]}, 2, 3, 4, regime=regime)
    yield draft_layer("layers.Reshape", {"target_shape": [6]}, [recipe("indices:9", 2, 3, 2, dtype="int32")])
    yield case({"target_shape": [6], "activity_regularizer": L2, "name": "own_name"}, 2, 3, 2)
    yield case({"target_shape": [-1], "trainable": False}, 2, 3, 2)


def permute() -> Iterator[Case]:
    case = of_one_input("Permute")
    yield case({"dims": [2, 1]}, 2, 3, 4, training=True, once=True)
    for dims in ([1], [1, 2], [3, 1, 2], [2, 3, 1], [3, 2, 1], [1, 3, 2], [4, 2, 1, 3]):
        yield case({"dims": dims}, 2, *(3, 4, 5, 2)[: len(dims)])
    # A square, whose shape does not tell the order of the axes.
    yield case({"dims": [2, 3, 1]}, 2, 3, 3, 3)
    for shape in ((1, 1, 1), (0, 3, 4), (2, 0, 3)):
        yield case({"dims": [2, 1]}, *shape)
    yield case({"dims": [1, 2]}, 0, 3, 4)
    for regime in MOVED:
        yield case({"dims": [2, 1]}, 2, 3, 4, regime=regime)
    yield draft_layer("layers.Permute", {"dims": [2, 1]}, [recipe("indices:9", 2, 3, 2, dtype="int32")])
    yield case({"dims": [2, 1], "activity_regularizer": L2, "name": "own_name", "trainable": False}, 2, 3, 2)


def repeat_vector() -> Iterator[Case]:
    case = of_one_input("RepeatVector")
    yield case({"n": 3}, 2, 4, training=True, once=True)
    for n in (1, 2, 7):
        for shape in ((3, 5), (1, 1), (0, 4)):
            yield case({"n": n}, *shape)
    yield case({"n": 4}, 3, 3)
    for regime in MOVED:
        yield case({"n": 3}, 2, 5, regime=regime)
    yield case({"n": 5}, 2, 3, regime="lattice", cotangent="lattice")
    yield draft_layer("layers.RepeatVector", {"n": 2}, [recipe("indices:9", 2, 3, dtype="int32")])
    yield case({"n": 2, "activity_regularizer": L2, "name": "own_name", "trainable": False}, 2, 3)


def masking() -> Iterator[Case]:
    case = of_one_input("Masking")
    padded = Literal((2, 3, 2), (0.0, 0.0, 1.0, 0.0, "-0", 0.0, 2.0, 3.0, 0.0, "nan", "nan", "nan"))
    valued = Literal((2, 3, 2), (2.5, 2.5, 2.5, 0.0, 0.0, 0.0, -2.5, 2.5, 2.5, 2.5, "inf", "inf"))
    yield draft_layer("layers.Masking", {}, [padded], training=True, once=True)
    for config in ({"mask_value": 2.5}, {"mask_value": -2.5}, {"mask_value": 0.0}, {"mask_value": 1}):
        for data in (padded, valued):
            yield draft_layer("layers.Masking", config, [data])
    yield draft_layer("layers.Masking", {"mask_value": 0.1}, [Literal((1, 2, 1), (0.1, 0.2))])
    for shape in ((3, 4), (1, 1, 1), (0, 3, 4), (2, 3, 2, 2), (4,), (5, 4, 1)):
        yield case({}, *shape)
        yield case({"mask_value": 2.0}, *shape, regime="ties")
    for regime in (*MOVED, "ties", "lattice"):
        yield case({"mask_value": -1.5 if regime == "ties" else 0.0}, 3, 5, 1, regime=regime)
    yield case({"activity_regularizer": L2, "name": "own_name", "trainable": False}, 2, 3, 2)
    yield case({}, 2, 3, 2, masks=[recipe("mask", 2, 3, dtype="bool")])


def undisturbed(
    name: str, config: dict[str, Any], *shapes: tuple[int, ...], settings: Sequence[dict[str, Any]]
) -> Iterator[Case]:
    """What is asked of a layer that is random in training: everything in inference.

    Args:
        config: the required arguments.
        settings: what further configurations add to them.
    """
    case = of_one_input(name)
    yield case(config, *shapes[0], once=True)
    for shape in shapes:
        yield case(config, *shape)
    for setting in settings:
        yield case(config | setting, *shapes[0])
    for regime in MOVED:
        yield case(config, *shapes[0], regime=regime)
    yield draft_layer(f"layers.{name}", config, [recipe("indices:9", *shapes[0], dtype="int32")])


ANY_RANK = ((3, 4), (5,), (1, 1), (0, 3), (2, 3, 4), (2, 3, 2, 4))
SEEDS = ({"seed": 7}, {"seed": None})
FORMATS = ({"data_format": "channels_first"}, {"data_format": "channels_last"}, {"data_format": None})
NOISE_SHAPES = (
    {"noise_shape": [None, 1]},
    {"noise_shape": [3, 1], "seed": 3},
    {"noise_shape": None},
)
COMMON = {"activity_regularizer": L2, "name": "own_name", "trainable": False}


def dropout() -> Iterator[Case]:
    rates = tuple({"rate": rate} for rate in (0.0, 0.25, 0.875, 1.0, 0, 1))
    yield from undisturbed(
        "Dropout", {"rate": 0.5}, *ANY_RANK, settings=(*rates, *NOISE_SHAPES, *SEEDS, COMMON)
    )
    # What is not random in training: nothing is dropped, or everything.
    for rate in (0.0, 1.0):
        for regime in ("normal", *MOVED):
            yield of_one_input("Dropout")({"rate": rate}, 3, 4, regime=regime, training=True)


def spatial_dropout(name: str, *shape: int, formats: bool = True) -> Iterator[Case]:
    rates = tuple({"rate": rate} for rate in (0.0, 0.25, 1.0))
    settings = (
        *rates,
        *SEEDS,
        {"name": "own_name"},
        {"dtype": "float32"},
        *(FORMATS if formats else ()),
    )
    ones, empty = (1,) * len(shape), (0, *shape[1:])
    yield from undisturbed(name, {"rate": 0.5}, shape, ones, empty, settings=settings)
    for rate in (0.0, 1.0):
        yield of_one_input(name)({"rate": rate}, *shape, training=True)


def spatial_dropout1d() -> Iterator[Case]:
    yield from spatial_dropout("SpatialDropout1D", 2, 3, 4, formats=False)


def spatial_dropout2d() -> Iterator[Case]:
    yield from spatial_dropout("SpatialDropout2D", 2, 3, 4, 5)


def spatial_dropout3d() -> Iterator[Case]:
    yield from spatial_dropout("SpatialDropout3D", 2, 3, 2, 4, 3)


def gaussian_noise() -> Iterator[Case]:
    deviations = tuple({"stddev": stddev} for stddev in (0.0, 0.25, 1.0))
    yield from undisturbed(
        "GaussianNoise", {"stddev": 0.5}, *ANY_RANK, settings=(*deviations, *SEEDS, COMMON)
    )
    for regime in ("normal", *MOVED):
        yield of_one_input("GaussianNoise")({"stddev": 0.0}, 3, 4, regime=regime, training=True)


def gaussian_dropout() -> Iterator[Case]:
    rates = tuple({"rate": rate} for rate in (0.0, 0.25, 1.0))
    yield from undisturbed("GaussianDropout", {"rate": 0.5}, *ANY_RANK, settings=(*rates, *SEEDS, COMMON))
    for regime in ("normal", *MOVED):
        yield of_one_input("GaussianDropout")({"rate": 0.0}, 3, 4, regime=regime, training=True)


def alpha_dropout() -> Iterator[Case]:
    rates = tuple({"rate": rate} for rate in (0.0, 0.25, 1.0))
    yield from undisturbed(
        "AlphaDropout", {"rate": 0.5}, *ANY_RANK, settings=(*rates, *NOISE_SHAPES, *SEEDS, COMMON)
    )
    for regime in ("normal", *MOVED):
        yield of_one_input("AlphaDropout")({"rate": 0.0}, 3, 4, regime=regime, training=True)


def activity_regularization() -> Iterator[Case]:
    case = of_one_input("ActivityRegularization")
    yield case({}, 3, 4, training=True, once=True)
    for config in ({"l1": 0.25}, {"l2": 0.5}, {"l1": 0.25, "l2": 0.5}, {"l1": 0.0, "l2": 0.0}):
        yield case(config, 2, 3, 4, training=True)
    for shape in ANY_RANK:
        yield case({"l1": 0.25}, *shape)
    for regime in MOVED:
        yield case({"l2": 0.5}, 3, 4, regime=regime)
    yield case({"l1": 0.25, "name": "own_name", "trainable": False}, 3, 4)


def identity() -> Iterator[Case]:
    case = of_one_input("Identity")
    yield case({}, 3, 4, training=True, once=True)
    for shape in (*ANY_RANK, (2, 2, 3, 2, 3)):
        yield case({}, *shape)
    for regime in MOVED:
        yield case({}, 3, 4, regime=regime)
    yield draft_layer("layers.Identity", {}, [recipe("indices:9", 2, 3, dtype="int32")])
    yield case(COMMON, 3, 4)


def input_layer() -> Iterator[Case]:
    """Nothing is computed, so its configuration is all there is to see."""
    told = ("config", "reconstructed/config")
    once = ("signature", "methods")

    def case(config: dict[str, Any], *more: str) -> Case:
        return Case("layers.InputLayer", config, observables=(*told, *more))

    yield case({"batch_shape": [None, 3]}, *once)
    for shape in ([None, None, 3], [4, 3], [], [None]):
        yield case({"batch_shape": shape})
    for shape in ([3], [None, 5], []):
        yield case({"shape": shape})
        yield case({"shape": shape, "batch_size": 2})
    for argument, value in {
        "dtype": "int32",
        "sparse": True,
        "ragged": True,
        "optional": True,
        "name": "pixels",
    }.items():
        yield case({"batch_shape": [None, 3], argument: value})
    for refused in (
        {},
        {"batch_size": 2},
        {"shape": [3], "batch_shape": [None, 3]},
        {"batch_size": 2, "batch_shape": [None, 3]},
        {"shape": [3], "unit": 3},
        {"shape": 3},
        {"batch_shape": [None, -1]},
        {"batch_shape": [None, 3], "dtype": "float31"},
        {"batch_shape": [None, 3], "input_tensor": 3},
    ):
        yield Case("layers.InputLayer", refused, observables=("refusal",))
