"""pytest's own plugin for tests of plugins, which a conftest further down could not load; and Ctrl-C."""

import signal
from collections.abc import Iterator

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C works, here and in programs that are started, also where tests run in the background, with it
    ignored."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)
