"""`conformance explain`: a finding or a case is asked again, and its limit is shown term by term."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import click.testing
import pytest

from conformance import cli
from conformance.cases import corpus
from conformance.cases.case import Literal, encode
from conformance.cases.drafts.determinism import asked_again
from conformance.cases.drafts.draft import draft_activation, draft_layer, recipe
from conformance.cases.drafts.relations import related
from conformance.reporting.store import read

LSTM = next(
    case.id
    for case in corpus.load("quick")
    if case.subject == "layers.LSTM" and case.config == {"units": 3} and "signature" in case.observables
)
"""The case that README explains."""

RECTIFIER = f"{shlex.quote(sys.executable)} {Path(__file__).parent / 'adapters' / 'rectifier.py'}"
CASE = draft_activation("relu", {}, Literal((4,), (-2.0, -1.0, 0.5, 4.0)), gradients=False)


def invoke(*words: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(cli.main, words, catch_exceptions=False)


@pytest.fixture
def case_file(tmp_path: Path) -> str:
    path = tmp_path / "case.json"
    path.write_bytes(encode(CASE))
    return str(path)


@pytest.fixture
def results(tmp_path: Path, case_file: str) -> Path:
    """Those of a rectifier that leaks, on a case of no corpus."""
    out = tmp_path / "out"
    leaky = ("--backend-command", f"mine={RECTIFIER} leaky")
    assert invoke("run", *leaky, "--case", case_file, "--out", str(out)).exit_code == 1
    return out


def test_a_finding_is_asked_again(results: Path) -> None:
    (finding,) = read(results).results.findings
    done = invoke(
        "explain", finding.id, "--results", str(results), "--backend-command", f"mine={RECTIFIER} leaky"
    )
    assert done.exit_code == 0
    assert "diverges: [0] is -0.5, expected 0 ± 0" in done.stdout
    assert "literal, float32, shape [4]" in done.stdout
    assert "The limit is 0" in done.stdout


def test_a_mended_backend_shows_it(results: Path) -> None:
    (finding,) = read(results).results.findings
    well = ("--backend-command", f"mine={RECTIFIER} well")
    done = invoke("explain", finding.id, "--results", str(results), *well, "--json")
    assert done.exit_code == 0
    explained = json.loads(done.stdout)
    assert explained["judgement"]["verdict"] == "conforms"
    assert explained["recipe"]["subject"] == "activations.relu"


def test_the_finding_of_a_program_carries_what_it_was_asked(results: Path) -> None:
    """The case in a file beside it, the command with the program, and the request to be piped to it."""
    (finding,) = read(results).results.findings
    words = shlex.split(finding.reproduce.command)
    assert words[words.index("--case") + 1] == str(results / "cases" / f"{CASE.id}.json")
    again = invoke(*words[1:-1], str(results.parent / "again"))
    assert again.exit_code == 1
    assert [f.id for f in read(results.parent / "again").results.findings] == [finding.id]


def test_the_request_can_be_piped_to_the_program(results: Path) -> None:
    import subprocess

    (finding,) = read(results).results.findings
    requests = (results / finding.reproduce.script).read_bytes()
    done = subprocess.run([*shlex.split(RECTIFIER), "leaky"], input=requests, capture_output=True, check=True)
    started, observed = map(json.loads, done.stdout.splitlines())
    assert started["reply"] == "started"
    assert observed["observables"].keys() == {"output/0"}


def test_files_of_earlier_findings_go(results: Path, case_file: str) -> None:
    """A run into the same directory that finds nothing leaves no script behind, and nobody else's file."""
    (results / "scripts" / "mine.py").write_text("")
    well = ("--backend-command", f"mine={RECTIFIER} well")
    assert invoke("run", *well, "--case", case_file, "--out", str(results)).exit_code == 0
    left = [path.name for folder in ("scripts", "cases") for path in (results / folder).iterdir()]
    assert left == ["mine.py"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["0123"], "the nearest are", id="unknown id"),
        pytest.param([LSTM], "needs --observable", id="no observable"),
        pytest.param([LSTM, "--observable", "output/7"], "has no observable", id="unknown observable"),
        pytest.param([LSTM, "--observable", "output/0"], "name one backend", id="no backend"),
        pytest.param(
            [LSTM, "--observable", "output/0", "--backend", "keras"],
            "unknown backend",
            id="unknown backend",
        ),
        pytest.param(
            [LSTM, "--observable", "output/0", "--backend-command", f"m={RECTIFIER} well"],
            "says that it lacks",
            id="unsupported",
        ),
    ],
)
def test_what_cannot_be_explained_is_wrong_usage(words: list[str], message: str, tmp_path: Path) -> None:
    done = invoke("explain", *words, "--results", str(tmp_path / "none"))
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())


def test_a_backend_that_does_not_start(case_file: str) -> None:
    refuse = ("--backend-command", f"m={RECTIFIER} refuse")
    assert invoke("explain", case_file, "--observable", "output/0", *refuse).exit_code == 3


@pytest.mark.node
def test_the_limit_of_a_real_backend_term_by_term() -> None:
    """The gates of an LSTM: the terms sum to the limit, and the loosest functions are named."""
    words = ("--backend", "tfjs-cpu", "--observable", "output/0")
    explained = json.loads(invoke("explain", LSTM, *words, "--json").stdout)
    assert explained["sums"]["contribution"] == pytest.approx(explained["element"]["limit"], rel=1e-9)
    assert {"Affine", "Tanh", "Sigmoid"} <= {term["operation"] for term in explained["terms"]}
    assert explained["arithmetic"]["ulps"]["sigmoid"]["looser_than_published"]
    reached = {d["id"]: d["reached"] for d in explained["deviations"]}
    assert reached["tfjs-lstm-recurrent-activation-default"] is True
    assert next(case for case in corpus.load("quick") if case.id == explained["case"])
    text = invoke("explain", LSTM, *words).stdout
    assert "more," in text
    assert "tfjs-lstm-recurrent-activation-default" in text


@pytest.mark.node
def test_the_limit_of_a_relation_is_that_of_both_its_sides(tmp_path: Path) -> None:
    drafted = draft_layer("layers.Dense", {"units": 3}, [recipe("normal", 2, 3, 4)])
    path = tmp_path / "case.json"
    path.write_bytes(encode(related(drafted, "dense-as-convolution")))
    observable = "relation/dense-as-convolution/output/0"
    done = invoke("explain", str(path), "--backend", "tfjs-cpu", "--observable", observable, "--json")
    explained = json.loads(done.stdout)
    assert explained["judgement"]["verdict"] == "conforms"
    adding = [term["operation"] for term in explained["terms"] if term["contribution"] > 0]
    assert adding == ["Affine", "Correlate"]
    assert explained["sums"]["contribution"] == pytest.approx(explained["element"]["limit"])


@pytest.mark.node
def test_a_call_after_others_is_explained_by_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_bytes(encode(asked_again(draft_layer("layers.Dense", {"units": 3}, [recipe("normal", 2, 4)]))))
    done = invoke("explain", str(path), "--backend", "tfjs-cpu", "--observable", "again/output/0")
    assert done.exit_code == 0
    assert "exact is required, exact is reached" in done.stdout
    assert "equality is due" in done.stdout
