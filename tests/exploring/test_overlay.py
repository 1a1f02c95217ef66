"""What a search has found is kept in files, asked again from there, and put into the corpus of a checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cases import corpus
from conformance.cases.case import Case, Literal, decode, encode
from conformance.exploring import overlay
from conformance.reporting.results import Finding, Reproduction
from conformance.selection import BadCase, find_cases
from conformance.verdicts import Verdict

CASE = Case("activations.relu", inputs=(Literal((1,), (3.25,)),), observables=("output/0",))


def finding(case: Case) -> Finding:
    return Finding(
        "0" * 16, "b", case.subject, "forward", "output/0", Verdict.DIVERGES, "", case.id, None, (),
        Reproduction("", ""), (), 1, case,
    )  # fmt: skip


def test_a_directory_of_cases_can_be_asked(tmp_path: Path) -> None:
    kept = overlay.keep([finding(CASE), finding(CASE)], tmp_path / "cases")
    assert [path.name for path in kept] == [f"activations.relu-forward-{CASE.id}.json"]
    assert decode(kept[0].read_bytes()) == CASE
    assert find_cases("quick", [str(tmp_path / "cases")]) == (CASE,)


def test_an_empty_directory_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="no file that ends in"):
        find_cases("quick", [str(tmp_path)])


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source checkout with an empty file of what was found."""
    directory = tmp_path / "conformance" / "cases" / "corpus"
    directory.mkdir(parents=True)
    (directory / corpus.FOUND).touch()
    monkeypatch.setattr(corpus, "__file__", str(directory / "__init__.py"))
    return directory / corpus.FOUND


def test_a_case_is_promoted_once(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    known = corpus.load("quick")[0]
    assert overlay.promote([CASE, known, CASE]) == 1
    assert checkout.read_bytes() == encode(CASE) + b"\n"


def test_an_installed_release_is_never_changed(checkout: Path) -> None:
    with pytest.raises(overlay.NoCheckout, match="in a checkout of the source"):
        overlay.promote([CASE])
    assert checkout.read_bytes() == b""
