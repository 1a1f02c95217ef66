"""Layers of TensorFlow.js that compute something else than Keras 3's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.determinism import asked_again
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.wrappers import inside
from conformance.dialects.convolution import computed_elsewhere
from conformance.dialects.deviation import Value, subject
from conformance.dialects.scopes import (
    all_of,
    any_of,
    asks,
    given_mask,
    inner,
    last_axis,
    masked,
    rank,
    sets,
    unsets,
    without,
)
from conformance.dialects.tensorflow_js.normalization import scaled_last
from conformance.dialects.tensorflow_js.record import (
    CPU,
    FIRST,
    LAYERS,
    RECURRENT,
    deviation,
    issue,
    pull,
    searched,
)
from conformance.reference_impl import constraints
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.cell import States
from conformance.reference_impl.layers.depthwise_convolution import DepthwiseConvolution
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.primitives import (
    add,
    multiply,
    reshape,
    subtract,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, detached


class Constrained(Composite):
    """A weight that a constraint has replaced: gradients are by the weight as it then is."""

    def compose(self, w: Tensor, *, constraint: Mapping[str, Any]) -> Tensor:
        return constraints.get(constraint)(w)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, w: Tensor, **params: Any) -> Tensor:
        return cotangent


constrained = Constrained()


def constraint_on(layer: Layer, weight: str) -> str:
    """The argument that names the constraint on a weight."""
    if isinstance(layer, DepthwiseConvolution) and weight == "kernel":
        return "depthwise_constraint"
    return f"{weight.removesuffix('_kernel')}_constraint"


def constrained_weights(original: Any, layer: Layer, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights, each brought under its constraint."""
    return {
        name: constrained(w, constraint=constraint)
        if (constraint := layer.config.get(constraint_on(layer, name))) is not None
        else w
        for name, w in weights.items()
    }


