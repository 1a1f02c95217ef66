"""Arguments whose default is another one than Keras 3's."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import CONFIGURATIONS, Deviation, Metadata, Value, subject
from conformance.dialects.scopes import all_of, omits
from conformance.dialects.tensorflow_js.record import (
    FIRST,
    LAYERS,
    deviation,
    searched,
)


def recurrent_case(layer: str) -> Case:
    """The case about a layer with a cell that asks for its signature."""
    return draft_layer(
        f"layers.{layer}",
        {"units": 3},
        [recipe("normal", 2, 4, 5)],
        weights="small_normal",
        training=True,
        once=True,
    )


def cell_case(layer: str, states: int = 1) -> Case:
    """The case about a cell that asks for its signature."""
    return draft_layer(
        f"layers.{layer}",
        {"units": 3},
        [recipe("normal", 2, 5)],
        weights="small_normal",
        initial_state=[recipe("normal", 2, 3)] * states,
        training=True,
        once=True,
    )


GRU_CASE, LSTM_CASE, SIMPLE_RNN_CASE = map(recurrent_case, ("GRU", "LSTM", "SimpleRNN"))
GRU_CELL_CASE, SIMPLE_RNN_CELL_CASE = map(cell_case, ("GRUCell", "SimpleRNNCell"))
LSTM_CELL_CASE = cell_case("LSTMCell", states=2)
CONV_LSTM_CASE = draft_layer(
    "layers.ConvLSTM2D",
    {"filters": 3, "kernel_size": 2},
    [recipe("normal", 2, 3, 4, 5, 2)],
    weights="small_normal",
    training=True,
    once=True,
)
CONV_LSTM_CELL_CASE = draft_layer(
    "layers.ConvLSTM2DCell",
    {"filters": 3, "kernel_size": 2},
    [recipe("normal", 2, 4, 5, 2)],
    weights="small_normal",
    initial_state=[recipe("normal", 2, 3, 4, 3)] * 2,
    training=True,
    once=True,
)
RECURRENT_CASES = {
    ("ConvLSTM2D", 986): CONV_LSTM_CASE,
    ("ConvLSTM2DCell", 986): CONV_LSTM_CELL_CASE,
    ("GRU", 803): GRU_CASE,
    ("GRUCell", 803): GRU_CELL_CASE,
    ("LSTM", 986): LSTM_CASE,
    ("LSTMCell", 986): LSTM_CELL_CASE,
    ("SimpleRNN", 646): SIMPLE_RNN_CASE,
    ("SimpleRNNCell", 646): SIMPLE_RNN_CELL_CASE,
}
"""The cases about signatures, by layer and by the line of its cell that names the kernel's initializer; that
of the gates' function stands before it."""

EMBEDDING_CASE = draft_layer(
    "layers.Embedding",
    {"input_dim": 7, "output_dim": 3},
    [recipe("indices:7", 2, 5, dtype="int32")],
    training=True,
    once=True,
)
DENSE_CASE = draft_layer("layers.Dense", {"units": 3}, [recipe("normal", 2, 5)], training=True, once=True)
CONV2D_CASE = draft_layer(
    "layers.Conv2D",
    {"filters": 3, "kernel_size": 2},
    [recipe("normal", 2, 5, 6, 4)],
    training=True,
    once=True,
)
CONV1D_CASE = draft_layer(
    "layers.Conv1D",
    {"filters": 3, "kernel_size": 2},
    [recipe("normal", 2, 5, 4)],
    training=True,
    once=True,
)
CONV3D_CASE = draft_layer(
    "layers.Conv3D",
    {"filters": 3, "kernel_size": 2},
    [recipe("normal", 2, 3, 4, 5, 2)],
    training=True,
    once=True,
)
CONV2D_TRANSPOSE_CASE = draft_layer(
    "layers.Conv2DTranspose",
    {"filters": 3, "kernel_size": 2},
    [recipe("normal", 2, 3, 4, 2)],
    training=True,
    once=True,
)
CONV3D_TRANSPOSE_CASE = draft_layer(
    "layers.Conv3DTranspose",
    {"filters": 3, "kernel_size": 2},
    [recipe("normal", 2, 2, 3, 2, 2)],
    training=True,
    once=True,
)
DEPTHWISE_CONV2D_CASE = draft_layer(
    "layers.DepthwiseConv2D",
    {"kernel_size": 2},
    [recipe("normal", 2, 5, 4, 3)],
    training=True,
    once=True,
)

SEARCHED = searched("recurrentActivation kernelInitializer default glorotNormal differs from Keras")


def default(
    layer: str,
    argument: str,
    value: Any,
    summary: str,
    source: str,
    witness: Case,
    kind: str = "intentional",
    upstream: str = SEARCHED,
    since: str = FIRST,
) -> Deviation:
    """The entry about an argument whose default is another value."""
    return deviation(
        f"tfjs-{layer.lower()}-{argument.replace('_', '-')}-default",
        summary,
        kind=kind,
        source=f"{LAYERS}/layers/{source}",
        upstream=upstream,
        remedy="Give the argument explicitly.",
        since=since,
        scope=all_of(subject(f"layers.{layer}"), omits(argument)),
        effect=Value(
            {f"default:layers.{layer}.{argument}": value},
            (*CONFIGURATIONS, "signature") if argument.endswith("_initializer") else ("*",),
        ),
        witnesses=(witness,),
    )


