"""Makes a results directory of a run's journal, and reads one back, trusting nothing in it."""

from __future__ import annotations

import gzip
import hashlib
import heapq
import itertools
import json
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jsonschema_rs
import msgspec

from conformance.cases.case import Case
from conformance.reporting.journal import (
    BackendStarted,
    BackendUnavailable,
    Begun,
    CaseJudged,
    DeviationSummed,
    Journal,
)
from conformance.reporting.ledger import FAILING, command, finding_id, finding_of, group_findings, sum_cells
from conformance.reporting.results import (
    SCHEMA,
    BackendRecord,
    Cell,
    DeviationRecord,
    Finding,
    Reproduction,
    Results,
    ResultsError,
    UnavailableRecord,
    decode_check,
    decode_results,
    encode_check,
    encode_results,
    schema,
)
from conformance.verdicts import Check, key_of

RESULTS, CHECKS, PAGE = "results.json", "checks.jsonl.gz", "index.html"


SORTED_AT_ONCE = 200_000
"""Checks that are sorted in memory; more are sorted in parts, on disk."""


@dataclass(frozen=True)
class Checks:
    """The checks in a file, sorted by case; read anew each time that they are iterated."""

    path: Path

    def __iter__(self) -> Iterator[Check]:
        with gzip.open(self.path) as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield decode_check(line)
                except msgspec.DecodeError as error:
                    raise ResultsError(f"{self.path}: line {number}: {error}") from error


@dataclass(frozen=True)
class Report:
    """A results directory that can be trusted."""

    results: Results
    checks: Iterable[Check]


def conclude(directory: Path, status: Literal["complete", "interrupted"]) -> Results:
    """Make the results of the run whose journal is in the directory.

    First the checks, sorted, so that the same checks make the same bytes in whatever order they came, then
    the results, whose `checks_digest` binds them. Each finding has its command, which `make_reproducible`
    completes. The journal stays.

    Raises:
        ResultsError: the journal cannot be read.
        OSError: the directory cannot be written.
    """
    journal = Journal(directory)
    begun = journal.begun()
    backends: dict[str, BackendRecord] = {}
    unavailable: dict[str, UnavailableRecord] = {}
    deviations: dict[tuple[str, str], DeviationRecord] = {}
    failing: dict[str, Case] = {}
    sessions: list[float] = []

    def lines() -> Iterator[bytes]:
        for entry in journal.entries():
            match entry:
                case Begun():
                    sessions.append(0.0)
                case BackendStarted(record):
                    backends[record.name] = record
                case BackendUnavailable(record):
                    unavailable[record.backend] = record
                case DeviationSummed(record):
                    deviations[record.backend, record.id] = record
                case CaseJudged(case, checks, after_s):
                    sessions[-1] = after_s
                    if any(check.verdict in FAILING for check in checks):
                        failing[case.id] = case
                    yield from (encode_check(check) + b"\n" for check in checks)

    part = directory / (CHECKS + ".part")
    try:
        with tempfile.TemporaryDirectory(prefix=".sorting-", dir=directory) as folder:
            digest = _write_lines(part, in_order(lines(), Path(folder)))
        checks = Checks(part)
        results = Results(
            schema=SCHEMA,
            status=status,
            suite=msgspec.structs.replace(begun.suite, checks_digest=digest),
            started=begun.at,
            duration_s=round(sum(sessions), 3),
            backends=tuple(backends[name] for name in sorted(backends)),
            unavailable=tuple(unavailable[name] for name in sorted(unavailable)),
            cells=sum_cells(checks),
            findings=group_findings(checks, failing),
            deviations=tuple(deviations[key] for key in sorted(deviations)),
        )
        results = msgspec.structs.replace(results, findings=tuple(_with_commands(results)))
        part.replace(directory / CHECKS)
    finally:
        part.unlink(missing_ok=True)
    replace(directory / RESULTS, encode_results(results))
    return results


def _with_commands(results: Results) -> Iterator[Finding]:
    for finding in results.findings:
        words = command(results, finding.backend, finding.case, finding.property)
        yield msgspec.structs.replace(finding, reproduce=Reproduction(words, ""))


def in_order(lines: Iterable[bytes], folder: Path, at_once: int = SORTED_AT_ONCE) -> Iterator[bytes]:
    """The lines sorted, with no more than `at_once` in memory; others are in files of the folder."""
    parts: list[Iterable[bytes]] = []
    with ExitStack() as files:
        for number, batch in enumerate(batched(lines, at_once)):
            batch.sort()
            if len(batch) < at_once:
                parts.append(batch)
            else:
                stream = files.enter_context((folder / str(number)).open("w+b"))
                stream.writelines(batch)
                stream.seek(0)
                parts.append(stream)
        yield from heapq.merge(*parts)


