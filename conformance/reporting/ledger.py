"""Sums checks into cells, findings and suspicions of the specification; the order of the checks is of no
consequence."""

from __future__ import annotations

import hashlib
import itertools
import math
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from conformance.cases import corpus as corpora
from conformance.cases.case import Case, encode
from conformance.reporting.results import BackendRecord, Cell, DeviationRecord, Finding, Reproduction, Results
from conformance.verdicts import BROKEN, FINDINGS, Check, Rung, Verdict, key_of

FAILING = FINDINGS | BROKEN
"""The verdicts that make a finding."""

ANSWERED = FINDINGS | {Verdict.CONFORMS, Verdict.DEVIATES}
"""The verdicts on an answer that could be compared with the specification's."""


@dataclass(frozen=True)
class Suspicion:
    """Backends of more than one family agree with each other and not with the specification.

    Attributes:
        backends: all that answered the cases.
        count: on how many cases.
        case: the id of one of them.
    """

    subject: str
    property: str
    observable: str
    backends: tuple[str, ...]
    count: int
    case: str


def family(backend: str) -> str:
    """The code that backends share: two of one family are no independent witnesses.

    >>> family("tfjs-wasm"), family("keras-tensorflow"), family("keras2-tensorflow")
    ('tfjs', 'keras', 'keras')
    """
    return backend.partition("-")[0].rstrip("0123456789")


def unrecorded_versions(backend: BackendRecord) -> list[str]:
    """A sentence for each package of the backend of whose version no deviation is recorded."""
    return [
        f"{package} {backend.versions.get(package, '(version not told)')} is in no recorded deviation; "
        f"{backend.name} was judged under those of {package} {nearest}, the nearest version."
        for package, nearest in sorted(backend.dialect_nearest.items())
    ]


def margin_size(margin: float | str | None) -> float:
    """The margin as a number that can be compared: −1 where there is none.

    Raises:
        ValueError: it is negative, not a number, or another word than "infinite".
    """
    if margin is None:
        return -1.0
    if margin == "infinite":
        return math.inf
    if isinstance(margin, str) or not 0 <= margin < math.inf:
        raise ValueError(f'margin {margin!r} is neither null, a number ≥ 0 nor "infinite"')
    return margin


def show_margin(margin: float | str | None) -> str:
    """The margin in few characters.

    >>> [show_margin(x) for x in (None, 0.0, 1e-5, 0.31415, 27.18, 31415.9, "infinite")]
    ['', '0', '<0.01', '0.31', '27', '3e4', '∞']
    """
    size = margin_size(margin)
    if margin is None:
        return ""
    if size == math.inf:
        return "∞"
    if 0 < size < 0.01:
        return "<0.01"
    if size < 10:
        return f"{size:.2f}".rstrip("0").rstrip(".")
    return f"{size:.0f}" if size < 1000 else f"{size:.0e}".replace("e+0", "e").replace("e+", "e")


class Tally:
    """Checks, added up one after the other."""

    def __init__(self) -> None:
        self.counts: Counter[Verdict] = Counter()
        self.worst_margin: float | str | None = None
        self.reached: defaultdict[Verdict, set[Rung]] = defaultdict(set)

    def add(self, check: Check) -> None:
        self.counts[check.verdict] += 1
        self.worst_margin = max(self.worst_margin, check.margin, key=margin_size)
        if check.rung is not None:
            self.reached[check.verdict].add(check.rung)

    def lowest_rung(self, verdicts: Iterable[Verdict]) -> Rung | None:
        """The loosest rung that a check of one of the verdicts reached."""
        reached = (rung for verdict in verdicts for rung in self.reached.get(verdict, ()))
        return max(reached, key=list(Rung).index, default=None)


def sum_cells(checks: Iterable[Check]) -> tuple[Cell, ...]:
    """A cell for each backend, subject and property of the checks, sorted by these."""
    tallies: defaultdict[tuple[str, str, str], Tally] = defaultdict(Tally)
    for check in checks:
        tallies[check.backend, check.subject, check.property].add(check)
    return tuple(_cell(*key, tallies[key]) for key in sorted(tallies))


def _cell(backend: str, subject: str, property_: str, tally: Tally) -> Cell:
    counts = tally.counts
    return Cell(
        backend=backend,
        subject=subject,
        property=property_,
        verdict=max(counts, key=lambda verdict: verdict.severity),
        asked=counts.total() - counts[Verdict.UNSUPPORTED] - counts[Verdict.NOT_RUN],
        conforms=counts[Verdict.CONFORMS],
        deviates=counts[Verdict.DEVIATES],
        unsupported=counts[Verdict.UNSUPPORTED],
        unspecified=counts[Verdict.UNSPECIFIED],
        findings=sum(counts[verdict] for verdict in FINDINGS),
        broken=sum(counts[verdict] for verdict in BROKEN),
        not_run=counts[Verdict.NOT_RUN],
        worst_margin=tally.worst_margin,
        lowest_rung=tally.lowest_rung((Verdict.CONFORMS, Verdict.DEVIATES)),
    )


