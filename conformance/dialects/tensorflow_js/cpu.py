"""What only the plain JavaScript backend does."""

from __future__ import annotations

from conformance.dialects.tensorflow_js import advanced_activations, preprocessing
from conformance.dialects.tensorflow_js.activations import (
    RELU_GRADIENT,
    USES_HARD_SIGMOID,
    keras_2_hard_sigmoid,
    nan_gradient,
    relu6_slope,
    relu_slope,
)
from conformance.dialects.tensorflow_js.record import LAYERS

DEVIATIONS = (
    *advanced_activations.ON_CPU,
    *preprocessing.ON_CPU,
    keras_2_hard_sigmoid(USES_HARD_SIGMOID),
    nan_gradient("relu", relu_slope, RELU_GRADIENT),
    nan_gradient("relu6", relu6_slope, f"{LAYERS}/activations.js:80 (Relu6: the gradient of relu is NaN)"),
)
