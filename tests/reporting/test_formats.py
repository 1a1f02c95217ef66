"""What a report is as Markdown, JUnit XML and a badge; in none of them does what was not run pass."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from conformance.reporting import badge, junit, markdown
from conformance.reporting.ledger import Totals
from conformance.reporting.store import Report, read
from conformance.verdicts import BROKEN, FINDINGS, Verdict


@pytest.fixture
def report(written: Path) -> Report:
    return read(written)


def changed(report: Report, **changes: Any) -> Report:
    return Report(msgspec.structs.replace(report.results, **changes), report.checks)


def saying(report: Report, text: str) -> Report:
    """The first finding alone, and its backend says this."""
    return changed(report, findings=(msgspec.structs.replace(report.results.findings[0], summary=text),))


def test_markdown_has_totals_findings_and_verdicts(report: Report) -> None:
    text = markdown.render(report)
    assert text.startswith(
        "## Layers conformance: 11 findings\n\n**2,756 of 2,832 checks conform, 12 deviate"
    )
    assert "| tfjs-wasm | 944 | 904 | 0 | 4 | 0 | 16 | 12 | 8 |" in text
    for finding in report.results.findings:
        assert finding.reproduce.command in text
    assert "| layers.Softmax | ✓ ✓ ✕ |" in text
    assert "| activations.celu | ✓ – – |" in text
    assert "agree against the specification" in text
    assert "wasm-conv-gradient of tfjs-wasm **no longer holds**" in text
    assert "**mine could not be started:**\n\n```text\nModuleNotFoundError" in text


def test_every_row_of_a_table_has_as_many_places_as_its_head(report: Report) -> None:
    for table in re.findall(r"(?:^\|.*\|\n)+", markdown.render(report), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


@pytest.mark.parametrize("status", ["findings", "interrupted", "expected"])
def test_the_headline_says_the_worst(report: Report, status: str) -> None:
    states: dict[str, tuple[dict[str, Any], str]] = {
        "findings": ({"findings": report.results.findings[:1]}, "1 finding"),
        "interrupted": ({"status": "interrupted"}, "interrupted"),
        "expected": ({"findings": (), "unavailable": (), "deviations": ()}, "all as expected"),
    }
    changes, headline = states[status]
    assert markdown.render(changed(report, **changes)).splitlines()[0].endswith(f": {headline}")


def test_what_a_backend_says_cannot_end_its_block_of_code(report: Report) -> None:
    text = markdown.render(saying(report, "```\n# a heading\n````"))
    assert "`````text\n```\n# a heading\n````\nconformance run" in text


def test_a_summary_stays_small_however_much_is_found(report: Report) -> None:
    long = saying(report, "x" * 1_000_000).results.findings
    text = markdown.render(changed(report, findings=long * 1000))
    assert len(text.encode()) < 2**20 / 4
    assert "And 950 more in the report." in text


def cases_in(text: str) -> dict[tuple[str, str], ElementTree.Element]:
    cases = ElementTree.fromstring(text).iter("testcase")
    return {(case.attrib["classname"], case.attrib["name"]): case for case in cases}


def outcome(case: ElementTree.Element) -> str:
    return next((child.tag for child in case if child.tag != "system-out"), "passed")


ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "time", "tests", "failures", "errors", "skipped", "timestamp"},
    "testcase": {"classname", "name", "time"},
    "property": {"name", "value"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "properties": set(),
    "system-out": set(),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}


def test_junit_has_the_elements_and_attributes_that_ci_servers_know(report: Report) -> None:
    root = ElementTree.fromstring(junit.render(report))
    assert root.tag == "testsuites"
    for element in root.iter():
        assert element.attrib.keys() == ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for suite in root:
        outcomes = Counter(map(outcome, suite.iter("testcase")))
        stated = {name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
        assert stated == {
            "tests": outcomes.total(), "failures": outcomes["failure"],
            "errors": outcomes["error"], "skipped": outcomes["skipped"],
        }  # fmt: skip
    for name in ("tests", "failures", "errors"):
        assert int(root.attrib[name]) == sum(int(suite.attrib[name]) for suite in root)


def test_each_cell_is_a_test_that_passes_only_where_all_was_asked_and_is_as_expected(report: Report) -> None:
    tests = cases_in(junit.render(report))
    assert report.results.cells
    for cell in report.results.cells:
        case = tests[f"{cell.backend}.{cell.subject}", cell.property]
        if cell.verdict in FINDINGS:
            assert outcome(case) == "failure"
        elif cell.verdict in BROKEN:
            assert outcome(case) == "error"
        elif cell.verdict in (Verdict.CONFORMS, Verdict.DEVIATES):
            assert outcome(case) == "passed"
        else:
            assert outcome(case) == "skipped"


def test_a_failing_test_says_what_is_wrong_and_how_to_see_it_again(report: Report) -> None:
    (failure,) = cases_in(junit.render(report))["tfjs-wasm.layers.LSTM", "weight-gradients"]
    assert failure.attrib == {"type": "raises", "message": "raises: 0 of 8 checks conform, 8 failed"}
    text = failure.text or ""
    assert text.count("Kernel 'Elu Grad' not registered") == 2
    assert text.count("conformance run --case") == 2


def test_a_skipped_test_says_why(report: Report) -> None:
    said = "not among the backend's capabilities"
    checks = tuple(
        msgspec.structs.replace(c, message=said) if c.verdict is Verdict.UNSUPPORTED else c
        for c in report.checks
    )
    (skipped,) = cases_in(junit.render(Report(report.results, checks)))[
        "tfjs-cpu.activations.celu", "forward"
    ]
    assert (skipped.attrib["type"], skipped.text) == ("unsupported", said)


def test_what_fails_a_run_besides_its_checks_fails_in_junit_too(report: Report) -> None:
    tests = cases_in(junit.render(changed(report, status="interrupted")))
    assert outcome(tests["mine", "start"]) == "error"
    assert outcome(tests["run", "complete"]) == "error"
    assert outcome(tests["tfjs-wasm.deviations", "wasm-conv-gradient"]) == "failure"
    assert outcome(tests["tfjs-cpu.deviations", "tfjs-gelu-tanh"]) == "passed"
    assert ("tfjs-wasm.deviations", "wasm-empty-batch") not in tests


def test_characters_that_xml_cannot_hold_are_shown_escaped(report: Report) -> None:
    text = junit.render(saying(report, "\x1b[31mred\x00 & <b> \ud800"))
    place = report.results.findings[0]
    (failure,) = cases_in(text)[f"{place.backend}.{place.subject}", place.property]
    assert "#x1B[31mred#x00 & <b> #xD800" in (failure.text or "")


PART = {"selection": {"subject": ["LSTM"], "backend": ["tfjs-cpu"]}}


@pytest.mark.parametrize(
    ("counts", "changes", "message", "color"),
    [
        ((9, 0, 0, 0, 0, 0, 0), {}, "9 of 9 checks conform", "brightgreen"),
        ((8, 1, 0, 0, 0, 0, 0), {}, "8 of 9 checks conform", "green"),
        ((8, 0, 1, 0, 0, 0, 0), {}, "8 of 9 checks conform", "yellow"),
        ((8, 0, 0, 1, 0, 0, 0), {}, "8 of 9 checks conform", "yellow"),
        ((8, 0, 0, 0, 0, 0, 1), {}, "8 of 9 checks conform", "yellow"),
        ((8, 0, 0, 0, 1, 0, 0), {}, "1 of 9 checks failed", "red"),
        ((8, 0, 0, 0, 0, 1, 0), {}, "1 of 9 checks failed", "red"),
        ((0, 0, 9, 0, 0, 0, 0), {}, "nothing asked", "lightgrey"),
        ((0, 0, 0, 0, 0, 0, 0), {}, "nothing asked", "lightgrey"),
        ((9, 0, 0, 0, 0, 0, 0), {"status": "interrupted"}, "interrupted", "lightgrey"),
        ((9, 0, 0, 0, 0, 0, 0), {"unavailable": True}, "mine not started", "lightgrey"),
        ((9, 0, 0, 0, 0, 0, 0), {"deviations": True}, "1 recorded deviation does not hold", "red"),
        ((9, 0, 0, 0, 0, 0, 0), PART, "9 of 9 checks conform (partial run)", "brightgreen"),
    ],
)  # fmt: skip
def test_a_badge_tells_the_worst_and_its_denominator(
    report: Report, counts: tuple[int, ...], changes: dict[str, Any], message: str, color: str
) -> None:
    results = report.results
    if "selection" in changes:
        suite = msgspec.structs.replace(results.suite, selection=changes["selection"])
        results = msgspec.structs.replace(results, suite=suite)
    kept: dict[str, Any] = {
        "unavailable": results.unavailable if "unavailable" in changes else (),
        "deviations": results.deviations if "deviations" in changes else (),
        "status": changes.get("status", "complete"),
    }
    results = msgspec.structs.replace(results, **kept)
    assert badge.message_and_color(results, Totals(sum(counts), *counts)) == (message, color)


def test_the_badge_is_that_of_a_shields_endpoint(report: Report) -> None:
    assert json.loads(badge.render(report)) == {
        "schemaVersion": 1,
        "label": "layers conformance",
        "message": "44 of 2,832 checks failed",
        "color": "red",
    }


def test_a_report_without_checks_can_be_written_in_every_format(report: Report) -> None:
    empty = Report(msgspec.structs.replace(report.results, cells=(), findings=(), deviations=()), checks=())
    assert "### Verdicts" not in markdown.render(empty)
    assert list(cases_in(junit.render(empty))) == [("mine", "start")]
    assert json.loads(badge.render(empty))["color"] == "lightgrey"
