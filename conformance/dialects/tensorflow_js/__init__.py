"""What TensorFlow.js 4.22 does otherwise, on its plain JavaScript backend and on its WebAssembly backend."""

from conformance.dialects.deviation import Dialect
from conformance.dialects.tensorflow_js import (
    activations,
    advanced_activations,
    configuration,
    constructors,
    convolution,
    convolutional_recurrent,
    core,
    cpu,
    defaults,
    errors,
    exchange,
    gradients,
    guide,
    images,
    layers,
    losses,
    masks,
    memory,
    merging,
    methods,
    normalization,
    optimizers,
    pooling,
    preprocessing,
    randomness,
    recurrent,
    refusals,
    spatial,
    stacked_cells,
    training,
    wasm,
)

EVERYWHERE = (
    *activations.DEVIATIONS,
    *advanced_activations.DEVIATIONS,
    *defaults.DEVIATIONS,
    *layers.DEVIATIONS,
    *losses.DEVIATIONS,
    *masks.DEVIATIONS,
    *memory.DEVIATIONS,
    *merging.DEVIATIONS,
    *methods.DEVIATIONS,
    *core.DEVIATIONS,
    *normalization.DEVIATIONS,
    *optimizers.DEVIATIONS,
    *preprocessing.DEVIATIONS,
    *images.DEVIATIONS,
    *refusals.DEVIATIONS,
    *gradients.DEVIATIONS,
    *guide.DEVIATIONS,
    *configuration.DEVIATIONS,
    *constructors.DEVIATIONS,
    *pooling.DEVIATIONS,
    *spatial.DEVIATIONS,
    *convolution.DEVIATIONS,
    *recurrent.DEVIATIONS,
    *convolutional_recurrent.DEVIATIONS,
    *stacked_cells.DEVIATIONS,
    *errors.DEVIATIONS,
    *exchange.DEVIATIONS,
    *randomness.DEVIATIONS,
    *training.DEVIATIONS,
)
"""What tfjs-core and tfjs-layers do, whatever the backend."""

ONLY_CPU = (*cpu.DEVIATIONS, *losses.ONLY_CPU, *pooling.ONLY_CPU, *errors.ONLY_CPU)
ONLY_WASM = (
    *wasm.DEVIATIONS,
    *losses.ONLY_WASM,
    *pooling.ONLY_WASM,
    *errors.ONLY_WASM,
    *guide.ONLY_WASM,
)

DIALECTS = {
    "tfjs-cpu": Dialect((*EVERYWHERE, *ONLY_CPU)),
    "tfjs-wasm": Dialect((*EVERYWHERE, *ONLY_WASM)),
}
