"""What a failing test says: the observable, the message with its limit, the smallest case, and one command
that shows it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.cases import corpus as corpora
from conformance.cases.case import Case, encode
from conformance.reporting.ledger import group_findings
from conformance.reporting.results import DeviationRecord, Finding
from conformance.selection import find_cases
from conformance.verdicts import Check

FINDINGS_SHOWN = 10


@dataclass(frozen=True)
class Again:
    """How the command line is told the same.

    Attributes:
        backends: the words that name each backend.
        cases: how to name each case that can be asked by itself: its id, or its file.
        settings: the words that every command needs.
        environment: assignments before the command.
    """

    backends: Mapping[str, tuple[str, ...]]
    cases: Mapping[str, str]
    settings: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def case(self, backend: str, case: Case) -> str:
        """Ask one case again; a witness outside the corpora, which none can name, with its subject."""
        if case.id in self.cases:
            return self._command(backend, "--case", self.cases[case.id])
        return self.subjects(backend, [case.subject])

    def subjects(self, backend: str, subjects: Iterable[str]) -> str:
        """Ask some subjects again, the witnesses of recorded deviations about them too."""
        return self._command(backend, *(word for name in subjects for word in ("--subject", name)))

    def _command(self, backend: str, *words: str) -> str:
        assignments = "".join(f"{name}={shlex.quote(value)} " for name, value in self.environment.items())
        return assignments + shlex.join(
            ["conformance", "run", *words, *self.backends[backend], *self.settings]
        )


def case_names(named: Sequence[str]) -> dict[str, str]:
    """By what a command line can name each case: those of the corpora by their ids, those of files by these.

    Args:
        named: ids and files that a user gave.
    """
    ids = {case.id: case.id for case in corpora.load(corpora.NAMES[-1])}
    return ids | {case.id: name for name in named for case in find_cases(corpora.NAMES[-1], (name,))}


def describe_findings(
    checks: Iterable[Check], cases: Mapping[str, Case], again: Again, *, cell: bool = False
) -> list[str]:
    """A paragraph for each finding, the first ones alone where there are many.

    Args:
        cases: those of the checks, by id.
        cell: whether to name subject and property too.
    """
    findings = group_findings(checks, cases)
    paragraphs = [_describe(finding, again, cell=cell) for finding in findings[:FINDINGS_SHOWN]]
    if len(findings) > FINDINGS_SHOWN:
        paragraphs.append(f"and {len(findings) - FINDINGS_SHOWN} more findings")
    return paragraphs


def _describe(finding: Finding, again: Again, *, cell: bool) -> str:
    where = f"{finding.subject} · {finding.property} · " if cell else ""
    many = f" in {finding.count} checks, the smallest case" if finding.count > 1 else ""
    lines = [
        f"{where}{finding.observable} {finding.verdict}{many}: {finding.summary}",
        f"  case {finding.case}: {encode(finding.witness).decode()}",
        f"  {again.case(finding.backend, finding.witness)}",
    ]
    if finding.deviations:
        lines.insert(1, f"  recorded deviations reached: {', '.join(finding.deviations)}")
    return "\n".join(lines)


def describe_deviations(
    records: Iterable[DeviationRecord], cases: Mapping[str, Case], again: Again
) -> list[str]:
    """A paragraph for each recorded deviation that no longer holds.

    Args:
        cases: the witnesses, by id.
    """
    return [
        f"recorded deviation {record.id} no longer holds: {record.summary}\n"
        f"  mend or remove it in the dialect; its witnesses: {', '.join(record.witnesses)}\n"
        f"  {again.subjects(record.backend, dict.fromkeys(cases[w].subject for w in record.witnesses))}"
        for record in records
        if record.holds is False
    ]
