"""What TensorFlow.js refuses where Keras 3 computes."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.dialects.deviation import Deviation, Raises, Scope, subject
from conformance.dialects.scopes import (
    ALL_CONVOLUTIONS,
    CONVOLUTIONS,
    activations_of,
    all_of,
    any_of,
    channels_first,
    last_axis,
    rank,
    sets,
    unsets,
    without,
)
from conformance.dialects.tensorflow_js.layers import (
    POSITIVE,
    joins_by_inner_axis_from_the_end,
    shapes_allow_last_axis,
)
from conformance.dialects.tensorflow_js.record import CORE, FIRST, LAYERS, NUMERIC, deviation, issue, searched
from conformance.reference_impl.activations import ACTIVATIONS

KNOWN_ACTIVATIONS = {
    "elu", "gelu", "gelu_new", "hard_sigmoid", "linear", "log_softmax", "mish", "relu", "relu6", "selu",
    "sigmoid", "softmax", "softplus", "softsign", "swish", "tanh",
}  # fmt: skip
"""The identifiers that tfjs-layers registers (activations.js), in snake case."""

UNKNOWN_ACTIVATIONS = {
    spelling for name, entry in ACTIVATIONS.items() for spelling in (name, *entry.aliases)
} - KNOWN_ACTIVATIONS

UNKNOWN_INITIALIZERS = {"normal", "uniform"}
"""Keras's short names of RandomNormal and RandomUniform."""


def passes_arguments(case: Case, data: Data) -> bool:
    """An activation function is given arguments beside x."""
    return case.subject.startswith("activations.") and bool(case.config.keys() - {"identifier"})


def names_unknown_activation(case: Case, data: Data) -> bool:
    """A layer, or an identifier, names an activation function that is not registered."""
    named = {*activations_of(case), case.config.get("identifier")}
    return bool(named & UNKNOWN_ACTIVATIONS)


def names_unknown_initializer(case: Case, data: Data) -> bool:
    """An initializer is named by a string that is not registered."""
    return any(
        isinstance(value, str) and value in UNKNOWN_INITIALIZERS
        for key, value in case.config.items()
        if key.endswith("_initializer")
    )


def names_unknown_distribution(case: Case, data: Data) -> bool:
    """An initializer scales a normal distribution that is not truncated."""
    return any(
        key.endswith("_initializer")
        and isinstance(value, dict)
        and (value.get("config") or {}).get("distribution") == "untruncated_normal"
        for key, value in case.config.items()
    )


def joins_one(case: Case, data: Data) -> bool:
    """Concatenate is given a single input."""
    return case.subject == "layers.Concatenate" and len(data.inputs) == 1


def sums_along_inner_axis(case: Case, data: Data) -> bool:
    """The Softmax layer's one axis is not the last; 1 is its default."""
    axes = case.config.get("axis", 1)
    single = not isinstance(axes, list) or len(axes) == 1
    return case.subject == "layers.Softmax" and single and not last_axis(axes, data.inputs[0].ndim)


def grouped(case: Case, data: Data) -> bool:
    """A convolution has several groups."""
    return int(case.config.get("groups", 1)) > 1


