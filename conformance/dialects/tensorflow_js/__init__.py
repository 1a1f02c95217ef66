"""What TensorFlow.js 4.22 does otherwise, on its plain JavaScript backend and on its WebAssembly backend."""

from conformance.dialects.deviation import Dialect
from conformance.dialects.tensorflow_js import (
    activations,
    advanced_activations,
    configuration,
    constructors,
    cpu,
    defaults,
    gradients,
    layers,
    normalization,
    preprocessing,
    refusals,
    wasm,
)

EVERYWHERE = (
    *activations.DEVIATIONS,
    *advanced_activations.DEVIATIONS,
    *defaults.DEVIATIONS,
    *layers.DEVIATIONS,
    *normalization.DEVIATIONS,
    *preprocessing.DEVIATIONS,
    *refusals.DEVIATIONS,
    *gradients.DEVIATIONS,
    *configuration.DEVIATIONS,
    *constructors.DEVIATIONS,
)
"""What tfjs-core and tfjs-layers do, whatever the backend."""

DIALECTS = {
    "tfjs-cpu": Dialect((*EVERYWHERE, *cpu.DEVIATIONS)),
    "tfjs-wasm": Dialect((*EVERYWHERE, *wasm.DEVIATIONS)),
}
