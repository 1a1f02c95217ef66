"""Global pooling of TensorFlow.js: arguments and masks that it does not read, gradients of elements that tie,
and how a mean is rounded."""

from __future__ import annotations

import math
from typing import Any

from conformance.cases.case import Case, Literal
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import GRADIENTS, Value, subject
from conformance.dialects.scopes import all_of, asks, channels_first, given_mask, sets
from conformance.dialects.tensorflow_js.configuration import unread
from conformance.dialects.tensorflow_js.layers import NON_NEGATIVE
from conformance.dialects.tensorflow_js.pooling import IMAGE, ONE_DIMENSION, SERIES, TIES
from conformance.dialects.tensorflow_js.record import CORE, CPU, LAYERS, deviation, searched
from conformance.reference_impl.primitives import broadcast_to, divide, greater_equal, multiply, total
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor

GLOBAL_MAX = ("layers.GlobalMaxPooling1D", "layers.GlobalMaxPooling2D")
GLOBAL_AVERAGE = ("layers.GlobalAveragePooling1D", "layers.GlobalAveragePooling2D")

CENTRED = Literal((1, 17), tuple(map(float, (0, 0, 3, -1, 0, 0, 4, 1, -3, -4, 2, 4, -3, 0, -1, -2, 0))))
"""The sum is 0, that of its seventeenths is not."""


def sum_of_quotients(original: Any, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return total(divide(x, float(math.prod(x.shape[axis] for axis in axes))), axis=axes, keepdims=True)


def pools_inner_axes(case: Case, data: Data) -> bool:
    """Global pooling over axes behind which there are others."""
    in_line = case.subject.endswith("1D")
    return case.subject in (*GLOBAL_MAX, *GLOBAL_AVERAGE) and (in_line or not channels_first(case, data))


def ties_or_nan(case: Case, data: Data) -> bool:
    """A channel has its largest element twice, or is NaN somewhere."""
    if case.subject not in GLOBAL_MAX or not data.inputs[0].size:
        return False
    x = data.inputs[0]
    first = channels_first(case, data) and case.subject not in ONE_DIMENSION
    axes = tuple(range(2, x.ndim)) if first else tuple(range(1, x.ndim - 1))
    return bool(((x == x.max(axis=axes, keepdims=True)).sum(axis=axes) != 1).any())


class GivenToEach(Composite):
    """The largest element along an axis; each of those that tie is given the whole cotangent."""

    def compose(self, x: Tensor, *, axis: int, largest: Any) -> Tensor:
        y: Tensor = largest(x, axis)
        return y

    def vjp(
        self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, axis: int, largest: Any
    ) -> Tensor:
        return multiply(greater_equal(x, broadcast_to(out, shape=x.shape)), cotangent)


given_to_each = GivenToEach()

DEVIATIONS = (
    unread(
        "pooling-keepdims",
        ("keepdims",),
        subject(*GLOBAL_AVERAGE, *GLOBAL_MAX),
        "keepdims is not known to global pooling; the configuration does not tell it.",
        "layers/pooling.js:422 (GlobalPooling1D), :467 (GlobalPooling2D)",
        searched("globalAveragePooling2d keepdims ignored converted model"),
        (
            draft_layer("layers.GlobalMaxPooling2D", {}, [IMAGE], once=True),
            draft_layer("layers.GlobalAveragePooling1D", {"keepdims": True}, [SERIES]),
        ),
        since="keras 2.6.0 (2021)",
    ),
    deviation(
        "tfjs-global-pooling-drops-space",
        "Global pooling drops the spatial dimensions also with keepdims.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:422 (GlobalPooling1D), :467 (GlobalPooling2D)",
        upstream=searched("globalAveragePooling2d keepdims ignored converted model"),
        remedy="Put a Reshape behind it.",
        converted="puts a Reshape behind it",
        since="keras 2.6.0 (2021)",
        scope=all_of(subject(*GLOBAL_AVERAGE, *GLOBAL_MAX), sets("keepdims")),
        effect=Value({"layers.GlobalPooling.keeps_space": lambda original, layer: False}),
        witnesses=(draft_layer("layers.GlobalMaxPooling2D", {"keepdims": True}, [IMAGE]),),
    ),
    deviation(
        "tfjs-global-average-pooling-ignores-mask",
        "Masked steps count in the mean; Keras leaves them out. A model that pools padded sequences "
        "computes something else.",
        kind="bug",
        source=f"{LAYERS}/layers/pooling.js:441 (GlobalAveragePooling1D.call never reads `mask`)",
        upstream=searched("globalAveragePooling1d mask masking embedding maskZero ignored"),
        remedy="Write the masked mean out: multiply by the mask, sum, and divide by the number of steps "
        "that count.",
        since="keras 2.2.3 (2018)",
        scope=all_of(subject("layers.GlobalAveragePooling1D"), given_mask),
        effect=Value({"layers.GlobalAveragePooling1D.heeded_mask": lambda original, context: None}),
        witnesses=(
            draft_layer(
                "layers.GlobalAveragePooling1D",
                {},
                [SERIES],
                masks=[recipe("mask_right_padded", 2, 7, dtype="bool")],
            ),
        ),
    ),
    deviation(
        "tfjs-global-max-pooling-gradient-at-ties",
        "Each of several elements that are the largest gets the whole gradient, which Keras divides among "
        "them; where the largest is NaN they get 0, not NaN. Only training meets it.",
        kind="bug",
        source=f"{CORE}/gradients/min_max_grad_util.js:34 (gradForMinAndMax)",
        upstream=searched("globalMaxPooling max gradient ties multiple maximum"),
        remedy="Nothing need be done, unless many elements tie, as behind a ReLU.",
        since="tfjs-core 0.13.4 (2018)",
        scope=all_of(ties_or_nan, asks("*gradient/*")),
        effect=Value(
            {
                "layers.GlobalMaxPooling.largest_place": lambda original, x, axis: given_to_each(
                    x, axis=axis, largest=original
                )
            },
            GRADIENTS,
        ),
        witnesses=(draft_layer("layers.GlobalMaxPooling2D", {}, [TIES]),),
    ),
)
"""What every backend does."""

ONLY_CPU = (
    deviation(
        "tfjs-cpu-mean-of-quotients",
        "A mean, in global average pooling and in normalization, is that of every element divided, and then "
        "added: it rounds as often as there are elements, where a sum of small integers would be exact.",
        kind="precision",
        source=f"{CPU}/kernels/Mean.js:33 (mean: div before sum)",
        upstream=searched("globalAveragePooling mean precision float sum rounding cpu backend"),
        remedy="Nothing need be done, but where integers have to be exact.",
        since="tfjs-core 0.5.0 (2018)",
        scope=subject(*GLOBAL_AVERAGE, "layers.BatchNormalization", "layers.LayerNormalization"),
        effect=Value({"layers.averaged": sum_of_quotients}),
        witnesses=(
            draft_layer("layers.GlobalAveragePooling1D", {}, [recipe("lattice", 3, 7, 8)]),
            draft_layer("layers.LayerNormalization", {}, [CENTRED]),
            draft_layer("layers.LayerNormalization", {"beta_constraint": NON_NEGATIVE}, [CENTRED]),
        ),
    ),
)
"""What the plain JavaScript backend does."""
