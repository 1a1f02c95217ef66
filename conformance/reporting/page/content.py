"""What is embedded in the page: an overview, which is all that it needs to open, and details for what is
opened in it. The types are those of `application/src/model/report.ts`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set

import msgspec

from conformance import dialects
from conformance.cases import corpus as corpora
from conformance.cases.case import Case
from conformance.cases.properties import PROPERTIES
from conformance.coverage import SubjectCoverage, of_report
from conformance.reference_impl.arithmetic import declared
from conformance.reporting.exchanges import Exchanges, exchanges
from conformance.reporting.ledger import (
    Suspicion,
    Tally,
    command,
    margin_size,
    suspect_specification,
    unrecorded_versions,
)
from conformance.reporting.legend import GLYPHS, MEANINGS, in_order, tone
from conformance.reporting.page.subjects import Document, Family, document, families
from conformance.reporting.results import BackendRecord, Results
from conformance.reporting.store import Report
from conformance.verdicts import Check, Rung, Verdict

BINS_PER_DECADE = 4
SMALLEST, LARGEST = 1e-6, 1e4
"""The margins between which histograms tell them apart."""


class Sign(msgspec.Struct, frozen=True):
    """How a verdict is shown."""

    verdict: Verdict
    glyph: str
    tone: str
    meaning: str


class PropertySummary(msgspec.Struct, frozen=True):
    """What holds where a property holds; nothing is known of one that the suite does not have."""

    name: str
    summary: str


class LooserEntry(msgspec.Struct, frozen=True):
    """A function's error in ULP where it is looser than published; null: not in the published table."""

    function: str
    declared: float
    published: float | None


class Promise(msgspec.Struct, frozen=True):
    """What a backend's arithmetic comes to.

    Attributes:
        wider: by computation, the class of algorithm where it is not the tightest.
        command: the command line that asks the backend the case CASE again and judges PROPERTY.
    """

    backend: str
    unit_roundoff: float
    looser: tuple[LooserEntry, ...]
    wider: dict[str, str]
    command: str


class Histogram(msgspec.Struct, frozen=True):
    """The margins of a backend and property.

    Attributes:
        bins: how many are in (10^((k−1)/4), 10^(k/4)], by k; the first and the last are open.
    """

    backend: str
    property: str
    zero: int
    infinite: int
    bins: dict[int, int]


class Overview(msgspec.Struct, frozen=True):
    """All that the page shows before anything is opened."""

    results: Results
    signs: tuple[Sign, ...]
    properties: tuple[PropertySummary, ...]
    families: tuple[Family, ...]
    suspicions: tuple[Suspicion, ...]
    notices: tuple[str, ...]
    promises: tuple[Promise, ...]
    histograms: tuple[Histogram, ...]
    bins_per_decade: int
    range: tuple[float, float]
    exchanges: Exchanges | None


class Row(msgspec.Struct, frozen=True):
    """The checks of one observable of a cell.

    Attributes:
        rung: the loosest that was reached; `required`, the strictest that was asked.
        deviations: how many checks reached each; `agrees`, in how many each other backend said the same.
        case, message: of the worst check.
    """

    observable: str
    counts: dict[Verdict, int]
    rung: Rung | None
    required: Rung | None
    margin: float | str | None
    deviations: dict[str, int]
    agrees: dict[str, int]
    case: str
    message: str


class Recipe(msgspec.Struct, frozen=True):
    """A case, and whether the command line knows it by its id."""

    case: Case
    named: bool


class Details(msgspec.Struct, frozen=True):
    """What the page shows of what is opened in it; `rows` has those of each cell of the results, in its
    order."""

    rows: tuple[tuple[Row, ...], ...]
    cases: dict[str, Recipe]
    documents: dict[str, Document]
    coverage: tuple[SubjectCoverage, ...]


def contents(report: Report) -> tuple[Overview, Details]:
    """The two parts.

    Raises:
        BadArithmetic: a backend of the report declares an arithmetic that does not exist.
    """
    results = report.results
    suspicions = suspect_specification(report.checks, results.deviations)
    rows, histograms = _sum(report.checks, {finding.case for finding in results.findings})
    subjects = sorted({cell.subject for cell in results.cells})
    overview = Overview(
        results=results,
        signs=tuple(Sign(v, GLYPHS[v], tone(v), MEANINGS[v]) for v in Verdict),
        properties=tuple(
            PropertySummary(name, PROPERTIES[name].summary if name in PROPERTIES else "")
            for name in in_order({cell.property for cell in results.cells})
        ),
        families=families(subjects),
        suspicions=suspicions,
        notices=tuple(line for backend in results.backends for line in unrecorded_versions(backend)),
        promises=tuple(_promise(results, backend) for backend in results.backends),
        histograms=histograms,
        bins_per_decade=BINS_PER_DECADE,
        range=(SMALLEST, LARGEST),
        exchanges=exchanges(report),
    )
    of_cells = tuple(rows[cell.backend, cell.subject, cell.property] for cell in results.cells)
    told = {row.case for of_cell in of_cells for row in of_cell} | {s.case for s in suspicions}
    told |= {witness for deviation in results.deviations for witness in deviation.witnesses}
    documents = {subject: found for subject in subjects if (found := document(subject)) is not None}
    return overview, Details(of_cells, _recipes(results, told), documents, of_report(report).subjects)


