"""The guides' statements in a report: what holds, what is refuted and why, and what was not run."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from conformance.cases.guide import ROWS
from conformance.cases.guide.errata import ERRATA
from conformance.reporting import guide
from conformance.reporting.page.subjects import document
from conformance.reporting.results import DeviationRecord
from conformance.reporting.store import Report, read
from conformance.verdicts import Check, Verdict
from tests.reporting.synthetic import BACKENDS

KNOWN = DeviationRecord(
    "tfjs-some", "tfjs-cpu", "bug", "metadata", "It does otherwise.", "a.js", "none found", (), True, 1
)


@pytest.fixture(scope="module")
def text(written: Path) -> str:
    saved, held, browser = (
        Check(
            "c", "tfjs-cpu", f"guide.{row}", "guide", observable, verdict, shown=shown, deviations=deviations
        )
        for row, observable, verdict, shown, deviations in (
            ("M11", "guide/javascript/saved", Verdict.DEVIATES, '{"state":false}', ("tfjs-some",)),
            ("G12", "guide/javascript/memory", Verdict.CONFORMS, '{"weights":true}', ()),
            ("G12", "guide/javascript/localstorage", Verdict.NOT_RUN, "", ()),
        )
    )
    observable = "guide/javascript/requests"
    message = "[], expected [1]"
    found = Check("c", "tfjs-wasm", "guide.G11", "guide", observable, Verdict.DIVERGES, message=message)
    broken = msgspec.structs.replace(
        found, subject="guide.M07", observable="guide/javascript/output", verdict=Verdict.TIMED_OUT
    )
    results = msgspec.structs.replace(read(written).results, backends=BACKENDS, deviations=(KNOWN,))
    return guide.render(Report(results, [saved, held, browser, found, broken]))


def row(text: str, id_: str) -> list[str]:
    (line,) = re.findall(rf"^\| {id_} \|.*$", text, re.MULTILINE)
    return [cell.strip() for cell in line.split(" | ")[2:]]


def test_each_backend_has_its_word_on_each_statement(text: str) -> None:
    assert row(text, "M11") == ["–", "**refuted**", "– |"]
    assert row(text, "G12") == ["–", "holds, 1 of 2 not run", "– |"]
    assert row(text, "M07") == ["–", "–", "not-run |"]
    assert all(ROWS[id_].statement in text for id_ in ROWS)


def test_what_is_refuted_has_its_reason(text: str) -> None:
    assert "- It does otherwise. Source: a.js. Thread: none found." in text
    assert "- Not recorded: guide/javascript/requests on tfjs-wasm: \\[\\], expected \\[1\\]" in text


def test_what_was_seen_is_shown(text: str) -> None:
    assert "| tfjs-cpu | what `tf.io.withSaveHandler` was given" in text
    assert '{"weights":true} | holds |' in text


def test_the_errata_are_told(text: str) -> None:
    for erratum in ERRATA:
        assert f"`{erratum.line}`" in text
        assert erratum.reason in text


def test_the_page_tells_the_statement_and_what_is_shown() -> None:
    told = document("guide.M07")
    assert told is not None
    statement, *shown = told.paragraphs
    assert statement == ROWS["M07"].statement
    assert shown == ["In python: exactly.", "In javascript: exactly."]
