"""What Keras 3.15 on TensorFlow 2.21 does otherwise, on a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.arguments import said_of
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.dialects import (
    keras_convolutions,
    keras_errors,
    keras_exchange,
    keras_guide,
    keras_images,
    keras_kernel_gradients,
    keras_losses,
    keras_metrics,
    keras_normalization,
    keras_optimizers,
    keras_pooling,
    keras_recurrent,
    keras_training,
    keras_training_errors,
    keras_values,
)
from conformance.dialects.deviation import (
    CONFIGURATIONS,
    Dialect,
    Metadata,
    Raises,
    Scope,
    Unpredictable,
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
from conformance.dialects.scopes import (
    all_of,
    any_of,
    asks,
    channels_first,
    given_empty_batch,
    given_nan,
    given_subnormals,
    over_several_axes,
    sets,
    ungrouped,
)
from conformance.reference_impl.activations import descending_order
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.primitives import (
    add,
    cumulative_sum,
    divide,
    expm1,
    greater,
    maximum,
    mean,
    minimum,
    multiply,
    reshape,
    square,
    subtract,
    take_along_axis,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor
from conformance.verdicts import Verdict


def celu(original: Any, x: Tensor, alpha: float = 1.0) -> Tensor:
    """max(x, 0) + α·expm1(min(x, 0)/α): at 0 each of the two passes the whole cotangent on."""
    return add(maximum(x, 0.0), multiply(expm1(divide(minimum(x, 0.0), alpha), entry="celu"), alpha))


def sparsemax(original: Any, x: Tensor, axis: int = -1) -> Tensor:
    """The threshold from the sum of the running sums over the support, where the last one is meant."""
    axis %= x.ndim
    descending = take_along_axis(x, indices=descending_order(x, axis), axis=axis)
    running = cumulative_sum(descending, axis=axis)
    shape = tuple(-1 if i == axis else 1 for i in range(x.ndim))
    ranks = Tensor(xp.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape(shape))
    support = greater(subtract(descending, divide(subtract(running, 1.0), ranks)), 0.0)
    sums = total(where(support, running, 0.0), axis=(axis,), keepdims=True)
    count = total(support, axis=(axis,), keepdims=True)
    return maximum(subtract(x, divide(subtract(sums, 1.0), count)), 0.0)


def moments_in_one_pass(original: Any, x: Tensor, axis: int, mask: Any) -> tuple[Tensor, Tensor]:
    """E[x²] − E[x]², where no mask is given."""
    if mask is not None:
        average, variance = original(x, axis, mask)
        return average, variance
    others = tuple(i for i in range(x.ndim) if i != axis)
    average = mean(x, axis=others)
    return average, maximum(subtract(mean(square(x), axis=others), square(average)), 0.0)


def alpha_lost(original: Any, layer: Any) -> float:
    """`build` calls `enable_lora(rank)`, which sets alpha to the rank."""
    return 1.0


def empty_batch_as_given(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """Nothing, in the shape of the input."""
    return multiply(x, 0.0)


def one_dnn_softmax(original: Any, x: Tensor, axis: int | None = -1) -> Tensor:
    """NaN where the element is not finite, 0 in the rest of its line."""
    y = original(x, axis)
    lost = xp.isnan(y.value) & xp.isfinite(x.value)
    return where(Tensor(lost.astype(x.dtype)), 0.0, y)


def bias_axis(x: tuple[int, ...], y: tuple[int, ...]) -> int | None:
    """The axis of x along which `ops.add` adds y as a bias, or None where it does not take y for one."""
    sizes = [n for n in y if n > 1]
    if len(x) < 2 or len(sizes) != 1 or sizes[0] not in (x[1], x[-1]):
        return None
    return len(x) - 1 if x[-1] == sizes[0] else 1


def added_as_bias(original: Any, x: Tensor, y: Tensor) -> Tensor:
    """y along the axis that its size is taken for."""
    axis = bias_axis(x.shape, y.shape)
    if axis is None:
        return add(x, y)
    return add(x, reshape(y, shape=tuple(max(y.shape) if i == axis else 1 for i in range(x.ndim))))


def taken_for_bias(case: Case, data: Data) -> Iterator[tuple[tuple[int, ...], int]]:
    """The inputs of Add and Average that are taken for a bias: (shape with the rank of all, axis)."""
    if case.subject not in ("layers.Add", "layers.Average"):
        return
    rank = max(x.ndim for x in data.inputs)
    first, *others = ((x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in data.inputs)
    for shape in others:
        axis = bias_axis(first, shape)
        if axis is not None:
            yield shape, axis
        first = tuple(map(max, first, shape))


def added_along_another_axis(case: Case, data: Data) -> bool:
    return any(shape[axis] == 1 for shape, axis in taken_for_bias(case, data))


def adds_empty_bias(case: Case, data: Data) -> bool:
    return any(0 in shape for shape, _ in taken_for_bias(case, data))


def celu_at_zero(case: Case, data: Data) -> bool:
    """Also at NaN, which neither half passes on."""
    if case.subject == "activations.celu":
        return any(bool(((x == 0) | xp.isnan(x)).any()) for x in data.inputs)
    return case.config.get("activation") == "celu"


def uses_sparsemax(case: Case, data: Data) -> bool:
    return case.subject == "activations.sparsemax" or case.config.get("activation") == "sparsemax"


def alpha_given(case: Case, data: Data) -> bool:
    rank, alpha = case.config.get("lora_rank"), case.config.get("lora_alpha")
    loses = case.subject in ("layers.Dense", "layers.Embedding")
    return loses and None not in (rank, alpha) and rank != alpha


UNSAID = ("autocast", "input_dim", "input_shape")
"""Arguments of every layer that no configuration tells."""


def with_what_is_unsaid(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The configuration as the specification has it, with whatever the case gives beside."""
    return expected | {name: case.config[name] for name in UNSAID if name in case.config}