def fits_channels_last(case: Case, data: Data) -> bool:
    """A Conv1D with channels first has as many times as its kernel is deep: what is made from its
    configuration, which tells neither data_format nor groups, takes the weights."""
    if case.subject != "layers.Conv1D" or not channels_first(case, data):
        return False
    _, channels, time = data.inputs[0].shape
    return bool(time == channels // case.config.get("groups", 1))


ONE_INPUT = draft_layer("layers.Concatenate", {}, [recipe("normal", 2, 3)])
CHANNELS_LAST = {"data_format": "channels_last"}

GROUPED_CASE = draft_layer(
    "layers.Conv2D",
    {"filters": 6, "kernel_size": 2, "padding": "valid", "groups": 2},
    [recipe("normal", 2, 4, 5, 6)],
)
GROUPED_CHANNELS_FIRST_CASE = draft_layer(
    "layers.Conv1D",
    {"filters": 4, "kernel_size": 2, "groups": 2, "data_format": "channels_first"},
    [recipe("normal", 2, 6, 3)],
)
RENORM_CASE = draft_layer(
    "layers.BatchNormalization",
    {"renorm": True, "renorm_clipping": None, "renorm_momentum": 0.75},
    [recipe("normal", 6, 3)],
    weights=POSITIVE,
    training=True,
)
LOW_RANK_CASES = (
    draft_layer("layers.Dense", {"units": 5, "lora_rank": 2, "lora_alpha": None}, [recipe("normal", 3, 4)]),
    draft_layer(
        "layers.Embedding",
        {"input_dim": 7, "output_dim": 5, "lora_rank": 2, "lora_alpha": None},
        [recipe("indices:7", 2, 3, dtype="int32")],
    ),
)


def no_groups(name: str, where: Scope, observables: tuple[str, ...], witness: Case) -> Deviation:
    """An entry about grouped convolutions: what is made from a configuration may take the weights."""
    return deviation(
        name,
        "Grouped convolution is not known: the kernel is made for all channels, and the weights of a "
        "grouped one do not fit.",
        kind="intentional",
        source=f"{LAYERS}/layers/convolutional.js:342 (Conv.build)",
        upstream=issue(3900),
        remedy="Write the groups out as convolutions of slices.",
        converted="writes them into one kernel, with zeros between them",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject(*CONVOLUTIONS), grouped, where),
        effect=Raises("invalid-argument", "build", observables, "not compatible with provided weight shape"),
        witnesses=(witness,),
    )


