"""What the checks of a backend amount to: one of two grades, or a refusal with every reason."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from conformance.cases.guide.row import speaks_of
from conformance.cases.models import is_about_model
from conformance.cases.profiles import WEAKEST
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import pairs
from conformance.certificates.scope import Scope
from conformance.reference_impl.arithmetic import NAMED, declared
from conformance.reporting.ledger import total
from conformance.reporting.results import BackendRecord, Cell, DeviationRecord
from conformance.reporting.store import Report
from conformance.verdicts import BROKEN, FINDINGS, Check, Rung, Verdict

SUPPORTED_SHARE = 0.9
"""So many of the subjects of a whole set have to be supported; of chosen ones, all."""

UNROUNDED = (None, Rung.STRUCTURE, Rung.EXACT, Rung.NONE)
"""The rungs that say nothing of how a backend rounds: every correct one has the same bits there."""


class Grade(StrEnum):
    """What is granted, best first."""

    SPECIFICATION = "conforms to the specification"
    DIALECT = "conforms to its dialect"
    REFUSED = "refused"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of what is written to disk."""


class Departure(Record, frozen=True):
    """A recorded deviation that shows in the certificate's subjects, and how many checks of the corpus it
    explains; none where it shows on its witnesses alone."""

    id: str
    kind: str
    effect: str
    summary: str
    source: str
    upstream: str
    witnesses: tuple[str, ...]
    checks: int


class Precision(Record, frozen=True):
    """An entry of the arithmetic that is looser than the published one, as the backend declares it."""

    function: str
    unit: str
    published: float
    declared: float


class Support(Record, frozen=True):
    """Of how many subjects every property was asked, and by subject those that were not."""

    supported: int
    of: int
    unsupported: dict[str, tuple[str, ...]]


class Independence(Record, frozen=True):
    """Whether the backend is seen to compute by itself.

    A correct backend of its own rounds otherwise than the specification somewhere. One whose bits are the
    specification's wherever rounding is free may be the specification itself; small integers (a lattice),
    where every correct backend has the same bits, say nothing.

    Attributes:
        differing: checks in which its bits are others than the specification's, rounded.
        of: checks in which they may be.
    """

    proven: bool
    differing: int
    of: int


class Assessment(Record, frozen=True):
    """What the checks amount to.

    Attributes:
        reasons: why it is refused; nothing where it is granted.
        checks: of each verdict, how many there are on the cases of the corpus.
        dialect: whose the recorded deviations are: a module, or nothing where none is recorded.
    """

    grade: Grade
    reasons: tuple[str, ...]
    checks: dict[str, int]
    support: Support
    independence: Independence
    dialect: str
    deviations: tuple[Departure, ...]
    precision: tuple[Precision, ...]


def assess(scope: Scope, report: Report) -> Assessment:
    """What the results of one backend amount to.

    Raises:
        BadArithmetic: it declares one that makes no sense.
        ValueError: there is not one backend.
    """
    (backend,) = report.results.backends
    subjects = set(scope.names)
    corpus = {case.id for case in scope.cases}
    garbage = {d.id for d in report.results.deviations if d.effect == "unpredictable"}
    verdicts: Counter[str] = Counter()
    explained: Counter[str] = Counter()
    unpredictable: Counter[str] = Counter()
    reached: set[str] = set()
    differing = free = 0
    for check in report.checks:
        if check.subject in subjects:
            reached.update(check.deviations)
        if check.case not in corpus:  # a witness of a recorded deviation
            continue
        verdicts[check.verdict] += 1
        if check.verdict is Verdict.UNSPECIFIED:
            unpredictable.update(garbage.intersection(check.deviations))
        explained.update(check.deviations)
        if check.verdict is Verdict.CONFORMS and check.required_rung not in UNROUNDED:
            free += 1
            differing += check.rung is not Rung.EXACT
    cells = [cell for cell in report.results.cells if cell.subject in subjects]
    departures = [d for d in report.results.deviations if d.id in reached]
    precision = tuple(_looser(backend)) if WEAKEST[scope.profile] else ()
    support = _support(scope, cells)
    reasons = (
        *_unfinished(report),
        *incomplete(scope, report),
        *_unsupported(scope, support),
        *_too_weak(scope, backend),
        *_failed(cells),
        *(
            f"the recorded deviation {id_} is unpredictable, and {count} checks ask for what it is about"
            for id_, count in sorted(unpredictable.items())
        ),
        *_not_held(departures, report.results.deviations),
    )
    granted = Grade.DIALECT if departures or precision else Grade.SPECIFICATION
    return Assessment(
        grade=Grade.REFUSED if reasons else granted,
        reasons=reasons,
        checks={verdict: verdicts[verdict] for verdict in Verdict if verdicts[verdict]},
        support=support,
        independence=Independence(differing > 0, differing, free),
        dialect=backend.dialect,
        deviations=tuple(_departure(d, explained[d.id]) for d in departures),
        precision=precision,
    )


