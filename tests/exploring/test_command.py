"""The command `conformance explore`, and how its results and cases are used."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import click.testing
import pytest

from conformance.cli import main
from conformance.cli.exploring import Duration
from conformance.exploring import search
from conformance.reporting.journal import Journal
from conformance.reporting.store import read

pytestmark = pytest.mark.usefixtures("interruptible")


def asks(how: str) -> tuple[str, str]:
    command = shlex.join([sys.executable, "-m", "tests.adapters.specification", how])
    return "--backend-command", f"{how}={command}"


def conformance(*arguments: Any) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, [str(word) for word in arguments])


def explored(folder: Path, how: str, *more: Any) -> click.testing.Result:
    return conformance(
        "explore", *asks(how), "--subject", "Dense", "--examples", 20,
        "--out", folder / "out", "--cases", folder / "cases", *more,
    )  # fmt: skip


def test_what_is_found_is_reported_and_left_as_files_that_can_be_asked(tmp_path: Path) -> None:
    result = explored(tmp_path, "shifted", "--json")
    assert result.exit_code == 1, result.output
    told = json.loads(result.stdout)
    findings = told["findings"]
    assert {finding["backend"] for finding in findings} == {"shifted"}
    files = sorted((tmp_path / "cases").iterdir())
    assert len(files) == len({finding["case"] for finding in findings})
    assert f"Cases: {len(files)} in {tmp_path / 'cases'}" in result.stderr
    again = conformance(
        "run", *asks("shifted"), "--case", tmp_path / "cases", "--out", tmp_path / "again", "--json"
    )
    assert again.exit_code == 1
    shown = {(f["property"], f["observable"]) for f in json.loads(again.stdout)["findings"]}
    assert shown >= {(finding["property"], finding["observable"]) for finding in findings}


def test_where_nothing_is_found_no_case_is_left(tmp_path: Path) -> None:
    result = explored(tmp_path, "rounded")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "cases").exists()
    assert len({check.case for check in read(tmp_path / "out").checks}) >= 20


def test_an_interrupted_search_goes_on_as_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = search.Search.enter

    def interrupted(self: search.Search, judged: Any) -> Any:
        if len(self.outcomes) == 5:
            raise KeyboardInterrupt
        return enter(self, judged)

    with monkeypatch.context() as patch:
        patch.setattr(search.Search, "enter", interrupted)
        result = explored(tmp_path, "rounded")
    assert result.exit_code == 130, result.output
    assert f"conformance explore --resume {tmp_path / 'out'}" in result.output
    before = {judged.case.id for judged in Journal(tmp_path / "out").judged()}
    refused = conformance("run", "--resume", tmp_path / "out")
    assert refused.exit_code == 2
    assert "is of conformance explore" in " ".join(refused.output.replace("│", " ").split())
    result = conformance("explore", "--resume", tmp_path / "out")
    assert result.exit_code == 0, result.output
    report = read(tmp_path / "out")
    cases = {check.case for check in report.checks}
    assert report.results.status == "complete"
    assert before < cases
    assert len(cases) >= 20


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("1.5h", 5400), ("0", None), ("soon", None)]
)
def test_times(text: str, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(click.BadParameter, match="is no time: give it as 90s, 20m or 2h"):
            Duration().convert(text, None, None)
    else:
        assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--subject", "Dence"), "did you mean layers.Dense?"),
        (("--subject", "Constant"), "there is nothing to draw"),
        (("--examples", "0"), "x>=1"),
        (("--promote", "--cases", "nowhere"), "nowhere"),
    ],
)
def test_usage(tmp_path: Path, arguments: tuple[str, ...], problem: str) -> None:
    result = conformance("explore", "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 2
    assert problem in " ".join(result.output.split())