def with_optional_num_tokens(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    return {"arguments": expected["arguments"] | {"num_tokens": {"default": None}}}


def softmax_of_special_values(case: Case, data: Data) -> bool:
    names = (case.subject, f"activations.{case.config.get('activation')}")
    softmax = case.subject == "layers.Softmax" or "activations.softmax" in names
    return softmax and any(not bool(xp.isfinite(x).all()) for x in data.inputs)


def zero_for_infinity(original: Any, x: Tensor, along: Sequence[int]) -> Tensor:
    top = original(x, along)
    return where(Tensor(xp.isfinite(top.value).astype(top.dtype)), top, 0.0)


def empty_convolution(*layers: str) -> Scope:
    """One of the layers is given an empty batch."""
    return all_of(subject(*layers), given_empty_batch)


POINTWISE = ("layers.Conv1D", "layers.Conv2D", "layers.SeparableConv1D", "layers.SeparableConv2D")
"""Those whose gradient over an empty batch is refused with oneDNN."""


DEVIATIONS = (
    in_tensorflow(
        id="keras-softmax-over-axes-of-infinity",
        summary="Over several axes an infinity makes NaN of itself alone, and 0 of the others; over one axis "
        "all are NaN.",
        kind="intentional",
        source="tensorflow 2.21, tensorflow/python/ops/math_ops.py:3416, reduce_logsumexp: what is "
        "subtracted is 0 where the largest is not finite",
        upstream=searched("tensorflow reduce_logsumexp infinity softmax several axes NaN"),
        remedy="Check for infinities before the layer.",
        since="tensorflow 1.4.0 (2017)",
        scope=all_of(subject("layers.Softmax"), over_several_axes, softmax_of_special_values),
        effect=Value({"layers.Softmax.subtracted": zero_for_infinity}),
        witnesses=(draft_layer("layers.Softmax", {"axis": [1, 2]}, [recipe("one_infinity", 2, 3, 4)]),),
    ),
    in_keras(
        id="keras-celu-gradient-at-zero",
        summary="The gradient of celu at exactly 0 is 2, not 1: both halves of its formula pass it on.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/nn.py:134, celu",
        upstream=searched("keras celu gradient at zero tensorflow backend"),
        remedy="Nothing need be done, unless many inputs are exactly 0.",
        since="keras 3.7.0 (2024)",
        scope=celu_at_zero,
        effect=Value({"activations.celu": celu}),
        witnesses=(draft_activation("celu", {}, Literal((4,), (-1.0, 0.0, 0.5, 2.0))),),
    ),
    in_keras(
        id="keras-sparsemax-threshold",
        summary="sparsemax does not sum to 1 where more than one element is in the support.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/nn.py:199, sparsemax",
        upstream=f"{KERAS}/issues/23425",
        remedy="Divide what it gives by its sum, or use softmax.",
        since="keras 3.8.0 (2025)",
        scope=uses_sparsemax,
        effect=Value({"activations.sparsemax": sparsemax}),
        witnesses=(draft_activation("sparsemax", {}, Literal((1, 3), (0.0, 0.5, 1.0))),),
    ),
    in_keras(
        id="keras-synchronized-variance-in-one-pass",
        summary="BatchNormalization with synchronized takes the variance as E[x²] − E[x]², also where there "
        "is nothing to synchronize: it loses digits where the mean is large against the deviation.",
        kind="precision",
        source="keras 3.15.1, keras/src/backend/tensorflow/nn.py, _compute_moments_sync",
        upstream=searched(
            "keras BatchNormalization synchronized variance numerical cancellation E[x^2] "
            "_compute_moments_sync"
        ),
        remedy="Leave synchronized off where nothing is distributed.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.BatchNormalization"), sets("synchronized"), asks("training/*")),
        effect=Value({"layers.BatchNormalization.moments": moments_in_one_pass}, ("training/*",)),
        witnesses=(
            draft_layer(
                "layers.BatchNormalization",
                {"synchronized": True},
                [recipe("large_mean", 4, 5, 3)],
                weights={"moving_variance": "positive"},
                training=True,
            ),
        ),
    ),
    in_keras(
        id="keras-sparsemax-order",
        summary="sparsemax of a line with NaN depends on where it is, and its gradient on the order of "
        "subnormal numbers: tf.sort leaves what does not compare in any order.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/nn.py:199, sparsemax; tensorflow 2.21, "
        "tensorflow/python/ops/sort_ops.py, _descending_sort (top_k)",
        upstream=searched("keras sparsemax NaN input gradient"),
        remedy="Find where the NaN comes from.",
        since="keras 3.8.0 (2025)",
        scope=all_of(uses_sparsemax, any_of(given_nan, given_subnormals)),
        effect=Unpredictable(
            Verdict.DIVERGES, ("output/*", "reconstructed/output/*", "gradient/*"), "elements are outside"
        ),
        witnesses=(
            draft_activation("sparsemax", {}, recipe("one_nan", 5, 48)),
            draft_activation("sparsemax", {}, recipe("subnormals", 5, 48)),
        ),
    ),
    in_keras(
        id="keras-lora-alpha-lost",
        summary="Dense and Embedding lose the lora_alpha that their constructor was given.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/core/dense.py:156 and embedding.py:167, build",
        upstream=searched("keras Dense lora_alpha ignored enable_lora build"),
        remedy="Call enable_lora with it after building.",
        since="keras 3.10.0 (2025)",
        scope=alpha_given,
        effect=Value({"layers.low_rank_scale": alpha_lost}),
        witnesses=(
            draft_layer(
                "layers.Dense", {"units": 3, "lora_rank": 2, "lora_alpha": 8}, [recipe("normal", 2, 4)]
            ),
            draft_layer(
                "layers.Embedding",
                {"input_dim": 5, "output_dim": 3, "lora_rank": 2, "lora_alpha": 8},
                [recipe("indices:5", 2, 3, dtype="int32")],
            ),
        ),
    ),
    in_keras(
        id="keras-add-takes-input-for-bias",
        summary="Add and Average add an input with one dimension above 1 along the last axis of the other, "
        "or along axis 1, where that is as long: 4×4 plus 4×1 adds to columns what belongs to rows.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py:111-129, add",
        upstream="none found (searched GitHub issues for: keras ops.add bias_add wrong result "
        "broadcasting tensorflow backend Add layer); brought by "
        "https://github.com/keras-team/keras/pull/20386",
        remedy="Repeat such an input to the shape of the other before.",
        since="keras 3.7.0 (2024)",
        scope=added_along_another_axis,
        effect=Value({"layers.Merge.added": added_as_bias}),
        witnesses=tuple(
            draft_layer(f"layers.{name}", {}, [recipe("normal", 4, 4), recipe("normal", 4, 1)])
            for name in ("Add", "Average")
        ),
    ),
    in_keras(
        id="keras-add-refuses-empty-batch",
        summary="Add and Average refuse an empty batch of vectors, which ops.add takes for a bias.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py:111-129, add",
        upstream="none found (searched GitHub issues for: keras Biases must be 1D empty batch "
        "ops.add); brought by "
        "https://github.com/keras-team/keras/pull/20386",
        remedy="Do not call the model with an empty batch.",
        since="keras 3.7.0 (2024)",
        scope=adds_empty_bias,
        effect=Raises(
            "invalid-argument",
            "call",
            CALL,
            "Biases must be 1D",
        ),
        witnesses=tuple(
            draft_layer(f"layers.{name}", {}, [recipe("normal", 0, 3), recipe("normal", 0, 3)])
            for name in ("Add", "Average")
        ),
    ),
    in_keras(
        id="keras-category-encoding-shows-num-tokens-as-optional",
        summary="CategoryEncoding shows None as the default of num_tokens, and refuses it.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/preprocessing/category_encoding.py:89, __init__",
        upstream=searched("keras CategoryEncoding num_tokens default None required but signature optional"),
        remedy="Give num_tokens.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.CategoryEncoding"), asks("signature")),
        effect=Metadata(("signature",), with_optional_num_tokens),
        witnesses=(
            draft_layer(
                "layers.CategoryEncoding",
                {"num_tokens": 4},
                [recipe("indices:4", 2, 3, dtype="int32")],
                training=True,
                once=True,
            ),
        ),
    ),
    in_keras(
        id="keras-spatial-dropout-first-in-a-model",
        summary="SpatialDropout takes no input_shape and no input_dim, which all other layers do.",
        kind="bug",
        source="keras 3.15.1, keras/src/layers/regularization/spatial_dropout.py:62, __init__",
        upstream=searched("SpatialDropout1D unexpected keyword argument input_shape"),
        remedy="Put an Input before it.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject(*(f"layers.SpatialDropout{n}D" for n in (1, 2, 3))),
            lambda case, data: bool({"input_dim", "input_shape"} & case.config.keys()),
        ),
        effect=Raises("type", "construction", ("*",), "unexpected keyword argument 'input_"),
        witnesses=(
            said_of(
                draft_layer("layers.SpatialDropout1D", {"rate": 0.5}, [recipe("normal", 2, 3, 4)]),
                {"input_shape": [3, 4]},
            ),
        ),
    ),
    in_keras(
        id="keras-configuration-made-up",
        summary="A layer without a `get_config` of its own has a configuration made up of what it was given: "
        "autocast, input_shape and input_dim too, which no other layer tells.",
        kind="intentional",
        source="keras 3.15.1, keras/src/ops/operation.py:200, Operation.__new__",
        upstream=searched("Identity get_config autocast auto config Operation __new__"),
        remedy="Nothing need be done.",
        since="keras 3.12.0 (2025)",
        scope=all_of(
            subject("layers.ELU", "layers.Identity"),
            lambda case, data: any(name in case.config for name in UNSAID),
        ),
        effect=Metadata(CONFIGURATIONS, with_what_is_unsaid),
        witnesses=(
            said_of(draft_layer("layers.Identity", {}, [recipe("normal", 2, 3)]), {"autocast": False}),
            said_of(draft_layer("layers.ELU", {}, [recipe("normal", 2, 3)]), {"input_shape": [3]}),
        ),
    ),
)

