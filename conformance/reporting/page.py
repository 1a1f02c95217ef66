"""Renders a report as one self-contained, offline HTML page; the same results give the same bytes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from typing import Any

import jinja2

from conformance.cases.case import encode
from conformance.cases.properties import PROPERTIES
from conformance.reference_impl.arithmetic import declared
from conformance.reporting.ledger import (
    Tally,
    Totals,
    margin_size,
    show_margin,
    suspect_specification,
    total,
    unrecorded_versions,
)
from conformance.reporting.results import BackendRecord, Cell, Finding
from conformance.reporting.store import Report
from conformance.verdicts import BROKEN, FINDINGS, Check, Rung, Verdict

GLYPHS = {
    Verdict.CONFORMS: "✓",
    Verdict.DEVIATES: "~",
    Verdict.UNSUPPORTED: "–",
    Verdict.UNSPECIFIED: "?",
    Verdict.NOT_RUN: "○",
    Verdict.ACCEPTS: "∋",
    Verdict.RAISES: "!",
    Verdict.DIVERGES: "≠",
    Verdict.PROTOCOL_ERROR: "P",
    Verdict.TIMED_OUT: "T",
    Verdict.CRASHED: "✕",
}
"""A sign for each verdict, so that none is told by colour alone."""

MEANINGS = {
    Verdict.CONFORMS: "within the derived limit, or exactly equal",
    Verdict.DEVIATES: "not the specification, but exactly as recorded",
    Verdict.UNSUPPORTED: "the backend says that it lacks this; not asked",
    Verdict.UNSPECIFIED: "nothing is promised here; never counts as conforming",
    Verdict.NOT_RUN: "never asked",
    Verdict.ACCEPTS: "a value where there should be an error",
    Verdict.RAISES: "an error where there should be a value",
    Verdict.DIVERGES: "a wrong value",
    Verdict.PROTOCOL_ERROR: "the adapter answered out of turn, or no message",
    Verdict.TIMED_OUT: "no answer in time",
    Verdict.CRASHED: "the process ended",
}


@dataclass(frozen=True)
class Entry:
    """A cell of the matrix, and where its details are in the page's data."""

    index: int
    cell: Cell

    @property
    def label(self) -> str:
        """What the cell says, in words."""
        cell, totals = self.cell, total([self.cell])
        margin = "" if cell.worst_margin is None else f"; worst margin {show_margin(cell.worst_margin)}"
        return f"{cell.subject}, {cell.property}, {cell.backend}: {cell.verdict}; {totals}{margin}"


def show_duration(seconds: float) -> str:
    """
    >>> show_duration(93.4), show_duration(7.25)
    ('1 min 33 s', '7.2 s')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f} min {rest:.0f} s" if minutes else f"{rest:.1f} s"


def tone(verdict: Verdict) -> str:
    """The style class of a verdict: failures of one kind look the same."""
    return "finding" if verdict in FINDINGS else "broken" if verdict in BROKEN else verdict.value


def render(report: Report) -> str:
    """The page.

    Raises:
        BadArithmetic: a backend of the report declares an arithmetic that does not exist.
    """
    results = report.results
    entries = [Entry(index, cell) for index, cell in enumerate(results.cells)]
    names = [backend.name for backend in results.backends]
    rows = _sum_rows(report.checks)
    seen = {
        verdict for observables in rows.values() for row in observables.values() for verdict in row.counts
    }
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"margin": show_margin, "duration": show_duration, "tone": tone, "case": _pretty}
    template = files(__package__).joinpath("page.html.j2").read_text("utf-8")
    return environment.from_string(template).render(
        results=results,
        totals=total(results.cells),
        by_backend={name: total(c for c in results.cells if c.backend == name) for name in names},
        looser={backend.name: declared(backend.arithmetic).looser_entries() for backend in results.backends},
        wider={backend.name: _wider_algorithms(backend) for backend in results.backends},
        properties=in_order({cell.property for cell in results.cells}),
        subjects=by_kind({cell.subject for cell in results.cells}),
        matrix={(e.cell.subject, e.cell.property, e.cell.backend): e for e in entries},
        suspicions=suspect_specification(report.checks, report.results.deviations),
        unrecorded=[line for backend in results.backends for line in unrecorded_versions(backend)],
        details=_details(entries, rows),
        verdicts=[verdict for verdict in Verdict if verdict in seen],
        glyphs=GLYPHS,
        meanings=MEANINGS,
        bar=_bar,
    )


def _bar(totals: Totals) -> list[tuple[str, int]]:
    """The kinds of checks of a bar, with their numbers."""
    tones = {
        "conforms": totals.conforms,
        "deviates": totals.deviates,
        "unsupported": totals.unsupported,
        "unspecified": totals.unspecified,
        "not-run": totals.not_run,
        "finding": totals.findings,
        "broken": totals.broken,
    }
    return [(name, count) for name, count in tones.items() if count]


def _wider_algorithms(backend: BackendRecord) -> dict[str, str]:
    """The computations for which the backend declares another class of algorithm than the tightest."""
    tightest = declared({"base": backend.arithmetic.get("base", "ieee-float32")}).algorithms
    return {
        name: chosen
        for name, chosen in sorted(declared(backend.arithmetic).algorithms.items())
        if chosen != tightest[name]
    }


def in_order(names: set[str]) -> list[str]:
    """The properties in the order of the suite's own, and then those that it does not know."""
    return [name for name in PROPERTIES if name in names] + sorted(names - PROPERTIES.keys())


