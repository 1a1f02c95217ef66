"""Writes a results directory as the checks come, and reads one back, trusting nothing in it."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import jsonschema_rs
import msgspec

from conformance.cases.case import Case
from conformance.reporting.ledger import FAILING, finding_of, group_failures, group_findings, sum_cells
from conformance.reporting.results import (
    SCHEMA,
    BackendRecord,
    Cell,
    DeviationRecord,
    Results,
    Suite,
    UnavailableRecord,
    decode_check,
    decode_results,
    encode_check,
    encode_results,
    schema,
)
from conformance.verdicts import Check

RESULTS, CHECKS, PAGE = "results.json", "checks.jsonl.gz", "index.html"


class ResultsError(ValueError):
    """A results directory that cannot be trusted; the message names the file and the reason."""


@dataclass(frozen=True)
class Report:
    """A results directory in memory."""

    results: Results
    checks: tuple[Check, ...]


class Writer:
    """Writes a results directory; what is in it already stays whole until `finish`.

    Checks go to disk as they come, under a temporary name, which is removed if the block is left
    without `finish`.

    Raises:
        OSError: the directory cannot be made or written.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._part = directory / (CHECKS + ".part")
        self._cases: dict[str, Case] = {}

    def __enter__(self) -> Writer:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._stream: IO[bytes] = self._part.open("w+b")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._part.unlink(missing_ok=True)

    def write(self, case: Case, checks: Iterable[Check]) -> None:
        """Add the checks of a case."""
        for check in checks:
            self._stream.write(encode_check(check) + b"\n")
            if check.verdict in FAILING:
                self._cases[check.case] = case
        self._stream.flush()

    def finish(
        self,
        *,
        status: Literal["complete", "interrupted"],
        suite: Suite,
        started: str,
        duration_s: float,
        backends: Iterable[BackendRecord],
        unavailable: Iterable[UnavailableRecord],
        deviations: Iterable[DeviationRecord],
    ) -> Results:
        """Put both files in place: the checks sorted, so that the same checks make the same bytes
        in whatever order they came, then the results, whose `checks_digest` binds them."""
        self._stream.seek(0)
        lines = sorted(self._stream)
        checks = [decode_check(line) for line in lines]
        text = b"".join(lines)
        results = Results(
            schema=SCHEMA,
            status=status,
            suite=msgspec.structs.replace(suite, checks_digest=hashlib.sha256(text).hexdigest()),
            started=started,
            duration_s=duration_s,
            backends=tuple(sorted(backends, key=lambda backend: backend.name)),
            unavailable=tuple(sorted(unavailable, key=lambda backend: backend.backend)),
            cells=sum_cells(checks),
            findings=group_findings(checks, self._cases),
            deviations=tuple(sorted(deviations, key=lambda deviation: (deviation.backend, deviation.id))),
        )
        replace(self._directory / CHECKS, gzip.compress(text, mtime=0))
        replace(self._directory / RESULTS, encode_results(results))
        return results


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
    checks = _read_checks(directory / CHECKS, results.suite.checks_digest)
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


def _read_checks(path: Path, digest: str) -> tuple[Check, ...]:
    try:
        with gzip.open(path) as stream:
            text = stream.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ResultsError(f"{path}: is not a whole gzip file, perhaps truncated ({error})") from error
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror})") from error
    found = hashlib.sha256(text).hexdigest()
    if found != digest:
        raise ResultsError(
            f"{path}: its lines have the SHA-256 {found}, and {RESULTS} is bound to {digest}: "
            "the two files are not of one run"
        )
    checks = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            checks.append(decode_check(line))
        except msgspec.DecodeError as error:
            raise ResultsError(f"{path}: line {number}: {error}") from error
    return tuple(checks)


def _at_odds_checks(results: Results, checks: tuple[Check, ...]) -> str:
    """Why the checks cannot be of these results, or nothing."""
    known = {backend.name for backend in results.backends} | {gone.backend for gone in results.unavailable}
    seen = Counter((c.case, c.backend, c.property, c.observable) for c in checks)
    for key, count in seen.items():
        if key[1] not in known:
            return f"{CHECKS} has checks of backend {key[1]!r}, which is not among the backends"
        if count > 1:
            return f"{CHECKS} judges {', '.join(key)} {count} times"
    return ""


def _at_odds_cells(results: Results, checks: tuple[Check, ...]) -> str:
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


def _at_odds_findings(results: Results, checks: tuple[Check, ...]) -> str:
    """The first finding that is not that of its checks, or nothing."""
    groups = group_failures(checks)
    for id_ in sorted(groups.keys() - {finding.id for finding in results.findings}):
        return f"the finding {id_} is missing"
    for finding in results.findings:
        group = groups.get(finding.id, [])
        ours = [
            finding_of(check, len(group), finding.witness) for check in group if check.case == finding.case
        ]
        if finding.witness.id != finding.case:
            return f"the finding {finding.id} shows a witness whose id is not {finding.case}"
        if [msgspec.structs.replace(one, reproduce=finding.reproduce) for one in ours] != [finding]:
            return f"the finding {finding.id} is not that of its checks in {CHECKS}"
    return ""
