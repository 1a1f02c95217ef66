"""What only the WebAssembly backend does: kernels that it lacks, and what its kernels do with NaN and
with tensors that have no elements."""

from __future__ import annotations

from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.dialects.deviation import Raises, Unpredictable, Value, subject
from conformance.dialects.scopes import (
    activated_by,
    all_of,
    given_empty_batch,
    given_nan,
    given_no_row,
    without,
)
from conformance.dialects.tensorflow_js import advanced_activations, preprocessing
from conformance.dialects.tensorflow_js.activations import (
    NAN,
    RELU_GRADIENT,
    USES_HARD_SIGMOID,
    hard_sigmoid,
    is_number,
    keras_2_hard_sigmoid,
    nan_gradient,
    relu6_slope,
    relu_slope,
    with_slope,
)
from conformance.dialects.tensorflow_js.defaults import CONV2D_CASE, EMBEDDING_CASE
from conformance.dialects.tensorflow_js.record import CORE, NUMERIC, WASM, deviation, issue, searched
from conformance.reference_impl.activations import Activation
from conformance.reference_impl.primitives import where
from conformance.reference_impl.tape import Tensor, constant
from conformance.verdicts import Verdict


def relu6(original: Activation, x: Tensor) -> Tensor:
    """min(6, relu(x)), which is 6 where x is NaN; the gradient is NaN there."""
    return with_slope(
        x, function=lambda x: where(is_number(x), original(x), constant(6.0, x)), slope=relu6_slope
    )


def relu(original: Activation, x: Tensor) -> Tensor:
    """max(x, 0), and 0 where x is NaN. The gradient, for which the operations are not fused, is NaN there."""
    return with_slope(x, function=lambda x: original(where(is_number(x), x, 0.0)), slope=relu_slope)


def hard_sigmoid_of_nan(original: Activation, x: Tensor) -> Tensor:
    """Keras 2's formula, and 0 where x is NaN."""
    return where(is_number(x), hard_sigmoid(original, x), 0.0)


DEVIATIONS = (
    *advanced_activations.ON_WASM,
    *preprocessing.ON_WASM,
    keras_2_hard_sigmoid(all_of(USES_HARD_SIGMOID, without(given_nan))),
    deviation(
        "tfjs-wasm-hard-sigmoid-of-nan",
        "hard_sigmoid, which has the formula of Keras 2, is 0 for NaN, so that a NaN upstream goes "
        "unnoticed. Check for NaN before the activation.",
        kind="bug",
        source=f"{WASM}/kernels/ClipByValue.js (src/cc/kernels/ClipByValue.cc: XNNPACK's clamp gives its "
        "lower limit for NaN)",
        scope=all_of(USES_HARD_SIGMOID, given_nan),
        effect=Value({"activations.hard_sigmoid": hard_sigmoid_of_nan}),
        witnesses=(draft_activation("hard_sigmoid", {}, NAN),),
    ),
    nan_gradient("relu", relu_slope, RELU_GRADIENT, elsewhere=without(subject("layers.Dense"))),
    deviation(
        "tfjs-wasm-dense-relu-of-nan",
        "Dense with relu is 0 where the sum is NaN, so that a NaN upstream goes unnoticed. Check for NaN "
        "before the layer, or put relu into a layer of its own.",
        kind="bug",
        source=f"{WASM}/kernels/_FusedMatMul.js:70 (src/cc/batch_mat_mul_impl.cc: XNNPACK's output_min is 0)",
        upstream=searched("relu NaN wasm"),
        scope=all_of(subject("layers.Dense"), activated_by({"relu"}), given_nan),
        effect=Value({"activations.relu": relu}),
        witnesses=(
            draft_layer("layers.Dense", {"units": 4, "activation": "relu"}, [recipe("one_nan", 3, 5)]),
        ),
    ),
    deviation(
        "tfjs-wasm-relu6-of-nan",
        "relu6 of NaN is 6, so that a NaN upstream goes unnoticed; its gradient is NaN. Check for NaN before "
        "the activation.",
        kind="bug",
        source=f"{WASM}/kernels/Minimum.js (src/cc/kernels/Minimum.cc: std::min(6, NaN) is 6)",
        upstream=searched("relu6 NaN wasm"),
        scope=all_of(activated_by({"relu6"}), given_nan),
        effect=Value({"activations.relu6": relu6}),
        witnesses=(draft_activation("relu6", {}, NAN),),
    ),
    deviation(
        "tfjs-wasm-no-convolution-gradient",
        "The kernel that differentiates a convolution by its filter is missing, and with it every "
        "gradient of Conv2D: train on another backend, then run on this one.",
        kind="bug",
        source=f"{WASM}/register_all_kernels.js (no Conv2DBackpropFilter)",
        upstream=issue(8474),
        scope=subject("layers.Conv2D"),
        effect=Raises(
            "missing-kernel",
            "gradient",
            ("gradient/*", "training/gradient/*"),
            "Kernel 'Conv2DBackpropFilter' not registered",
        ),
        witnesses=(CONV2D_CASE,),
    ),
    deviation(
        "tfjs-wasm-no-embedding-gradient",
        "The kernel that adds gradients up by index is missing, and with it the gradient of Embedding's "
        "table: train on another backend, then run on this one.",
        kind="bug",
        source=f"{WASM}/register_all_kernels.js (no UnsortedSegmentSum); {CORE}/gradients/GatherV2_grad.js",
        upstream=issue(8082),
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
        "Flatten and Conv2D with channels first trap in WebAssembly on an empty batch: do not call the model "
        "with one.",
        kind="bug",
        source=f"{WASM}/kernels/Transpose.js (src/cc/transpose_impl.cc, flatten: divides by the size of the "
        "first axis)",
        scope=all_of(
            subject("layers.Flatten", "layers.Conv2D"),
            given_empty_batch,
            lambda case, data: case.config.get("data_format") == "channels_first",
        ),
        effect=Raises("internal", "call", NUMERIC, "divide by zero"),
        witnesses=(
            draft_layer("layers.Flatten", {"data_format": "channels_first"}, [recipe("normal", 0, 3, 4)]),
            draft_layer(
                "layers.Conv2D",
                {"filters": 3, "kernel_size": 2, "data_format": "channels_first"},
                [recipe("normal", 0, 2, 4, 4)],
            ),
        ),
    ),
    deviation(
        "tfjs-wasm-sum-of-nothing-is-garbage",
        "A sum over no elements is whatever the memory held, not 0: the gradient of a bias, and those of "
        "alpha, gamma and beta, differ from call to call on an empty batch. Do not train on an empty batch.",
        kind="bug",
        source=f"{WASM}/kernels/Sum.js:52 (sum: the output is not written where the input is empty)",
        upstream=searched("wasm sum empty tensor uninitialized"),
        scope=all_of(
            subject("layers.Dense", "layers.LSTM", "layers.BatchNormalization", "layers.PReLU"), given_no_row
        ),
        effect=Unpredictable(
            Verdict.DIVERGES,
            (
                "gradient/weight/alpha",
                "gradient/weight/bias",
                "gradient/weight/beta",
                "gradient/weight/gamma",
            ),
            "0 ± 0",
        ),
        witnesses=(draft_layer("layers.Dense", {"units": 8}, [recipe("normal", 0, 5)]),),
    ),
)
