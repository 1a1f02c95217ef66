"""What Keras 3.15 on TensorFlow 2.21, on a CPU, makes of NaN, infinities and overflows in the gradients of
the kernels of convolutions: what else they are multiplied by, and what not."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.convolution import cuts_left_out, padding_left_out, with_gradient
from conformance.dialects.deviation import GRADIENTS, Value, subject
from conformance.dialects.keras_convolutions import DEPTHWISE
from conformance.dialects.keras_record import in_tensorflow, searched
from conformance.dialects.scopes import (
    all_of,
    channels_first,
    dilates,
    given_special_values,
    ungrouped,
    without,
)
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.convolution import PADDINGS, WindowedProduct, geometry, output_length
from conformance.reference_impl.primitives import (
    broadcast_to,
    concatenate,
    multiply,
    reshape,
    total,
    transpose,
    where,
)
from conformance.reference_impl.tape import Tensor

Beside = Callable[[WindowedProduct, tuple[int, ...]], Iterator[Array]]
"""For each place in a window, the elements of an input of so many that meet zeros there: those that no window
of the layer has there, and the kernel multiplies all the same."""


def beside_windows(layer: WindowedProduct, spatial: tuple[int, ...]) -> Iterator[Array]:
    """All that no window has there."""
    for places in itertools.product(*[axis for axis, _ in windows_by_axis(layer, spatial)]):
        yield ~functools.reduce(np.multiply.outer, places)


def beside_windows_of_blocks(layer: WindowedProduct, spatial: tuple[int, ...]) -> Iterator[Array]:
    """What only a window has that is computed, and thrown away. With a dilation the input is filled up to a
    multiple of it, and taken apart into blocks whose windows are without one; strides leave out outputs."""
    axes = [list(zip(*axis, strict=True)) for axis in windows_by_axis(layer, spatial)]
    for places in itertools.product(*axes):
        kept, computed = (functools.reduce(np.multiply.outer, masks) for masks in zip(*places, strict=True))
        yield computed & ~kept


def windows_by_axis(
    layer: WindowedProduct, spatial: tuple[int, ...]
) -> list[tuple[list[Array], list[Array]]]:
    """Of each dimension, for each place in a window: which elements the layer's windows have there, and which
    those have that are computed in blocks."""
    axes = []
    for n, (size, stride, dilation) in zip(spatial, geometry(layer), strict=True):
        before, after = PADDINGS[layer.padding](n, size, stride, dilation)
        kept = np.arange(output_length(n, size, stride, dilation, layer.padding) or 0) * stride
        blocks = -(-(before + n + after) // dilation)
        computed = np.arange(max(blocks - size + 1, 0) * dilation)
        offsets = [place * dilation - before for place in range(size)]
        axes.append((seen_from(kept, offsets, n), seen_from(computed, offsets, n)))
    return axes


def seen_from(positions: Array, offsets: list[int], n: int) -> list[Array]:
    """For each offset, which of n elements lie at it from one of the positions."""
    return [np.isin(np.arange(n), positions + offset) for offset in offsets]


def zeros_met(x: Tensor, kernel: Tensor, beside: Iterable[Array]) -> Tensor:
    """In the kernel's shape, at each place the sum of 0 times the elements of x that meet zeros there.

    Args:
        x: (batch, *spatial, groups · depth), where the kernel is (*size, depth, filters): those of a group
            lie side by side, and meet the elements of their group.
        beside: for each place in a window, which elements these are.
    """
    zeros, all_but_channels = multiply(x, 0.0), tuple(range(x.ndim - 1))
    sums = [
        total(where(Tensor(met[..., None].astype(x.dtype)), zeros, 0.0), axis=all_but_channels)
        for met in beside
    ]
    depth, filters = kernel.shape[-2:]
    groups = x.shape[-1] // depth
    by_group = transpose(reshape(concatenate(*sums, axis=0), shape=(-1, groups, depth, 1)), axes=(0, 2, 1, 3))
    of_filters = broadcast_to(by_group, shape=(*by_group.shape[:-1], filters // groups))
    return reshape(of_filters, shape=kernel.shape)


def meeting_zeros(z: Tensor, layer: WindowedProduct, x: Tensor, kernel: Tensor, beside: Beside) -> Tensor:
    """z itself. On the way back the kernel gets 0 times elements of x that are beside its windows too."""
    return with_gradient(z, kernel, gradient=lambda _: zeros_met(x, kernel, beside(layer, x.shape[1:-1])))


def cotangent_among_zeros(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """The filter's gradient is a convolution with the cotangent, which zeros fill to the input's size."""
    return meeting_zeros(original(layer, x, kernels, bias), layer, x, kernels[0], beside_windows)


def cotangent_in_blocks(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """Outputs that are computed and thrown away have cotangents of zero."""
    return meeting_zeros(original(layer, x, kernels, bias), layer, x, kernels[0], beside_windows_of_blocks)


def input_among_zeros(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """The filter's gradient is a convolution of the cotangent with the input, which zeros fill to the
    cotangent's size."""
    (kernel,) = kernels

    def beside(cotangent: Tensor) -> Tensor:
        return zeros_met(cotangent, kernel, beside_windows(layer, cotangent.shape[1:-1]))

    return with_gradient(original(layer, x, kernels, bias), kernel, gradient=beside)


