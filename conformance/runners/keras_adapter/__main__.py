"""Start TensorFlow as its identity says, then answer cases; nothing heavy is imported before the streams
are the protocol's."""

from __future__ import annotations

from conformance.runners.protocol import ConcreteCase, Identity, Observed, Start
from conformance.runners.serve import serve


def start(request: Start) -> Identity:
    """Fix all that changes bits before TensorFlow's first operation, and say who answers.

    Raises:
        SystemExit: Keras would run on another backend than TensorFlow.
    """
    import keras
    import tensorflow as tf

    from conformance.runners.keras_adapter.identity import identify

    if keras.backend.backend() != "tensorflow":
        raise SystemExit(
            f"Keras runs on {keras.backend.backend()!r}, this adapter answers for 'tensorflow'; "
            "set KERAS_BACKEND=tensorflow"
        )
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)  # determinism demands one; each case sets its own
    # Errors then carry the runtime's own type and message, without the arguments pasted in.
    keras.config.disable_traceback_filtering()
    return identify(request.backend)


def observe(case: ConcreteCase) -> dict[str, Observed]:
    from conformance.runners.keras_adapter import experiment

    return experiment.observe(case)


if __name__ == "__main__":
    serve(start, observe)
