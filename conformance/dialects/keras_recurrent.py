"""What recurrent layers of Keras 3.15, and their cells, do otherwise on TensorFlow 2.21, on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.errors import spoilt
from conformance.cases.drafts.layers.wrappers import GRU_CELL, SIMPLE_CELL, inside
from conformance.dialects.bidirectional import shapes_as_mirrored
from conformance.dialects.deviation import (
    CONFIGURATIONS,
    REFUSAL,
    Accepts,
    Metadata,
    Raises,
    Value,
    subject,
)
from conformance.dialects.keras_record import (
    CALL,
    EMPTY_BATCH_SEARCHED,
    KERAS,
    NO_KERNEL,
    in_keras,
    in_tensorflow,
    searched,
)
from conformance.dialects.refused import wrong_in
from conformance.dialects.scopes import (
    all_of,
    any_of,
    given_empty_batch,
    given_mask,
    inner,
    masked,
    sets,
    subjects_of,
    without,
    wraps,
)
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.cell import States
from conformance.reference_impl.layers.recurrent import Recurrent, column
from conformance.reference_impl.primitives import where
from conformance.reference_impl.tape import Tensor


def seed_left_out(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in expected.items() if key != "seed"}


def needs_cudnn(case: Case, data: Data) -> bool:
    return case.config.get("use_cudnn") is True


def penalty_lost(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    return expected | {"activity_regularizer": None}


def other_backwards(**config: Any) -> Case:
    directions = {
        "layer": inside("GRU", name="one", units=2),
        "backward_layer": inside("LSTM", name="other", units=3, go_backwards=True),
    }
    return draft_layer("layers.Bidirectional", directions | config, [recipe("normal", 2, 3, 4)])


def zeroes_afterwards(layer: Recurrent) -> bool:
    """Whether the sequence of outputs is made first, and those of masked steps are then replaced by zeros."""
    return bool(layer.unroll and layer.go_backwards and layer.return_sequences and layer.zero_output_for_mask)


def output_carried(original: Any, layer: Recurrent, output: Tensor, states: States) -> Tensor:
    return output if zeroes_afterwards(layer) else original(layer, output, states)


def zeros_by_mask_as_it_came(
    original: Any, layer: Recurrent, outputs: Sequence[Tensor], mask: Array | None
) -> Tensor:
    """The outputs are in the order of steps, the mask in that of time."""
    if mask is not None and zeroes_afterwards(layer):
        outputs = [where(column(mask, i, y, y.ndim), y, 0.0) for i, y in enumerate(outputs)]
    made: Tensor = original(layer, outputs, mask)
    return made


def runs_unrolled_backwards(case: Case, data: Data) -> bool:
    """The steps of a sequence are unrolled from the last to the first, and masked ones give zeros.
    Bidirectional asks for both of the layers inside."""
    if case.subject == "layers.Bidirectional":
        return any(config.get("unroll") and config.get("return_sequences") for _, config in inner(case))
    asked = ("unroll", "go_backwards", "return_sequences", "zero_output_for_mask")
    return all(case.config.get(argument) for argument in asked)


def stacked(case: Case) -> list[dict[str, Any]]:
    """The cells of the stack that a case about an RNN repeats; none where it is no stack."""
    cell = case.config["cell"]
    cells: list[dict[str, Any]] = cell if isinstance(cell, list) else cell["config"].get("cells", [])
    return cells


def stacks_one_cell(case: Case, data: Data) -> bool:
    return len(stacked(case)) == 1


def unrolls_one_lstm(case: Case, data: Data) -> bool:
    """A stack of one cell with two states takes more than one step, each of which is written out."""
    names = [cell["class_name"] for cell in stacked(case)]
    return names == ["LSTMCell"] and bool(case.config.get("unroll")) and case.inputs[0].shape[1] > 1


def of_unknown_size(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    return [[None] * len(shape) for shape in expected]


def lists_cells(case: Case, data: Data) -> bool:
    return isinstance(case.config["cell"], list)


def image_unlike_state(case: Case, data: Data) -> bool:
    """The shape of an input's image cannot be stretched to that of a state."""
    shape = data.inputs[0].shape
    state = layers.ConvLSTM2D(**case.config).output_shapes([shape])[-1]
    return any(n not in (1, m) for n, m in zip(shape[-3:], state[-3:], strict=True))


REPEATING = subjects_of(Recurrent)
"""The layers that repeat a cell."""

TIME_DISTRIBUTED_SEARCHED = searched(
    "keras TimeDistributed compute_output_shape None channels unknown TypeError NoneType DepthwiseConv2D"
)
STACK_SEARCHED = searched("keras StackedRNNCells empty list of cells validation")


