"""The GitHub Action: its shell steps are run as a GitHub runner does, in a sandbox of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from conformance.github_action import OPTIONS, run_arguments

REPOSITORY = Path(__file__).parents[1]
ACTION = (REPOSITORY / "action.yml").read_text("utf-8")
ADAPTER = Path(__file__).parent / "adapters" / "rectifier.py"


def steps() -> dict[str, str]:
    """The steps of the action by name, each as its text."""
    _, *found = re.split(r"^    - name: ", ACTION, flags=re.MULTILINE)
    return {name: body for name, _, body in (step.partition("\n") for step in found)}


def script(step: str) -> str:
    """The shell script of a step."""
    return textwrap.dedent(steps()[step].partition("run: |\n")[2])


class Sandbox:
    """A runner's directories, in which steps are run one after another."""

    def __init__(self, directory: Path) -> None:
        self.workspace = directory / "workspace"
        self.temporary = directory / "temp"
        self.summary = directory / "summary.md"
        self.outputs = directory / "outputs"
        self.python = self.temporary / "layers-conformance" / "bin" / "python"
        self.workspace.mkdir()
        self.python.parent.mkdir(parents=True)

    def run(self, step: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run the step; an input that is not given has the empty string, as on GitHub."""
        variables = dict.fromkeys(re.findall(r"INPUT_\w+", steps()[step]), "")
        variables |= {f"INPUT_{name}": value for name, value in inputs.items()}
        runner = {
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_ACTION_PATH": str(REPOSITORY),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.outputs),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHON": str(self.temporary / "python"),
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(step)],
            cwd=self.workspace,
            env=os.environ | variables | runner,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


@pytest.fixture
def installed(sandbox: Sandbox) -> Sandbox:
    """A sandbox in which the Python of the suite is the one that runs these tests."""
    write_program(sandbox.python, f'exec "{sys.executable}" "$@"')
    return sandbox


def write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def answering(how: str) -> str:
    return f"mine={sys.executable} {ADAPTER} {how}"


def test_the_job_gets_a_summary_and_the_results(installed: Sandbox) -> None:
    done = installed.run(
        "Ask the backends", BACKEND_COMMAND=answering("leaky"), CORPUS="quick", ARGS="--subject relu"
    )
    assert done.returncode == 1, done.stderr
    summary = installed.summary.read_text("utf-8")
    assert summary.startswith("## Layers conformance: 1 finding\n")
    assert "conformance run --case" in summary
    assert installed.outputs.read_text() == "results=conformance-results\n"
    results = installed.workspace / "conformance-results"
    assert {path.name for path in results.iterdir()} == {
        "badge.json", "checks.jsonl.gz", "index.html", "junit.xml", "results.json", "scripts",
    }  # fmt: skip
    assert json.loads((results / "badge.json").read_bytes())["color"] == "red"


def test_only_what_is_new_fails_the_step(installed: Sandbox) -> None:
    asked = {"BACKEND_COMMAND": answering("well"), "ARGS": "--subject relu"}
    installed.run("Ask the backends", **asked)
    (installed.workspace / "conformance-results").rename(installed.workspace / "known")
    installed.summary.unlink()
    assert installed.run("Ask the backends", BASELINE="known/results.json", **asked).returncode == 0
    assert "**Nothing newly fails:" in installed.summary.read_text("utf-8")
    leaky = {**asked, "BACKEND_COMMAND": answering("leaky")}
    assert installed.run("Ask the backends", BASELINE="known", **leaky).returncode == 1
    assert "### Newly failing" in installed.summary.read_text("utf-8")


def test_wrong_usage_fails_the_step_and_leaves_no_summary(installed: Sandbox) -> None:
    done = installed.run("Ask the backends", BACKEND="tfjs-wsam")
    assert done.returncode == 2
    assert "did you mean" in done.stderr
    assert not installed.summary.exists()


def test_a_folder_of_the_users_does_not_hide_the_suite(installed: Sandbox) -> None:
    (installed.workspace / "conformance").mkdir()
    (installed.workspace / "conformance" / "__init__.py").write_text("raise SystemExit('not this one')")
    done = installed.run("Ask the backends", BACKEND_COMMAND=answering("well"), ARGS="--subject relu")
    assert "checks conform" in done.stdout


INJECTION = '$(touch injected) `touch injected` "; touch injected; #'


def test_no_input_is_run_by_the_shell(installed: Sandbox) -> None:
    names = ("BACKEND", "CORPUS", "BASELINE")
    for name in names:
        assert installed.run("Ask the backends", **{name: INJECTION}).returncode == 2
    installed.run("Ask the backends", BACKEND_COMMAND=INJECTION, ARGS="--subject relu")
    assert installed.run("Ask the backends", ARGS="'$(touch injected)'").returncode == 2
    assert not list(installed.workspace.rglob("injected"))


@pytest.mark.parametrize(
    ("inputs", "installs"),
    [
        ({}, [f"{REPOSITORY}[tensorflow]"]),
        ({"BACKEND": "tfjs-cpu"}, [f"{REPOSITORY}"]),
        ({"BACKEND": "tfjs-cpu keras-tensorflow"}, [f"{REPOSITORY}[tensorflow]"]),
        ({"BACKEND_COMMAND": "./mine --serve"}, [f"{REPOSITORY}"]),
        ({"KERAS_PYTHON": "venv/bin/python"}, [f"{REPOSITORY}"]),
        ({"BACKEND": "mine", "INSTALL": "./mine *"}, [f"{REPOSITORY}", "./mine", "*"]),
        ({"BACKEND": "mine", "INSTALL": "$(touch injected)"}, [f"{REPOSITORY}", "$(touch", "injected)"]),
    ],
)
def test_what_is_installed(sandbox: Sandbox, inputs: dict[str, str], installs: list[str]) -> None:
    """The Python found and that of the new environment say what they are asked, in place of downloads."""
    write_program(sandbox.temporary / "python", 'printf "%s\\n" "$@"')
    write_program(sandbox.python, 'printf "%s\\n" "$@"')
    done = sandbox.run("Install the suite", **inputs)
    environment = str(sandbox.temporary / "layers-conformance")
    assert done.stdout.splitlines() == [
        "-m",
        "venv",
        environment,
        "-m",
        "pip",
        "install",
        "--quiet",
        *installs,
    ]
    assert list(sandbox.workspace.iterdir()) == []


def test_each_input_is_read_and_reaches_the_shell_as_a_variable_only() -> None:
    declared = re.findall(
        r"^  ([a-z-]+):$", ACTION.partition("inputs:\n")[2].partition("\noutputs:")[0], re.M
    )
    assert declared
    assert set(re.findall(r"\$\{\{ inputs\.([a-z-]+) \}\}", ACTION)) == set(declared)
    for name in steps():
        assert "${{" not in script(name)
        for input_, variable in re.findall(r"(INPUT_\w+): \$\{\{ inputs\.([a-z-]+)", steps()[name]):
            assert input_ == "INPUT_" + variable.upper().replace("-", "_")


def test_every_value_stays_one_argument() -> None:
    environment = {f"INPUT_{name}": f"{name.lower()} --out /elsewhere" for name in OPTIONS}
    environment |= {"INPUT_BACKEND": " tfjs-cpu\ntfjs-wasm ", "INPUT_BACKEND_COMMAND": "a=./a --x\n\n./b\n"}
    assert run_arguments(environment) == [
        "run", "--backend=tfjs-cpu", "--backend=tfjs-wasm",
        "--backend-command=a=./a --x", "--backend-command=./b",
        "--corpus=corpus --out /elsewhere", "--baseline=baseline --out /elsewhere",
        "--tfjs=tfjs --out /elsewhere", "--keras-python=keras_python --out /elsewhere",
        "--out=conformance-results",
    ]  # fmt: skip
