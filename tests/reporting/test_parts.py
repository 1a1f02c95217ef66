"""What several processes have written of one run becomes one journal, however each of them ended."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from conformance.reporting import parts
from conformance.reporting.journal import (
    BackendStarted,
    Begun,
    CaseJudged,
    DeviationSummed,
    Entry,
    Journal,
    JournalWriter,
)
from conformance.reporting.recording import recover
from conformance.reporting.store import read
from conformance.verdicts import Verdict
from tests.reporting import synthetic

FIRST, SECOND, *_ = synthetic.cases()
BACKEND = synthetic.BACKENDS[0]
OTHER = synthetic.BACKENDS[1]


def begun(second: int) -> Begun:
    return Begun(synthetic.SUITE, {}, f"2026-01-01T00:00:{second:02}+00:00")


def judged(number: int, after_s: float, backend: str = BACKEND.name) -> CaseJudged:
    case = (FIRST, SECOND)[number]
    return CaseJudged(case, tuple(c for c in synthetic.checks(case) if c.backend == backend), after_s)


def write(directory: Path, name: str, *entries: Entry) -> None:
    with JournalWriter(parts.place(directory, name)) as journal:
        for entry in entries:
            journal.write(entry)


def merged(directory: Path) -> list[Entry]:
    assert parts.merge(directory)
    return list(Journal(directory).entries())


def test_entries_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    write(tmp_path, "gw0-0", begun(10), BackendStarted(BACKEND), judged(0, 1.0), judged(1, 4.5))
    write(tmp_path, "gw1-0", begun(12), BackendStarted(OTHER), judged(0, 0.5, OTHER.name))
    assert merged(tmp_path) == [
        begun(10),
        BackendStarted(BACKEND),
        judged(0, 1.0),
        BackendStarted(OTHER),
        judged(0, 2.5, OTHER.name),
        judged(1, 4.5),
    ]


def test_case_judged_again_after_a_death_counts_once(tmp_path: Path) -> None:
    late = judged(0, 1.0)
    late = msgspec.structs.replace(
        late, checks=tuple(msgspec.structs.replace(c, verdict=Verdict.CRASHED) for c in late.checks)
    )
    write(tmp_path, "gw0-0", begun(0), BackendStarted(BACKEND), judged(0, 1.0))
    write(tmp_path, "gw2-0", begun(5), BackendStarted(BACKEND), late, judged(1, 2.0))
    recover(tmp_path)
    report = read(tmp_path)
    assert [e for e in merged(tmp_path) if isinstance(e, CaseJudged)] == [judged(0, 1.0), judged(1, 7.0)]
    assert report.results.status == "interrupted"
    assert {c.case for c in report.checks} == {FIRST.id, SECOND.id}


@pytest.mark.parametrize("first", [True, False])
def test_deviation_that_one_part_decides_is_decided(tmp_path: Path, first: bool) -> None:
    decided = DeviationSummed(synthetic.DEVIATIONS[0])
    undecided = DeviationSummed(msgspec.structs.replace(decided.record, holds=None))
    one, other = (decided, undecided) if first else (undecided, decided)
    write(tmp_path, "gw0-0", begun(0), BackendStarted(BACKEND), one)
    write(tmp_path, "gw1-0", begun(1), BackendStarted(BACKEND), other)
    recover(tmp_path)
    assert [deviation.holds for deviation in read(tmp_path).results.deviations] == [True]


def test_part_that_was_cut_off_gives_what_is_whole(tmp_path: Path) -> None:
    write(tmp_path, "gw0-0", begun(0), BackendStarted(BACKEND), judged(0, 1.0), judged(1, 2.0))
    path = Journal(parts.place(tmp_path, "gw0-0")).path
    path.write_bytes(path.read_bytes()[:-7])
    write(tmp_path, "gw1-0")
    assert merged(tmp_path) == [begun(0), BackendStarted(BACKEND), judged(0, 1.0)]


def test_without_parts_nothing_is_done(tmp_path: Path) -> None:
    write(tmp_path, "gw0-0")
    assert not parts.merge(tmp_path)
    assert not Journal(tmp_path).path.exists()


def test_parts_stay_until_they_are_removed(tmp_path: Path) -> None:
    """Somebody may still write them, as where a report is asked for in the middle."""
    write(tmp_path, "gw0-0", begun(0), BackendStarted(BACKEND), judged(0, 1.0))
    assert merged(tmp_path) == merged(tmp_path)
    parts.remove(tmp_path)
    assert not parts.merge(tmp_path)
