"""The results of a run, a contract: `results.json` and the lines of `checks.jsonl.gz`."""

from __future__ import annotations

from typing import Any

import msgspec

from conformance.verdicts import Rung, Verdict

SCHEMA = 1


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is written to disk: immutable, and no field unknown."""


class Suite(_Record):
    version: str
    corpus: str
    corpus_digest: str
    checks_digest: str
    seed: int
    profile: str | None
    selection: dict[str, list[str]]
    shard: str | None


class BackendRecord(_Record):
    name: str
    language: str
    versions: dict[str, str]
    settings: dict[str, str]
    platform: dict[str, str]
    arithmetic: dict[str, Any]
    capabilities: dict[str, list[str]]
    dialect_digest: str


class Cell(_Record):
    """The sum of the checks of one backend, subject and property; `verdict` is the worst of them."""

    backend: str
    subject: str
    property: str
    verdict: Verdict
    asked: int
    conforms: int
    deviates: int
    unsupported: int
    unspecified: int
    findings: int
    broken: int
    not_run: int
    worst_margin: float | str | None
    lowest_rung: Rung | None


class Reproduction(_Record):
    command: str
    script: str


class Finding(_Record):
    id: str
    backend: str
    subject: str
    property: str
    observable: str
    verdict: Verdict
    summary: str
    case: str
    margin: float | str | None
    agrees_with: tuple[str, ...]
    reproduce: Reproduction


class DeviationRecord(_Record):
    id: str
    backend: str
    kind: str
    effect: str
    summary: str
    source: str
    upstream: str
    witnesses: tuple[str, ...]
    holds: bool | None
    matched: int


class Results(_Record):
    schema: int
    status: str
    suite: Suite
    started: str
    duration_s: float
    backends: tuple[BackendRecord, ...]
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    deviations: tuple[DeviationRecord, ...]
