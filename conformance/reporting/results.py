"""The results of a run, a contract: `results.json` and the lines of `checks.jsonl.gz`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from conformance.cases.case import Case
from conformance.schemas import DIALECT, schemas_of
from conformance.verdicts import Check, Rung, Verdict

SCHEMA = 1

Count = Annotated[int, msgspec.Meta(ge=0)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Margin = Annotated[float, msgspec.Meta(ge=0)] | Annotated[str, msgspec.Meta(pattern="^infinite$")] | None


class ResultsError(ValueError):
    """A results directory that cannot be trusted; the message names the file and the reason."""


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is written to disk: immutable, and no field unknown."""


class Suite(_Record, frozen=True):
    """What was asked for.

    Attributes:
        corpus: its name, or the empty string where single cases were asked.
        checks_digest: the SHA-256 of the uncompressed lines of `checks.jsonl.gz`.
        selection: what narrowed the corpus: `{"property": ["gradient*"], …}`.
        shard: `"2/8"`, or null for the whole.
        options: the words of the command line that hold for every backend, and that a finding depends on.
    """

    version: str
    corpus: str
    corpus_digest: str
    checks_digest: Digest
    seed: int
    profile: str | None
    selection: dict[str, list[str]]
    shard: str | None
    options: tuple[str, ...] = ()


class BackendRecord(_Record, frozen=True):
    """`protocol.Identity` as it was at the start, the dialect it was judged under, and how it was started.

    Attributes:
        dialect_nearest: by package, for those of whose version nothing is recorded: the version whose
            deviations it was judged under instead.
        dialect: the module that its dialect was found in, or nothing where none is recorded.
        given: the words of the command line that ask for it, where its name does not do.
        environment: the variables that the suite set for it.
    """

    name: str
    language: str
    versions: dict[str, str]
    settings: dict[str, str]
    platform: dict[str, str]
    arithmetic: dict[str, Any]
    capabilities: dict[str, list[str]]
    dialect_digest: str
    dialect_nearest: dict[str, str] = {}
    given: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    aliases: dict[str, str] = {}
    models: tuple[str, ...] = ()
    dialect: str = ""


class UnavailableRecord(_Record, frozen=True):
    """A backend that was asked for and could not be started: nothing is known of it."""

    backend: str
    message: str


class Cell(_Record, frozen=True):
    """The sum of the checks of one backend, subject and property.

    Attributes:
        verdict: the worst of them.
        asked: how many were put to the backend: all but the unsupported and the not run, so that
            `asked + unsupported + not_run` is the number of checks.
        findings: checks that diverge, raise or accept.
        broken: checks that ended in a crash, at a time limit or in a protocol error.
        worst_margin: the largest margin of all that have one.
        lowest_rung: the loosest rung reached by those that conform or deviate as recorded.
    """

    backend: str
    subject: str
    property: str
    verdict: Verdict
    asked: Count
    conforms: Count
    deviates: Count
    unsupported: Count
    unspecified: Count
    findings: Count
    broken: Count
    not_run: Count
    worst_margin: Margin
    lowest_rung: Rung | None


class Reproduction(_Record, frozen=True):
    """How to see a finding again.

    Attributes:
        command: a command line of the suite's.
        script: a script that needs no suite, by its path in the results directory, or nothing.
    """

    command: str
    script: str


class Finding(_Record, frozen=True):
    """All failing checks of one signature: backend, subject, property, observable, verdict, deviations.

    Attributes:
        id: the hash of the signature.
        case: the id of the witness; `summary`, `margin`, `agrees_with` and `differs` are its check's.
        witness: the smallest of the cases.
        count: how many checks have this signature.
    """

    id: str
    backend: str
    subject: str
    property: str
    observable: str
    verdict: Verdict
    summary: str
    case: str
    margin: Margin
    agrees_with: tuple[str, ...]
    reproduce: Reproduction
    deviations: tuple[str, ...]
    count: Annotated[int, msgspec.Meta(ge=1)]
    witness: Case
    differs: tuple[str, ...] = ()


class DeviationRecord(_Record, frozen=True):
    """A dialect's entry after the run: whether it still holds on its witnesses (null: not asked), and
    how many checks it explained; `stands` says why the specification stands where all backends agree so."""

    id: str
    backend: str
    kind: str
    effect: str
    summary: str
    source: str
    upstream: str
    witnesses: tuple[str, ...]
    holds: bool | None
    matched: Count
    stands: str = ""


class Results(_Record, frozen=True):
    """`results.json`; `status` is `interrupted` where the run was ended before its end."""

    schema: Annotated[int, msgspec.Meta(ge=SCHEMA, le=SCHEMA)]
    status: Literal["complete", "interrupted"]
    suite: Suite
    started: str
    duration_s: float
    backends: tuple[BackendRecord, ...]
    unavailable: tuple[UnavailableRecord, ...]
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    deviations: tuple[DeviationRecord, ...]


_encoder = msgspec.json.Encoder(order="deterministic")
encode_check = _encoder.encode
decode_check = msgspec.json.Decoder(Check).decode
decode_results = msgspec.json.Decoder(Results).decode


def encode_results(results: Results) -> bytes:
    """The text of `results.json`: indented, with sorted mappings, and a newline at its end."""
    return msgspec.json.format(_encoder.encode(results), indent=2) + b"\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of `results.json`; that of a line of `checks.jsonl.gz` is its `$defs/Check`."""
    (results, _), definitions = schemas_of(Results, Check)
    document = {"$schema": DIALECT, **results, "$defs": definitions}
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return plain
