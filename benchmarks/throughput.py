"""Observations per second through the suite and in a bare loop inside the backend, on the same cases.

Both sides run in fresh processes, one after the other, and again: first the corpus, once, as a run asks it;
then rounds of it with other numbers in its arrays, in which the backend's compiler has warmed up. Start-up is
timed on neither side.
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
from conformance.events import Judged, Started
from conformance.judges import Judges
from conformance.reporting.results import encode_check
from conformance.runners import protocol
from conformance.runners.process import Runner
from conformance.runners.provision import PACKAGE, silent
from conformance.runners.question import Broken
from conformance.runners.registry import BackendSpec
from conformance.runners.validation import validate_observation
from conformance.selection import find_backends

HERE = Path(__file__).parent

REQUIRED_RATIO = {"keras-tensorflow": 0.6, "tfjs-cpu": 0.6}
"""What the suite's rate has to be over the corpus, as a fraction of the bare backend's."""

REQUIRED_CPU_MS = 10.0
"""The suite's own CPU time per observation, at most, in the median."""


@dataclass(frozen=True)
class Rates:
    """Observations per second over the repeats.

    Attributes:
        bare, suite: the medians.
        ratio: the median of the repeats' own ratios.
        bare_runs, suite_runs: those of each repeat.
    """

    bare: float
    suite: float
    ratio: float
    bare_runs: tuple[float, ...]
    suite_runs: tuple[float, ...]

    @classmethod
    def of(cls, bare: Sequence[float], suite: Sequence[float]) -> Rates:
        ratio = statistics.median(s / b for s, b in zip(suite, bare, strict=True))
        return cls(statistics.median(bare), statistics.median(suite), ratio, tuple(bare), tuple(suite))

    def __str__(self) -> str:
        return f"bare {self.bare:.0f}/s, suite {self.suite:.0f}/s, ratio {self.ratio:.2f}"


@dataclass(frozen=True)
class Figures:
    """What was measured of one backend.

    Attributes:
        observations: cases of the corpus that are asked of the backend.
        once: the rates at which the corpus is answered from the start, as in a run.
        warm: the rates of the rounds after it.
        cpu_median_ms, cpu_p90_ms: the suite's CPU time per observation, apart from the event loop's and
            the way to the workers that judge.
    """

    backend: str
    observations: int
    once: Rates
    warm: Rates
    cpu_median_ms: float
    cpu_p90_ms: float

    @property
    def enough(self) -> bool:
        fast = self.once.ratio >= REQUIRED_RATIO.get(self.backend, 0.0)
        return fast and self.cpu_median_ms <= REQUIRED_CPU_MS

    def __str__(self) -> str:
        return (
            f"{self.backend}: {self.observations} observations; once: {self.once}; then warm: {self.warm}; "
            f"CPU time per observation {self.cpu_median_ms:.2f} ms in the median, "
            f"{self.cpu_p90_ms:.2f} ms at the 90th percentile"
        )


@dataclass(frozen=True)
class Work:
    """The cases that a backend is asked: the corpus, and then with other numbers."""

    spec: BackendSpec
    bench: Bench
    corpus: tuple[Case, ...]
    others: tuple[Case, ...]

    def rates(self, first_s: float, rest_s: float) -> tuple[float, float]:
        """Of the corpus and of the rest, from the seconds that they took."""
        return len(self.corpus) / first_s, len(self.others) / rest_s


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
    """What the backend says that it can be asked, of these cases, and so many rounds with other numbers."""
    async with Runner(spec) as runner:
        identity = await runner.start()
    bench = Bench.of(identity, ())
    corpus = tuple(case for case in cases if bench.supported(case))
    rest = (with_other_numbers(case, by) for by in range(1, rounds + 1) for case in corpus)
    ids = {case.id for case in corpus}
    return Work(spec, bench, corpus, tuple(case for case in rest if case.id not in ids))


def bare_rates(work: Work, file: Path) -> tuple[float, float]:
    """Observations per second in a loop inside the backend's own process, first and then warm."""
    program = work.spec.command(silent)
    if work.spec.name.startswith("keras-tensorflow"):
        command = [program[0], str(HERE / "bare_keras_tensorflow.py")]
    else:
        command = [program[0], str(HERE / "bare_tfjs.mjs"), str(PACKAGE), program[-1], work.spec.name]
    answer = subprocess.run(
        [*command, str(file), str(len(work.corpus))],
        env=os.environ | dict(work.spec.environment),
        capture_output=True,
    )
    if answer.returncode != 0:
        raise SystemExit(f"{work.spec.name}: the bare loop failed:\n{answer.stderr.decode()[-2000:]}")
    return work.rates(*json.loads(answer.stdout.splitlines()[-1]))


async def have_workers(work: Work, count: int) -> None:
    """Start the workers that judge, which the engine starts beside the backend, and then finds here."""
    judges = Judges([work.bench], (), tuple(PROPERTIES), count)
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(judges.judge, ())


async def suite_rates(work: Work) -> tuple[float, float]:
    """Observations per second through the engine, from the moment that the backend has started."""
    plan = engine.Plan(cases=(*work.corpus, *work.others), backends=(work.spec,), witnesses=False)
    await have_workers(work, plan.workers)
    judged, began, between = 0, 0.0, 0.0
    async for event in engine.run(plan):
        match event:
            case Started():
                began = time.perf_counter()
            case Judged():
                judged += 1
                if judged == len(work.corpus):
                    between = time.perf_counter()
    return work.rates(between - began, time.perf_counter() - between)


async def cpu_times(work: Work) -> list[float]:
    """The CPU seconds of the suite for each observation, in one process: making, sending, reading, judging,
    writing."""
    properties = tuple(PROPERTIES.values())
    seconds = []
    async with Runner(work.spec) as runner:
        await runner.start()
        for case in (*work.others[:50], *work.corpus):
            began = time.process_time()
            made = engine.Made(seed=0)
            concrete = made.concrete(case, work.bench.asked(case))
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
    return seconds[-len(work.corpus) :]


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
                protocol.encode(made.concrete(case, work.bench.asked(case))) + b"\n"
                for case in (*work.corpus, *work.others)
            )
        )
        for i in range(repeats):
            bare.append(bare_rates(work, file))
            suite.append(anyio.run(suite_rates, work))
            both = zip(("once", "warm"), bare[-1], suite[-1], strict=True)
            rates = "; ".join(f"{name} bare {b:.0f}/s, suite {s:.0f}/s" for name, b, s in both)
            say(f"{spec.name} {i + 1}/{repeats}: {rates}")
    own = anyio.run(cpu_times, work)
    (bare_once, bare_warm), (suite_once, suite_warm) = zip(*bare, strict=True), zip(*suite, strict=True)
    return Figures(
        backend=spec.name,
        observations=len(work.corpus),
        once=Rates.of(bare_once, suite_once),
        warm=Rates.of(bare_warm, suite_warm),
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
    parser.add_argument("--rounds", type=int, default=2, help="how often the corpus is asked again")
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
