"""Makes a certificate of the results in a directory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from conformance.certificates import signing
from conformance.certificates.content import DERIVED, SIGNED, STATED
from conformance.certificates.grading import Assessment, assess
from conformance.certificates.scope import Scope
from conformance.certificates.statement import Digests, Resource, certificate_of, encode, test_result_of
from conformance.reporting.store import Report, replace


def issue(directory: Path, report: Report, private_key: Any = None) -> Assessment:
    """Write what the results in the directory amount to, beside them.

    Args:
        report: what is in the directory, of one backend.
        private_key: see `signing.load_private_key`; None leaves the statements unsigned.

    Raises:
        OSError: the directory cannot be written.
    """
    scope = Scope.of(report.results.suite)
    assessment = assess(scope, report)
    certificate = certificate_of(scope, report, assessment)
    for name, render in DERIVED.items():
        replace(directory / name, render(scope, report, certificate).encode())
    subject = tuple(
        Resource(path.relative_to(directory).as_posix(), Digests(digest(path)))
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    )
    statements = [encode(subject, certificate), encode(subject, test_result_of(certificate, report))]
    for name, content in zip(STATED, statements, strict=True):
        replace(directory / name, content)
    if private_key is not None:
        signed = signing.sign(statements, private_key)
        for name, content in zip(SIGNED, (signed.envelopes, signed.public_key), strict=True):
            replace(directory / name, content)
    return assessment


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
