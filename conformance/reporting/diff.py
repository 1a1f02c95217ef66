"""Compares two results check by check: what fails now and did not before, what is mended, what was lost."""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, repeat
from typing import Any

import msgspec

from conformance.reporting.ledger import FAILING, command_for, finding_id, margin_size, show_margin
from conformance.reporting.results import DeviationRecord, Results
from conformance.reporting.store import Report
from conformance.verdicts import Check, Verdict, key_of


class Change(StrEnum):
    """What became of a check; at most one of these, in the order in which they are shown."""

    NEWLY_FAILING = "newly failing"
    MENDED = "mended"
    NEWLY_UNSUPPORTED = "newly unsupported"
    NO_LONGER_ASKED = "no longer asked"
    NUMERICALLY_WORSE = "numerically worse"
    OTHER_VERDICT = "other verdict"


LISTED = tuple(change for change in Change if change is not Change.NO_LONGER_ASKED)
"""The kinds whose changes are listed for people; of checks not asked, their number says enough."""

UNASKED = frozenset({Verdict.UNSUPPORTED, Verdict.NOT_RUN})
EXPECTED = frozenset({Verdict.CONFORMS, Verdict.DEVIATES})


@dataclass(frozen=True)
class Changed:
    """A check that is not what it was; None where one of the results does not have it."""

    change: Change
    before: Check | None
    after: Check | None

    @property
    def check(self) -> Check:
        """The later one, where there is one."""
        check = self.after or self.before
        assert check is not None
        return check


@dataclass(frozen=True)
class Group:
    """Changes of one kind that differ in their cases only.

    Attributes:
        example: one of them to look at.
        results: the later ones.
    """

    example: Changed
    count: int
    results: Results

    @property
    def place(self) -> str:
        """What changed, and on which backend."""
        check = self.example.check
        return f"{check.subject} · {check.property} · {check.observable} on {check.backend}"

    @property
    def became(self) -> str:
        """The verdict before and after, or the margins where the verdict is the same."""
        before, after = self.example.before, self.example.after
        if self.example.change is Change.NUMERICALLY_WORSE and before and after:
            return f"margin {show_margin(before.margin)} → {show_margin(after.margin)}, {after.verdict}"
        return " → ".join(side.verdict if side else "not asked" for side in (before, after))

    @property
    def many(self) -> str:
        """How many checks, where it is more than one."""
        return f" ({self.count:,} checks)" if self.count > 1 else ""

    @property
    def how(self) -> tuple[str, str]:
        """What is wrong with the example, which newly fails, and the command that shows it again."""
        return self.example.check.message, command_for(self.example.check, self.results)


@dataclass(frozen=True)
class LostDeviation:
    """A recorded deviation that is gone.

    Attributes:
        recorded: whether it still stands in the dialect, and does not hold on a witness; else it
            held before, and has been removed.
    """

    backend: str
    id: str
    summary: str
    recorded: bool

    def __str__(self) -> str:
        fate = "no longer holds" if self.recorded else "is no longer recorded"
        return f"{self.id} of {self.backend} {fate}: {self.summary}"


@dataclass(frozen=True)
class Difference:
    """What became of earlier results.

    Attributes:
        old, new: the two results.
        worse: how many times larger a margin had to be to count as numerically worse.
        in_both: how many checks both have; `only_old` and `only_new`, how many but one of them has.
        changes: sorted by kind, then subject, property, observable, backend and case.
    """

    old: Results
    new: Results
    worse: float
    in_both: int
    only_old: int
    only_new: int
    changes: tuple[Changed, ...]
    lost: tuple[LostDeviation, ...]

    def of(self, change: Change) -> tuple[Changed, ...]:
        """The changes of one kind."""
        return tuple(changed for changed in self.changes if changed.change is change)

    def groups(self, change: Change) -> tuple[Group, ...]:
        """The changes of one kind by everything but their case. The example is a finding's witness
        where there is one, and where margins grew, the check of the largest."""
        witnesses = {finding.case for finding in (*self.new.findings, *self.old.findings)}

        def rank(changed: Changed) -> tuple[bool, float, str]:
            check = changed.check
            return check.case not in witnesses, -margin_size(check.margin), check.case

        groups: dict[tuple[Any, ...], list[Changed]] = defaultdict(list)
        for changed in self.of(change):
            check, before = changed.check, changed.before and changed.before.verdict
            place = check.subject, check.property, check.observable, check.backend
            groups[*place, before, check.verdict].append(changed)
        return tuple(Group(min(group, key=rank), len(group), self.new) for group in groups.values())

    @property
    def regressed(self) -> bool:
        """Whether a check newly fails, or a recorded deviation newly does not hold."""
        return bool(self.of(Change.NEWLY_FAILING)) or any(lost.recorded for lost in self.lost)

    @property
    def counts(self) -> tuple[list[str], dict[Change, list[int]]]:
        """The backends of which anything changed, and how many of their checks did, for each kind."""
        backends = sorted({changed.check.backend for changed in self.changes})
        counts = Counter((changed.change, changed.check.backend) for changed in self.changes)
        rows = {change: [counts[change, name] for name in backends] for change in Change}
        return backends, {change: row for change, row in rows.items() if any(row)}

    @property
    def headline(self) -> str:
        """What came of the comparison, in a line with its denominators."""
        what = "Something" if self.regressed else "Nothing"
        alone = f"{self.only_old:,} in the old only, {self.only_new:,} in the new only"
        return f"{what} newly fails: {self.in_both:,} checks are in both results, {alone}"

    @property
    def notices(self) -> tuple[str, ...]:
        """What has to be known to read the comparison, a line each."""
        return tuple(_notices(self.old, self.new))


