"""Whatever ends a run, what it judged until then is there, its backends are gone, and it can go on."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from conformance.cases.case import Case, Literal, encode
from conformance.reporting.journal import JOURNAL, Journal
from conformance.reporting.store import CHECKS, RESULTS, read

ADAPTER = Path(__file__).parent / "adapters" / "rectifier.py"
INPUTS = (1.0, -2.0, 3.0, 8.0, -5.0)
BEFORE = 3
"""So many cases come before the one with an 8, at which the backend is held up."""


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """While it is there, the backend does not get past the 8."""
    (tmp_path / "held").touch()
    return tmp_path / "held"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "conformance", "run", *arguments]


def asked(folder: Path, held: Path, how: str = "well") -> list[str]:
    """The arguments of a run over the inputs."""
    backend = shlex.join([sys.executable, "-S", str(ADAPTER), how, str(held)])
    arguments = ["--out", str(folder / "results"), "--backend-command", f"held={backend}"]
    for number, x in enumerate(INPUTS):
        case = Case("activations.relu", inputs=(Literal((1,), (x,)),), observables=("output/0",))
        file = folder / f"{number}.json"
        file.write_bytes(encode(case))
        arguments += ["--case", str(file)]
    return arguments


@contextmanager
def held_up(folder: Path, held: Path, how: str = "well") -> Iterator[subprocess.Popen[bytes]]:
    """A run that has come as far as the 8."""
    with subprocess.Popen(
        command(*asked(folder, held, how)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        try:
            # What is told is in the journal already.
            told = f"{BEFORE} of {len(INPUTS)} cases".encode()
            assert any(told in line for line in process.stderr), "it ended before"
            yield process
        finally:
            process.kill()


def ended(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=10)
    return not alive


def go_on(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command("--resume", str(folder / "results")), capture_output=True, text=True)


def tell(folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "conformance", "report", str(folder / "results")]
    return subprocess.run(words, capture_output=True, text=True)


def uninterrupted(folder: Path) -> bytes:
    """The checks of the same run when nothing disturbs it."""
    other = folder / "other"
    other.mkdir()
    done = subprocess.run(command(*asked(other, folder / "none")), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (other / "results" / CHECKS).read_bytes()


@pytest.fixture
def on_control_c() -> Iterator[Callable[[Any], None]]:
    """Sets what programs that are started do on Ctrl-C, which a test in the background inherits ignored."""
    previous = signal.getsignal(signal.SIGINT)

    def let(handler: Any) -> None:
        signal.signal(signal.SIGINT, handler)

    yield let
    signal.signal(signal.SIGINT, previous)


@pytest.mark.parametrize(
    ("number", "handler"), [(signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_IGN)]
)
def test_a_signal_leaves_valid_results_and_the_run_goes_on(
    tmp_path: Path, held: Path, number: signal.Signals, handler: Any, on_control_c: Callable[[Any], None]
) -> None:
    on_control_c(handler)
    with held_up(tmp_path, held) as process:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        assert process.wait(20) == 130
    assert ended(children)
    results = read(tmp_path / "results").results
    assert (results.status, sum(cell.asked for cell in results.cells)) == ("interrupted", BEFORE)
    held.unlink()
    done = go_on(tmp_path)
    assert done.returncode == 0, done.stderr
    report = read(tmp_path / "results")
    assert (report.results.status, len(list(report.checks))) == ("complete", len(INPUTS))
    assert (tmp_path / "results" / CHECKS).read_bytes() == uninterrupted(tmp_path)
    assert not (tmp_path / "results" / JOURNAL).exists()


def test_a_run_that_is_killed_ends_its_children_and_can_be_told_and_gone_on_with(
    tmp_path: Path, held: Path
) -> None:
    with held_up(tmp_path, held) as process:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait(10)
    directory = tmp_path / "results"
    with (directory / JOURNAL).open("ab") as journal:
        journal.write(b'{"entry": "judg')
    assert not (directory / RESULTS).exists()
    assert tell(tmp_path).returncode == 0
    assert read(directory).results.status == "interrupted"
    held.unlink()
    assert go_on(tmp_path).returncode == 0
    assert (directory / CHECKS).read_bytes() == uninterrupted(tmp_path)
    assert ended(children)


def test_findings_of_a_run_that_is_killed_reproduce_themselves(tmp_path: Path, held: Path) -> None:
    """The case of no corpus, the command with the program, and the script are there without the run."""
    with held_up(tmp_path, held, "leaky") as process:
        process.kill()
        process.wait(10)
    held.unlink()
    told = tell(tmp_path)
    assert told.returncode == 0, told.stderr
    (finding,) = read(tmp_path / "results").results.findings
    assert finding.reproduce.command in told.stdout
    assert (tmp_path / "results" / finding.reproduce.script).is_file()
    *words, out = shlex.split(finding.reproduce.command)[2:]
    assert out == "conformance-reproduced"
    again = subprocess.run(command(*words, str(tmp_path / "again")), capture_output=True, text=True)
    assert again.returncode == 1, again.stderr
    assert [f.id for f in read(tmp_path / "again").results.findings] == [finding.id]


def test_a_full_disk_ends_the_run_with_a_message_and_its_children(tmp_path: Path, held: Path) -> None:
    """/dev/full refuses every byte, as a disk does that has none left."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / JOURNAL).symlink_to("/dev/full")
    done = subprocess.run(
        command(*asked(tmp_path, held)), capture_output=True, text=True, env=os.environ | {"COLUMNS": "300"}
    )
    assert done.returncode == 2
    assert "journal.jsonl: No space left on device" in done.stderr


def test_a_run_goes_on_only_as_it_was_asked_for(tmp_path: Path, held: Path) -> None:
    with held_up(tmp_path, held) as process:
        process.terminate()
        process.wait(20)
    directory = str(tmp_path / "results")
    other = subprocess.run(command("--resume", directory, "--seed", "3"), capture_output=True, text=True)
    assert (other.returncode, "leave out --seed" in other.stderr) == (2, True)
    journal = Journal(tmp_path / "results").path
    changed = [json.loads(line) for line in journal.read_text().splitlines()]
    changed[1]["record"]["versions"] = {"relu": "2"}
    journal.write_text("".join(json.dumps(entry) + "\n" for entry in changed))
    held.unlink()
    refused = go_on(tmp_path)
    assert refused.returncode == 2
    assert "another than when the run began" in " ".join(refused.stderr.replace("│", " ").split())


def test_where_nothing_was_interrupted_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    done = go_on(tmp_path)
    assert done.returncode == 2
    assert "holds no run to go on with" in " ".join(done.stderr.replace("│", " ").split())
