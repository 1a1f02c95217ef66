"""Importing the suite starts nothing heavy, and imports run downwards through its parts."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import conformance

PACKAGE = Path(conformance.__file__).parent
HEAVY = ("tensorflow", "keras", "jax", "torch", "cupy", "nodejs")

MAY_IMPORT = {
    "reference_impl": ("reference_impl",),
    "cases": ("cases", "reference_impl"),
    "dialects": ("dialects", "cases", "reference_impl", "verdicts"),
    "runners": ("runners", "reference_impl.arrays", "schemas", "verdicts"),
    "interchange": (
        "interchange",
        "reference_impl",
        "cases",
        "dialects",
        "runners",
        "checks",
        "judging",
        "verdicts",
    ),
}
"""For a part of the package, the parts that it may name at run time; the engine joins them."""


def modules(part: str = "") -> list[Path]:
    return sorted((PACKAGE / part).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it, but for those of `TYPE_CHECKING`."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            yield node.module


@pytest.mark.parametrize("module", ["conformance", "conformance.engine", "conformance.cli"])
def test_import_brings_no_runtime(module: str) -> None:
    program = f"import sys, {module}; print(*(m for m in {HEAVY} if m in sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_run_downwards(part: str) -> None:
    allowed = tuple(f"conformance.{name}" for name in MAY_IMPORT[part])
    upwards = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules(part)
        for name in imported(path)
        if name.startswith("conformance.") and not f"{name}.".startswith(tuple(f"{a}." for a in allowed))
    }
    assert upwards == set()


def test_arrays_alone_name_cupy() -> None:
    naming = {
        path.name
        for path in modules()
        for name in imported(path)
        if name.partition(".")[0].startswith("cupy")
    }
    assert naming == {"arrays.py"}


def test_runtimes_are_imported_by_their_adapters_alone() -> None:
    naming = {
        path.relative_to(PACKAGE).parts[:2]
        for path in modules()
        for name in imported(path)
        if name.partition(".")[0] in ("tensorflow", "keras", "jax", "torch")
    }
    assert naming <= {("runners", "keras_adapter")}