def compare(old: Report, new: Report, worse: float) -> Difference:
    """Compare by case and `key_of`.

    Args:
        worse: a margin that is at least so many times the earlier one is numerically worse; from a
            margin of 0, any other is.
    """
    sides: Counter[tuple[bool, bool]] = Counter()
    changes = []
    for before, after in _pairs(old.checks, new.checks):
        sides[before is not None, after is not None] += 1
        if change := classify(before, after, worse):
            changes.append(Changed(change, before, after))
    return Difference(
        old=old.results,
        new=new.results,
        worse=worse,
        in_both=sides[True, True],
        only_old=sides[True, False],
        only_new=sides[False, True],
        changes=tuple(sorted(changes, key=_order)),
        lost=tuple(_lost_deviations(old.results, new.results)),
    )


def _pairs(old: Iterable[Check], new: Iterable[Check]) -> Iterator[tuple[Check | None, Check | None]]:
    """Each check as it is in either, case by case: checks come sorted by these, and are never all in
    memory."""
    tagged = heapq.merge(zip(repeat("old"), old), zip(repeat("new"), new), key=lambda pair: pair[1].case)
    for _, of_case in groupby(tagged, key=lambda pair: pair[1].case):
        found: dict[str, dict[tuple[str, ...], Check]] = {"old": {}, "new": {}}
        for side, check in of_case:
            found[side][key_of(check)] = check
        for key in found["old"] | found["new"]:
            yield found["old"].get(key), found["new"].get(key)


def classify(before: Check | None, after: Check | None, worse: float) -> Change | None:
    """What became of a check, if anything did; one that is missing was not run."""
    old = before.verdict if before else Verdict.NOT_RUN
    new = after.verdict if after else Verdict.NOT_RUN
    if old is new:
        grown = before and after and has_grown(before.margin, after.margin, worse)
        return Change.NUMERICALLY_WORSE if grown else None
    if new in FAILING:
        return Change.NEWLY_FAILING
    if old in UNASKED:
        return None
    if new is Verdict.UNSUPPORTED:
        return Change.NEWLY_UNSUPPORTED
    if new is Verdict.NOT_RUN:
        return Change.NO_LONGER_ASKED
    return Change.MENDED if old in FAILING and new in EXPECTED else Change.OTHER_VERDICT


def has_grown(before: float | str | None, after: float | str | None, times: float) -> bool:
    """Whether both are margins, and the later one is so many times the earlier.

    >>> has_grown(0.01, 0.2, 10), has_grown(0.1, 0.2, 10), has_grown(0.0, 0.2, 10)
    (True, False, True)
    """
    if before is None or after is None:
        return False
    old, new = margin_size(before), margin_size(after)
    return new > old and new >= times * old


def _order(changed: Changed) -> tuple[Any, ...]:
    check, kinds = changed.check, list(Change)
    place = check.subject, *key_of(check)[1:], check.backend, check.case
    return kinds.index(changed.change), *place


