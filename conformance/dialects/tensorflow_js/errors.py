"""What TensorFlow.js does not refuse, or refuses by failing somewhere inside.

An entry is a check that is missing; its scope asks whether the case would be sound but for that. A misspelt
argument and one that only Keras has come to the same here, since the constructors read what they know.
"""

from __future__ import annotations

from conformance.cases.case import Case, Source
from conformance.cases.data import Data
from conformance.cases.drafts.draft import recipe
from conformance.cases.drafts.errors import DENSE, GRU, LOW_RANK, UNKNOWN, first_cases, spoilt
from conformance.dialects.deviation import REFUSAL, Accepts, Raises, subject
from conformance.dialects.refused import (
    below_one,
    is_list,
    lacking,
    longer_than,
    too_many_inputs,
    unknown_arguments,
    wrong_in,
    wrong_in_masks,
)
from conformance.dialects.scopes import (
    ALL_CONVOLUTIONS,
    CONVOLUTIONS,
    all_of,
    asks,
    inner,
    sets,
    without,
)
from conformance.dialects.scopes import LAYERS as ALL_LAYERS
from conformance.dialects.tensorflow_js.record import (
    CELLS,
    CONV_LSTM,
    CORE,
    CPU,
    FIRST,
    LAYERS,
    RECURRENT,
    WASM,
    deviation,
    issue,
    searched,
)

ONLY_IN_KERAS: dict[str, tuple[str, ...]] = {
    "activity_regularizer": tuple(
        set(ALL_LAYERS).difference((*ALL_CONVOLUTIONS, "layers.Dense", "layers.Embedding"))
    ),
    "backward_layer": ("layers.Bidirectional",),
    "beta_constraint": ("layers.LayerNormalization",),
    "data_format": (
        "layers.AveragePooling1D",
        "layers.CenterCrop",
        "layers.GlobalAveragePooling1D",
        "layers.GlobalMaxPooling1D",
        "layers.MaxPooling1D",
        "layers.Resizing",
    ),
    "dtype": ALL_LAYERS,
    "factor": ("layers.CenterCrop", "layers.Resizing"),
    "fill_mode": ("layers.Resizing",),
    "gamma_constraint": ("layers.LayerNormalization",),
    "groups": CONVOLUTIONS,
    "input_tensor": ("layers.InputLayer",),
    "lora_rank": (*CONVOLUTIONS, "layers.Dense", "layers.Embedding"),
    "negative_slope": ("layers.LeakyReLU", "layers.ReLU"),
    "output_padding": ("layers.Conv2DTranspose", "layers.Conv3DTranspose"),
    "pad_to_aspect_ratio": ("layers.Resizing",),
    "seed": (
        *RECURRENT,
        *CELLS,
        *CONV_LSTM,
        "layers.AlphaDropout",
        "layers.GaussianDropout",
        "layers.GaussianNoise",
        "layers.RandomWidth",
    ),
    "threshold": ("layers.ReLU",),
    "use_cudnn": ("layers.GRU", "layers.LSTM"),
}
"""Arguments by their Keras names, and the layers whose constructors in TensorFlow.js do not read them."""


def only_in_keras(case: Case, data: Data) -> bool:
    """What is wrong are arguments that the class does not have in TensorFlow.js."""
    unread = [name for name, subjects in ONLY_IN_KERAS.items() if case.subject in subjects]
    return wrong_in(*unread)(case, data)


def mask(*shape: int) -> tuple[Source, ...]:
    return (recipe("mask", *shape, dtype="bool"),)


def wraps_what_is_not_recurrent(case: Case, data: Data) -> bool:
    """There is a layer inside, and it repeats no cell."""
    return any(f"layers.{name}" not in RECURRENT for name, _ in inner(case))


GEOMETRY = ("kernel_size", "strides", "dilation_rate", "depth_multiplier")
"""The numbers that say which windows a convolution has."""

