"""Findings of Keras 2 reproduce themselves too, by scripts in its own words."""

from __future__ import annotations

import ast
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from conformance.cases.case import Case
from conformance.cases.drafts.draft import draft_layer, recipe
from conformance.reporting.results import BackendRecord
from conformance.reporting.store import Report, read
from conformance.reproduction.script import script
from conformance.runners.python import find_python
from conformance.verdicts import Check, Verdict

from .test_scripts import (
    Outcome,
    as_files,
    as_finding,
    inventions,
    run,
    run_all,
    shows_the_elements,
    shows_the_error,
    witnesses,
    write,
)

BACKEND = "keras2-tensorflow"
ENVIRONMENT = os.environ.get("CONFORMANCE_KERAS2") or (sys.executable if find_spec("tf_keras") else None)
needs_keras2 = pytest.mark.skipif(
    ENVIRONMENT is None,
    reason="Keras 2 is not installed; CONFORMANCE_KERAS2 may name an environment that has it",
)

STATEFUL = draft_layer("layers.LSTM", {"units": 2, "stateful": True}, [recipe("normal", 2, 3, 4)])


@pytest.mark.parametrize(
    ("package", "line"), [("keras", "import keras"), ("tf_keras", "import tf_keras as keras")]
)
def test_a_script_asks_the_keras_2_that_was_found(package: str, line: str) -> None:
    """By its package, and in its words for a state and for a gradient's source."""
    check = Check(
        STATEFUL.id, BACKEND, STATEFUL.subject, "gradients", "gradient/weight/kernel", Verdict.DIVERGES
    )
    record = BackendRecord(BACKEND, "python", {package: "2.15.0"}, {}, {}, {"base": "ieee-float32"}, {}, "")
    made = script(as_finding(check, STATEFUL), record, seed=0)
    assert made.suffix == ".py"
    assert line in made.text.splitlines()
    assert ".reset_states()" in made.text
    assert 'tape.watch(variables["kernel"])' in made.text
    ast.parse(made.text)


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return witnesses((BACKEND,))


@pytest.fixture(scope="module")
def results(cases: tuple[Case, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of all witnesses of the recorded deviations, none of them known."""
    place = tmp_path_factory.mktemp("results")
    words = ["--backend", BACKEND, "--keras-python", str(ENVIRONMENT), *as_files(cases, place)]
    assert run(*words, out=place / "out") == 1
    return place / "out"


@pytest.fixture(scope="module")
def report(results: Path) -> Report:
    return read(results)


def outcomes_of(scripts: list[Path]) -> list[Outcome]:
    """How the scripts end in the environment of Keras 2."""
    ended = run_all(scripts, str(find_python(str(ENVIRONMENT))))
    return [ended[path] for path in scripts]


@needs_keras2
@pytest.mark.keras
def test_every_script_shows_its_finding_and_ends_with_1(results: Path, report: Report) -> None:
    """The same elements, and the runtime's own errors: not any that a script makes for another reason."""
    findings = report.results.findings
    outcomes = outcomes_of([results / finding.reproduce.script for finding in findings])
    assert len(findings) > 50
    for finding, outcome in zip(findings, outcomes, strict=True):
        assert outcome.code == 1, finding
        if "elements are outside" in finding.summary:
            assert shows_the_elements(finding, outcome), finding
        elif finding.verdict is Verdict.RAISES:
            assert shows_the_error(finding, outcome), finding
        else:
            assert "they differ" in outcome.printed, finding


@needs_keras2
@pytest.mark.keras
def test_scripts_of_what_conforms_end_with_0(cases: tuple[Case, ...], report: Report, tmp_path: Path) -> None:
    invented = list(inventions(report, cases).values())
    outcomes = outcomes_of([write(tmp_path, report.results, finding) for finding in invented])
    assert len(invented) > 20
    ended = zip(invented, outcomes, strict=True)
    assert {f"{f.subject} {f.observable}": o.printed[-500:] for f, o in ended if o.code != 0} == {}