def _promise(results: Results, backend: BackendRecord) -> Promise:
    arithmetic = declared(backend.arithmetic)
    tightest = declared({"base": arithmetic.name}).algorithms
    return Promise(
        backend=backend.name,
        unit_roundoff=arithmetic.unit_roundoff,
        looser=tuple(
            LooserEntry(function, own, None if math.isnan(published) else published)
            for function, (published, own) in arithmetic.looser_entries().items()
        ),
        wider={n: chosen for n, chosen in sorted(arithmetic.algorithms.items()) if chosen != tightest[n]},
        command=command(results, backend.name, "CASE", "PROPERTY"),
    )


class _Observable(Tally):
    """The checks of one observable of a cell, added up one after the other.

    Args:
        witnesses: ids of the findings' cases: of checks that are equally bad, the one of such a case is told,
            for the results have the case itself.
    """

    def __init__(self, witnesses: Set[str]) -> None:
        super().__init__()
        self.witnesses = witnesses
        self.worst: tuple[tuple[int, float, bool], Check] | None = None
        self.required: set[Rung] = set()
        self.deviations: Counter[str] = Counter()
        self.agrees: Counter[str] = Counter()

    def add(self, check: Check) -> None:
        super().add(check)
        badness = check.verdict.severity, margin_size(check.margin), check.case in self.witnesses
        if self.worst is None or badness > self.worst[0]:
            self.worst = badness, check
        if check.required_rung is not None:
            self.required.add(check.required_rung)
        self.deviations.update(check.deviations)
        self.agrees.update(check.agrees_with)

    def row(self, name: str) -> Row:
        assert self.worst is not None
        _, worst = self.worst
        return Row(
            observable=name,
            counts=dict(sorted(self.counts.items(), key=lambda item: -item[0].severity)),
            rung=self.lowest_rung(Verdict),
            required=min(self.required, key=list(Rung).index, default=None),
            margin=_rounded(self.worst_margin),
            deviations=dict(sorted(self.deviations.items())),
            agrees=dict(sorted(self.agrees.items())),
            case=worst.case,
            message=worst.message,
        )


def _rounded(margin: float | str | None) -> float | str | None:
    """To the digits that are shown; the others would be half of the page's bytes."""
    return float(f"{margin:.3g}") if isinstance(margin, float) else margin


def _sum(
    checks: Iterable[Check], witnesses: Set[str]
) -> tuple[dict[tuple[str, str, str], tuple[Row, ...]], tuple[Histogram, ...]]:
    """By backend, subject and property, the rows of their observables; and the margins of all checks."""
    cells: defaultdict[tuple[str, str, str], defaultdict[str, _Observable]] = defaultdict(
        lambda: defaultdict(lambda: _Observable(witnesses))
    )
    margins: defaultdict[tuple[str, str], Counter[float]] = defaultdict(Counter)
    for check in checks:
        cells[check.backend, check.subject, check.property][check.observable].add(check)
        if check.margin is not None:
            margins[check.backend, check.property][_bin(margin_size(check.margin))] += 1
    rows = {
        key: tuple(observables[name].row(name) for name in sorted(observables))
        for key, observables in cells.items()
    }
    return rows, tuple(_histogram(*key, margins[key]) for key in sorted(margins))


def _bin(margin: float) -> float:
    """The k of (10^((k−1)/4), 10^(k/4)]; an infinite one of either sign for 0 and infinity.

    >>> [_bin(m) for m in (0.0, 1e-9, 0.9, 1.0, 1.1, 1e9, math.inf)]
    [-inf, -24, 0, 0, 1, 17, inf]
    """
    if margin in (0.0, math.inf):
        return -math.inf if margin == 0.0 else math.inf
    first, last = (round(math.log10(edge) * BINS_PER_DECADE) for edge in (SMALLEST, LARGEST))
    return min(max(math.ceil(math.log10(margin) * BINS_PER_DECADE), first), last + 1)


def _histogram(backend: str, property_: str, counts: Counter[float]) -> Histogram:
    finite = {int(k): counts[k] for k in sorted(counts) if math.isfinite(k)}
    return Histogram(backend, property_, counts[-math.inf], counts[math.inf], finite)


def _recipes(results: Results, ids: set[str]) -> dict[str, Recipe]:
    """The cases of those ids, as far as this suite has them: from the corpora, the recorded deviations and
    the findings."""
    named = corpora.ids()
    found = {case.id: case for case in _known_cases(results)}
    return {id_: Recipe(found[id_], id_ in named) for id_ in sorted(ids & found.keys())}


def _known_cases(results: Results) -> Iterator[Case]:
    yield from (finding.witness for finding in results.findings)
    yield from corpora.load(corpora.NAMES[-1])
    for backend in results.backends:
        for deviation in dialects.of(backend.name, backend.versions).deviations:
            yield from deviation.witnesses
