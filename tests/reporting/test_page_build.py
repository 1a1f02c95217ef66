"""The pages that are committed and shipped are what their source builds."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from conformance.reporting import page

PACKAGE = Path(page.__file__).parent
SOURCE = PACKAGE / "application"
VITE = SOURCE / "node_modules" / "vite" / "bin" / "vite.js"
OLDEST = (20, 19)
"""The first Node that Vite runs on."""


@pytest.mark.parametrize(("mode", "built"), [("production", "page.html"), ("check", "check.html")])
def test_a_fresh_build_gives_the_bytes_that_are_committed(tmp_path: Path, mode: str, built: str) -> None:
    node = shutil.which("node")
    if node is None or not VITE.exists():
        pytest.skip("what builds the page is not installed: npm ci in conformance/reporting/page/application")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in told.lstrip("v").split(".")[:2]) < OLDEST:
        pytest.skip(f"Vite needs Node {'.'.join(map(str, OLDEST))} or later; this is {told.strip()}")
    build: list[str | Path] = [node, VITE, "build", "--mode", mode, "--outDir", tmp_path]
    subprocess.run([*build, "--logLevel", "error"], cwd=SOURCE, check=True)
    assert (tmp_path / built).read_bytes() == (PACKAGE / built).read_bytes()


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (SOURCE / "package-lock.json").read_text("utf-8")
