"""The two in-toto statements of a certificate: its own, and in-toto's test result.

`certificate.schema.json`, beside this file, is the JSON Schema of the former's predicate.

Both are pure functions of the results and of the files beside them, and are written in one form only: who
verifies a certificate makes them anew, and compares bytes.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec

from conformance.certificates.grading import Assessment, Grade, Record
from conformance.certificates.scope import Scope
from conformance.reporting.results import Count, Digest
from conformance.reporting.store import Report
from conformance.schemas import DIALECT, schemas_of
from conformance.verdicts import BROKEN, FINDINGS, Verdict

STATEMENT = "https://in-toto.io/Statement/v1"
CERTIFICATE = "urn:layers-conformance:certificate:v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
"""The types of a statement, and of what it says; https://github.com/in-toto/attestation specifies all but
ours."""


class Digests(Record, frozen=True):
    sha256: Digest


class Resource(Record, frozen=True):
    """in-toto's ResourceDescriptor: a file by its path in the certificate's directory, or something named."""

    name: str
    digest: Digests


class Corpus(Record, frozen=True):
    """The frozen cases.

    Attributes:
        digest: SHA-256 of the sorted ids of the whole corpus, a line each.
        asked: how many of them are about the certificate's subjects.
    """

    name: str
    digest: Digests
    asked: Count


class Asked(Record, frozen=True):
    """What the certificate is about.

    Attributes:
        subjects: the set that they are of.
        of: how many that has.
        names: those that it is about; all, unless some were chosen.
    """

    profile: str
    properties: tuple[str, ...]
    subjects: str
    of: Count
    names: tuple[str, ...]


class Backend(Record, frozen=True):
    """Who answered, as `results.json` has it."""

    name: str
    language: str
    versions: dict[str, str]
    settings: dict[str, str]
    platform: dict[str, str]
    arithmetic: dict[str, Any]
    dialect_digest: str
    dialect_nearest: dict[str, str]


class Certificate(Record, frozen=True):
    """The predicate of our own.

    Attributes:
        suite: the version of `layers-conformance`.
        asked_at: when the run began.
    """

    suite: str
    seed: int
    asked_at: str
    corpus: Corpus
    scope: Asked
    backend: Backend
    assessment: Assessment


class TestResult(Record, frozen=True, rename="camel"):
    """in-toto's predicate; tests are cells, `SUBJECT/PROPERTY`."""

    __test__ = False  # for pytest, which takes it for a class of tests

    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: tuple[Resource, ...]
    passed_tests: tuple[str, ...]
    warned_tests: tuple[str, ...]
    failed_tests: tuple[str, ...]


class Statement(Record, frozen=True):
    """in-toto's Statement, of one of two types."""

    type: Annotated[str, msgspec.Meta(pattern=f"^{re.escape(STATEMENT)}$")] = msgspec.field(name="_type")
    subject: tuple[Resource, ...]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: msgspec.Raw


_encoder = msgspec.json.Encoder(order="deterministic")


def encode(subject: tuple[Resource, ...], predicate: Certificate | TestResult) -> bytes:
    """The one form of a statement: sorted keys, indented, a newline at the end."""
    predicate_type = CERTIFICATE if isinstance(predicate, Certificate) else TEST_RESULT
    statement = Statement(STATEMENT, subject, predicate_type, msgspec.Raw(_encoder.encode(predicate)))
    return msgspec.json.format(_encoder.encode(statement), indent=2) + b"\n"


def decode(content: bytes) -> tuple[tuple[Resource, ...], Certificate]:
    """The files that a certificate's statement is about, and what it says.

    Raises:
        msgspec.DecodeError: it is none, or says something that the schema does not allow.
    """
    statement = msgspec.json.decode(content, type=Statement)
    if statement.predicate_type != CERTIFICATE:
        raise msgspec.ValidationError(f"its predicate is of the type {statement.predicate_type!r}")
    try:
        _validator().validate(msgspec.json.decode(statement.predicate))
    except jsonschema_rs.ValidationError as error:
        place = "/".join(["predicate", *map(str, error.instance_path)])
        raise msgspec.ValidationError(f"at {place}: {error.message}") from error
    return statement.subject, msgspec.json.decode(statement.predicate, type=Certificate)


def schema() -> dict[str, Any]:
    """The JSON Schema of the predicate of our own."""
    (own,), definitions = schemas_of(Certificate)
    return {"$schema": DIALECT, "$id": CERTIFICATE, **own, "$defs": definitions}


@cache
def _validator() -> Any:
    return jsonschema_rs.validator_for(schema())


def certificate_of(scope: Scope, report: Report, assessment: Assessment) -> Certificate:
    """What the statement says of these results."""
    results = report.results
    (backend,) = results.backends
    return Certificate(
        suite=results.suite.version,
        seed=results.suite.seed,
        asked_at=results.started,
        corpus=Corpus(scope.corpus, Digests(results.suite.corpus_digest), len(scope.cases)),
        scope=Asked(scope.profile, scope.properties, scope.subjects, len(scope.whole), scope.names),
        backend=Backend(**{name: getattr(backend, name) for name in Backend.__struct_fields__}),
        assessment=assessment,
    )


def test_result_of(certificate: Certificate, report: Report) -> TestResult:
    """The same in in-toto's words: warned is what deviates as recorded, and passed what has nothing that
    fails, was not run, or is not supported; of the certificate's subjects alone."""
    by_outcome: dict[str, list[str]] = {"passed": [], "warned": [], "failed": []}
    for cell in report.results.cells:
        if cell.subject not in certificate.scope.names:
            continue  # of a witness of a deviation that is about something else
        name = f"{cell.subject}/{cell.property}"
        if cell.verdict in FINDINGS | BROKEN or cell.not_run:
            by_outcome["failed"].append(name)
        elif cell.deviates:
            by_outcome["warned"].append(name)
        elif cell.verdict is Verdict.CONFORMS:
            by_outcome["passed"].append(name)
    result: dict[Grade, Literal["PASSED", "WARNED", "FAILED"]] = {
        Grade.SPECIFICATION: "PASSED",
        Grade.DIALECT: "WARNED",
        Grade.REFUSED: "FAILED",
    }
    return TestResult(
        result=result[certificate.assessment.grade],
        configuration=(Resource(f"corpus {certificate.corpus.name}", certificate.corpus.digest),),
        passed_tests=tuple(by_outcome["passed"]),
        warned_tests=tuple(by_outcome["warned"]),
        failed_tests=tuple(by_outcome["failed"]),
    )
