"""What only the plain JavaScript backend does."""

from __future__ import annotations

from conformance.dialects.convolution import cuts_left_out, padding_left_out
from conformance.dialects.deviation import GRADIENTS, Raises, Value, subject
from conformance.dialects.scopes import all_of, dilates, given_nan, given_special_values
from conformance.dialects.tensorflow_js import (
    advanced_activations,
    category_encoding,
    center_crop,
    images,
    resizing_gradients,
)
from conformance.dialects.tensorflow_js.activations import (
    RELU_GRADIENT,
    USES_HARD_SIGMOID,
    keras_2_hard_sigmoid,
    nan_gradient,
    relu6_slope,
    relu_slope,
)
from conformance.dialects.tensorflow_js.convolution import (
    ADDS_BIAS_TO_NOTHING,
    DEPTHWISE,
    EMPTY_CASE,
    OF_BIAS,
    SEPARABLE,
    TRANSPOSED_GAPS_CASE,
    centres_windows,
    configured,
    pads,
    strides_too,
    sums_centred,
)
from conformance.dialects.tensorflow_js.merging import (
    EXTREMA,
    EXTREMUM_OF_NAN,
    EXTREMUM_TARGETS,
    nan_without_gradient,
)
from conformance.dialects.tensorflow_js.record import (
    CONV_LSTM,
    CORE,
    CPU,
    LAYERS,
    NUMERIC,
    deviation,
    searched,
)

DEVIATIONS = (
    *advanced_activations.ON_CPU,
    *center_crop.ON_CPU,
    *resizing_gradients.ON_CPU,
    *category_encoding.ON_CPU,
    *images.ON_CPU,
    keras_2_hard_sigmoid(USES_HARD_SIGMOID),
    nan_gradient("relu", relu_slope, RELU_GRADIENT),
    nan_gradient("relu6", relu6_slope, f"{LAYERS}/activations.js:80 (Relu6: the gradient of relu is NaN)"),
    deviation(
        "tfjs-bias-gradient-of-empty-batch",
        "Over an empty batch the gradient of a bias that is added apart throws.",
        kind="bug",
        source=f"{CORE}/ops/broadcast_util.js:49 (getReductionAxes: an axis of size 0 is not reduced)",
        upstream=searched("wasm empty tensor transpose RuntimeError divide by zero"),
        remedy="Do not train on an empty batch.",
        since="tfjs-core 0.5.0 (2018)",
        scope=ADDS_BIAS_TO_NOTHING,
        effect=Raises("invalid-argument", "gradient", OF_BIAS, "The new shape"),
        witnesses=(EMPTY_CASE,),
    ),
    deviation(
        "tfjs-conv3d-transpose-strides-beyond-kernel",
        "With padding same and strides longer than the kernel the first window of Conv3DTranspose does not "
        "lie at the first element: half of what lies between windows comes before.",
        kind="bug",
        source=f"{CORE}/ops/conv_util.js:327 (get3DPadAndOutInfo: the padding may be negative)",
        upstream=searched(
            "conv3d same padding strides get3DPadAndOutInfo negative padding differs from TensorFlow"
        ),
        remedy="Use padding valid.",
        since="tfjs-layers 3.4.0 (2021)",
        scope=all_of(subject("layers.Conv3DTranspose"), centres_windows),
        effect=Value({"layers.convolved": sums_centred}),
        witnesses=(TRANSPOSED_GAPS_CASE,),
    ),
    deviation(
        "tfjs-cpu-kernel-gradient-without-padding",
        "Where an activation has no slope because its input is NaN, the gradient of a kernel is NaN only at "
        "the places that lie inside of the input in such a window; Keras, which multiplies the zeros of the "
        "padding too, gives NaN at all places. Only training meets it.",
        kind="intentional",
        source=f"{CPU}/kernels/Conv2DBackpropFilter.js:36, Conv3DBackpropFilterV2.js:44, "
        "DepthwiseConv2dNativeBackpropFilter.js:35 (yRMin, yRMax: sums begin and end inside of the input)",
        upstream=searched("conv2d gradient NaN padding same Conv2DBackpropFilter skips padding"),
        remedy="Find where the NaN comes from: nothing can be trained through it.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(
            subject(*CONV_LSTM, "layers.Conv1D", "layers.Conv2D", "layers.Conv3D", DEPTHWISE, SEPARABLE),
            given_special_values,
            pads,
        ),
        effect=Value({"layers.correlated": padding_left_out}, GRADIENTS),
        witnesses=(
            configured(
                "layers.Conv2D",
                {"filters": 2, "kernel_size": 2, "padding": "same", "activation": "sigmoid"},
                1,
                1,
                1,
                2,
                regime="one_nan",
            ),
        ),
    ),
    deviation(
        "tfjs-cpu-transposed-kernel-gradient-without-padding",
        "With padding same, an element of the input of Conv2DTranspose or Conv3DTranspose that is NaN or "
        "infinite shows in the gradient of the kernel only at the places that lie inside of the output "
        "there. Only training meets it.",
        kind="intentional",
        source=f"{CPU}/kernels/Conv2DBackpropFilter.js:36, Conv3DBackpropFilterV2.js:44 (yRMin, yRMax: sums "
        "begin and end inside)",
        upstream=searched("conv2d gradient NaN padding same Conv2DBackpropFilter skips padding"),
        remedy="Find where the NaN comes from: nothing can be trained through it.",
        since="tfjs-core 0.13.7 (2018)",
        scope=all_of(subject("layers.Conv2DTranspose", "layers.Conv3DTranspose"), given_special_values, pads),
        effect=Value({"layers.overlapped": cuts_left_out}, GRADIENTS),
        witnesses=(
            configured(
                "layers.Conv2DTranspose",
                {"filters": 2, "kernel_size": 2, "padding": "same"},
                1,
                2,
                2,
                2,
                regime="one_nan",
            ),
        ),
    ),
    deviation(
        "tfjs-separable-strides-with-dilation",
        "Strides and dilation_rate cannot both exceed 1.",
        kind="intentional",
        source=f"{CPU}/kernels/DepthwiseConv2dNative.js (util.assert: eitherStridesOrDilationsAreOne)",
        upstream=searched("Either strides or dilations must be 1 separableConv2d depthwise"),
        remedy="Write the dilation's zeros into the depthwise kernel.",
        since="tfjs-core 0.7.1 (2018)",
        scope=all_of(subject(SEPARABLE), dilates, strides_too),
        effect=Raises("invalid-argument", "call", NUMERIC, "Either strides or dilations must be 1"),
        witnesses=(
            configured(
                SEPARABLE, {"filters": 2, "kernel_size": 2, "strides": 2, "dilation_rate": 2}, 1, 5, 5, 2
            ),
        ),
    ),
    deviation(
        "tfjs-cpu-extremum-gradient-of-nan",
        "Where an input of Maximum or Minimum is NaN, no input has a gradient; in Keras the second one has "
        "it. Only training meets it.",
        kind="intentional",
        source=f"{CORE}/gradients/Maximum_grad.js:27, Minimum_grad.js:27 (derA, derB: dy times a comparison)",
        upstream=searched("wasm maximum NaN propagation Maximum Minimum kernel"),
        remedy="Find where the NaN comes from.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(EXTREMA, given_nan),
        effect=Value(dict.fromkeys(EXTREMUM_TARGETS, nan_without_gradient), GRADIENTS),
        witnesses=EXTREMUM_OF_NAN,
    ),
)
