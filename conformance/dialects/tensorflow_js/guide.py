"""What the guides say of TensorFlow.js and does not hold, in all of its backends or in one."""

from __future__ import annotations

from typing import Any

from conformance.cases.case import Case
from conformance.cases.guide import ROWS
from conformance.dialects.deviation import Metadata, Raises, subject
from conformance.dialects.tensorflow_js.record import (
    ADAMAX_SEARCHED,
    CORE,
    FIRST,
    LAYERS,
    WASM,
    deviation,
    issue,
    pull,
    searched,
)


def _without_training(case: Case, expected: Any) -> Any:
    return expected | {"compilation": False, "state": False}


DEVIATIONS = (
    deviation(
        "tfjs-guide-end-of-training-without-logs",
        "`onTrainEnd` is told nothing, where Keras's `on_train_end` is told the logs of the last epoch.",
        kind="intentional",
        source=f"{LAYERS}/engine/training.js LayersModel.fitLoop, `callbackList.onTrainEnd()`",
        upstream=searched("onTrainEnd callback logs undefined"),
        remedy="Keep the logs of the last onEpochEnd.",
        since=FIRST,
        scope=subject("guide.G15"),
        effect=Metadata(("guide/javascript/hooks",), lambda case, expected: [*expected[:-1], "TrainEnd"]),
        witnesses=(ROWS["G15"].case,),
    ),
    deviation(
        "tfjs-guide-learning-rate-in-an-object",
        "Optimizers take numbers by position: `tf.train.sgd({lr: 0.2})`, as the guide prints it, takes the "
        "object for the learning rate, and the first step makes every weight NaN.",
        kind="bug",
        source=f"{CORE}/optimizers/optimizer_constructors.js OptimizerConstructors.sgd",
        upstream=searched("tf.train.sgd object learning rate NaN weights {lr:} optimizer argument"),
        remedy="Write `tf.train.sgd(0.2)`.",
        since="tfjs-core 0.5.0 (2018)",
        scope=subject("guide.G10"),
        effect=Metadata(("guide/javascript/printed",), lambda case, expected: False),
        witnesses=(ROWS["G10"].case,),
    ),
    deviation(
        "tfjs-guide-empty-batch",
        "`predict` refuses a batch without samples, by an error about something else.",
        kind="bug",
        source=f"{LAYERS}/engine/training.js LayersModel.predictLoop",
        upstream=searched("model.predict empty batch 0 samples error"),
        remedy="Do not call `predict` with nothing.",
        since="tfjs-layers 0.10.0 (2019)",
        scope=subject("guide.M03"),
        effect=Raises(
            "invalid-argument",
            "call",
            ("guide/javascript/empty-batch",),
            "Pass at least one tensor to concat",
        ),
        witnesses=(ROWS["M03"].case,),
    ),
    deviation(
        "tfjs-guide-custom-layer-serialized",
        "A model with a custom layer can be serialized: its class is named in the JSON, and loading needs "
        "it to be registered by `tf.serialization.registerClass`.",
        kind="intentional",
        source=f"{LAYERS}/engine/container.js Container.getConfig",
        upstream=searched("custom layer save model Unknown layer registerClass loadLayersModel"),
        remedy="Register the class by `tf.serialization.registerClass` before loading.",
        since=FIRST,
        scope=subject("guide.M13"),
        effect=Metadata(("guide/javascript/serialized",), lambda case, expected: "SquaredSum"),
        witnesses=(ROWS["M13"].case,),
    ),
    deviation(
        "tfjs-guide-save-without-optimizer",
        "`model.save(place)` saves neither how the model was compiled nor the state of its optimizer: "
        "training can be resumed only from `model.save(place, {includeOptimizer: true})`.",
        kind="intentional",
        source=f"{LAYERS}/engine/training.js LayersModel.save",
        upstream=pull(532, "tfjs-layers"),
        remedy="Save by `model.save(place, {includeOptimizer: true})`.",
        since="tfjs-layers 1.2.3 (2019)",
        scope=subject("guide.M11"),
        effect=Metadata(("guide/javascript/saved",), _without_training),
        witnesses=(ROWS["M11"].case,),
    ),
    deviation(
        "tfjs-guide-adamax-not-saved",
        "The state of an Adamax optimizer can neither be saved nor loaded: training with it cannot be "
        "resumed.",
        kind="bug",
        source=f"{CORE}/optimizers/adamax_optimizer.js AdamaxOptimizer.getWeights",
        upstream=ADAMAX_SEARCHED,
        remedy="Train with Adam, whose state is saved.",
        since="tfjs-core 1.2.0 (2019)",
        scope=subject("guide.M11"),
        effect=Raises(
            "not-implemented",
            "call",
            ("guide/javascript/resumed-adamax",),
            "getWeights() is not implemented for Adamax yet",
        ),
        witnesses=(ROWS["M11"].case,),
    ),
)

ONLY_WASM = (
    deviation(
        "tfjs-wasm-guide-no-training-of-convolutions",
        "A model with a convolution predicts and evaluates on WebAssembly, but cannot be trained: there is "
        "no kernel for the gradient by its filter.",
        kind="bug",
        source=f"{WASM}/register_all_kernels.js, which has no Conv2DBackpropFilter",
        upstream=issue(8474),
        remedy="Train on another backend, then run on this one.",
        since="tfjs-backend-wasm 1.3.2 (2019)",
        scope=subject("guide.I04"),
        effect=Raises(
            "missing-kernel", "call", ("guide/javascript/training",), "Kernel 'Conv2DBackpropFilter'"
        ),
        witnesses=(ROWS["I04"].case,),
    ),
)
