"""Findings of the real runtimes reproduce themselves: every deviation that is recorded is made a finding, by
a dialect without entries, and its script and command are run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click.testing
import msgspec
import pytest

from conformance import cli, dialects
from conformance.cases.case import Case, encode
from conformance.cases.data import make
from conformance.cases.drafts import determinism, relations
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.dialects.deviation import Unpredictable
from conformance.reporting.ledger import finding_of
from conformance.reporting.results import Finding, Results
from conformance.reporting.store import Report, read
from conformance.reproduction.script import ONLY_ASKED, script
from conformance.runners.node import find_node
from conformance.runners.provision import ensure_package, silent
from conformance.verdicts import Check, Verdict

HERE = Path(__file__).parent
BACKENDS = ("keras-tensorflow", "tfjs-cpu", "tfjs-wasm")
DENSE = draft_layer("layers.Dense", {"units": 3}, [recipe("normal", 2, 4)])
BESIDE = (
    *(
        case
        for case in determinism.drafts()
        if case.subject in ("layers.Dense", "layers.GRU", "layers.Softmax")
    ),
    *(
        case
        for case in relations.drafts()
        if case.subject in ("layers.DepthwiseConv2D", "layers.Bidirectional")
    ),
)
"""Cases in which something is asked beside the outputs: after other calls, or of other cases."""

UNDOCUMENTED = "tests.reproduction.undocumented"

pytestmark = [pytest.mark.keras, pytest.mark.node, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Outcome:
    """How a script ended, and what it printed."""

    code: int
    printed: str


@dataclass(frozen=True)
class Invented:
    """How the scripts of invented findings ended: by backend, subject and observable; by backend."""

    conforming: dict[tuple[str, ...], Outcome]
    refused: dict[str, Outcome]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of all witnesses of the recorded deviations, none of them known."""
    place = tmp_path_factory.mktemp("results")
    words = as_files((*witnesses(), *BESIDE), place)
    assert run(*words, *(w for name in BACKENDS for w in ("--backend", name)), out=place / "out") == 1
    modules = ensure_package(silent, find_node()) / "node_modules"
    (place / "out" / "node_modules").symlink_to(modules)
    return place / "out"


def run(*words: str, out: Path) -> int:
    """The exit code of `conformance run` under a dialect without entries."""
    arguments = ["run", *words, "--out", str(out), "--dialect", UNDOCUMENTED]
    return click.testing.CliRunner().invoke(cli.main, arguments, catch_exceptions=False).exit_code


def as_files(cases: Iterable[Case], folder: Path) -> list[str]:
    """Write each case into the folder; the words that ask them."""
    files = {folder / f"{case.id}.json": case for case in cases}
    for file, case in files.items():
        file.write_bytes(encode(case))
    return [word for file in files for word in ("--case", str(file))]


@cache
def witnesses(backends: tuple[str, ...] = BACKENDS) -> tuple[Case, ...]:
    """Of all deviations but the unpredictable ones, which may not show themselves twice, and those about
    subjects that scripts are not written about. Where a backend never answers, a script waits for minutes;
    where it ends, it may have written into the memory of its process, which the scripts behind it share."""
    recorded = [d for name in backends for d in dialects.load(dialects.BUILT_IN[name])[name].deviations]
    lasting = [d for d in recorded if not isinstance(d.effect, Unpredictable)]
    scripted = ("layers.", "activations.")
    passing = {case.id for d in recorded if d not in lasting for case in d.witnesses}
    asked = {c.id: c for d in lasting for c in d.witnesses if c.subject.startswith(scripted)}
    fatal = [
        d
        for d in recorded
        if isinstance(d.effect, Unpredictable) and d.effect.verdict in (Verdict.TIMED_OUT, Verdict.CRASHED)
    ]
    return tuple(
        case
        for case in asked.values()
        if case.id not in passing and not any(d.scope(case, make(case)) for d in fatal)
    )


@pytest.fixture(scope="module")
def report(results: Path) -> Report:
    return read(results)


@pytest.fixture(scope="module")
def outcomes(results: Path, report: Report) -> dict[str, Outcome]:
    """By finding, how its script ended."""
    ended = run_all(results / finding.reproduce.script for finding in scripted(report))
    return {f.id: ended[results / f.reproduce.script] for f in scripted(report)}


def scripted(report: Report) -> list[Finding]:
    """The findings that have a script in a runtime's language."""
    return [
        finding for finding in report.results.findings if finding.reproduce.script.endswith((".py", ".mjs"))
    ]


