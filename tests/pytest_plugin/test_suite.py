"""The suite under pytest: its items, what they ask, how they end, and what they say."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from conformance import cli
from conformance.cases.case import Case, decode
from conformance.cli.group import BadFile
from conformance.cli.runs import run
from conformance.engine import Plan
from conformance.pytest_plugin import OPTIONS
from conformance.pytest_plugin.asking import Asking
from conformance.reporting.store import read
from conformance.runners import registry
from conformance.verdicts import Verdict

from .conftest import (
    EIGHT,
    ITEMS,
    RECTIFIED,
    SEVEN,
    Run,
    asked,
    asks,
    asks_logged,
    questions,
    relu_of,
    starts,
)

CaseFile = Callable[[Case], tuple[str, str]]

RELU = ("--conformance-subject", "relu")
FORWARD = (*RELU, "--conformance-property", "forward")

DIALECT = """
from conformance.dialects.deviation import Deviation, Dialect, Value
from conformance.cases.case import Case, Literal
from conformance.reference_impl.primitives import multiply, relu, subtract

def leaking(original, x, *args, **kwargs):
    return subtract(relu(x), multiply(relu(multiply(x, -1.0)), 0.25))

x = Literal((2,), (-4.0, 3.0))
witness = Case("activations.relu", inputs=(x,), observables=("output/0",))
leak = Deviation(
    "leaks", "it leaks", "bug", "", "", "", lambda case, data: not case.config,
    Value({"activations.relu": leaking}), (witness,),
)
DIALECTS = {"leaky": Dialect((leak,)), "well": Dialect((leak,))}
"""


def test_options_are_those_of_the_command_line() -> None:
    """But for where its results go and what they are compared with."""
    names = {name.removeprefix("--") for parameter in run.params for name in parameter.opts}
    assert names - {"out", "baseline", "resume", "json"} == OPTIONS.keys() - {"results"}


def test_items_are_cells_of_each_backend(suite: Run) -> None:
    result = suite("--collect-only", "-q", *FORWARD, *asks_logged("well"), *asks("refuse"))
    assert result.outlines[:4] == [
        "conformance::activations.relu-forward-well",
        "conformance::recorded-deviations-well",
        "conformance::activations.relu-forward-refuse",
        "conformance::recorded-deviations-refuse",
    ]
    assert not Path("asked.well").exists()


def test_modules_of_the_package_are_not_collected(suite: Run) -> None:
    result = suite("--collect-only", "-q", "--doctest-modules", *FORWARD, *asks("well"))
    result.stdout.fnmatch_lines(["2 tests collected*"])


def test_backend_that_conforms_passes_and_says_how_many_checks(suite: Run) -> None:
    result = suite(*FORWARD, *asks("well"))
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.re_match_lines([r"well: \d+ of \d+ checks conform"])


def test_each_case_is_asked_once(suite: Run) -> None:
    suite(*RELU, *asks_logged("well"), "-v").stdout.fnmatch_lines(["*relu-forward-well PASSED*"])
    assert len(asked("well")) == questions(RECTIFIED) > 1
    assert starts("well") == 1


def test_deselected_backend_is_not_started(suite: Run) -> None:
    result = suite("-k", "forward-well", *RELU, *asks("well"), *asks_logged("leaky"))
    result.assert_outcomes(passed=1, deselected=2 * ITEMS - 1)
    assert not Path("asked.leaky").exists()


def test_selected_items_ask_for_their_cases_alone(suite: Run) -> None:
    suite("-k", ".relu-forward-well", *asks_logged("well"))
    assert {json.loads(case)["subject"] for case in asked("well")} == {"activations.relu"}
    assert len(asked("well")) == questions(RECTIFIED, related=False)


def test_items_are_run_by_the_ids_that_are_printed(session: Run) -> None:
    ours = "conformance::activations.relu-forward-well"
    session("--pyargs", ours, *RELU, *asks("well")).assert_outcomes(passed=1, deselected=ITEMS - 1)
    result = session("--pyargs", ours, "-p", "xdist.plugin", "-n1", *RELU, *asks("well"))
    result.assert_outcomes(passed=1)


def test_item_that_does_not_exist_is_refused(session: Run) -> None:
    result = session("--pyargs", "conformance::activations.relu-backward-well", *RELU, *asks("well"))
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no item conformance::activations.relu-backward-well; *"])


def test_failing_item_says_what_it_takes_and_no_more(suite: Run, case_file: CaseFile) -> None:
    case = relu_of(-1.0, 2.0)
    name = case_file(case)[1]
    backend = asks("leaky")
    result = suite("--conformance-case", name, *backend, "--conformance-seed", "3")
    result.assert_outcomes(failed=1)
    start = result.outlines.index("_" * 24 + " activations.relu-forward-leaky " + "_" * 24)
    output, recipe, command = result.outlines[start + 1 : start + 4]
    assert output == "output/0 diverges: [0] is -0.25, expected 0 ± 0; 1 of 2 elements are outside"
    assert recipe.startswith(f"  case {case.id}: ")
    assert decode(recipe.partition(": ")[2]) == case
    assert shlex.split(command) == [
        "conformance", "run", "--case", name, "--backend-command", backend[1], "--seed", "3",
    ]  # fmt: skip
    assert result.outlines[start + 4].startswith("====")


def test_command_of_a_failing_item_shows_it_again(suite: Run) -> None:
    result = suite(*FORWARD, *asks("leaky"))
    (command,) = (line for line in result.outlines if line.startswith("  conformance run"))
    again = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)], capture_output=True, text=True, check=False
    )
    assert (again.returncode, "output/0 on leaky: diverges" in again.stdout) == (1, True)


def test_summary_line_of_a_failure_names_the_observable(suite: Run, case_file: CaseFile) -> None:
    result = suite(*case_file(relu_of(-1.0)), *asks("leaky"), "-q")
    result.stdout.fnmatch_lines(["FAILED conformance::activations.relu-forward-leaky - *output/0 di*"])


def test_crash_fails_its_item(suite: Run, case_file: CaseFile) -> None:
    files = (*case_file(relu_of(SEVEN)), *case_file(relu_of(1.0)))
    result = suite(*files, *asks("fragile"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["output/0 crashed: *"])


def test_cell_without_a_promise_is_skipped_with_the_reason(suite: Run, case_file: CaseFile) -> None:
    case = relu_of(1.0, observables=("gradient/input/0",))
    result = suite(*case_file(case), *asks("well"), "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED*activations.relu · gradients on well: unsupported in 1 checks (not among*"]
    )


def test_backend_that_does_not_start_is_an_error_of_its_items_alone(suite: Run) -> None:
    result = suite(*FORWARD, *asks("refuse"), *asks("well"))
    result.assert_outcomes(passed=1, skipped=1, errors=2)
    error = "ModuleNotFoundError: No module named 'rectifier'"
    why = f"refuse could not be started: it exited with code 1: {error}"
    assert result.outlines.count(why) == 1
    result.stdout.fnmatch_lines([f"{why} (the first error says more)"])


def test_recorded_deviation_passes_and_is_named(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(leaks=DIALECT)
    result = suite(*RELU, *asks("leaky"), "--conformance-dialect", "leaks", "-rA")
    assert result.parseoutcomes().get("failed") is None
    result.stdout.fnmatch_lines(["*recorded deviations reached*", "leaks"])
    result.stdout.fnmatch_lines(["PASSED conformance::recorded-deviations-leaky"])


def test_deviation_that_no_longer_holds_fails(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(leaks=DIALECT)
    result = suite(*RELU, *asks("well"), "--conformance-dialect", "leaks")
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "recorded deviation leaks no longer holds: it leaks",
            "  conformance run --subject activations.relu --backend-command *--dialect leaks",
        ]
    )


def test_deviations_are_undecided_where_a_property_is_chosen(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(leaks=DIALECT)
    result = suite(*FORWARD, *asks("well"), "--conformance-dialect", "leaks", "-rs")
    result.stdout.fnmatch_lines(["SKIPPED*deviations of well: 1 recorded, none decided by *"])


def test_first_failure_ends_the_session_and_the_backends(suite: Run) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    result = suite("-x", *asks_logged("leaky"), *asks_logged("well"), "-k", "activations.relu-forward")
    result.assert_outcomes(failed=1, skipped=0, deselected=result.parseoutcomes()["deselected"])
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert not Path("asked.well").exists()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_session_ends_a_backend_that_hangs_and_keeps_what_was_judged(
    pytester: pytest.Pytester, case_file: CaseFile, monkeypatch: pytest.MonkeyPatch, ended_by: signal.Signals
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    os.mkfifo("asked.fragile")
    command = [
        sys.executable, "-m", "pytest", "-p", "conformance.pytest_plugin", "--pyargs", "conformance",
        *case_file(relu_of(EIGHT)), *asks("well"), *asks_logged("fragile"), "--conformance-results", "out",
    ]  # fmt: skip
    session = subprocess.Popen(command)
    with Path("asked.fragile").open() as messages:
        assert any('"observe"' in message for message in messages)
        children = psutil.Process(session.pid).children(recursive=True)
        session.send_signal(ended_by)
        status = session.wait()
    assert psutil.wait_procs(children, timeout=10)[1] == []
    if ended_by is signal.SIGINT:
        assert status == pytest.ExitCode.INTERRUPTED
    else:
        assert not Path("out", "results.json").exists()
        cli.main(["report", "out"], standalone_mode=False)
    report = read(Path("out"))
    assert report.results.status == "interrupted"
    assert [backend.name for backend in report.results.backends] == ["fragile", "well"]
    assert {check.backend for check in report.checks} == {"well"}


def test_last_failed_runs_it_alone(suite: Run) -> None:
    suite(*FORWARD, *asks_logged("leaky"), *asks_logged("well")).assert_outcomes(
        passed=1, failed=1, skipped=2
    )
    before = len(asked("leaky"))
    result = suite("--lf", *FORWARD, *asks_logged("leaky"), *asks_logged("well"))
    result.assert_outcomes(failed=1, deselected=3)
    assert len(asked("leaky")) == 2 * before
    assert starts("well") == 1


def test_junit_has_the_finding_and_the_numbers(suite: Run, pytester: pytest.Pytester) -> None:
    suite(*FORWARD, *asks("leaky"), "--junitxml=junit.xml")
    tree = ElementTree.parse(pytester.path / "junit.xml")
    cell, deviations = tree.iter("testcase")
    assert (cell.get("classname"), cell.get("name")) == ("conformance", "activations.relu-forward-leaky")
    properties = {p.get("name"): p.get("value") for p in cell.iter("property")}
    assert properties["conformance backend"] == "leaky"
    assert (
        int(properties["findings"] or 0)
        == int(properties["checks"] or 0) - int(properties["conforms"] or 0)
        > 0
    )
    failure = cell.find("failure")
    assert failure is not None
    assert "conformance run --case" in (failure.text or "")
    assert deviations.find("skipped") is not None


def test_results_are_those_of_the_command_line(suite: Run, pytester: pytest.Pytester) -> None:
    backend = asks("leaky")
    suite(*RELU, *backend, "--conformance-results", "ours")
    with pytest.raises(SystemExit):
        cli.main(["run", "--subject", "relu", "--backend-command", backend[1], "--out", "theirs"])
    ours, theirs = read(pytester.path / "ours"), read(pytester.path / "theirs")
    assert list(ours.checks) == list(theirs.checks)
    assert ours.results.cells == theirs.results.cells
    assert (ours.results.status, ours.results.suite.corpus) == ("complete", "quick")


def test_results_of_a_session_that_was_cut_short_say_so(suite: Run, pytester: pytest.Pytester) -> None:
    suite("-x", *FORWARD, *asks("leaky"), *asks("well"), "--conformance-results", "out")
    results = read(pytester.path / "out").results
    assert (results.status, [backend.name for backend in results.backends]) == ("interrupted", ["leaky"])
    with pytest.raises(BadFile, match="a session of pytest or of certify, which cannot be gone on with"):
        cli.main(["run", "--resume", "out"], standalone_mode=False)


def test_judgements_are_dropped_that_no_item_needs() -> None:
    spec = registry.from_command(asks("well")[1].partition("=")[2], "well")
    case = relu_of(1.0)
    with Asking(Plan((case,), (spec,)), needed=[case.id, case.id]) as asking:
        asking.until_over()
        asking.release([case.id])
        assert case.id in asking.judged
        asking.release([case.id])
        assert not asking.judged
        assert asking.is_complete()


def test_results_are_written_as_they_come_up(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from pathlib import Path

        def test_last():
            (journal,) = Path("out/parts").glob("*/journal.jsonl")
            assert '"judged"' in journal.read_text()
    """)
    backend = ("-k", "relu-forward or last", *asks("well"))
    suite(".", *RELU, *backend, "--conformance-results", "out").assert_outcomes(
        passed=2, deselected=ITEMS - 1
    )


