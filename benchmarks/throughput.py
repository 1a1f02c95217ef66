"""Observations per second through the suite and in a bare loop inside the backend, on the same cases.

Both sides run in fresh processes, one after the other, and again: first a warm-up, the corpus with other
numbers in its arrays, then the corpus itself, in one order. Start-up is timed on neither side.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
import msgspec

from conformance import engine
from conformance.cases import corpus
from conformance.cases.case import Case, Recipe, Source
from conformance.cases.properties import PROPERTIES
from conformance.checks import Bench, check
from conformance.events import Judged
from conformance.reporting.results import encode_check
from conformance.runners import protocol
from conformance.runners.process import Broken, Runner
from conformance.runners.provision import PACKAGE, silent
from conformance.runners.registry import BackendSpec
from conformance.runners.validation import validate_observation
from conformance.selection import find_backends

HERE = Path(__file__).parent

REQUIRED_RATIO = {"keras-tensorflow": 0.6, "tfjs-cpu": 0.6}
"""What the suite's rate has to be, as a fraction of the bare backend's."""

REQUIRED_CPU_MS = 10.0
"""The suite's own CPU time per observation, at most, in the median."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one backend, over the repeats.

    Attributes:
        observations: cases that are asked of the backend in the timed part.
        bare, suite: observations per second, the median; `*_runs` are those of each repeat.
        ratio: the median of the repeats' own ratios.
        cpu_median_ms, cpu_p90_ms: the suite's CPU time per observation, apart from the event loop's and
            the way to the workers that judge.
    """

    backend: str
    observations: int
    bare: float
    suite: float
    ratio: float
    bare_runs: tuple[float, ...]
    suite_runs: tuple[float, ...]
    cpu_median_ms: float
    cpu_p90_ms: float

    @property
    def enough(self) -> bool:
        fast = self.ratio >= REQUIRED_RATIO.get(self.backend, 0.0)
        return fast and self.cpu_median_ms <= REQUIRED_CPU_MS

    def __str__(self) -> str:
        return (
            f"{self.backend}: {self.observations} observations; bare {self.bare:.0f}/s, "
            f"suite {self.suite:.0f}/s, ratio {self.ratio:.2f}; "
            f"CPU time per observation {self.cpu_median_ms:.2f} ms in the median, "
            f"{self.cpu_p90_ms:.2f} ms at the 90th percentile"
        )


@dataclass(frozen=True)
class Work:
    """The cases that a backend is asked, those of the warm-up first."""

    spec: BackendSpec
    bench: Bench
    warm_up: tuple[Case, ...]
    timed: tuple[Case, ...]


def with_other_numbers(case: Case, by: int) -> Case:
    """The case with other keys: as much work, and another question."""

    def other(source: Source) -> Source:
        return msgspec.structs.replace(source, key=source.key + by) if isinstance(source, Recipe) else source

    return msgspec.structs.replace(
        case,
        inputs=tuple(map(other, case.inputs)),
        weights={name: other(source) for name, source in case.weights.items()},
        initial_state=tuple(map(other, case.initial_state)),
        cotangents=tuple(map(other, case.cotangents)),
    )


async def prepare(spec: BackendSpec, cases: Sequence[Case], rounds: int) -> Work:
    """What the backend says that it can be asked, of these cases, and as often with other numbers: a round
    of a fast backend takes half a second, in which a shared machine may do anything."""
    async with Runner(spec) as runner:
        identity = await runner.start()
    bench = Bench.of(identity, ())
    corpus = tuple(case for case in cases if bench.supported(case))
    ids = {case.id for case in corpus}

    def others(by: int) -> list[Case]:
        return [case for case in (with_other_numbers(case, by) for case in corpus) if case.id not in ids]

    timed = (*corpus, *(case for by in range(2, rounds + 1) for case in others(by)))
    return Work(spec, bench, tuple(others(1)), timed)


def bare_rate(work: Work, file: Path) -> float:
    """Observations per second in a loop inside the backend's own process."""
    program = work.spec.command(silent)
    if work.spec.name.startswith("keras-tensorflow"):
        command = [program[0], str(HERE / "bare_keras_tensorflow.py")]
    else:
        command = [program[0], str(HERE / "bare_tfjs.mjs"), str(PACKAGE), program[-1], work.spec.name]
    answer = subprocess.run(
        [*command, str(file), str(len(work.warm_up))],
        env=os.environ | dict(work.spec.environment),
        capture_output=True,
    )
    if answer.returncode != 0:
        raise SystemExit(f"{work.spec.name}: the bare loop failed:\n{answer.stderr.decode()[-2000:]}")
    _, seconds = json.loads(answer.stdout.splitlines()[-1])
    return len(work.timed) / float(seconds)


