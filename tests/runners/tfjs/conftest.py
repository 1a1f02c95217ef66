"""Children that answer for TensorFlow.js, one for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.runners.provision import ensure_package
from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import started


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder that holds the `node_modules` with TensorFlow.js."""
    return ensure_package()


@pytest.fixture(scope="module", params=["tfjs-cpu", "tfjs-wasm"])
def adapter(
    request: pytest.FixtureRequest, modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Adapter]:
    child = started(modules, request.param, tmp_path_factory.mktemp(request.param) / "stderr")
    yield child
    assert child.stop() == 0
    assert "not disposed" not in child.log.read_text()


@pytest.fixture(scope="module")
def cpu(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    child = started(modules, "tfjs-cpu", tmp_path_factory.mktemp("cpu") / "stderr")
    yield child
    assert child.stop() == 0


@pytest.fixture(scope="module")
def wasm(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    child = started(modules, "tfjs-wasm", tmp_path_factory.mktemp("wasm") / "stderr")
    yield child
    assert child.stop() == 0
