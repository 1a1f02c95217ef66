"""What a layer of TensorFlow.js says of itself otherwise than Keras 3: its configuration, its weights and
the shapes that it infers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.arguments import said_of
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.wrappers import GRU_CELL, SIMPLE_CELL
from conformance.dialects.deviation import CONFIGURATIONS, Deviation, Metadata, Scope, subject
from conformance.dialects.scopes import ALL_CONVOLUTIONS, CONVOLUTIONS, all_of, any_of, omits, sets, without
from conformance.dialects.scopes import LAYERS as ALL_LAYERS
from conformance.dialects.tensorflow_js.defaults import (
    CONV2D_CASE,
    CONV_LSTM_CASE,
    CONV_LSTM_CELL_CASE,
    DENSE_CASE,
    EMBEDDING_CASE,
    GRU_CASE,
    GRU_CELL_CASE,
    LSTM_CASE,
    LSTM_CELL_CASE,
    RECURRENT_CASES,
)
from conformance.dialects.tensorflow_js.layers import POSITIVE
from conformance.dialects.tensorflow_js.record import (
    CELLS,
    CONV_LSTM,
    FIRST,
    LAYERS,
    RECURRENT,
    deviation,
    issue,
    searched,
)
from conformance.dialects.tensorflow_js.refusals import GROUPED_CASE, LOW_RANK_CASES, RENORM_CASE, grouped

Patch = Callable[[Case, Any], Any]


def lacking(*names: str) -> Patch:
    """Without these keys of a configuration, or arguments of a signature."""

    def patch(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
        if "arguments" in expected:
            return {"arguments": patch(case, expected["arguments"])}
        return {key: value for key, value in expected.items() if key not in names}

    return patch


def told_a_shape(case: Case, data: Data) -> bool:
    """The layer is told the shape of its input, by a name that it reads."""
    told = "input_shape" in case.config or (case.subject == "layers.Dense" and "input_dim" in case.config)
    return told and case.subject != "layers.InputLayer"


def with_input_shape(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The configuration with that shape, and the dtype of the input."""
    sample = case.config.get("input_shape", [case.config.get("input_dim")])
    return expected | {"batch_input_shape": [None, *sample], "dtype": "float32"}


