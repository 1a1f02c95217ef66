"""Cases per second of `explore`, and of a bare loop inside the backend on the same cases.

The search draws, asks, judges and collects; the bare loop is that of `throughput.py`: no pipe, no JSON, and
nobody draws or judges. Models are left out, for the bare loop knows none. Start-up is timed on neither side.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import anyio
import psutil

from benchmarks.throughput import Work, bare_rates, machine
from conformance import engine
from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.checks import Bench
from conformance.events import Judged, Started
from conformance.exploring.search import Goal, explore
from conformance.exploring.spaces import of_quick
from conformance.runners import protocol
from conformance.runners.registry import BackendSpec
from conformance.selection import find_backends

REQUIRED_RATIO = 0.6
"""What the search's rate has to be, as a fraction of the bare backend's."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one backend: cases per second, the median of each side and of the ratios.

    Attributes:
        processor_ms: what each part of the last search took of processor time, per case.
    """

    backend: str
    cases: int
    bare: float
    search: float
    ratio: float
    processor_ms: Mapping[str, float]

    def __str__(self) -> str:
        parts = ", ".join(f"{part} {ms:.2f}" for part, ms in self.processor_ms.items())
        return (
            f"{self.backend}: {self.cases} cases; bare {self.bare:.0f}/s, search {self.search:.0f}/s, "
            f"ratio {self.ratio:.2f} (required: {REQUIRED_RATIO})\n"
            f"  processor time of the search per case, in ms: {parts}"
        )


@dataclass(frozen=True)
class Searched:
    """A search that is over.

    Attributes:
        cases: those that the backend was asked.
        seconds: from the first answer to the last.
        processor_s: the processor time of each part in the meantime.
    """

    bench: Bench
    cases: list[Case]
    seconds: float
    processor_s: Counter[str]


def processor_times() -> Counter[str]:
    """The seconds of processor time that each part of a search has taken up to now."""
    loop = psutil.Process()
    times: Counter[str] = Counter()
    for process in (loop, *loop.children(recursive=True)):
        command = process.cmdline()
        if process == loop:
            part = "event loop"
        elif "conformance.exploring.drawing" in command:
            part = "drawing"
        elif "anyio.to_process" in command:
            part = "judging"
        else:
            part = "backend"
        spent = process.cpu_times()
        times[part] += spent.user + spent.system
    return times


async def searched(spec: BackendSpec, examples: int, seed: int) -> Searched:
    """What a search of so many cases has asked, and what it took."""
    plan = engine.Plan((), (spec,), seed=seed, witnesses=False)
    subjects = {c.subject for c in corpus.load("quick") if not c.subject.startswith("models.")}
    cases: list[Case] = []
    times: list[float] = []
    before = after = Counter[str]()
    async for event in explore(plan, partial(of_quick, subjects), Goal(examples=examples)):
        match event:
            case Started(identity=identity):
                bench = Bench.of(identity, ())
            case Judged(case=case):
                before = before or processor_times()
                cases.append(case)
                times.append(time.perf_counter())
            case _ if before and not after:
                after = processor_times()
    asked = [case for case in cases if bench.asked(case) and not bench.dialect.breaks(case, make(case))]
    after.subtract(before)
    return Searched(bench, asked, times[-1] - times[0], after)


def bare(spec: BackendSpec, bench: Bench, cases: list[Case]) -> float:
    """Cases per second in the bare loop."""
    work = Work(spec, bench, tuple(cases), ())
    made = engine.Made(seed=0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "cases.jsonl")
        lines = (protocol.encode(made.concrete(case, bench.asked(case))) + b"\n" for case in cases)
        file.write_bytes(b"".join(lines))
        return bare_rates(work, file)[0]


def measure(spec: BackendSpec, examples: int, repeats: int) -> Figures:
    """Both rates in turn, each time with another seed."""
    rates = []
    for seed in range(repeats):
        search = anyio.run(searched, spec, examples, seed)
        cases = len(search.cases)
        rates.append((bare(spec, search.bench, search.cases), cases / search.seconds))
        print(f"{spec.name}: bare {rates[-1][0]:.0f}/s, search {rates[-1][1]:.0f}/s", file=sys.stderr)
    return Figures(
        spec.name,
        cases,
        statistics.median(b for b, _ in rates),
        statistics.median(s for _, s in rates),
        statistics.median(s / b for b, s in rates),
        {part: 1e3 * seconds / cases for part, seconds in search.processor_s.items()},
    )


def main() -> None:
    """Measure the backends named; exits with 1 where one falls short of what is required."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("backends", nargs="*", metavar="BACKEND")
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    print(machine())
    figures = []
    for spec in find_backends(arguments.backends, commands=(), node=None):
        figures.append(measure(spec, arguments.examples, arguments.repeats))
        print(figures[-1])
    if arguments.json:
        document = {"machine": machine(), "backends": [asdict(f) for f in figures]}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(0 if all(f.ratio >= REQUIRED_RATIO for f in figures) else 1)


if __name__ == "__main__":
    main()
