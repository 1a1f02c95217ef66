"""What TensorFlow.js does otherwise in the convolutions beside Conv2D, on every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import CONFIGURATIONS, GRADIENTS, Metadata, Raises, Value, subject
from conformance.dialects.scopes import (
    ALL_CONVOLUTIONS,
    TRANSPOSED_CONVOLUTIONS,
    activated_by,
    all_of,
    any_of,
    channels_first,
    dilates,
    given_empty_batch,
    sets,
    unsets,
    without,
    wraps,
)
from conformance.dialects.tensorflow_js.configuration import lacking
from conformance.dialects.tensorflow_js.constructors import READ
from conformance.dialects.tensorflow_js.defaults import (
    CONV1D_CASE,
    CONV2D_TRANSPOSE_CASE,
    CONV3D_TRANSPOSE_CASE,
    DEPTHWISE_CONV2D_CASE,
)
from conformance.dialects.tensorflow_js.record import (
    CONV_LSTM,
    CORE,
    FIRST,
    LAYERS,
    NUMERIC,
    deviation,
    issue,
    pull,
    searched,
)
from conformance.dialects.tensorflow_js.refusals import (
    GROUPED_CHANNELS_FIRST_CASE,
    fits_channels_last,
    grouped,
)
from conformance.reference_impl import layers
from conformance.reference_impl.activations import Activation
from conformance.reference_impl.layers.convolution import WindowedProduct, geometry
from conformance.reference_impl.layers.recurrent import Recurrent, step_shape
from conformance.reference_impl.primitives import add, pad, reshape, take_slice, transpose
from conformance.reference_impl.tape import Tensor

ADDS_BIAS_TO_NOTHING = all_of(
    subject(*CONV_LSTM, *(name for name in ALL_CONVOLUTIONS if name != "layers.Conv2D")),
    given_empty_batch,
    without(unsets("use_bias")),
)
"""A bias that is added apart, as only Conv2D's is not, to the output of an empty batch."""

OF_BIAS = ("gradient/weight/bias", "training/gradient/weight/bias")

DEPTHWISE, SEPARABLE = "layers.DepthwiseConv2D", "layers.SeparableConv2D"

WITHOUT_DILATION = (DEPTHWISE, *TRANSPOSED_CONVOLUTIONS)
"""The layers that do not read their dilation rate."""

RECONSTRUCTED = ("reconstructed/output/*",)


def layer_of(case: Case) -> WindowedProduct:
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    assert isinstance(layer, WindowedProduct)
    return layer


def computed_layer_of(case: Case) -> WindowedProduct:
    """The layer that is computed: without a dilation where none is read, and without output padding."""
    unread: dict[str, Any] = {"dilation_rate": 1} if case.subject in WITHOUT_DILATION else {}
    if case.config.get("output_padding") is not None:
        unread["output_padding"] = None
    return layer_of(replace(case, config=case.config | unread))


def output_shape(case: Case, data: Data) -> tuple[int | None, ...]:
    """Of a convolution, or of those that a recurrent layer makes at every time."""
    layer = layers.get(case.subject.partition(".")[2]).from_config(case.config)
    shapes = [x.shape for x in data.inputs]
    if isinstance(layer, Recurrent):
        layer, shapes = layer.repeated, [step_shape(shape) for shape in shapes]
    return layer.output_shapes(shapes)[0]