def finding_id(check: Check) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the failing check's signature."""
    signature = (
        check.backend,
        check.subject,
        check.property,
        check.observable,
        check.verdict,
        sorted(check.deviations),
    )
    return hashlib.sha256(msgspec.json.encode(signature)).hexdigest()[:16]


def group_findings(checks: Iterable[Check], cases: Mapping[str, Case]) -> tuple[Finding, ...]:
    """A finding for each signature among the failing checks, sorted by subject, property, observable
    and backend, without their `reproduce`; `cases` has their cases by id."""
    counts: Counter[str] = Counter()
    smallest: dict[str, tuple[tuple[int, int, str, str, str], Check]] = {}
    for check in checks:
        if check.verdict in FAILING:
            id_, case = finding_id(check), cases[check.case]
            size = case.elements, len(encode(case)), check.case, check.peer, check.format
            counts[id_] += 1
            if id_ not in smallest or size < smallest[id_][0]:
                smallest[id_] = size, check
    findings = [finding_of(check, counts[id_], cases[check.case]) for id_, (_, check) in smallest.items()]
    return tuple(sorted(findings, key=lambda f: (f.subject, f.property, f.observable, f.backend, f.id)))


def finding_of(check: Check, count: int, witness: Case) -> Finding:
    """The finding that the check of its smallest case stands for; `reproduce` says nothing yet."""
    return Finding(
        id=finding_id(check),
        backend=check.backend,
        subject=check.subject,
        property=check.property,
        observable=check.observable,
        verdict=check.verdict,
        summary=check.message,
        case=check.case,
        margin=check.margin,
        agrees_with=check.agrees_with,
        reproduce=Reproduction("", ""),
        deviations=check.deviations,
        count=count,
        witness=witness,
        differs=check.differs,
    )


def command(results: Results, backend: str, case: str, property_: str) -> str:
    """The command line that asks a backend of the results a case again, as it was asked, and judges a
    property of the answer. Of models, all backends are asked: any of them may have saved the one at fault.

    Args:
        case: its id, or the file that holds it.
    """
    records = [r for r in results.backends if r.name == backend or property_ == "interchange"]
    asked = dict.fromkeys(r.given or ("--backend", r.name) for r in records)
    words = ("conformance", "run", "--case", case, *itertools.chain(*asked), *results.suite.options)
    return shlex.join([*words, "--property", property_, "--out", "conformance-reproduced"])


def command_for(check: Check, results: Results) -> str:
    """The command line that shows a failing check of the results again; where its case is in no corpus, and
    cannot be named, that of its finding."""
    finding = next(finding for finding in results.findings if finding.id == finding_id(check))
    if check.case == finding.case or check.case not in corpora.ids():
        return finding.reproduce.command
    return command(results, check.backend, check.case, check.property)


def suspect_specification(
    checks: Iterable[Check], deviations: Iterable[DeviationRecord]
) -> tuple[Suspicion, ...]:
    """Where the specification stands alone: on one case all backends that answered, of two families at
    least, depart from it, and each agrees with all the others; and no deviation by which one of them does
    says why it stands all the same. The checks of a case come together."""
    argued = {d.id for d in deviations if d.stands}
    cases = defaultdict(list)
    for case, of_case in itertools.groupby(checks, key=lambda check: check.case):
        answers = defaultdict(list)
        for check in of_case:
            if check.verdict in ANSWERED:
                answers[check.subject, *key_of(check)[1:]].append(check)
        for (subject, property_, observable, *_), group in answers.items():
            backends = {check.backend for check in group}
            if len({family(backend) for backend in backends}) > 1 and all(
                check.verdict is not Verdict.CONFORMS
                and backends <= {check.backend, *check.agrees_with}
                and argued.isdisjoint(check.deviations)
                for check in group
            ):
                cases[subject, property_, observable, tuple(sorted(backends))].append(case)
    return tuple(Suspicion(*key, count=len(cases[key]), case=min(cases[key])) for key in sorted(cases))


@dataclass(frozen=True)
class Totals:
    """Numbers of checks; all but the first add up to the first."""

    checks: int
    conforms: int
    deviates: int
    unsupported: int
    unspecified: int
    findings: int
    broken: int
    not_run: int

    def __str__(self) -> str:
        """One line, with its denominator; kinds of which there is none are left out.

        >>> str(Totals(1200, 1180, 5, 0, 0, 15, 0, 0))
        '1,180 of 1,200 checks conform, 5 deviate as recorded, 15 failed'
        """
        phrases = {
            "deviate as recorded": self.deviates,
            "unsupported": self.unsupported,
            "unspecified": self.unspecified,
            "failed": self.findings,
            "broken": self.broken,
            "not run": self.not_run,
        }
        rest = "".join(f", {count:,} {phrase}" for phrase, count in phrases.items() if count)
        return f"{self.conforms:,} of {self.checks:,} checks conform{rest}"


def total(cells: Iterable[Cell]) -> Totals:
    """The sum of the cells."""
    columns = ("conforms", "deviates", "unsupported", "unspecified", "findings", "broken", "not_run")
    cells = tuple(cells)
    sums = {column: sum(getattr(cell, column) for cell in cells) for column in columns}
    return Totals(checks=sum(sums.values()), **sums)
