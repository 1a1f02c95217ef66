"""What Keras on TensorFlow does not refuse, or refuses by failing somewhere inside."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.cases.case import JSON, Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.errors import INPUTS, STATES, asked, first_cases, normal, spoilt
from conformance.dialects.deviation import OUTPUTS, REFUSAL, Accepts, Raises, Scope, Value, subject
from conformance.dialects.keras_record import KERAS, in_keras, searched
from conformance.dialects.refused import too_many_inputs, unknown_arguments, wrong_in, wrong_in_states
from conformance.dialects.scopes import (
    ALL_CONVOLUTIONS,
    all_of,
    any_of,
    rank,
    subjects_of,
    without,
)
from conformance.reference_impl.layers import Layer
from conformance.reference_impl.layers.cell import Cell
from conformance.reference_impl.layers.recurrent import Recurrent

WITH_RATES = tuple(
    f"layers.{name}"
    for name, layer in sorted(Layer.registered.items())
    if {"rate", "stddev"} & layer.arguments.keys()
)
"""The dropouts and noises."""

COMPARED: Mapping[tuple[str, ...], Mapping[str, JSON]] = {
    ALL_CONVOLUTIONS: {"depth_multiplier": 1, "filters": 6, "groups": 1},
    (*subjects_of(Cell), *subjects_of(Recurrent)): {"dropout": 0.0, "recurrent_dropout": 0.0, "units": 3},
    WITH_RATES: {"rate": 0.5, "stddev": 0.5},
    ("layers.LeakyReLU", "layers.ReLU"): {"max_value": 6.0, "negative_slope": 0.5, "threshold": 0.0},
    ("layers.CategoryEncoding",): {"num_tokens": 9},
}
"""By layers, the arguments that their constructors compare with limits, and a value within those."""

STACKING = tuple(
    f"layers.{name}"
    for name in (
        "Activation", "ActivityRegularization", "AlphaDropout", "CategoryEncoding", "Dropout", "ELU",
        "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU", "Masking", "ReLU", "Rescaling",
        "UnitNormalization",
    )
)  # fmt: skip
"""Layers that declare no `input_spec`, and hand their input to `ops` as it is."""


def in_words(*arguments: str) -> Scope:
    """One of the arguments is a text."""
    return lambda case, data: any(isinstance(case.config.get(name), str) for name in arguments)


def beyond_rank(case: Case, data: Data) -> bool:
    """An axis is none that the first input has."""
    axis = case.config.get("axis", case.config.get("axes"))
    return isinstance(axis, int) and any(not -x.ndim <= axis < x.ndim for x in data.inputs[:1])


def has_negative(case: Case, data: Data) -> bool:
    """The first input has a number below 0."""
    return any(bool((x < 0).any()) for x in data.inputs[:1])


def has_more_than_tokens(case: Case, data: Data) -> bool:
    """The first input has an integer beyond those that CategoryEncoding is to encode."""
    tokens = case.config.get("num_tokens")
    return isinstance(tokens, int) and any(bool((x >= tokens).any()) for x in data.inputs[:1])


def more_states_than(count: int) -> Scope:
    """There are more initial states than so many."""
    return lambda case, data: len(case.initial_state) > count


def twice(name: str) -> Case:
    """The first case of a layer that takes one input, with two."""
    return spoilt(name, inputs=first_cases()[f"layers.{name}"].inputs * 2)


AXIS_SEARCHED = searched(
    "keras Softmax Concatenate GroupNormalization axis not an integer TypeError string axis not validated in "
    "constructor"
)
CROP_SEARCHED = searched("keras CenterCrop height width zero negative validation empty output")
LISTS_SEARCHED = searched(
    "keras layer AttributeError 'list' object has no attribute 'shape' multiple inputs Embedding Reshape "
    "Softmax"
)


DEVIATIONS = (
    in_keras(
        id="keras-text-compared-with-numbers",
        summary="A text for a number is compared with its limits before anything looks at its type: the "
        "error is Python's own, and names no argument.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/convolutional/base_conv.py:138, rnn/lstm.py:109, :134, "
        "regularization/dropout.py:43, gaussian_noise.py:30, activations/relu.py:44, leaky_relu.py:45, "
        "preprocessing/category_encoding.py, and others of their kinds",
        upstream=searched(
            "keras layer invalid argument type string '<=' not supported between instances of 'str' "
            "and 'int' validation units rate"
        ),
        remedy="Give a number.",
        since="keras 3.0.0 (2023)",
        scope=any_of(
            *(
                all_of(subject(*subjects), in_words(*values), wrong_in(**values))
                for subjects, values in COMPARED.items()
            )
        ),
        effect=Raises("internal", "construction", REFUSAL, "not supported between instances of"),
        witnesses=(
            spoilt("Conv2D", {"filters": "3"}),
            spoilt("LSTM", {"dropout": "x"}),
            spoilt("Dropout", {"rate": "x"}),
            spoilt("ReLU", {"negative_slope": "x"}),
            spoilt("CategoryEncoding", {"num_tokens": "3"}),
        ),
    ),
    in_keras(
        id="keras-input-layer-takes-anything",
        summary="InputLayer takes any further arguments, and looks only for the shapes by Keras 2's names: a "
        "misspelt one goes unnoticed.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/core/input_layer.py:20, InputLayer.__init__ (**kwargs)",
        upstream=searched("InputLayer ignores unknown keyword arguments kwargs"),
        remedy="Check the spelling.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.InputLayer"), unknown_arguments),
        effect=Accepts(),
        witnesses=(Case("layers.InputLayer", {"shape": [3], "unit": 3}, observables=("refusal",)),),
        stands="Keras's other layers refuse an argument that they do not know.",
    ),
    in_keras(
        id="keras-softmax-axis-unchecked",
        summary="Softmax and Normalization take anything for their axis, and compare it when they are "
        "called.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/activations/softmax.py:50, Softmax.__init__; "
        "keras/src/layers/preprocessing/normalization.py:160, Normalization.build",
        upstream=AXIS_SEARCHED,
        remedy="Give an integer.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.Softmax", "layers.Normalization"), in_words("axis"), wrong_in("axis")),
        effect=Raises("internal", "call", REFUSAL, "not supported between instances of"),
        witnesses=(spoilt("Softmax", {"axis": "last"}), spoilt("Normalization", {"axis": "last"})),
    ),
    in_keras(
        id="keras-axis-used-as-index",
        summary="GroupNormalization and RMSNormalization take anything for their axis, and index a shape "
        "by it.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/normalization/group_normalization.py:104, "
        "rms_normalization.py:55, build",
        upstream=AXIS_SEARCHED,
        remedy="Give an integer.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject("layers.GroupNormalization", "layers.RMSNormalization"),
            in_words("axis"),
            wrong_in("axis"),
        ),
        effect=Raises("internal", "call", REFUSAL, "indices must be integers"),
        witnesses=(
            spoilt("GroupNormalization", {"axis": "last"}),
            spoilt("RMSNormalization", {"axis": "last"}),
        ),
    ),
    in_keras(
        id="keras-concatenate-axis-unchecked",
        summary="Concatenate takes a text for its axis; the remainder by the rank is then the text "
        "formatted.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/merging/concatenate.py:60, Concatenate.build",
        upstream=AXIS_SEARCHED,
        remedy="Give an integer.",
        since="keras 3.7.0 (2024)",
        scope=all_of(subject("layers.Concatenate"), in_words("axis"), wrong_in("axis")),
        effect=Raises("internal", "call", REFUSAL, "not all arguments converted during string formatting"),
        witnesses=(spoilt("Concatenate", {"axis": "last"}),),
    ),
    in_keras(
        id="keras-center-crop-subtracts-text",
        summary="CenterCrop takes a text for a height or width, and subtracts it from the image's.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/preprocessing/image_preprocessing/center_crop.py:59, :109",
        upstream=CROP_SEARCHED,
        remedy="Give a number.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.CenterCrop"), in_words("height", "width"), wrong_in(height=3, width=3)),
        effect=Raises("internal", "call", REFUSAL, "unsupported operand type"),
        witnesses=(spoilt("CenterCrop", {"height": "3"}),),
    ),
    in_keras(
        id="keras-center-crop-to-nothing",
        summary="CenterCrop takes a height or width of 0, and gives images without a pixel.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/preprocessing/image_preprocessing/center_crop.py:59",
        upstream=CROP_SEARCHED,
        remedy="Give a positive number.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject("layers.CenterCrop"), without(in_words("height", "width")), wrong_in(height=3, width=3)
        ),
        effect=Accepts(),
        witnesses=(spoilt("CenterCrop", {"height": 0}),),
    ),
    in_keras(
        id="keras-axis-beyond-rank",
        summary="An axis that the input does not have is found by Python, as an index out of range.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/normalization/batch_normalization.py:241, "
        "layer_normalization.py:158, group_normalization.py:104, rms_normalization.py:55, "
        "merging/concatenate.py:75, dot.py:286, backend/tensorflow/nn.py:141, glu",
        upstream=f"{KERAS}/pull/23329",
        remedy="Give an axis that the input has.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject(
                "activations.glu",
                "layers.BatchNormalization",
                "layers.Concatenate",
                "layers.Dot",
                "layers.GroupNormalization",
                "layers.LayerNormalization",
                "layers.RMSNormalization",
            ),
            beyond_rank,
        ),
        effect=Raises("internal", "call", REFUSAL, "index out of range"),
        witnesses=(
            spoilt("BatchNormalization", {"axis": 7}),
            spoilt("Concatenate", {"axis": -7}),
            spoilt("Dot", {"axes": 7}),
            asked(Case("activations.glu", {"axis": 7}, normal((2, 4)))),
        ),
    ),
    in_keras(
        id="keras-resizing-of-no-image",
        summary="Resizing looks for the height of an input that has none, of rank 1 or 2.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/preprocessing/image_preprocessing/resizing.py:154, "
        "get_random_transformation",
        upstream=searched("keras Resizing layer rank 2 input IndexError tuple index out of range"),
        remedy="Give images of rank 3 or 4.",
        since="keras 3.7.0 (2024)",
        scope=all_of(subject("layers.Resizing"), rank(1, 2)),
        effect=Raises("internal", "call", REFUSAL, "tuple index out of range"),
        witnesses=tuple(spoilt("Resizing", inputs=inputs) for inputs in INPUTS["Resizing"]),
    ),
    in_keras(
        id="keras-inputs-made-one",
        summary="A list of inputs, for a layer that takes one and says so nowhere, is made one array "
        "with another axis in front.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/layer.py:882, Layer.__call__; "
        "keras/src/layers/activations/elu.py, and others without `input_spec`",
        upstream=searched(
            "keras layer called with list of inputs silently stacked converted to one tensor no input_spec"
        ),
        remedy="Give one tensor.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*STACKING), too_many_inputs),
        effect=Accepts(),
        witnesses=(twice("Activation"), twice("Dropout"), twice("Rescaling")),
    ),
    in_keras(
        id="keras-list-of-inputs-asked-for-shape",
        summary="Embedding, Reshape and Softmax ask a list of inputs for what a tensor has.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/core/embedding.py:193, reshaping/reshape.py:53, "
        "activations/softmax.py:84",
        upstream=LISTS_SEARCHED,
        remedy="Give one tensor.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.Embedding", "layers.Reshape", "layers.Softmax"), too_many_inputs),
        effect=Raises("internal", "call", REFUSAL, "'list' object has no attribute"),
        witnesses=(twice("Embedding"), twice("Reshape"), twice("Softmax")),
    ),
    in_keras(
        id="keras-group-normalization-of-several-inputs",
        summary="GroupNormalization takes the shape of the second of two inputs for a number of channels.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/normalization/group_normalization.py:104, build",
        upstream=LISTS_SEARCHED,
        remedy="Give one tensor.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.GroupNormalization"), too_many_inputs),
        effect=Raises("internal", "call", REFUSAL, "not supported between instances of 'tuple' and 'int'"),
        witnesses=(twice("GroupNormalization"),),
    ),
    in_keras(
        id="keras-gru-ignores-states",
        summary="A GRU with more initial states than it has reads the first.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/gru.py:184, GRUCell.call",
        upstream=searched("keras GRU initial_state extra states ignored number of states not checked"),
        remedy="Give one state.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.GRU"), more_states_than(1), wrong_in_states),
        effect=Accepts(),
        witnesses=(spoilt("GRU", initial_state=STATES["GRU"][0]),),
    ),
    in_keras(
        id="keras-cells-of-one-sample",
        summary="A cell called with one sample, without a batch, broadcasts it over the batch of its states.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/lstm.py, LSTMCell.call: cells declare no `input_spec`",
        upstream=searched(
            "keras LSTMCell call unbatched input 1D without batch dimension broadcast no error"
        ),
        remedy="Give a batch of one.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*subjects_of(Cell)), rank(1)),
        effect=Accepts(),
        witnesses=(spoilt("LSTMCell", inputs=normal((2,))), spoilt("GRUCell", inputs=normal((2,)))),
    ),
    in_keras(
        id="keras-embedding-of-negative-indices",
        summary="A negative index counts from the end of the table.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py:3056, take",
        upstream=searched("keras ops.take Embedding negative indices wrap around tensorflow backend"),
        remedy="Check the indices before.",
        since="keras 3.3.0 (2024)",
        scope=all_of(subject("layers.Embedding"), has_negative),
        effect=Accepts(),
        witnesses=(spoilt("Embedding", inputs=INPUTS["Embedding"][1]),),
    ),
    in_keras(
        id="keras-category-encoding-beyond-tokens",
        summary="An integer of num_tokens or more is encoded as nothing, where the documentation promises "
        "an error.",
        kind="bug",
        source="keras 3.15.1, keras/src/utils/numerical_utils.py, encode_categorical_inputs",
        upstream=searched("keras CategoryEncoding out of range value num_tokens silently zeros no error"),
        remedy="Check the integers before.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.CategoryEncoding"), without(has_negative), has_more_than_tokens),
        effect=Accepts(),
        witnesses=(spoilt("CategoryEncoding", inputs=INPUTS["CategoryEncoding"][0]),),
    ),
    in_keras(
        id="keras-category-encoding-of-nothing",
        summary="The row of an integer of num_tokens or more has zeros alone.",
        kind="bug",
        source="keras 3.15.1, keras/src/utils/numerical_utils.py, encode_categorical_inputs",
        upstream=searched("keras CategoryEncoding out of range value num_tokens silently zeros no error"),
        remedy="Check the integers before.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.CategoryEncoding"), without(has_negative), has_more_than_tokens),
        effect=Value(
            {"layers.CategoryEncoding.refuse_others": lambda original, layer, indices: None},
            OUTPUTS,
        ),
        witnesses=(
            draft_layer(
                "layers.CategoryEncoding", {"num_tokens": 3}, [recipe("indices:5", 2, 8, dtype="int32")]
            ),
        ),
    ),
    in_keras(
        id="keras-weights-of-another-type",
        summary="Bidirectional and Embedding ask their argument `weights` for a length or a shape, "
        "whatever it is.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/bidirectional.py:147; "
        "keras/src/layers/core/embedding.py:144",
        upstream=searched("keras Embedding Bidirectional weights argument wrong type AttributeError"),
        remedy="Give a list of arrays.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.Bidirectional", "layers.Embedding"), wrong_in("weights")),
        effect=Raises("internal", "construction", REFUSAL, "has no "),
        witnesses=(spoilt("Bidirectional", {"weights": 3}), spoilt("Embedding", {"weights": 3})),
    ),
    in_keras(
        id="keras-reshape-to-number",
        summary="Reshape makes a tuple of its target shape before it looks at it.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/reshaping/reshape.py:40, Reshape.__init__",
        upstream=searched("keras Reshape target_shape int 'int' object is not iterable"),
        remedy="Give a tuple.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.Reshape"), wrong_in(target_shape=[-1])),
        effect=Raises("internal", "construction", REFUSAL, "object is not iterable"),
        witnesses=(spoilt("Reshape", {"target_shape": 2}),),
    ),
)