def run_all(scripts: Iterable[Path], python: str = sys.executable) -> dict[Path, Outcome]:
    """Run scripts of both languages, in one process for each."""
    by_language: dict[str, list[Path]] = {".py": [], ".mjs": []}
    for path in scripts:
        by_language[path.suffix].append(path)
    programs = {
        ".py": [python, str(HERE / "adapters" / "run_all.py")],
        ".mjs": [str(find_node().path), str(HERE / "adapters" / "run_all.mjs")],
    }
    ended: dict[Path, Outcome] = {}
    for suffix, paths in by_language.items():
        if not paths:
            continue
        done = subprocess.run([*programs[suffix], *paths], capture_output=True, text=True, check=True)
        ended |= {Path(path): Outcome(*outcome) for path, outcome in json.loads(done.stdout).items()}
    return ended


def test_every_script_ends_with_1_while_its_finding_is_there(
    report: Report, outcomes: dict[str, Outcome]
) -> None:
    findings = scripted(report)
    assert len(findings) > 100
    assert {f.backend for f in findings} == set(BACKENDS)
    assert {f.id: outcomes[f.id].printed[-500:] for f in findings if outcomes[f.id].code != 1} == {}


def lasts(finding: Finding) -> bool:
    """Whether no deviation says that the backend answers otherwise each time."""
    recorded = dialects.load(dialects.BUILT_IN[finding.backend])[finding.backend].deviations
    case = finding.witness
    return not any(isinstance(d.effect, Unpredictable) and d.scope(case, make(case)) for d in recorded)


def test_scripts_see_the_same_wrong_elements(report: Report, outcomes: dict[str, Outcome]) -> None:
    """The same worst element, and as many outside their limits."""
    seen = [f for f in scripted(report) if "elements are outside" in f.summary and lasts(f)]
    assert len(seen) > 30
    assert [f for f in seen if not shows_the_elements(f, outcomes[f.id])] == []


def shows_the_elements(finding: Finding, outcome: Outcome) -> bool:
    """The worst element, and how many are outside."""
    place, count = finding.summary.partition(" is ")[0], finding.summary.partition("; ")[2]
    return f"{place} is " in outcome.printed and count in outcome.printed


def test_scripts_raise_the_runtimes_own_errors(report: Report, outcomes: dict[str, Outcome]) -> None:
    """But for what the adapters refuse on the runtime's behalf, in words of their own."""
    ours = re.compile(
        r"take no arguments|the layer's weights are|the outputs do not depend on|no array has the shape"
        r"|a cotangent of shape"
    )
    raised = [f for f in scripted(report) if f.verdict is Verdict.RAISES and not ours.search(f.summary)]
    assert len(raised) > 30
    assert [f for f in raised if not shows_the_error(f, outcomes[f.id])] == []


def shows_the_error(finding: Finding, outcome: Outcome) -> bool:
    return finding.summary.split(": ", 1)[1][:30] in outcome.printed


def test_scripts_show_the_parts_in_which_a_structure_differs(
    report: Report, outcomes: dict[str, Outcome]
) -> None:
    (finding,) = [
        f
        for f in report.results.findings
        if (f.backend, f.subject, f.observable) == ("tfjs-cpu", "layers.LSTM", "signature")
    ]
    assert "arguments/recurrent_activation/default" in finding.differs
    assert "'recurrentActivation.default': 'hardSigmoid'" in outcomes[finding.id].printed
    assert "'recurrentActivation.default': 'sigmoid'" in outcomes[finding.id].printed


@pytest.fixture(scope="module")
def invented(results: Path, report: Report, tmp_path_factory: pytest.TempPathFactory) -> Invented:
    """Findings that are none: checks that conform, of every kind of observable, and what is refused."""
    folder = folder_with_tensorflow_js(results, tmp_path_factory.mktemp("invented"))
    invented = inventions(report, (*witnesses(), *BESIDE))
    conforming = {kind: write(folder, report.results, finding) for kind, finding in invented.items()}
    bogus = msgspec.structs.replace(DENSE, config={"units": 3, "bogus": 1})
    refused = {}
    for backend in ("keras-tensorflow", "tfjs-cpu"):
        check = Check(bogus.id, backend, bogus.subject, "forward", "output/0", Verdict.ACCEPTS)
        refused[backend] = write(folder, report.results, as_finding(check, bogus))
    ended = run_all([*conforming.values(), *refused.values()])
    return Invented(
        {kind: ended[path] for kind, path in conforming.items()},
        {backend: ended[path] for backend, path in refused.items()},
    )


