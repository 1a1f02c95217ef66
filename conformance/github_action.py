"""The step of the GitHub Action (`action.yml`) that asks the backends: inputs come from the environment, and
what came of them goes to the job's summary and into the directory of results."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

RESULTS = "conformance-results"

OPTIONS = {
    "CORPUS": "--corpus",
    "BASELINE": "--baseline",
    "TFJS": "--tfjs",
    "KERAS_PYTHON": "--keras-python",
}
"""The options of `conformance run` that an input is handed to as it is."""

REPORTED = (0, 1, 3, 130)
"""The exit codes of a run that leaves results."""


def main() -> int:
    """Run, publish, and end as the run did."""
    code = conformance(*run_arguments(os.environ))
    if code in REPORTED:
        publish(os.environ)
    return code


def run_arguments(environment: Mapping[str, str]) -> list[str]:
    """The arguments for the inputs `INPUT_…`. Each value stays one argument, whatever is in it, but for
    the names of backends and `INPUT_ARGS`, which are split into words.

    >>> run_arguments({"INPUT_BACKEND": "tfjs-cpu tfjs-wasm", "INPUT_ARGS": "--subject 'L*'"})[:-1]
    ['run', '--backend=tfjs-cpu', '--backend=tfjs-wasm', '--subject', 'L*']
    """

    def given(name: str) -> str:
        return environment.get(f"INPUT_{name}", "").strip()

    commands = [line.strip() for line in given("BACKEND_COMMAND").splitlines()]
    return [
        "run",
        *(f"--backend={name}" for name in given("BACKEND").split()),
        *(f"--backend-command={command}" for command in commands if command),
        *(f"{option}={given(name)}" for name, option in OPTIONS.items() if given(name)),
        *shlex.split(given("ARGS")),
        f"--out={RESULTS}",
    ]


def publish(environment: Mapping[str, str]) -> None:
    """Write the job's summary, `junit.xml` and `badge.json`, and say where the results are."""
    with Path(environment["GITHUB_STEP_SUMMARY"]).open("ab") as summary:
        if baseline := environment.get("INPUT_BASELINE", "").strip():
            conformance("diff", baseline, RESULTS, "--markdown", output=summary)
        conformance("report", RESULTS, "--format=markdown", output=summary)
    conformance("report", RESULTS, "--format=junit", f"--output={RESULTS}/junit.xml")
    conformance("report", RESULTS, "--format=badge", f"--output={RESULTS}/badge.json")
    with Path(environment["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"results={RESULTS}\n")


def conformance(*arguments: str, output: IO[bytes] | None = None) -> int:
    """Run the command, never one of that name in the current directory; its exit code."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "conformance", *arguments], stdout=output, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
