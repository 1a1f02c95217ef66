"""What only the plain JavaScript backend does."""

from __future__ import annotations

from conformance.dialects.deviation import Raises
from conformance.dialects.tensorflow_js.activations import (
    RELU_GRADIENT,
    USES_HARD_SIGMOID,
    keras_2_hard_sigmoid,
    nan_gradient,
    relu6_slope,
    relu_slope,
)
from conformance.dialects.tensorflow_js.convolution import ADDS_BIAS_TO_NOTHING, EMPTY_CASE, OF_BIAS
from conformance.dialects.tensorflow_js.record import CORE, LAYERS, deviation

DEVIATIONS = (
    keras_2_hard_sigmoid(USES_HARD_SIGMOID),
    nan_gradient("relu", relu_slope, RELU_GRADIENT),
    nan_gradient("relu6", relu6_slope, f"{LAYERS}/activations.js:80 (Relu6: the gradient of relu is NaN)"),
    deviation(
        "tfjs-bias-gradient-of-empty-batch",
        "Over an empty batch the gradient of a bias that is added apart throws: do not train on one.",
        kind="bug",
        source=f"{CORE}/ops/broadcast_util.js:49 (getReductionAxes: an axis of size 0 is not reduced)",
        scope=ADDS_BIAS_TO_NOTHING,
        effect=Raises("invalid-argument", "gradient", OF_BIAS, "The new shape"),
        witnesses=(EMPTY_CASE,),
    ),
)