def inventions(report: Report, cases: Iterable[Case]) -> dict[tuple[str, ...], Finding]:
    """By backend, subject and observable a finding that is none, of a check that conforms."""
    by_id = {case.id: case for case in cases}
    invented: dict[tuple[str, ...], Finding] = {}
    for check in report.checks:
        kind = check.backend, check.subject, re.sub(r"\d+|(?<=weight/).*|(?<=state/).*", "", check.observable)
        asked = check.observable not in ONLY_ASKED and kind not in invented
        if check.verdict is Verdict.CONFORMS and asked:
            part = {"signature": "arguments/name/default", "config": "trainable"}
            differs = part.get(check.observable.removeprefix("reconstructed/"))
            told = msgspec.structs.replace(check, differs=(differs,) if differs else ())
            invented[kind] = as_finding(told, by_id[check.case])
    return invented


def folder_with_tensorflow_js(results: Path, folder: Path) -> Path:
    """The folder, in which scripts find TensorFlow.js as they do in that of the results."""
    (folder / "node_modules").symlink_to((results / "node_modules").readlink())
    return folder


def as_finding(check: Check, case: Case) -> Finding:
    """A finding about the check's observable, whatever its verdict."""
    verdict = Verdict.DIVERGES if check.verdict is Verdict.CONFORMS else check.verdict
    return finding_of(msgspec.structs.replace(check, verdict=verdict), 1, case)


def write(folder: Path, results: Results, finding: Finding) -> Path:
    """Write the script of the finding into the folder."""
    record = next(backend for backend in results.backends if backend.name == finding.backend)
    made = script(finding, record, seed=0)
    path = folder / f"{finding.case}-{finding.id}{made.suffix}"
    path.write_text(made.text)
    return path


def test_scripts_of_what_conforms_end_with_0(invented: Invented) -> None:
    """Were each of these checks a finding that is mended meanwhile, its script would say so."""
    assert len(invented.conforming) > 60
    assert {k: o.printed[-500:] for k, o in invented.conforming.items() if o.code != 0} == {}


def test_scripts_of_what_should_be_refused(invented: Invented) -> None:
    """Keras refuses an argument that there is not, and TensorFlow.js takes it."""
    keras, tfjs = invented.refused["keras-tensorflow"], invented.refused["tfjs-cpu"]
    assert keras.code == 0
    assert "refused, as it should be" in keras.printed
    assert tfjs.code == 1
    assert "accepted; there should be an error" in tfjs.printed


@pytest.mark.parametrize("backend", ["keras-tensorflow", "tfjs-cpu"])
def test_script_of_a_crash_asks_in_a_child(
    backend: str, results: Path, report: Report, tmp_path: Path
) -> None:
    """Where the child ends well, the finding is gone; where it dies, it is there."""
    folder = folder_with_tensorflow_js(results, tmp_path)
    check = Check(DENSE.id, backend, DENSE.subject, "forward", "output/0", Verdict.CRASHED)
    path = write(folder, report.results, as_finding(check, DENSE))
    program = [sys.executable] if path.suffix == ".py" else [str(find_node().path)]
    assert subprocess.run([*program, path], capture_output=True).returncode == 0
    abort = {
        ".py": ("def observe():\n", "    os.abort()\n"),
        ".mjs": ("function observe() {\n", "process.abort();\n"),
    }
    head, fault = abort[path.suffix]
    path.write_text(path.read_text().replace(head, head + fault))
    dead = subprocess.run([*program, path], capture_output=True, text=True)
    assert dead.returncode == 1
    assert "the child ended with" in dead.stdout


@pytest.mark.parametrize(
    ("backend", "subject", "observable"),
    [
        ("keras-tensorflow", "activations.celu", "gradient/input/0"),
        ("tfjs-wasm", "layers.LSTM", "output/0"),
        ("tfjs-cpu", "layers.BatchNormalization", "config"),
    ],
)
def test_the_command_shows_the_finding(
    backend: str,
    subject: str,
    observable: str,
    report: Report,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    finding = next(
        f
        for f in report.results.findings
        if (f.backend, f.subject, f.observable, f.verdict) == (backend, subject, observable, Verdict.DIVERGES)
    )
    monkeypatch.chdir(tmp_path)
    words = finding.reproduce.command.split()[1:]
    done = click.testing.CliRunner().invoke(cli.main, words, catch_exceptions=False)
    assert done.exit_code == 1
    again = {f.id: f for f in read(tmp_path / "conformance-reproduced").results.findings}
    assert again[finding.id].summary == finding.summary
    assert {f.backend for f in again.values()} == {backend}
    assert {f.property for f in again.values()} == {finding.property}
