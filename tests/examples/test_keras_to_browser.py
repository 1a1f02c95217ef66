"""The example from Keras to the browser: its README's commands as they are typed, and its page in Chromium.

They skip without Playwright (the extra `browser`) or without Chromium, which is Debian's `chromium`, or what
CONFORMANCE_CHROMIUM names.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.runners.registry import KERAS_TENSORFLOW

pytestmark = [pytest.mark.keras, pytest.mark.node, pytest.mark.browser]

EXAMPLE = Path(__file__).parents[2] / "examples" / "keras-to-browser"

ACTIVATE = ". ../../.venv/bin/activate"

PORT = "8000"


def commands() -> list[str]:
    """What the README says to type, but for what makes the environment of the tests active: that is."""
    typed = re.findall(
        r"^```sh\n(.*?)\n```$", (EXAMPLE / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert typed[0] == ACTIVATE
    return typed[1:]


def environment() -> dict[str, str]:
    active = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | KERAS_TENSORFLOW | {"PATH": active, "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy of the example in which all but the server has been typed, and what each command said."""
    folder = tmp_path_factory.mktemp("example") / EXAMPLE.name
    shutil.copytree(
        EXAMPLE,
        folder,
        ignore=lambda _, names: {"rings.keras", "keras.json", "model", "tf.min.js"} & {*names},
    )
    said = {}
    for command in commands()[:-1]:
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{command}\n{run.stdout}{run.stderr}"
        said[command] = run.stdout
    return folder, said


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the page, whose server is started as the README says, but on a port that is free."""
    port = free_port()
    command = commands()[-1].replace(PORT, port)
    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert f"port {port}" in server.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


def test_the_model_is_learnt_converted_and_checked(done: tuple[Path, dict[str, str]]) -> None:
    folder, said = done
    trained, converted, checked, _ = said.values()
    assert float(trained.split()[-1]) > 0.95
    assert converted.splitlines()[-1].startswith("site/model: written for TensorFlow.js")
    assert "not carried" not in converted
    assert "computes the same" in checked
    assert (folder / "site" / "model" / "model.json").is_file()


def test_the_page_predicts_what_keras_predicts(done: tuple[Path, dict[str, str]]) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = os.environ.get("CONFORMANCE_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("there is no Chromium: install Debian's package, or name one in CONFORMANCE_CHROMIUM")
    folder, _ = done
    errors: list[str] = []
    with served(folder) as address, sync_api.sync_playwright() as playwright:
        # A sandbox needs rights that a container does not give; the page is our own.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 800, "height": 560})
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#predictions tr:nth-child(6)")
        page.hover("#map", position={"x": 160, "y": 72})
        pointed = page.inner_text("#pointed")
        status = page.inner_text("#status")
        rows = [row.split() for row in page.inner_text("#predictions").splitlines()]
        page.screenshot(path=folder / "page.png")
        chromium.close()
    assert errors == []
    assert "the largest difference from what Keras predicts is" in status
    # To the last digit that is shown, or one beside it.
    assert all(abs(float(keras) - float(here)) < 1.5e-4 for *_, keras, here in rows)
    assert re.fullmatch(r"\(0\.0\d, 0\.5\d\): 9\d\.\d % on the ring", pointed), pointed
