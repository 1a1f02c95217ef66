"""What only the WebAssembly backend does: kernels that it lacks, and what its kernels do with NaN and
with tensors that have no elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.dialects.deviation import Raises, Unpredictable, Value, subject
from conformance.dialects.scopes import (
    ALL_CONVOLUTIONS,
    activated_by,
    all_of,
    any_of,
    asks,
    channels_first,
    given_empty_batch,
    given_infinity,
    given_nan,
    given_no_row,
    given_special_values,
    over_several_axes,
    sets,
    without,
)
from conformance.dialects.tensorflow_js import (
    advanced_activations,
    center_crop,
    convolutional_recurrent,
    images,
    resizing,
    resizing_gradients,
    wasm_convolution,
)
from conformance.dialects.tensorflow_js.activations import (
    NAN,
    RELU_GRADIENT,
    USES_HARD_SIGMOID,
    Slope,
    hard_sigmoid,
    is_number,
    keras_2_hard_sigmoid,
    nan_gradient,
    relu6_slope,
    relu_slope,
    with_slope,
)
from conformance.dialects.tensorflow_js.defaults import (
    CONV2D_CASE,
    EMBEDDING_CASE,
)
from conformance.dialects.tensorflow_js.global_pooling import pools_inner_axes
from conformance.dialects.tensorflow_js.losses import all_largest
from conformance.dialects.tensorflow_js.memory import (
    LEFT_ON_WASM,
    failed_gradient_leaks,
)
from conformance.dialects.tensorflow_js.merging import (
    EXTREMA,
    EXTREMUM_OF_NAN,
    EXTREMUM_TARGETS,
    first_where_nan,
)
from conformance.dialects.tensorflow_js.normalization import NORMALIZES_EMPTY_BATCH, OF_NOTHING
from conformance.dialects.tensorflow_js.pooling import TRANSPOSED_POOLING
from conformance.dialects.tensorflow_js.record import (
    CELLS,
    CONV_LSTM,
    CORE,
    NUMERIC,
    RECURRENT,
    WASM,
    deviation,
    issue,
    searched,
)
from conformance.reference_impl.activations import Activation
from conformance.reference_impl.primitives import where
from conformance.reference_impl.tape import Tensor, constant
from conformance.verdicts import Verdict

GATED = ("layers.GRU", "layers.GRUCell", "layers.LSTM", "layers.LSTMCell", *CONV_LSTM)
"""The layers in which one activation multiplies another."""

MADE_NAN = all_of(given_infinity, without(given_nan))
"""If anything is NaN, arithmetic made it of an infinity."""


def relu6(original: Activation, x: Tensor) -> Tensor:
    """min(6, relu(x)), which is 6 where x is NaN; the gradient is NaN there."""
    return with_slope(
        x, function=lambda x: where(is_number(x), original(x), constant(6.0, x)), slope=relu6_slope
    )


def zero_of_nan(slope: Slope) -> Callable[..., Tensor]:
    """The patch that makes a function 0 where its input is NaN. The gradient, for which the operations are
    not fused, is NaN there. Only a layer of its own has arguments, and that makes no NaN."""

    def patch(original: Activation, x: Tensor, **arguments: Any) -> Tensor:
        if arguments:
            return original(x, **arguments)
        return with_slope(x, function=lambda x: original(where(is_number(x), x, 0.0)), slope=slope)

    return patch


def hard_sigmoid_of_nan(original: Activation, x: Tensor) -> Tensor:
    """Keras 2's formula, and 0 where x is NaN."""
    return where(is_number(x), hard_sigmoid(original, x), 0.0)


def transposes(case: Case, data: Data) -> bool:
    """Channels first are brought last, or a permutation changes the order."""
    dims = case.config.get("dims", [])
    return channels_first(case, data) or dims != sorted(dims)


def normalizes_inner_axis(case: Case, data: Data) -> bool:
    """One of the axes that Dot sums along is not its input's last."""
    axes = case.config["axes"]
    each = axes if isinstance(axes, list) else [axes, axes]
    return any(axis % x.ndim != x.ndim - 1 for axis, x in zip(each, data.inputs, strict=False))


def with_gradient(original: Any, x: Tensor, along: Sequence[int]) -> Tensor:
    """The largest, of which each that ties is given the whole cotangent: what there is of it is rounding."""
    for axis in along:
        x = all_largest(x, axis=axis)
    return x


