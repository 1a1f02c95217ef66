"""The overlay: a directory of the user's with the cases that a search has found, a JSON file each; and how a
case of it gets into the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from conformance.cases import corpus
from conformance.cases.case import Case, encode
from conformance.reporting.results import Finding
from conformance.reporting.store import replace


class NoCheckout(ValueError):
    """The package is installed, and no source of a release to come."""


def file_of(finding: Finding) -> str:
    """The name of a finding's file: what it is about, and the case's id.

    A finding of several backends or observables has several cases, unless they are one and the same.
    """
    return f"{finding.subject}-{finding.property}-{finding.case}.json"


def keep(findings: Iterable[Finding], directory: Path) -> list[Path]:
    """Write the witness of every finding into the directory.

    Raises:
        OSError: it cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    kept: dict[Path, Case] = {directory / file_of(finding): finding.witness for finding in findings}
    for path, case in kept.items():
        replace(path, msgspec.json.format(encode(case), indent=2) + b"\n")
    return list(kept)


def promote(cases: Iterable[Case]) -> int:
    """Add the cases to those of the corpus that searches have found, as a part of the next release; how many
    were not in it.

    Raises:
        NoCheckout: this is no source checkout.
        OSError: the file cannot be written.
    """
    file = Path(corpus.__file__).with_name(corpus.FOUND)
    if not (file.parents[3] / "pyproject.toml").exists():
        raise NoCheckout(
            f"{file.parent} belongs to an installed release, whose corpus never changes: promote in a "
            "checkout of the source, and commit what it writes"
        )
    new = {case.id: case for case in cases if case.id not in corpus.ids()}
    lines = file.read_bytes().splitlines() + [encode(case) for case in new.values()]
    replace(file, b"".join(line + b"\n" for line in lines))
    return len(new)
