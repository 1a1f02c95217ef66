"""Gradients that TensorFlow.js refuses to take, on every backend."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import GRADIENTS, Raises, subject
from conformance.dialects.scopes import CONVOLUTIONS, all_of, any_of, dilates, rank, unsets
from conformance.dialects.tensorflow_js.layers import INNER_AXIS, POSITIVE, normalizes_inner_axis
from conformance.dialects.tensorflow_js.record import CONV_LSTM, CORE, FIRST, RECURRENT, deviation, issue


def has_one_time(case: Case, data: Data) -> bool:
    """The sequence is of length 1."""
    return (
        case.subject in (*RECURRENT, "layers.Bidirectional", "layers.ConvLSTM2D", "layers.TimeDistributed")
        and data.inputs[0].shape[1] == 1
    )


DEVIATIONS = (
    deviation(
        "tfjs-batch-normalization-inner-axis-gradient",
        "With an axis that is not the last, the layer cannot be trained.",
        kind="bug",
        source=f"{CORE}/gradients/FusedBatchNorm_grad.js (derOffset: sums only where mean has rank 1)",
        upstream=issue(1773),
        remedy="Put the channels last, by Permute if need be.",
        since=FIRST,
        scope=all_of(normalizes_inner_axis, rank(2, 3, 4)),
        effect=Raises(
            "invalid-argument",
            "gradient",
            ("gradient/weight/*", "training/gradient/*"),
            "must match the product of shape",
        ),
        witnesses=(INNER_AXIS,),
    ),
    deviation(
        "tfjs-batch-normalization-needs-gamma-and-beta-for-gradients",
        "Without scale or without center no gradient can be taken through the layer.",
        kind="bug",
        source=f"{CORE}/ops/batchnorm.js (inputs hold an undefined scale or offset, which the tape clones)",
        upstream=issue(2868),
        remedy="Leave both on, and freeze gamma at 1 or beta at 0.",
        since="tfjs-core 0.8.0 (2018)",
        scope=all_of(
            subject("layers.BatchNormalization", "layers.LayerNormalization"),
            any_of(unsets("scale"), unsets("center")),
        ),
        effect=Raises("internal", "gradient", ("gradient/*",), "Cannot read properties of undefined"),
        witnesses=(
            draft_layer(
                "layers.BatchNormalization",
                {"center": False},
                [recipe("normal", 5, 4)],
                weights=POSITIVE,
                training=True,
            ),
            draft_layer("layers.LayerNormalization", {"scale": False}, [recipe("normal", 3, 5)]),
        ),
    ),
    deviation(
        "tfjs-dilated-convolution-gradient",
        "A convolution with a dilation rate above 1 has no gradient.",
        kind="intentional",
        source=f"{CORE}/ops/fused/conv2d.js:180 (the gradient of fusedConv2d_); gradients/Conv2D_grad.js, "
        "Conv3D_grad.js, DepthwiseConv2dNative_grad.js",
        upstream=issue(7906),
        remedy="Train without dilation, or elsewhere.",
        since="tfjs-core 0.5.1 (2018)",
        scope=all_of(subject(*CONVOLUTIONS, *CONV_LSTM, "layers.SeparableConv2D"), dilates),
        effect=Raises(
            "not-implemented",
            "gradient",
            GRADIENTS,
            "dilation rates greater than 1",
        ),
        witnesses=(
            draft_layer(
                "layers.Conv2D",
                {"filters": 4, "kernel_size": [3, 2], "padding": "valid", "dilation_rate": 2},
                [recipe("normal", 2, 9, 8, 3)],
            ),
        ),
    ),
    deviation(
        "tfjs-recurrent-gradient-of-one-step",
        "The gradient by the input of a sequence of one step throws, so that a layer before it cannot be "
        "trained.",
        kind="bug",
        source=f"{CORE}/gradients/Unpack_grad.js (unpackGradConfig: stack is given a tensor, not a list)",
        upstream=issue(3550),
        remedy="Pad the sequence to two steps.",
        since="tfjs-core 2.1.0 (2020)",
        scope=has_one_time,
        effect=Raises(
            "invalid-argument",
            "gradient",
            ("gradient/input/0", "training/gradient/input/0"),
            "Argument tensors passed to stack must be",
        ),
        witnesses=(draft_layer("layers.LSTM", {"units": 2}, [recipe("normal", 1, 1, 1)], weights="normal"),),
    ),
)