def undefined(
    layer: str,
    argument: str,
    summary: str,
    source: str,
    upstream: str,
    witness: Case,
    since: str = FIRST,
) -> Deviation:
    """The entry about an argument that stays undefined where it is not given."""

    def patch(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
        if "arguments" in expected:
            return {"arguments": expected["arguments"] | {argument: {"default": None}}}
        return expected | {argument: None}

    return deviation(
        f"tfjs-{layer.lower()}-{argument.replace('_', '-')}-undefined",
        summary,
        kind="bug",
        source=f"{LAYERS}/layers/{source}",
        upstream=upstream,
        remedy="Give the argument explicitly.",
        since=since,
        scope=all_of(subject(f"layers.{layer}"), omits(argument)),
        effect=Metadata((*CONFIGURATIONS, "signature"), patch),
        witnesses=(witness,),
    )


GLOROT = "The kernel begins with Glorot's normal distribution; Keras begins with the uniform one."

GATES = "The gates have hard_sigmoid, as in Keras 2; in Keras 3 they have sigmoid."

DEVIATIONS = (
    default("Dense", "kernel_initializer", "glorot_normal", GLOROT, "core.js:97 (Dense)", DENSE_CASE),
    default(
        "Conv2D",
        "kernel_initializer",
        "glorot_normal",
        GLOROT,
        "convolutional.js:241 (BaseConv)",
        CONV2D_CASE,
    ),
    *(
        default(layer, argument, "glorot_normal", GLOROT, source, witness)
        for layer, argument, source, witness in (
            ("Conv1D", "kernel_initializer", "convolutional.js:241 (BaseConv)", CONV1D_CASE),
            ("Conv3D", "kernel_initializer", "convolutional.js:241 (BaseConv)", CONV3D_CASE),
            (
                "Conv2DTranspose",
                "kernel_initializer",
                "convolutional.js:241 (BaseConv)",
                CONV2D_TRANSPOSE_CASE,
            ),
            (
                "Conv3DTranspose",
                "kernel_initializer",
                "convolutional.js:241 (BaseConv)",
                CONV3D_TRANSPOSE_CASE,
            ),
            (
                "DepthwiseConv2D",
                "depthwise_initializer",
                "convolutional_depthwise.js:65 (DepthwiseConv2D)",
                DEPTHWISE_CONV2D_CASE,
            ),
        )
    ),
    *(
        default(layer, "kernel_initializer", "glorot_normal", GLOROT, f"recurrent.js:{line}", witness)
        for (layer, line), witness in RECURRENT_CASES.items()
    ),
    *(
        default(
            layer,
            "recurrent_activation",
            "hard_sigmoid",
            GATES,
            f"recurrent.js:{line - 1}",
            witness,
            since="keras 3.0.0 (2023)" if layer.startswith("Conv") else "keras 2.3.0 (2019)",
        )
        for (layer, line), witness in RECURRENT_CASES.items()
        if not layer.startswith("SimpleRNN")
    ),
    *(
        default(
            layer,
            "reset_after",
            False,
            "The reset gate acts before the product with the recurrent kernel, as in Keras 2; in Keras 3 it "
            "acts after it, and the bias has two rows.",
            "recurrent.js:806, :934 (GRUCell)",
            witness,
            upstream=searched("GRU reset_after Keras converted model error bias shape"),
            since="keras 2.6.0 (2021)",
        )
        for layer, witness in (("GRU", GRU_CASE), ("GRUCell", GRU_CELL_CASE))
    ),
    default(
        "Softmax",
        "axis",
        1,
        "The sum is along axis 1; in Keras it is along the last one, which is another from rank 3 on.",
        "advanced_activations.js:207 (Softmax)",
        draft_layer("layers.Softmax", {}, [recipe("normal", 3, 5)], training=True, once=True),
        kind="bug",
        upstream=searched("Softmax layer default axis 1 differs from Keras"),
        since="tfjs-layers 0.2.0 (2018)",
    ),
    *(
        undefined(
            layer,
            "unit_forget_bias",
            "The forget gate's bias begins like the others; in Keras it begins at 1.",
            "recurrent.js:1001 (LSTMCell)",
            searched("LSTM unitForgetBias default undefined forget bias initialized ones"),
            witness,
        )
        for layer, witness in (
            ("ConvLSTM2D", CONV_LSTM_CASE),
            ("ConvLSTM2DCell", CONV_LSTM_CELL_CASE),
            ("LSTM", LSTM_CASE),
            ("LSTMCell", LSTM_CELL_CASE),
        )
    ),
    undefined(
        "Embedding",
        "mask_zero",
        "mask_zero is undefined where it is not given, and null in the configuration; it acts as False.",
        "embeddings.js:58 (Embedding)",
        searched("embedding maskZero undefined supportsMasking config"),
        EMBEDDING_CASE,
    ),
)
