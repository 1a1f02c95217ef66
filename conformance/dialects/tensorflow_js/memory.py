"""What TensorFlow.js leaves in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.wrappers import NAMED, inside
from conformance.dialects.deviation import Deviation, Metadata, subject
from conformance.dialects.scopes import all_of, asks
from conformance.dialects.tensorflow_js.defaults import CONV3D_TRANSPOSE_CASE
from conformance.dialects.tensorflow_js.record import CORE, FIRST, LAYERS, deviation, searched

LEFT = {
    "layers.CategoryEncoding": (6, 64),
    "layers.CenterCrop": (5, 440),
    "layers.Conv3DTranspose": (8, 3488),
}
"""The tensors and bytes that stay after a gradient that throws on every backend, in the one case of a layer
that asks for them."""

LEFT_ON_WASM = {
    "layers.Conv1D": (13, 1024),
    "layers.ConvLSTM2D": (188, 38192),
    "layers.Conv2D": (9, 3092),
    "layers.Conv2DTranspose": (10, 2240),
    "layers.DepthwiseConv2D": (10, 1712),
    "layers.Embedding": (9, 652),
    "layers.SeparableConv2D": (12, 2440),
}
"""The same after one whose kernel the WebAssembly backend lacks."""

LEFT_BY_CALLS = {
    "layers.Masking": {"call": (1, 12), "gradient": (7, 224), "refused": (1, 1)},
    "layers.ThresholdedReLU": {"call": (2, 75), "gradient": (7, 308), "refused": (2, 5)},
}
"""What each call leaves, by its kind, of layers that compute outside of tidy."""


def leaving_intermediates(case: Case, expected: Any) -> Any:
    left = {
        kind: {"tensors": tensors, "bytes": size}
        for kind, (tensors, size) in LEFT_BY_CALLS[case.subject].items()
    }
    return expected | left | dict.fromkeys(("build", "training"), left["call"])


def leaving_parts_of_bias(case: Case, expected: Any) -> Any:
    """12 + 12 + 24 + 24 bytes for each of two layers with 3 units."""
    return expected | {"build": {"tensors": 8, "bytes": 144}}


BIDIRECTIONAL_ONCE = draft_layer(
    "layers.Bidirectional",
    {
        "layer": inside(
            "LSTM", name="inner", units=3, recurrent_activation="sigmoid", unit_forget_bias=True, **NAMED
        )
    },
    [recipe("normal", 2, 4, 5)],
    weights="small_normal",
    training=True,
    once=True,
)
MASKING_ONCE = draft_layer(
    "layers.Masking",
    {},
    [Literal((2, 3, 2), (0.0, 0.0, 1.0, 0.0, "-0", 0.0, 2.0, 3.0, 0.0, "nan", "nan", "nan"))],
    training=True,
    once=True,
)


def failed_gradient_leaks(where: str, left: Mapping[str, tuple[int, int]], *witnesses: Case) -> Deviation:
    """The entry for the layers whose gradient throws.

    Args:
        where: on which backend, as part of the name.
        left: the tensors and bytes that stay, by layer.
    """

    def leaving_the_tape(case: Case, expected: Any) -> Any:
        tensors, size = left[case.subject]
        return expected | {"gradient": {"tensors": tensors, "bytes": size}}

    return deviation(
        f"tfjs-{where}failed-gradient-leaks",
        "A gradient that throws leaves in memory what its tape has saved.",
        kind="bug",
        source=f"{CORE}/engine.js:881, :890 (gradients: the tape is freed after the way back, and only then)",
        upstream=searched("memory leak gradient throws tape saved tensors not disposed"),
        remedy="Do not try again and again.",
        since="tfjs-core 1.0.2 (2019)",
        scope=all_of(subject(*left), asks("memory")),
        effect=Metadata(("memory",), leaving_the_tape),
        witnesses=witnesses,
    )


DEVIATIONS = (
    failed_gradient_leaks(
        "",
        LEFT,
        CONV3D_TRANSPOSE_CASE,
    ),
    deviation(
        "tfjs-masking-leaks",
        "Each call of Masking leaves a tensor as large as its input in memory.",
        kind="bug",
        source=f"{LAYERS}/layers/core.js:452 (Masking.computeMask compares outside of tidy), which "
        "engine/topology.js:681 calls",
        upstream=searched("memory leak Masking ThresholdedReLU layer call tidy tensors not disposed"),
        remedy="Put it, and what calls it, into tf.tidy.",
        since="tfjs-layers 1.1.0 (2019)",
        scope=all_of(subject("layers.Masking"), asks("memory")),
        effect=Metadata(("memory",), leaving_intermediates),
        witnesses=(MASKING_ONCE,),
    ),
    deviation(
        "tfjs-thresholded-relu-leaks",
        "Each call of ThresholdedReLU leaves intermediate tensors in memory.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:188 (ThresholdedReLU.call computes outside of tidy)",
        upstream=searched("memory leak Masking ThresholdedReLU layer call tidy tensors not disposed"),
        remedy="Put it, and what calls it, into tf.tidy.",
        since="tfjs-layers 0.2.0 (2018)",
        scope=all_of(subject("layers.ThresholdedReLU"), asks("memory")),
        effect=Metadata(("memory",), leaving_intermediates),
        witnesses=(
            draft_layer("layers.ThresholdedReLU", {}, [recipe("normal", 3, 5)], training=True, once=True),
        ),
    ),
    deviation(
        "tfjs-lstm-forget-bias-leaks",
        "An LSTM with unit_forget_bias leaves the parts of its first bias in memory when it is built.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:1031 (LSTMCell.build: CustomInit.apply, outside of tidy)",
        upstream=searched("memory leak LSTM layer unitForgetBias tensors not disposed"),
        remedy="Build it in tf.tidy, or once.",
        since=FIRST,
        scope=all_of(subject("layers.Bidirectional"), asks("memory")),
        effect=Metadata(("memory",), leaving_parts_of_bias),
        witnesses=(BIDIRECTIONAL_ONCE,),
    ),
)