def _lost_deviations(old: Results, new: Results) -> Iterator[LostDeviation]:
    """Those that newly do not hold, and those that held and are no longer recorded of a backend that
    was asked again."""

    def by_id(results: Results) -> dict[tuple[str, str], DeviationRecord]:
        return {(deviation.backend, deviation.id): deviation for deviation in results.deviations}

    before, after = by_id(old), by_id(new)
    asked_again = {backend.name for backend in new.backends}
    for key in sorted(before.keys() | after.keys()):
        then, now = before.get(key), after.get(key)
        if now and now.holds is False and not (then and then.holds is False):
            yield LostDeviation(*key, now.summary, recorded=True)
        if then and then.holds and not now and then.backend in asked_again and new.status == "complete":
            yield LostDeviation(*key, then.summary, recorded=False)


def _notices(old: Results, new: Results) -> Iterator[str]:
    if old.suite.version != new.suite.version:
        yield f"The old results are of suite {old.suite.version}, the new of {new.suite.version}."
    if old.suite.corpus_digest != new.suite.corpus_digest:
        were, are = (f"corpus {s.corpus}" if s.corpus else "single cases" for s in (old.suite, new.suite))
        which = f"{are} with other cases" if were == are else are
        yield f"The old results are of {were}, the new of {which}: a failure not asked before counts as new."
    for results, name in ((old, "old"), (new, "new")):
        if results.status == "interrupted":
            yield f"The {name} run was interrupted: what it did not reach is not compared."
    failed = [gone.backend for gone in new.unavailable]
    for name in failed:
        yield f"{name} could not be started in the new run: nothing is known of it."
    asked = [backend.name for backend in new.backends]
    for backend in old.backends:
        if backend.name not in (*asked, *failed):
            yield f"{backend.name} was not asked in the new run: nothing is known of it."
    versions = {backend.name: backend.versions for backend in old.backends}
    for backend in new.backends:
        then, now = versions.get(backend.name), backend.versions
        if then is None:
            yield f"{backend.name} was not asked in the old run: all that fails on it counts as new."
            continue
        moved = [
            f"{name} {then.get(name, 'none')} → {now.get(name, 'none')}"
            for name in sorted(then.keys() | now.keys())
            if then.get(name) != now.get(name)
        ]
        if moved:
            yield f"{backend.name}: {', '.join(moved)}."


@dataclass(frozen=True)
class News:
    """What results have beyond a baseline.

    Attributes:
        new: the findings of which at least one check is not in the baseline.
        known: all other findings.
        known_deviations: how many do not hold, and did not in the baseline.
    """

    difference: Difference
    new: tuple[str, ...]
    known: tuple[str, ...]
    known_deviations: int

    def __str__(self) -> str:
        """One line: what is new, and what is known."""
        text = f"Findings: {len(self.new):,} new, {len(self.known):,} known from the baseline"
        lost = sum(gone.recorded for gone in self.difference.lost)
        if lost or self.known_deviations:
            text += f"; deviations that no longer hold: {lost} new, {self.known_deviations} known"
        return text


def news(baseline: Report, report: Report) -> News:
    """What is new in the report, and what is known."""
    difference = compare(baseline, report, worse=math.inf)
    failing = {finding_id(changed.check) for changed in difference.of(Change.NEWLY_FAILING)}
    ids = [finding.id for finding in report.results.findings]
    lost = sum(deviation.holds is False for deviation in report.results.deviations)
    return News(
        difference=difference,
        new=tuple(id_ for id_ in ids if id_ in failing),
        known=tuple(id_ for id_ in ids if id_ not in failing),
        known_deviations=lost - sum(gone.recorded for gone in difference.lost),
    )


def encode(difference: Difference) -> bytes:
    """The difference as one JSON object: numbers of checks, the changes by kind, and lost deviations."""

    def described(changed: Changed) -> dict[str, Any]:
        check = changed.check
        before, after = (
            side and {"verdict": side.verdict, "margin": side.margin, "message": side.message}
            for side in (changed.before, changed.after)
        )
        place = {"case": check.case, "backend": check.backend, "subject": check.subject}
        return {
            **place, "property": check.property, "observable": check.observable,
            "before": before, "after": after,
        }  # fmt: skip

    by_kind = {kind: list(group) for kind, group in groupby(difference.changes, lambda c: c.change)}
    content = {
        "regressed": difference.regressed,
        "checks": {
            "in_both": difference.in_both,
            "only_old": difference.only_old,
            "only_new": difference.only_new,
        },
        "worse": difference.worse,
        "changes": {kind.replace(" ", "_"): [described(c) for c in by_kind.get(kind, ())] for kind in Change},
        "lost_deviations": difference.lost,
        "notices": difference.notices,
    }
    return msgspec.json.encode(content)
