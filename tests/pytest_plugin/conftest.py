"""pytest sessions of their own, with the plugin and no other, and a backend that keeps what it is asked."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from conformance.cases import corpus
from conformance.cases.case import Case, Literal, encode
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import pairs
from conformance.cases.relations import asked_beside

RECTIFIER = Path(__file__).parent.parent / "adapters" / "rectifier.py"

RECTIFIED = tuple(case for case in corpus.load("quick") if case.subject == "activations.relu")
"""The cases that a rectifier is asked of the quick corpus."""

ITEMS = 1 + len(
    {p.name for case in RECTIFIED for p, _ in pairs(tuple(PROPERTIES.values()), case.observables)}
)
"""How many items a backend has that is asked for that subject: its properties, and recorded deviations."""

Run = Callable[..., pytest.RunResult]

SEVEN, EIGHT = 7.0, 8.0
"""The inputs at which the fragile rectifier dies, and never answers."""


def relu_of(*values: float, observables: tuple[str, ...] = ("output/0",)) -> Case:
    x = Literal((len(values),), values)
    return Case("activations.relu", inputs=(x,), cotangents=(x,), observables=observables)


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest in a process of its own; its plugins are this one and those that `-p` names.

    It prints the same wherever it runs: where `CI` is set, pytest repeats whole messages in its summary.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess("-p", "conformance.pytest_plugin", *arguments)

    return run


@pytest.fixture
def suite(session: Run) -> Run:
    """Runs the suite."""

    def run(*arguments: str) -> pytest.RunResult:
        return session("--pyargs", "conformance", *arguments)

    return run


def asks(how: str) -> tuple[str, str]:
    """The option that asks a rectifier, which is called by how it answers."""
    return (
        "--conformance-backend-command",
        f"{how}={shlex.join([sys.executable, '-S', str(RECTIFIER), how])}",
    )


def asks_logged(how: str) -> tuple[str, str]:
    """The same, with what it is asked in the file `asked.HOW`."""
    program = shlex.join([sys.executable, "-S", str(RECTIFIER), how])
    return (
        "--conformance-backend-command",
        f"{how}={shlex.join(['sh', '-c', f'tee -a asked.{how} | {program}'])}",
    )


def asked(how: str) -> list[str]:
    """The cases that it was asked, in the working directory."""
    messages = [json.loads(line) for line in Path(f"asked.{how}").read_text().splitlines()]
    return [json.dumps(m["case"], sort_keys=True) for m in messages if m["command"] == "observe"]


def questions(cases: Iterable[Case], *, related: bool = True) -> int:
    """In how many messages a rectifier is asked these cases, and, where relations are judged, those that they
    are related to."""
    able = [case for case in cases if "output/0" in case.observables]
    return len(able) + (sum(len(asked_beside(case)) for case in able) if related else 0)


def starts(how: str) -> int:
    lines = Path(f"asked.{how}").read_text().splitlines()
    return sum(json.loads(line)["command"] == "start" for line in lines)


@pytest.fixture
def case_file(pytester: pytest.Pytester) -> Callable[[Case], tuple[str, str]]:
    """Writes a case into a file, and returns the option that asks it."""

    def write(case: Case) -> tuple[str, str]:
        path = pytester.path / f"{case.id}.json"
        path.write_bytes(encode(case))
        return "--conformance-case", path.name

    return write