async def suite_rate(work: Work) -> float:
    """Observations per second through the engine."""
    plan = engine.Plan(cases=(*work.warm_up, *work.timed), backends=(work.spec,), witnesses=False)
    judged, began = 0, 0.0
    async for event in engine.run(plan):
        if isinstance(event, Judged):
            judged += 1
            if judged == len(work.warm_up):
                began = time.perf_counter()
    return len(work.timed) / (time.perf_counter() - began)


async def cpu_times(work: Work) -> list[float]:
    """The CPU seconds of the suite for each observation, in one process: making, sending, reading, judging,
    writing."""
    properties = tuple(PROPERTIES.values())
    seconds = []
    async with Runner(work.spec) as runner:
        await runner.start()
        for case in (*work.warm_up[:50], *work.timed):
            began = time.process_time()
            made = engine.Made(seed=0)
            concrete = made.concrete(case, work.bench.supported(case))
            protocol.encode(protocol.Observe(1, concrete))
            spent = time.process_time() - began
            answer = await runner.observe(concrete)
            whole = {name: value for name, value in answer.items() if not isinstance(value, Broken)}
            reply = protocol.encode(protocol.Observation(1, whole))
            began = time.process_time()
            observation = protocol.decode_reply(reply)
            validate_observation(concrete, observation)
            answers = {work.bench.name: observation.observables}
            for judged in check(case, made.data(case), [work.bench], answers, properties):
                encode_check(judged)
            seconds.append(spent + time.process_time() - began)
    return seconds[-len(work.timed) :]


def measure(
    spec: BackendSpec, cases: Sequence[Case], rounds: int, repeats: int, say: Callable[[str], None]
) -> Figures:
    """Both rates, `repeats` times in turn."""
    work = anyio.run(prepare, spec, cases, rounds)
    bare, suite = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "cases.jsonl")
        made = engine.Made(seed=0)
        file.write_bytes(
            b"".join(
                protocol.encode(made.concrete(case, work.bench.supported(case))) + b"\n"
                for case in (*work.warm_up, *work.timed)
            )
        )
        for i in range(repeats):
            bare.append(bare_rate(work, file))
            suite.append(anyio.run(suite_rate, work))
            say(f"{spec.name} {i + 1}/{repeats}: bare {bare[-1]:.0f}/s, suite {suite[-1]:.0f}/s")
    own = anyio.run(cpu_times, work)
    return Figures(
        backend=spec.name,
        observations=len(work.timed),
        bare=statistics.median(bare),
        suite=statistics.median(suite),
        ratio=statistics.median(s / b for s, b in zip(suite, bare, strict=True)),
        bare_runs=tuple(bare),
        suite_runs=tuple(suite),
        cpu_median_ms=statistics.median(own) * 1e3,
        cpu_p90_ms=statistics.quantiles(own, n=10)[-1] * 1e3,
    )


def machine() -> str:
    """The processor, its cores, and what else keeps it busy."""
    info = Path("/proc/cpuinfo")
    models = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(": ")[2] for line in models if line.startswith("model name")), "")
    return (
        f"{model or platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}, {platform.system()}, Python {platform.python_version()}"
    )


def main() -> None:
    """Measure the backends named; exits with 1 where one falls short of what is required."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("backends", nargs="*", metavar="BACKEND")
    parser.add_argument("--corpus", default="quick", choices=corpus.NAMES)
    parser.add_argument("--rounds", type=int, default=3, help="how often the corpus is timed in a repeat")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    cases = corpus.load(arguments.corpus)
    print(machine())
    figures = []
    for spec in find_backends(arguments.backends, commands=(), node=None):
        measured = measure(
            spec,
            cases,
            arguments.rounds,
            arguments.repeats,
            lambda line: print(line, file=sys.stderr),
        )
        figures.append(measured)
        print(measured)
    if arguments.json:
        document = {"machine": machine(), "backends": [asdict(f) for f in figures]}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(0 if all(f.enough for f in figures) else 1)


if __name__ == "__main__":
    main()