def all_but_the_kernel(original: Any, layer: Layer, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The kernel as it is, and the other weights each brought under its constraint."""
    held = constrained_weights(original, layer, weights)
    return {**held, "kernel": weights["kernel"]}


def ignoring_mask(original: Any, x: Tensor, axis: int, mask: Array | None) -> tuple[Tensor, Tensor]:
    moments: tuple[Tensor, Tensor] = original(x, axis, None)
    return moments


def adding_mask(original: Any, x: Tensor, kept: Tensor) -> Tensor:
    return add(x, multiply(subtract(1.0, kept), -1e9))


def as_it_is(original: Any, y: Tensor, kept: Tensor) -> Tensor:
    return y


def element_by_element(
    original: Any,
    layer: Layer,
    x: Tensor,
    average: Tensor,
    variance: Tensor,
    gamma: Tensor | None,
    beta: Tensor | None,
    along: tuple[int, ...],
) -> Tensor:
    """The statistics are taken in turn, one for each element of x in row-major order, from the first to the
    last and over again; in gradients they are those of its channel, and γ's is of what it multiplies last."""
    channels = average.shape[0]
    in_turn = reshape(x, shape=(x.value.size // channels, channels))
    z = original(layer, in_turn, average, variance, gamma, beta, (1, channels))
    if gamma is None:
        own = original(layer, x, average, variance, gamma, beta, along)
    else:
        of_gamma = scaled_last(
            original, layer, detached(x), detached(average), detached(variance), gamma, None, along
        )
        own = add(original(layer, x, average, variance, detached(gamma), beta, along), of_gamma)
    return computed_elsewhere(own, detached(reshape(z, shape=x.shape)))


def weighted_by_mask(original: Any, kept: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return add(multiply(new, kept), multiply(old, subtract(1.0, kept)))


def hidden_state(original: Any, layer: Recurrent, output: Tensor, states: States) -> Tensor:
    return states[0]


def inner_returns_sequences(case: Case, data: Data) -> bool:
    return any(config.get("return_sequences") for _, config in inner(case))


def inner_gives_zeros_itself(case: Case, data: Data) -> bool:
    """As files of Keras have it, in which Bidirectional has told the layers: their own entry covers them."""
    return any(config.get("zero_output_for_mask") for _, config in inner(case))


def normalizes_inner_axis(case: Case, data: Data) -> bool:
    return case.subject == "layers.BatchNormalization" and not last_axis(
        case.config.get("axis", -1), data.inputs[0].ndim
    )


def joins_by_inner_axis_from_the_end(case: Case, data: Data) -> bool:
    return case.subject == "layers.Concatenate" and case.config.get("axis", -1) < -1


def shapes_allow_last_axis(case: Case, data: Data) -> bool:
    return len({x.shape[:-1] for x in data.inputs}) == 1


POSITIVE = {"moving_variance": "positive", "moving_stddev": "positive", "renorm_stddev": "positive"}
NON_NEGATIVE = {"class_name": "NonNeg", "config": {}}
MAX_NORM = {"class_name": "MaxNorm", "config": {"max_value": 2.0, "axis": 0}}

MASK = recipe("mask", 4, 6, dtype="bool")

CONSTRAINT_ARGUMENTS = tuple(
    f"{weight}_constraint"
    for weight in (
        "kernel",
        "depthwise",
        "pointwise",
        "recurrent",
        "bias",
        "embeddings",
        "beta",
        "gamma",
        "alpha",
    )
)

INNER_AXIS = draft_layer(
    "layers.BatchNormalization",
    {"axis": 1},
    [recipe("normal", 2, 3, 5, 4)],
    weights=POSITIVE,
    training=True,
)

CONSTRAINED = all_of(
    sets(*CONSTRAINT_ARGUMENTS),
    without(subject("layers.LayerNormalization")),  # of which no constraint is read
    any_of(asks("*output/*"), asks("*gradient/*")),
)
FORGETS_CONSTRAINT = all_of(subject("layers.DepthwiseConv2D"), sets("depthwise_constraint"))
CONSTRAINED_DEPTHWISE = draft_layer(
    "layers.DepthwiseConv2D",
    {"kernel_size": 2, "depthwise_constraint": NON_NEGATIVE, "bias_constraint": NON_NEGATIVE},
    [recipe("normal", 2, 5, 4, 3)],
)

DEVIATIONS = (
    deviation(
        "tfjs-constraints-act-on-assignment",
        "A weight's constraint is applied whenever the weight is set, on loading too; Keras applies it "
        "after an update of training. A model whose weights violate a constraint computes something else.",
        kind="bug",
        source=f"{LAYERS}/variables.js:73 (LayerVariable.write)",
        upstream=searched("constraint applied setWeights load"),
        remedy="Remove the constraints before converting.",
        converted="removes them",
        since=FIRST,
        scope=all_of(CONSTRAINED, without(FORGETS_CONSTRAINT)),
        effect=Value({"layers.given_weights": constrained_weights}),
        witnesses=(
            draft_layer(
                "layers.Dense",
                {"units": 4, "kernel_constraint": MAX_NORM, "bias_constraint": NON_NEGATIVE},
                [recipe("normal", 2, 3)],
            ),
            draft_layer(
                "layers.LSTM",
                {"units": 3, "kernel_constraint": NON_NEGATIVE, "recurrent_constraint": MAX_NORM},
                [recipe("normal", 2, 3, 4)],
            ),
        ),
    ),
    deviation(
        "tfjs-depthwise-constraint-acts-on-assignment",
        "The constraint of DepthwiseConv2D's kernel, too, is applied whenever the kernel is set.",
        kind="bug",
        source=f"{LAYERS}/variables.js:73 (LayerVariable.write)",
        upstream=searched("constraint applied setWeights load"),
        remedy="Remove the constraints before converting.",
        converted="removes them",
        since=FIRST,
        scope=all_of(CONSTRAINED, FORGETS_CONSTRAINT),
        effect=Value(
            {"layers.given_weights": constrained_weights},
            ("output/*", "training/output/*", "gradient/*", "training/gradient/*"),
        ),
        witnesses=(CONSTRAINED_DEPTHWISE,),
    ),
    deviation(
        "tfjs-depthwise-reconstructed-without-constraint",
        "A DepthwiseConv2D that is made from its configuration, as on loading, has lost its kernel's "
        "constraint; that of its bias acts on assignment.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional_depthwise.js:131 (DepthwiseConv2D.getConfig)",
        upstream=pull(8564),
        remedy="Remove the constraint before saving.",
        since=FIRST,
        scope=all_of(
            CONSTRAINED, FORGETS_CONSTRAINT, sets("bias_constraint"), without(sets("depthwise_regularizer"))
        ),
        effect=Value({"layers.given_weights": all_but_the_kernel}, ("reconstructed/output/*",)),
        witnesses=(CONSTRAINED_DEPTHWISE,),
    ),
    deviation(
        "tfjs-batch-normalization-inner-axis",
        "With an axis that is not the last, the kernel pairs elements with the statistics of other "
        "channels: the output is wrong, the statistics kept are right.",
        kind="bug",
        source=f"{CPU}/kernels/BatchNorm.js:51 (mean, variance, offset and scale are indexed in turn); the "
        "same loop in @tensorflow/tfjs-backend-wasm src/cc/kernels/FusedBatchNorm.cc:85",
        upstream=issue(1773),
        remedy="Put the channels last, by Permute if need be.",
        converted="permutes around the layer",
        since=FIRST,
        scope=all_of(normalizes_inner_axis, rank(2, 3, 4)),
        effect=Value({"layers.BatchNormalization.normalized": element_by_element}),
        witnesses=(INNER_AXIS,),
    ),
    deviation(
        "tfjs-batch-normalization-frozen-in-training",
        "A layer with trainable=false still normalises by the batch in training, and still moves its "
        "statistics; in Keras it is in inference mode. Fine-tuning differs.",
        kind="bug",
        source=f"{LAYERS}/layers/normalization.js:210 (BatchNormalization.call reads only `training`)",
        upstream=searched("BatchNormalization trainable false training moving statistics"),
        remedy="Call such layers with training=false yourself.",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject("layers.BatchNormalization"), unsets("trainable"), asks("training/*")),
        effect=Value(
            {
                "layers.BatchNormalization.normalizes_by_batch": lambda original, layer, context: (
                    context.training
                )
            }
        ),
        witnesses=(
            draft_layer(
                "layers.BatchNormalization",
                {"trainable": False},
                [recipe("normal", 5, 4)],
                weights=POSITIVE,
                training=True,
            ),
        ),
    ),
    deviation(
        "tfjs-batch-normalization-ignores-mask",
        "Masked elements count in the statistics of the batch; Keras leaves them out. Only training meets "
        "it.",
        kind="bug",
        source=f"{LAYERS}/layers/normalization.js:184 (BatchNormalization.call never reads `mask`)",
        upstream=searched("BatchNormalization mask ignored padded sequence"),
        remedy="Train where masks are honoured.",
        since="keras 2.12.0 (2023)",
        scope=all_of(subject("layers.BatchNormalization"), masked, asks("training/*")),
        effect=Value({"layers.BatchNormalization.moments": ignoring_mask}),
        witnesses=(
            draft_layer(
                "layers.BatchNormalization",
                {},
                [recipe("normal", 4, 5, 3)],
                weights=POSITIVE,
                masks=[recipe("mask", 4, 5, dtype="bool")],
                training=True,
            ),
        ),
    ),
    deviation(
        "tfjs-recurrent-masked-step-gives-state",
        "A masked step gives the hidden state: zero_output_for_mask is not known, and before the first step "
        "that counts the output is the initial state, where Keras gives zeros.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:183 (rnn: output·mask + states[0]·(1 − mask))",
        upstream=searched("LSTM mask masking output differs from Keras masked timesteps"),
        remedy="Read the outputs at masked steps nowhere, or multiply them by the mask.",
        since="tfjs-layers 0.9.2 (2019)",
        scope=all_of(
            subject(*RECURRENT),
            masked,
            any_of(
                sets("zero_output_for_mask"), sets("stateful"), lambda case, data: bool(data.initial_state)
            ),
        ),
        effect=Value({"layers.Recurrent.masked_output": hidden_state}),
        witnesses=(
            draft_layer(
                "layers.LSTM",
                {"units": 3, "return_sequences": True, "zero_output_for_mask": True},
                [recipe("normal", 3, 4, 5)],
                weights="small_normal",
                masks=[recipe("mask_right_padded", 3, 4, dtype="bool")],
            ),
            draft_layer(
                "layers.LSTM",
                {"units": 3, "return_sequences": True},
                [recipe("normal", 3, 4, 5)],
                weights="small_normal",
                masks=[recipe("mask_first_false", 3, 4, dtype="bool")],
                initial_state=[recipe("normal", 3, 3), recipe("normal", 3, 3)],
            ),
            asked_again(
                draft_layer(
                    "layers.SimpleRNN",
                    {"units": 3, "return_sequences": True, "stateful": True},
                    [recipe("normal", 3, 4, 5)],
                    weights="small_normal",
                    masks=[recipe("mask_first_false", 3, 4, dtype="bool")],
                )
            ),
        ),
    ),
    deviation(
        "tfjs-masked-step-is-a-product",
        "What a masked step computes is multiplied by 0, and where a step counts what there was before it: "
        "that makes NaN of NaN and of infinities, and a mask does not hide them.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:183 (rnn: output·mask + states[0]·(1 − mask))",
        upstream=searched("LSTM mask masking output differs from Keras masked timesteps"),
        remedy="Replace them before the layer.",
        since="tfjs-layers 0.9.2 (2019)",
        scope=all_of(subject(*RECURRENT, "layers.Bidirectional"), given_mask),
        effect=Value({"layers.Recurrent.new_where_kept": weighted_by_mask}),
        witnesses=(
            draft_layer(
                "layers.SimpleRNN",
                {"units": 2},
                [recipe("one_nan", 2, 3, 4)],
                weights="small_normal",
                masks=[recipe("mask_first_false", 2, 3, dtype="bool")],
            ),
        ),
    ),
    deviation(
        "tfjs-bidirectional-masked-step-gives-state",
        "A masked step gives the hidden state, in either direction; in Keras it gives zeros where sequences "
        "are returned.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:183 (rnn: output·mask + states[0]·(1 − mask))",
        upstream=searched("LSTM mask masking output differs from Keras masked timesteps"),
        remedy="Multiply the outputs by the mask.",
        since="tfjs-layers 0.9.2 (2019)",
        scope=all_of(
            subject("layers.Bidirectional"),
            masked,
            inner_returns_sequences,
            without(inner_gives_zeros_itself),
        ),
        effect=Value({"layers.Recurrent.masked_output": hidden_state}),
        witnesses=(
            draft_layer(
                "layers.Bidirectional",
                {
                    "layer": inside(
                        "SimpleRNN",
                        name="inner",
                        units=2,
                        return_sequences=True,
                        kernel_initializer="glorot_uniform",
                    )
                },
                [recipe("normal", 3, 4, 5)],
                weights="small_normal",
                masks=[recipe("mask_right_padded", 3, 4, dtype="bool")],
            ),
        ),
    ),
    deviation(
        "tfjs-softmax-adds-mask",
        "A mask is added to the input as −1e9, and masked outputs are not set to 0: NaN and numbers of that "
        "size get through it, and where all is masked the masked elements share the sum.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:223 (Softmax.call)",
        upstream=searched("Softmax layer mask -1e9 attention padding"),
        remedy="Keep inputs small, and multiply what it gives by the mask.",
        since="tfjs-layers 4.11.0 (2023)",
        scope=all_of(subject("layers.Softmax"), masked),
        effect=Value({"layers.Softmax.hidden": adding_mask, "layers.Softmax.zeroed": as_it_is}),
        witnesses=(
            draft_layer("layers.Softmax", {"axis": -1}, [recipe("near_overflow", 4, 6)], masks=[MASK]),
            draft_layer("layers.Softmax", {"axis": -1}, [recipe("one_nan", 4, 6)], masks=[MASK]),
        ),
    ),
    deviation(
        "tfjs-concatenate-negative-axis",
        "Every negative axis means the last one; the inferred shape knows better.",
        kind="bug",
        source=f"{LAYERS}/backend/tfjs_backend.js:246 (concatenate: axis < 0 becomes the rank, then −1)",
        upstream=searched("concatenate axis -2"),
        remedy="Name an inner axis by a positive number.",
        converted="counts the axis from the front",
        since=FIRST,
        scope=all_of(joins_by_inner_axis_from_the_end, shapes_allow_last_axis),
        effect=Value({"layers.Concatenate.joined_axis": lambda original, layer: -1}),
        witnesses=(
            draft_layer(
                "layers.Concatenate",
                {"axis": -2},
                [recipe("normal", 2, 3, 4), recipe("normal", 2, 3, 4)],
                gradients=False,
            ),
        ),
    ),
)