def of_embedding(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the shape that it makes up, and the length that it was told."""
    length = case.config.get("input_length")
    shape = [None, length] if length else [None, None]
    return {"batch_input_shape": shape} | expected | {"input_length": length}


def with_input_length(case: Case, expected: Any) -> Any:
    """The shape with the length that the layer was told."""
    return [[shape[0], case.config["input_length"], *shape[2:]] for shape in expected]


def with_implementation(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The configuration with what the case gives for it, or None."""
    return expected | {"implementation": case.config.get("implementation")}


def saying(**values: Any) -> Patch:
    """With these values in a configuration."""
    return lambda case, expected: expected | values


def weights_lacking(*prefixes: str) -> Patch:
    """Without the weights whose names begin so; those that are left are trained as the layer is."""

    def patch(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [weight for weight in expected if not weight["name"].startswith(prefixes)]

    return patch


def never_adapted(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The weights without their low-rank updates, all of them trained."""
    trained = bool(case.config.get("trainable", True))
    return [w | {"trainable": trained} for w in weights_lacking("lora_")(case, expected)]


def ungrouped(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The kernel as deep as the input."""

    def whole(weight: dict[str, Any]) -> dict[str, Any]:
        *size, depth, filters = weight["shape"]
        return weight | {"shape": [*size, depth * case.config["groups"], filters]}

    return [whole(weight) if weight["name"] == "kernel" else weight for weight in expected]


def fixed_batch(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """Shapes with the batch's size known."""
    return [[case.inputs[0].shape[0], *rest] for _, *rest in expected]


LENGTH_CASE = said_of(EMBEDDING_CASE, {"input_length": 5}, ("shape/unknown", "config"))
STACKED_CASE = draft_layer(
    "layers.StackedRNNCells",
    {"cells": [SIMPLE_CELL, GRU_CELL]},
    [recipe("normal", 2, 5)],
    initial_state=[recipe("normal", 2, 3), recipe("normal", 2, 4)],
)
BATCH_NORMALIZATION_CASE = draft_layer(
    "layers.BatchNormalization",
    {"synchronized": True},
    [recipe("normal", 4, 3)],
    weights=POSITIVE,
    training=True,
)
FLATTEN_CASE = draft_layer("layers.Flatten", {}, [recipe("normal", 2, 3, 4)], training=True, once=True)
STATEFUL_CASE = draft_layer(
    "layers.LSTM", {"units": 3, "stateful": True}, [recipe("normal", 2, 3, 4)], weights="small_normal"
)
LAYER_NORMALIZATION_CASE = draft_layer(
    "layers.LayerNormalization", {}, [recipe("normal", 3, 6)], training=True, once=True
)
CATEGORIES_CASE = draft_layer(
    "layers.CategoryEncoding",
    {"num_tokens": 4},
    [recipe("indices:4", 2, 3, dtype="int32")],
    training=True,
    once=True,
)
RESIZING_CASE = draft_layer(
    "layers.Resizing",
    {"height": 4, "width": 2},
    [recipe("normal", 2, 8, 8, 3)],
    training=True,
    once=True,
)
CENTER_CROP_CASE = draft_layer(
    "layers.CenterCrop",
    {"height": 3, "width": 2},
    [recipe("normal", 2, 5, 4, 3)],
    training=True,
    once=True,
)
RELU_CASE = draft_layer("layers.ReLU", {}, [recipe("normal", 3, 5)], training=True, once=True)
L2 = {"class_name": "L2", "config": {"l2": 0.0078125}}
REGULARIZED_LSTM_CASE = draft_layer(
    "layers.LSTM", {"units": 3, "activity_regularizer": L2}, [recipe("normal", 2, 3, 4)]
)

NOISE_CASES = tuple(
    draft_layer(f"layers.{name}", {argument: 0.5}, [recipe("normal", 3, 4)], once=True)
    for name, argument in (("AlphaDropout", "rate"), ("GaussianDropout", "rate"), ("GaussianNoise", "stddev"))
)

OF_IMAGES = searched(
    "Resizing CenterCrop layer dataFormat channelsFirst not supported padToAspectRatio arguments"
)


def unread(
    name: str,
    arguments: tuple[str, ...],
    scope: Scope,
    summary: str,
    source: str,
    upstream: str,
    witnesses: tuple[Case, ...],
    since: str,
) -> Deviation:
    """The entry about arguments that a constructor never reads."""
    return deviation(
        f"tfjs-no-{name}",
        summary,
        kind="intentional",
        source=f"{LAYERS}/{source}",
        upstream=upstream,
        remedy="Leave what is not known at its default, or write out what it does with other layers.",
        since=since,
        scope=scope,
        effect=Metadata((*CONFIGURATIONS, "signature"), lacking(*arguments)),
        witnesses=witnesses,
    )


UNREAD = (
    unread(
        "quantization-config",
        ("quantization_config",),
        subject("layers.Dense", "layers.Embedding"),
        "quantization_config is not known.",
        "layers/core.js:90 (Dense), embeddings.js:25 (Embedding)",
        searched("Keras 3 layer API quantize enable_lora reset_state missing layers"),
        (DENSE_CASE, EMBEDDING_CASE),
        since="keras 3.13.0 (2025)",
    ),
    unread(
        "groups-argument",
        ("groups",),
        subject(*CONVOLUTIONS),
        "groups is not known; the configuration does not tell it.",
        "layers/convolutional.js:238 (BaseConv)",
        issue(3900),
        (CONV2D_CASE,),
        since="keras 2.6.0 (2021)",
    ),
    unread(
        "batch-normalization-arguments",
        ("renorm", "renorm_clipping", "renorm_momentum", "synchronized"),
        subject("layers.BatchNormalization"),
        "renorm, its arguments and synchronized are not known; the configuration does not tell them.",
        "layers/normalization.js:140 (BatchNormalization)",
        searched("batchNormalization renorm not supported synchronized arguments"),
        (BATCH_NORMALIZATION_CASE,),
        since="keras 2.6.0 (2021)",
    ),
    unread(
        "recurrent-arguments",
        ("seed", "use_cudnn", "zero_output_for_mask"),
        subject(*RECURRENT, *CELLS, *CONV_LSTM),
        "seed, use_cudnn and zero_output_for_mask are not known: dropout cannot be repeated, and "
        "masked steps never give zeros.",
        "layers/recurrent.js:205 (RNN), :643 (SimpleRNNCell), :799 (GRUCell), :982 (LSTMCell)",
        searched("recurrentDropout seed reproducible LSTM GRU dropout mask seed"),
        (*RECURRENT_CASES.values(),),
        since="keras 2.6.0 (2021)",
    ),
    unread(
        "noise-seed",
        ("seed",),
        subject("layers.AlphaDropout", "layers.GaussianDropout", "layers.GaussianNoise"),
        "seed is not known: noise cannot be repeated.",
        "layers/noise.js:18 (GaussianNoise), :47 (GaussianDropout), :110 (AlphaDropout)",
        searched("gaussianNoise layer seed not reproducible stddev 0"),
        NOISE_CASES,
        since="tfjs-layers 1.0.2 (2019)",
    ),
    unread(
        "layer-normalization-arguments",
        ("beta_constraint", "gamma_constraint", "rms_scaling"),
        subject("layers.LayerNormalization"),
        "Constraints and rms_scaling are not known; the configuration does not tell them.",
        "layers/normalization.js:264 (LayerNormalization)",
        searched("layerNormalization layer axis rms_scaling gamma beta shape"),
        (LAYER_NORMALIZATION_CASE,),
        since="tfjs-layers 1.2.11 (2019)",
    ),
    unread(
        "category-encoding-sparse",
        ("sparse",),
        subject("layers.CategoryEncoding"),
        "sparse is not known: the output is always dense.",
        "layers/preprocessing/category_encoding.js:18 (CategoryEncoding)",
        searched("categoryEncoding sparse"),
        (CATEGORIES_CASE,),
        since="tfjs-layers 4.0.0 (2022)",
    ),
    unread(
        "center-crop-arguments",
        ("bounding_box_format", "data_format", "factor"),
        subject("layers.CenterCrop"),
        "Channels are last, and there are no bounding boxes: the arguments about them are not known.",
        "layers/preprocessing/center_crop.js:16 (CenterCrop)",
        OF_IMAGES,
        (CENTER_CROP_CASE,),
        since="keras 3.0.0 (2023)",
    ),
    unread(
        "resizing-arguments",
        (
            "antialias",
            "bounding_box_format",
            "data_format",
            "factor",
            "fill_mode",
            "fill_value",
            "pad_to_aspect_ratio",
        ),
        subject("layers.Resizing"),
        "Channels are last, nothing is padded and nothing smoothed: the arguments for it are not known.",
        "layers/preprocessing/image_resizing.js:24 (Resizing)",
        OF_IMAGES,
        (RESIZING_CASE,),
        since="keras 3.0.0 (2023)",
    ),
    unread(
        "relu-arguments",
        ("negative_slope", "threshold"),
        subject("layers.ReLU"),
        "negative_slope and threshold are not known; the configuration does not tell them.",
        "layers/advanced_activations.js:26 (ReLU)",
        searched("layers.reLU negativeSlope threshold ignored"),
        (RELU_CASE,),
        since="keras 2.2.3 (2018)",
    ),
)


DTYPE = f"{LAYERS}/engine/topology.js:1110 (Layer.getConfig); :221 (dtype is set with inputShape only)"

DEVIATIONS = (
    *UNREAD,
    deviation(
        "tfjs-config-without-dtype",
        "The configuration tells no dtype, unless the layer was given an input shape: everything is float32.",
        kind="intentional",
        source=DTYPE,
        upstream=searched("layer dtype config Keras 3 model conversion DTypePolicy getConfig dtype"),
        remedy="Nothing need be done: everything is float32.",
        since=FIRST,
        scope=all_of(
            subject(*(name for name in ALL_LAYERS if name not in ("layers.Embedding", "layers.InputLayer"))),
            without(told_a_shape),
        ),
        effect=Metadata(CONFIGURATIONS, lacking("dtype")),
        witnesses=(FLATTEN_CASE, DENSE_CASE),
    ),
    deviation(
        "tfjs-config-tells-input-shape",
        "A layer that was told the shape of its input tells it in its configuration, with the batch and the "
        "dtype: it is the first of a model, which Keras says by an InputLayer.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:221 (Layer), :1110 (Layer.getConfig)",
        upstream=searched(
            "embedding config batch_input_shape input_length Keras 3 Unrecognized keyword arguments"
        ),
        remedy="Put an InputLayer in its place when going back.",
        converted="does so",
        since=FIRST,
        scope=told_a_shape,
        effect=Metadata(CONFIGURATIONS, with_input_shape),
        witnesses=(
            said_of(FLATTEN_CASE, {"input_shape": [3, 4]}),
            said_of(DENSE_CASE, {"input_dim": 5}),
            said_of(EMBEDDING_CASE, {"input_shape": [3]}),
        ),
    ),
    deviation(
        "tfjs-flatten-config-without-data-format",
        "The configuration tells data_format only where it was given; it acts as channels_last.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:224 (Flatten.getConfig)",
        upstream=searched("Flatten spatialDropout1d getConfig dataFormat noiseShape config"),
        remedy="Take a missing data_format for channels_last.",
        since="tfjs-layers 1.3.2 (2019)",
        scope=all_of(subject("layers.Flatten"), without(sets("data_format"))),
        effect=Metadata(CONFIGURATIONS, lacking("data_format")),
        witnesses=(FLATTEN_CASE,),
    ),
    deviation(
        "tfjs-config-without-low-rank-adaptation",
        "The configuration does not tell lora_rank and lora_alpha, which are not known.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:90 (Dense), convolutional.js:238 (BaseConv), embeddings.js:25",
        upstream=searched("Keras 3 layer API quantize enable_lora reset_state missing layers"),
        remedy="Merge the adapted weight before converting.",
        since="keras 3.0.3 (2024)",
        scope=sets("lora_rank"),
        effect=Metadata(CONFIGURATIONS, lacking("lora_rank", "lora_alpha")),
        witnesses=LOW_RANK_CASES,
    ),
    deviation(
        "tfjs-config-without-dtype-of-own-shape",
        "The configuration tells no dtype where the layer has made its input's shape itself, of input_dim or "
        "of nothing; that of the layer made from it does, for it is given a shape.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:99 (Dense), embeddings.js:41 (Embedding)",
        upstream=searched("layer dtype config Keras 3 model conversion DTypePolicy getConfig dtype"),
        remedy="Nothing need be done: everything is float32.",
        since=FIRST,
        scope=all_of(any_of(subject("layers.Embedding"), told_a_shape), omits("input_shape")),
        effect=Metadata(("config",), lacking("dtype")),
        witnesses=(EMBEDDING_CASE, said_of(DENSE_CASE, {"input_dim": 5})),
    ),
    deviation(
        "tfjs-embedding-knows-its-length",
        "An Embedding that was told input_length infers that for a dimension that is unknown; "
        "Keras 3 forgets it.",
        kind="intentional",
        source=f"{LAYERS}/layers/embeddings.js:80 (Embedding.computeOutputShape)",
        upstream=searched(
            "embedding config batch_input_shape input_length Keras 3 Unrecognized keyword arguments"
        ),
        remedy="Leave input_length away.",
        since=FIRST,
        scope=all_of(subject("layers.Embedding"), sets("input_length")),
        effect=Metadata(("shape/unknown",), with_input_length),
        witnesses=(LENGTH_CASE,),
    ),
    deviation(
        "tfjs-stacked-cells-forget-input-shape",
        "A stack of cells that is made from its configuration is told nothing of the input's shape.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:1278 (StackedRNNCells.fromConfig)",
        upstream=searched("StackedRNNCells fromConfig"),
        remedy="Nothing need be done: the layer around the stack tells it.",
        since="tfjs-layers 0.0.4 (2018)",
        scope=all_of(subject("layers.StackedRNNCells"), told_a_shape),
        effect=Metadata(("reconstructed/config",), lacking("batch_input_shape", "dtype")),
        witnesses=(said_of(STACKED_CASE, {"input_shape": [4]}),),
    ),
    deviation(
        "tfjs-embedding-config-tells-input-shape",
        "The configuration has the keys of Keras 2: batch_input_shape, made up as (None, None), and "
        "input_length. Keras 3 refuses them.",
        kind="intentional",
        source=f"{LAYERS}/layers/embeddings.js:41, :129 (Embedding)",
        upstream=searched(
            "embedding config batch_input_shape input_length Keras 3 Unrecognized keyword arguments"
        ),
        remedy="Drop both when going back.",
        converted="drops them",
        since=FIRST,
        scope=subject("layers.Embedding"),
        effect=Metadata(CONFIGURATIONS, of_embedding),
        witnesses=(EMBEDDING_CASE,),
    ),
    deviation(
        "tfjs-recurrent-config-tells-implementation",
        "The configuration has a key of Keras 2, implementation, which changes nothing. Keras 3 takes it "
        "and forgets it.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:933 (GRUCell.getConfig), :1135 (LSTMCell.getConfig)",
        upstream=searched(
            "embedding config batch_input_shape input_length Keras 3 Unrecognized keyword arguments"
        ),
        remedy="Nothing need be done: it changes nothing.",
        since=FIRST,
        scope=subject("layers.GRU", "layers.GRUCell", "layers.LSTM", "layers.LSTMCell", *CONV_LSTM),
        effect=Metadata(CONFIGURATIONS, with_implementation),
        witnesses=(
            GRU_CASE,
            LSTM_CASE,
            GRU_CELL_CASE,
            LSTM_CELL_CASE,
            CONV_LSTM_CASE,
            CONV_LSTM_CELL_CASE,
        ),
    ),
    deviation(
        "tfjs-config-without-activity-regularizer",
        "activity_regularizer is dropped in silence: the penalty is missing from the loss.",
        kind="bug",
        source=f"{LAYERS}/engine/topology.js:199 (Layer: activityRegularizer is null)",
        upstream=issue(8022),
        remedy="Train in Keras: TensorFlow.js has no other layer for the penalty. A trained model does not "
        "need it.",
        since=FIRST,
        scope=all_of(
            subject(
                *set(ALL_LAYERS).difference(
                    ALL_CONVOLUTIONS, ("layers.ConvLSTM2D", "layers.Dense", "layers.Embedding", "layers.LSTM")
                ),
            ),
            sets("activity_regularizer"),
        ),
        effect=Metadata(CONFIGURATIONS, lacking("activity_regularizer")),
        witnesses=(
            draft_layer(
                "layers.Activation",
                {"activation": "relu", "activity_regularizer": L2},
                [recipe("normal", 2, 3)],
            ),
        ),
    ),
    deviation(
        "tfjs-recurrent-without-activity-regularizer",
        "activity_regularizer is dropped in silence: the penalty is missing from the loss.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:771, :951, :1152 (TODO(cais): Add activityRegularizer)",
        upstream=issue(8022),
        remedy="Train in Keras. A trained model does not need it.",
        since=FIRST,
        scope=all_of(
            subject("layers.ConvLSTM2D", "layers.GRU", "layers.LSTM", "layers.SimpleRNN"),
            sets("activity_regularizer"),
        ),
        effect=Metadata(CONFIGURATIONS, saying(activity_regularizer=None)),
        witnesses=(REGULARIZED_LSTM_CASE,),
    ),
    deviation(
        "tfjs-kernel-of-all-groups",
        "The kernel is as deep as the input, whatever the groups.",
        kind="intentional",
        source=f"{LAYERS}/layers/convolutional.js:342 (Conv.build)",
        upstream=issue(3900),
        remedy="Write the groups into one kernel, with zeros between them.",
        converted="does so",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject(*CONVOLUTIONS), grouped),
        effect=Metadata(("weights",), ungrouped),
        witnesses=(GROUPED_CASE,),
    ),
    deviation(
        "tfjs-weights-without-low-rank-updates",
        "The layer has its main weight only, and trains it: lora_rank is not known.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:126 (Dense.build), convolutional.js:334, embeddings.js:62",
        upstream=searched("Keras 3 layer API quantize enable_lora reset_state missing layers"),
        remedy="Merge the adapted weight before converting.",
        since="keras 3.0.3 (2024)",
        scope=sets("lora_rank"),
        effect=Metadata(("weights",), never_adapted),
        witnesses=LOW_RANK_CASES,
    ),
    deviation(
        "tfjs-weights-without-renormalization",
        "The layer has no statistics of batch renormalization: renorm is not known.",
        kind="intentional",
        source=f"{LAYERS}/layers/normalization.js:162 (BatchNormalization.build)",
        upstream=searched("batchNormalization renorm not supported synchronized arguments"),
        remedy="Drop them: in inference they count for nothing.",
        converted="drops them",
        since=FIRST,
        scope=all_of(subject("layers.BatchNormalization"), sets("renorm")),
        effect=Metadata(("weights",), weights_lacking("moving_stddev", "renorm_")),
        witnesses=(RENORM_CASE,),
    ),
    deviation(
        "tfjs-stateful-fixes-batch",
        "A stateful layer knows the size of its batch once it is built, and keeps it: the inferred shape has "
        "it where Keras's is unknown.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:331 (RNN.build: inputSpec)",
        upstream=searched("stateful LSTM batch size fixed after build predict different batch size"),
        remedy="Give every call a batch of that size, or build the layer anew.",
        since=FIRST,
        scope=all_of(subject(*RECURRENT, "layers.ConvLSTM2D"), sets("stateful")),
        effect=Metadata(("shape/unknown",), fixed_batch),
        witnesses=(STATEFUL_CASE,),
    ),
)