PLAIN = (
    in_tensorflow(
        id="keras-conv2d-channels-first-cpu",
        summary="TensorFlow has no convolution over one or two dimensions with channels first on a CPU "
        "without oneDNN.",
        kind="intentional",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_ops_impl.h, LaunchConv2DOp for CPU",
        upstream=f"{KERAS}/issues/20414",
        remedy="Use channels_last, and Permute around it.",
        since="tensorflow 0.8.0 (2016)",
        scope=all_of(
            subject("layers.Conv1D", "layers.Conv2D", "layers.ConvLSTM2D"), channels_first, ungrouped
        ),
        effect=Raises(
            "not-implemented",
            "call",
            CALL,
            "only supports the NHWC tensor format on the CPU",
        ),
        witnesses=(
            draft_layer(
                "layers.Conv2D",
                {"filters": 2, "kernel_size": 2, "data_format": "channels_first"},
                [recipe("normal", 1, 3, 4, 5)],
            ),
        ),
        stands=NO_KERNEL,
    ),
)

EMPTY = draft_layer("layers.Conv2D", {"filters": 4, "kernel_size": 2}, [recipe("normal", 0, 4, 5, 3)])

ONE_DNN = (
    in_tensorflow(
        id="keras-onednn-softmax-special-values",
        summary="With oneDNN a NaN or infinity in a softmax makes only its own element NaN, and the rest "
        "of its line 0.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_softmax_op.cc, MklSoftmaxOp",
        upstream=searched("tensorflow oneDNN softmax NaN input returns zero"),
        remedy="Check for NaN and infinities before.",
        since="tensorflow 2.12.0 (2023)",
        scope=softmax_of_special_values,
        effect=Value({"activations.softmax": one_dnn_softmax}),
        witnesses=(draft_activation("softmax", {}, Literal((2, 3), (0.5, "nan", 1.0, 1.0, 2.0, 3.0))),),
    ),
    in_tensorflow(
        id="keras-onednn-conv2d-empty-batch",
        summary="With oneDNN the output of a convolution over an empty batch has the shape of the input.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_conv_ops.cc, MklConvOp::Compute",
        upstream=EMPTY_BATCH_SEARCHED,
        remedy="Do not call the model with an empty batch.",
        since="tensorflow 2.9.0 (2022)",
        scope=empty_convolution(
            *POINTWISE, "layers.Conv3D", "layers.DepthwiseConv1D", "layers.DepthwiseConv2D"
        ),
        effect=Value({"layers.convolved": empty_batch_as_given}),
        witnesses=(EMPTY,),
    ),
    in_tensorflow(
        id="keras-onednn-conv2d-empty-batch-gradient",
        summary="With oneDNN the gradients of Conv1D, Conv2D and separable convolutions over an empty batch "
        "are refused.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_conv_grad_filter_ops.cc",
        upstream=EMPTY_BATCH_SEARCHED,
        remedy="Do not train on an empty batch.",
        since="tensorflow 2.9.0 (2022)",
        scope=empty_convolution(*POINTWISE),
        effect=Raises("invalid-argument", "gradient", ("gradient/*",), "Input to reshape is a tensor with"),
        witnesses=(EMPTY,),
    ),
)