def test_directory_that_cannot_be_written_is_refused(suite: Run, pytester: pytest.Pytester) -> None:
    pytester.makefile("", out="a file")
    result = suite(*FORWARD, *asks_logged("well"), "--conformance-results", "out")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--conformance-results: *File exists: *out*"])


def test_results_name_the_items_that_were_left(suite: Run, pytester: pytest.Pytester) -> None:
    suite(*RELU, *asks("well"), "--conformance-results", "out", "-k", "forward")
    results = read(pytester.path / "out").results
    assert results.status == "complete"
    assert results.suite.selection["item"] == ["activations.relu-forward-well"]
    assert {cell.verdict for cell in results.cells} == {Verdict.CONFORMS}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--conformance-backend", "tfjs-cpo"), "unknown backend 'tfjs-cpo'; did you mean tfjs-cpu"),
        (("--conformance-subject", "Dence"), "unknown subject 'Dence'; did you mean layers.Dense"),
        (("--conformance-case", "no.json"), "no.json"),
    ],
)
def test_wrong_usage_is_said(suite: Run, options: tuple[str, ...], message: str) -> None:
    result = suite(*options)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}*"])


@pytest.mark.node
def test_tensorflow_js_passes(suite: Run) -> None:
    result = suite("--conformance-backend", "tfjs-cpu", "--conformance-subject", "Flatten")
    assert result.ret is pytest.ExitCode.OK
    assert result.parseoutcomes()["passed"] >= 5
