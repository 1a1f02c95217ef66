"""The synthetic results, written once, and a browser to open pages in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.reporting import synthetic
from tests.reporting.opening import LAPTOP, OpenFile, chromium_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module alone: while Playwright's event loop runs, no other can."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    program = chromium_program()
    with sync_api.sync_playwright() as playwright:
        # A sandbox needs rights that a container does not give; the pages are our own.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_file(browser: Browser) -> Iterator[OpenFile]:
    """Opens a page; at the end there may have been no error, and no request but for the file."""
    contexts: list[Any] = []
    troubles: list[str] = []

    def opened(file: Path, place: str = "#/", viewport: Any = LAPTOP, **options: Any) -> Page:
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        address = file.as_uri()

        def asked(request: Any) -> None:
            if not request.url.startswith(address):
                troubles.append(request.url)

        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", asked)
        page.goto(address + place)
        page.wait_for_selector("h1")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []
