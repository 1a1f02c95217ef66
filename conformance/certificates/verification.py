"""Verifies a certificate, offline, trusting nothing in its directory and running nothing of it.

Everything that a certificate says follows from its results and from the corpus that is installed here; so it
is made anew, and compared byte by byte. What is left to belief is that the backend gave these answers: for
that there are the signature, and asking again.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from conformance import __version__
from conformance.cases import corpus as corpora
from conformance.certificates import signing
from conformance.certificates.content import (
    DERIVED,
    ENVELOPES,
    ESSENTIAL,
    PUBLIC_KEY,
    SIGNED,
    STATED,
    STATEMENT,
)
from conformance.certificates.grading import assess, incomplete
from conformance.certificates.issuing import digest
from conformance.certificates.scope import Scope
from conformance.certificates.signing import Signature, Signed
from conformance.certificates.statement import (
    Certificate,
    Resource,
    certificate_of,
    decode,
    encode,
    test_result_of,
)
from conformance.reference_impl.arithmetic import BadArithmetic
from conformance.reporting.recording import suite_of
from conformance.reporting.results import ResultsError
from conformance.reporting.store import CHECKS, RESULTS, Report, read
from conformance.selection import UnknownName

MOST_FILES = 10_000
LARGEST_FILE = 64 * 2**20
LARGEST_STATEMENT = 32 * 2**20
LARGEST_CHECKS = 2**28
LONGEST_CHECK = 2**20
"""Bytes, at most: of a file, a statement, the checks when they are no longer compressed, and one of them."""

CHUNK = 2**20


class NotVerified(ValueError):
    """A certificate that cannot be trusted.

    Attributes:
        problems: each a line that names the file and the reason.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Verified:
    """A certificate whose files belong together, and say what their results amount to.

    Attributes:
        key_id: of the key that signed it, or nothing.
    """

    certificate: Certificate
    scope: Scope
    report: Report
    signature: Signature
    key_id: str


def verify(directory: Path, trusted: Sequence[bytes] = ()) -> Verified:
    """The certificate in a directory, granted or refused.

    Args:
        trusted: public keys, see `signing.load_public_key`.

    Raises:
        NotVerified: it cannot be trusted.
        BadKey: it is signed, and what verifies signatures is not installed.
    """
    there = _listed(directory)
    statements = {name: _statement(directory, name, there) for name in STATED}
    try:
        subject, certificate = decode(statements[STATEMENT])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotVerified([f"{STATEMENT}: is no statement of a certificate ({error})"]) from error
    _raise_if_any(_at_odds(directory, there, subject))
    signature, key_id = _signature(directory, there, statements, trusted)
    _raise_if_any(_another_suite(certificate))
    _raise_if_any(_too_much(directory / CHECKS))
    try:
        report = read(directory)
        # They are looked at many times, and are known not to be too many.
        report = Report(report.results, tuple(report.checks))
        scope = Scope.of(report.results.suite)
        expected = certificate_of(scope, report, assess(scope, report))
    except (ResultsError, UnknownName, BadArithmetic, ValueError, RecursionError) as error:
        raise NotVerified([f"{RESULTS}, {CHECKS}: {error}"]) from error
    _raise_if_any(_not_of_the_corpus(scope, report))
    _raise_if_any(f"{CHECKS}: {reason}" for reason in incomplete(scope, report))
    made = [encode(subject, expected), encode(subject, test_result_of(expected, report))]
    _raise_if_any(
        f"{name}: says something else than the results beside it amount to"
        for name, content, again in zip(STATED, statements.values(), made, strict=True)
        if content != again
    )
    _raise_if_any(
        f"{name}: is not what the results beside it make"
        for name, render in DERIVED.items()
        if (directory / name).read_bytes() != render(scope, report, expected).encode()
    )
    return Verified(expected, scope, report, signature, key_id)


def _raise_if_any(problems: Iterator[str]) -> None:
    if found := list(problems):
        raise NotVerified(found)


def _listed(directory: Path) -> set[str]:
    """The plain files of the directory, by their paths in it."""
    found: set[str] = set()
    problems = []
    folders = [directory]
    try:
        while folders:
            for entry in os.scandir(folders.pop()):
                name = Path(entry.path).relative_to(directory).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                    if not any(folders[-1].iterdir()):
                        problems.append(f"{name}: is an empty folder, which no certificate has")
                elif not entry.is_file(follow_symlinks=False):
                    problems.append(f"{name}: is a link, or no plain file")
                elif entry.stat(follow_symlinks=False).st_size > LARGEST_FILE:
                    problems.append(f"{name}: is larger than {LARGEST_FILE:,} bytes")
                found.add(name)
                if len(found) > MOST_FILES:
                    raise NotVerified([f"{directory}: holds more than {MOST_FILES:,} files"])
    except OSError as error:
        raise NotVerified([f"{error.filename or directory}: cannot be read ({error.strerror})"]) from error
    _raise_if_any(iter(problems))
    return {name for name in found if not (directory / name).is_dir()}


