"""The side of Keras, on the backend that `KERAS_BACKEND` names, with so many threads as its argument says.

On TensorFlow a layer is called as `keras.Model.predict` calls a model: in a function compiled as the model
says (without a GPU as a graph, not by XLA), here of tensors that are there already; on NumPy, which compiles
nothing, it is called. TensorFlow's kernels are those that it has by default, oneDNN's among them.
"""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from benchmarks.layers.side import Computation, serve
from benchmarks.layers.workloads import Workload, cotangent


def model_of(workload: Workload) -> tuple[Any, Any]:
    """A model of the one layer with the workload's weights, and its input."""
    import keras

    layer = getattr(keras.layers, workload.layer)(**workload.config)
    model = keras.Sequential([keras.Input(batch_shape=workload.shape), layer])
    x, weights = workload.numbers([(weight.name, tuple(weight.shape)) for weight in layer.weights])
    layer.set_weights(weights)
    return model, x


def on_numpy(workload: Workload) -> dict[str, Computation]:
    model, x = model_of(workload)
    return {"forward": lambda: [np.asarray(model(x, training=workload.training))]}


def on_tensorflow(workload: Workload) -> dict[str, Computation]:
    import tensorflow as tf

    model, array = model_of(workload)
    x, c = tf.constant(array), tf.constant(cotangent(model.output_shape))
    trained = [variable.value for variable in model.trainable_variables]

    def forward(x: Any) -> Any:
        return [model(x, training=workload.training)]

    def forward_and_backward(x: Any, c: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = model(x, training=workload.training)
        return [y, *tape.gradient(y, [x, *trained], output_gradients=c)]

    def compiled(function: Callable[..., Any], *operands: Any) -> Computation:
        graph = tf.function(function, jit_compile=model.jit_compile)
        graph(*operands)

        def compute() -> Iterable[Any]:
            return [tensor.numpy() for tensor in graph(*operands)]

        return compute

    return {
        "forward": compiled(forward, x),
        "forward and backward": compiled(forward_and_backward, x, c),
    }


def main(threads: int) -> None:
    import keras

    backend = keras.config.backend()
    about = {"python": platform.python_version(), "numpy": np.__version__, "keras": keras.__version__}
    if backend == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        about |= {"tensorflow": tf.__version__}
        serve(on_tensorflow, about)
    else:
        about["jax"] = importlib.metadata.version("jax")  # it is what convolves and pools there
        serve(on_numpy, about)


if __name__ == "__main__":
    main(int(sys.argv[1]))