def by_kind(subjects: set[str]) -> list[tuple[str, list[str]]]:
    """The subjects under their kinds, `layers` first: `layers.Dense` is of the kind `layers`."""

    def kind(subject: str) -> str:
        return subject.partition(".")[0]

    ordered = sorted(subjects, key=lambda subject: (kind(subject) != "layers", subject))
    return [(name, list(group)) for name, group in groupby(ordered, kind)]


def _pretty(finding: Finding) -> str:
    """The finding's witness as JSON to be read: the subject first, a line for each field."""
    fields: dict[str, Any] = json.loads(encode(finding.witness))
    order = [name for name in finding.witness.__struct_fields__ if name in fields]
    return "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(fields[name])}" for name in order) + "\n}"


class _Row(Tally):
    """An observable of a cell."""

    def __init__(self) -> None:
        super().__init__()
        self.worst: tuple[tuple[int, float], Check] | None = None
        self.required: set[Rung] = set()
        self.deviations: set[str] = set()

    def add(self, check: Check) -> None:
        super().add(check)
        badness = check.verdict.severity, margin_size(check.margin)
        if self.worst is None or badness > self.worst[0]:
            self.worst = badness, check
        if check.required_rung is not None:
            self.required.add(check.required_rung)
        self.deviations |= set(check.deviations)

    def shown(self, name: str) -> dict[str, Any]:
        assert self.worst is not None
        return {
            "observable": name,
            "counts": [
                [f"{GLYPHS[verdict]} {count} {verdict}", tone(verdict)]
                for verdict, count in sorted(self.counts.items(), key=lambda item: -item[0].severity)
            ],
            "rung": self.lowest_rung(Verdict) or "",
            "required": min(self.required, key=list(Rung).index, default=""),
            "margin": show_margin(self.worst_margin),
            "deviations": sorted(self.deviations),
            "case": self.worst[1].case,
            "message": self.worst[1].message,
        }


def _sum_rows(checks: Iterable[Check]) -> dict[tuple[str, str, str], dict[str, _Row]]:
    """By backend, subject and property, the rows of their observables."""
    rows: dict[tuple[str, str, str], dict[str, _Row]] = defaultdict(lambda: defaultdict(_Row))
    for check in checks:
        rows[check.backend, check.subject, check.property][check.observable].add(check)
    return rows


def _details(entries: list[Entry], rows: dict[tuple[str, str, str], dict[str, _Row]]) -> list[dict[str, Any]]:
    """For each cell its observables: how many checks of which verdict, the rungs, and the worst check."""
    details = []
    for entry in entries:
        cell = entry.cell
        observables = rows[cell.backend, cell.subject, cell.property]
        details.append(
            {
                "title": [cell.subject, cell.property, cell.backend],
                "verdict": cell.verdict,
                "tone": tone(cell.verdict),
                "totals": str(total([cell])),
                "rows": [observables[name].shown(name) for name in sorted(observables)],
            }
        )
    return details