BAD_WINDOWS = all_of(
    subject(*ALL_CONVOLUTIONS),
    below_one(*GEOMETRY),
    wrong_in("strides", "dilation_rate", "depth_multiplier", kernel_size=1),
)
LARGE_WINDOWS = all_of(subject(*ALL_CONVOLUTIONS), without(below_one("kernel_size")), wrong_in(kernel_size=1))

DEVIATIONS = (
    deviation(
        "tfjs-unknown-arguments-ignored",
        "A misspelt argument goes unnoticed: constructors read the arguments that they know, and no other.",
        kind="bug",
        source=f"{LAYERS}/engine/topology.js:189 (Layer), and every constructor",
        upstream=issue(5798),
        remedy="Check the spelling of arguments; `conformance check` tells of a model what differs.",
        since=FIRST,
        scope=all_of(subject(*ALL_LAYERS), unknown_arguments),
        effect=Accepts(),
        witnesses=(spoilt("Dense", UNKNOWN), spoilt("LSTM", UNKNOWN), spoilt("Flatten", UNKNOWN)),
    ),
    deviation(
        "tfjs-arguments-of-keras-ignored",
        "Arguments that only Keras has go unnoticed, bad ones too: seed of recurrent layers, groups, "
        "lora_rank, output_padding, data_format of layers of one dimension, and others.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:189 (Layer), and every constructor",
        upstream=issue(5798),
        remedy="Look the argument up here before you rely on it.",
        since=FIRST,
        scope=all_of(subject(*ALL_LAYERS), only_in_keras),
        effect=Accepts(),
        witnesses=(
            spoilt("Dense", {"dtype": "float31"}),
            spoilt("Dense", LOW_RANK),
            spoilt("Conv2D", {"filters": 3, "groups": 3}),
            spoilt("LSTM", {"seed": "last"}),
        ),
    ),
    deviation(
        "tfjs-input-layer-unchecked",
        "The shape of an InputLayer may be a number, and its sizes negative.",
        kind="bug",
        source=f"{LAYERS}/engine/input_layer.js:41, :52 (InputLayer)",
        upstream=searched(
            "InputLayer inputShape number instead of array batchInputShape negative ragged optional"
        ),
        remedy="Check the shape yourself.",
        since=FIRST,
        scope=all_of(subject("layers.InputLayer"), wrong_in(shape=[3], batch_shape=[None, 3])),
        effect=Accepts(),
        witnesses=tuple(
            Case("layers.InputLayer", config, observables=REFUSAL)
            for config in (
                {"shape": 3},
                {"batch_shape": [None, -1]},
            )
        ),
    ),
    deviation(
        "tfjs-name-and-trainable-unchecked",
        "A name may be anything, and so may trainable.",
        kind="bug",
        source=f"{LAYERS}/engine/topology.js:214, :220 (Layer)",
        upstream=searched("layer name not a string trainable not boolean not checked"),
        remedy="Check them yourself.",
        since=FIRST,
        scope=all_of(subject(*ALL_LAYERS), wrong_in("name", "trainable")),
        effect=Accepts(),
        witnesses=(spoilt("Dense", {"name": 3}), spoilt("Dense", {"trainable": "yes"})),
    ),
    deviation(
        "tfjs-numbers-unchecked",
        "Rates, standard deviations, momentum, epsilon, seeds and noise shapes are taken as they come: "
        "of another range, or no numbers at all.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:27 (Dropout), noise.js:21 (GaussianNoise), :50, :113, "
        "normalization.js:147 (BatchNormalization), :285 (LayerNormalization), recurrent.js:663 "
        "(SimpleRNNCell), :827, :1008",
        upstream=searched(
            "dropout rate undefined NaN out of range not checked layer repeatVector n undefined"
        ),
        remedy="Check the numbers yourself.",
        since=FIRST,
        scope=all_of(
            subject(
                "layers.AlphaDropout",
                "layers.BatchNormalization",
                "layers.Dropout",
                "layers.GaussianDropout",
                "layers.GaussianNoise",
                "layers.LayerNormalization",
                "layers.SpatialDropout1D",
                *CELLS,
                *CONV_LSTM,
                *RECURRENT,
            ),
            wrong_in(
                "momentum",
                "epsilon",
                "dropout",
                "recurrent_dropout",
                "noise_shape",
                "seed",
                rate=0.5,
                stddev=0.5,
            ),
        ),
        effect=Accepts(),
        witnesses=(
            spoilt("Dropout", {"rate": 1.5}),
            spoilt("BatchNormalization", {"epsilon": "x"}),
            spoilt("LSTM", {"dropout": "x"}),
        ),
    ),
    deviation(
        "tfjs-required-arguments-unchecked",
        "A layer is made without an argument that it cannot do without, or for which it has a default of "
        "its own (pool_size): a rate that is undefined drops nothing.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:27 (Dropout), :240 (Activation), noise.js:21, :50, :113, "
        "pooling.js:128 (Pooling1D), :228, :323, merge.js:894 (Dot), preprocessing/center_crop.js:18, "
        "preprocessing/image_resizing.js:26",
        upstream=searched(
            "dropout rate undefined NaN out of range not checked layer repeatVector n undefined"
        ),
        remedy="Give every argument that Keras requires.",
        since=FIRST,
        scope=all_of(
            subject(
                "layers.Activation",
                "layers.AlphaDropout",
                "layers.AveragePooling1D",
                "layers.AveragePooling2D",
                "layers.AveragePooling3D",
                "layers.CenterCrop",
                "layers.Dot",
                "layers.Dropout",
                "layers.GaussianDropout",
                "layers.GaussianNoise",
                "layers.Resizing",
                "layers.SpatialDropout1D",
            ),
            lacking(activation="relu", axes=1, height=3, pool_size=2, rate=0.5, stddev=0.5, width=3),
        ),
        effect=Accepts(),
        witnesses=(
            spoilt("Dropout", without="rate"),
            spoilt("Dot", without="axes"),
            spoilt("AveragePooling2D", without="pool_size"),
        ),
    ),
    deviation(
        "tfjs-required-argument-read-at-once",
        "Without its layer, or its target shape, a layer fails on `undefined` rather than say what it lacks.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:184 (Bidirectional), core.js:293 (Reshape)",
        upstream=searched(
            "Cannot read properties of undefined TimeDistributed Bidirectional layer undefined"
        ),
        remedy="Give the argument.",
        since=FIRST,
        scope=all_of(
            subject("layers.Bidirectional", "layers.Reshape"), lacking(layer=GRU, target_shape=[-1])
        ),
        effect=Raises("internal", "construction", REFUSAL, "Cannot read properties of undefined"),
        witnesses=(spoilt("Bidirectional", without="layer"), spoilt("Reshape", without="target_shape")),
    ),
    deviation(
        "tfjs-time-distributed-without-layer",
        "TimeDistributed is made without a layer, and fails on `undefined` when it is called.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:41 (Wrapper)",
        upstream=searched(
            "Cannot read properties of undefined TimeDistributed Bidirectional layer undefined"
        ),
        remedy="Give it a layer.",
        since=FIRST,
        scope=all_of(subject("layers.TimeDistributed"), lacking(layer=DENSE)),
        effect=Raises("internal", "call", REFUSAL, "Cannot read properties of undefined"),
        witnesses=(spoilt("TimeDistributed", without="layer"),),
    ),
    deviation(
        "tfjs-time-distributed-of-no-layer",
        "TimeDistributed takes anything for its layer, and fails when it is called.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:41 (Wrapper)",
        upstream=searched(
            "Cannot read properties of undefined TimeDistributed Bidirectional layer undefined"
        ),
        remedy="Give it a layer.",
        since=FIRST,
        scope=all_of(subject("layers.TimeDistributed"), wrong_in(layer=DENSE)),
        effect=Raises("internal", "call", REFUSAL, "is not a function"),
        witnesses=(spoilt("TimeDistributed", {"layer": 3}),),
    ),
    deviation(
        "tfjs-bidirectional-of-no-layer",
        "Bidirectional asks anything that it is given for a layer's configuration, and fails where there "
        "is none.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:184 (Bidirectional)",
        upstream=searched(
            "Cannot read properties of undefined TimeDistributed Bidirectional layer undefined"
        ),
        remedy="Give it a layer.",
        since=FIRST,
        scope=all_of(subject("layers.Bidirectional"), wrong_in(layer=GRU)),
        effect=Raises("internal", "construction", REFUSAL, "getConfig is not a function"),
        witnesses=(spoilt("Bidirectional", {"layer": 3}),),
    ),
    deviation(
        "tfjs-bidirectional-of-any-layer",
        "Bidirectional takes a layer that is not recurrent, and calls it twice.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:184 (Bidirectional)",
        upstream=searched(
            "Cannot read properties of undefined TimeDistributed Bidirectional layer undefined"
        ),
        remedy="Give it a recurrent layer.",
        since=FIRST,
        scope=all_of(subject("layers.Bidirectional"), wraps_what_is_not_recurrent, wrong_in(layer=GRU)),
        effect=Accepts(),
        witnesses=(spoilt("Bidirectional", {"layer": DENSE}),),
    ),
    deviation(
        "tfjs-convolution-geometry-unchecked",
        "Kernel sizes, strides, dilation rates and depth multipliers need not be positive.",
        kind="bug",
        source=f"{LAYERS}/utils/conv_utils.js:20 (normalizeArray); layers/convolutional_depthwise.js:63, "
        "convolutional.js:740 (SeparableConv)",
        upstream=issue(6990),
        remedy="Check the numbers yourself.",
        since=FIRST,
        scope=BAD_WINDOWS,
        effect=Accepts(),
        witnesses=(
            spoilt("Conv2D", {"kernel_size": 0}),
            spoilt("Conv2D", {"dilation_rate": 0}),
            spoilt("DepthwiseConv2D", {"depth_multiplier": 0}),
        ),
    ),
    deviation(
        "tfjs-kernel-larger-than-input",
        "A kernel that does not fit into its input is taken.",
        kind="bug",
        source=f"{CORE}/ops/conv_util.js:279 (getPadAndOutInfo)",
        upstream=issue(318),
        remedy="Check the size of the input yourself.",
        since="tfjs-core 0.5.0 (2018)",
        scope=LARGE_WINDOWS,
        effect=Accepts(),
        witnesses=(spoilt("Conv2D", {"kernel_size": 9}), spoilt("Conv3D", {"kernel_size": 9})),
    ),
    deviation(
        "tfjs-depthwise-convolution-causal",
        "DepthwiseConv2D takes causal padding, which only Conv1D has, for valid padding.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:253 (BaseConv), convolutional_depthwise.js:52",
        upstream=searched("conv1d causal padding output shape wrong"),
        remedy="Use padding valid or same.",
        since=FIRST,
        scope=all_of(subject("layers.DepthwiseConv2D"), wrong_in("padding")),
        effect=Accepts(),
        witnesses=(spoilt("DepthwiseConv2D", {"padding": "causal"}),),
    ),
    deviation(
        "tfjs-pool-size-of-any-length",
        "A pool size of more numbers than there are spatial dimensions is cut short.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:232 (Pooling2D), :327 (Pooling3D)",
        upstream=searched("layer negative padding cropping poolSize argument not validated should throw"),
        remedy="Give as many numbers as there are spatial dimensions.",
        since=FIRST,
        scope=all_of(
            subject(*(f"layers.{kind}Pooling{rank}D" for kind in ("Average", "Max") for rank in (2, 3))),
            longer_than(2, "pool_size"),
            wrong_in(pool_size=2),
        ),
        effect=Accepts(),
        witnesses=(spoilt("MaxPooling2D", {"pool_size": [2, 2, 2, 2]}),),
    ),
    deviation(
        "tfjs-data-format-unchecked",
        "Flatten and Cropping2D take any data format that is not channelsFirst for channelsLast.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:193 (Flatten), convolutional.js:880 (Cropping2D)",
        upstream=searched("layer negative padding cropping poolSize argument not validated should throw"),
        remedy="Check the spelling.",
        since="tfjs-layers 0.5.4 (2018)",
        scope=all_of(subject("layers.Cropping2D", "layers.Flatten"), wrong_in("data_format")),
        effect=Accepts(),
        witnesses=(spoilt("Flatten", {"data_format": "nonsense"}),),
    ),
    deviation(
        "tfjs-negative-zero-padding",
        "ZeroPadding2D takes a negative padding.",
        kind="bug",
        source=f"{LAYERS}/layers/padding.js:100 (ZeroPadding2D)",
        upstream=searched("layer negative padding cropping poolSize argument not validated should throw"),
        remedy="Crop by a Cropping2D.",
        since="tfjs-layers 0.3.0 (2018)",
        scope=all_of(subject("layers.ZeroPadding2D"), below_one("padding"), wrong_in("padding")),
        effect=Accepts(),
        witnesses=(spoilt("ZeroPadding2D", {"padding": -1}),),
    ),
    deviation(
        "tfjs-cropping-of-any-length",
        "Cropping2D takes a list of any length, and reads its first two elements.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:870 (Cropping2D)",
        upstream=searched("layer negative padding cropping poolSize argument not validated should throw"),
        remedy="Give a pair of pairs.",
        since="tfjs-layers 0.5.4 (2018)",
        scope=all_of(subject("layers.Cropping2D"), longer_than(2, "cropping"), wrong_in(cropping=1)),
        effect=Accepts(),
        witnesses=(spoilt("Cropping2D", {"cropping": [1, 2, 3, 4]}),),
    ),
    deviation(
        "tfjs-dot-along-batch",
        "Dot takes 0, the batch, for an axis to sum along.",
        kind="bug",
        source=f"{LAYERS}/layers/merge.js:907 (Dot.build)",
        upstream=searched("layers.dot axes negative axis Dimension incompatibility"),
        remedy="Count axes from 1.",
        since="tfjs-layers 0.8.2 (2018)",
        scope=all_of(subject("layers.Dot"), without(sets("axes")), wrong_in(axes=1)),
        effect=Accepts(),
        witnesses=(spoilt("Dot", {"axes": 0}),),
    ),
    deviation(
        "tfjs-reshape-to-negative-sizes",
        "Every negative size of a target shape stands for what is left, not only -1.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:300 (Reshape.isUnknown)",
        upstream=searched("reshape layer targetShape -1 null negative invalid target shape config"),
        remedy="Write −1, once at most.",
        since=FIRST,
        scope=all_of(subject("layers.Reshape"), is_list("target_shape"), wrong_in(target_shape=[-1])),
        effect=Accepts(),
        witnesses=(spoilt("Reshape", {"target_shape": [-2]}),),
    ),
    deviation(
        "tfjs-reshape-to-number",
        "A number for a target shape is taken, and the call fails inside.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:291 (Reshape)",
        upstream=searched("reshape layer targetShape -1 null negative invalid target shape config"),
        remedy="Give a list.",
        since=FIRST,
        scope=all_of(
            subject("layers.Reshape"), without(is_list("target_shape")), wrong_in(target_shape=[-1])
        ),
        effect=Raises("internal", "call", REFUSAL, "slice is not a function"),
        witnesses=(spoilt("Reshape", {"target_shape": 2}),),
    ),
    deviation(
        "tfjs-repetitions-unchecked",
        "RepeatVector does not look at its number.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:263 (RepeatVector)",
        upstream=searched(
            "dropout rate undefined NaN out of range not checked layer repeatVector n undefined"
        ),
        remedy="Check the number yourself.",
        since=FIRST,
        scope=all_of(subject("layers.RepeatVector"), wrong_in(n=3)),
        effect=Accepts(),
        witnesses=(spoilt("RepeatVector", {"n": 0}), spoilt("RepeatVector", {"n": "3"})),
    ),
    deviation(
        "tfjs-category-encoding-mode-unchecked",
        "An unknown output mode goes unnoticed, and is taken for count.",
        kind="bug",
        source=f"{LAYERS}/layers/preprocessing/category_encoding.js:21 (CategoryEncoding); "
        "preprocessing_utils.js:37 (encodeCategoricalInputs)",
        upstream=searched(
            "CategoryEncoding Input values must be between 0 < values <= numTokens out of range token"
        ),
        remedy="Check the spelling.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(subject("layers.CategoryEncoding"), wrong_in("output_mode")),
        effect=Accepts(),
        witnesses=(spoilt("CategoryEncoding", {"output_mode": "nonsense"}),),
    ),
    deviation(
        "tfjs-sizes-of-images-unchecked",
        "Resizing does not look at its height and width.",
        kind="bug",
        source=f"{LAYERS}/layers/preprocessing/image_resizing.js:26 (Resizing)",
        upstream=searched("layer negative padding cropping poolSize argument not validated should throw"),
        remedy="Check the numbers yourself.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(subject("layers.Resizing"), wrong_in(height=3, width=3)),
        effect=Accepts(),
        witnesses=(spoilt("Resizing", {"height": 0}), spoilt("Resizing", {"height": "3"})),
    ),
    deviation(
        "tfjs-shapes-of-masks-unchecked",
        "A mask of more steps than the input has is taken; those beyond count for nothing.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:169 (rnn)",
        upstream=searched("rnn mask longer than input time steps shape mismatch not checked"),
        remedy="Give a mask with as many steps as the input.",
        since="tfjs-layers 0.9.2 (2019)",
        scope=all_of(subject(*RECURRENT, "layers.Bidirectional"), wrong_in_masks),
        effect=Accepts(),
        witnesses=(spoilt("LSTM", masks=mask(2, 5)), spoilt("Bidirectional", masks=mask(2, 5))),
    ),
    deviation(
        "tfjs-up-sampling-size-unchecked",
        "UpSampling2D does not look at its size.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:929 (UpSampling2D)",
        upstream=searched("UpSampling2D size number integer NaN shape"),
        remedy="Give a pair of positive integers.",
        since="tfjs-layers 0.6.3 (2018)",
        scope=all_of(subject("layers.UpSampling2D"), wrong_in("size")),
        effect=Accepts(),
        witnesses=(spoilt("UpSampling2D", {"size": 0}), spoilt("UpSampling2D", {"size": [2, 2, 2, 2]})),
    ),
    deviation(
        "tfjs-unread-masks-unchecked",
        "GlobalAveragePooling1D and TimeDistributed read no mask, so that one which does not fit goes "
        "unnoticed.",
        kind="intentional",
        source=f"{LAYERS}/layers/pooling.js:434 (GlobalAveragePooling1D), wrappers.js:157 (TimeDistributed)",
        upstream=searched("globalAveragePooling1d mask masking embedding maskZero ignored"),
        remedy="Nothing need be done: the mask counts for nothing.",
        since=FIRST,
        scope=all_of(subject("layers.GlobalAveragePooling1D", "layers.TimeDistributed"), wrong_in_masks),
        effect=Accepts(),
        witnesses=(
            spoilt("GlobalAveragePooling1D", masks=mask(2, 9)),
            spoilt("TimeDistributed", masks=mask(2, 5)),
        ),
    ),
)