DEVIATIONS = (
    deviation(
        "tfjs-activation-identifiers-take-no-arguments",
        "An activation function is only a name: alpha, axis, threshold and the like cannot be given.",
        kind="intentional",
        source=f"{LAYERS}/activations.js:295 (getActivation makes the function without a configuration)",
        upstream=searched(
            "activation identifier with arguments config leaky_relu negative_slope Unknown activation"
        ),
        remedy="Use the layer of that name (tf.layers.leakyReLU, elu, thresholdedReLU, softmax) instead.",
        converted="makes the function a layer of its own",
        since=FIRST,
        scope=passes_arguments,
        effect=Raises("not-implemented", "construction", ("*",), "take no arguments"),
        witnesses=(
            draft_activation("elu", {"alpha": 0.5}, recipe("normal", 3, 4, 6)),
            draft_activation("softmax", {"axis": 1}, recipe("normal", 3, 4, 6)),
        ),
    ),
    deviation(
        "tfjs-unknown-activation",
        "The activation function is not registered, so a model that names it does not load.",
        kind="intentional",
        source=f"{LAYERS}/activations.js (no class is registered); utils/generic_utils.js:227",
        upstream=issue(5122),
        remedy="Write swish for silu; others need a layer, or a class registered with "
        "tf.serialization.registerClass.",
        converted="writes silu as swish, and those as layers that can be made of others",
        since=FIRST,
        scope=names_unknown_activation,
        effect=Raises("invalid-argument", "construction", ("*",), "Unknown activation"),
        witnesses=(
            draft_layer("layers.Dense", {"units": 7, "activation": "silu"}, [recipe("normal", 4, 5)]),
            draft_layer("layers.Activation", {"activation": "leaky_relu"}, [recipe("normal", 2, 5)]),
        ),
    ),
    deviation(
        "tfjs-unknown-initializer",
        "The initializers' short names normal and uniform are not registered.",
        kind="bug",
        source=f"{LAYERS}/initializers.js:454 (INITIALIZER_IDENTIFIER_REGISTRY_SYMBOL_MAP)",
        upstream=searched("Unknown initializer normal uniform identifier"),
        remedy="Write random_normal and random_uniform.",
        since="tfjs-layers 0.0.6 (2018)",
        scope=names_unknown_initializer,
        effect=Raises("invalid-argument", "construction", ("*",), "Unknown initializer"),
        witnesses=(
            draft_layer(
                "layers.Embedding",
                {"input_dim": 7, "output_dim": 3, "embeddings_initializer": "normal"},
                [recipe("indices:7", 2, 4, dtype="int32")],
            ),
        ),
    ),
    deviation(
        "tfjs-no-untruncated-normal",
        "VarianceScaling has no distribution untruncated_normal.",
        kind="intentional",
        source=f"{LAYERS}/initializers.js:221 (VarianceScaling: checkDistribution)",
        upstream=searched("VarianceScaling untruncated_normal is not a valid Distribution"),
        remedy="Use normal, which is truncated; a trained model does not need either.",
        converted="writes a truncated one",
        since="keras 2.6.0 (2021)",
        scope=names_unknown_distribution,
        effect=Raises("invalid-argument", "construction", ("*",), "is not a valid Distribution"),
        witnesses=(
            draft_layer(
                "layers.Dense",
                {
                    "units": 2,
                    "kernel_initializer": {
                        "class_name": "VarianceScaling",
                        "config": {"distribution": "untruncated_normal"},
                    },
                },
                [recipe("normal", 2, 3)],
            ),
        ),
    ),
    deviation(
        "tfjs-no-activity-regularizer",
        "A layer with an activity regularizer cannot be called.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:696 (Layer.apply)",
        upstream=issue(8022),
        remedy="Remove it before converting; a trained model does not need it.",
        converted="removes it",
        since="tfjs-layers 0.0.7 (2018)",
        scope=all_of(
            subject("layers.Dense", *ALL_CONVOLUTIONS, "layers.Embedding"), sets("activity_regularizer")
        ),
        effect=Raises("not-implemented", "call", NUMERIC, "activity regularizer"),
        witnesses=(
            draft_layer(
                "layers.Dense",
                {"units": 4, "activity_regularizer": {"class_name": "L2", "config": {"l2": 0.0078125}}},
                [recipe("normal", 2, 3)],
            ),
        ),
    ),
    no_groups("tfjs-no-groups", without(fits_channels_last), NUMERIC, GROUPED_CASE),
    no_groups(
        "tfjs-no-groups-of-channels-first",
        fits_channels_last,
        tuple(name for name in NUMERIC if name != "reconstructed/output/*"),
        GROUPED_CHANNELS_FIRST_CASE,
    ),
    deviation(
        "tfjs-no-low-rank-adaptation",
        "lora_rank is not known, and the weights of an adapted layer do not fit.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:126 (Dense.build), convolutional.js:334, embeddings.js:62",
        upstream=searched("Keras 3 layer API quantize enable_lora reset_state missing layers"),
        remedy="Merge them into the main weight before converting.",
        since="keras 3.0.3 (2024)",
        scope=sets("lora_rank"),
        effect=Raises("invalid-argument", "build", NUMERIC, "the layer's weights are"),
        witnesses=LOW_RANK_CASES,
    ),
    deviation(
        "tfjs-no-renormalization",
        "Batch renormalization is not known, and its statistics have no place. In inference it is plain "
        "batch normalization.",
        kind="intentional",
        source=f"{LAYERS}/layers/normalization.js:162 (BatchNormalization.build)",
        upstream=searched("batchNormalization renorm not supported synchronized arguments"),
        remedy="Drop renorm, and its three weights, before converting.",
        converted="drops them",
        since=FIRST,
        scope=all_of(subject("layers.BatchNormalization"), sets("renorm")),
        effect=Raises("invalid-argument", "build", NUMERIC, "the layer's weights are"),
        witnesses=(RENORM_CASE,),
    ),
    deviation(
        "tfjs-batch-normalization-rank",
        "Inputs have rank 2 to 4.",
        kind="intentional",
        source=f"{LAYERS}/layers/normalization.js:50 (batchNormalization)",
        upstream=issue(8011),
        remedy="Reshape others around the layer, with the channels last.",
        since=FIRST,
        scope=all_of(
            subject("layers.BatchNormalization", "layers.LayerNormalization"), without(rank(2, 3, 4))
        ),
        effect=Raises(
            "not-implemented", "call", NUMERIC, "batchNormalization is not implemented for array of rank"
        ),
        witnesses=(
            draft_layer(
                "layers.BatchNormalization",
                {},
                [recipe("normal", 2, 2, 3, 2, 4)],
                weights=POSITIVE,
                training=True,
            ),
            draft_layer("layers.LayerNormalization", {}, [recipe("normal", 2, 2, 3, 2, 4)]),
        ),
    ),
    deviation(
        "tfjs-batch-normalization-needs-gamma-and-beta-to-train",
        "Without scale or without center the layer cannot be called in training.",
        kind="bug",
        source=f"{LAYERS}/layers/normalization.js:213 (this.gamma.read(), this.beta.read())",
        upstream=issue(2868),
        remedy="Leave both on, and freeze gamma at 1 or beta at 0.",
        since=FIRST,
        scope=all_of(subject("layers.BatchNormalization"), any_of(unsets("scale"), unsets("center"))),
        effect=Raises("internal", "call", ("training/*",), "(reading 'read')"),
        witnesses=(
            draft_layer(
                "layers.BatchNormalization",
                {"scale": False},
                [recipe("normal", 5, 4)],
                weights=POSITIVE,
                training=True,
            ),
        ),
    ),
    deviation(
        "tfjs-softmax-last-axis-only",
        "A Softmax over one axis that is not the last is refused.",
        kind="intentional",
        source=f"{CORE}/ops/softmax.js:48 (softmax_)",
        upstream=searched("Softmax along a non-last dimension is not yet supported"),
        remedy="Permute around it, or name two axes.",
        converted="permutes around it",
        since="tfjs-core 0.5.0 (2018)",
        scope=sums_along_inner_axis,
        effect=Raises("not-implemented", "call", NUMERIC, "Softmax along a non-last dimension"),
        witnesses=(draft_layer("layers.Softmax", {"axis": 1}, [recipe("normal", 2, 3, 4)]),),
    ),
    deviation(
        "tfjs-concatenate-negative-axis-refused",
        "Every negative axis means the last one, along which these inputs do not fit.",
        kind="bug",
        source=f"{LAYERS}/backend/tfjs_backend.js:246 (concatenate); {CORE}/ops/concat_util.js:28",
        upstream=searched("concatenate axis -2"),
        remedy="Name an inner axis by a positive number.",
        converted="counts the axis from the front",
        since=FIRST,
        scope=all_of(joins_by_inner_axis_from_the_end, without(shapes_allow_last_axis)),
        effect=Raises("invalid-argument", "call", NUMERIC, "does not match the shape of the rest"),
        witnesses=(
            draft_layer(
                "layers.Concatenate", {"axis": -2}, [recipe("normal", 2, 3, 4), recipe("normal", 2, 1, 4)]
            ),
        ),
    ),
    deviation(
        "tfjs-concatenate-needs-two-inputs",
        "A single input is refused, which Keras passes on.",
        kind="intentional",
        source=f"{LAYERS}/layers/merge.js:629 (Concatenate.build)",
        upstream=searched("concatenate layer at least 2 inputs single input"),
        remedy="Leave the layer out.",
        converted="puts a copy in its place",
        since=FIRST,
        scope=joins_one,
        effect=Raises(
            "invalid-argument", "build", (*NUMERIC, "weights", "shape/unknown"), "at least 2 inputs"
        ),
        witnesses=(ONE_INPUT,),
    ),
    deviation(
        "tfjs-concatenate-shape-of-one-input",
        "The shape for a single input is not inferred.",
        kind="intentional",
        source=f"{LAYERS}/layers/merge.js:671 (Concatenate.computeOutputShape)",
        upstream=searched("concatenate layer at least 2 inputs single input"),
        remedy="Leave the layer out.",
        since=FIRST,
        scope=joins_one,
        effect=Raises("invalid-argument", "shape", ("shape/*",), "should be called on a list of inputs"),
        witnesses=(ONE_INPUT,),
    ),
    deviation(
        "tfjs-flatten-minimum-rank",
        "An input of rank 1 or 2 is refused, which Keras passes on.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:192 (Flatten: minNDim 3)",
        upstream=searched("Flatten expected min_ndim=3"),
        remedy="Leave the layer out.",
        converted="puts a copy in its place",
        since=FIRST,
        scope=all_of(subject("layers.Flatten"), rank(1, 2)),
        effect=Raises(
            "invalid-argument", "build", (*NUMERIC, "weights", "shape/unknown"), "expected min_ndim=3"
        ),
        witnesses=(draft_layer("layers.Flatten", CHANNELS_LAST, [recipe("normal", 3, 4)]),),
    ),
    deviation(
        "tfjs-flatten-needs-known-dimensions",
        "The output's shape is not inferred while a dimension beside the batch is unknown.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:197 (Flatten.computeOutputShape)",
        upstream=searched("The shape of the input to Flatten is not fully defined"),
        remedy="Give the layer before it a complete inputShape.",
        since=FIRST,
        scope=all_of(subject("layers.Flatten"), without(rank(1, 2))),
        effect=Raises("invalid-argument", "shape", ("shape/unknown",), "is not fully defined"),
        witnesses=(draft_layer("layers.Flatten", CHANNELS_LAST, [recipe("normal", 1, 1, 1)]),),
    ),
)
