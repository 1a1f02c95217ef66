"""What all entries about Keras on TensorFlow share: of which versions they are true."""

from __future__ import annotations

from functools import partial

from conformance.dialects.deviation import Deviation

NO_KERNEL = (
    "Keras documents the argument and computes it on a GPU; it is a kernel for CPUs that is missing. "
    "Whatever another runtime refuses here, it refuses for a reason of its own."
)
"""Why the specification stands where Keras refuses for want of a kernel."""

CALL = ("output/*", "dtype", "mask/*", "gradient/*", "training/*", "reconstructed/output/*")
"""The observables that need a call."""

KERAS = "https://github.com/keras-team/keras"
TENSORFLOW = "https://github.com/tensorflow/tensorflow"


def searched(what: str) -> str:
    """The words for a search of GitHub's issues that found no thread about it."""
    return f"none found (searched GitHub issues for: {what})"


EMPTY_BATCH_SEARCHED = searched("tensorflow oneDNN conv2d empty batch output shape wrong mkl")
"""Of what oneDNN's convolutions make of an empty batch."""

in_keras = partial(Deviation, versions="keras==3.15.*")
in_tensorflow = partial(Deviation, versions="tensorflow==2.21.*")
