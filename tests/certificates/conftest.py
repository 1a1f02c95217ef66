"""Certificates of the specification, asked as a backend: each is made once, and tests get copies."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest

from conformance.cli import main

Certified = Callable[..., tuple[click.testing.Result, Path]]


def invoke(*arguments: str | Path) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


def unwrapped(result: click.testing.Result) -> str:
    """What was printed, without the frame and the line ends of a narrow terminal."""
    return " ".join(result.output.replace("│", " ").split())


def command(how: str, name: str = "") -> str:
    return f"{name or how}={shlex.join([sys.executable, '-m', 'tests.adapters.specification', how])}"


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """What `certify` says of a backend of `tests.adapters.specification`, and the directory that it makes."""
    known: dict[tuple[str, ...], tuple[click.testing.Result, Path]] = {}

    def make(how: str, *options: str) -> tuple[click.testing.Result, Path]:
        key = how, *options
        if key not in known:
            out = tmp_path_factory.mktemp("certificates") / how
            result = invoke(
                "certify", "--backend-command", command(how), "--profile", "inference", "--corpus", "quick",
                "--subject", "relu", "--subject", "softsign", "--out", out, *options,
            )  # fmt: skip
            known[key] = result, out
        return known[key]

    return make


@pytest.fixture
def certified(made: Certified, tmp_path: Path) -> Certified:
    """The same, in a directory of the test's own."""

    def copy(how: str, *options: str) -> tuple[click.testing.Result, Path]:
        result, directory = made(how, *options)
        return result, Path(shutil.copytree(directory, tmp_path / "certificate"))

    return copy
