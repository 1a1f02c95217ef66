"""What ConvLSTM2D and its cell do otherwise in TensorFlow.js."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.cases.drafts.errors import spoilt
from conformance.dialects.deviation import Accepts, Metadata, Raises, Value, subject
from conformance.dialects.refused import wrong_in
from conformance.dialects.scopes import all_of, channels_first, given_mask, sets, without
from conformance.dialects.tensorflow_js.convolution import gaps
from conformance.dialects.tensorflow_js.defaults import CONV_LSTM_CASE
from conformance.dialects.tensorflow_js.record import (
    CALLED,
    CONV_LSTM,
    LAYERS,
    WASM,
    deviation,
    issue,
    searched,
)
from conformance.reference_impl import layers
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers.convolution import WindowedProduct
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, detached

SOURCE = f"{LAYERS}/layers/convolutional_recurrent.js"

Shapes = list[list[int | None]]


def of_known_images(case: Case, expected: Shapes) -> Shapes:
    """The shapes for images of the case's size, their number as far as it is known."""
    layer = layers.get(case.subject.removeprefix("layers.")).from_config(case.config)
    known = (expected[0][0], None, *case.inputs[0].shape[2:])
    return [list(shape) for shape in layer.output_shapes([known])]


def has_zero(case: Case, data: Data) -> bool:
    """A stride or dilation rate is 0."""
    return 0 in (case.config.get("strides"), case.config.get("dilation_rate"))


def over_images(config: dict[str, Any], *shape: int, **more: Any) -> Case:
    return draft_layer(
        "layers.ConvLSTM2D",
        {"filters": 2, "kernel_size": 2} | config,
        [recipe("normal", *shape)],
        weights="small_normal",
        **more,
    )


class OfZeros(Composite):
    """What a convolution would give of zeros, with its own gradients."""

    def compose(self, z: Tensor, of_zeros: Tensor) -> Tensor:
        return of_zeros

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, z: Tensor, of_zeros: Tensor
    ) -> Tensor | None:
        return cotangent if position == 0 else None


of_zeros = OfZeros()


def zeros_convolved(
    original: Any, layer: WindowedProduct, x: Tensor, kernels: Any, bias: Tensor | None
) -> Tensor:
    """That of the state has no strides, and so no gaps."""
    z: Tensor = original(layer, x, kernels, bias)
    if min(gaps(layer, x.shape[1:-1])) >= 0:
        return z
    return of_zeros(z, detached(original(layer, Tensor(xp.zeros_like(x.value)), kernels, bias)))


def leaves_gaps(case: Case, data: Data) -> bool:
    """Padding is "same", and elements lie between the windows, which are of more than one."""
    given = ("kernel_size", "strides", "padding", "dilation_rate")
    layer = layers.Conv2D(1, **{name: case.config[name] for name in given if name in case.config})
    gap = min(gaps(layer, case.inputs[0].shape[-3:-1]))
    return layer.padding == "same" and gap < 0 and set(layer.kernel_size) != {1}


DEVIATIONS = (
    deviation(
        "tfjs-conv-lstm-no-unrolling",
        "ConvLSTM2D with unroll is refused.",
        kind="intentional",
        source=f"{SOURCE}:40 (ConvRNN2D)",
        upstream=searched("convLstm2d Unrolling is not possible ConvRNN2D image size fixed"),
        remedy="Set it to False, which computes the same.",
        converted="sets it to False",
        since="tfjs-layers 2.4.0 (2020)",
        scope=all_of(subject("layers.ConvLSTM2D"), sets("unroll")),
        effect=Raises("not-implemented", "construction", ("*",), "Unrolling is not possible"),
        witnesses=(over_images({"unroll": True}, 1, 2, 3, 3, 2),),
    ),
    deviation(
        "tfjs-conv-lstm-refuses-mask",
        "ConvLSTM2D cannot be called with a mask, whatever it hides.",
        kind="bug",
        source=f"{LAYERS}/layers/recurrent.js:145 (rnn: a mask (batch, time) is transposed as the input)",
        upstream=searched("convLstm2d mask transpose rank must match length of perm"),
        remedy="Cut sequences to their length.",
        since="tfjs-layers 2.4.0 (2020)",
        scope=all_of(subject("layers.ConvLSTM2D"), given_mask),
        effect=Raises(
            "invalid-argument",
            "call",
            CALLED,
            "must match length of perm",
        ),
        witnesses=(over_images({}, 2, 3, 3, 3, 2, masks=[recipe("mask", 2, 3, dtype="bool")]),),
    ),
    deviation(
        "tfjs-conv-lstm-zero-is-default",
        "Strides and dilation rates of 0 go unnoticed, and count as 1.",
        kind="bug",
        source=f"{SOURCE}:188, :194 (ConvLSTM2DCell: strides || 1, dilationRate || 1)",
        upstream=searched("convLstm2d strides 0 dilationRate 0"),
        remedy="Check the numbers yourself.",
        since="tfjs-layers 2.4.0 (2020)",
        scope=all_of(subject(*CONV_LSTM), has_zero, wrong_in("strides", "dilation_rate")),
        effect=Accepts(),
        witnesses=(spoilt("ConvLSTM2D", {"strides": 0}), spoilt("ConvLSTM2DCell", {"dilation_rate": 0})),
    ),
    deviation(
        "tfjs-conv-lstm-fixes-image",
        "A ConvLSTM2D knows the height and width of its images once it is built, and keeps them: the "
        "inferred shape has them where Keras's are unknown.",
        kind="intentional",
        source=f"{LAYERS}/layers/recurrent.js:333 (RNN.build: inputSpec)",
        upstream=searched("convLstm2d Unrolling is not possible ConvRNN2D image size fixed"),
        remedy="Give every call images of that size, or build the layer anew.",
        since="tfjs-layers 2.4.0 (2020)",
        scope=subject("layers.ConvLSTM2D"),
        effect=Metadata(("shape/unknown",), of_known_images),
        witnesses=(CONV_LSTM_CASE,),
    ),
)

ON_WASM = (
    deviation(
        "tfjs-wasm-conv-lstm-strides-beyond-kernel",
        "With padding same, and a stride so much longer than the kernel that elements lie between the "
        "windows, ConvLSTM2D and its cell do not see their input.",
        kind="bug",
        source=f"{WASM}/kernels/Conv2D.js:62 (isSamePad: XNNPACK subtracts unsigned numbers for the padding, "
        "and finds all windows outside)",
        upstream=issue(8405),
        remedy="Use padding valid.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=all_of(subject(*CONV_LSTM), without(channels_first), leaves_gaps),
        effect=Value({"layers.convolved": zeros_convolved}),
        witnesses=(over_images({"padding": "same", "strides": 4}, 1, 2, 7, 7, 2),),
    ),
    deviation(
        "tfjs-wasm-conv-lstm-channels-first",
        "ConvLSTM2D and its cell are refused with channels first.",
        kind="intentional",
        source=f"{WASM}/kernels/Conv2D.js:64 (conv2d: dataFormat)",
        upstream=searched("wasm conv2d does not support dataFormat NCHW channelsFirst"),
        remedy="Use channelsLast, and Permute around it.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=all_of(subject(*CONV_LSTM), channels_first),
        effect=Raises(
            "not-implemented",
            "call",
            CALLED,
            "does not support dataFormat",
        ),
        witnesses=(over_images({"data_format": "channels_first"}, 1, 2, 2, 3, 3),),
    ),
)
"""What only the WebAssembly backend does."""
