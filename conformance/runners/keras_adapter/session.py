"""Starts TensorFlow as its identity says, then answers cases; nothing heavy is imported before the streams
are the protocol's."""

from __future__ import annotations

from conformance.runners.keras_adapter.messages import ConcreteCase, ConcreteModel, Message, Send

GENERATIONS = {"keras2-tensorflow": 2}
"""The major version of Keras that answers as a backend, where it is not 3."""


def start(backend: str, build: str | None = None) -> Message:
    """Fix all that changes bits before TensorFlow's first operation, and say who answers.

    Args:
        build: of whom Keras is, where it is not the suite's own.

    Raises:
        SystemExit: Keras is of another generation, or would run on another backend than TensorFlow.
    """
    import tensorflow as tf

    from conformance.runners.keras_adapter.identity import identify
    from conformance.runners.keras_adapter.runtime import GENERATION, api, keras

    wanted = GENERATIONS.get(backend, 3)
    if wanted != GENERATION:
        other = next((name for name, g in GENERATIONS.items() if g == GENERATION), "keras-tensorflow")
        raise SystemExit(
            f"{backend} is Keras {wanted}, and this Python has Keras {keras.__version__}: ask it as the "
            f"backend {other}, or name another Python by --keras-python"
        )
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
    api.leave_errors_alone()
    return identify(backend, {} if build is None else {"build": build})


def observe(case: ConcreteCase) -> Message:
    """The answers to the case's observables, a message for each."""
    from conformance.runners.keras_adapter import guide, observation

    return (guide.show if case.subject in guide.STATEMENTS else observation.observe)(case)


def inspect(model: ConcreteModel, send: Send) -> Message:
    """The answer about a saved model, whose arrays are sent in pieces before."""
    from conformance.runners.keras_adapter import models

    return models.inspect(model, send)
