"""What only the WebAssembly backend does of convolutions: kernels that it lacks, and sums that end early or
lose NaN."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.convolution import computed_elsewhere, padding_left_out, with_gradient
from conformance.dialects.deviation import GRADIENTS, Deviation, Raises, Scope, Unpredictable, Value, subject
from conformance.dialects.scopes import (
    all_of,
    channels_first,
    given_special_values,
    without,
)
from conformance.dialects.tensorflow_js.convolution import (
    ADDS_BIAS_TO_NOTHING,
    EMPTY_CASE,
    OF_BIAS,
    SEPARABLE_CASE,
    configured,
    gaps,
    layer_of,
    leaves_gaps,
    output_shape,
    pads,
    strides_too,
)
from conformance.dialects.tensorflow_js.defaults import (
    CONV1D_CASE,
    CONV2D_CASE,
    CONV2D_TRANSPOSE_CASE,
    CONV3D_CASE,
    CONV3D_TRANSPOSE_CASE,
    CONV_LSTM_CASE,
    CONV_LSTM_CELL_CASE,
    DEPTHWISE_CONV2D_CASE,
)
from conformance.dialects.tensorflow_js.record import (
    CONV_LSTM,
    CORE,
    WASM,
    deviation,
    issue,
    searched,
)
from conformance.dialects.tensorflow_js.refusals import grouped
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.convolution import (
    WindowedProduct,
    framed,
    geometry,
    output_length,
)
from conformance.reference_impl.primitives import affine, pad, reshape, transpose, where, windows
from conformance.reference_impl.tape import Tensor, detached
from conformance.verdicts import Verdict

CONV3D_BACKWARDS = (
    f"{WASM}/kernels/Conv3DBackpropInputV2.js:58 (src/cc/conv3d_impl.h:195: the end of the sum over depth "
    "does not move with the plane, so that it stops early, and before that leaves the kernel at its "
    "beginning)"
)


GAPS = {"filters": 2, "kernel_size": 2, "padding": "same", "strides": 3}


def zeros_correlated(
    original: Any, layer: WindowedProduct, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int
) -> Tensor:
    """What is given of zeros, with the gradients of the input that is not seen."""
    z = original(layer, x, kernel, bias, groups)
    return computed_elsewhere(
        z, detached(original(layer, Tensor(xp.zeros_like(x.value)), kernel, bias, groups))
    )


def clamped(z: Tensor) -> Tensor:
    """−∞ where it is NaN; of which the slope of an activation is taken."""
    is_nan = Tensor(xp.isnan(z.value).astype(z.dtype))
    return computed_elsewhere(z, detached(where(is_nan, -math.inf, z)))


def correlated_and_clamped(original: Any, *operands: Any) -> Tensor:
    return clamped(original(*operands))


def convolved_and_clamped(
    original: Any, layer: WindowedProduct, x: Tensor, kernels: Any, bias: Tensor | None
) -> Tensor:
    """Of the four gates' convolutions, each by itself."""
    z: Tensor = original(layer, x, kernels, bias)
    single = {*layer.kernel_size, *layer.strides, x.shape[-1]} == {1}
    return clamped(z) if single else z


def has_one_filter(case: Case, data: Data) -> bool:
    return bool(case.config["filters"] == 1)


def multiplies_channels_apart(case: Case, data: Data) -> bool:
    """The windows are single elements, one after the other, and each output is of one channel."""
    layer = layer_of(case)
    if set(layer.kernel_size) != {1} or set(layer.strides) != {1}:
        return False
    if case.subject in ("layers.DepthwiseConv2D", "layers.SeparableConv2D"):
        return depth_multiplier(case) == 1
    return bool(case.config["filters"] == channels_of(case, data) == 1)


def sums_one_channel(case: Case, data: Data) -> bool:
    """The pointwise product of a separable convolution is of one channel, and gives one."""
    channels = depth_multiplier(case) * channels_of(case, data)
    return bool(case.config["filters"] == channels == 1)


def channels_of(case: Case, data: Data) -> int:
    return int(data.inputs[0].shape[1 if channels_first(case, data) else -1])


