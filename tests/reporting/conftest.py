"""The synthetic results, written once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reporting import synthetic


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of synthetic results; not to be changed."""
    directory = tmp_path_factory.mktemp("results")
    synthetic.write(directory)
    return directory


@pytest.fixture
def directory(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to be tampered with."""
    return Path(shutil.copytree(written, tmp_path / "results"))
