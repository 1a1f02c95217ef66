"""The journals of those who share a run, such as the workers of pytest-xdist: a folder each within the
results directory, until one journal is made of them. However any of them ends, what it has seen is there."""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from conformance.reporting.journal import (
    JOURNAL,
    Begun,
    CaseJudged,
    DeviationSummed,
    Entry,
    Journal,
    JournalWriter,
)

PARTS = "parts"
"""The folder in a results directory."""


def place(directory: Path, name: str) -> Path:
    """Where the journal of the part of that name is."""
    return directory / PARTS / name


def remove(directory: Path) -> None:
    """Remove all parts, those of an earlier run or those of which a journal has been made."""
    shutil.rmtree(directory / PARTS, ignore_errors=True)


def merge(directory: Path) -> bool:
    """Make the directory's journal of the parts, in the order in which things happened; the parts stay, as
    somebody may still write them. Without any, nothing is done; whether there is one.

    What two parts say of a case of one backend is said by the first: a worker died, and another one was asked
    the same again.

    Raises:
        ResultsError: a part cannot be read.
        OSError: the directory cannot be written.
    """
    journals = [Journal(path.parent) for path in sorted((directory / PARTS).glob(f"*/{JOURNAL}"))]
    # One that was killed at once may have written nothing.
    begun = [entry for journal in journals if isinstance(entry := next(journal.entries(), None), Begun)]
    if not begun:
        return False
    first = min(begun, key=lambda entry: entry.at)
    entries = heapq.merge(*(_timed(journal, first) for journal in journals), key=lambda timed: timed[0])
    with tempfile.TemporaryDirectory(prefix=".merging-", dir=directory) as folder:
        with JournalWriter(Path(folder)) as merged:
            merged.write(first)
            for entry in _once(entry for _, entry in entries):
                merged.write(entry)
        Journal(Path(folder)).path.replace(Journal(directory).path)
    return True


def _timed(journal: Journal, first: Begun) -> Iterator[tuple[float, Entry]]:
    """What is in a part, each with the seconds since the first one began."""
    began = now = 0.0
    for entry in journal.entries():
        match entry:
            case Begun(at=at):
                began = now = (datetime.fromisoformat(at) - datetime.fromisoformat(first.at)).total_seconds()
            case CaseJudged(case, checks, after_s):
                now = round(began + after_s, 3)
                yield now, CaseJudged(case, checks, now)
            case _:
                yield now, entry


def _once(entries: Iterator[Entry]) -> Iterator[Entry]:
    """Without the checks of a case of a backend that is judged already, and without what a part could not
    decide of a deviation that another one has decided."""
    judged: set[tuple[str, str]] = set()
    decided: set[tuple[str, str]] = set()
    for entry in entries:
        match entry:
            case CaseJudged(case, checks, after_s):
                fresh = tuple(check for check in checks if (check.backend, check.case) not in judged)
                judged.update((check.backend, check.case) for check in fresh)
                if fresh:
                    yield CaseJudged(case, fresh, after_s)
            case DeviationSummed(record):
                key = record.backend, record.id
                if record.holds is not None:
                    decided.add(key)
                if record.holds is not None or key not in decided:
                    yield entry
            case _:
                yield entry
