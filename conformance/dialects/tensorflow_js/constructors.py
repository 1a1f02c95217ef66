"""Constructor arguments that TensorFlow.js has and Keras 3 has not, and the other way round."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.arguments import said_of
from conformance.dialects.deviation import CONFIGURATIONS, Metadata, subject
from conformance.dialects.scopes import ALL_CONVOLUTIONS, CONVOLUTIONS, all_of, asks
from conformance.dialects.scopes import LAYERS as ALL_LAYERS
from conformance.dialects.tensorflow_js.configuration import FLATTEN_CASE, Patch, lacking
from conformance.dialects.tensorflow_js.defaults import CONV2D_CASE, DENSE_CASE, EMBEDDING_CASE, LSTM_CASE
from conformance.dialects.tensorflow_js.record import FIRST, LAYERS, deviation, issue, searched

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


INPUT_LAYER = "layers.InputLayer"

CALLED_LAYERS = tuple(name for name in ALL_LAYERS if name != INPUT_LAYER)


def in_float32(case: Case, expected: Any) -> Any:
    """What is expected, with float32 for the dtype that the case asks for."""
    if isinstance(expected, dict):
        dtype = {"dtype": in_float32(case, expected["dtype"])} if "dtype" in expected else {}
        return expected | dtype
    if isinstance(expected, list):
        return [in_float32(case, item) for item in expected]
    return "float32" if expected == case.config["dtype"] else expected


INPUT_CASE = Case(INPUT_LAYER, {"batch_shape": [None, 3]}, observables=("config", "signature"))


def of_input_layer(case: Case, expected: Any) -> Any:
    """A shape it needs: that which the case gives."""
    told = lacking("input_tensor", "optional", "ragged")(case, expected)
    if "arguments" in told:
        return {"arguments": told["arguments"] | {key: {"required": True} for key in case.config}}
    return told


def of_another_dtype(case: Case, data: Data) -> bool:
    """The case asks for another dtype than float32."""
    return bool(case.config.get("dtype", "float32") != "float32")


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
        remedy="Nothing need be done in TensorFlow.js; in Keras 3 begin the model with an Input.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*CALLED_LAYERS), asks("signature")),
        effect=Metadata(("signature",), with_arguments_of_keras_2),
        witnesses=(DENSE_CASE, EMBEDDING_CASE, LSTM_CASE, FLATTEN_CASE),
    ),
    deviation(
        "tfjs-no-dtype-argument",
        "autocast is not known, and dtype is read only beside an input shape: layers compute in float32.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:239 (Layer)",
        upstream=searched("layer dtype config Keras 3 model conversion DTypePolicy getConfig dtype"),
        remedy="Cast inputs and outputs yourself: layers compute in float32.",
        since=FIRST,
        scope=all_of(subject(*CALLED_LAYERS), asks("signature")),
        effect=Metadata(("signature",), lacking("autocast", "dtype")),
        witnesses=(DENSE_CASE, EMBEDDING_CASE, LSTM_CASE, FLATTEN_CASE),
    ),
    deviation(
        "tfjs-dtype-ignored",
        "Weights and outputs are of float32, whatever the dtype that a layer is given.",
        kind="intentional",
        source=f"{LAYERS}/engine/topology.js:239 (Layer), :917 (Layer.addWeight)",
        upstream=searched("layer dtype config Keras 3 model conversion DTypePolicy getConfig dtype"),
        remedy="Cast inputs and outputs yourself: layers compute in float32.",
        since=FIRST,
        scope=all_of(subject(*CALLED_LAYERS), of_another_dtype),
        effect=Metadata(("dtype", "weights", "reconstructed/config"), in_float32),
        witnesses=(said_of(DENSE_CASE, {"dtype": "float64"}), said_of(EMBEDDING_CASE, {"dtype": "float64"})),
    ),
    deviation(
        "tfjs-input-layer-arguments",
        "An InputLayer is not ragged, optional, or made of a tensor that is there already.",
        kind="intentional",
        source=f"{LAYERS}/engine/input_layer.js:14 (InputLayer)",
        upstream=searched(
            "InputLayer inputShape number instead of array batchInputShape negative ragged optional"
        ),
        remedy="Make the tensor dense, and give every input.",
        since="tfjs-layers 0.0.2 (2018)",
        scope=subject(INPUT_LAYER),
        effect=Metadata((*CONFIGURATIONS, "signature"), of_input_layer),
        witnesses=(INPUT_CASE,),
    ),
    deviation(
        "tfjs-no-low-rank-arguments",
        "lora_rank and lora_alpha are not known.",
        kind="intentional",
        source=f"{LAYERS}/layers/core.js:90 (Dense), convolutional.js:238 (BaseConv), embeddings.js:25",
        upstream=searched("Keras 3 layer API quantize enable_lora reset_state missing layers"),
        remedy="Adapt in Keras, and merge the adapted weight before converting.",
        since="keras 3.0.3 (2024)",
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
        remedy="Train in Keras. A trained model does not need it.",
        since=FIRST,
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
