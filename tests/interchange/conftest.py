"""Models that Keras and TensorFlow.js themselves have saved, and the backends that are asked about them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.runners.node import find_node
from conformance.runners.provision import PACKAGE, ensure_package
from conformance.runners.registry import KERAS_ADAPTER, KERAS_TENSORFLOW
from tests.runners.adapter import Adapter

MAKERS = Path(__file__).parent / "adapters"


@pytest.fixture(scope="session")
def keras_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of `.keras` files, and one `.h5`."""
    folder = tmp_path_factory.mktemp("keras-models")
    environment = os.environ | KERAS_TENSORFLOW
    subprocess.run([sys.executable, MAKERS / "keras_models.py", folder], env=environment, check=True)
    return folder


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder that holds the `node_modules` with TensorFlow.js."""
    return ensure_package()


@pytest.fixture(scope="session")
def tfjs_models(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder for each model, in which its model.json is."""
    folder = tmp_path_factory.mktemp("tfjs-models")
    subprocess.run([find_node().path, MAKERS / "tfjs_models.mjs", modules, folder], check=True)
    return folder


@contextmanager
def stopped(adapter: Adapter) -> Iterator[Adapter]:
    """The adapter, which has to end well and to have left nothing undisposed."""
    yield adapter
    assert adapter.stop() == 0
    assert "not disposed" not in adapter.log.read_text()


@pytest.fixture(scope="session")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    log = tmp_path_factory.mktemp("keras") / "stderr"
    environment = {**KERAS_TENSORFLOW, "TF_ENABLE_ONEDNN_OPTS": "0"}
    with stopped(Adapter([sys.executable, KERAS_ADAPTER], "keras-tensorflow", log, **environment)) as adapter:
        yield adapter


@pytest.fixture(scope="session", params=["tfjs-cpu", "tfjs-wasm"])
def tfjs(
    request: pytest.FixtureRequest, modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Adapter]:
    command: list[str | Path] = [find_node().path, PACKAGE / "adapter.mjs", "--modules", modules]
    log = tmp_path_factory.mktemp(request.param) / "stderr"
    with stopped(Adapter(command, request.param, log)) as adapter:
        yield adapter