def left_channels_last(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """The input is transposed, and the output not back."""
    return transpose(original(layer, x, kernels, bias), axes=(0, 2, 1))


def reconstructed_channels_last(
    original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None
) -> Tensor:
    """The product of a layer with channels last, and without groups."""
    last = layers.Conv1D(**layer.config | {"data_format": "channels_last", "groups": 1})
    z: Tensor = original(last, x, kernels, bias)
    return z


def bias_along_height(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """The bias is shaped for channels first, and added before the output is transposed back."""
    z = original(layer, x, kernels, None)
    return z if bias is None else add(z, reshape(bias, shape=(1, 1, layer.filters, 1)))


def along_channels(original: Activation, z: Tensor) -> Tensor:
    """Before the channels, (batch, height, width, channels), are brought first again."""
    y = original(transpose(z, axes=(0, 2, 3, 1)))
    return transpose(y, axes=(0, 3, 1, 2))


def gaps(layer: WindowedProduct, spatial: Sequence[int | None]) -> list[int]:
    """The zeros that padding "same" needs along each dimension; below 0 where its windows leave gaps."""
    return [
        (-(-(n or 0) // stride) - 1) * stride + (size - 1) * dilation + 1 - (n or 0)
        for n, (size, stride, dilation) in zip(spatial, geometry(layer), strict=True)
    ]


def skipped(layer: WindowedProduct, spatial: Sequence[int | None]) -> tuple[int, ...]:
    """The elements of each dimension before the first window, where half a gap comes before it."""
    return tuple(-min(gap // 2, 0) for gap in gaps(layer, spatial))


def in_data_format(layer: WindowedProduct, of_spatial: Sequence[Any], of_others: Any) -> tuple[Any, ...]:
    """One thing for each axis."""
    last = layer.data_format == "channels_last"
    return (of_others, *of_spatial, of_others) if last else (of_others, of_others, *of_spatial)


def spatial(layer: WindowedProduct, shape: Sequence[int | None]) -> tuple[int | None, ...]:
    return tuple(shape[1:-1] if layer.data_format == "channels_last" else shape[2:])


def windows_centred(original: Any, layer: WindowedProduct, x: Tensor) -> Any:
    """The input without the elements before the first one."""
    first = skipped(layer, x.shape[1:-1])
    return original(layer, take_slice(x, key=(slice(None), *(slice(n, None) for n in first))))


def sums_centred(original: Any, layer: Any, x: Tensor, kernels: Any, bias: Tensor | None) -> Tensor:
    """The gaps between windows, where there is no sum, lie before the first one too."""
    z = original(layer, x, kernels, None)
    moved = skipped(layer, spatial(layer, z.shape))
    kept = in_data_format(layer, [slice(-n or None) for n in moved], slice(None))
    z = pad(take_slice(z, key=kept), widths=in_data_format(layer, [(n, 0) for n in moved], (0, 0)))
    if bias is None:
        return z
    shape = tuple(n if axis == layer.channel_axis % z.ndim else 1 for axis, n in enumerate(z.shape))
    return add(z, reshape(bias, shape=shape))


def undilated(original: Any, layer: WindowedProduct) -> tuple[tuple[int, int, int], ...]:
    return tuple((size, stride, 1) for size, stride, _ in original(layer))


def as_if_valid(case: Case, shapes: Any) -> Any:
    """The length that windows have without padding, even if there is room for none."""
    layer = layer_of(case)
    axis = 2 if layer.data_format == "channels_first" else 1
    (size,), (stride,), (dilation,) = layer.kernel_size, layer.strides, layer.dilation_rate
    n = (case.inputs[0].shape[axis] - (size - 1) * dilation - 1) // stride + 1
    return [[n if i == axis and told is not None else told for i, told in enumerate(s)] for s in shapes]


def pads(case: Case, data: Data) -> bool:
    """Windows may reach over the edges of the input, or of the state."""
    return case.subject in CONV_LSTM or case.config.get("padding") == "same"


def causal(case: Case, data: Data) -> bool:
    return case.config.get("padding") == "causal"


def output_is_not_square(case: Case, data: Data) -> bool:
    _, *rest = output_shape(case, data)
    return len(set(rest)) > 1


def pads_output(case: Case, data: Data) -> bool:
    return case.config.get("output_padding") is not None


def computed_shape(case: Case, data: Data) -> tuple[int | None, ...]:
    return computed_layer_of(case).output_shapes([x.shape for x in data.inputs])[0]


def of_another_shape(case: Case, data: Data) -> bool:
    """Without dilation and output padding the output has another shape."""
    return computed_shape(case, data) != output_shape(case, data)


def bias_fits_height(case: Case, data: Data) -> bool:
    """The output, with channels first, is as high as it has channels, or is of a single row."""
    _, filters, height, _ = output_shape(case, data)
    return bool(height in (1, filters))


def of_one_row(case: Case, data: Data) -> bool:
    """The output, with channels first, is of a single row, and has several channels."""
    _, filters, height, _ = output_shape(case, data)
    return bool(height == 1 != filters)


def multiplies_channels(case: Case, data: Data) -> bool:
    return int(case.config.get("depth_multiplier", 1)) > 1


def padded_spatial(case: Case, data: Data) -> tuple[int | None, ...]:
    """The spatial shape of what is padded: the input, or the output of a transposed convolution, which has
    neither dilation nor output padding here."""
    transposed = case.subject in TRANSPOSED_CONVOLUTIONS
    return spatial(layer_of(case), computed_shape(case, data) if transposed else data.inputs[0].shape)


def leaves_gaps(case: Case, data: Data) -> bool:
    """Padding is "same", and a stride is so much longer than the kernel that elements lie between windows."""
    layer = computed_layer_of(case)
    return layer.padding == "same" and min(gaps(layer, padded_spatial(case, data))) < 0


def centres_windows(case: Case, data: Data) -> bool:
    """Padding is "same", and the gaps between windows are wide enough to move the first one."""
    layer = computed_layer_of(case)
    return layer.padding == "same" and any(skipped(layer, padded_spatial(case, data)))


def strides_too(case: Case, data: Data) -> bool:
    return bool(max(layer_of(case).strides) > 1)


def renamed(case: Case, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [w | {"name": "depthwise_kernel"} if w["name"] == "kernel" else w for w in expected]


def regularizer_for_constraint(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    return expected | {"depthwise_constraint": expected["depthwise_regularizer"]}


def no_channels(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """null · depthMultiplier is 0."""
    axis = layer_of(case).channel_axis
    (shape,) = expected
    return [[0 if i == axis % len(shape) else n for i, n in enumerate(shape)]]


def one_initializer(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """Both kernels begin as the depthwise one, and the constructor asks for arguments that it refuses."""
    if "arguments" not in expected:
        return expected | {"pointwise_initializer": expected["depthwise_initializer"]}
    refused = {f"kernel_{what}": READ for what in ("initializer", "regularizer", "constraint")}
    arguments: dict[str, Any] = lacking("pointwise_initializer")(case, expected)["arguments"]
    return {"arguments": arguments | refused}


def configured(name: str, config: dict[str, Any], *shape: int, regime: str = "normal", **more: Any) -> Case:
    return draft_layer(name, config, [recipe(regime, *shape)], **more)


CAUSAL_CASE = configured("layers.Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal"}, 2, 6, 3)
CHANNELS_FIRST_CASE = configured(
    "layers.Conv1D", {"filters": 4, "kernel_size": 2, "data_format": "channels_first"}, 2, 3, 7
)
EMPTY_CASE = configured("layers.Conv1D", {"filters": 2, "kernel_size": 2}, 0, 4, 3)
SEPARABLE_CASE = configured(SEPARABLE, {"filters": 4, "kernel_size": 2}, 2, 5, 4, 3, training=True, once=True)
MULTIPLIED_CASE = configured(SEPARABLE, {"filters": 4, "kernel_size": 2, "depth_multiplier": 2}, 1, 4, 4, 2)
PADDED_CASE = configured(
    "layers.Conv2DTranspose",
    {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1},
    1,
    3,
    4,
    2,
)
DILATED_CASES = (
    configured(DEPTHWISE, {"kernel_size": 2, "dilation_rate": 2}, 1, 5, 5, 2),
    configured("layers.Conv2DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": 2}, 1, 3, 4, 2),
)
GAPS = {"filters": 2, "kernel_size": 2, "padding": "same", "strides": [1, 2, 3]}
GAPS_CASE = configured("layers.Conv3D", GAPS, 1, 2, 4, 6, 2)
TRANSPOSED_GAPS_CASE = configured("layers.Conv3DTranspose", GAPS, 1, 2, 2, 2, 2)
REGULARIZED_CASE = configured(
    DEPTHWISE,
    {"kernel_size": 2, "depthwise_regularizer": {"class_name": "L2", "config": {"l2": 0.0078125}}},
    1,
    3,
    4,
    2,
)

DEVIATIONS = (
    deviation(
        "tfjs-no-causal-padding",
        "Padding causal is refused.",
        kind="intentional",
        source=f"{LAYERS}/layers/convolutional.js:99 (conv1dWithBias)",
        upstream=issue(1040),
        remedy="Put ZeroPadding1D, or another way to prepend zeros, before a layer with padding valid.",
        converted="puts ZeroPadding1D before it",
        since=FIRST,
        scope=all_of(subject("layers.Conv1D"), causal),
        effect=Raises("not-implemented", "call", NUMERIC, "CAUSAL padding mode"),
        witnesses=(CAUSAL_CASE,),
    ),
    deviation(
        "tfjs-causal-padding-shape",
        "The shape inferred for padding causal is that for padding valid.",
        kind="bug",
        source=f"{LAYERS}/utils/conv_utils.js:57 (convOutputLength)",
        upstream=searched("conv1d causal padding output shape wrong"),
        remedy="Put the zeros before a layer with padding valid.",
        converted="puts ZeroPadding1D before it",
        since=FIRST,
        scope=all_of(subject("layers.Conv1D"), causal),
        effect=Metadata(("shape/*",), as_if_valid),
        witnesses=(CAUSAL_CASE,),
    ),
    deviation(
        "tfjs-conv1d-channels-first-output",
        "With channels first the output of Conv1D has its channels last, where the inferred shape has them "
        "second.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:97 (conv1dWithBias transposes x, and y not back)",
        upstream=searched("conv1d channelsFirst wrong output layers.conv1d dataFormat"),
        remedy="Use channelsLast, and Permute around it.",
        converted="permutes around it",
        since=FIRST,
        scope=all_of(subject("layers.Conv1D"), channels_first, without(causal), without(grouped)),
        effect=Value({"layers.convolved": left_channels_last}, ("output/*", "training/*", "gradient/*")),
        witnesses=(CHANNELS_FIRST_CASE,),
    ),
    deviation(
        "tfjs-conv1d-channels-first-gradient",
        "With channels first the output of Conv1D is not of the inferred shape, and no cotangent of that "
        "shape fits it.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:97 (conv1dWithBias transposes x, and y not back)",
        upstream=searched("conv1d channelsFirst wrong output layers.conv1d dataFormat"),
        remedy="Use channelsLast, and Permute around the layer.",
        since=FIRST,
        scope=all_of(subject("layers.Conv1D"), channels_first, output_is_not_square),
        effect=Raises("invalid-argument", "gradient", GRADIENTS, "Cotangent 0 does not match its output"),
        witnesses=(CHANNELS_FIRST_CASE,),
    ),
    deviation(
        "tfjs-conv1d-config-without-data-format",
        "The configuration of Conv1D does not tell data_format: a model with channels first is saved as one "
        "with channels last.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:848 (Conv1D.getConfig)",
        upstream=searched("conv1d channelsFirst wrong output layers.conv1d dataFormat"),
        remedy="Use channelsLast, and Permute around the layer.",
        since=FIRST,
        scope=subject("layers.Conv1D"),
        effect=Metadata(CONFIGURATIONS, lacking("data_format")),
        witnesses=(CONV1D_CASE,),
    ),
    deviation(
        "tfjs-conv1d-reconstructed-channels-last",
        "A Conv1D with channels first that is made from its configuration has channels last, and the weights "
        "do not fit it.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:848 (Conv1D.getConfig)",
        upstream=searched("conv1d channelsFirst wrong output layers.conv1d dataFormat"),
        remedy="Use channelsLast, and Permute around the layer.",
        since=FIRST,
        scope=all_of(subject("layers.Conv1D"), channels_first, without(fits_channels_last)),
        effect=Raises(
            "invalid-argument", "build", RECONSTRUCTED, "not compatible with provided weight shape"
        ),
        witnesses=(CHANNELS_FIRST_CASE,),
    ),
    deviation(
        "tfjs-conv1d-reconstructed-computes-channels-last",
        "A Conv1D with channels first that is made from its configuration has channels last: where the "
        "kernel is as deep as there are times, it takes the weights, and computes something else.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:848 (Conv1D.getConfig)",
        upstream=searched("conv1d channelsFirst wrong output layers.conv1d dataFormat"),
        remedy="Use channelsLast, and Permute around the layer.",
        since=FIRST,
        scope=all_of(fits_channels_last, without(causal)),
        effect=Value({"layers.convolved": reconstructed_channels_last}, RECONSTRUCTED),
        witnesses=(
            configured(
                "layers.Conv1D", {"filters": 4, "kernel_size": 2, "data_format": "channels_first"}, 2, 5, 5
            ),
            GROUPED_CHANNELS_FIRST_CASE,
        ),
    ),
    deviation(
        "tfjs-conv3d-strides-beyond-kernel",
        "With padding same and strides longer than the kernel the first window of Conv3D does not begin at "
        "the first element: half of what lies between windows comes before.",
        kind="bug",
        source=f"{CORE}/ops/conv_util.js:327 (get3DPadAndOutInfo: the padding may be negative)",
        upstream=searched(
            "conv3d same padding strides get3DPadAndOutInfo negative padding differs from TensorFlow"
        ),
        remedy="Use padding valid: what lies between windows counts for nothing.",
        since="tfjs-core 0.14.3 (2018)",
        scope=all_of(subject("layers.Conv3D"), centres_windows, without(grouped)),
        effect=Value({"layers.framed": windows_centred}),
        witnesses=(GAPS_CASE,),
    ),
    deviation(
        "tfjs-conv3d-transpose-gradient",
        "Conv3DTranspose has no gradient by its input and its kernel.",
        kind="intentional",
        source=f"{CORE}/register_all_gradients.js (none for Conv3DBackpropInputV2)",
        upstream=issue(6323),
        remedy="Train elsewhere.",
        since="tfjs-layers 3.4.0 (2021)",
        scope=subject("layers.Conv3DTranspose"),
        effect=Raises(
            "missing-kernel",
            "gradient",
            tuple(
                f"{mode}gradient/{of}" for mode in ("", "training/") for of in ("input/0", "weight/kernel")
            ),
            "gradient function not found for Conv3DBackpropInputV2",
        ),
        witnesses=(CONV3D_TRANSPOSE_CASE,),
    ),
    deviation(
        "tfjs-dilation-ignored",
        "dilation_rate changes nothing in DepthwiseConv2D and the transposed convolutions.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional_depthwise.js:96 (DepthwiseConv2D.call), convolutional.js:537 "
        "(Conv2DTranspose.call), :659 (Conv3DTranspose.call)",
        upstream=searched("dilationRate ignored depthwiseConv2d conv2dTranspose layer"),
        remedy="Write the zeros into the kernel.",
        converted="writes them there",
        since=FIRST,
        scope=all_of(subject(*WITHOUT_DILATION), dilates),
        effect=Value({"layers.geometry": undilated}),
        witnesses=DILATED_CASES,
    ),
    deviation(
        "tfjs-output-padding-ignored",
        "output_padding changes nothing.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:537 (Conv2DTranspose.call), :659 (Conv3DTranspose.call)",
        upstream=searched("conv2dTranspose outputPadding not supported"),
        remedy="Pad or crop the output in a layer of its own.",
        since="tfjs-layers 0.2.0 (2018)",
        scope=all_of(subject(*TRANSPOSED_CONVOLUTIONS), pads_output),
        effect=Value({"layers.output_padding": lambda original, layer: (None,) * layer.rank}),
        witnesses=(PADDED_CASE,),
    ),
    deviation(
        "tfjs-gradient-of-another-shape",
        "Where dilation_rate or output_padding would change the shape of the output, no cotangent of that "
        "shape fits it.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional_depthwise.js:96 (DepthwiseConv2D.call), convolutional.js:537 "
        "(Conv2DTranspose.call), :659 (Conv3DTranspose.call)",
        upstream=searched("dilationRate ignored depthwiseConv2d conv2dTranspose layer"),
        remedy="Leave both at their defaults, and write zeros into the kernel, or pad the output, instead.",
        since="tfjs-layers 0.2.0 (2018)",
        scope=all_of(subject(*WITHOUT_DILATION), any_of(dilates, pads_output), of_another_shape),
        effect=Raises("invalid-argument", "gradient", GRADIENTS, "Cotangent 0 does not match its output"),
        witnesses=(*DILATED_CASES, PADDED_CASE),
    ),
    deviation(
        "tfjs-no-output-padding-argument",
        "output_padding is not known; the configuration does not tell it.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:470 (Conv2DTranspose), :588 (Conv3DTranspose)",
        upstream=searched("conv2dTranspose outputPadding not supported"),
        remedy="Pad or crop the output in a layer of its own.",
        since="tfjs-layers 0.2.0 (2018)",
        scope=subject(*TRANSPOSED_CONVOLUTIONS),
        effect=Metadata((*CONFIGURATIONS, "signature"), lacking("output_padding")),
        witnesses=(CONV2D_TRANSPOSE_CASE, CONV3D_TRANSPOSE_CASE),
    ),
    deviation(
        "tfjs-transposed-config-without-dilation",
        "The configuration of a transposed convolution does not tell dilation_rate.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:580 (Conv2DTranspose.getConfig), :709 "
        "(Conv3DTranspose.getConfig)",
        upstream=searched("dilationRate ignored depthwiseConv2d conv2dTranspose layer"),
        remedy="Leave it at 1: it is ignored anyway.",
        since="tfjs-layers 0.2.0 (2018)",
        scope=subject(*TRANSPOSED_CONVOLUTIONS),
        effect=Metadata(CONFIGURATIONS, lacking("dilation_rate")),
        witnesses=(CONV2D_TRANSPOSE_CASE, CONV3D_TRANSPOSE_CASE),
    ),
    deviation(
        "tfjs-depthwise-kernel-name",
        "The kernel of DepthwiseConv2D is called depthwise_kernel, as in Keras 2; in Keras 3 it is kernel.",
        kind="intentional",
        source=f"{LAYERS}/layers/convolutional_depthwise.js:84 (DepthwiseConv2D.build)",
        upstream=searched(
            "depthwise_kernel Keras 3 DepthwiseConv2D weight name converter load has no target variable"
        ),
        remedy="Rename weights that are loaded by name.",
        converted="renames it",
        since="keras 3.0.0 (2023)",
        scope=any_of(subject(DEPTHWISE), wraps("DepthwiseConv2D")),
        effect=Metadata(("weights",), renamed),
        witnesses=(DEPTHWISE_CONV2D_CASE,),
    ),
    deviation(
        "tfjs-depthwise-channels-unknown",
        "DepthwiseConv2D does not keep the channels that it was built for, and infers 0 channels where those "
        "of the input are unknown.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional_depthwise.js:69 (build sets no inputSpec), :111 "
        "(computeOutputShape: null · depthMultiplier)",
        upstream=searched("DepthwiseConv2D channel dimension of the inputs should be defined, but is not"),
        remedy="Give the layer before it a complete inputShape.",
        since=FIRST,
        scope=subject(DEPTHWISE),
        effect=Metadata(("shape/unknown",), no_channels),
        witnesses=(DEPTHWISE_CONV2D_CASE,),
    ),
    deviation(
        "tfjs-depthwise-config-constraint",
        "The configuration of DepthwiseConv2D tells the regularizer of the kernel in place of its "
        "constraint.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional_depthwise.js:131 (DepthwiseConv2D.getConfig)",
        upstream=pull(8564),
        remedy="Remove the regularizer and the constraint before saving.",
        since=FIRST,
        scope=all_of(subject(DEPTHWISE), sets("depthwise_regularizer", "depthwise_constraint")),
        effect=Metadata(CONFIGURATIONS, regularizer_for_constraint),
        witnesses=(REGULARIZED_CASE,),
    ),
    deviation(
        "tfjs-depthwise-reconstructed-constraint",
        "A DepthwiseConv2D with a regularizer that is made from its configuration, as on loading, takes it "
        "for a constraint, and accepts no weights.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional_depthwise.js:131 (DepthwiseConv2D.getConfig)",
        upstream=pull(8564),
        remedy="Remove the regularizer before saving: a trained model does not need it.",
        since=FIRST,
        scope=all_of(subject(DEPTHWISE), sets("depthwise_regularizer")),
        effect=Raises("invalid-argument", "build", RECONSTRUCTED, "shape of the new value ()"),
        witnesses=(REGULARIZED_CASE,),
    ),
    deviation(
        "tfjs-separable-config-without-depth-multiplier",
        "The configuration of SeparableConv2D does not tell depth_multiplier: a model is saved as one "
        "with 1.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:806 (SeparableConv.getConfig)",
        upstream=issue(6083),
        remedy="Add the key to model.json after saving.",
        since="tfjs-layers 0.4.0 (2018)",
        scope=subject(SEPARABLE),
        effect=Metadata(CONFIGURATIONS, lacking("depth_multiplier")),
        witnesses=(SEPARABLE_CASE,),
    ),
    deviation(
        "tfjs-separable-reconstructed-depth-multiplier",
        "A SeparableConv2D with a depth_multiplier above 1 that is made from its configuration has 1, and "
        "the weights do not fit it.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:806 (SeparableConv.getConfig)",
        upstream=issue(6083),
        remedy="Add the key to the configuration before the layer is made from it.",
        since="tfjs-layers 0.4.0 (2018)",
        scope=all_of(subject(SEPARABLE), multiplies_channels),
        effect=Raises(
            "invalid-argument", "build", RECONSTRUCTED, "not compatible with provided weight shape"
        ),
        witnesses=(MULTIPLIED_CASE,),
    ),
    deviation(
        "tfjs-separable-pointwise-initializer",
        "pointwise_initializer is not read: the pointwise kernel begins as the depthwise one does. And the "
        "constructor looks for kernel_initializer, kernel_regularizer and kernel_constraint, to refuse them.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:745 (SeparableConv: config.depthwiseInitializer)",
        upstream=pull(8564),
        remedy="Set the pointwise kernel after building, where training begins from it.",
        since="tfjs-layers 0.4.0 (2018)",
        scope=subject(SEPARABLE),
        effect=Metadata((*CONFIGURATIONS, "signature"), one_initializer),
        witnesses=(SEPARABLE_CASE,),
    ),
    deviation(
        "tfjs-separable-channels-first-bias",
        "With channels first the bias of SeparableConv2D is added along the height, where that is as long "
        "as there are filters, or 1, and then becomes as long.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:794 (SeparableConv.call adds the bias before transposing)",
        upstream=searched("separableConv2d channelsFirst bias broadcast error"),
        remedy="Use channelsLast, or no bias.",
        since="tfjs-layers 0.4.0 (2018)",
        scope=all_of(subject(SEPARABLE), channels_first, without(unsets("use_bias")), bias_fits_height),
        effect=Value({"layers.convolved": bias_along_height}),
        witnesses=(
            configured(
                SEPARABLE,
                {"filters": 4, "kernel_size": 2, "padding": "same", "data_format": "channels_first"},
                1,
                3,
                4,
                6,
            ),
        ),
    ),
    deviation(
        "tfjs-separable-channels-first-activation",
        "With channels first SeparableConv2D applies softmax and log_softmax along the channels; in Keras "
        "they are along the last axis, the width.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:798 (SeparableConv.call activates before transposing)",
        upstream=searched("separableConv2d channelsFirst activation softmax axis wrong before transpose"),
        remedy="Use a Softmax layer with the axis that is meant.",
        since="tfjs-layers 0.4.0 (2018)",
        scope=all_of(subject(SEPARABLE), channels_first, activated_by({"softmax", "log_softmax"})),
        effect=Value({"activations.softmax": along_channels, "activations.log_softmax": along_channels}),
        witnesses=(
            configured(
                SEPARABLE,
                {
                    "filters": 3,
                    "kernel_size": 1,
                    "use_bias": False,
                    "activation": "softmax",
                    "data_format": "channels_first",
                },
                1,
                2,
                3,
                4,
            ),
        ),
    ),
    deviation(
        "tfjs-separable-channels-first-bias-gradient",
        "With channels first the output of SeparableConv2D, where it should be of a single row, is as high "
        "as there are filters, and no cotangent fits it.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:794 (SeparableConv.call adds the bias before transposing)",
        upstream=searched("separableConv2d channelsFirst bias broadcast error"),
        remedy="Use channelsLast, or no bias.",
        since="tfjs-layers 0.4.0 (2018)",
        scope=all_of(subject(SEPARABLE), channels_first, without(unsets("use_bias")), of_one_row),
        effect=Raises("invalid-argument", "gradient", GRADIENTS, "Cotangent 0 does not match its output"),
        witnesses=(
            configured(
                SEPARABLE, {"filters": 4, "kernel_size": 2, "data_format": "channels_first"}, 2, 3, 2, 4
            ),
        ),
    ),
    deviation(
        "tfjs-separable-channels-first-bias-refused",
        "With channels first the bias of SeparableConv2D does not fit the output unless that is as high as "
        "there are filters.",
        kind="bug",
        source=f"{LAYERS}/layers/convolutional.js:794 (SeparableConv.call adds the bias before transposing)",
        upstream=searched("separableConv2d channelsFirst bias broadcast error"),
        remedy="Use channelsLast, or no bias.",
        since="tfjs-layers 0.4.0 (2018)",
        scope=all_of(
            subject(SEPARABLE), channels_first, without(unsets("use_bias")), without(bias_fits_height)
        ),
        effect=Raises("invalid-argument", "call", NUMERIC, "could not be broadcast together"),
        witnesses=(
            configured(
                SEPARABLE, {"filters": 4, "kernel_size": 1, "data_format": "channels_first"}, 1, 3, 2, 5
            ),
        ),
    ),
)
