"""Puts into a results directory what shows its findings again: scripts, and the cases of no corpus."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from conformance.cases import corpus as corpora
from conformance.cases.case import encode
from conformance.cases.models import is_about_model
from conformance.cases.training import is_about_training
from conformance.reporting.ledger import command
from conformance.reporting.results import Finding, Reproduction, Results, encode_results
from conformance.reporting.store import RESULTS, replace
from conformance.reproduction.script import script

SCRIPTS, CASES = "scripts", "cases"
"""The folders in a results directory."""

OURS = re.compile(r"[0-9a-f]{16}\.(py|mjs|jsonl|json)")
"""The names of the files in them."""


def make_reproducible(directory: Path, results: Results) -> None:
    """Write the script of every finding but those about models and training runs, and the case of each that
    is in no corpus; name them in `results.json`, and remove those of earlier results.

    Raises:
        OSError: the directory cannot be written.
    """
    records = {backend.name: backend for backend in results.backends}
    written: set[Path] = set()

    def write(folder: str, name: str, content: bytes) -> Path:
        path = directory / folder / name
        path.parent.mkdir(exist_ok=True)
        replace(path, content)
        written.add(path)
        return path

    def reproducible(finding: Finding) -> Finding:
        case, path = finding.case, ""
        # What becomes of a model rests on files that other programs make, and a step of training on those
        # before it: the command alone has them all.
        if not is_about_model(finding.witness) and not is_about_training(finding.witness):
            made = script(finding, records[finding.backend], results.suite.seed)
            file = write(SCRIPTS, finding.id + made.suffix, made.text.encode())
            path = file.relative_to(directory).as_posix()
        if case not in corpora.ids():
            case = str(write(CASES, f"{case}.json", encode(finding.witness)))
        words = command(results, finding.backend, case, finding.property)
        reproduce = Reproduction(words, path)
        return msgspec.structs.replace(finding, reproduce=reproduce)

    findings = tuple(map(reproducible, results.findings))
    replace(directory / RESULTS, encode_results(msgspec.structs.replace(results, findings=findings)))
    for folder in (SCRIPTS, CASES):
        for path in (directory / folder).glob("*"):
            if path not in written and OURS.fullmatch(path.name):
                path.unlink()