ONLY_CPU = (
    deviation(
        "tfjs-cpu-convolution-without-strides",
        "A convolution with strides of 0 asks for an array of infinite length.",
        kind="bug",
        source=f"{CPU}/kernels/Conv2D.js:33 (conv2D: the output), DepthwiseConv2dNative.js:37",
        upstream=issue(6990),
        remedy="Give strides of 1 or more.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(BAD_WINDOWS, below_one("strides")),
        effect=Raises("internal", "call", REFUSAL, "Invalid typed array length: Infinity"),
        witnesses=(spoilt("Conv2D", {"strides": 0}), spoilt("DepthwiseConv2D", {"strides": 0})),
    ),
    deviation(
        "tfjs-cpu-kernel-larger-than-sequence",
        "A Conv1D whose kernel does not fit into its input asks for an array of negative length.",
        kind="bug",
        source=f"{CPU}/kernels/Conv2D.js:33 (conv2D: the output)",
        upstream=issue(5902),
        remedy="Give a sequence as long as the kernel, or padding same.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(subject("layers.Conv1D"), LARGE_WINDOWS),
        effect=Raises("internal", "call", REFUSAL, "Invalid typed array length: -"),
        witnesses=(spoilt("Conv1D", {"kernel_size": 9}),),
    ),
)

