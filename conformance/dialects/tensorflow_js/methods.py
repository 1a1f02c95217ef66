"""Which methods and properties of Keras's layers those of TensorFlow.js do not have."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.wrappers import GRU_CELL, SIMPLE_CELL, inside
from conformance.dialects import scopes
from conformance.dialects.deviation import Metadata, Scope, subject
from conformance.dialects.tensorflow_js.record import (
    CELLS,
    FIRST,
    LAYERS,
    RECURRENT,
    deviation,
    searched,
)
from conformance.reference_impl import layers
from conformance.reference_impl.layers.members import members
from conformance.reference_impl.layers.recurrent import OfOneCell


def without(names: Collection[str]) -> Callable[[Case, Any], Any]:
    """What is expected but for these members."""
    return lambda case, expected: {name: kind for name, kind in expected.items() if name not in names}


def without_arguments_of_cell(case: Case, expected: Any) -> Any:
    layer = layers.get(case.subject.removeprefix("layers."))
    assert issubclass(layer, OfOneCell)
    return without(layer.cell_class.arguments.keys() - members("Layer").keys())(case, expected)


VARIABLES = {"add_variable", "non_trainable_variables", "trainable_variables", "variables"}

DTYPES = {"compute_dtype", "dtype", "dtype_policy", "input_dtype", "variable_dtype"}

QUANTIZATION = {"quantization_mode", "quantize", "quantized_build", "quantized_call"}

ADAPTATION = {"convolution_op", "enable_lora", "variable_serialization_spec"}

METRICS = {"add_metric", "metrics", "metrics_variables"}

OF_KERAS_3 = {
    "build_from_config",
    "compute_output_spec",
    "get_build_config",
    "load_own_variables",
    "path",
    "rematerialized_call",
    "save_own_variables",
    "stateless_call",
    "symbolic_call",
}

TRANSFORMATIONS = {
    "convert_weight",
    "get_random_transformation",
    "transform_bounding_boxes",
    "transform_images",
    "transform_labels",
    "transform_segmentation_masks",
    "transform_single_bounding_box",
    "transform_single_image",
    "transform_single_label",
    "transform_single_segmentation_mask",
}

OF_CELLS = {
    "get_dropout_mask",
    "get_initial_state",
    "get_recurrent_dropout_mask",
    "reset_dropout_mask",
    "reset_recurrent_dropout_mask",
}


def asked_for_members(name: str, config: dict[str, Any], *shape: int) -> Case:
    case = draft_layer(f"layers.{name}", config, [recipe("normal", *shape)], gradients=False)
    return msgspec.structs.replace(case, weights={}, observables=("methods",))


INPUT_CASE = Case("layers.InputLayer", {"batch_shape": [None, 3]}, observables=("methods",))


FLATTEN_CASE = asked_for_members("Flatten", {}, 2, 3, 4)
DENSE_CASE = asked_for_members("Dense", {"units": 3}, 4, 5)
LSTM_CASE = asked_for_members("LSTM", {"units": 3}, 2, 4, 5)
CELL_CASE = asked_for_members("SimpleRNNCell", {"units": 3}, 2, 5)
STACK_CASE = asked_for_members("StackedRNNCells", {"cells": [SIMPLE_CELL, GRU_CELL]}, 2, 5)
RESCALING_CASE = asked_for_members("Rescaling", {"scale": 0.5}, 3, 4)
BIDIRECTIONAL_CASE = asked_for_members("Bidirectional", {"layer": inside("SimpleRNN", units=3)}, 2, 3, 4)

MISSING: tuple[tuple[str, Collection[str], Scope, str, str, str, Case], ...] = (
    (
        "variables",
        VARIABLES,
        subject(*scopes.LAYERS),
        "Variables are weights only: variables is weights, trainable_variables trainableWeights, "
        "non_trainable_variables nonTrainableWeights, add_variable addWeight.",
        "keras 2.6.0 (2021)",
        "engine/topology.js:188 (Layer)",
        FLATTEN_CASE,
    ),
    (
        "dtypes",
        DTYPES - {"dtype"},
        subject(*scopes.LAYERS),
        "A layer does not tell in which dtype it computes: its weights tell theirs.",
        "keras 2.6.0 (2021)",
        "engine/topology.js:246 (Layer: dtype beside batchInputShape)",
        FLATTEN_CASE,
    ),
    (
        "dtype",
        {"dtype"},
        subject(*(name for name in scopes.LAYERS if name != "layers.InputLayer")),
        "A layer has a dtype only where it was given the shape of its input.",
        "keras 2.3.0 (2019)",
        "engine/topology.js:246 (Layer: dtype beside batchInputShape)",
        FLATTEN_CASE,
    ),
    (
        "batch-shape-of-input",
        {"batch_shape"},
        subject("layers.InputLayer"),
        "An InputLayer's batch_shape is its batchInputShape, Keras 2's name.",
        "keras 3.0.0 (2023)",
        "engine/input_layer.js:52 (InputLayer)",
        INPUT_CASE,
    ),
    (
        "quantization",
        QUANTIZATION,
        subject(*scopes.LAYERS),
        "A layer cannot be quantized: quantize when converting.",
        "keras 3.1.0 (2024)",
        "engine/topology.js:188 (Layer)",
        FLATTEN_CASE,
    ),
    (
        "metrics",
        METRICS,
        subject(*scopes.LAYERS),
        "A layer has no metrics, only its model.",
        "keras 2.3.0 (2019)",
        "engine/topology.js:188 (Layer)",
        FLATTEN_CASE,
    ),
    (
        "keras-3-members",
        OF_KERAS_3,
        subject(*scopes.LAYERS),
        "What Keras 3 added is not there: saving and building by layer, stateless and symbolic calls, paths.",
        "keras 2.12.0 (2023)",
        "engine/topology.js:188 (Layer, as in Keras 2)",
        FLATTEN_CASE,
    ),
    (
        "low-rank-members",
        ADAPTATION,
        subject("layers.Dense", "layers.Embedding", *scopes.CONVOLUTIONS),
        "A layer cannot be adapted by matrices of low rank (enable_lora).",
        "keras 2.7.0 (2021)",
        "layers/core.js:89 (Dense), convolutional.js:237 (BaseConv), embeddings.js:24 (Embedding)",
        DENSE_CASE,
    ),
    (
        "transformations",
        TRANSFORMATIONS,
        subject("layers.CategoryEncoding", "layers.CenterCrop", "layers.Rescaling", "layers.Resizing"),
        "A layer of images transforms them by its call alone: no labels, boxes or masks with them.",
        "keras 3.4.0 (2024)",
        "layers/preprocessing/center_crop.js:15 (CenterCrop), and the others beside it",
        RESCALING_CASE,
    ),
    (
        "reset-state",
        {"reset_state"},
        subject("layers.Bidirectional", "layers.ConvLSTM2D", *RECURRENT),
        "States are reset by resetStates, Keras's older name, alone.",
        "keras 3.0.0 (2023)",
        "layers/recurrent.js:383 (RNN.resetStates), layers/wrappers.js:394 (Bidirectional.resetStates)",
        LSTM_CASE,
    ),
    (
        "inner-loop",
        {"inner_loop"},
        subject("layers.ConvLSTM2D", *RECURRENT),
        "The loop over time is no method that a subclass can replace.",
        "keras 3.0.0 (2023)",
        "layers/recurrent.js:509 (RNN.call)",
        LSTM_CASE,
    ),
    (
        "bidirectional-states",
        {"states"},
        subject("layers.Bidirectional"),
        "Bidirectional does not tell the states: forwardLayer.states and backwardLayer.states do.",
        "keras 3.0.1 (2023)",
        "layers/wrappers.js:173 (Bidirectional)",
        BIDIRECTIONAL_CASE,
    ),
    (
        "members-of-cells",
        OF_CELLS,
        subject("layers.StackedRNNCells", *CELLS),
        "A cell does not make its initial states, which the layer around it does, and gives no access to "
        "what it drops.",
        "keras 2.6.0 (2021)",
        "layers/recurrent.js:640 (RNNCell)",
        CELL_CASE,
    ),
    (
        "output-size-of-stack",
        {"output_size"},
        subject("layers.StackedRNNCells"),
        "A stack of cells tells the sizes of its states alone, of which that of its output is the first.",
        "keras 2.2.3 (2018)",
        "layers/recurrent.js:1187 (StackedRNNCells.stateSize)",
        STACK_CASE,
    ),
)
"""What is missing, its names, where, in words, since when, the source, and a case that shows it."""

UPSTREAM = searched("Keras 3 layer API quantize enable_lora reset_state missing layers")

DEVIATIONS = (
    *(
        deviation(
            f"tfjs-no-{name}",
            summary,
            kind="intentional",
            source=f"{LAYERS}/{source}",
            upstream=UPSTREAM,
            remedy="Nothing need be done to run a model: it is about code that calls these.",
            since=since,
            scope=scope,
            effect=Metadata(("methods",), without(names)),
            witnesses=(case,),
        )
        for name, names, scope, summary, since, source, case in MISSING
    ),
    deviation(
        "tfjs-no-arguments-of-the-cell",
        "A recurrent layer does not tell the arguments of its cell.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:767, :943, :1144 (SimpleRNN, GRU, LSTM)",
        upstream=UPSTREAM,
        remedy="Read layer.cell.units for layer.units.",
        since=FIRST,
        scope=subject("layers.ConvLSTM2D", "layers.GRU", "layers.LSTM", "layers.SimpleRNN"),
        effect=Metadata(("methods",), without_arguments_of_cell),
        witnesses=(LSTM_CASE,),
    ),
)