def _statement(directory: Path, name: str, there: set[str]) -> bytes:
    if name not in there:
        raise NotVerified([f"{name}: is not in {directory}, which therefore holds no certificate"])
    if (size := (directory / name).stat().st_size) > LARGEST_STATEMENT:
        raise NotVerified([f"{name}: has {size:,} bytes, and a statement no more than {LARGEST_STATEMENT:,}"])
    return (directory / name).read_bytes()


def _at_odds(directory: Path, there: set[str], subject: tuple[Resource, ...]) -> Iterator[str]:
    """Where the files are not those that the statement is about."""
    stated = {resource.name: resource.digest.sha256 for resource in subject}
    if len(stated) != len(subject) or list(stated) != sorted(stated, key=PurePosixPath):
        yield f"{STATEMENT}: lists files twice, or out of order"
    for name in ESSENTIAL:
        if name not in stated:
            yield f"{name}: is not among the files of {STATEMENT}"
    for name in sorted(stated.keys() - there):
        yield f"{name}: is missing; {STATEMENT} lists it"
    for name in sorted(there - stated.keys() - {*STATED, *SIGNED}):
        yield f"{name}: is not among the files of {STATEMENT}"
    for name in sorted(stated.keys() & there):
        if (found := digest(directory / name)) != stated[name]:
            yield f"{name}: has the SHA-256 {found}, and {STATEMENT} says {stated[name]}"


def _signature(
    directory: Path, there: set[str], statements: Mapping[str, bytes], trusted: Sequence[bytes]
) -> tuple[Signature, str]:
    present = [name for name in SIGNED if name in there]
    if not present:
        return Signature.UNSIGNED, ""
    if len(present) < len(SIGNED):
        (gone,) = set(SIGNED) - set(present)
        raise NotVerified([f"{gone}: is missing beside {present[0]}"])
    if (directory / PUBLIC_KEY).stat().st_size > signing.LARGEST_KEY:
        raise NotVerified([f"{PUBLIC_KEY}: is larger than {signing.LARGEST_KEY:,} bytes"])
    signed = Signed((directory / ENVELOPES).read_bytes(), (directory / PUBLIC_KEY).read_bytes())
    try:
        return signing.verify(statements, signed, trusted), signing.key_id(signed.public_key)
    except signing.BadSignature as error:
        raise NotVerified([f"{ENVELOPES}, {PUBLIC_KEY}: {error}"]) from error


def _another_suite(certificate: Certificate) -> Iterator[str]:
    if certificate.suite != __version__:
        yield (
            f"{STATEMENT}: is of layers-conformance {certificate.suite}, and this is {__version__}; "
            f"verify it by its own: pip install layers-conformance=={certificate.suite}"
        )


def _too_much(path: Path) -> Iterator[str]:
    """Whether a compressed file is more, once it is not, than can be read without harm."""
    total = line = 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(CHUNK):
                total += len(chunk)
                first, _, _ = chunk.partition(b"\n")
                line = line + len(chunk) if len(first) == len(chunk) else len(chunk) - chunk.rindex(b"\n")
                if total > LARGEST_CHECKS or line > LONGEST_CHECK + CHUNK:
                    yield (
                        f"{path.name}: holds more than {LARGEST_CHECKS:,} bytes, or a line of more than "
                        f"{LONGEST_CHECK:,}"
                    )
                    return
    except (EOFError, OSError, zlib.error) as error:
        yield f"{path.name}: is not a whole gzip file ({error})"


def _not_of_the_corpus(scope: Scope, report: Report) -> Iterator[str]:
    suite = report.results.suite
    here = suite_of(corpora.load(scope.corpus), corpus=scope.corpus, seed=0, profile=None, selection={})
    if suite.corpus_digest != here.corpus_digest:
        yield (
            f"results.json: is of a corpus {scope.corpus} with the digest {suite.corpus_digest}, and the one "
            f"installed here has {here.corpus_digest}: verify it by the suite that granted it"
        )
