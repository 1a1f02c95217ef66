"""The page says all that the results say, and loads nothing."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from conformance.reporting.page import GLYPHS, render
from conformance.reporting.store import PAGE, Report, read
from conformance.verdicts import Verdict
from tests.reporting import synthetic


class Outline(HTMLParser):
    """The text that is read, and all attributes, of a page whose tags are balanced."""

    VOID = frozenset({"meta", "br", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="session")
def page(written: Path) -> str:
    return (written / PAGE).read_text("utf-8")


@pytest.fixture(scope="session")
def outline(page: str) -> Outline:
    return Outline(page)


@pytest.fixture(scope="session")
def report(written: Path) -> Report:
    return read(written)


def test_every_tag_is_closed(outline: Outline) -> None:
    assert outline.open == []


def test_nothing_is_loaded_from_anywhere(page: str, outline: Outline) -> None:
    loads = [value for tag, name, value in outline.attributes if name in ("src", "srcset", "data", "action")]
    loads += [value for tag, name, value in outline.attributes if tag in ("link", "base", "iframe")]
    assert loads == []
    assert "@import" not in page
    assert "url(" not in page
    assert "default-src 'none'" in page
    links = {value for tag, name, value in outline.attributes if (tag, name) == ("a", "href")}
    assert {link for link in links if not link.startswith("#")} == {
        deviation.upstream for deviation in synthetic.DEVIATIONS if deviation.upstream.startswith("https")
    }


def test_totals_have_their_denominator(outline: Outline) -> None:
    assert "2,756 of 2,832 checks conform" in outline.text
    assert (
        "12 deviate as recorded, 8 unsupported, 4 unspecified, 32 failed, 12 broken, 8 not run"
        in outline.text
    )
    assert "928 of 944" in outline.text


def test_backends_are_shown_with_what_changes_their_bits(outline: Outline) -> None:
    for phrase in ("tensorflow 2.21.0", "onednn off", "machine x86_64", "variance one-pass"):
        assert phrase in outline.text


def test_precision_looser_than_the_published_table_is_shown(outline: Outline) -> None:
    assert "tanh 5.6 ULP (published: 5.0)" in outline.text
    assert "exp 6.0 ULP (published: 3.0)" in outline.text


def test_a_backend_that_did_not_start_is_named(outline: Outline) -> None:
    assert "mine could not be started." in outline.text
    assert "No module named 'mine'" in outline.text


def test_every_cell_is_a_link_that_says_its_verdict_in_words(report: Report, outline: Outline) -> None:
    labels = [value for tag, name, value in outline.attributes if (tag, name) == ("a", "aria-label")]
    assert len(labels) == len(report.results.cells)
    where = "layers.Conv2D, forward, tfjs-wasm"
    assert f"{where}: diverges; 0 of 4 checks conform, 4 failed; worst margin 3e3" in labels


def test_every_verdict_has_a_sign_of_its_own() -> None:
    assert set(GLYPHS) == set(Verdict)
    assert len(set(GLYPHS.values())) == len(GLYPHS)


def test_every_finding_shows_how_to_see_it_again(report: Report, outline: Outline) -> None:
    for finding in report.results.findings:
        assert finding.reproduce.command in outline.text
        assert finding.summary in outline.text
        assert f"Smallest case, {finding.case}" in outline.text
    assert '"filters": 4' in outline.text


def test_every_deviation_shows_where_it_comes_from_and_whether_it_holds(outline: Outline) -> None:
    for deviation in synthetic.DEVIATIONS:
        assert deviation.id in outline.text
        assert deviation.source in outline.text
        assert deviation.upstream.removeprefix("https://") in outline.text
    assert "no longer holds" in outline.text


def section(outline: Outline) -> str:
    """The section about the specification."""
    return outline.text.partition("Where all independent backends agree")[2].partition("Recorded")[0]


def test_agreement_against_the_specification_is_shown(outline: Outline) -> None:
    assert "layers.BatchNormalization" in section(outline)


def test_no_agreement_against_the_specification_is_said_too(report: Report) -> None:
    calm = tuple(check for check in report.checks if check.subject != "layers.BatchNormalization")
    assert "None." in section(Outline(render(Report(report.results, calm))))


def test_the_same_results_make_the_same_page(report: Report, page: str) -> None:
    assert render(report) == page


def test_an_interrupted_run_says_so(report: Report) -> None:
    results = msgspec.structs.replace(report.results, status="interrupted")
    assert "Interrupted." in Outline(render(Report(results, report.checks))).text


def test_what_a_backend_says_is_text_and_nothing_else(report: Report) -> None:
    attack = "</script><script>alert(1)</script><img src=x>"
    checks = tuple(msgspec.structs.replace(check, message=attack) for check in report.checks)
    findings = tuple(msgspec.structs.replace(finding, summary=attack) for finding in report.results.findings)
    page = render(Report(msgspec.structs.replace(report.results, findings=findings), checks))
    assert attack not in page
    assert page.count("<script") == 2
    assert Outline(page).open == []
