"""The matrix of saved models: each place sums the checks of one program's file in another."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cases.drafts.models import designed
from conformance.reporting import markdown
from conformance.reporting.exchanges import Exchanges, exchanges, told
from conformance.reporting.ledger import suspect_specification
from conformance.reporting.results import ResultsError
from conformance.reporting.store import Report, conclude, read
from conformance.verdicts import SPECIFICATION, Check, Verdict

from . import synthetic

KERAS, WEB, _ = synthetic.NAMES
CASE = designed.dense()


def check(
    backend: str,
    observable: str,
    peer: str,
    format_: str,
    verdict: Verdict,
    message: str = "",
    deviations: tuple[str, ...] = (),
) -> Check:
    return Check(
        CASE.id, backend, CASE.subject, "interchange", observable, verdict,
        peer=peer, format=format_, message=message, deviations=deviations,
    )  # fmt: skip


CHECKS = (
    check(KERAS, "saved/config", "", "keras", Verdict.CONFORMS),
    check(KERAS, "saved/weights", "", "keras", Verdict.DIVERGES, "another bias"),
    check(KERAS, "loaded/config", SPECIFICATION, "keras", Verdict.CONFORMS),
    check(KERAS, "loaded/config", WEB, "model.json", Verdict.UNSUPPORTED, "no words for it"),
    check(WEB, "loaded/config", SPECIFICATION, "keras", Verdict.CONFORMS),
    check(WEB, "loaded/config", KERAS, "keras", Verdict.DEVIATES, deviations=("forgets",)),
    check(WEB, "loaded/weights", KERAS, "keras", Verdict.CONFORMS),
    check("tfjs-wasm", "loaded/config", "", "", Verdict.UNSUPPORTED),
)


def of(directory: Path, *checks: Check) -> Report:
    synthetic.journal(directory, [(CASE, checks)])
    conclude(directory, "complete")
    return read(directory)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return of(tmp_path, *CHECKS)


@pytest.fixture
def matrix(report: Report) -> Exchanges:
    found = exchanges(report)
    assert found is not None
    return found


def test_rows_are_who_has_saved_and_columns_who_has_loaded(matrix: Exchanges) -> None:
    assert matrix.rows == ((SPECIFICATION, "keras"), (KERAS, "keras"), (WEB, "model.json"))
    assert matrix.loaders == (SPECIFICATION, KERAS, WEB)


def test_a_place_has_the_worst_verdict_and_its_message(matrix: Exchanges) -> None:
    saved = matrix.place(KERAS, "keras", SPECIFICATION)
    assert saved is not None
    assert (saved.verdict, saved.message, told(saved)) == (Verdict.DIVERGES, "another bias", "1 of 2")
    loaded = matrix.place(KERAS, "keras", WEB)
    assert loaded is not None
    assert (loaded.verdict, told(loaded)) == (Verdict.DEVIATES, "1 of 2")
    assert loaded.deviations == {"forgets": 1}


def test_where_nothing_was_loaded_there_is_no_place(matrix: Exchanges) -> None:
    assert matrix.place(SPECIFICATION, "keras", SPECIFICATION) is None
    assert len(matrix.places) == 5


def test_a_run_without_models_has_no_matrix(tmp_path: Path) -> None:
    assert exchanges(synthetic.write(tmp_path)) is None


def test_markdown_has_the_matrix(report: Report) -> None:
    text = markdown.render(report)
    assert "### Models between programs" in text
    assert "| keras-tensorflow | keras | ≠ 1 of 2 |  | ~ 1 of 2 |" in text


def test_checks_of_two_peers_are_two(tmp_path: Path) -> None:
    twice = check(WEB, "loaded/config", KERAS, "keras", Verdict.CONFORMS)
    with pytest.raises(ResultsError, match=r"judges .* 2 times"):
        of(tmp_path, *CHECKS, twice)


def test_the_specification_is_suspected_of_one_file_at_a_time() -> None:
    """Where two programs depart from it alike, but each with another file, neither speaks for the other."""
    both = [
        check(KERAS, "loaded/config", SPECIFICATION, "keras", Verdict.DIVERGES),
        check(WEB, "loaded/config", SPECIFICATION, "model.json", Verdict.DIVERGES),
    ]
    assert suspect_specification(both, ()) == ()
