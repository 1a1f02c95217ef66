"""What the convolutions of Keras 3.15 do otherwise on TensorFlow 2.21, on a CPU."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.convolution import (
    computed_elsewhere,
    with_gradient,
)
from conformance.dialects.deviation import GRADIENTS, Raises, Unpredictable, Value, subject
from conformance.dialects.keras_record import (
    CALL,
    EMPTY_BATCH_SEARCHED,
    KERAS,
    NO_KERNEL,
    TENSORFLOW,
    in_keras,
    in_tensorflow,
    searched,
)
from conformance.dialects.scopes import (
    ALL_CONVOLUTIONS,
    TRANSPOSED_CONVOLUTIONS,
    all_of,
    channels_first,
    dilates,
    given_empty_batch,
    ungrouped,
    without,
)
from conformance.reference_impl import layers
from conformance.reference_impl.layers.convolution import WindowedProduct, geometry
from conformance.reference_impl.layers.transposed_convolution import TransposedConvolution
from conformance.reference_impl.patches import patched
from conformance.reference_impl.primitives import (
    add,
    pad,
    take_slice,
)
from conformance.reference_impl.tape import Tensor, detached
from conformance.verdicts import Verdict

DEPTHWISE_2D = ("layers.DepthwiseConv2D", "layers.SeparableConv2D")
DEPTHWISE = ("layers.DepthwiseConv1D", "layers.SeparableConv1D", *DEPTHWISE_2D)


def bias_along_last(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """`ops.add` takes the bias (1, channels, 1, …) for one of the last axis, where that is as long."""
    z = original(layer, x, kernels, None)
    return z if bias is None else add(z, bias)


def cotangent_passed_on(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """The gradient of x is the cotangent of z."""
    return with_gradient(original(layer, detached(x), kernels, bias), x, gradient=lambda cotangent: cotangent)


def skipped(layer: WindowedProduct, spatial: tuple[int, ...]) -> tuple[int, ...]:
    """The elements of each dimension before the first window, where half of what lies between windows comes
    before it."""
    covered = (
        (-(-n // stride) - 1) * stride + (size - 1) * dilation + 1
        for n, (size, stride, dilation) in zip(spatial, geometry(layer), strict=True)
    )
    return tuple(max(n - end, 0) // 2 for n, end in zip(spatial, covered, strict=True))


def windows_centred(original: Any, layer: WindowedProduct, x: Tensor) -> Tensor:
    first = skipped(layer, x.shape[1:-1])
    framed: Tensor = original(layer, take_slice(x, key=(slice(None), *(slice(n, None) for n in first))))
    return framed


def centred_forward(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """Only the gradients are those of windows that begin at the first element."""
    with patched({"layers.framed": windows_centred}):
        seen = original(layer, detached(x), kernels, bias)
    return computed_elsewhere(original(layer, x, kernels, bias), detached(seen))


def centred_on_the_way_back(
    original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None
) -> Tensor:
    """Windows that begin at the first element; the gradient of x is read from those that are centred."""
    z = original(layer, x, kernels, bias)
    first = skipped(layer, z.shape[1:-1])
    kept = take_slice(z, key=(slice(None), *(slice(-n or None) for n in first)))
    return computed_elsewhere(pad(kept, widths=((0, 0), *((n, 0) for n in first), (0, 0))), detached(z))


def centres_windows_of_output(case: Case, data: Data) -> bool:
    """Padding is "same", and the gaps between windows of the output are wide enough to move the first one."""
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    assert isinstance(layer, WindowedProduct)
    (shape,) = layer.output_shapes([x.shape for x in data.inputs])
    known = tuple(n or 0 for n in shape[1:-1])
    return layer.padding == "same" and any(skipped(layer, known))


def centres_windows(case: Case, data: Data) -> bool:
    """Padding is "same", and the gaps between windows are wide enough to move the first one."""
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    assert isinstance(layer, WindowedProduct)
    return layer.padding == "same" and any(skipped(layer, data.inputs[0].shape[1:-1]))


def as_wide_as_channels(case: Case, data: Data) -> bool:
    """The last axis of the output is as long as the output has channels, which come first."""
    if not channels_first(case, data) or not case.config.get("use_bias", True):
        return False
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    _, channels, *_, width = layer.output_shapes([x.shape for x in data.inputs])[0]
    return channels == width


def strides_differ(case: Case, data: Data) -> bool:
    strides = case.config.get("strides", 1)
    return isinstance(strides, list) and len(set(strides)) > 1


def leaves_an_element_out(case: Case, data: Data) -> bool:
    """A convolution with padding "same" of the output has not as many windows as there are elements."""
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    assert isinstance(layer, TransposedConvolution)
    spatial = data.inputs[0].shape[1:-1]
    lengths = zip(spatial, layer.positions(spatial), layer.strides, strict=True)
    return layer.padding == "same" and any(-(-(length or 0) // stride) != n for n, length, stride in lengths)


SHORT_CASE = draft_layer(
    "layers.Conv2DTranspose",
    {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same", "output_padding": 0},
    [recipe("normal", 1, 3, 3, 2)],
)

SHORT_OUTPUT_SEARCHED = searched(
    "keras Conv2DTranspose padding same even kernel output_padding=0 Size of out_backprop "
    "doesn't match computed"
)


DEVIATIONS = (
    in_keras(
        id="keras-channels-first-bias",
        summary="A convolution with channels first adds its bias along the last axis, where that is as long "
        "as there are channels.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/tensorflow/numpy.py:111-129, add",
        upstream="none found (searched GitHub issues for: keras ops.add tensorflow backend bias_add wrong "
        "broadcast); brought by https://github.com/keras-team/keras/pull/20386",
        remedy="Use channels_last, or an output of another width.",
        since="keras 3.7.0 (2024)",
        scope=all_of(subject(*ALL_CONVOLUTIONS), as_wide_as_channels),
        effect=Value({"layers.convolved": bias_along_last}),
        witnesses=(
            draft_layer(
                "layers.Conv2D",
                {"filters": 4, "kernel_size": 1, "groups": 2, "data_format": "channels_first"},
                [recipe("normal", 1, 2, 3, 4)],
            ),
            draft_layer(
                "layers.DepthwiseConv1D",
                {"kernel_size": 1, "data_format": "channels_first"},
                [recipe("normal", 2, 3, 3)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-depthwise-gradient-of-empty-batch",
        summary="The gradient of a depthwise kernel over an empty batch is whatever the memory held, not 0.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/depthwise_conv_grad_op.cc, "
        "DepthwiseConv2dNativeBackpropFilterOp",
        upstream=f"{TENSORFLOW}/pull/126484",
        remedy="Do not train on an empty batch.",
        since="tensorflow 1.9.0 (2018)",
        scope=all_of(subject(*DEPTHWISE), given_empty_batch),
        effect=Unpredictable(
            Verdict.DIVERGES,
            tuple(
                f"{mode}gradient/weight/{name}"
                for mode in ("", "training/")
                for name in ("kernel", "depthwise_kernel")
            ),
            "expected 0 ±",
        ),
        witnesses=(
            draft_layer("layers.DepthwiseConv2D", {"kernel_size": 2}, [recipe("normal", 0, 4, 4, 3)]),
        ),
    ),
)

PLAIN = (
    in_tensorflow(
        id="keras-depthwise-unequal-strides",
        summary="A depthwise convolution needs the same stride along height and width; with a dilation it "
        "does not.",
        kind="intentional",
        source="tensorflow 2.21, tensorflow/core/kernels/depthwise_conv_op.cc, DepthwiseConv2dNativeOp",
        upstream=f"{TENSORFLOW}/issues/33005",
        remedy="Give equal strides, and leave out the rows or columns that are too many.",
        since="tensorflow 0.8.0 (2016)",
        scope=all_of(subject(*DEPTHWISE_2D), strides_differ, without(dilates)),
        effect=Raises("invalid-argument", "call", CALL, "only supports equal length strides"),
        witnesses=(
            draft_layer(
                "layers.DepthwiseConv2D",
                {"kernel_size": 2, "strides": [1, 2]},
                [recipe("normal", 1, 4, 4, 2)],
            ),
        ),
        stands="Keras documents a stride for each dimension, and computes it where there is a dilation. "
        "TensorFlow.js computes it: what it refuses of such a case, it refuses for a reason of its own.",
    ),
    in_tensorflow(
        id="keras-gradient-of-empty-batch-channels-first",
        summary="The gradient of Conv1D, Conv2D and ConvLSTM2D with channels first, by an input that is an "
        "empty batch, is not computed on a CPU.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_grad_input_ops.h, Conv2DCustomBackpropInputOp",
        upstream=searched(
            "tensorflow Conv2DBackpropInput CPU only supports NHWC tensor format channels_first gradient"
        ),
        remedy="Do not train on an empty batch.",
        since="tensorflow 0.8.0 (2016)",
        scope=all_of(
            subject("layers.Conv1D", "layers.Conv2D", "layers.ConvLSTM2D"), channels_first, given_empty_batch
        ),
        effect=Raises("invalid-argument", "gradient", GRADIENTS, "only supports NHWC"),
        witnesses=(
            draft_layer(
                "layers.Conv2D",
                {"filters": 3, "kernel_size": 2, "data_format": "channels_first"},
                [recipe("normal", 0, 2, 4, 4)],
            ),
            draft_layer(
                "layers.ConvLSTM2D",
                {"filters": 3, "kernel_size": 1, "data_format": "channels_first"},
                [recipe("normal", 0, 2, 3, 4, 4)],
            ),
        ),
        stands=NO_KERNEL,
    ),
    in_tensorflow(
        id="keras-conv3d-strides-beyond-kernel",
        summary="With padding same, and strides so much longer than the kernel that two elements or more "
        "lie between windows, the first window of Conv3D does not begin at the first element, as "
        "that of Conv2D does: half of them come before.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_ops_3d.cc, LaunchConvOp<CPUDevice>: "
        "Eigen::CuboidConvolution with PADDING_SAME makes the padding negative",
        upstream=searched(
            "tensorflow Conv3D padding SAME stride larger than kernel wrong result CPU Eigen "
            "CuboidConvolution negative padding"
        ),
        remedy="Use padding valid.",
        stands="TensorFlow documents the padding of `same` as max((n_out - 1)*stride + kernel - n_in, 0), "
        "never negative, and Conv1D and Conv2D of both programs begin with the first element.",
        since="tensorflow 2.5.0 (2021)",
        scope=all_of(
            subject("layers.Conv3D"), ungrouped, without(channels_first), without(dilates), centres_windows
        ),
        effect=Value({"layers.convolved": centred_forward}),
        witnesses=(
            draft_layer(
                "layers.Conv3D",
                {"filters": 2, "kernel_size": 1, "padding": "same", "strides": 3},
                [recipe("normal", 1, 3, 4, 6, 2)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-conv3d-transpose-gradient-with-gaps",
        summary="With padding same, and strides so much longer than the kernel that two elements or more lie "
        "between windows, the gradient of Conv3DTranspose by its input is that of windows which do not begin "
        "at the first element, as those of the layer itself do: half of what lies between comes before. Use "
        "padding valid.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_ops_3d.cc, LaunchConvOp<CPUDevice>: "
        "Eigen::CuboidConvolution with PADDING_SAME makes the padding negative",
        upstream=searched(
            "tensorflow Conv3D padding SAME stride larger than kernel wrong result CPU Eigen "
            "CuboidConvolution negative padding"
        ),
        remedy="Use padding valid, or shorter strides.",
        since="tensorflow 2.5.0 (2021)",
        scope=all_of(
            subject("layers.Conv3DTranspose"),
            without(channels_first),
            without(dilates),
            centres_windows_of_output,
        ),
        effect=Value(
            {"layers.convolved": centred_on_the_way_back}, ("gradient/input/0", "training/gradient/input/0")
        ),
        witnesses=(
            draft_layer(
                "layers.Conv3DTranspose",
                {"filters": 2, "kernel_size": 1, "padding": "same", "strides": 3},
                [recipe("normal", 1, 2, 2, 2, 2)],
            ),
        ),
    ),
    in_tensorflow(
        id="keras-transposed-dilation",
        summary="A transposed convolution with a dilation rate above 1 is not computed on a CPU.",
        kind="intentional",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_grad_input_ops.h, Conv2DCustomBackpropInputOp; "
        "conv_grad_ops_3d.cc, Conv3DBackpropInputOp",
        upstream=f"{KERAS}/issues/19870",
        remedy="Write zeros into the kernel.",
        since="tensorflow 1.5.0 (2018)",
        scope=all_of(subject(*TRANSPOSED_CONVOLUTIONS), dilates, without(channels_first)),
        effect=Raises("invalid-argument", "call", CALL, "not yet support dilation rates larger than 1"),
        witnesses=(
            draft_layer(
                "layers.Conv2DTranspose",
                {"filters": 2, "kernel_size": 2, "dilation_rate": 2},
                [recipe("normal", 1, 3, 4, 2)],
            ),
        ),
        stands=NO_KERNEL,
    ),
    in_tensorflow(
        id="keras-transposed-channels-first-cpu",
        summary="TensorFlow has no transposed convolution with channels first on a CPU without oneDNN.",
        kind="intentional",
        source="tensorflow 2.21, tensorflow/core/kernels/conv_grad_input_ops.h, Conv2DCustomBackpropInputOp; "
        "conv_grad_ops_3d.cc, Conv3DBackpropInputOp",
        upstream=f"{TENSORFLOW}/issues/20405",
        remedy="Use channels_last, and Permute around it.",
        since="tensorflow 0.8.0 (2016)",
        scope=all_of(subject(*TRANSPOSED_CONVOLUTIONS), channels_first),
        effect=Raises("invalid-argument", "call", CALL, "only supports N"),
        witnesses=(
            draft_layer(
                "layers.Conv2DTranspose",
                {"filters": 2, "kernel_size": 2, "data_format": "channels_first"},
                [recipe("normal", 1, 2, 3, 4)],
            ),
        ),
        stands=NO_KERNEL,
    ),
    in_tensorflow(
        id="keras-transposed-short-output",
        summary="With padding same, an even kernel_size and output_padding 0 a transposed convolution is "
        "refused: its output is a stride shorter than TensorFlow's rule knows.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/common/backend_utils.py, _get_output_shape_given_tf_padding; "
        "tensorflow 2.21, tensorflow/core/kernels/conv_grad_shape_utils.cc",
        upstream=SHORT_OUTPUT_SEARCHED,
        remedy="Use an output_padding of 1 or more.",
        since="keras 3.0.0 (2023)",
        scope=all_of(
            subject(*TRANSPOSED_CONVOLUTIONS),
            leaves_an_element_out,
            without(channels_first),
            without(dilates),
        ),
        effect=Raises("invalid-argument", "call", CALL, "Size of out_backprop doesn't match computed"),
        witnesses=(SHORT_CASE,),
        stands="Keras infers the shape that the specification has. TensorFlow.js ignores output_padding: it "
        "refuses the gradient because the cotangent is not of its own output's shape.",
    ),
)
"""What TensorFlow does otherwise without oneDNN."""

ONE_DNN = (
    in_tensorflow(
        id="keras-onednn-transposed-short-output",
        summary="With padding same, an even kernel_size and output_padding 0 a transposed convolution is "
        "refused: its output is a stride shorter than TensorFlow's rule knows.",
        kind="bug",
        source="keras 3.15.1, keras/src/backend/common/backend_utils.py, _get_output_shape_given_tf_padding; "
        "tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_conv_grad_input_ops.cc",
        upstream=SHORT_OUTPUT_SEARCHED,
        remedy="Use an output_padding of 1 or more.",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject(*TRANSPOSED_CONVOLUTIONS), leaves_an_element_out, without(dilates)),
        effect=Raises("internal", "call", CALL, "could not create a primitive descriptor"),
        witnesses=(SHORT_CASE,),
    ),
    in_tensorflow(
        id="keras-onednn-transposed-gradient-of-empty-batch",
        summary="With oneDNN the gradient of a transposed convolution by its input, over an empty batch, has "
        "the shape of the output.",
        kind="bug",
        source="tensorflow 2.21, tensorflow/core/kernels/mkl/mkl_conv_ops.cc, MklConvOp::Compute",
        upstream=EMPTY_BATCH_SEARCHED,
        remedy="Do not train on an empty batch.",
        since="tensorflow 2.9.0 (2022)",
        scope=all_of(subject("layers.Conv2DTranspose", "layers.Conv3DTranspose"), given_empty_batch),
        effect=Value(
            {"layers.convolved": cotangent_passed_on}, ("gradient/input/0", "training/gradient/input/0")
        ),
        witnesses=(
            draft_layer(
                "layers.Conv2DTranspose", {"filters": 4, "kernel_size": 2}, [recipe("normal", 0, 3, 4, 3)]
            ),
        ),
    ),
)
"""What it does otherwise with oneDNN."""
