"""The command line: what it asks of the engine, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import anyio
import click.testing
import pytest

from conformance import cli, selection
from conformance.cases import corpus
from conformance.cases.case import Case, encode
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.cli import runs
from conformance.events import Event, Judged, Started, Unavailable
from conformance.reporting.results import DeviationRecord
from conformance.reporting.store import read
from conformance.runners.protocol import Identity
from conformance.runners.registry import BackendSpec, backends
from conformance.verdicts import Check, Rung, Verdict

pytestmark = pytest.mark.usefixtures("interruptible")

CASES = (
    draft_layer("layers.Dense", {"units": 3}, [recipe("normal", 2, 4)]),
    draft_layer("layers.LSTM", {"units": 2}, [recipe("normal", 2, 3, 4)]),
    draft_activation("elu", {}, recipe("normal", 2, 4)),
)
Question = tuple[tuple[Case, ...], tuple[BackendSpec, ...], tuple[str, ...] | None, int, tuple[str, ...]]
"""Cases, backends, properties, seed and dialects: what the command line asks of the engine."""

HOLDS = DeviationRecord("elu", "tfjs-cpu", "bug", "value", "", "", "none found", (), True, 1)
FAILS = DeviationRecord("elu", "tfjs-cpu", "bug", "value", "", "", "none found", (), False, 1)


class Engine(Protocol):
    """Makes the engine yield these events, and returns the list in which it keeps what it is asked."""

    def __call__(self, *events: Event | Callable[[], None]) -> list[Question]: ...


class Run(Protocol):
    """Runs `conformance run` with these arguments."""

    def __call__(self, *arguments: str) -> click.testing.Result: ...


def started(backend: str, *given: str) -> Started:
    identity = Identity(backend, "python", {"python": "3.11"}, {}, {}, {}, {})
    return Started(backend, identity, "", given=given)


def judged(case: Case, verdict: Verdict = Verdict.CONFORMS) -> Judged:
    message = "" if verdict is Verdict.CONFORMS else "it is wrong"
    check = Check(
        case.id, "tfjs-cpu", case.subject, "forward", "output/0", verdict, Rung.BOUND, Rung.BOUND, 0.5,
        message=message,
    )  # fmt: skip
    return Judged(case, (check,))


@pytest.fixture(autouse=True)
def corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two corpora and two properties, whatever the suite's own are."""
    fake = SimpleNamespace(
        NAMES=("quick", "standard"), load=lambda name: CASES[:2] if name == "quick" else CASES
    )
    monkeypatch.setattr(selection, "corpora", fake)
    monkeypatch.setattr(selection, "PROPERTIES", {"forward": None, "input-gradients": None})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    def prepare(*events: Event | Callable[[], None]) -> list[Question]:
        asked: list[Question] = []

        async def run(*question: *Question, **_: object) -> AsyncGenerator[Event, None]:
            asked.append(question)
            for event in events:
                if callable(event):
                    event()
                    await anyio.sleep_forever()
                else:
                    yield event

        monkeypatch.setattr(runs, "_events", run)
        return asked

    return prepare


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The results go to `out` in `tmp_path`."""

    def invoke(*arguments: str) -> click.testing.Result:
        result = click.testing.CliRunner().invoke(
            cli.main, ["run", "--out", str(tmp_path / "out"), *arguments], prog_name="conformance"
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


CONFORMING: tuple[Event, ...] = (started("tfjs-cpu"), *map(judged, CASES[:2]), HOLDS)


def test_a_run_as_expected_ends_with_0_and_a_report(engine: Engine, run: Run, tmp_path: Path) -> None:
    engine(*CONFORMING)
    result = run("--backend", "tfjs-cpu")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "2 of 2 checks conform"
    assert "tfjs-cpu: 2 of 2 cases, 0 findings" in result.stderr
    assert (tmp_path / "out" / "index.html").is_file()
    assert read(tmp_path / "out").results.suite.corpus == "quick"


@pytest.mark.parametrize(
    ("events", "code"),
    [
        pytest.param([started("tfjs-cpu"), judged(CASES[0], Verdict.DIVERGES)], 1, id="finding"),
        pytest.param([started("tfjs-cpu"), judged(CASES[0], Verdict.CRASHED)], 1, id="crash"),
        pytest.param([started("tfjs-cpu"), judged(CASES[0]), FAILS], 1, id="deviation no longer holds"),
        pytest.param([Unavailable("tfjs-wasm", "no"), *CONFORMING], 3, id="backend not started"),
        pytest.param([Unavailable("tfjs-cpu", "no")], 3, id="no backend started"),
        pytest.param([started("tfjs-cpu"), judged(CASES[0], Verdict.UNSUPPORTED)], 0, id="unsupported"),
    ],
)
def test_exit_codes(engine: Engine, run: Run, events: list[Event], code: int) -> None:
    engine(*events)
    assert run().exit_code == code


def test_a_finding_is_printed_with_how_to_see_it_again(engine: Engine, run: Run) -> None:
    engine(started("tfjs-cpu"), judged(CASES[0], Verdict.DIVERGES))
    output = run().stdout
    assert "layers.Dense · forward · output/0 on tfjs-cpu: diverges" in output
    assert f"{CASES[0].id}.json --backend tfjs-cpu --property forward" in output


def test_a_backend_that_does_not_start_leaves_its_last_lines(engine: Engine, run: Run) -> None:
    engine(Unavailable("tfjs-wasm", "exit status 1\nError: no wasm"), *CONFORMING)
    output = run().stdout
    assert "tfjs-wasm could not be started:\n  exit status 1\n  Error: no wasm\n" in output
    assert output.splitlines()[-1] == "2 of 2 checks conform"


def test_control_c_keeps_what_was_judged(engine: Engine, run: Run, tmp_path: Path) -> None:
    interrupt = lambda: os.kill(os.getpid(), signal.SIGINT)  # noqa: E731
    engine(started("tfjs-cpu"), judged(CASES[0]), interrupt)
    result = run()
    assert result.exit_code == 130
    assert "Interrupted" in result.stdout
    results = read(tmp_path / "out").results
    assert (results.status, sum(cell.asked for cell in results.cells)) == ("interrupted", 1)


def test_control_c_keeps_it_even_where_the_backends_end_badly(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def events(*question: *Question, **_: object) -> AsyncGenerator[Event, None]:
        yield started("tfjs-cpu")
        yield judged(CASES[0])
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            raise anyio.ClosedResourceError from None

    monkeypatch.setattr(runs, "_events", events)
    assert run().exit_code == 130
    assert read(tmp_path / "out").results.status == "interrupted"


def test_json_goes_to_standard_output_alone(engine: Engine, run: Run, tmp_path: Path) -> None:
    engine(started("tfjs-cpu"), judged(CASES[0], Verdict.DIVERGES))
    result = run("--json")
    content = json.loads(result.stdout)
    assert (content["exit_code"], content["totals"]["findings"]) == (1, 1)
    assert content["results"] == str(tmp_path / "out")
    assert "0 of 1 checks conform, 1 failed" in result.stderr


def test_the_engine_is_asked_what_was_selected(engine: Engine, run: Run, tmp_path: Path) -> None:
    asked = engine(*CONFORMING)
    run(
        *("--corpus", "standard", "--subject", "elu", "--property", "*gradients", "--seed", "7"),
        *("--backend-command", "mine=python -m my_backend"),
        *("--dialect", "conformance.dialects.keras_tensorflow"),
    )
    ((cases, backends, properties, seed, dialects),) = asked
    assert cases == CASES[2:]
    assert [backend.name for backend in backends] == ["mine"]
    assert (properties, seed, dialects) == (
        ("input-gradients",),
        7,
        ("conformance.dialects.keras_tensorflow",),
    )
    suite = read(tmp_path / "out").results.suite
    assert suite.selection == {"subject": ["elu"], "property": ["*gradients"]}


def test_the_default_is_the_three_backends_and_every_property(engine: Engine, run: Run) -> None:
    asked = engine(*CONFORMING)
    run()
    ((cases, backends, properties, _, _),) = asked
    assert cases == CASES[:2]
    assert [backend.name for backend in backends] == ["keras-tensorflow", "tfjs-cpu", "tfjs-wasm"]
    assert properties is None


def test_single_cases_are_asked_by_id_and_from_files(engine: Engine, run: Run, tmp_path: Path) -> None:
    case = Case("layers.Dense", {"units": 99})
    (tmp_path / "mine.json").write_bytes(encode(case))
    asked = engine(*CONFORMING)
    run("--case", CASES[2].id, "--case", str(tmp_path / "mine.json"))
    assert asked[0][0] == (CASES[2], case)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "tfjs-wsam"], "did you mean tfjs-wasm"),
        (["--backend", "zzz"], f"there are {', '.join(sorted(backends()))}"),
        (["--subject", "layers.Dence"], "did you mean layers.Dense"),
        (["--subject", "lstm"], "did you mean layers.LSTM"),
        (["--property", "forwards"], "did you mean forward?"),
        (["--property", "zzz"], "there are forward, input-gradients"),
        (["--corpus", "quik"], "did you mean quick"),
        (["--case", "0123456789abcdef"], "no corpus has a case"),
        (["--backend-command", ""], "the command of a backend is empty"),
        (["--backend", "tfjs-cpu", "--backend-command", "tfjs-cpu=x"], "two backends are named"),
        (["--profile", "trainig"], "did you mean training?"),
        (["--dialect", "no_such_module"], "no_such_module"),
        (["--devise", "gpu"], "--device"),
    ],
)
def test_unknown_names_get_the_nearest_valid_ones_and_2(
    engine: Engine, run: Run, arguments: list[str], message: str
) -> None:
    asked = engine(*CONFORMING)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert asked == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"{", "is no case"),
        (b'{"subject": "layers.Dense", "colour": 1}', "colour"),
        (b'{"subject": "layers.Dence"}', "did you mean layers.Dense"),
    ],
)
def test_a_bad_case_file_is_named_and_ends_with_2(
    engine: Engine, run: Run, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_bytes(content)
    engine(*CONFORMING)
    result = run("--case", str(path))
    said = " ".join(result.stderr.replace("│", " ").split())
    assert result.exit_code == 2
    assert message in said
    # A long path may be broken at the terminal's width.
    assert "mine.json" in said.replace(" ", "")


def test_a_directory_that_cannot_be_written_is_named_and_ends_with_2(
    engine: Engine, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file")
    engine(*CONFORMING)
    result = run()
    assert result.exit_code == 2
    assert "out" in result.stderr


def invoke(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli.main, list(arguments), prog_name="conformance")


def test_report_writes_the_page_anew(engine: Engine, run: Run, tmp_path: Path) -> None:
    engine(*CONFORMING)
    run()
    page = tmp_path / "out" / "index.html"
    before = page.read_bytes()
    page.unlink()
    result = invoke("report", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert page.read_bytes() == before


def test_report_refuses_what_it_cannot_trust_with_2(engine: Engine, run: Run, tmp_path: Path) -> None:
    engine(*CONFORMING)
    run()
    (tmp_path / "out" / "checks.jsonl.gz").write_bytes(b"")
    result = invoke("report", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "not of one run" in " ".join(result.stderr.replace("│", " ").split())


FINDING: tuple[Event, ...] = (
    started("tfjs-cpu"),
    judged(CASES[0], Verdict.DIVERGES),
    judged(CASES[1]),
    HOLDS,
)


@pytest.fixture
def baseline(engine: Engine, tmp_path: Path) -> Path:
    """Results with one finding, in `old` in `tmp_path`."""
    engine(*FINDING)
    assert invoke("run", "--out", str(tmp_path / "old")).exit_code == 1
    return tmp_path / "old"


@pytest.mark.parametrize("file", ["", "results.json"])
def test_a_finding_of_the_baseline_is_no_reason_to_fail(
    engine: Engine, run: Run, baseline: Path, file: str
) -> None:
    engine(*FINDING)
    result = run("--baseline", str(baseline / file))
    assert result.exit_code == 0
    assert "Findings: 0 new, 1 known from the baseline" in result.stdout
    assert "conformance run --case" not in result.stdout


@pytest.mark.parametrize(
    "more", [judged(CASES[1], Verdict.DIVERGES), judged(CASES[2], Verdict.DIVERGES), FAILS]
)
def test_what_the_baseline_does_not_have_is(engine: Engine, run: Run, baseline: Path, more: Event) -> None:
    engine(started("tfjs-cpu"), judged(CASES[0], Verdict.DIVERGES), more)
    result = run("--baseline", str(baseline), "--json")
    assert result.exit_code == 1
    content = json.loads(result.stdout)["baseline"]
    assert len(content["known_findings"]) == 1
    assert len(content["new_findings"]) + len(content["new_deviations_not_holding"]) == 1


def test_a_baseline_of_another_corpus_is_said_and_its_other_cases_are_new(
    engine: Engine, run: Run, baseline: Path
) -> None:
    engine(*FINDING, judged(CASES[2], Verdict.CRASHED))
    result = run("--baseline", str(baseline), "--corpus", "standard")
    assert result.exit_code == 1
    assert (
        "of corpus quick, the new of corpus standard: a failure not asked before counts as new"
        in result.stdout
    )
    assert "Findings: 1 new, 1 known from the baseline" in result.stdout
    assert "not asked → crashed" in result.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda results: results.update(schema=2), "has schema 2; this version reads 1"),
        (lambda results: results.pop("cells"), '"cells" is a required property'),
        (lambda results: results.update(findings=[]), "the finding"),
    ],
)
def test_a_baseline_that_cannot_be_read_ends_with_2_before_anything_is_asked(
    engine: Engine, run: Run, baseline: Path, change: Callable[[Any], None], message: str
) -> None:
    content = json.loads((baseline / "results.json").read_bytes())
    change(content)
    (baseline / "results.json").write_text(json.dumps(content))
    asked = engine(*FINDING)
    result = run("--baseline", str(baseline))
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert asked == []


@pytest.mark.parametrize("file", ["", "results.json"])
def test_a_run_does_not_overwrite_its_baseline(engine: Engine, baseline: Path, file: str) -> None:
    asked = engine(*FINDING)
    result = invoke("run", "--out", str(baseline), "--baseline", str(baseline / file))
    assert result.exit_code == 2
    assert "would overwrite the baseline" in " ".join(result.stderr.replace("│", " ").split())
    assert asked == []


def test_diff_ends_with_1_where_something_newly_fails_and_with_0_where_it_is_mended(
    engine: Engine, run: Run, baseline: Path, tmp_path: Path
) -> None:
    engine(*CONFORMING)
    run()
    old, new = str(baseline), str(tmp_path / "out" / "results.json")
    mended, failing = invoke("diff", old, new), invoke("diff", new, old)
    assert (mended.exit_code, failing.exit_code) == (0, 1)
    assert "diverges → conforms" in mended.stdout
    assert f"{CASES[0].id}.json --backend tfjs-cpu --property forward" in failing.stdout
    assert json.loads(invoke("diff", new, old, "--json").stdout)["regressed"] is True
    assert "### Newly failing" in invoke("diff", new, old, "--markdown").stdout


def test_commands_against_a_baseline_have_all_that_the_run_was_told(
    engine: Engine, run: Run, tmp_path: Path
) -> None:
    """Those of the diff too, made of the results alone, whichever check of a finding newly fails."""
    every = (case for case in corpus.load("quick") if "output/0" in case.observables)
    dense = [case for case in every if case.subject == "layers.Dense"]
    known, new = sorted(dense, key=lambda case: (len(encode(case)), case.id))[:2]
    own = started("tfjs-cpu", "--backend", "tfjs-cpu", "--tfjs", "my build.tgz")
    told = ("--seed", "3", "--node", "my-node", "--dialect", "conformance.dialects.keras_tensorflow")
    engine(own, judged(known, Verdict.DIVERGES), judged(new))
    invoke("run", "--out", str(tmp_path / "old"), *told)
    engine(own, judged(known, Verdict.DIVERGES), judged(new, Verdict.DIVERGES))
    against = run("--baseline", str(tmp_path / "old"), *told)
    (finding,) = read(tmp_path / "out").results.findings
    assert (finding.case, finding.count) == (known.id, 2)
    command = (
        f"conformance run --case {new.id} --backend tfjs-cpu --tfjs 'my build.tgz' "
        "--dialect conformance.dialects.keras_tensorflow --seed 3 --node my-node --property forward"
    )
    assert command in against.stdout
    assert command.replace(new.id, known.id) in finding.reproduce.command
    assert command in invoke("diff", str(tmp_path / "old"), str(tmp_path / "out")).stdout


def test_diff_compares_margins_by_the_factor_given(baseline: Path) -> None:
    same = json.loads(invoke("diff", str(baseline), str(baseline), "--worse", "2.5", "--json").stdout)
    assert (same["regressed"], same["worse"]) == (False, 2.5)
    assert invoke("diff", str(baseline), str(baseline), "--worse", "1").exit_code == 2


def test_diff_names_a_bad_file_and_ends_with_2(baseline: Path) -> None:
    result = invoke("diff", str(baseline), "nowhere")
    assert result.exit_code == 2
    assert "nowhere/results.json" in result.stderr


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("html", "<!doctype html>"),
        ("markdown", "## Layers conformance: 1 finding"),
        ("guide", "# What the guides say"),
        ("junit", "<?xml version"),
        ("badge", "{"),
    ],
)
def test_a_report_is_written_in_other_formats(baseline: Path, tmp_path: Path, form: str, start: str) -> None:
    printed = invoke("report", str(baseline), "--format", form)
    assert printed.exit_code == 0
    assert printed.stdout.startswith(start)
    invoke("report", str(baseline), "--format", form, "--output", str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == printed.stdout


def test_a_report_goes_to_a_file_only_in_a_format(baseline: Path, tmp_path: Path) -> None:
    result = invoke("report", str(baseline), "--output", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert "--format" in result.stderr


@pytest.mark.parametrize("verb", [None, "run", "report", "diff", "backends", "setup", "new-backend"])
def test_help_shows_an_example(verb: str | None) -> None:
    result = invoke(*filter(None, [verb]), "--help")
    assert result.exit_code == 0
    assert "Example: conformance" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, runpy; sys.argv = ['conformance', 'run', '--help']\n"
        "try: runpy.run_module('conformance', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'tensorflow', 'keras', 'hypothesis', 'jinja2', 'anyio', 'jsonschema_rs'}\n"
        "print('imported:', sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"
