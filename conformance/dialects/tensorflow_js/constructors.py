"""Constructor arguments that TensorFlow.js has and Keras 3 has not, and the other way round."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.dialects.deviation import Metadata, subject
from conformance.dialects.scopes import ALL_CONVOLUTIONS, CONVOLUTIONS, all_of, asks
from conformance.dialects.scopes import LAYERS as ALL_LAYERS
from conformance.dialects.tensorflow_js.configuration import FLATTEN_CASE, Patch, lacking
from conformance.dialects.tensorflow_js.defaults import CONV2D_CASE, DENSE_CASE, EMBEDDING_CASE, LSTM_CASE
from conformance.dialects.tensorflow_js.record import LAYERS, deviation, issue, searched

READ = {"read": True}
"""An argument whose default the configuration does not tell."""

OF_EVERY_LAYER = {"batch_input_shape": READ, "input_shape": READ}

OF_LAYERS: dict[str, dict[str, Any]] = {
    "layers.Dense": {"input_dim": READ},
    "layers.Embedding": {
        "batch_input_shape": {"default": [None, None]},
        "batch_size": READ,
        "input_length": {"default": None},
    },
    "layers.SpatialDropout1D": {"noise_shape": {"default": None}, "trainable": {"default": True}},
    **{
        f"layers.{name}": {"dropout_func": READ, "implementation": {"default": None}}
        for name in ("ConvLSTM2D", "ConvLSTM2DCell", "GRU", "GRUCell", "LSTM", "LSTMCell")
    },
    "layers.SimpleRNN": {"dropout_func": READ},
    "layers.SimpleRNNCell": {"dropout_func": READ},
}
"""Arguments that only some layers have, and those with another default there."""


def having(arguments: dict[str, Any]) -> Patch:
    """With these arguments."""
    return lambda case, expected: {"arguments": expected["arguments"] | arguments}


def with_arguments_of_keras_2(case: Case, expected: Any) -> Any:
    own = {} if "weights" in expected["arguments"] else {"weights": READ}
    return having(OF_EVERY_LAYER | own | OF_LAYERS.get(case.subject, {}))(case, expected)


DEVIATIONS = (
    deviation(
        "tfjs-arguments-of-keras-2",
        "Every layer takes inputShape, batchInputShape and weights, and some take inputDim, batchSize, "
        "inputLength, implementation or dropoutFunc, as in Keras 2. Keras 3 refuses them.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:221, :248 (Layer); layers/core.js:99, embeddings.js:29, "
        "recurrent.js:1013",
        upstream=searched(
            "embedding config batch_input_shape input_length Keras 3 Unrecognized keyword arguments"
        ),
        scope=all_of(subject(*ALL_LAYERS), asks("signature")),
        effect=Metadata(("signature",), with_arguments_of_keras_2),
        witnesses=(DENSE_CASE, EMBEDDING_CASE, LSTM_CASE, FLATTEN_CASE),
    ),
    deviation(
        "tfjs-no-dtype-argument",
        "autocast is not known, and dtype is read only beside an input shape: layers compute in float32.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:239 (Layer)",
        upstream=searched("layer dtype config Keras 3 model conversion DTypePolicy getConfig dtype"),
        scope=all_of(subject(*ALL_LAYERS), asks("signature")),
        effect=Metadata(("signature",), lacking("autocast", "dtype")),
        witnesses=(DENSE_CASE, EMBEDDING_CASE, LSTM_CASE, FLATTEN_CASE),
    ),
    deviation(
        "tfjs-no-low-rank-arguments",
        "lora_rank and lora_alpha are not known.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:90 (Dense), convolutional.js:238 (BaseConv), embeddings.js:25",
        upstream=searched("Keras 3 layer API quantize enable_lora reset_state missing layers"),
        scope=all_of(subject(*CONVOLUTIONS, "layers.Dense", "layers.Embedding"), asks("signature")),
        effect=Metadata(("signature",), lacking("lora_alpha", "lora_rank")),
        witnesses=(CONV2D_CASE, DENSE_CASE, EMBEDDING_CASE),
    ),
    deviation(
        "tfjs-no-activity-regularizer-argument",
        "activity_regularizer is an argument of Dense, Embedding and the convolutions only.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:199 (Layer: activityRegularizer is null)",
        upstream=issue(8022),
        scope=all_of(
            subject(
                *set(ALL_LAYERS).difference((*ALL_CONVOLUTIONS, "layers.Dense", "layers.Embedding")),
            ),
            asks("signature"),
        ),
        effect=Metadata(("signature",), lacking("activity_regularizer")),
        witnesses=(LSTM_CASE, FLATTEN_CASE),
    ),
)