def batched(lines: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Lists of `size` lines; the last has what is left, and may be empty."""
    iterator = iter(lines)
    while len(batch := list(itertools.islice(iterator, size))) == size:
        yield batch
    yield batch


def _write_lines(path: Path, lines: Iterable[bytes]) -> str:
    """Compress the lines into the file, as the same bytes whenever they are the same; their SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream:
        for line in lines:
            digest.update(line)
            stream.write(line)
    return digest.hexdigest()


def replace(path: Path, content: bytes) -> None:
    """Write the file aside and rename it, so that a half-written one is never seen under its name."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def read(place: Path) -> Report:
    """The results in a directory, or of the `results.json` in one, their checks summed again.

    Raises:
        ResultsError: a file is missing, truncated, not of the schema, or at odds with another.
    """
    directory = place.parent if place.name == RESULTS else place
    results = _read_results(directory / RESULTS)
    checks = Checks(directory / CHECKS)
    _verify_digest(checks.path, results.suite.checks_digest)
    for problem in (_at_odds_checks, _at_odds_cells, _at_odds_findings):
        if reason := problem(results, checks):
            raise ResultsError(f"{directory / RESULTS}: {reason}")
    return Report(results, checks)


def _read_results(path: Path) -> Results:
    try:
        text = path.read_bytes()
        content: Any = json.loads(text)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ResultsError(f"{path}: is not JSON, or truncated ({error})") from error
    if isinstance(content, dict) and content.get("schema", SCHEMA) != SCHEMA:
        raise ResultsError(f"{path}: has schema {content['schema']!r}; this version reads {SCHEMA}")
    try:
        jsonschema_rs.validate(schema(), content)
        return decode_results(text)
    except jsonschema_rs.ValidationError as error:
        place = "/".join(str(step) for step in error.instance_path) or "its top level"
        raise ResultsError(f"{path}: at {place}: {error.message}") from error
    except msgspec.ValidationError as error:
        raise ResultsError(f"{path}: {error}") from error


def _verify_digest(path: Path, digest: str) -> None:
    """Whether the file is whole, and the one that the results are bound to."""
    found = hashlib.sha256()
    try:
        with gzip.open(path) as stream:
            for line in stream:
                found.update(line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ResultsError(f"{path}: is not a whole gzip file, perhaps truncated ({error})") from error
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from error
    if found.hexdigest() != digest:
        raise ResultsError(
            f"{path}: its lines have the SHA-256 {found.hexdigest()}, and {RESULTS} is bound to {digest}: "
            "the two files are not of one run"
        )


def _at_odds_checks(results: Results, checks: Iterable[Check]) -> str:
    """Why the checks cannot be of these results, or nothing."""
    known = {backend.name for backend in results.backends} | {gone.backend for gone in results.unavailable}
    before = ""
    for case, group in itertools.groupby(checks, key=lambda check: check.case):
        if case <= before:
            return f"{CHECKS} is not sorted: {case} comes after {before}"
        before = case
        for key, count in Counter(key_of(c) for c in group).items():
            if key[0] not in known:
                return f"{CHECKS} has checks of backend {key[0]!r}, which is not among the backends"
            if count > 1:
                return f"{CHECKS} judges {', '.join(filter(None, (case, *key)))} {count} times"
    return ""


def _at_odds_cells(results: Results, checks: Iterable[Check]) -> str:
    """The first cell that is not the sum of its checks, or nothing."""
    try:
        summed = {(c.backend, c.subject, c.property): c for c in sum_cells(checks)}
    except ValueError as error:
        return f"{CHECKS}: {error}"
    stated = {(c.backend, c.subject, c.property): c for c in results.cells}
    for key in sorted(summed.keys() | stated.keys()):
        if key not in stated:
            return f"the cell {', '.join(key)} is missing"
        if key not in summed:
            return f"the cell {', '.join(key)} has no checks in {CHECKS}"
        for field in Cell.__struct_fields__:
            said, summed_up = getattr(stated[key], field), getattr(summed[key], field)
            if said != summed_up:
                return f"the cell {', '.join(key)} says {field} {said}, and its checks sum to {summed_up}"
    if len(results.cells) != len(stated):
        return "a cell is there twice"
    return ""


def _at_odds_findings(results: Results, checks: Iterable[Check]) -> str:
    """The first finding that is not that of its checks, or nothing."""
    stated = {finding.id: finding for finding in results.findings}
    counts: Counter[str] = Counter()
    shown: dict[str, list[Check]] = {id_: [] for id_ in stated}
    for check in checks:
        if check.verdict in FAILING:
            id_ = finding_id(check)
            counts[id_] += 1
            if id_ in stated and stated[id_].case == check.case:
                # Of a case that was exchanged in several formats there may be one for each.
                shown[id_].append(check)
    for id_ in sorted(counts.keys() - stated.keys()):
        return f"the finding {id_} is missing"
    for id_, finding in stated.items():
        if finding.witness.id != finding.case:
            return f"the finding {id_} shows a witness whose id is not {finding.case}"
        ours = (finding_of(check, counts[id_], finding.witness) for check in shown[id_])
        if not any(msgspec.structs.replace(one, reproduce=finding.reproduce) == finding for one in ours):
            return f"the finding {id_} is not that of its checks in {CHECKS}"
    return ""
