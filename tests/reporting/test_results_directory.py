"""A results directory is read back as it was written, or refused with the file and the reason."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from conformance.reporting.journal import Journal, JournalWriter
from conformance.reporting.ledger import FAILING, command
from conformance.reporting.results import ResultsError, schema
from conformance.reporting.store import CHECKS, RESULTS, conclude, in_order, read
from tests.reporting import synthetic


def tamper(directory: Path, change: Callable[[Any], None]) -> None:
    content = json.loads((directory / RESULTS).read_bytes())
    change(content)
    (directory / RESULTS).write_text(json.dumps(content))


def rewrite_checks(directory: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of the checks, and bind the results to them."""
    lines = change(gzip.decompress((directory / CHECKS).read_bytes()).splitlines(keepends=True))
    text = b"".join(lines)
    (directory / CHECKS).write_bytes(gzip.compress(text))
    digest = hashlib.sha256(text).hexdigest()
    tamper(directory, lambda results: results["suite"].update(checks_digest=digest))


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    checks = [check for case in synthetic.cases() for check in synthetic.checks(case)]
    synthetic.journal(tmp_path)
    results = conclude(tmp_path, "complete")
    report = read(tmp_path)
    assert report.results == results
    assert sorted(report.checks, key=str) == sorted(checks, key=str)


def test_the_same_checks_in_any_order_make_the_same_bytes(written: Path, tmp_path: Path) -> None:
    judged = [(case, [check]) for case in synthetic.cases() for check in synthetic.checks(case)]
    random.Random(0).shuffle(judged)
    synthetic.journal(tmp_path, judged)
    results = conclude(tmp_path, "complete")
    assert (tmp_path / CHECKS).read_bytes() == (written / CHECKS).read_bytes()
    at_another_time = read(written).results
    assert results == msgspec.structs.replace(
        at_another_time, started=results.started, duration_s=results.duration_s
    )


@pytest.mark.parametrize("backwards", [False, True])
def test_a_finding_in_several_formats_is_told_of_the_first(tmp_path: Path, backwards: bool) -> None:
    case, failing = next(
        (case, check)
        for case in synthetic.cases()
        for check in synthetic.checks(case)
        if check.verdict in FAILING
    )
    checks = [
        msgspec.structs.replace(failing, peer="specification", format=format_, message=f"wrong in {format_}")
        for format_ in ("h5", "keras")
    ]
    synthetic.journal(tmp_path, [(case, checks[::-1] if backwards else checks)])
    conclude(tmp_path, "complete")
    (finding,) = read(tmp_path).results.findings
    assert (finding.summary, finding.count) == ("wrong in h5", 2)


def test_earlier_results_stay_whole_until_new_ones_are(directory: Path) -> None:
    before = read(directory)
    with JournalWriter(directory) as writer:
        writer.begin(synthetic.SUITE, {})
        writer.judge(case := next(synthetic.cases()), synthetic.checks(case))
        assert read(directory) == before
    assert read(directory) == before
    assert not list(directory.glob("*.part"))


def test_an_interrupted_run_says_so_and_keeps_its_journal(tmp_path: Path) -> None:
    synthetic.journal(tmp_path)
    conclude(tmp_path, "interrupted")
    assert read(tmp_path).results.status == "interrupted"
    assert Journal(tmp_path).path.exists()


@pytest.mark.parametrize("at_once", [1, 7, 100, 1000])
def test_lines_that_do_not_fit_in_memory_are_sorted_on_disk(tmp_path: Path, at_once: int) -> None:
    lines = [b"%d\n" % number for number in range(100)]
    random.Random(0).shuffle(lines)
    assert list(in_order(lines, tmp_path, at_once)) == sorted(lines)


def test_the_committed_schema_is_that_of_the_records() -> None:
    committed = files("conformance.reporting").joinpath("results.schema.json").read_text("utf-8")
    assert committed == json.dumps(schema(), indent=2) + "\n", "write it anew, so"


def test_results_that_do_not_tell_what_was_given_are_read(directory: Path) -> None:
    """As they were written before they did: their commands have the backends' names alone."""
    content = json.loads((directory / RESULTS).read_bytes())
    del content["suite"]["options"]
    for backend in content["backends"]:
        del backend["given"], backend["environment"]
    (directory / RESULTS).write_text(json.dumps(content))
    results = read(directory).results
    assert command(results, "tfjs-cpu", "abc", "forward") == (
        "conformance run --case abc --backend tfjs-cpu --property forward --out conformance-reproduced"
    )


