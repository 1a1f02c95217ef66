"""The journal of a run: what happened, a line each, as it happens. However a run ends, what it saw until
then can be told, and gone on with."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from conformance.cases.case import Case
from conformance.events import Judged
from conformance.reporting.results import (
    BackendRecord,
    DeviationRecord,
    ResultsError,
    Suite,
    UnavailableRecord,
)
from conformance.verdicts import Check

JOURNAL = "journal.jsonl"


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="entry"):
    pass


class Begun(_Entry, frozen=True, tag="begun"):
    """A session of the run; the second and later ones go on with it.

    Attributes:
        suite: what was asked for, the same in every session.
        arguments: of the command, by which it can be given again; none where it was not `conformance run`.
        at: when, in ISO 8601.
    """

    suite: Suite
    arguments: dict[str, Any]
    at: str


class BackendStarted(_Entry, frozen=True, tag="started"):
    record: BackendRecord


class BackendUnavailable(_Entry, frozen=True, tag="unavailable"):
    record: UnavailableRecord


class CaseJudged(_Entry, frozen=True, tag="judged"):
    """The checks of a case, `after_s` seconds from the session's beginning."""

    case: Case
    checks: tuple[Check, ...]
    after_s: float


class DeviationSummed(_Entry, frozen=True, tag="deviation"):
    record: DeviationRecord


Entry = Begun | BackendStarted | BackendUnavailable | CaseJudged | DeviationSummed

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Entry)


@dataclass(frozen=True)
class Journal:
    """The journal in a results directory; it can be read while it is written."""

    directory: Path

    @property
    def path(self) -> Path:
        return self.directory / JOURNAL

    def entries(self) -> Iterator[Entry]:
        """What has been written; of a line that was cut off at the end, nothing.

        Raises:
            ResultsError: the file cannot be read, or is no journal.
        """
        try:
            with self.path.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    if not line.endswith(b"\n"):
                        return
                    try:
                        yield _decoder.decode(line)
                    except (msgspec.DecodeError, UnicodeDecodeError) as error:
                        raise ResultsError(f"{self.path}: line {number}: {error}") from error
        except OSError as error:
            raise ResultsError(f"{self.path}: cannot be read ({error.strerror})") from error

    def judged(self) -> Iterator[Judged]:
        """The cases judged so far."""
        for entry in self.entries():
            if isinstance(entry, CaseJudged):
                yield Judged(entry.case, entry.checks)

    def begun(self) -> Begun:
        """What the run was asked for.

        Raises:
            ResultsError: there is no journal, or nothing in it.
        """
        first = next(self.entries(), None)
        if not isinstance(first, Begun):
            raise ResultsError(f"{self.path}: does not say what was asked for")
        return first


class JournalWriter:
    """Writes a journal; a new one, or one that goes on.

    Raises:
        OSError: the directory cannot be made, or the journal not written.
    """

    def __init__(self, directory: Path, *, going_on: bool = False) -> None:
        self._path = directory / JOURNAL
        self._going_on = going_on
        self._began = time.monotonic()

    def __enter__(self) -> JournalWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._going_on:
            self._drop_unfinished_line()
        self._stream = self._path.open("ab" if self._going_on else "wb", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def begin(self, suite: Suite, arguments: dict[str, Any]) -> None:
        self.write(Begun(suite, arguments, datetime.now(UTC).isoformat(timespec="seconds")))

    def judge(self, case: Case, checks: Iterable[Check]) -> None:
        self.write(CaseJudged(case, tuple(checks), round(time.monotonic() - self._began, 3)))

    def started(self, record: BackendRecord) -> None:
        self.write(BackendStarted(record))

    def unavailable(self, record: UnavailableRecord) -> None:
        self.write(BackendUnavailable(record))

    def deviation(self, record: DeviationRecord) -> None:
        self.write(DeviationSummed(record))

    def write(self, entry: Entry) -> None:
        rest = memoryview(_encoder.encode(entry) + b"\n")
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _drop_unfinished_line(self) -> None:
        """A run that was killed may have left half a line: what comes next begins a new one."""
        with self._path.open("r+b") as stream:
            whole = sum(len(line) for line in stream if line.endswith(b"\n"))
            stream.truncate(whole)