TIED_SOFTMAX = Case(
    "layers.Softmax",
    {"axis": [1, 2]},
    (Literal((1, 9, 5), (0.0,) * 45),),
    cotangents=(Literal((1, 9, 5), (1.0, *(0.0,) * 44)),),
    observables=("gradient/input/0",),
)

CLAMP_OF_NAN = (
    f"{WASM}/kernels/Relu.js (src/cc/kernels/Relu.cc: XNNPACK's clamp at 0; as measured, NaN with its "
    "sign set, as x86 makes it, becomes 0)"
)

DEVIATIONS = (
    failed_gradient_leaks("wasm-", LEFT_ON_WASM, CONV2D_CASE, EMBEDDING_CASE),
    *advanced_activations.ON_WASM,
    *center_crop.ON_WASM,
    *resizing_gradients.ON_WASM,
    *resizing.ON_WASM,
    *convolutional_recurrent.ON_WASM,
    *images.ON_WASM,
    *wasm_convolution.DEVIATIONS,
    keras_2_hard_sigmoid(all_of(USES_HARD_SIGMOID, without(given_special_values))),
    deviation(
        "tfjs-wasm-hard-sigmoid-of-nan",
        "hard_sigmoid, which has the formula of Keras 2, is 0 for NaN, so that a NaN upstream goes "
        "unnoticed.",
        kind="bug",
        source=f"{WASM}/kernels/ClipByValue.js (src/cc/kernels/ClipByValue.cc:65: XNNPACK's clamp gives its "
        "lower limit for NaN)",
        upstream=searched("wasm clipByValue NaN returns min value"),
        remedy="Check for NaN before the activation.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=all_of(USES_HARD_SIGMOID, given_special_values),
        effect=Value({"activations.hard_sigmoid": hard_sigmoid_of_nan}),
        witnesses=(draft_activation("hard_sigmoid", {}, NAN),),
    ),
    nan_gradient(
        "relu",
        relu_slope,
        RELU_GRADIENT,
        elsewhere=all_of(without(subject("layers.Dense")), without(MADE_NAN)),
    ),
    deviation(
        "tfjs-wasm-softmax-over-axes-gradient-of-the-largest",
        "Over several axes a gradient flows through the largest element, too, though it cancels: what is "
        "left by rounding is given to each element that ties for the largest.",
        kind="precision",
        source=f"{CORE}/ops/log_sum_exp.js:60 (logSumExp: max), gradients/min_max_grad_util.js:34",
        upstream=searched("max gradient ties categoricalHinge min_max_grad_util"),
        remedy="Nothing need be done.",
        since="tfjs-layers 4.11.0 (2023)",
        scope=all_of(subject("layers.Softmax"), over_several_axes, asks("gradient/*")),
        effect=Value({"layers.Softmax.subtracted": with_gradient}, ("gradient/*",)),
        witnesses=(TIED_SOFTMAX,),
    ),
    deviation(
        "tfjs-wasm-dense-relu-of-nan",
        "Dense with relu is 0 where the sum is NaN, so that a NaN upstream goes unnoticed.",
        kind="bug",
        source=f"{WASM}/kernels/_FusedMatMul.js:70 (src/cc/batch_mat_mul_impl.cc:287: output_min is 0)",
        upstream=searched("relu NaN wasm"),
        remedy="Check for NaN before the layer, or put relu into a layer of its own.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=all_of(subject("layers.Dense"), activated_by({"relu"}), given_nan),
        effect=Value({"activations.relu": zero_of_nan(relu_slope)}),
        witnesses=(
            draft_layer("layers.Dense", {"units": 4, "activation": "relu"}, [recipe("one_nan", 3, 5)]),
        ),
    ),
    deviation(
        "tfjs-wasm-relu-of-made-nan",
        "relu and relu6 of NaN that arithmetic makes, of ∞ − ∞ or 0 · ∞, are 0, so that it goes unnoticed; "
        "their gradients are NaN. Of NaN that was given relu stays NaN.",
        kind="bug",
        source=CLAMP_OF_NAN,
        upstream=searched("relu NaN wasm"),
        remedy="Check for infinities before the layer.",
        since="tfjs-backend-wasm 3.2.0 (2021)",
        scope=all_of(activated_by({"relu", "relu6"}), MADE_NAN, without(subject(*GATED))),
        effect=Value(
            {"activations.relu": zero_of_nan(relu_slope), "activations.relu6": zero_of_nan(relu6_slope)}
        ),
        witnesses=tuple(
            draft_layer(subject, config | {"activation": "relu"}, [source], weights="signed_zeros")
            for subject, config, source in (
                ("layers.SimpleRNN", {"units": 3}, recipe("one_infinity", 1, 4, 2)),
                ("layers.Conv2D", {"filters": 3, "kernel_size": 2}, recipe("one_infinity", 1, 4, 4, 2)),
            )
        ),
    ),
    deviation(
        "tfjs-wasm-relu-of-nan-behind-gates",
        "With gates, relu and relu6 of NaN that arithmetic makes are 0 in some elements and NaN in "
        "others: it depends on the sign of NaN, which 1 / (1 + exp(−x)) and sums change.",
        kind="bug",
        source=CLAMP_OF_NAN,
        upstream=searched("relu NaN wasm"),
        remedy="Check for infinities before the layer.",
        since="tfjs-backend-wasm 3.2.0 (2021)",
        scope=all_of(subject(*GATED), activated_by({"relu", "relu6"}), MADE_NAN),
        effect=Unpredictable(Verdict.DIVERGES, ("*output/*", "*gradient/*"), "nan"),
        witnesses=(
            Case(
                "layers.GRUCell",
                {"units": 2, "activation": "relu", "recurrent_activation": "sigmoid", "reset_after": False},
                inputs=(Literal((1, 1), ("-inf",)),),
                initial_state=(Literal((1, 2), (0.0,) * 2),),
                weights={
                    "kernel": Literal((1, 6), (1.0, 1.0, 0.0, 0.0, 1.0, 0.0)),
                    "recurrent_kernel": Literal((2, 6), (0.0,) * 12),
                    "bias": Literal((6,), (0.0,) * 6),
                },
                observables=("output/0",),
            ),
        ),
    ),
    deviation(
        "tfjs-wasm-relu6-of-nan",
        "relu6 of NaN is 6, so that a NaN upstream goes unnoticed; its gradient is NaN.",
        kind="bug",
        source=f"{WASM}/kernels/Minimum.js (src/cc/kernels/Minimum.cc:38: std::min(6, NaN) is 6)",
        upstream=searched("relu6 NaN wasm"),
        remedy="Check for NaN before the activation.",
        since="tfjs-backend-wasm 1.5.0 (2019)",
        scope=all_of(activated_by({"relu6"}), given_nan),
        effect=Value({"activations.relu6": relu6}),
        witnesses=(draft_activation("relu6", {}, NAN),),
    ),
    deviation(
        "tfjs-wasm-no-embedding-gradient",
        "The kernel that adds gradients up by index is missing, and with it the gradient of Embedding's "
        "table.",
        kind="bug",
        source=f"{WASM}/register_all_kernels.js (no UnsortedSegmentSum); {CORE}/gradients/GatherV2_grad.js",
        upstream=issue(8082),
        remedy="Train on another backend, then run on this one.",
        since="tfjs-backend-wasm 1.3.0 (2019)",
        scope=subject("layers.Embedding"),
        effect=Raises(
            "missing-kernel",
            "gradient",
            ("gradient/weight/embeddings", "training/gradient/weight/embeddings"),
            "Kernel 'UnsortedSegmentSum' not registered",
        ),
        witnesses=(EMBEDDING_CASE,),
    ),
    deviation(
        "tfjs-wasm-transpose-of-nothing-traps",
        "Layers that transpose, as most do with channels first, global pooling with channels last, and Dot "
        "that normalizes along an inner axis, trap in WebAssembly on an empty batch.",
        kind="bug",
        source=f"{WASM}/kernels/Transpose.js (src/cc/transpose_impl.cc:218, flatten: divides by the size of "
        "the first axis)",
        upstream=searched("wasm empty tensor transpose RuntimeError divide by zero"),
        remedy="Do not call the model with an empty batch.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=all_of(
            any_of(
                all_of(
                    subject("layers.Flatten", "layers.UpSampling2D", *ALL_CONVOLUTIONS, *TRANSPOSED_POOLING),
                    channels_first,
                ),
                all_of(subject("layers.Permute"), transposes),
                all_of(subject("layers.Dot"), sets("normalize"), normalizes_inner_axis),
                pools_inner_axes,
            ),
            given_empty_batch,
        ),
        effect=Raises("internal", "call", NUMERIC, "divide by zero"),
        witnesses=(
            draft_layer("layers.Flatten", {"data_format": "channels_first"}, [recipe("normal", 0, 3, 4)]),
            draft_layer("layers.Permute", {"dims": [2, 1]}, [recipe("normal", 0, 3, 4)]),
            draft_layer(
                "layers.Conv2D",
                {"filters": 3, "kernel_size": 2, "data_format": "channels_first"},
                [recipe("normal", 0, 2, 4, 4)],
            ),
            draft_layer("layers.GlobalMaxPooling2D", {}, [recipe("normal", 0, 2, 4, 3)]),
            draft_layer("layers.Dot", {"axes": 1, "normalize": True}, [recipe("normal", 0, 2, 3)] * 2),
        ),
    ),
    deviation(
        "tfjs-wasm-gradient-of-batch-normalization-of-nothing-traps",
        "The gradients of a BatchNormalization that is trained on an empty batch trap in WebAssembly where "
        "they are transposed.",
        kind="bug",
        source=f"{WASM}/kernels/Transpose.js (src/cc/transpose_impl.cc:218, flatten: divides by the size of "
        "the first axis)",
        upstream=searched("wasm empty tensor transpose RuntimeError divide by zero"),
        remedy="Do not train on an empty batch.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=NORMALIZES_EMPTY_BATCH,
        effect=Raises("internal", "gradient", ("training/gradient/*",), "divide by zero"),
        witnesses=OF_NOTHING[1:2],
    ),
    deviation(
        "tfjs-wasm-mean-of-nothing-is-garbage",
        "A mean over no elements is whatever the memory held, not NaN, as is a sum, not 0: to that a "
        "BatchNormalization moves its averages that is trained on an empty batch, and gives such gradients.",
        kind="bug",
        source=f"{WASM}/kernels/Mean.js:54, Sum.js:52 (the output is not written where the input is empty)",
        upstream=issue(6633),
        remedy="Do not train on an empty batch.",
        since="tfjs-backend-wasm 2.1.0 (2020)",
        scope=NORMALIZES_EMPTY_BATCH,
        effect=Unpredictable(
            Verdict.DIVERGES,
            ("training/state/*", "training/gradient/weight/gamma", "training/gradient/weight/beta"),
            "± 0",
        ),
        witnesses=OF_NOTHING[:2],
    ),
    deviation(
        "tfjs-wasm-sum-of-nothing-is-garbage",
        "A sum over no elements is whatever the memory held, not 0: the gradient of a bias, and those of "
        "alpha, gamma and beta, differ from call to call on an empty batch.",
        kind="bug",
        source=f"{WASM}/kernels/Sum.js:52 (sum: the output is not written where the input is empty)",
        upstream=issue(6633),
        remedy="Do not train on an empty batch.",
        since="tfjs-backend-wasm 2.1.0 (2020)",
        scope=all_of(
            subject(
                "layers.Dense",
                "layers.Conv2D",
                "layers.BatchNormalization",
                "layers.Bidirectional",
                "layers.PReLU",
                *RECURRENT,
                *CELLS,
            ),
            given_no_row,
        ),
        effect=Unpredictable(
            Verdict.DIVERGES,
            (
                "gradient/weight/alpha",
                "gradient/weight/bias",
                "gradient/weight/*/bias",
                "gradient/weight/beta",
                "gradient/weight/gamma",
            ),
            "0 ±",
        ),
        witnesses=(draft_layer("layers.Dense", {"units": 8}, [recipe("normal", 0, 5)]),),
    ),
    deviation(
        "tfjs-wasm-extremum-of-nan",
        "Maximum and Minimum give their first input where the second is NaN, so that a NaN upstream goes "
        "unnoticed; where one is NaN no input has a gradient.",
        kind="bug",
        source=f"{WASM}/kernels/Maximum.js, Minimum.js (src/cc/kernels/Maximum.cc:38, Minimum.cc:38: "
        "std::max and std::min give their first argument); tfjs-core gradients/Maximum_grad.js:27",
        upstream=searched("wasm maximum NaN propagation Maximum Minimum kernel"),
        remedy="Check for NaN before the layer.",
        since="tfjs-backend-wasm 1.5.0 (2019)",
        scope=all_of(EXTREMA, given_nan),
        effect=Value(dict.fromkeys(EXTREMUM_TARGETS, first_where_nan)),
        witnesses=EXTREMUM_OF_NAN,
    ),
)
