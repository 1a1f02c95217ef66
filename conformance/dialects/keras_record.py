"""What all entries about Keras on TensorFlow share: of which versions they are true."""

from __future__ import annotations

from functools import partial

from conformance.dialects.deviation import Deviation

NOT_SEARCHED = "none found (not searched)"

CALL = ("output/*", "dtype", "mask/*", "gradient/*", "training/*", "reconstructed/output/*")
"""The observables that need a call."""

in_keras = partial(Deviation, versions="keras==3.15.*", upstream=NOT_SEARCHED)
in_tensorflow = partial(Deviation, versions="tensorflow==2.21.*", upstream=NOT_SEARCHED)
