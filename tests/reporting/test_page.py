"""The page carries all that the results say, packed so that none of it can be taken for HTML, and loads
nothing."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.cases.case import encode
from conformance.reference_impl.layers import Layer
from conformance.reporting.legend import GLYPHS, MEANINGS
from conformance.reporting.page import render
from conformance.reporting.page.subjects import document, families
from conformance.reporting.results import decode_results, encode_results
from conformance.reporting.store import PAGE, Report, read
from conformance.verdicts import Verdict
from tests.reporting import synthetic


class Outline(HTMLParser):
    """The elements of a page, their attributes, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []
        self.scripts: dict[str, str] = {}
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.inside = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[self.inside] = data


def unpacked(page: str, part: str) -> Any:
    """What the page carries under that name."""
    return json.loads(gzip.decompress(base64.b64decode(Outline(page).scripts[part])))


@pytest.fixture(scope="session")
def page(written: Path) -> str:
    return (written / PAGE).read_text("utf-8")


@pytest.fixture(scope="session")
def report(written: Path) -> Report:
    return read(written)


@pytest.fixture(scope="session")
def overview(page: str) -> Any:
    return unpacked(page, "overview")


@pytest.fixture(scope="session")
def details(page: str) -> Any:
    return unpacked(page, "details")


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    attributes = Outline(page).attributes
    loads = [value for _, name, value in attributes if name in ("src", "srcset", "data", "action", "href")]
    loads += [value for tag, _, value in attributes if tag in ("link", "base", "iframe", "object", "img")]
    assert loads == []
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_no_script_runs_but_the_pages_own(page: str) -> None:
    (policy,) = (
        v for tag, n, v in Outline(page).attributes if (tag, n) == ("meta", "content") and "src" in v
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy.partition("style-src")[0]


def test_the_same_results_make_the_same_page(report: Report, page: str) -> None:
    assert render(report) == page


def test_what_a_backend_says_is_never_html(report: Report) -> None:
    attack = "</script><script>alert(1)</script><img src=x>"
    checks = tuple(msgspec.structs.replace(check, message=attack) for check in report.checks)
    findings = tuple(msgspec.structs.replace(finding, summary=attack) for finding in report.results.findings)
    page = render(Report(msgspec.structs.replace(report.results, findings=findings), checks))
    assert attack not in page
    assert unpacked(page, "overview")["results"]["findings"][0]["summary"] == attack


def test_the_page_carries_the_results(report: Report, overview: Any) -> None:
    assert overview["results"] == json.loads(encode_results(report.results))
    assert decode_results(json.dumps(overview["results"])) == report.results


def test_every_verdict_has_a_sign_of_its_own_and_a_meaning(overview: Any) -> None:
    assert set(GLYPHS) == set(MEANINGS) == set(Verdict)
    assert len(set(GLYPHS.values())) == len(GLYPHS)
    assert [sign["verdict"] for sign in overview["signs"]] == list(Verdict)


def test_agreement_against_the_specification_is_told(overview: Any) -> None:
    (suspicion,) = overview["suspicions"]
    assert suspicion["subject"] == "layers.BatchNormalization"
    assert suspicion["backends"] == list(synthetic.NAMES)


def test_precision_looser_than_the_published_table_is_told(overview: Any) -> None:
    looser = {promise["backend"]: promise["looser"] for promise in overview["promises"]}
    assert {"function": "tanh", "declared": 5.6, "published": 5.0} in looser["keras-tensorflow"]
    assert looser["tfjs-wasm"] == [{"function": "exp", "declared": 6.0, "published": 3.0}]


def test_a_class_of_algorithm_that_is_not_the_tightest_is_told(overview: Any) -> None:
    wider = {promise["backend"]: promise["wider"] for promise in overview["promises"]}
    assert wider == {"keras-tensorflow": {}, "tfjs-cpu": {}, "tfjs-wasm": {"variance": "one-pass"}}


def test_versions_of_which_no_deviation_is_recorded_are_told(report: Report) -> None:
    backend = msgspec.structs.replace(report.results.backends[0], dialect_nearest={"keras": "3.14.0"})
    results = msgspec.structs.replace(report.results, backends=(backend, *report.results.backends[1:]))
    (notice,) = unpacked(render(Report(results, report.checks)), "overview")["notices"]
    assert notice.startswith("keras 3.15.1 is in no recorded deviation; keras-tensorflow was judged under")


def test_every_cell_has_the_rows_of_its_checks(report: Report, details: Any) -> None:
    for cell, rows in zip(report.results.cells, details["rows"], strict=True):
        counts = [count for row in rows for count in row["counts"].values()]
        assert sum(counts) == cell.asked + cell.unsupported + cell.not_run
        assert cell.verdict in rows[0]["counts"] or len(rows) > 1


def test_a_row_tells_who_agrees_how_often(report: Report, details: Any) -> None:
    wanted = ("tfjs-cpu", "layers.Dense", "forward")
    cells = [(cell.backend, cell.subject, cell.property) for cell in report.results.cells]
    (row,) = details["rows"][cells.index(wanted)]
    assert row["counts"] == {"conforms": 4}
    assert row["agrees"] == {"keras-tensorflow": 4, "tfjs-wasm": 4}


def test_the_deviations_that_checks_reached_are_counted(details: Any) -> None:
    reached = [row["deviations"] for rows in details["rows"] for row in rows if row["deviations"]]
    assert reached == [{"tfjs-gelu-tanh": 4}]


def test_histograms_have_every_margin_once(report: Report, overview: Any) -> None:
    counted = sum(h["zero"] + h["infinite"] + sum(h["bins"].values()) for h in overview["histograms"])
    assert counted == sum(check.margin is not None for check in report.checks)
    beyond = [h for h in overview["histograms"] if any(int(k) > 0 for k in h["bins"])]
    assert {(h["backend"], h["property"]) for h in beyond} == {("tfjs-wasm", "forward")}


def test_a_case_is_there_to_be_read_and_whether_the_command_knows_it(report: Report, details: Any) -> None:
    shown = {f.case: f.witness for f in report.results.findings if f.case in details["cases"]}
    assert shown
    for id_, witness in shown.items():
        assert details["cases"][id_] == {"case": json.loads(encode(witness)), "named": False}


def test_what_was_asked_of_each_argument_is_told(details: Any) -> None:
    dense = next(subject for subject in details["coverage"] if subject["name"] == "layers.Dense")
    assert dense["specified"]
    assert {argument["name"] for argument in dense["arguments"]} >= {"units", "activation", "use_bias"}
    assert set(dense["backends"]) == set(synthetic.NAMES)


def test_the_command_asks_a_backend_again(overview: Any) -> None:
    commands = {promise["backend"]: promise["command"] for promise in overview["promises"]}
    assert commands["tfjs-cpu"].startswith(
        "conformance run --case CASE --backend tfjs-cpu --property PROPERTY"
    )


def test_every_layer_is_in_the_family_that_drafts_its_cases() -> None:
    grouped = {
        family.name: family.subjects for family in families(f"layers.{name}" for name in Layer.registered)
    }
    assert "layers.MaxPooling2D" in grouped["pooling"]
    assert "layers.LSTM" in grouped["recurrent"]
    assert "layers" not in grouped, "a layer without drafts"


def test_a_subject_of_another_kind_is_in_the_family_of_its_kind() -> None:
    assert [family.name for family in families(["losses.Huber", "activations.tanh"])] == [
        "activations",
        "losses",
    ]


def test_a_layer_is_documented_by_its_formula_and_its_arguments() -> None:
    dense = document("layers.Dense")
    assert dense is not None
    assert dense.paragraphs[0] == "activation(x · kernel + bias), over the last axis."
    units, activation = dense.arguments[:2]
    assert (units.name, units.required, units.doc) == ("units", True, "size of the output's last axis")
    assert (activation.name, activation.required, activation.default) == ("activation", False, None)
    assert ">>>" not in "".join(dense.paragraphs)


def test_what_the_specification_does_not_know_has_no_document() -> None:
    assert document("layers.Invented") is None
    assert document("optimizers.Invented") is None