def incomplete(scope: Scope, report: Report) -> Iterator[str]:
    """What the checks lack, or have too much, of one judgement of every observable of every case in scope.

    A witness of a recorded deviation may be there beside them. A model goes from program to program, and is
    judged by whom it came from: of it, every property has to be there.
    """
    (backend,) = report.results.backends
    judged = tuple(PROPERTIES[name] for name in scope.properties)
    witnesses = {id_ for d in report.results.deviations for id_ in d.witnesses}
    left = {case.id: case for case in scope.cases}
    for id_, group in itertools.groupby(report.checks, key=lambda check: check.case):
        checks = list(group)
        case = left.pop(id_, None)
        if case is None:
            if id_ not in witnesses:
                yield f"case {id_} is neither in the corpus nor a witness"
            continue
        if any(check.subject != case.subject for check in checks):
            yield f"case {id_} is about {case.subject}, and its checks say otherwise"
        due = {(p.name, o) for p, o in pairs(judged, case.observables) if speaks_of(o, backend.language)}
        found = {(check.property, check.observable) for check in checks}
        if is_about_model(case):
            due, found = {(p, "") for p, _ in due}, {(p, "") for p, _ in found}
        for property_, observable in sorted(due - found):
            yield f"case {id_} ({case.subject}) has no check of {property_} {observable}".rstrip()
        for property_, observable in sorted(found - due):
            yield f"case {id_} ({case.subject}) has a check of {property_} {observable}, not due".rstrip()
    for case in left.values():
        if any(speaks_of(o, backend.language) for _, o in pairs(judged, case.observables)):
            yield f"case {case.id} ({case.subject}) was not judged"


def _unfinished(report: Report) -> Iterator[str]:
    if report.results.status != "complete":
        yield "the run was interrupted"


def _support(scope: Scope, cells: Sequence[Cell]) -> Support:
    lacking: dict[str, tuple[str, ...]] = {}
    for cell in cells:
        if not cell.asked:
            lacking[cell.subject] = (*lacking.get(cell.subject, ()), cell.property)
    return Support(len(scope.names) - len(lacking), len(scope.names), lacking)


def _unsupported(scope: Scope, support: Support) -> Iterator[str]:
    needed = 1.0 if scope.patterns else SUPPORTED_SHARE
    if support.supported < needed * support.of:
        lacking = "; ".join(f"{subject} ({', '.join(of)})" for subject, of in support.unsupported.items())
        yield (
            f"{support.supported} of {support.of} subjects are supported, and {needed:.0%} are needed; these "
            f"properties are not: {lacking}"
        )


def _too_weak(scope: Scope, backend: BackendRecord) -> Iterator[str]:
    weakest = WEAKEST[scope.profile]
    if weakest is None:
        return
    arithmetic = declared(backend.arithmetic)
    if arithmetic.unit_roundoff > NAMED[weakest].unit_roundoff:
        yield (
            f"the backend declares a unit roundoff of {arithmetic.unit_roundoff} ({arithmetic.name}), and "
            f"the profile {scope.profile} grants nothing weaker than {weakest}, "
            f"{NAMED[weakest].unit_roundoff}"
        )


def _failed(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        if cell.not_run or cell.verdict in FINDINGS | BROKEN:
            yield f"{cell.subject}, {cell.property}: {cell.verdict}: {total([cell])}"


def _not_held(departures: Sequence[DeviationRecord], recorded: Sequence[DeviationRecord]) -> Iterator[str]:
    needed = {d.id for d in departures}
    for d in recorded:
        if d.holds is False:
            yield f"the recorded deviation {d.id} no longer holds on its witnesses"
        elif d.holds is None and d.id in needed and d.effect != "unpredictable":
            yield f"the recorded deviation {d.id} was not shown by its witnesses"


def _departure(d: DeviationRecord, checks: int) -> Departure:
    return Departure(d.id, d.kind, d.effect, d.summary, d.source, d.upstream, d.witnesses, checks)


def _looser(backend: BackendRecord) -> Iterator[Precision]:
    """Entries looser than the published ones: units in the last place, and absolute errors on top."""
    arithmetic = declared(backend.arithmetic)
    published = NAMED[arithmetic.name]
    for function, (_, ulps) in arithmetic.looser_entries().items():
        yield Precision(function, "ulp", published.ulps.get(function, 0.0), ulps)
    for function, error in sorted(arithmetic.absolute.items()):
        if error > published.absolute.get(function, 0.0):
            yield Precision(function, "absolute", published.absolute.get(function, 0.0), error)


def judged_otherwise(before: Sequence[Check], now: Sequence[Check]) -> list[str]:
    """Where the same questions have another verdict, or are explained by other deviations."""
    said = {(c.case, c.property, c.observable, c.peer, c.format): c for c in before}
    again = {(c.case, c.property, c.observable, c.peer, c.format): c for c in now}
    found = []
    for key in sorted(said.keys() | again.keys()):
        old, new = said.get(key), again.get(key)
        words = ["nothing" if c is None else ", ".join([c.verdict, *c.deviations]) for c in (old, new)]
        if words[0] != words[1]:
            found.append(f"{' '.join(filter(None, key))}: {words[0]} in the certificate, {words[1]} now")
    return found