def depth_multiplier(case: Case) -> int:
    return int(case.config.get("depth_multiplier", 1))


def input_unseen(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Any:
    return original(layer, detached(x), kernels, bias)


def of_single_elements(case: Case, data: Data) -> bool:
    """The windows are of size 1: XNNPACK has another way for those."""
    return set(layer_of(case).kernel_size) == {1}


def summed_positions(layer: WindowedProduct, spatial: tuple[int, ...]) -> Array:
    """Whether a position counts in the sum for a place of the window: (*positions, *size).

    For a place w the positions are from ⌈(padding − w) / stride⌉, where a quotient with a rest is cut off and
    then raised by 1, whatever its sign, up to and without (n + padding − w) / stride, cut off.
    """
    axes = []
    for n, gap, (size, stride, _) in zip(spatial, gaps(layer, spatial), geometry(layer), strict=True):
        padding = gap // 2 if layer.padding == "same" else 0
        position = np.arange(output_length(n, size, stride, 1, layer.padding) or 0)[:, None]
        place = np.arange(size)
        first = np.trunc((padding - place) / stride) + ((padding - place) % stride != 0)
        axes.append((position >= first) & (position < (n + padding - place) // stride))
    rank = len(axes)
    grid: Array = functools.reduce(np.multiply.outer, axes)
    counted: Array = np.transpose(grid, (*range(0, 2 * rank, 2), *range(1, 2 * rank, 2)))
    return counted


def terms_lost(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """The gradient of the kernel is windowsᵀ · cotangent, of what is summed of the windows."""
    kernel = kernels[0]
    summed = summed_positions(layer, x.shape[1:-1])[..., None]
    size, strides, dilation = zip(*geometry(layer), strict=True)
    inside, edges = framed(layer, detached(x))
    full = pad(inside, widths=((0, 0), *edges, (0, 0)))
    views = windows(full, size=size, strides=strides, dilation=dilation)
    kept = where(Tensor(xp.asarray(summed, views.dtype)), views, 0.0)
    counted = Tensor(xp.asarray(xp.broadcast_to(summed, views.shape), views.dtype))

    def sums(windows: Tensor, cotangent: Tensor) -> Tensor:
        filters, terms = kernel.shape[-1], math.prod(kernel.shape[:-1])
        columns = transpose(reshape(windows, shape=(-1, terms)), axes=(1, 0))
        return reshape(affine(columns, reshape(cotangent, shape=(-1, filters))), shape=kernel.shape)

    def from_windows(cotangent: Tensor) -> Tensor:
        is_nan = Tensor(xp.isnan(cotangent.value).astype(cotangent.dtype))
        met = Tensor((sums(counted, is_nan).value > 0).astype(kept.dtype))
        return where(met, math.nan, sums(kept, where(is_nan, 0.0, cotangent)))

    return with_gradient(original(layer, x, (detached(kernel),), bias), kernel, gradient=from_windows)


def sums_in_place(case: Case, data: Data) -> bool:
    """The axes that the gradient of a bias is summed over need not be brought last."""
    _, *spatial, channels = output_shape(case, data)
    return channels == 1 or set(spatial) <= {1}


def in_both_modes(*observables: str) -> tuple[str, ...]:
    """The gradients in inference and in training."""
    return tuple(f"{mode}{observable}" for mode in ("", "training/") for observable in observables)


def loses_nan(
    name: str, what: str, scope: Scope, patches: dict[str, Callable[..., Tensor]], *witnesses: Case
) -> Deviation:
    """The entry about products in which XNNPACK's clamp makes −∞ of NaN."""
    return deviation(
        name,
        f"{what} is −∞ where it should be NaN, so that a NaN upstream goes unnoticed behind an activation.",
        kind="bug",
        source=f"{WASM}/kernels/Conv2D.js, DepthwiseConv2dNative.js (src/cc/conv2d_impl.cc: XNNPACK's "
        "f32-vmulcaddc, whose clamp gives its lower limit for NaN)",
        upstream=searched("conv2d 1x1 one channel NaN becomes -Infinity vmulcaddc XNNPACK clamp"),
        remedy="Check for NaN before the layer.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=all_of(scope, given_special_values),
        effect=Value(patches),
        witnesses=witnesses,
    )


DEVIATIONS = (
    deviation(
        "tfjs-wasm-conv3d-kernel-gradient-without-padding",
        "Where an activation has no slope because its input is NaN, the gradient of Conv3D's kernel is NaN "
        "only at the places that lie inside of the input in such a window. Only training meets it.",
        kind="intentional",
        source=f"{WASM}/kernels/Conv3DBackpropFilterV2.js (src/cc/conv3d_impl.h:137: yf_min, yf_max: "
        "sums begin and end inside of the input)",
        upstream=searched("conv2d gradient NaN padding same Conv2DBackpropFilter skips padding"),
        remedy="Find where the NaN comes from: nothing can be trained through it.",
        since="tfjs-backend-wasm 4.3.0 (2023)",
        scope=all_of(subject("layers.Conv3D"), given_special_values, pads),
        effect=Value({"layers.correlated": padding_left_out}, GRADIENTS),
        witnesses=(
            configured(
                "layers.Conv3D",
                {"filters": 2, "kernel_size": 2, "padding": "same", "activation": "sigmoid"},
                1,
                1,
                1,
                1,
                2,
                regime="one_nan",
            ),
        ),
    ),
    deviation(
        "tfjs-wasm-no-convolution-gradient",
        "The kernel that differentiates a convolution by its filter is missing, and with it every gradient "
        "of Conv2D.",
        kind="bug",
        source=f"{WASM}/register_all_kernels.js (no Conv2DBackpropFilter)",
        upstream=issue(8474),
        remedy="Train on another backend, then run on this one.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=subject("layers.Conv2D"),
        effect=Raises(
            "missing-kernel",
            "gradient",
            GRADIENTS,
            "Kernel 'Conv2DBackpropFilter' not registered",
        ),
        witnesses=(CONV2D_CASE,),
    ),
    deviation(
        "tfjs-wasm-no-filter-gradient",
        "The kernel that differentiates a convolution by its filter is missing.",
        kind="bug",
        source=f"{WASM}/register_all_kernels.js (no Conv2DBackpropFilter)",
        upstream=issue(8474),
        remedy="Train on another backend, then run on this one.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=subject("layers.Conv1D", "layers.Conv2DTranspose", "layers.SeparableConv2D", *CONV_LSTM),
        effect=Raises(
            "missing-kernel",
            "gradient",
            in_both_modes(
                "gradient/weight/kernel",
                "gradient/weight/pointwise_kernel",
                "gradient/weight/recurrent_kernel",
            ),
            "Kernel 'Conv2DBackpropFilter' not registered",
        ),
        witnesses=(
            CONV1D_CASE,
            CONV2D_TRANSPOSE_CASE,
            SEPARABLE_CASE,
            CONV_LSTM_CASE,
            CONV_LSTM_CELL_CASE,
        ),
    ),
    deviation(
        "tfjs-wasm-no-depthwise-gradient",
        "The kernels that differentiate a depthwise convolution are missing.",
        kind="bug",
        source=f"{WASM}/register_all_kernels.js (no DepthwiseConv2dNativeBackpropFilter, no "
        "DepthwiseConv2dNativeBackpropInput)",
        upstream=searched("wasm Kernel 'DepthwiseConv2dNativeBackpropFilter' not registered"),
        remedy="Train on another backend, then run on this one.",
        since="tfjs-backend-wasm 1.4.0 (2019)",
        scope=subject("layers.DepthwiseConv2D", "layers.SeparableConv2D"),
        effect=Raises(
            "missing-kernel",
            "gradient",
            in_both_modes("gradient/input/0", "gradient/weight/kernel", "gradient/weight/depthwise_kernel"),
            "Kernel 'DepthwiseConv2dNativeBackprop",
        ),
        witnesses=(DEPTHWISE_CONV2D_CASE, SEPARABLE_CASE),
    ),
    deviation(
        "tfjs-wasm-bias-gradient-of-empty-batch-traps",
        "Over an empty batch the gradient of a bias that is added apart traps.",
        kind="bug",
        source=f"{WASM}/kernels/Transpose.js (src/cc/transpose_impl.cc:218, flatten: divides by the size of "
        "the first axis), which Sum.js asks for axes that are not the last",
        upstream=searched("wasm empty tensor transpose RuntimeError divide by zero"),
        remedy="Do not train on an empty batch.",
        since="tfjs-backend-wasm 1.5.0 (2019)",
        scope=ADDS_BIAS_TO_NOTHING,
        effect=Raises("internal", "gradient", OF_BIAS, "divide by zero"),
        witnesses=(EMPTY_CASE,),
    ),
    deviation(
        "tfjs-wasm-bias-gradient-of-empty-batch-refused",
        "Over an empty batch the gradient of a bias that is added apart is not summed over the batch, and "
        "does not fit.",
        kind="bug",
        source=f"{CORE}/ops/broadcast_util.js:49 (getReductionAxes: an axis of size 0 is not reduced)",
        upstream=searched("wasm empty tensor transpose RuntimeError divide by zero"),
        remedy="Do not train on an empty batch.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(ADDS_BIAS_TO_NOTHING, sums_in_place),
        effect=Raises("invalid-argument", "gradient", OF_BIAS, "must have the same number of elements"),
        witnesses=(
            draft_layer("layers.Conv1D", {"filters": 2, "kernel_size": 4}, [recipe("normal", 0, 4, 3)]),
        ),
    ),
    deviation(
        "tfjs-wasm-conv3d-input-gradient-is-garbage",
        "The gradient of Conv3D by its input lacks terms, and in the first planes counts whatever the "
        "memory holds before the kernel.",
        kind="bug",
        source=CONV3D_BACKWARDS,
        upstream=searched("conv3dTranspose wasm wrong result Conv3DBackpropInputV2"),
        remedy="Train on another backend.",
        since="tfjs-backend-wasm 4.3.0 (2023)",
        scope=subject("layers.Conv3D"),
        effect=Unpredictable(Verdict.DIVERGES, in_both_modes("gradient/input/0"), "expected"),
        witnesses=(CONV3D_CASE,),
    ),
    deviation(
        "tfjs-wasm-conv3d-transpose-is-garbage",
        "Conv3DTranspose lacks terms, and in the first planes counts whatever the memory holds before the "
        "kernel.",
        kind="bug",
        source=CONV3D_BACKWARDS,
        upstream=searched("conv3dTranspose wasm wrong result Conv3DBackpropInputV2"),
        remedy="Run the model on another backend.",
        since="tfjs-backend-wasm 4.3.0 (2023)",
        scope=subject("layers.Conv3DTranspose"),
        effect=Unpredictable(
            Verdict.DIVERGES,
            (
                "output/*",
                "training/output/*",
                "reconstructed/output/*",
                *in_both_modes("gradient/weight/bias"),
            ),
            "expected",
        ),
        witnesses=(CONV3D_TRANSPOSE_CASE,),
    ),
    deviation(
        "tfjs-wasm-strides-beyond-kernel",
        "With padding same, and a stride so much longer than the kernel that elements lie between the "
        "windows, a convolution is computed as of zeros.",
        kind="bug",
        source=f"{WASM}/kernels/Conv2D.js:62, DepthwiseConv2dNative.js:63 (isSamePad: XNNPACK subtracts "
        "unsigned numbers for the padding, and finds all windows outside)",
        upstream=issue(8405),
        remedy="Use padding valid.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=all_of(
            subject("layers.Conv1D", "layers.Conv2D", "layers.DepthwiseConv2D", "layers.SeparableConv2D"),
            leaves_gaps,
            without(of_single_elements),
        ),
        effect=Value(
            {"layers.correlated": zeros_correlated},
            (
                "output/*",
                "training/output/*",
                "reconstructed/output/*",
                # Of which the slope of the activation is taken.
                *in_both_modes("gradient/input/0", "gradient/weight/bias"),
            ),
        ),
        witnesses=(
            draft_layer("layers.Conv2D", GAPS, [recipe("normal", 1, 6, 9, 3)]),
            draft_layer("layers.Conv1D", GAPS, [recipe("normal", 1, 9, 3)]),
            draft_layer(
                "layers.DepthwiseConv2D",
                {"kernel_size": [2, 1], "strides": 3, "padding": "same", "dilation_rate": [3, 1]},
                [recipe("normal", 1, 3, 1, 2)],
            ),
        ),
    ),
    loses_nan(
        "tfjs-wasm-product-by-channel-of-nan",
        "A convolution by single elements, in which every output is of one channel,",
        all_of(
            subject("layers.Conv1D", "layers.Conv2D", "layers.DepthwiseConv2D", "layers.SeparableConv2D"),
            multiplies_channels_apart,
        ),
        {"layers.correlated": correlated_and_clamped},
        draft_layer("layers.DepthwiseConv2D", {"kernel_size": 1}, [recipe("one_nan", 1, 3, 3, 3)]),
        draft_layer("layers.Conv2D", {"filters": 1, "kernel_size": 1}, [recipe("one_nan", 1, 3, 3, 1)]),
    ),
    loses_nan(
        "tfjs-wasm-pointwise-product-of-nan",
        "SeparableConv2D of one channel with one filter",
        all_of(subject("layers.SeparableConv2D"), sums_one_channel),
        {"layers.pointwise": correlated_and_clamped},
        draft_layer(
            "layers.SeparableConv2D", {"filters": 1, "kernel_size": 2}, [recipe("one_nan", 1, 3, 3, 1)]
        ),
    ),
    loses_nan(
        "tfjs-wasm-conv-lstm-product-of-nan",
        "A convolution by single elements inside ConvLSTM2D or its cell, of one channel with one filter,",
        all_of(subject(*CONV_LSTM), has_one_filter, without(channels_first)),
        {"layers.convolved": convolved_and_clamped},
        draft_layer(
            "layers.ConvLSTM2D", {"filters": 1, "kernel_size": 1}, [recipe("one_nan", 1, 2, 3, 3, 1)]
        ),
    ),
    deviation(
        "tfjs-wasm-transposed-strides-beyond-kernel-gradient",
        "With padding same, and a stride longer than the kernel, the gradient of Conv2DTranspose by its "
        "input is 0.",
        kind="bug",
        source=f"{WASM}/kernels/Conv2D.js:62 (isSamePad: XNNPACK subtracts unsigned numbers for the "
        "padding, and finds all windows outside)",
        upstream=issue(8405),
        remedy="Use padding valid.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=all_of(subject("layers.Conv2DTranspose"), leaves_gaps, without(of_single_elements)),
        effect=Value({"layers.convolved": input_unseen}, in_both_modes("gradient/input/0")),
        witnesses=(draft_layer("layers.Conv2DTranspose", GAPS, [recipe("normal", 1, 3, 4, 3)]),),
    ),
    deviation(
        "tfjs-wasm-conv3d-filter-gradient-with-strides",
        "The gradient of Conv3D by its kernel lacks terms where a stride exceeds 1.",
        kind="bug",
        source=f"{WASM}/kernels/Conv3DBackpropFilterV2.js:60 (src/cc/conv3d_impl.h:140: the bounds "
        "of the sums are divided by the strides, and rounded down)",
        upstream=searched("wasm Conv3D training gradient wrong stride Conv3DBackpropFilterV2"),
        remedy="Train on another backend.",
        since="tfjs-backend-wasm 4.3.0 (2023)",
        scope=all_of(subject("layers.Conv3D"), strides_too, without(grouped)),
        effect=Value({"layers.windowed_product": terms_lost}, in_both_modes("gradient/weight/kernel")),
        witnesses=(
            draft_layer(
                "layers.Conv3D",
                {"filters": 2, "kernel_size": 2, "strides": 2},
                [recipe("normal", 1, 5, 4, 6, 3)],
            ),
        ),
    ),
)
