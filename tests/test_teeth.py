"""The proof of teeth itself, on a few subjects, and what it has left in `reports/`."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from conformance.cases import corpus
from proofs.order import ask as answers_of
from proofs.teeth import report
from proofs.teeth.__main__ import REPORT, open_questions
from proofs.teeth.asking import Kill, Row, ask, concerned
from proofs.teeth.journal import Journal
from tests.wrong_backends.correct import EQUIVALENT
from tests.wrong_backends.zoo import FAULTS, spec

SUBJECT = "constraints.UnitNorm"
FAULT = "axis-of-constraint-lost"


def test_a_fault_is_caught_and_what_is_right_is_not() -> None:
    wrong, right = ask(SUBJECT, [FAULT, "sums_in_lanes"])
    assert wrong.first is not None
    assert wrong.failed["forward"] > 0
    assert (right.cases, right.failed, right.first) == (wrong.cases, {}, None)


def test_backends_are_asked_what_concerns_them() -> None:
    names = set(concerned(SUBJECT))
    assert {FAULT, "as_numpy_adds", *map(str, EQUIVALENT)} <= names
    assert "kernel_transposed" not in names


def test_the_first_case_of_all_subjects_is_told() -> None:
    kills = {place: Kill(place, f"case {place}", "layers.X", "output/0", "") for place in (3, 7)}
    rows = [Row("layers.X", FAULT, 2, {"forward": n}, kills.get(n)) for n in (7, 3, 5)]
    found = report.made(rows).faults[FAULT]
    assert (found.cases, found.failed, found.first) == (6, {"forward": 15}, kills[3])


def test_a_proof_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.keep(ask(SUBJECT, [FAULT]))
    again = Journal(journal.path)
    assert again.rows == journal.rows
    assert open_questions(again, [FAULT, "as_numpy_adds"])[SUBJECT] == ["as_numpy_adds"]
    assert SUBJECT not in open_questions(again, [FAULT])
    monkeypatch.setattr("proofs.teeth.journal.binding_of", lambda backend: "of other code")
    assert not Journal(journal.path).rows


def test_a_backend_of_the_zoo_is_a_program_too() -> None:
    cases = [case for case in corpus.load("quick") if case.subject == SUBJECT]
    right, wrong = (anyio.run(answers_of, spec(name), cases)[0] for name in ("as_numpy_adds", FAULT))
    assert right.keys() == wrong.keys() == {(case.id, name) for case in cases for name in case.observables}
    departing = {name for (case, name), answer in right.items() if answer != wrong[case, name]}
    assert "output/0" in departing
    assert "config" not in departing


def test_what_is_committed_proves_all_of_the_zoo() -> None:
    """Whether it is of the present code says `python -m proofs.teeth --check`, before a release."""
    found = report.read(REPORT)
    assert found.holds, (found.survivors, found.alarms, found.unasked)
    assert {name: (fault.property, fault.subject, fault.verdict) for name, fault in found.faults.items()} == {
        fault.name: (fault.property, fault.subject, fault.verdict) for fault in FAULTS
    }
    assert len(found.faults) >= 60
    assert sum(not name.startswith("as_") for name in found.correct) >= 5
    for fault in found.faults.values():
        assert fault.first is not None
        assert fault.failed[fault.property] > 0
    assert REPORT.with_suffix(".md").read_text().count("\n| `") == len(found.faults) + len(found.correct)
