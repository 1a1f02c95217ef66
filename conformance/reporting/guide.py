"""Renders what became of the guides' statements as Markdown: row by row what holds, what is refuted and why,
what was not run, and what had to be changed in the printed programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.cases.guide import ROWS
from conformance.cases.guide.errata import ERRATA
from conformance.cases.guide.row import Row
from conformance.reporting.markdown import escape, joined, table
from conformance.reporting.results import DeviationRecord
from conformance.reporting.store import Report
from conformance.verdicts import Check, Verdict

LONGEST = 90
"""Characters of what a backend has shown."""

WORDS = {
    Verdict.CONFORMS: "holds",
    Verdict.DEVIATES: "refuted",
    Verdict.UNSUPPORTED: "not-run",
    Verdict.UNSPECIFIED: "not-run",
    Verdict.NOT_RUN: "not-run",
    Verdict.ACCEPTS: "refuted",
    Verdict.RAISES: "refuted",
    Verdict.DIVERGES: "refuted",
    Verdict.PROTOCOL_ERROR: "not-run",
    Verdict.TIMED_OUT: "not-run",
    Verdict.CRASHED: "not-run",
}
"""What a verdict says of a statement."""

LEGEND = (
    "A statement *holds* on a backend where everything that was run shows it, and is *refuted* where "
    "something "
    "shows otherwise, for the reason that is given. What takes a browser is *not-run*. A dash: it is not "
    "about "
    "the backend, or the backend was not asked."
)


@dataclass(frozen=True)
class Seen:
    """What was seen of the statements.

    Attributes:
        checks: by row, backend and observable.
        deviations: what is recorded, by backend and id.
    """

    backends: tuple[str, ...]
    checks: Mapping[tuple[str, str], Mapping[str, Check]]
    deviations: Mapping[tuple[str, str], DeviationRecord]

    @classmethod
    def of(cls, report: Report) -> Seen:
        checks: dict[tuple[str, str], dict[str, Check]] = defaultdict(dict)
        for check in report.checks:
            kind, _, row = check.subject.partition(".")
            if kind == "guide":
                checks[row, check.backend][check.observable] = check
        results = report.results
        return cls(
            tuple(backend.name for backend in results.backends),
            checks,
            {(d.backend, d.id): d for d in results.deviations},
        )

    def verdict(self, row: Row, backend: str) -> str:
        """In a word and, where not all was run, in numbers."""
        words = [WORDS[check.verdict] for check in self.checks.get((row.id, backend), {}).values()]
        if not words:
            return "–"
        if "refuted" in words:
            return "**refuted**"
        left = words.count("not-run")
        if left in (0, len(words)):
            return words[0]
        return f"holds, {left} of {len(words)} not run"


def render(report: Report) -> str:
    """The statements, what was seen of each, and the errata."""
    seen = Seen.of(report)
    return joined(
        ["# What the guides say", LEGEND],
        _statements(seen),
        *(_facts(row, seen) for row in ROWS.values()),
        _errata(),
    )


def _statements(seen: Seen) -> Iterator[str]:
    rows = [
        [row.id, row.statement, *(seen.verdict(row, backend) for backend in seen.backends)]
        for row in ROWS.values()
    ]
    yield from table(["", "Statement", *map(escape, seen.backends)], rows, "ll" + "l" * len(seen.backends))


def _facts(row: Row, seen: Seen) -> Iterator[str]:
    """What was done and seen for a statement; the same on several backends is said once."""
    yield f"## {row.id}"
    yield row.statement
    rows = []
    reasons: dict[str, None] = {}
    for fact in row.facts:
        told: dict[tuple[str, str], list[str]] = defaultdict(list)
        for backend in seen.backends:
            check = seen.checks.get((row.id, backend), {}).get(fact.observable)
            if check is not None:
                told[WORDS[check.verdict], _evidence(check)].append(backend)
                reasons |= dict.fromkeys(_reasons(check, seen))
        for (word, evidence), backends in told.items():
            rows.append([escape(", ".join(backends)), fact.shows, evidence, word])
    if rows:
        yield from table(["Backend", "Shown", "Seen", ""], rows, "llll")
    if reasons:
        yield "\n".join(f"- {reason}" for reason in reasons)


def _evidence(check: Check) -> str:
    """What the backend showed; an error, in its words."""
    seen = check.shown or check.message
    return escape(seen if len(seen) <= LONGEST else seen[: LONGEST - 1] + "…")


def _reasons(check: Check, seen: Seen) -> Iterator[str]:
    """Why something is refuted: what is recorded of it."""
    for name in check.deviations:
        if record := seen.deviations.get((check.backend, name)):
            yield escape(f"{record.summary} Source: {record.source}. Thread: {record.upstream}.")
    if WORDS[check.verdict] == "refuted" and not check.deviations:
        yield escape(f"Not recorded: {check.observable} on {check.backend}: {check.message}")


def _errata() -> Iterator[str]:
    yield "## Errata of the printed programs"
    yield "The programs run as they are printed, but for this:"
    rows: Sequence[Sequence[str]] = [
        [escape(e.program), e.texts, f"`{e.line}`", f"`{e.run}`" if e.run else "", e.reason] for e in ERRATA
    ]
    yield from table(["Program", "Texts", "Printed", "Run", "Why"], rows, "lllll")
