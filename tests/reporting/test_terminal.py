"""What is shown while a run goes, and after it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from conformance.events import Event, Judged, Preparing, Started, Unavailable
from conformance.reporting.store import Report, read
from conformance.reporting.terminal import FINDINGS_SHOWN, Bars, Display, Lines, display, summarize, summary
from conformance.runners.protocol import Identity
from tests.reporting import synthetic

CASES = list(synthetic.cases())
IDENTITY = Identity("tfjs-wasm", "javascript", {"node": "18.4.0"}, {}, {}, {}, {})
EVENTS: list[Event] = [
    Preparing("tfjs-wasm", "installing TensorFlow.js: 12 MB after 3 s"),
    Started("tfjs-wasm", IDENTITY, ""),
    Unavailable("mine", "it failed"),
    *(Judged(case, tuple(c for c in synthetic.checks(case) if c.backend == "tfjs-wasm")) for case in CASES),
]


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=200, highlight=False, force_terminal=terminal, color_system=None)


def shown(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_a_log_gets_a_line_for_each_tenth() -> None:
    on = console()
    with display(on, ["tfjs-wasm", "mine"], len(CASES)) as show:
        assert isinstance(show, Lines)
        for event in EVENTS:
            show.event(event)
    lines = shown(on).splitlines()
    assert lines[:3] == [
        "tfjs-wasm: installing TensorFlow.js: 12 MB after 3 s",
        "tfjs-wasm: started (node 18.4.0)",
        "mine: could not be started",
    ]
    assert len(lines) == 13
    assert lines[-1] == "tfjs-wasm: 76 of 76 cases, 7 findings"


@pytest.mark.parametrize("make", [lambda on: Lines(on, 75), lambda on: Bars(on, ["tfjs-wasm", "mine"], 75)])
def test_witnesses_beyond_the_cases_are_not_counted(make: Callable[[Console], Display]) -> None:
    on = console()
    with make(on) as show:
        for event in EVENTS:
            show.event(event)
    assert re.search(r"75(/| of )75", shown(on))
    assert not re.search(r"76(/| of )75", shown(on))


def test_a_terminal_gets_a_bar_for_each_backend() -> None:
    on = console(terminal=True)
    with Bars(on, ["tfjs-wasm", "mine"], len(CASES)) as show:
        for event in EVENTS:
            show.event(event)
    text = shown(on)
    (bar,) = (line for line in text.splitlines() if "76/76" in line)
    assert "7 findings" in bar
    assert "could not be started" in text


def test_the_summary_has_the_table_the_findings_and_the_totals(written: Path, tmp_path: Path) -> None:
    on = console()
    summarize(on, read(written), tmp_path)
    text = shown(on)
    rows = {line.partition(" ")[0]: line for line in text.partition("Findings")[0].splitlines()}
    assert "52 of 56 ≠4" in rows["layers.Conv2D"]
    assert "conformance run --case" in text
    assert "wasm-conv-gradient of tfjs-wasm no longer holds" in text
    assert "agree against the specification" in text
    assert "ModuleNotFoundError: No module named 'mine'" in text
    assert f"Report: {tmp_path / 'index.html'}" in text
    assert text.splitlines()[-1].startswith("2,756 of 2,832 checks conform, 12 deviate as recorded")


def test_only_the_first_findings_are_listed(written: Path, tmp_path: Path) -> None:
    report = read(written)
    many = report.results.findings * 3
    on = console()
    summarize(on, changed(report, findings=many), tmp_path)
    assert shown(on).count("conformance run --case") == FINDINGS_SHOWN
    assert f"and {len(many) - FINDINGS_SHOWN} more in the report" in shown(on)


def changed(report: Report, **changes: Any) -> Report:
    return Report(msgspec.structs.replace(report.results, **changes), report.checks)


@pytest.mark.parametrize("markup", ["[bold]not markup[/bold]", "[/]"])
def test_what_a_backend_says_is_no_markup(written: Path, tmp_path: Path, markup: str) -> None:
    report = read(written)
    findings = (msgspec.structs.replace(report.results.findings[0], summary=markup),)
    on = console()
    summarize(on, changed(report, findings=findings), tmp_path)
    assert f"  {markup}\n" in shown(on)


def test_the_summary_for_programs_has_the_same_numbers(written: Path, tmp_path: Path) -> None:
    content = json.loads(summary(read(written), tmp_path, 3))
    assert content["exit_code"] == 3
    assert content["totals"]["conforms"] == 2756
    assert content["backends"]["tfjs-wasm"]["broken"] == 12
    assert len(content["findings"]) == 11
    assert content["deviations_not_holding"] == ["wasm-conv-gradient"]
    assert content["unavailable"][0]["backend"] == "mine"
