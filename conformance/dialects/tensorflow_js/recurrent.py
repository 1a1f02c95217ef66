"""What recurrent layers of TensorFlow.js, their cells, and layers around others refuse, infer and say
otherwise than Keras 3's."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.determinism import asked_again
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.layers.wrappers import inside
from conformance.dialects.bidirectional import Shapes, mirrored, shapes_as_mirrored
from conformance.dialects.deviation import (
    CONFIGURATIONS,
    OUTPUTS,
    Metadata,
    Raises,
    Unpredictable,
    Value,
    subject,
)
from conformance.dialects.scopes import all_of, given_mask, omits, sets, unsets, without, wraps
from conformance.dialects.tensorflow_js.configuration import lacking, saying
from conformance.dialects.tensorflow_js.defaults import (
    CONV_LSTM_CELL_CASE,
    GRU_CASE,
    GRU_CELL_CASE,
    LSTM_CELL_CASE,
    SIMPLE_RNN_CELL_CASE,
)
from conformance.dialects.tensorflow_js.record import (
    CELLS,
    FIRST,
    LAYERS,
    NUMERIC,
    deviation,
    issue,
    searched,
)
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.tape import Tensor
from conformance.verdicts import Verdict


def of_the_input(case: Case, expected: Shapes) -> Shapes:
    """The input's shape, its batch as far as it is known."""
    return [[expected[0][0], *case.inputs[0].shape[1:]]]


def broadcast(data: Data) -> tuple[int, ...]:
    """The shape of the input at one time and of the mask of all times together; raises ValueError where they
    have none."""
    batch, _, *size = data.inputs[0].shape
    return np.broadcast_shapes((batch, *size), data.masks[0].shape)


def broadcasts(case: Case, data: Data) -> bool:
    """The mask of all times goes with the input at one."""
    try:
        broadcast(data)
    except ValueError:
        return False
    return True


def to_the_same_shape(case: Case, data: Data) -> bool:
    """That of the input at one time."""
    batch, _, *size = data.inputs[0].shape
    return broadcast(data) == (batch, *size)


def of_both_shapes(original: Any, mask: Array, x: Tensor) -> Tensor:
    """A mask as numbers in the shape that it has together with the input."""
    return Tensor(xp.broadcast_to(mask, np.broadcast_shapes(mask.shape, x.shape)).astype(x.dtype))


MASKED_SOFTMAX = all_of(subject("layers.TimeDistributed"), wraps("Softmax"), given_mask)


def unknown(case: Case, expected: Shapes) -> Shapes:
    """A shape of the input's rank, of which nothing is known."""
    return [[None for _ in case.inputs[0].shape]]


