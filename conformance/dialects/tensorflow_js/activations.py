"""Activation functions of TensorFlow.js that differ from Keras 3's in value or in gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.dialects.deviation import GRADIENTS, Deviation, Scope, Value, everywhere, subject
from conformance.dialects.scopes import (
    ACTIVATION_LAYERS,
    activated_by,
    all_of,
    any_of,
    given_infinity,
    given_nan,
    omits,
)
from conformance.dialects.tensorflow_js.record import (
    CONV_LSTM,
    CORE,
    FIRST,
    LAYERS,
    deviation,
    searched,
)
from conformance.reference_impl.activations import SELU_ALPHA, SELU_SCALE, Activation
from conformance.reference_impl.primitives import (
    absolute,
    add,
    divide,
    exp,
    greater,
    greater_equal,
    maximum,
    minimum,
    multiply,
    where,
)
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, constant

Slope = Callable[[Tensor, Tensor], Tensor]
"""(input, output) → the derivative there"""


def hard_sigmoid(original: Activation, x: Tensor) -> Tensor:
    """0.2·x + 0.5, clipped to [0, 1], as Keras 2 had it; the derivative is 0.2 at the edges."""
    return minimum(maximum(add(multiply(x, 0.2), 0.5), 0.0), 1.0)


def softsign(original: Activation, x: Tensor) -> Tensor:
    """x / (|x| + 1), differentiated operation by operation."""
    return divide(x, add(absolute(x), 1.0))


def is_number(x: Tensor) -> Tensor:
    """1 where x is a number, 0 where it is NaN."""
    return add(greater_equal(x, 0.0), greater(0.0, x))


class WithSlope(Composite):
    """A function whose slope is given as a function of its input and output."""

    def compose(self, x: Tensor, *, function: Callable[[Tensor], Tensor], slope: Slope) -> Tensor:
        return function(x)

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        *,
        function: Callable[[Tensor], Tensor],
        slope: Slope,
    ) -> Tensor:
        return multiply(cotangent, slope(x, out))


with_slope = WithSlope()


def relu_slope(x: Tensor, out: Tensor) -> Tensor:
    """`tf.step`: 1 where x > 0, NaN where x is."""
    return where(is_number(x), greater(x, 0.0), x)


def relu6_slope(x: Tensor, out: Tensor) -> Tensor:
    """The slope of min(6, relu(x)): that of the minimum, 0 where it is 6, times that of relu."""
    return where(is_number(x), multiply(greater(x, 0.0), greater(6.0, x)), x)


def elu_slope(x: Tensor, out: Tensor) -> Tensor:
    """The kernel EluGrad: 1 where y ≥ 0, else y + 1."""
    return where(greater_equal(out, 0.0), constant(1.0, x), add(out, 1.0))


def selu_slope(x: Tensor, out: Tensor) -> Tensor:
    """scale where x > 0, else scale·α·eˣ."""
    return where(greater(x, 0.0), constant(SELU_SCALE, x), multiply(exp(x), SELU_SCALE * SELU_ALPHA))


def sloped(slope: Slope) -> Callable[..., Tensor]:
    """The patch that gives a function another slope."""

    def patch(original: Activation, x: Tensor, **arguments: Any) -> Tensor:
        return with_slope(x, function=partial(original, **arguments), slope=slope)

    return patch


RELU_GRADIENT = f"{CORE}/gradients/Relu_grad.js (reluGradConfig: dy·step(x))"

NAN = recipe("one_nan", 5, 8)


def makes_nan(case: Case, data: Data) -> bool:
    """An input holds NaN, or an infinity of which the layer around the function may make NaN."""
    around = case.subject.startswith("layers.") and case.subject not in ACTIVATION_LAYERS
    return given_nan(case, data) or (around and given_infinity(case, data))


def nan_gradient(name: str, slope: Slope, source: str, elsewhere: Scope = everywhere) -> Deviation:
    """The entry about a function whose gradient is NaN where its input is.

    Args:
        elsewhere: what else the scope asks, where a kernel does otherwise on some layers.
    """
    return deviation(
        f"tfjs-{name}-gradient-of-nan",
        f"The gradient of {name} is NaN where its input is; Keras on TensorFlow passes a number on. Only "
        "training meets it.",
        kind="intentional",
        source=source,
        upstream=searched("relu gradient NaN input elu selu grad step NaN"),
        remedy="Find where the NaN comes from: nothing can be trained through it.",
        since="tfjs-core 0.5.0 (2018)",
        scope=all_of(activated_by({name}), makes_nan, elsewhere),
        effect=Value({f"activations.{name}": sloped(slope)}),
        witnesses=(draft_activation(name, {}, NAN),),
    )


USES_HARD_SIGMOID = any_of(
    activated_by({"hard_sigmoid"}),
    all_of(
        subject("layers.GRU", "layers.GRUCell", "layers.LSTM", "layers.LSTMCell", *CONV_LSTM),
        omits("recurrent_activation"),
    ),
)


def keras_2_hard_sigmoid(scope: Scope) -> Deviation:
    """The entry about the formula of hard_sigmoid."""
    return deviation(
        "tfjs-hard-sigmoid-of-keras-2",
        "hard_sigmoid is clip(0.2·x + 0.5, 0, 1), as in Keras 2; Keras 3 has relu6(x + 3)/6. A model that "
        "names it computes something else here.",
        kind="bug",
        source=f"{LAYERS}/backend/tfjs_backend.js:619 (hardSigmoid)",
        upstream=searched("hardSigmoid differs Keras 3"),
        remedy="Retrain it with sigmoid, or with the formula written out.",
        converted="writes it as a Rescaling and a ReLU",
        since="keras 3.0.0 (2023)",
        scope=scope,
        effect=Value({"activations.hard_sigmoid": hard_sigmoid}),
        witnesses=(
            draft_activation("hard_sigmoid", {}, recipe("normal", 5, 8)),
            draft_layer("layers.Dense", {"units": 7, "activation": "hard_sigmoid"}, [recipe("normal", 4, 5)]),
        ),
    )


DEVIATIONS = (
    deviation(
        "tfjs-softsign-gradient-composed",
        "The gradient of softsign is that of its operations, 1/b − |x|/b² with b = |x| + 1, which cancels "
        "for large |x| and is NaN at infinity, where 1/b² is 0. Only training meets it.",
        kind="precision",
        source=f"{LAYERS}/backend/tfjs_backend.js:594 (softsign); {CORE}/gradients/RealDiv_grad.js",
        upstream=searched("softsign activation gradient"),
        remedy="Keep the inputs of softsign small, by a normalization before it.",
        since=FIRST,
        scope=activated_by({"softsign"}),
        effect=Value({"activations.softsign": softsign}, GRADIENTS),
        witnesses=(
            draft_activation("softsign", {}, recipe("one_infinity", 5, 8)),
            draft_activation("softsign", {}, recipe("saturating", 5, 8)),
        ),
    ),
    nan_gradient("elu", elu_slope, f"{CORE}/gradients/Elu_grad.js (EluGrad: dy·(y + 1) unless y ≥ 0)"),
    nan_gradient("selu", selu_slope, f"{CORE}/gradients/Selu_grad.js (dy·scaleAlpha·exp(x) unless x > 0)"),
)
