"""The example backends conform in what they support, and so does what `new-backend` writes.

The one in JAX skips where JAX is not installed (the extra `test` has it).
"""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cases import corpus
from conformance.cli import main
from conformance.pytest_plugin import AssertConforms
from conformance.skeletons import SKELETONS, write
from tests.examples.complete import JAVASCRIPT, JAX, ROOT, hosted

SAMPLE = 16
"""One in so many cases is asked of JAX, which compiles each of them anew."""


@pytest.mark.parametrize("layer", JAX.layers)
def test_the_layers_in_jax_conform(layer: str, assert_conforms: AssertConforms) -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed: it is in the extra `test`")
    cases = [case.id for case in corpus.load("quick") if case.subject == f"layers.{layer}"]
    totals = assert_conforms(
        JAX.command(JAX.folder),
        name=JAX.name,
        cases=cases[::SAMPLE],
    )
    assert totals.conforms > 0


def test_the_layers_in_plain_javascript_conform(assert_conforms: AssertConforms) -> None:
    totals = assert_conforms(
        JAVASCRIPT.command(JAVASCRIPT.folder), name=JAVASCRIPT.name, subjects=list(JAVASCRIPT.layers)
    )
    assert totals.conforms > 500
    assert totals.deviates == totals.not_run == 0


def test_a_backend_that_is_asked_nothing_is_told_what_it_claims(tmp_path: Path) -> None:
    command = f"{JAVASCRIPT.name}={JAVASCRIPT.command(JAVASCRIPT.folder)}"
    arguments = ["run", "--backend-command", command, "--subject", "Flatten", "--out", str(tmp_path)]
    said = CliRunner().invoke(main, arguments).output
    assert "plain-javascript supports none of what was asked; its capabilities name: layers." in said


def test_a_skeleton_in_python_conforms_as_it_is(tmp_path: Path, assert_conforms: AssertConforms) -> None:
    write("my-runtime", "python", tmp_path)
    command = hosted(tmp_path / "my-runtime", "my_runtime_backend:MyRuntime")
    totals = assert_conforms(command, name="my-runtime", subjects=["activations.relu", "layers.Flatten"])
    assert totals.conforms > 40


def test_a_skeleton_of_a_program_conforms_as_it_is(tmp_path: Path, assert_conforms: AssertConforms) -> None:
    write("my-program", "program", tmp_path)
    command = shlex.join([sys.executable, "-I", str(tmp_path / "my-program" / "backend.py")])
    totals = assert_conforms(command, name="my-program", subjects=["activations.relu"])
    assert totals.conforms > 20


@pytest.mark.parametrize("language", SKELETONS)
def test_what_there_is_to_type_next_is_what_the_guide_says(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = {"python": "my-runtime", "program": "my-program"}[language]
    done = CliRunner().invoke(main, ["new-backend", name, "--language", language])
    assert done.exit_code == 0, done.output
    guide = (ROOT / "docs" / "plug-in.md").read_text("utf-8")
    steps = [line.strip() for line in done.output.splitlines() if line.startswith("    ")]
    assert steps[0] == f"cd {name}"
    assert all(step in guide for step in steps)


def test_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "my-runtime" / "mine.py"
    own.parent.mkdir()
    own.write_text("mine")
    done = CliRunner().invoke(main, ["new-backend", "my-runtime"])
    assert done.exit_code == 2
    assert "is there already, and nothing is overwritten" in " ".join(done.output.replace("│", "").split())
    assert [*own.parent.iterdir()] == [own]


@pytest.mark.parametrize(("name", "reason"), [("My_Runtime", "is no name"), ("tfjs-cpu", "already")])
def test_a_name_that_no_backend_can_have_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        write(name, "python", tmp_path)
    assert [*tmp_path.iterdir()] == []
