"""Renders a report as JUnit XML, in the shape that pytest writes and CI servers read.

A test suite is a backend, and a test case one of its cells: a property of a subject. A wrong answer is a
failure, a backend that broke an error; what was not asked, or is not promised, is skipped and never passed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from conformance.reporting.ledger import FAILING, total
from conformance.reporting.results import BackendRecord, Cell, DeviationRecord, Finding, Results
from conformance.reporting.store import Report
from conformance.verdicts import BROKEN, FINDINGS, Check, Verdict

NO_XML = re.compile("[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML cannot hold, not even escaped."""

OUTCOMES = {
    **dict.fromkeys((Verdict.UNSUPPORTED, Verdict.UNSPECIFIED, Verdict.NOT_RUN), "skipped"),
    **dict.fromkeys(FINDINGS, "failure"),
    **dict.fromkeys(BROKEN, "error"),
}
"""The element that tells a cell's verdict; without one, the test case has passed."""


Told = tuple[str, str, str, Verdict]
"""Backend, subject, property and verdict."""


@dataclass(frozen=True)
class Test:
    """A test case. `outcome` is the element in it, or empty where it has passed."""

    classname: str
    name: str
    outcome: str = ""
    kind: str = ""
    message: str = ""
    text: str = ""


def render(report: Report) -> str:
    """The XML document."""
    results = report.results
    counts: Counter[str] = Counter()
    told = _told(report.checks)
    root = ElementTree.Element("testsuites", name="conformance")
    for backend in results.backends:
        suite = _suite(root, results, backend.name, list(_tests(results, backend.name, told)), counts)
        suite.insert(0, _properties(results, backend))
    for gone in results.unavailable:
        test = Test(gone.backend, "start", "error", "unavailable", "could not be started", gone.message)
        _suite(root, results, gone.backend, [test], counts)
    if results.status == "interrupted":
        test = Test("run", "complete", "error", "interrupted", "interrupted: some cases were not asked")
        _suite(root, results, "run", [test], counts)
    root.attrib |= {"time": f"{results.duration_s:.3f}", **_counts(counts)}
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _suite(
    root: ElementTree.Element, results: Results, name: str, tests: list[Test], counts: Counter[str]
) -> ElementTree.Element:
    """Append a suite with its tests, and add them to the counts of the whole."""
    own = Counter(test.outcome or "passed" for test in tests)
    counts.update(own)
    suite = ElementTree.SubElement(root, "testsuite", name=_clean(name), timestamp=results.started)
    suite.attrib |= {"time": f"{results.duration_s:.3f}", **_counts(own), "skipped": str(own["skipped"])}
    for test in tests:
        element = ElementTree.SubElement(
            suite, "testcase", classname=_clean(test.classname), name=_clean(test.name), time="0.000"
        )
        if test.outcome:
            outcome = ElementTree.SubElement(
                element, test.outcome, type=test.kind, message=_clean(test.message)
            )
            outcome.text = _clean(test.text)
        elif test.text:
            said = ElementTree.SubElement(element, "system-out")
            said.text = _clean(f"{test.message}\n{test.text}")
    return suite


def _counts(outcomes: Counter[str]) -> dict[str, str]:
    return {
        "tests": str(outcomes.total()),
        "failures": str(outcomes["failure"]),
        "errors": str(outcomes["error"]),
    }


def _properties(results: Results, backend: BackendRecord) -> ElementTree.Element:
    """What was run: the suite, its corpus and seed, and the backend's versions, settings and platform."""
    suite = results.suite
    listed = {
        "suite.version": suite.version,
        "suite.corpus": suite.corpus,
        "suite.seed": str(suite.seed),
        **{f"selection.{name}": " ".join(values) for name, values in sorted(suite.selection.items())},
        **{f"version.{name}": value for name, value in sorted(backend.versions.items())},
        **{f"setting.{name}": value for name, value in sorted(backend.settings.items())},
        **{f"platform.{name}": value for name, value in sorted(backend.platform.items())},
    }
    element = ElementTree.Element("properties")
    for name, value in listed.items():
        ElementTree.SubElement(element, "property", name=_clean(name), value=_clean(value))
    return element


def _tests(results: Results, backend: str, told: Mapping[Told, Collection[str]]) -> Iterator[Test]:
    """A test for each cell of the backend, and for each recorded deviation whose witnesses were asked."""
    findings = defaultdict(list)
    for finding in results.findings:
        findings[finding.backend, finding.subject, finding.property].append(finding)
    for cell in results.cells:
        if cell.backend == backend:
            place = cell.backend, cell.subject, cell.property
            yield _of_cell(cell, told.get((*place, cell.verdict), ()), findings[place])
    for deviation in results.deviations:
        if deviation.backend == backend and deviation.holds is not None:
            yield _of_deviation(deviation)


def _told(checks: Iterable[Check]) -> dict[Told, set[str]]:
    """What the checks that do not fail say by cell and verdict: a reason, or the deviations reached."""
    told: dict[Told, set[str]] = defaultdict(set)
    for check in checks:
        if check.verdict not in FAILING:
            place = check.backend, check.subject, check.property, check.verdict
            told[place].update([check.message] if check.message else check.deviations)
    return told


def _of_cell(cell: Cell, told: Collection[str], findings: list[Finding]) -> Test:
    outcome = OUTCOMES.get(cell.verdict, "")
    failing = "\n\n".join(_described(finding) for finding in findings)
    return Test(
        f"{cell.backend}.{cell.subject}",
        cell.property,
        outcome,
        kind=cell.verdict if outcome else "",
        message=f"{cell.verdict}: {total([cell])}",
        text=failing or "\n".join(sorted(told)),
    )


def _described(finding: Finding) -> str:
    many = f" ({finding.count:,} checks)" if finding.count > 1 else ""
    head = f"{finding.observable}: {finding.verdict}{many}"
    return "\n".join(filter(None, (head, finding.summary, finding.reproduce.command)))


def _of_deviation(deviation: DeviationRecord) -> Test:
    holds = bool(deviation.holds)
    return Test(
        f"{deviation.backend}.deviations",
        deviation.id,
        outcome="" if holds else "failure",
        kind="" if holds else "no-longer-holds",
        message=""
        if holds
        else "a recorded deviation that no longer holds: mend or remove it in the dialect",
        text="" if holds else deviation.summary,
    )


def _clean(text: str) -> str:
    """The text with its visible escapes for what XML cannot hold.

    >>> _clean("a\\x1b[31mb")
    'a#x1B[31mb'
    """
    return NO_XML.sub(lambda found: f"#x{ord(found.group()):02X}", text)