ONLY_WASM = (
    deviation(
        "tfjs-wasm-transposed-convolution-without-strides",
        "A Conv3DTranspose with strides of 0 divides by zero in WebAssembly, which ends the call.",
        kind="bug",
        source=f"{WASM}/kernels/Conv3DBackpropInputV2.js:59 (wasmConv3DBackpropInputV2)",
        upstream=searched("wasm Conv3DBackpropInputV2 stride 0 RuntimeError divide by zero crash"),
        remedy="Give strides of 1 or more.",
        since="tfjs-backend-wasm 4.3.0 (2023)",
        scope=all_of(subject("layers.Conv3DTranspose"), BAD_WINDOWS, below_one("strides")),
        effect=Raises("internal", "call", REFUSAL, "divide by zero"),
        witnesses=(spoilt("Conv3DTranspose", {"strides": 0}),),
    ),
    deviation(
        "tfjs-wasm-repeats-undefined-times",
        "RepeatVector is called without n, which the plain JavaScript backend refuses.",
        kind="bug",
        source=f"{WASM}/kernels/Tile.js:30 (tile)",
        upstream=searched(
            "wasm kernel does not validate input shapes prelu alpha tile invalid argument accepted"
        ),
        remedy="Give n.",
        since="tfjs-backend-wasm 1.5.0 (2019)",
        scope=all_of(subject("layers.RepeatVector"), lacking(n=3)),
        effect=Accepts(),
        witnesses=(spoilt("RepeatVector", without="n"),),
    ),
    deviation(
        "tfjs-wasm-crops-by-text",
        "CenterCrop with a text for a height or width gives something; the plain JavaScript backend "
        "refuses it.",
        kind="bug",
        source=f"{LAYERS}/layers/preprocessing/center_crop.js:18 (CenterCrop)",
        upstream=searched("layer negative padding cropping poolSize argument not validated should throw"),
        remedy="Give numbers.",
        since="tfjs-layers 4.1.0 (2022)",
        scope=all_of(subject("layers.CenterCrop"), wrong_in(height=3, width=3)),
        effect=Accepts(),
        witnesses=(spoilt("CenterCrop", {"height": "3"}),),
    ),
    deviation(
        "tfjs-wasm-resizing-of-several-inputs",
        "Resizing takes a list of inputs for numbers to make a tensor of, and fails at it; the plain "
        "JavaScript backend says that they have the wrong rank.",
        kind="bug",
        source=f"{LAYERS}/layers/preprocessing/image_resizing.js:61 (Resizing.call)",
        upstream=searched("Resizing layer list of inputs Invalid typed array length"),
        remedy="Give one tensor.",
        since="tfjs-layers 4.0.0 (2022)",
        scope=all_of(subject("layers.Resizing"), too_many_inputs),
        effect=Raises("internal", "call", REFUSAL, "Invalid typed array length"),
        witnesses=(spoilt("Resizing", inputs=first_cases()["layers.Resizing"].inputs * 2),),
    ),
    deviation(
        "tfjs-wasm-prelu-shapes-unchecked",
        "The kernel of PReLU is told no shapes, so that an input wider than alpha goes unnoticed.",
        kind="bug",
        source=f"{WASM}/kernels/Prelu.js:27 (prelu)",
        upstream=searched(
            "wasm kernel does not validate input shapes prelu alpha tile invalid argument accepted"
        ),
        remedy="Give inputs of the shape that the layer was built for.",
        since="tfjs-backend-wasm 1.3.0 (2019)",
        scope=all_of(subject("layers.PReLU"), asks("refusal/widened")),
        effect=Accepts(("refusal/widened",)),
        witnesses=(spoilt("PReLU", observables=("refusal", "refusal/widened")),),
    ),
)
