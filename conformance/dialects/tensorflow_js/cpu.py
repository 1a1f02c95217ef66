"""What only the plain JavaScript backend does."""

from __future__ import annotations

from conformance.dialects.deviation import Value
from conformance.dialects.scopes import all_of, given_nan
from conformance.dialects.tensorflow_js.activations import (
    RELU_GRADIENT,
    USES_HARD_SIGMOID,
    keras_2_hard_sigmoid,
    nan_gradient,
    relu6_slope,
    relu_slope,
)
from conformance.dialects.tensorflow_js.merging import (
    EXTREMA,
    EXTREMUM_OF_NAN,
    EXTREMUM_TARGETS,
    nan_without_gradient,
)
from conformance.dialects.tensorflow_js.record import CORE, LAYERS, deviation

DEVIATIONS = (
    keras_2_hard_sigmoid(USES_HARD_SIGMOID),
    nan_gradient("relu", relu_slope, RELU_GRADIENT),
    nan_gradient("relu6", relu6_slope, f"{LAYERS}/activations.js:80 (Relu6: the gradient of relu is NaN)"),
    deviation(
        "tfjs-cpu-extremum-gradient-of-nan",
        "Where an input of Maximum or Minimum is NaN, no input has a gradient; in Keras the second one has "
        "it. Only training meets it; look for the NaN itself.",
        kind="intentional",
        source=f"{CORE}/gradients/Maximum_grad.js:27, Minimum_grad.js:27 (derA, derB: dy times a comparison)",
        scope=all_of(EXTREMA, given_nan),
        effect=Value(
            dict.fromkeys(EXTREMUM_TARGETS, nan_without_gradient), ("gradient/*", "training/gradient/*")
        ),
        witnesses=EXTREMUM_OF_NAN,
    ),
)
