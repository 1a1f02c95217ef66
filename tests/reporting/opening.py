"""Opens pages in headless Chromium, and asks axe-core what of them is not accessible."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.reporting import page as page_package

if TYPE_CHECKING:
    from playwright.sync_api import Page

LAPTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}

AXE = Path(page_package.__file__).parent / "application" / "node_modules" / "axe-core" / "axe.min.js"

OpenFile = Callable[..., "Page"]
"""(file, place in the page, viewport, and what else a context of the browser takes) → the page, opened"""


def chromium_program() -> str:
    """The program; skips where there is none."""
    program = os.environ.get("CONFORMANCE_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.skip("there is no Chromium: install Debian's package, or name one in CONFORMANCE_CHROMIUM")
    return program


def violations(page: Page) -> list[Any]:
    """What axe finds: the rule, what it asks for, and some of the elements."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in conformance/reporting/page/application")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run().then(found => found.violations)")
    return [(v["id"], v["help"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found]
