"""What Keras 2.15 on TensorFlow 2.15 does otherwise than Keras 3, on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.cases.drafts.models import designed
from conformance.cases.drafts.random import asking, recurrent
from conformance.cases.models import SUBJECTS, configuration
from conformance.dialects.deviation import (
    CONFIGURATIONS,
    About,
    Deviation,
    Dialect,
    Effect,
    Metadata,
    Raises,
    Scope,
    Value,
    subject,
)
from conformance.dialects.keras_record import KERAS, TENSORFLOW, searched
from conformance.dialects.keras_tensorflow import PLAIN
from conformance.dialects.scopes import (
    LAYERS,
    activated_by,
    all_of,
    asks,
    given_no_row,
    sets,
    without,
)
from conformance.dialects.tensorflow_js.activations import hard_sigmoid
from conformance.dialects.tensorflow_js.randomness import leaves_a_dimension
from conformance.reference_impl.models import Model
from conformance.reference_impl.primitives import multiply
from conformance.reference_impl.tape import Tensor

SOURCE = "keras 2.15.0, keras/src"

OF_GENERATIONS = "none found (not searched: Keras 3 is another generation, and Keras 2 no longer developed)"
"""Of what Keras 3 has changed on purpose."""

Patch = Callable[[Case, Any], Any]


def entry(
    name: str,
    summary: str,
    source: str,
    scope: Scope,
    effect: Effect,
    *witnesses: Case,
    kind: str = "intentional",
    upstream: str = OF_GENERATIONS,
    remedy: str = "",
    converted: str = "",
    since: str,
) -> Deviation:
    """A difference between the two generations; nobody mends those of the older one."""
    return Deviation(
        id=f"keras2-{name}",
        summary=summary,
        kind=kind,
        source=f"{SOURCE}/{source}",
        upstream=upstream,
        versions="keras==2.15.*",
        scope=scope,
        effect=effect,
        witnesses=witnesses,
        remedy=remedy,
        converted=converted,
        since=since,
    )


def told(*lacking: str, **having: Any) -> Patch:
    """A configuration without some keys, and with others."""

    def patch(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in expected.items() if key not in lacking} | having

    return patch


def taken(*lacking: str, **having: Any) -> Patch:
    """A constructor without some arguments, and with others, which have these defaults."""
    defaults = {name: {"default": value} for name, value in having.items()}
    arguments = told(*lacking, **defaults)
    return lambda case, expected: {"arguments": arguments(case, expected["arguments"])}


def lstm_told(case: Case, expected: dict[str, Any]) -> Any:
    """The implementation is the second, but with a recurrent dropout."""
    implementation = 1 if case.config.get("recurrent_dropout") else 2
    lacking = ["seed"] if case.config.get("zero_output_for_mask") else ["seed", "zero_output_for_mask"]
    return told(*lacking, implementation=implementation, time_major=False)(case, expected)


def bessel_corrected(original: Any, x: Tensor, variance: Tensor) -> Tensor:
    """n/(n − 1) times the variance, n being the number of elements of a channel."""
    count = x.size // variance.size
    return multiply(variance, count / max(count - 1, 1))


def fused(case: Case, data: Data) -> bool:
    """BatchNormalization by TensorFlow's fused kernel."""
    if case.subject != "layers.BatchNormalization" or case.config.get("renorm"):
        return False
    ndim = data.inputs[0].ndim
    return (ndim, int(case.config.get("axis", -1)) % ndim) in {(4, 1), (4, 3), (5, 1), (5, 4)}


def gives(argument: str) -> Scope:
    """The configuration names the argument, whatever its value."""
    return lambda case, data: argument in case.config


X = recipe("normal", 2, 3)
POSITIVE = {"moving_variance": "positive", "": "normal"}

DENSE = draft_layer("layers.Dense", {"units": 3}, [X], once=True)
CONV2D = draft_layer(
    "layers.Conv2D", {"filters": 3, "kernel_size": 2}, [recipe("normal", 1, 3, 3, 2)], once=True
)
EMBEDDING = draft_layer(
    "layers.Embedding",
    {"input_dim": 7, "output_dim": 3},
    [recipe("indices:7", 2, 3, dtype="int32")],
    once=True,
)
LSTM = draft_layer("layers.LSTM", {"units": 3}, [recipe("normal", 2, 3, 4)], once=True)
FLATTEN = draft_layer("layers.Flatten", {}, [recipe("normal", 2, 3, 4)], once=True)
NORMALIZATION = draft_layer("layers.BatchNormalization", {}, [X], weights=POSITIVE, training=True, once=True)
FUSED = draft_layer(
    "layers.BatchNormalization", {}, [recipe("normal", 2, 3, 4, 5)], weights=POSITIVE, training=True
)
LOW_RANK = draft_layer(
    "layers.Dense", {"units": 5, "lora_rank": 2, "lora_alpha": None}, [recipe("normal", 3, 4)]
)

SEEDED = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise",
          "GaussianDropout", "AlphaDropout", "GRU", "LSTM")  # fmt: skip

OF_KERAS_3 = (
    "compute_output_spec", "convert_weight", "embeddings", "enable_lora", "get_dropout_mask",
    "get_random_transformation", "get_recurrent_dropout_mask", "inner_loop", "input_dtype", "kernel",
    "metrics_variables", "path", "quantization_mode", "quantize", "quantized_build", "quantized_call",
    "rematerialized_call", "reset_state", "stateless_call", "states", "symbolic_call",
    "transform_bounding_boxes", "transform_images", "transform_labels", "transform_segmentation_masks",
    "transform_single_bounding_box", "transform_single_image", "transform_single_label",
    "transform_single_segmentation_mask", "variable_serialization_spec",
)  # fmt: skip
"""Methods and properties that no layer of Keras 2 has."""

LOW_RANK_LAYERS = ("layers.Conv2D", "layers.Dense", "layers.Embedding")
REGULARIZED = ("layers.Conv2D", "layers.Dense", "layers.Embedding", "layers.LSTM")
"""The layers with an argument activity_regularizer of their own."""

CONSTRUCTORS: Mapping[str, tuple[str, str, str, tuple[str, ...], Patch, Case]] = {
    "low-rank": (
        "lora_rank and lora_alpha are not known.",
        "layers/core/dense.py:103, embedding.py:118, layers/convolutional/conv2d.py:159",
        "keras 3.0.3 (2024)",
        LOW_RANK_LAYERS,
        taken("lora_alpha", "lora_rank"),
        DENSE,
    ),
    "quantization": (
        "quantization_config is not known.",
        "layers/core/dense.py:103, embedding.py:118",
        "keras 3.13.0 (2025)",
        ("layers.Dense", "layers.Embedding"),
        taken("quantization_config"),
        DENSE,
    ),
    "normalization": (
        "BatchNormalization takes fused, virtual_batch_size and adjustment too.",
        "layers/normalization/batch_normalization.py:169",
        "keras 3.0.0 (2023)",
        ("layers.BatchNormalization",),
        taken(adjustment=None, fused=None, virtual_batch_size=None),
        NORMALIZATION,
    ),
    "convolution": (
        "Conv2D takes conv_op too.",
        "layers/convolutional/base_conv.py:115",
        "keras 3.0.0 (2023)",
        ("layers.Conv2D",),
        taken(conv_op=None),
        CONV2D,
    ),
    "embedding": (
        "Embedding takes input_length and sparse too, and no weights by a name of their own.",
        "layers/core/embedding.py:118",
        "keras 3.0.0 (2023)",
        ("layers.Embedding",),
        taken("weights", input_length=None, sparse=False),
        EMBEDDING,
    ),
    "lstm": (
        "LSTM takes time_major, force_generator and rng_type too, and does not know use_cudnn; "
        "zero_output_for_mask is taken out of the keyword arguments.",
        "layers/rnn/base_rnn.py:241, :260; engine/base_layer.py:3786",
        "keras 3.0.0 (2023)",
        ("layers.LSTM",),
        taken("use_cudnn", "zero_output_for_mask", force_generator=False, rng_type=None, time_major=False),
        LSTM,
    ),
    "dynamic": (
        "Every layer takes dynamic; autocast is taken out of the keyword arguments.",
        "engine/base_layer.py:321, :329",
        "keras 3.0.0 (2023)",
        LAYERS,
        taken("autocast", dynamic=False),
        FLATTEN,
    ),
    "activity-regularizer": (
        "activity_regularizer is an argument of its own of some layers only; the others take it out of the "
        "keyword arguments.",
        "engine/base_layer.py:329",
        "keras 3.0.0 (2023)",
        tuple(name for name in LAYERS if name not in REGULARIZED),
        taken("activity_regularizer"),
        FLATTEN,
    ),
}
"""By name what constructors take otherwise: summary, source, since when, subjects, patch, witness."""


