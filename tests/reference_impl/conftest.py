"""Live Keras, and what TensorFlow promises, for the tests of losses and metrics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.reference_impl.arithmetic import Arithmetic, declared

from .live_keras import LiveKeras


@pytest.fixture(scope="session")
def live_keras() -> Iterator[LiveKeras]:
    child = LiveKeras()
    yield child
    child.close()


@pytest.fixture(scope="session")
def arithmetic(live_keras: LiveKeras) -> Arithmetic:
    return declared(live_keras.ask("arithmetic"))