OF_FAMILIES = (
    *keras_convolutions.DEVIATIONS,
    *keras_kernel_gradients.DEVIATIONS,
    *keras_errors.DEVIATIONS,
    *keras_exchange.DEVIATIONS,
    *keras_guide.DEVIATIONS,
    *keras_images.DEVIATIONS,
    *keras_losses.DEVIATIONS,
    *keras_metrics.DEVIATIONS,
    *keras_normalization.DEVIATIONS,
    *keras_optimizers.DEVIATIONS,
    *keras_values.DEVIATIONS,
    *keras_pooling.DEVIATIONS,
    *keras_recurrent.DEVIATIONS,
    *keras_training.DEVIATIONS,
    *keras_training_errors.DEVIATIONS,
)

DIALECTS = {
    "keras-tensorflow": Dialect(
        (
            *DEVIATIONS,
            *OF_FAMILIES,
            *PLAIN,
            *keras_convolutions.PLAIN,
            *keras_kernel_gradients.PLAIN,
            *keras_pooling.PLAIN,
        )
    ),
    "keras-tensorflow-onednn": Dialect(
        (
            *DEVIATIONS,
            *OF_FAMILIES,
            *ONE_DNN,
            *keras_convolutions.ONE_DNN,
            *keras_pooling.ONE_DNN,
            *keras_recurrent.ONE_DNN,
        )
    ),
}