DEVIATIONS = (
    in_keras(
        id="keras-no-cudnn-without-gpu",
        summary="LSTM and GRU with use_cudnn=True are refused where there is no GPU.",
        kind="intentional",
        source="keras 3.15.1, keras/src/layers/rnn/lstm.py:571, gru.py, inner_loop",
        upstream=f"{KERAS}/issues/19647",
        remedy="Leave use_cudnn at auto.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.LSTM", "layers.GRU"), needs_cudnn),
        effect=Raises("invalid-argument", "call", CALL, "cuDNN is not supported"),
        witnesses=tuple(
            draft_layer(f"layers.{name}", {"units": 3, "use_cudnn": True}, [recipe("normal", 2, 3, 4)])
            for name in ("LSTM", "GRU")
        ),
        stands=NO_KERNEL,
    ),
    in_keras(
        id="keras-simple-rnn-config-without-seed",
        summary="The configuration of SimpleRNN does not tell its seed, so a saved model drops at random "
        "otherwise when it is loaded; LSTM and GRU tell theirs.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/simple_rnn.py:413, SimpleRNN.get_config",
        upstream=f"{KERAS}/issues/23657",
        remedy="Set the seed again after loading, where training goes on.",
        since="keras 3.0.0 (2023)",
        scope=subject("layers.SimpleRNN"),
        effect=Metadata(CONFIGURATIONS, seed_left_out),
        witnesses=(
            draft_layer("layers.SimpleRNN", {"units": 3}, [recipe("normal", 2, 3, 4)]),
            draft_layer(
                "layers.Bidirectional",
                {"layer": inside("SimpleRNN", name="inner", units=2)},
                [recipe("normal", 2, 3, 4)],
            ),
        ),
    ),
    in_keras(
        id="keras-simple-rnn-activity-regularizer-lost",
        summary="SimpleRNN drops its activity_regularizer in silence: the penalty is missing from the loss.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/simple_rnn.py:341, SimpleRNN.__init__",
        upstream=searched("keras SimpleRNN activity_regularizer ignored"),
        remedy="Use a layer ActivityRegularization.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.SimpleRNN"), sets("activity_regularizer")),
        effect=Metadata(CONFIGURATIONS, penalty_lost),
        witnesses=(
            draft_layer(
                "layers.SimpleRNN",
                {"units": 3, "activity_regularizer": {"class_name": "L2", "config": {"l2": 0.0078125}}},
                [recipe("normal", 2, 3, 4)],
            ),
        ),
    ),
    in_keras(
        id="keras-cell-without-output-shape",
        summary="A cell infers no output shape.",
        kind="intentional",
        source="keras 3.15.1, keras/src/layers/layer.py:1249, Layer.compute_output_shape",
        upstream=searched(
            "keras LSTMCell GRUCell compute_output_shape not implemented does not have a "
            "`compute_output_shape` method"
        ),
        remedy="Ask the layer that repeats it.",
        since="keras 3.0.0 (2023)",
        scope=subject("layers.GRUCell", "layers.LSTMCell", "layers.SimpleRNNCell", "layers.StackedRNNCells"),
        effect=Raises(
            "not-implemented", "shape", ("shape/*",), "does not have a `compute_output_shape` method"
        ),
        witnesses=tuple(
            draft_layer(
                f"layers.{name}",
                {"units": 2},
                [recipe("normal", 2, 3)],
                initial_state=[recipe("normal", 2, 2)] * states,
            )
            for name, states in (("GRUCell", 1), ("LSTMCell", 2), ("SimpleRNNCell", 1))
        ),
        stands="A cell's outputs have shapes, which its layer infers. TensorFlow.js refuses a GRUCell "
        "altogether where reset_after is left at its default.",
    ),
    in_keras(
        id="keras-bidirectional-shape-doubles-first",
        summary="The inferred output of Bidirectional is that of the first direction, twice as wide, or "
        "twice, also where backward_layer has other units: the model's next layer is built for another "
        "width.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/bidirectional.py:188, compute_output_shape",
        upstream=f"{KERAS}/issues/23688",
        remedy="Give both directions as many units, or use two layers and Concatenate.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.Bidirectional"), sets("backward_layer")),
        effect=Metadata(("shape/*",), shapes_as_mirrored),
        witnesses=(other_backwards(), other_backwards(merge_mode=None)),
        stands="The output that Keras computes is as wide as the specification says. TensorFlow.js ignores "
        "backward_layer, and so doubles the first too.",
    ),
    in_keras(
        id="keras-time-distributed-forgets-its-size",
        summary="TimeDistributed does not know of the dimensions that its layer was built for: where they "
        "are unknown, so are those of its output.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/time_distributed.py:64, compute_output_shape",
        upstream=TIME_DISTRIBUTED_SEARCHED,
        remedy="Give the model's Input a complete shape.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject("layers.TimeDistributed"), wraps("BatchNormalization", "LayerNormalization", "PReLU")
        ),
        effect=Metadata(("shape/unknown",), of_unknown_size),
        witnesses=(
            draft_layer("layers.TimeDistributed", {"layer": inside("PReLU")}, [recipe("normal", 2, 3, 4)]),
        ),
    ),
    in_keras(
        id="keras-time-distributed-depthwise-of-unknown-channels",
        summary="TimeDistributed does not know of the channels that its DepthwiseConv2D was built for, and "
        "multiplies None where they are unknown.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/time_distributed.py:64, compute_output_shape; "
        "keras/src/layers/convolutional/base_depthwise_conv.py, compute_output_shape",
        upstream=TIME_DISTRIBUTED_SEARCHED,
        remedy="Give the model's Input a complete shape.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.TimeDistributed"), wraps("DepthwiseConv2D")),
        effect=Raises("internal", "shape", ("shape/unknown",), "unsupported operand type"),
        witnesses=(
            draft_layer(
                "layers.TimeDistributed",
                {"layer": inside("DepthwiseConv2D", kernel_size=2)},
                [recipe("normal", 1, 2, 3, 4, 2)],
            ),
        ),
    ),
    in_keras(
        id="keras-lstm-cell-of-empty-batch",
        summary="LSTM and LSTMCell refuse an empty batch on a CPU: `ops.add` takes the product with the "
        "recurrent kernel, of shape (0, 4·units), for a bias.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py:111, add",
        upstream=searched("keras Biases must be 1D empty batch ops.add"),
        remedy="Do not call the model with an empty batch.",
        since="keras 3.7.0 (2024)",
        scope=all_of(
            subject("layers.LSTM", "layers.LSTMCell"),
            given_empty_batch,
            without(sets("recurrent_dropout")),
        ),
        effect=Raises("invalid-argument", "call", CALL, "Biases must be 1D"),
        witnesses=(
            draft_layer(
                "layers.LSTMCell",
                {"units": 3},
                [recipe("normal", 0, 4)],
                initial_state=[recipe("normal", 0, 3)] * 2,
            ),
        ),
        stands="Keras's other recurrent layers take an empty batch, and so does TensorFlow.js: what it "
        "refuses of such a case are the weights of a backward_layer.",
    ),
    in_keras(
        id="keras-stateful-stack-cannot-be-reset",
        summary="reset_state of a stateful RNN that repeats a stack of cells fails, for its states are "
        "lists, one for each cell.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/rnn.py:325, RNN.reset_state",
        upstream=searched(
            "keras RNN stateful reset_state StackedRNNCells list of cells AttributeError "
            "'list' object has no attribute 'assign'"
        ),
        remedy="Assign zeros to each state yourself.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.RNN"), sets("stateful"), any_of(wraps("StackedRNNCells"), lists_cells)),
        effect=Raises("internal", "call", CALL, "object has no attribute 'assign'"),
        witnesses=(
            draft_layer(
                "layers.RNN",
                {"cell": inside("StackedRNNCells", cells=[GRU_CELL, SIMPLE_CELL]), "stateful": True},
                [recipe("normal", 2, 3, 4)],
            ),
        ),
    ),
    in_keras(
        id="keras-unrolled-backwards-zeroes-by-mask-from-the-end",
        summary="A recurrent layer with unroll, go_backwards, return_sequences and zero_output_for_mask "
        "puts its zeros where the mask has them from its other end: outputs that count are lost, "
        "and masked ones stay.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/rnn.py:163, :210, rnn (mask_list is reversed, "
        "mask is not)",
        upstream=searched("keras RNN unroll go_backwards mask not reversed zero_output_for_mask"),
        remedy="Leave unroll at False, which computes the same.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*REPEATING, "layers.Bidirectional"), masked, runs_unrolled_backwards),
        effect=Value(
            {
                "layers.Recurrent.masked_output": output_carried,
                "layers.Recurrent.sequence": zeros_by_mask_as_it_came,
            }
        ),
        witnesses=(
            draft_layer(
                "layers.LSTM",
                {
                    "units": 3,
                    "unroll": True,
                    "go_backwards": True,
                    "return_sequences": True,
                    "zero_output_for_mask": True,
                },
                [recipe("normal", 2, 4, 3)],
                masks=[recipe("mask_right_padded", 2, 4, dtype="bool")],
            ),
            draft_layer(
                "layers.Bidirectional",
                {"layer": inside("GRU", name="inner", units=2, unroll=True, return_sequences=True)},
                [recipe("normal", 2, 4, 3)],
                masks=[recipe("mask_right_padded", 2, 4, dtype="bool")],
            ),
        ),
    ),
    in_keras(
        id="keras-stack-of-one-cell-refuses-mask",
        summary="An RNN that repeats a stack of one cell fails on a mask, for the stack gives its states in "
        "one list less than it takes them.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/stacked_rnn_cells.py:103, StackedRNNCells.call",
        upstream=searched("keras StackedRNNCells single cell mask don't have the same nested structure RNN"),
        remedy="Repeat the cell itself, or set unroll.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.RNN"), given_mask, stacks_one_cell, without(sets("unroll"))),
        effect=Raises("invalid-argument", "call", CALL, "don't have the same nested structure"),
        witnesses=(
            draft_layer(
                "layers.RNN",
                {"cell": inside("StackedRNNCells", cells=[SIMPLE_CELL])},
                [recipe("normal", 2, 4, 3)],
                masks=[recipe("mask_right_padded", 2, 4, dtype="bool")],
            ),
            draft_layer(
                "layers.RNN",
                {"cell": [inside("LSTMCell", units=2)]},
                [recipe("normal", 2, 4, 3)],
                masks=[recipe("mask_right_padded", 2, 4, dtype="bool")],
            ),
        ),
    ),
    in_keras(
        id="keras-unrolled-stack-of-one-lstm",
        summary="An RNN with unroll that repeats a stack of one LSTM cell fails at its second step, for the "
        "stack gives its states in one list less than it takes them.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/stacked_rnn_cells.py:103, StackedRNNCells.call",
        upstream=searched("keras StackedRNNCells single LSTMCell unroll=True list index out of range"),
        remedy="Repeat the cell itself, or leave unroll out.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.RNN"), without(given_mask), unrolls_one_lstm),
        effect=Raises("internal", "call", CALL, "list index out of range"),
        witnesses=(
            draft_layer(
                "layers.RNN",
                {"cell": inside("StackedRNNCells", cells=[inside("LSTMCell", units=2)]), "unroll": True},
                [recipe("normal", 2, 4, 3)],
            ),
        ),
    ),
    in_keras(
        id="keras-conv-lstm-strides-of-zero",
        summary="ConvLSTM2D takes strides of 0, and divides by them when it is built.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/conv_lstm.py:126, ConvLSTMCell.__init__ (allow_zero=True)",
        upstream=searched(
            "keras ConvLSTM2D strides 0 OverflowError cannot convert float infinity to integer"
        ),
        remedy="Give strides of 1 or more.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.ConvLSTM2D"), without(sets("strides")), wrong_in("strides")),
        effect=Raises("internal", "call", REFUSAL, "cannot convert float infinity to integer"),
        witnesses=(spoilt("ConvLSTM2D", {"strides": 0}),),
    ),
    in_keras(
        id="keras-stack-of-no-cells",
        summary="StackedRNNCells takes an empty list of cells, and gives its input.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/stacked_rnn_cells.py:36, StackedRNNCells.__init__",
        upstream=STACK_SEARCHED,
        remedy="Give it a cell.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject("layers.StackedRNNCells"), without(sets("cells")), wrong_in(cells=[SIMPLE_CELL, GRU_CELL])
        ),
        effect=Accepts(),
        witnesses=(spoilt("StackedRNNCells", {"cells": []}),),
    ),
    in_keras(
        id="keras-stack-of-no-list",
        summary="StackedRNNCells walks through its cells before it looks at what they are.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/rnn/stacked_rnn_cells.py:36, StackedRNNCells.__init__",
        upstream=STACK_SEARCHED,
        remedy="Give a list of cells.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject("layers.StackedRNNCells"), sets("cells"), wrong_in(cells=[SIMPLE_CELL, GRU_CELL])
        ),
        effect=Raises("internal", "construction", REFUSAL, "object is not iterable"),
        witnesses=(spoilt("StackedRNNCells", {"cells": 3}),),
    ),
)

ONE_DNN = (
    in_tensorflow(
        id="keras-onednn-conv-lstm-empty-batch",
        summary="With oneDNN ConvLSTM2D refuses an empty batch: a convolution over one has the shape of its "
        "input, to which neither the bias nor the convolution of the state can be added.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_conv_ops.cc, MklConvOp::Compute",
        upstream=EMPTY_BATCH_SEARCHED,
        remedy="Do not call the model with an empty batch.",
        since="tensorflow 2.9.0 (2022)",
        scope=all_of(subject("layers.ConvLSTM2D"), given_empty_batch, image_unlike_state),
        effect=Raises("invalid-argument", "call", CALL, "Incompatible shapes"),
        witnesses=(
            draft_layer(
                "layers.ConvLSTM2D", {"filters": 3, "kernel_size": 2}, [recipe("normal", 0, 2, 3, 3, 2)]
            ),
        ),
    ),
)
"""With oneDNN."""
