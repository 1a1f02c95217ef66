"""Pooling in one dimension of TensorFlow.js, which takes the channels to be last: over channels that come
first, and where those are fewer than a window is long."""

from __future__ import annotations

from functools import partial

import msgspec

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.determinism import asked_again
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Raises, Unpredictable, Value, subject
from conformance.dialects.scopes import all_of, any_of, channels_first
from conformance.dialects.tensorflow_js.configuration import unread
from conformance.dialects.tensorflow_js.pooling import ONE_DIMENSION, SERIES, pooling
from conformance.dialects.tensorflow_js.record import LAYERS, NUMERIC, WASM, deviation, issue, searched
from conformance.reference_impl.layers.convolution import output_length
from conformance.verdicts import Verdict


def windows_over_channels(case: Case, data: Data) -> int:
    """How many windows there are, by the formula, along the axis that the layer takes for steps."""
    layer = pooling(case)
    steps = data.inputs[0].shape[1]
    found = output_length(steps, layer.pool_size[0], layer.strides[0], 1, layer.padding)
    assert found is not None  # the steps are known
    return found


def leaves_nothing(case: Case, data: Data) -> bool:
    return windows_over_channels(case, data) == 0


def leaves_less_than_nothing(case: Case, data: Data) -> bool:
    return windows_over_channels(case, data) < 0


WINDOWS_IN_LINE = subject("layers.AveragePooling1D", "layers.MaxPooling1D")
LEAVES_NO_WINDOW = all_of(WINDOWS_IN_LINE, channels_first, any_of(leaves_nothing, leaves_less_than_nothing))
FAR_FEWER = draft_layer(
    "layers.MaxPooling1D",
    {"pool_size": 4, "strides": 1, "data_format": "channels_first"},
    [recipe("normal", 2, 2, 7)],
)

DEVIATIONS = (
    unread(
        "pooling-1d-data-format",
        ("data_format",),
        subject(*ONE_DIMENSION),
        "data_format is not known to pooling in one dimension; the configuration does not tell it.",
        "layers/pooling.js:120 (Pooling1D), :422 (GlobalPooling1D)",
        searched("maxPooling1d averagePooling1d dataFormat channelsFirst not supported"),
        (
            draft_layer("layers.MaxPooling1D", {}, [SERIES], once=True),
            draft_layer("layers.GlobalMaxPooling1D", {}, [SERIES]),
        ),
        since="keras 2.2.3 (2018)",
    ),
    deviation(
        "tfjs-pooling-1d-channels-last",
        "Pooling in one dimension takes the channels to be last, whatever data_format says: a model with "
        "channels first pools over its channels, and where those are fewer than a window is long, nothing is "
        "left.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:120 (Pooling1D), :422 (GlobalPooling1D)",
        upstream=searched("maxPooling1d averagePooling1d dataFormat channelsFirst not supported"),
        remedy="Permute around the layer.",
        converted="permutes around it",
        since="keras 2.2.3 (2018)",
        scope=all_of(subject(*ONE_DIMENSION), channels_first),
        effect=Value(
            {
                "layers.acting_format": lambda original, layer: "channels_last",
                "layers.Pooling.leave_nothing": lambda original, positions: False,
            }
        ),
        witnesses=(
            draft_layer("layers.MaxPooling1D", {"data_format": "channels_first"}, [SERIES]),
            draft_layer("layers.GlobalAveragePooling1D", {"data_format": "channels_first"}, [SERIES]),
            draft_layer(
                "layers.AveragePooling1D",
                {"pool_size": 1, "strides": 2, "data_format": "channels_first"},
                [recipe("one_nan", 1, 1, 2)],
            ),
        ),
    ),
)
"""What every backend does."""

ONLY_CPU = (
    deviation(
        "tfjs-cpu-pooling-over-far-fewer-channels",
        "Pooling in one dimension over channels that come first is refused where those are fewer than a "
        "window is long by more than a stride.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:120 (Pooling1D)",
        upstream=searched("maxPooling1d averagePooling1d dataFormat channelsFirst not supported"),
        remedy="Permute around the layer.",
        since="keras 2.2.3 (2018)",
        scope=all_of(WINDOWS_IN_LINE, channels_first, leaves_less_than_nothing),
        effect=Raises("invalid-argument", "call", NUMERIC, "comprised of positive integers but got shape"),
        witnesses=(FAR_FEWER,),
    ),
)
"""What the plain JavaScript backend does."""

without_windows = partial(
    deviation,
    kind="bug",
    source=f"{WASM}/kernels/AvgPool.js, MaxPool.js (src/cc/kernels/AvgPool.cc, MaxPool.cc: XNNPACK's "
    "compute_output_dimension subtracts unsigned numbers, and finds 2³² / stride windows)",
    upstream=issue(8407),
    remedy="Permute around the layer.",
    since="tfjs-backend-wasm 1.4.0 (2019)",
)

ONLY_WASM = (
    deviation(
        "tfjs-wasm-pooling-over-far-fewer-channels-aborts",
        "Pooling in one dimension over channels that come first, and are fewer than a window is long by more "
        "than a stride, aborts the program.",
        kind="bug",
        source=f"{WASM}/kernels/AvgPool.js, MaxPool.js (makeOutput of a shape with -1)",
        upstream=issue(8407),
        remedy="Permute around the layer.",
        since="tfjs-backend-wasm 1.4.0 (2019)",
        scope=all_of(WINDOWS_IN_LINE, channels_first, leaves_less_than_nothing),
        effect=Unpredictable(Verdict.CRASHED, NUMERIC, "Aborted()"),
        witnesses=(msgspec.structs.replace(FAR_FEWER, observables=("output/0",)),),
    ),
    without_windows(
        "tfjs-wasm-pooling-over-fewer-channels-traps",
        "Pooling in one dimension over channels that come first, and are fewer than a window is long, has "
        "nothing to compute: it reads and writes memory that is not its own, and traps. Permute around the "
        "layer.",
        scope=LEAVES_NO_WINDOW,
        effect=Unpredictable(Verdict.RAISES, NUMERIC, "internal at call: "),
        witnesses=(
            draft_layer(
                "layers.AveragePooling1D",
                {"pool_size": 4, "data_format": "channels_first"},
                [recipe("normal", 2, 3, 7)],
            ),
            draft_layer(
                "layers.MaxPooling1D",
                {"pool_size": 4, "data_format": "channels_first"},
                [recipe("normal", 2, 3, 7)],
            ),
        ),
    ),
    without_windows(
        "tfjs-wasm-pooling-over-fewer-channels-ends-program",
        "Pooling in one dimension over channels that come first, and are fewer than a window is long, may "
        "end the program, where a call before has written into memory that is not its own.",
        scope=LEAVES_NO_WINDOW,
        effect=Unpredictable(Verdict.CRASHED, NUMERIC, "memory access out of bounds"),
        witnesses=(
            asked_again(
                draft_layer(
                    "layers.MaxPooling1D", {"data_format": "channels_first"}, [recipe("normal", 4, 1, 8)]
                )
            ),
        ),
    ),
)
"""What the WebAssembly backend does."""