def with_arguments_of_cell(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The cell's arguments beside the cell. Initializers are told without the axes, which are not known."""

    def told(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {key: v for key, v in value["config"].items() if not key.endswith("_axes")}
        return {"class_name": value["class_name"], "config": known}

    return {key: told(value) for key, value in expected["cell"]["config"].items()} | expected


def fully_known(case: Case, expected: Shapes) -> Shapes:
    """The shapes for the case's own input."""
    layer = layers.get(case.subject.removeprefix("layers.")).from_config(case.config)
    return [list(shape) for shape in layer.output_shapes([x.shape for x in case.inputs])]


def inner_is_trainable(case: Case) -> bool:
    return bool(case.config["layer"]["config"].get("trainable", True))


def differs_in_trainable(case: Case, data: Data) -> bool:
    """The wrapper and the layer inside are given different values."""
    return bool(case.config.get("trainable", True)) is not inner_is_trainable(case)


def weights_as_mirrored(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    declared = mirrored(case).declare_weights([case.inputs[0].shape])
    trainable = inner_is_trainable(case)
    return [
        {"name": w.name, "shape": list(w.shape), "dtype": w.dtype, "trainable": trainable} for w in declared
    ]


def trained_as_inner(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the layer inside is, but for the statistics that it keeps."""
    layer = layers.get(case.subject.removeprefix("layers.")).from_config(case.config)
    declared = layer.declare_weights([x.shape for x in case.inputs])
    kept = {weight.name for weight in declared if not weight.trainable}
    return [
        weight | {"trainable": inner_is_trainable(case) and weight["name"] not in kept} for weight in expected
    ]


def saying_trainable_of_inner(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    return expected | {"trainable": inner_is_trainable(case)}


INITIALIZED = {"kernel_initializer": "glorot_uniform"}
DENSE_INSIDE = {"layer": inside("Dense", units=2, kernel_initializer="glorot_uniform")}
WHOLE_MASK_CASE = draft_layer(
    "layers.TimeDistributed",
    {"layer": inside("Softmax", axis=-1)},
    [recipe("normal", 1, 3, 4)],
    masks=[recipe("mask", 1, 3, 4, dtype="bool")],
)
TIME_DISTRIBUTED_CASE = draft_layer("layers.TimeDistributed", DENSE_INSIDE, [recipe("normal", 2, 3, 4)])
FROZEN_CASE = draft_layer(
    "layers.TimeDistributed", DENSE_INSIDE | {"trainable": False}, [recipe("normal", 2, 3, 4)]
)
FROZEN_STATISTICS_CASE = draft_layer(
    "layers.TimeDistributed",
    {"layer": inside("BatchNormalization"), "trainable": False},
    [recipe("normal", 2, 3, 4)],
    weights={"moving_variance": "positive"},
)
RNN_CASE = draft_layer(
    "layers.RNN",
    {"cell": inside("SimpleRNNCell", units=2, kernel_initializer="glorot_uniform")},
    [recipe("normal", 2, 3, 4)],
)

GRU_INSIDE = inside(
    "GRU", name="inner", units=2, recurrent_activation="sigmoid", reset_after=False, **INITIALIZED
)
BIDIRECTIONAL_CASE = draft_layer(
    "layers.Bidirectional", {"layer": GRU_INSIDE}, [recipe("normal", 2, 3, 4)], once=True
)
FROZEN_BIDIRECTIONAL_CASE = draft_layer(
    "layers.Bidirectional", {"layer": GRU_INSIDE, "trainable": False}, [recipe("normal", 2, 3, 4)]
)
OTHER_BACKWARDS_CASE = draft_layer(
    "layers.Bidirectional",
    {
        "layer": GRU_INSIDE,
        "backward_layer": inside("SimpleRNN", name="other", units=3, go_backwards=True),
    },
    [recipe("normal", 2, 3, 4)],
)

CELL_CASES = (CONV_LSTM_CELL_CASE, GRU_CELL_CASE, LSTM_CELL_CASE, SIMPLE_RNN_CELL_CASE)


def keeps_dropout_masks(case: Case, data: Data) -> bool:
    """A cell that drops out, by itself or in an RNN, which leaves its masks as they are."""
    name, config = case.subject, case.config
    if name == "layers.RNN" and isinstance(config["cell"], dict):
        name, config = f"layers.{config['cell'].get('class_name')}", config["cell"].get("config", {})
    if name not in (*CELLS, "layers.ConvLSTM2DCell"):
        return False
    return any(0 < config.get(rate, 0.0) < 1 for rate in ("dropout", "recurrent_dropout"))


def of_one_sample(case: Case, data: Data) -> bool:
    return len(data.inputs[0]) == 1


def of_several_samples(case: Case, data: Data) -> bool:
    return len(data.inputs[0]) > 1


def dropping_cell(samples: int) -> Case:
    return asked_again(
        draft_layer(
            "layers.SimpleRNNCell",
            {"units": 3, "dropout": 0.25},
            [recipe("normal", samples, 4)],
            initial_state=[recipe("normal", samples, 3)],
        )
    )


DROPPING_CONV_LSTM_CELL = draft_layer(
    "layers.ConvLSTM2DCell",
    {"filters": 3, "kernel_size": 2, "dropout": 0.25, "recurrent_activation": "sigmoid"},
    [recipe("normal", 2, 3, 4, 2)],
    initial_state=[recipe("normal", 2, 2, 3, 3)] * 2,
)

keeping_dropout_masks = partial(
    deviation,
    kind="bug",
    source=f"{LAYERS}/layers/recurrent.js:701, :866, :1066 (SimpleRNNCell.call, GRUCell.call, LSTMCell.call: "
    "a mask that is there is kept), convolutional_recurrent.js:246 (ConvLSTM2DCell.call); recurrent.js:509 "
    "(RNN.call, which disposes of none)",
    upstream=searched(
        "tensorflow tfjs RNN cell dropout mask cached different batch size Operands could not be broadcast "
        "recurrentDropout"
    ),
    remedy="Use SimpleRNN, GRU or LSTM, which draw new masks for each call, or set the cell's dropoutMask "
    "and recurrentDropoutMask to null before each.",
    since="tfjs-layers 0.7.1 (2018)",
)

DEVIATIONS = (
    keeping_dropout_masks(
        "tfjs-cell-keeps-dropout-masks",
        "A cell that drops out, called by itself or by an RNN, keeps the masks of its first call: another "
        "batch size is refused, and training drops out the same elements for ever.",
        scope=all_of(keeps_dropout_masks, of_several_samples),
        effect=Raises("invalid-argument", "call", ("again/output/*",), "could not be broadcast together"),
        witnesses=(dropping_cell(2), asked_again(DROPPING_CONV_LSTM_CELL)),
    ),
    keeping_dropout_masks(
        "tfjs-cell-repeats-sample-by-dropout-masks",
        "A cell that drops out, called by itself or by an RNN, keeps the masks of its first call: a single "
        "sample is repeated as often as that had samples.",
        scope=all_of(keeps_dropout_masks, of_one_sample),
        effect=Unpredictable(Verdict.DIVERGES, ("again/output/*",), "shape ["),
        witnesses=(dropping_cell(1),),
    ),
    *(
        deviation(
            f"tfjs-cell-infers-{name}-of-input",
            "A cell infers one output, of its input's shape, for it has no computeOutputShape of its own.",
            kind="bug",
            source=f"{LAYERS}/engine/topology.js:984 (Layer.computeOutputShape)",
            upstream=searched("SimpleRNNCell LSTMCell computeOutputShape cell output shape apply"),
            remedy="Ask the layer that repeats it.",
            since=FIRST,
            scope=subject(*CELLS, "layers.ConvLSTM2DCell", "layers.StackedRNNCells"),
            effect=Metadata(observables, patch),
            witnesses=CELL_CASES,
        )
        for name, observables, patch in (
            ("shape", ("shape/concrete", "shape/unknown_batch"), of_the_input),
            ("rank", ("shape/unknown",), unknown),
        )
    ),
    deviation(
        "tfjs-gru-no-reset-after",
        "GRU with reset_after, Keras 3's default, is refused, and its weights cannot be brought into the "
        "other form.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:806 (GRUCell)",
        upstream=issue(5728),
        remedy="Train with reset_after=False before converting.",
        since="tfjs-layers 2.0.1 (2020)",
        scope=all_of(subject("layers.GRU", "layers.GRUCell"), sets("reset_after")),
        effect=Raises("not-implemented", "construction", ("*",), "does not support reset_after"),
        witnesses=(
            draft_layer("layers.GRU", {"units": 2, "reset_after": True}, [recipe("normal", 2, 3, 4)]),
        ),
    ),
    deviation(
        "tfjs-gru-bias-of-one-row",
        "GRU has a bias of one row, for its reset gate acts before the product: the weights of a GRU with "
        "Keras 3's default do not fit.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:844 (GRUCell.build)",
        upstream=issue(2442),
        remedy="Train with reset_after=False before converting.",
        since=FIRST,
        scope=all_of(
            subject("layers.GRU", "layers.GRUCell"), omits("reset_after"), without(unsets("use_bias"))
        ),
        effect=Raises("invalid-argument", "build", NUMERIC, "not compatible with provided weight shape"),
        witnesses=(GRU_CASE, GRU_CELL_CASE),
    ),
    deviation(
        "tfjs-bidirectional-no-backward-layer",
        "backward_layer is not known, and the configuration does not tell it.",
        kind="intentional",
        source=f"{LAYERS}/layers/wrappers.js:173 (Bidirectional), :458 (Bidirectional.getConfig)",
        upstream=searched("Bidirectional backward_layer not supported load Keras model"),
        remedy="Use two layers, one of them backwards, and merge their outputs.",
        since="keras 2.6.0 (2021)",
        scope=subject("layers.Bidirectional"),
        effect=Metadata((*CONFIGURATIONS, "signature"), lacking("backward_layer")),
        witnesses=(BIDIRECTIONAL_CASE,),
    ),
    deviation(
        "tfjs-bidirectional-weights-of-backward-layer",
        "backward_layer is ignored, and the weights of a model that has one do not fit.",
        kind="intentional",
        source=f"{LAYERS}/layers/wrappers.js:173 (Bidirectional)",
        upstream=searched("Bidirectional backward_layer not supported load Keras model"),
        remedy="Use two layers, one of them backwards, and merge their outputs.",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject("layers.Bidirectional"), sets("backward_layer")),
        effect=Raises("invalid-argument", "build", NUMERIC, "the layer's weights are"),
        witnesses=(OTHER_BACKWARDS_CASE,),
    ),
    *(
        deviation(
            f"tfjs-bidirectional-{name}-without-backward-layer",
            f"backward_layer is ignored: the {name} are those of the layer and its mirror image.",
            kind="intentional",
            source=f"{LAYERS}/layers/wrappers.js:173 (Bidirectional)",
            upstream=searched("Bidirectional backward_layer not supported load Keras model"),
            remedy="Use two layers, one of them backwards, and merge their outputs.",
            since="keras 2.6.0 (2021)",
            scope=all_of(subject("layers.Bidirectional"), sets("backward_layer")),
            effect=Metadata((observables,), patch),
            witnesses=(OTHER_BACKWARDS_CASE,),
        )
        for name, observables, patch in (
            ("weights", "weights", weights_as_mirrored),
            ("shapes", "shape/*", shapes_as_mirrored),
        )
    ),
    deviation(
        "tfjs-rnn-config-tells-arguments-of-cell",
        "The configuration has the arguments of the cell beside the cell. Keras 3 refuses them.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:619 (RNN.getConfig)",
        upstream=searched(
            "RNN getConfig cell arguments unrecognized keyword arguments when loading in Python Keras"
        ),
        remedy="Drop them when going back.",
        converted="drops them",
        since=FIRST,
        scope=subject("layers.RNN"),
        effect=Metadata(CONFIGURATIONS, with_arguments_of_cell),
        witnesses=(RNN_CASE,),
    ),
    deviation(
        "tfjs-time-distributed-fixes-shape",
        "A TimeDistributed layer knows the shape of its input once it is built, and keeps it, times and "
        "batch included.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:127 (TimeDistributed.build: inputSpec)",
        upstream=searched("timeDistributed inputSpec batch size fixed after build different length error"),
        remedy="Build a model for each length and size of batch.",
        since=FIRST,
        scope=subject("layers.TimeDistributed"),
        effect=Metadata(("shape/unknown",), fully_known),
        witnesses=(TIME_DISTRIBUTED_CASE,),
    ),
    deviation(
        "tfjs-wrapper-trained-as-inner",
        "TimeDistributed and Bidirectional ignore trainable, and are trained as the layer inside.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:58 (Wrapper: no layer is there when the base sets it), "
        ":208 (Bidirectional)",
        upstream=searched(
            "timeDistributed bidirectional trainable false ignored wrapper getConfig trainable"
        ),
        remedy="Set it on the layer inside.",
        since=FIRST,
        scope=all_of(subject("layers.Bidirectional", "layers.TimeDistributed"), unsets("trainable")),
        effect=Metadata(("weights",), trained_as_inner),
        witnesses=(FROZEN_CASE, FROZEN_STATISTICS_CASE, FROZEN_BIDIRECTIONAL_CASE),
    ),
    deviation(
        "tfjs-bidirectional-config-trainable",
        "A Bidirectional layer that was given trainable=False tells True.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:208 (Bidirectional)",
        upstream=searched(
            "timeDistributed bidirectional trainable false ignored wrapper getConfig trainable"
        ),
        remedy="Set it on the layer inside.",
        since=FIRST,
        scope=all_of(subject("layers.Bidirectional"), unsets("trainable")),
        effect=Metadata(CONFIGURATIONS, saying(trainable=True)),
        witnesses=(FROZEN_BIDIRECTIONAL_CASE,),
    ),
    deviation(
        "tfjs-time-distributed-config-trainable",
        "A TimeDistributed layer tells whether the layer inside is trained, whatever it was given.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:47 (Wrapper.trainable)",
        upstream=searched(
            "timeDistributed bidirectional trainable false ignored wrapper getConfig trainable"
        ),
        remedy="Set it on the layer inside.",
        since=FIRST,
        scope=all_of(subject("layers.TimeDistributed"), differs_in_trainable),
        effect=Metadata(CONFIGURATIONS, saying_trainable_of_inner),
        witnesses=(FROZEN_CASE,),
    ),
    deviation(
        "tfjs-time-distributed-hands-whole-mask-on",
        "The layer inside is given the mask of all times at each: Softmax cannot apply it.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:154 (TimeDistributed.call hands its keyword arguments on)",
        upstream=searched("timeDistributed mask masking Softmax could not be broadcast"),
        remedy="Mask without TimeDistributed.",
        since="tfjs-layers 4.11.0 (2023)",
        scope=all_of(MASKED_SOFTMAX, without(broadcasts)),
        effect=Raises("invalid-argument", "call", NUMERIC, "could not be broadcast together"),
        witnesses=(
            draft_layer(
                "layers.TimeDistributed",
                {"layer": inside("Softmax", axis=-1)},
                [recipe("normal", 2, 3, 4)],
                masks=[recipe("mask", 2, 3, 4, dtype="bool")],
            ),
        ),
    ),
    deviation(
        "tfjs-time-distributed-adds-whole-mask",
        "Where the mask of all times broadcasts with the input at one, as of a single sample, Softmax adds "
        "it whole: the output is of another shape, and its numbers are those of other steps.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:154 (TimeDistributed.call hands its keyword arguments on)",
        upstream=searched("timeDistributed mask masking Softmax could not be broadcast"),
        remedy="Mask without TimeDistributed.",
        since="tfjs-layers 4.11.0 (2023)",
        scope=all_of(MASKED_SOFTMAX, broadcasts),
        effect=Value(
            {
                "layers.TimeDistributed.masks_at": lambda original, masks, t: masks,
                "layers.Softmax.spread": of_both_shapes,
            },
            OUTPUTS,
        ),
        witnesses=(WHOLE_MASK_CASE,),
    ),
    deviation(
        "tfjs-time-distributed-whole-mask-gradient",
        "An output of another shape than the inferred one takes no cotangent of that shape. Only training "
        "meets it.",
        kind="bug",
        source=f"{LAYERS}/layers/wrappers.js:154 (TimeDistributed.call hands its keyword arguments on)",
        upstream=searched("timeDistributed mask masking Softmax could not be broadcast"),
        remedy="Mask without TimeDistributed.",
        since="tfjs-layers 4.11.0 (2023)",
        scope=all_of(MASKED_SOFTMAX, broadcasts, without(to_the_same_shape)),
        effect=Raises("invalid-argument", "gradient", ("*gradient/*",), "does not match its output"),
        witnesses=(WHOLE_MASK_CASE,),
    ),
)
