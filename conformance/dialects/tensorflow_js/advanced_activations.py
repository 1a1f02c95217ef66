"""Activation functions that are layers, as TensorFlow.js has them: arguments that it does not read, gradients
at kinks, and what WebAssembly's kernels make of shared slopes and of NaN."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import (
    CONFIGURATIONS,
    GRADIENTS,
    OUTPUTS,
    Deviation,
    Metadata,
    Raises,
    Scope,
    Unpredictable,
    Value,
    subject,
)
from conformance.dialects.scopes import (
    all_of,
    any_of,
    asks,
    given_empty_batch,
    given_nan,
    omits,
    sets,
    without,
)
from conformance.dialects.tensorflow_js.activations import is_number, with_slope
from conformance.dialects.tensorflow_js.record import (
    CORE,
    LAYERS,
    WASM,
    deviation,
    issue,
    searched,
)
from conformance.reference_impl import activations
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.layers import ReLU
from conformance.reference_impl.primitives import (
    greater,
    greater_equal,
    maximum,
    minimum,
    multiply,
    reshape,
    unbroadcast,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor
from conformance.verdicts import Verdict


def clipped(original: Any, layer: ReLU, x: Tensor) -> Tensor:
    """max(x, 0), then clipped; slope and threshold are not read."""
    y = activations.relu(x)
    return y if layer.max_value is None else minimum(maximum(y, 0.0), layer.max_value)


def filled_with_zeros(original: Any, layer: ReLU, x: Tensor) -> Tensor:
    return Tensor(xp.zeros_like(x.value))


def clipped_by_xnnpack(original: Any, layer: ReLU, x: Tensor) -> Tensor:
    """The same, but the clip is 0 where it is given NaN."""
    most = layer.max_value

    def clip(y: Tensor) -> Tensor:
        return where(is_number(y), minimum(maximum(y, 0.0), most), 0.0)

    def slope(y: Tensor, out: Tensor) -> Tensor:
        return multiply(greater_equal(y, 0.0), greater_equal(most, y))

    return with_slope(activations.relu(x), function=clip, slope=slope)


class PReLUKernel(Composite):
    """α·x where x < 0, else x; the gradients are those of α·x where x is not above 0.

    `in_turn` takes the slopes one for each element in row-major order, and over again, which is no
    broadcasting where a shared axis follows one that is not; the gradients broadcast.
    """

    def compose(self, x: Tensor, alpha: Tensor, *, in_turn: bool) -> Tensor:
        if not in_turn:
            return where(greater(0.0, x), multiply(x, alpha), x)
        rows = reshape(x, shape=(x.size // alpha.size, alpha.size))
        sloped = multiply(rows, reshape(alpha, shape=(alpha.size,)))
        return reshape(where(greater(0.0, rows), sloped, rows), shape=x.shape)

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, alpha: Tensor, *, in_turn: bool
    ) -> Tensor:
        above = greater(x, 0.0)
        if position == 0:
            return where(above, cotangent, multiply(cotangent, alpha))
        return unbroadcast(where(above, 0.0, multiply(cotangent, x)), alpha.shape)


prelu_kernel = PReLUKernel()


def prelu(original: Any, x: Tensor, alpha: Tensor) -> Tensor:
    return prelu_kernel(x, alpha, in_turn=False)


def prelu_in_turn(original: Any, x: Tensor, alpha: Tensor) -> Tensor:
    return prelu_kernel(x, alpha, in_turn=True)


def given_zero(case: Case, data: Data) -> bool:
    """An input holds zero."""
    return any(bool((x == 0).any()) for x in data.inputs)


def reaches_six(case: Case, data: Data) -> bool:
    """The maximum is 6, and an input is exactly that."""
    return case.config.get("max_value") == 6 and any(bool((x == 6).any()) for x in data.inputs)


def shares_after_own(case: Case, data: Data) -> bool:
    """A slope is shared along an axis that follows one along which it is not; both are longer than 1."""
    if case.subject != "layers.PReLU":
        return False
    axes = case.config.get("shared_axes") or []
    shared = {axes} if isinstance(axes, int) else set(axes)
    own = [axis not in shared for axis, n in enumerate(data.inputs[0].shape) if axis and n > 1]
    return own != sorted(own)


def every_axis_fixed(case: Case, expected: list[list[int | None]]) -> list[list[int | None]]:
    """All known but the batch."""
    return [[None, *case.inputs[0].shape[1:]]]


def saying_alpha(case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """The slope under its name of Keras 2, which alone it is read by."""
    if "arguments" in expected:
        return {"arguments": saying_alpha(case, expected["arguments"]) | {"alpha": {"default": 0.3}}}
    told = {key: value for key, value in expected.items() if key != "negative_slope"}
    return told | {"alpha": case.config.get("alpha", 0.3)}


RELU = subject("layers.ReLU")
UNREAD = all_of(RELU, sets("negative_slope", "threshold"))
CLIPS_OTHERWISE = all_of(
    RELU, sets("max_value"), without(sets("negative_slope", "threshold")), any_of(given_nan, reaches_six)
)
NAN_AT_CLIP = all_of(RELU, sets("max_value"), given_nan)
MAXIMUM_OF_ZERO = all_of(RELU, lambda case, data: case.config.get("max_value") == 0)
NAN_HIDDEN = all_of(MAXIMUM_OF_ZERO, given_nan)

CLIPPED_NAN = draft_layer("layers.ReLU", {"max_value": 2.5}, [Literal((4,), (-1.0, "nan", 2.0, 3.0))])
SLOPED = draft_layer(
    "layers.ReLU", {"negative_slope": 0.5, "max_value": 3.0, "threshold": 0.5}, [recipe("normal", 5, 9)]
)
SHARED = draft_layer("layers.PReLU", {"shared_axes": [1, 2]}, [recipe("normal", 2, 3, 4, 5)])
SHARED_AFTER_OWN = draft_layer("layers.PReLU", {"shared_axes": [2]}, [recipe("normal", 2, 3, 4, 5)])
SLOPE = draft_layer("layers.LeakyReLU", {"negative_slope": 0.0625}, [recipe("normal", 5, 9)])
LEAKY = draft_layer("layers.LeakyReLU", {}, [recipe("normal", 3, 5)], training=True, once=True)

PRELU_GRADIENT = f"{CORE}/gradients/Prelu_grad.js:30 (mask: greater(x, 0))"


def relu_without_slope(scope: Scope) -> Deviation:
    """The entry about the arguments that ReLU does not read."""
    return deviation(
        "tfjs-relu-reads-only-max-value",
        "ReLU is max(x, 0), clipped at max_value: negative_slope and threshold are not read, and a model "
        "that has them computes otherwise.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:26, :31 (ReLU)",
        upstream=searched("layers.reLU negativeSlope threshold ignored"),
        remedy="Use leakyReLU for a slope; build a threshold from operations.",
        converted="writes the formula out as layers",
        since="keras 2.2.3 (2018)",
        scope=scope,
        effect=Value({"layers.ReLU.rectified": clipped}),
        witnesses=(SLOPED,),
    )


def relu_clips(scope: Scope, *witnesses: Case) -> Deviation:
    """The entry about the gradient of a maximum."""
    return deviation(
        "tfjs-relu-maximum-is-a-clip",
        "ReLU with a maximum is a clip of max(x, 0): the gradient at a maximum of 6 is passed on, which "
        "Keras's kernel for 6 does not, and it is NaN where the input is. Only training meets it.",
        kind="intentional",
        source=f"{LAYERS}/layers/advanced_activations.js:33 (ReLU); {CORE}/gradients/ClipByValue_grad.js",
        upstream=searched("wasm clipByValue NaN returns min value"),
        remedy="Nothing need be done, unless many inputs are exactly at the maximum.",
        since="tfjs-layers 0.7.5 (2018)",
        scope=scope,
        effect=Value({"layers.ReLU.rectified": clipped}),
        witnesses=witnesses,
    )


def prelu_gradient(scope: Scope) -> Deviation:
    """The entry about the gradient of PReLU at 0."""
    return deviation(
        "tfjs-prelu-gradient-at-zero",
        "The gradient of PReLU is α where the input is 0 or NaN; in Keras it is 0. Only training meets it, "
        "after a layer whose outputs are exactly 0.",
        kind="intentional",
        source=PRELU_GRADIENT,
        upstream=searched("prelu gradient at zero input alpha"),
        remedy="Nothing need be done, unless many inputs are exactly 0, as behind a ReLU.",
        since="tfjs-layers 0.9.2 (2019)",
        scope=all_of(subject("layers.PReLU"), any_of(given_zero, given_nan), scope),
        effect=Value({"layers.PReLU.with_slopes": prelu}, GRADIENTS),
        witnesses=(
            draft_layer("layers.PReLU", {}, [Literal((2, 3), (-1.0, 0.0, 2.0, 0.0, -0.5, 1.0))]),
            draft_layer("layers.PReLU", {}, [recipe("one_nan", 5, 8)]),
        ),
    )


AT_SIX = draft_layer("layers.ReLU", {"max_value": 6.0}, [Literal((4,), (-1.0, 3.0, 6.0, 7.0))])

DEVIATIONS = (
    deviation(
        "tfjs-relu-maximum-of-zero-has-no-gradient",
        "With max_value 0 the layer is a constant that the tape knows nothing of, and its gradient throws; "
        "Keras gives 0.",
        kind="bug",
        source=f"{CORE}/ops/clip_by_value.js:41 (fill, where both limits are the same)",
        upstream=searched("wasm clipByValue NaN returns min value"),
        remedy="Leave such a layer out: all that it gives is 0.",
        since="tfjs-core 3.21.0 (2022)",
        scope=MAXIMUM_OF_ZERO,
        effect=Raises(
            "missing-kernel",
            "gradient",
            GRADIENTS,
            "the outputs do not depend on",
        ),
        witnesses=(draft_layer("layers.ReLU", {"max_value": 0.0}, [recipe("normal", 5, 9)]),),
    ),
    deviation(
        "tfjs-relu-maximum-of-zero-hides-nan",
        "With max_value 0 the layer gives 0 for NaN too.",
        kind="bug",
        source=f"{CORE}/ops/clip_by_value.js:41 (fill, where both limits are the same)",
        upstream=searched("wasm clipByValue NaN returns min value"),
        remedy="Leave such a layer out: all that it gives is 0.",
        since="tfjs-core 3.21.0 (2022)",
        scope=NAN_HIDDEN,
        effect=Value(
            {"layers.ReLU.rectified": filled_with_zeros},
            OUTPUTS,
        ),
        witnesses=(
            draft_layer("layers.ReLU", {"max_value": 0.0}, [recipe("one_nan", 5, 9)]),
            draft_layer("layers.ReLU", {"max_value": 0.0, "negative_slope": 3.0}, [recipe("one_nan", 5, 9)]),
        ),
    ),
    deviation(
        "tfjs-leaky-relu-negative-slope-unread",
        "LeakyReLU reads its slope as alpha, as in Keras 2, and not as negative_slope: a layer of Keras 3 "
        "has the slope 0.3 here, whatever it had.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:58 (LeakyReLU)",
        upstream=searched("leakyReLU negative_slope Keras 3 model converted wrong output alpha"),
        remedy="Rename the key to alpha in model.json before loading.",
        converted="renames it",
        since="keras 3.0.0 (2023)",
        scope=all_of(subject("layers.LeakyReLU"), without(omits("negative_slope"))),
        effect=Value({"layers.LeakyReLU.slope": lambda original, layer: 0.3}),
        witnesses=(SLOPE,),
    ),
    deviation(
        "tfjs-leaky-relu-tells-alpha",
        "The configuration and the constructor call the slope alpha, as in Keras 2; Keras 3 takes that too, "
        "with a warning.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:58, :68 (LeakyReLU)",
        upstream=searched("leakyReLU negative_slope Keras 3 model converted wrong output alpha"),
        remedy="Read alpha where you look for negative_slope.",
        since="keras 3.0.0 (2023)",
        scope=subject("layers.LeakyReLU"),
        effect=Metadata((*CONFIGURATIONS, "signature"), saying_alpha),
        witnesses=(LEAKY, SLOPE),
    ),
    deviation(
        "tfjs-elu-alpha",
        "ELU with an alpha other than 1 is refused.",
        kind="intentional",
        source=f"{LAYERS}/layers/advanced_activations.js:153 (ELU)",
        upstream=searched("ELU layer Non-default alpha value is not supported"),
        remedy="Scale the negative part by hand.",
        converted="writes relu(x) − alpha · relu(−elu(x))",
        since="tfjs-layers 0.2.0 (2018)",
        scope=all_of(subject("layers.ELU"), lambda case, data: case.config.get("alpha", 1) != 1),
        effect=Raises("not-implemented", "construction", ("*",), "Non-default alpha value"),
        witnesses=(draft_layer("layers.ELU", {"alpha": 0.5}, [recipe("normal", 5, 9)]),),
    ),
    deviation(
        "tfjs-prelu-fixes-shared-axes",
        "Once it is built, PReLU with shared axes takes inputs of one size only, along the shared axes too: "
        "images of another size are refused, which Keras takes.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:117 (PReLU.build: axes[i] for every axis)",
        upstream=searched("PReLU layer sharedAxes inputSpec different input size error"),
        remedy="Build a model for each size of images, or bring them to one size.",
        since="tfjs-layers 0.9.2 (2019)",
        scope=all_of(subject("layers.PReLU"), sets("shared_axes")),
        effect=Metadata(("shape/unknown",), every_axis_fixed),
        witnesses=(SHARED,),
    ),
    deviation(
        "tfjs-thresholded-relu-has-no-gradient",
        "No gradient can be taken through ThresholdedReLU: a model with it cannot be trained.",
        kind="bug",
        source=f"{LAYERS}/layers/advanced_activations.js:188 (ThresholdedReLU.call: greater has no gradient)",
        upstream=searched("thresholdedReLU gradient function not found for Greater"),
        remedy="Train elsewhere, or write the threshold out with operations that have gradients.",
        since="tfjs-layers 0.2.0 (2018)",
        scope=all_of(subject("layers.ThresholdedReLU"), asks("gradient/*")),
        effect=Raises(
            "missing-kernel",
            "gradient",
            GRADIENTS,
            "gradient function not found for Greater",
        ),
        witnesses=(draft_layer("layers.ThresholdedReLU", {}, [recipe("normal", 5, 9)]),),
    ),
)

ON_CPU = (
    relu_without_slope(all_of(UNREAD, without(NAN_HIDDEN))),
    relu_clips(CLIPS_OTHERWISE, AT_SIX, CLIPPED_NAN),
    prelu_gradient(subject("layers.PReLU")),
)
"""What the plain JavaScript backend does, beside `DEVIATIONS`."""

ON_WASM = (
    relu_without_slope(all_of(UNREAD, without(NAN_AT_CLIP), without(NAN_HIDDEN))),
    relu_clips(all_of(CLIPS_OTHERWISE, without(given_nan)), AT_SIX),
    deviation(
        "tfjs-wasm-relu-maximum-of-nan",
        "ReLU with a maximum is 0 for NaN, so that a NaN upstream goes unnoticed; its gradient is NaN.",
        kind="bug",
        source=f"{WASM}/kernels/ClipByValue.js (src/cc/kernels/ClipByValue.cc:65: XNNPACK's clamp gives its "
        "lower limit for NaN)",
        upstream=searched("wasm clipByValue NaN returns min value"),
        remedy="Check for NaN before the layer.",
        since="tfjs-backend-wasm 3.14.0 (2022)",
        scope=NAN_AT_CLIP,
        effect=Value({"layers.ReLU.rectified": clipped_by_xnnpack}),
        witnesses=(CLIPPED_NAN,),
    ),
    prelu_gradient(without(shares_after_own)),
    deviation(
        "tfjs-wasm-prelu-gradient-of-empty-batch",
        "Over an empty batch the gradient of PReLU's slopes is whatever the memory held, not 0.",
        kind="bug",
        source=f"{WASM}/kernels/Sum.js:52 (of a tensor without elements nothing is written)",
        upstream=searched("wasm empty tensor transpose RuntimeError divide by zero"),
        remedy="Do not train on an empty batch.",
        since="tfjs-backend-wasm 2.1.0 (2020)",
        scope=all_of(subject("layers.PReLU"), given_empty_batch),
        effect=Unpredictable(
            Verdict.DIVERGES, ("gradient/weight/alpha", "training/gradient/weight/alpha"), "expected"
        ),
        witnesses=(draft_layer("layers.PReLU", {}, [recipe("normal", 0, 4)]),),
    ),
    deviation(
        "tfjs-wasm-prelu-slopes-in-turn",
        "The kernel takes PReLU's slopes in turn and broadcasts nothing: where an axis that is shared "
        "follows one that is not, elements get others' slopes.",
        kind="bug",
        source=f"{WASM}/kernels/Prelu.js:43 (src/cc/prelu_impl.cc:59: as many channels as there are slopes)",
        upstream=issue(7458),
        remedy="Share the leading axes of a sample only, or run the model on another backend.",
        since="tfjs-backend-wasm 1.3.0 (2019)",
        scope=shares_after_own,
        effect=Value({"layers.PReLU.with_slopes": prelu_in_turn}),
        witnesses=(SHARED_AFTER_OWN,),
    ),
)
"""What the WebAssembly backend does, beside `DEVIATIONS`."""
