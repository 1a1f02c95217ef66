"""The command `python -m proofs.fuzz`; see the package's README."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import h5py

import conformance
from proofs.fuzz import seeds
from proofs.fuzz.directory import Directory
from proofs.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "fuzz.json"
FINDINGS = Path("fuzz-findings")

IN_MEMORY = "/dev/shm"
"""Where inputs are files: on a disk, writing them takes longer than reading."""

MOST_ENDS = 5
"""How often a target's process may end before its time: after that more of it says nothing new."""

HANGS_S = 120
"""After how long a process that is at one input is ended; what is slow and ends, its oracle tells."""

_PROGRESS = re.compile(r"^#(\d+)\s.*cov: (\d+) .*corp: (\d+)", re.MULTILINE)


@dataclass
class Outcome:
    """What became of a target.

    Attributes:
        seconds: that it was fuzzed.
        executions: inputs that were read.
        coverage: branches of the readers' code that were reached.
        corpus: inputs that were kept, as each reached something new.
        slowest_s, most_bytes: the most that one input took, of the processor and of memory.
        findings: files with inputs that were not read as they have to be, and what was found.
    """

    seconds: float = 0.0
    executions: int = 0
    coverage: int = 0
    corpus: int = 0
    slowest_s: float = 0.0
    most_bytes: int = 0
    findings: dict[str, str] = field(default_factory=dict)


def fuzz(name: str, directory: Directory, seconds: float, seed: int, kept: Path) -> Outcome:
    """Fuzz a target for that long, in one process after the other where an input ends it."""
    outcome, own, began = Outcome(), directory.of(name), time.monotonic()
    for attempt in range(MOST_ENDS):
        left = seconds - (time.monotonic() - began)
        if left < 1:
            break
        options = {
            "max_total_time": int(left),
            "max_len": seeds.MOST_BYTES,
            "mutate_depth": 1,  # what is changed is changed several times already
            "timeout": HANGS_S,
            "seed": seed + attempt,
            "artifact_prefix": f"{own.ended}/",
        }
        command = [sys.executable, "-m", "proofs.fuzz.fuzzer", name, str(directory.root)]
        command += [f"-{option}={value}" for option, value in options.items()]
        done = subprocess.run(
            [*command, str(own.corpus), str(own.seeds)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
        )
        progress = _PROGRESS.findall(done.stderr)
        if progress:
            executions, coverage, corpus = map(int, progress[-1])
            outcome.executions += executions
            outcome.coverage, outcome.corpus = max(outcome.coverage, coverage), max(outcome.corpus, corpus)
        if done.returncode == 0:
            break
        ended = sorted(own.ended.iterdir())
        for file in ended:
            outcome.findings[_taken(file, name, kept)] = done.stderr[-4000:]
            file.unlink()
        if not ended:
            outcome.findings[f"the process, exit code {done.returncode}"] = done.stderr[-4000:]
    for finding, file in own.findings():
        outcome.findings[_taken(file, name, kept)] = finding.message
    extremes = own.extremes
    outcome.slowest_s, outcome.most_bytes = round(extremes.slowest_s, 3), extremes.most_bytes
    outcome.seconds = round(time.monotonic() - began, 1)
    print(line(name, outcome), flush=True)
    return outcome


def _taken(file: Path, target: str, kept: Path) -> str:
    """Copy an input to where findings are kept; its path there."""
    kept.mkdir(parents=True, exist_ok=True)
    copy = kept / f"{target}-{file.name}"
    shutil.copyfile(file, copy)
    return str(copy)


def line(name: str, outcome: Outcome) -> str:
    """An outcome for people."""
    return "\n".join(
        (
            f"{name}: {outcome.executions} inputs in {outcome.seconds:.0f} s, {outcome.coverage} branches, "
            f"{outcome.corpus} inputs kept; at most {outcome.slowest_s:.2f} s and "
            f"{outcome.most_bytes / 2**20:.0f} MiB for one; {len(outcome.findings)} findings",
            *(f"{file}: {message.strip()}" for file, message in outcome.findings.items()),
        )
    )


def versions() -> dict[str, str]:
    """Of what has to do with reading."""
    packages = ("atheris", "h5py", "numpy")
    return {
        "layers-conformance": conformance.__version__,
        "python": platform.python_version(),
        "hdf5": h5py.version.hdf5_version,
        **{package: importlib.metadata.version(package) for package in packages},
    }


def main() -> None:
    """Run the proof, write its report, and say what came of it.

    Raises:
        SystemExit: something was found.
    """
    parser = argparse.ArgumentParser(prog="python -m proofs.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=float, default=600, help="for each target; default: %(default)s")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="targets at once; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn; default: %(default)s")
    parser.add_argument("--findings", type=Path, default=FINDINGS, help="default: %(default)s")
    parser.add_argument("--report", type=Path, default=REPORT, help="default: reports/fuzz.json")
    given = parser.parse_args()
    names = given.targets or list(TARGETS)
    with (
        tempfile.TemporaryDirectory(prefix="conformance-fuzz-", dir=IN_MEMORY) as root,
        ThreadPoolExecutor(given.jobs) as pool,
    ):
        directory = Directory(Path(root).resolve())
        seeds.write(directory)
        running = {
            name: pool.submit(fuzz, name, directory, given.seconds, given.seed, given.findings)
            for name in names
        }
        outcomes = {name: asdict(future.result()) for name, future in running.items()}
    report = {"versions": versions(), "seed": given.seed, "seconds": given.seconds, "targets": outcomes}
    given.report.write_text(json.dumps(report, indent=1) + "\n")
    if any(outcome["findings"] for outcome in outcomes.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