def axes_of_built(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The axes as they are of the input, none of them negative."""
    axis, rank = expected["axis"], len(case.inputs[0].shape)
    return expected | {"axis": [a % rank for a in axis] if isinstance(axis, list) else axis % rank}


def depthwise(case: Case) -> list[str]:
    """The paths of the depthwise convolutions of a model."""
    layers = Model.from_config(configuration(case)).layers()
    return ["/".join(path) for path, layer in layers if type(layer).__name__.startswith("DepthwiseConv")]


def depthwise_kernels(case: Case, expected: dict[str, str]) -> dict[str, str]:
    names = {f"{path}/kernel": f"{path}/depthwise_kernel" for path in depthwise(case)}
    return {names.get(name, name): mark for name, mark in expected.items()}


DEVIATIONS = (
    entry(
        "built-normalization-tells-axes-of-its-input",
        "Once a normalization is built, its configuration, and that of a model with it, tells the axes as "
        "they are of its input: none of them is negative.",
        "layers/normalization/batch_normalization.py:327, layer_normalization.py:220, build",
        subject("layers.BatchNormalization", "layers.LayerNormalization"),
        Metadata(("saved/config", "loaded/config"), axes_of_built),
        designed.dense(),
        remedy="Nothing need be done.",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "depthwise-kernel-in-models",
        "The kernel of a depthwise convolution in a model is named depthwise_kernel.",
        "layers/convolutional/base_depthwise_conv.py, build",
        About(frozenset(SUBJECTS), lambda case, data: bool(depthwise(case))),
        Metadata(("loaded/weights",), depthwise_kernels),
        designed.image(),
        remedy="Rename the weight.",
        converted="renames it",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "hard-sigmoid",
        "hard_sigmoid is clip(0.2·x + 0.5, 0, 1); Keras 3 has relu6(x + 3)/6. A model that names it computes "
        "something else in Keras 3.",
        "backend.py:5937-5941, hard_sigmoid",
        activated_by({"hard_sigmoid"}),
        Value({"activations.hard_sigmoid": hard_sigmoid}),
        draft_activation("hard_sigmoid", {}, recipe("normal", 5, 8)),
        draft_layer("layers.Dense", {"units": 7, "activation": "hard_sigmoid"}, [recipe("normal", 4, 5)]),
        upstream=f"{KERAS}/pull/19477",
        remedy="Train with sigmoid, or with the formula written out.",
        converted="writes the formula out",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "relu-alpha",
        "The argument negative_slope of relu is called alpha.",
        "activations.py:270, relu",
        all_of(subject("activations.relu"), gives("negative_slope")),
        Raises("type", "call", ("*",), "unexpected keyword argument 'negative_slope'"),
        draft_activation("relu", {"negative_slope": 0.25}, recipe("normal", 3, 4)),
        upstream=searched(
            "keras relu negative_slope argument renamed from alpha Keras 3 activations.relu "
            "backward compatibility"
        ),
        remedy="Rename the argument.",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "no-low-rank-adaptation",
        "lora_rank and lora_alpha are refused.",
        "engine/base_layer.py:329, Layer.__init__; utils/generic_utils.py:514, validate_kwargs",
        all_of(subject(*LOW_RANK_LAYERS), sets("lora_rank")),
        Raises("type", "construction", ("*",), "Keyword argument not understood:', 'lora_"),
        LOW_RANK,
        remedy="Merge the adapted weight before going back.",
        since="keras 3.0.3 (2024)",
    ),
    entry(
        "no-use-cudnn",
        "use_cudnn is refused.",
        "engine/base_layer.py:329, Layer.__init__; utils/generic_utils.py:514, validate_kwargs",
        all_of(subject("layers.LSTM"), gives("use_cudnn")),
        Raises("type", "construction", ("*",), "Keyword argument not understood:', 'use_cudnn'"),
        draft_layer("layers.LSTM", {"units": 3, "use_cudnn": False}, [recipe("normal", 2, 3, 4)]),
        remedy="Drop it: the kernel is chosen by itself.",
        since="keras 3.2.0 (2024)",
    ),
    entry(
        "moving-variance-of-fused-kernel",
        "Where the fused kernel is used, in images, the moving variance moves towards n/(n − 1) times the "
        "variance of the batch. Only training meets it.",
        "layers/normalization/batch_normalization.py:243, :942-949, _fused_batch_norm",
        all_of(fused, asks("training/*"), without(given_no_row)),
        Value({"layers.BatchNormalization.kept_variance": bessel_corrected}, ("training/state/*",)),
        FUSED,
        kind="bug",
        upstream=f"{TENSORFLOW}/issues/55545",
        remedy="Divide the moving variance by n/(n − 1), where training goes on in Keras 3.",
        since="keras 2.6.0 (2021)",
    ),
    entry(
        "config-without-quantization",
        "quantization_config is not known.",
        "layers/core/dense.py:273, embedding.py:286, get_config",
        subject("layers.Dense", "layers.Embedding"),
        Metadata(CONFIGURATIONS, told("quantization_config")),
        DENSE,
        EMBEDDING,
        remedy="Nothing need be done: it is about training and storage.",
        since="keras 3.13.0 (2025)",
    ),
    entry(
        "config-of-embedding",
        "The configuration has batch_input_shape, made up where no input_length is given, and input_length. "
        "Keras 3 refuses them.",
        "layers/core/embedding.py:131-135, :303; engine/base_layer.py:806",
        subject("layers.Embedding"),
        Metadata(CONFIGURATIONS, told(batch_input_shape=[None, None], input_length=None)),
        EMBEDDING,
        upstream=f"{KERAS}/issues/19094",
        remedy="Drop both when going on.",
        converted="drops both",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "config-without-synchronized",
        "The configuration does not tell synchronized.",
        "layers/normalization/batch_normalization.py:809, get_config",
        subject("layers.BatchNormalization"),
        Metadata(CONFIGURATIONS, told("synchronized")),
        NORMALIZATION,
        remedy="Nothing need be done: Keras 3 takes its default.",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "config-without-renorm",
        "The configuration tells renorm, renorm_clipping and renorm_momentum only where it is on.",
        "layers/normalization/batch_normalization.py:831, get_config",
        all_of(subject("layers.BatchNormalization"), without(sets("renorm"))),
        Metadata(CONFIGURATIONS, told("renorm", "renorm_clipping", "renorm_momentum")),
        NORMALIZATION,
        remedy="Nothing need be done: Keras 3 takes its default.",
        since="keras 3.14.0 (2026)",
    ),
    entry(
        "config-of-lstm",
        "The configuration tells implementation and time_major, but not seed, and zero_output_for_mask only "
        "where it is on.",
        "layers/rnn/lstm.py:847, :177-182; layers/rnn/base_rnn.py:947-959, get_config",
        subject("layers.LSTM"),
        Metadata(CONFIGURATIONS, lstm_told),
        LSTM,
        remedy="Drop what Keras 3 does not know.",
        converted="drops what Keras 3 does not know",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "members",
        "What Keras 3 added is not there, nor are names that it gave anew: reset_state is reset_states; "
        "kernel and embeddings are there once the layer is built.",
        "engine/base_layer.py (Layer)",
        subject(*LAYERS),
        Metadata(("methods",), told(*OF_KERAS_3)),
        FLATTEN,
        DENSE,
        LSTM,
        remedy="Use the older names.",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "seed-goes-on",
        "A second layer with the same seed goes on from where the first one is.",
        "backend.py, RandomGenerator (legacy_stateful: the seed is one of TensorFlow's operations)",
        subject(*(f"layers.{name}" for name in SEEDED)),
        Metadata(("seeds",), told(same_seed=False)),
        asking("seeds", "Dropout", {"rate": 0.25, "seed": 7}, (60, 3)),
        upstream=searched(
            "keras 2 two layers with same seed give different random values RandomGenerator "
            "legacy_stateful seed global seed"
        ),
        remedy="Set the global seed anew as well, to repeat what is drawn.",
        since="keras 3.0.0 (2023)",
    ),
    entry(
        "alpha-dropout-noise-shape-without-none",
        "AlphaDropout takes no None in noise_shape for a dimension of the input.",
        "layers/regularization/alpha_dropout.py, AlphaDropout._get_noise_shape",
        all_of(subject("layers.AlphaDropout"), sets("rate"), leaves_a_dimension),
        Raises("invalid-argument", "call", ("random", "seeds", "training/*"), "convert a value (None)"),
        asking("random", "AlphaDropout", {"rate": 0.25, "noise_shape": [None, 1, None]}, (150, 4, 60)),
        kind="bug",
        upstream=searched("tf_keras AlphaDropout noise_shape None Attempt to convert a value (None) error"),
        remedy="Write its size.",
        since="keras 2.0.6 (2017)",
    ),
    entry(
        "simple-rnn-without-seed",
        "SimpleRNN takes no seed.",
        "layers/rnn/simple_rnn.py, SimpleRNN.__init__",
        all_of(subject("layers.SimpleRNN"), gives("seed")),
        Raises("type", "construction", ("*",), "seed"),
        recurrent("SimpleRNN", {"dropout": 0.25, "seed": 7}, 60, 2, observable="seeds"),
        remedy="Set the global seed.",
        since="keras 3.0.0 (2023)",
    ),
    *(
        entry(
            f"arguments-{name}",
            summary,
            source,
            all_of(subject(*subjects), asks("signature")),
            Metadata(("signature",), patch),
            witness,
            remedy="Nothing need be done: leave these arguments away.",
            since=since,
        )
        for name, (summary, source, since, subjects, patch, witness) in CONSTRUCTORS.items()
    ),
)

CHANNELS_FIRST = tuple(
    replace(
        d,
        id="keras2-conv2d-channels-first-cpu",
        source="tensorflow 2.15, tensorflow/core/kernels/conv_ops_impl.h, LaunchConv2DOp for CPU",
        versions="tensorflow==2.15.*",
    )
    for d in PLAIN
)
"""What TensorFlow without oneDNN refuses, whichever Keras asks."""

DIALECTS = {"keras2-tensorflow": Dialect(DEVIATIONS + CHANNELS_FIRST)}