def cotangents_among_groups(
    original: Any, layer: Any, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int
) -> Tensor:
    """For the gradient of its kernel the groups of a convolution become another dimension, along which the
    channels of each group lie among zeros: its filters get 0 times the cotangents of the other groups too."""

    def of_other_groups(cotangent: Tensor) -> Tensor:
        zeros = total(multiply(cotangent, 0.0), axis=tuple(range(cotangent.ndim - 1)))
        of_place = total(reshape(zeros, shape=(groups, kernel.shape[-1] // groups)), axis=(0,))
        return broadcast_to(concatenate(*(of_place,) * groups, axis=0), shape=kernel.shape)

    return with_gradient(original(layer, x, kernel, bias, groups), kernel, gradient=of_other_groups)


def activates_what_may_overflow(case: Case, data: Data) -> bool:
    """Sums before an activation function may be beyond the largest finite number, or NaN, and its derivative
    NaN."""
    activated = case.config.get("activation") not in (None, "linear")
    given = [*data.inputs, *data.weights.values()]
    largest = math.prod(float(np.abs(x).max(initial=1.0)) for x in given)
    return activated and not largest * data.weights["kernel"].size <= IEEE_FLOAT32.largest


def pads_same(case: Case, data: Data) -> bool:
    return bool(case.config.get("padding") == "same")


def computed_in_blocks(case: Case, data: Data) -> bool:
    """Of what has a dilation, all but what Conv3DBackpropFilterOp computes, and what no kernel does."""
    if case.subject in DEPTHWISE or not ungrouped(case, data):
        return True
    return channels_first(case, data) == (case.subject == "layers.Conv3D")


def has_groups(case: Case, data: Data) -> bool:
    """Of several filters, or of several channels."""
    groups = case.config.get("groups", 1)
    channels = data.inputs[0].shape[1 if channels_first(case, data) else -1]
    return bool(groups > 1 and not groups == case.config["filters"] == channels)


DEVIATIONS = (
    in_tensorflow(
        id="keras-grouped-gradient-of-nan",
        summary="A NaN in the cotangent of a convolution with groups makes the gradient of the kernel NaN in "
        "all groups: those of the others are multiplied by zero. Check for NaN before the layer.",
        kind="bug",
        source="tensorflow 2.21, XLA, which Keras compiles convolutions with groups by: "
        "xla/service/convolution_group_converter.cc, ConvolutionVisitor::HandleBatchGroupCount",
        upstream=searched(
            "XLA grouped convolution gradient NaN spreads to other groups batch_group_count zero times NaN"
        ),
        remedy="Find where the NaN comes from: nothing can be trained through it.",
        since="tensorflow 2.8.0 (2022)",
        scope=all_of(subject("layers.Conv1D", "layers.Conv2D"), has_groups, given_special_values),
        effect=Value({"layers.correlated": cotangents_among_groups}, GRADIENTS),
        witnesses=(
            draft_layer(
                "layers.Conv2D",
                {"filters": 4, "kernel_size": 1, "groups": 2, "activation": "sigmoid"},
                [recipe("one_nan", 2, 3, 4, 6)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-grouped-conv3d-gradient-without-padding",
        summary="A NaN in the cotangent of Conv3D with groups makes the gradient of the kernel NaN only at "
        "the places that lie inside of the input there; without groups, where the zeros of the padding are "
        "multiplied too, it is NaN at all places.",
        kind="intentional",
        source="tensorflow 2.21, XLA, which Keras compiles convolutions with groups by, and has no product "
        "of matrices for four dimensions (seen; the kernel's source was not read)",
        upstream=searched(
            "XLA grouped convolution gradient NaN spreads to other groups batch_group_count zero times NaN"
        ),
        remedy="Find where the NaN comes from: nothing can be trained through it.",
        since="keras 2.9.0 (2022)",
        scope=all_of(subject("layers.Conv3D"), has_groups, given_special_values),
        effect=Value({"layers.correlated": padding_left_out}, GRADIENTS),
        witnesses=(
            draft_layer(
                "layers.Conv3D",
                {"filters": 2, "kernel_size": 2, "padding": "same", "groups": 2, "activation": "sigmoid"},
                [recipe("one_nan", 1, 1, 2, 2, 4)],
            ),
        ),
    ),
)

PLAIN = (
    in_tensorflow(
        id="keras-conv3d-transpose-kernel-gradient-without-padding",
        summary="With padding same, an element of the input of Conv3DTranspose that is NaN or infinite shows "
        "in the gradient of the kernel only at the places that lie inside of the output there. Only training "
        "meets it.",
        kind="intentional",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_grad_ops_3d.cc, Conv3DCustomBackpropFilterOp: "
        "Eigen::CuboidConvolutionBackwardFilter",
        upstream=searched(
            "tensorflow Conv3DBackpropFilterV2 NaN infinite input spreads to whole kernel gradient CPU"
        ),
        remedy="Find where the NaN or infinity comes from.",
        since="tensorflow 0.10.0 (2016)",
        scope=all_of(
            subject("layers.Conv3DTranspose"),
            without(channels_first),
            without(dilates),
            given_special_values,
            pads_same,
        ),
        effect=Value({"layers.overlapped": cuts_left_out}, GRADIENTS),
        witnesses=(
            draft_layer(
                "layers.Conv3DTranspose",
                {"filters": 2, "kernel_size": 2, "padding": "same"},
                [recipe("one_nan", 1, 1, 2, 2, 2)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-dilated-gradient-of-special-values",
        summary="An element that is NaN or infinite makes the gradient of the kernel of a convolution with a "
        "dilation NaN also at places where no window has it: windows that are computed and thrown away have "
        "it there, and are multiplied by zero.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/python/ops/nn_ops.py, with_space_to_batch; keras 3.15.1, "
        "keras/src/backend/tensorflow/nn.py, _depthwise_conv_stride_dilation_decomposition",
        upstream=searched(
            "tensorflow dilated convolution gradient NaN space_to_batch padding zeros times NaN "
            "filter gradient"
        ),
        remedy="Find where the NaN or infinity comes from.",
        since="tensorflow 0.12.0 (2016)",
        scope=all_of(
            subject("layers.Conv1D", "layers.Conv2D", "layers.Conv3D", "layers.ConvLSTM2D", *DEPTHWISE),
            dilates,
            computed_in_blocks,
            given_special_values,
        ),
        effect=Value({"layers.windowed_product": cotangent_in_blocks}, GRADIENTS),
        witnesses=(
            draft_layer(
                "layers.Conv2D",
                {"filters": 2, "kernel_size": 2, "dilation_rate": 2},
                [recipe("one_infinity", 1, 5, 6, 3)],
            ),
            draft_layer(
                "layers.DepthwiseConv2D",
                {"kernel_size": 2, "dilation_rate": 2},
                [recipe("one_infinity", 1, 5, 6, 2)],
            ),
            draft_layer(
                "layers.SeparableConv1D",
                {"filters": 1, "kernel_size": 2, "dilation_rate": 2, "data_format": "channels_first"},
                [Literal((1, 1, 5), (0.0, 0.0, 0.0, "inf", 0.0))],
            ),
            draft_layer(
                "layers.Conv1D",
                {"filters": 4, "kernel_size": 2, "dilation_rate": 2, "groups": 2},
                [Literal((1, 5, 4), (0.0,) * 14 + ("inf",) + (0.0,) * 5)],
            ),
            draft_layer(
                "layers.Conv3D",
                {
                    "filters": 2,
                    "kernel_size": [1, 1, 2],
                    "dilation_rate": [1, 1, 2],
                    "data_format": "channels_first",
                },
                [Literal((1, 1, 1, 1, 5), (0.0, 0.0, 0.0, "inf", 0.0))],
            ),
            draft_layer(
                "layers.ConvLSTM2D",
                {"filters": 2, "kernel_size": [2, 3], "padding": "same", "dilation_rate": 3},
                [recipe("one_infinity", 2, 2, 5, 4, 3)],
                weights="small_normal",
            ),
        ),
    ),
    in_tensorflow(
        id="keras-conv3d-gradient-of-special-values",
        summary="An element that is NaN or infinite makes the gradient of Conv3D's kernel NaN also at the "
        "places where no window has it: it is multiplied by zeros around the cotangent. The zeros of the "
        "padding are not multiplied by a cotangent that is NaN.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_grad_ops_3d.cc, Conv3DBackpropFilterOp",
        upstream=searched(
            "tensorflow Conv3DBackpropFilterV2 NaN infinite input spreads to whole kernel gradient CPU"
        ),
        remedy="Find where the NaN or infinity comes from.",
        since="tensorflow 0.9.0 (2016)",
        scope=all_of(
            subject("layers.Conv3D"),
            ungrouped,
            without(channels_first),
            given_special_values,
        ),
        effect=Value(
            {"layers.windowed_product": cotangent_among_zeros, "layers.correlated": padding_left_out},
            GRADIENTS,
        ),
        witnesses=(
            draft_layer(
                "layers.Conv3D",
                {"filters": 2, "kernel_size": 2, "padding": "same"},
                [recipe("one_nan", 1, 3, 2, 4, 2)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-conv3d-transpose-kernel-gradient-of-overflows",
        summary="Where a sum before the activation function of Conv3DTranspose overflows or is NaN, and its "
        "derivative is NaN, the gradient of the kernel is NaN also at the places that do not reach the "
        "element: it is multiplied by zeros around the input.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_grad_ops_3d.cc, Conv3DBackpropFilterOp",
        upstream=searched(
            "tensorflow Conv3DBackpropFilterV2 NaN infinite input spreads to whole kernel gradient CPU"
        ),
        remedy="Keep the input small.",
        since="tensorflow 0.10.0 (2016)",
        scope=all_of(
            subject("layers.Conv3DTranspose"),
            without(channels_first),
            without(dilates),
            activates_what_may_overflow,
        ),
        effect=Value({"layers.windowed_product": input_among_zeros}, GRADIENTS),
        witnesses=(
            Case(
                "layers.Conv3DTranspose",
                {
                    "filters": 1,
                    "kernel_size": [3, 3, 1],
                    "padding": "same",
                    "activation": "tanh",
                    "use_bias": False,
                },
                inputs=(Literal((1, 1, 3, 1, 1), (3e38, 0.0, -3e38)),),
                weights={"kernel": Literal((3, 3, 1, 1, 1), (2.0,) * 9)},
                cotangents=(Literal((1, 1, 3, 1, 1), (0.0, 0.0, 0.0)),),
                observables=("gradient/weight/kernel",),
            ),
            Case(
                "layers.Conv3DTranspose",
                {
                    "filters": 1,
                    "kernel_size": [1, 3, 1],
                    "padding": "same",
                    "activation": "tanh",
                    "use_bias": False,
                },
                inputs=(Literal((1, 1, 1, 1, 2), (0.0, "nan")),),
                weights={"kernel": Literal((1, 3, 1, 1, 2), (0.0,) * 6)},
                cotangents=(Literal((1, 1, 1, 1, 1), (1.0,)),),
                observables=("gradient/weight/kernel",),
            ),
        ),
    ),
)
"""What TensorFlow does otherwise without oneDNN."""