def test_another_implementation_of_json_schema_accepts_both_files(written: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads((written / RESULTS).read_bytes()), schema())
    line = gzip.decompress((written / CHECKS).read_bytes()).splitlines()[0]
    of_check = {"$ref": "#/$defs/Check", "$defs": schema()["$defs"]}
    jsonschema.validate(json.loads(line), of_check)


@pytest.mark.parametrize("name", [RESULTS, CHECKS])
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(ResultsError, match=rf"{name}: cannot be read \(No such file"):
        read(directory)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_truncated_checks_are_refused(directory: Path, keep: float) -> None:
    content = (directory / CHECKS).read_bytes()
    (directory / CHECKS).write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ResultsError, match=CHECKS):
        read(directory)


def test_truncated_results_are_refused(directory: Path) -> None:
    content = (directory / RESULTS).read_bytes()
    (directory / RESULTS).write_bytes(content[: len(content) // 2])
    with pytest.raises(ResultsError, match=rf"{RESULTS}: is not JSON, or truncated"):
        read(directory)


def test_checks_of_another_run_are_refused(directory: Path) -> None:
    lines = gzip.decompress((directory / CHECKS).read_bytes())
    (directory / CHECKS).write_bytes(gzip.compress(lines.replace(b"conforms", b"deviates", 1)))
    with pytest.raises(ResultsError, match="the two files are not of one run"):
        read(directory)


def add_unknown_field(results: Any) -> None:
    results["suite"]["colour"] = "blue"


def use_later_schema(results: Any) -> None:
    results["schema"] = 2


def lose_field(results: Any) -> None:
    del results["cells"][3]["asked"]


def improve_cell(results: Any) -> None:
    cell = next(cell for cell in results["cells"] if cell["findings"])
    cell["conforms"] += cell["findings"]
    cell["findings"] = 0


def whitewash_verdict(results: Any) -> None:
    next(cell for cell in results["cells"] if cell["findings"])["verdict"] = "conforms"


def lose_cell(results: Any) -> None:
    del results["cells"][3]


def double_cell(results: Any) -> None:
    results["cells"].append(results["cells"][0])


def invent_cell(results: Any) -> None:
    results["cells"].append(results["cells"][0] | {"subject": "layers.Invented"})


def lose_finding(results: Any) -> None:
    del results["findings"][0]


def lessen_finding(results: Any) -> None:
    results["findings"][0]["margin"] = 0.5


def swap_witness(results: Any) -> None:
    results["findings"][0]["witness"]["config"]["axis"] = 3


def lose_backend(results: Any) -> None:
    del results["backends"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (add_unknown_field, "at suite: .*colour"),
        (use_later_schema, "has schema 2; this version reads 1"),
        (lose_field, 'at cells/3: "asked" is a required property'),
        (improve_cell, r"the cell .* says conforms \d+, and its checks sum to \d+"),
        (whitewash_verdict, "the cell .* says verdict conforms, and its checks sum to"),
        (lose_cell, "the cell .* is missing"),
        (double_cell, "a cell is there twice"),
        (invent_cell, "the cell .*layers.Invented.* has no checks in"),
        (lose_finding, "the finding [0-9a-f]{16} is missing"),
        (lessen_finding, "the finding [0-9a-f]{16} is not that of its checks"),
        (swap_witness, "the finding [0-9a-f]{16} shows a witness whose id is not"),
        (lose_backend, f"{CHECKS} has checks of backend 'keras-tensorflow', which is not among the backends"),
    ],
)
def test_results_at_odds_with_their_checks_are_refused(
    directory: Path, change: Callable[[Any], None], reason: str
) -> None:
    tamper(directory, change)
    with pytest.raises(ResultsError, match=f"{RESULTS}: {reason}"):
        read(directory)


def test_a_check_made_twice_is_refused(directory: Path) -> None:
    rewrite_checks(directory, lambda lines: [lines[0], *lines])
    with pytest.raises(ResultsError, match=r"judges .* 2 times"):
        read(directory)


def test_checks_out_of_order_are_refused(directory: Path) -> None:
    rewrite_checks(directory, lambda lines: lines[::-1])
    with pytest.raises(ResultsError, match="is not sorted"):
        read(directory)


def test_a_line_that_is_no_check_is_named(directory: Path) -> None:
    rewrite_checks(directory, lambda lines: [lines[0], b'{"case": 1}\n', *lines[1:]])
    with pytest.raises(ResultsError, match=rf"{CHECKS}: line 2: "):
        read(directory)
