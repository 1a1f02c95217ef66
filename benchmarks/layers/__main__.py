"""The command `python -m benchmarks.layers`; see the package's docstring."""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.layers.workloads import WORKLOADS
from benchmarks.sides import ROOT, Side, child
from benchmarks.throughput import machine

REPORT = ROOT / "reports" / "speed.json"

FORWARD, BOTH_WAYS = "forward", "forward and backward"
IN_FLOAT64, WITH_BOUNDS = "forward in float64", "forward with bounds"
SPECIFICATION, TENSORFLOW, NUMPY = "specification", "keras-tensorflow", "keras-numpy"

AGREEMENT = 1e-3
"""How far the sides may differ, as a fraction of the largest element compared: they compute in float32."""


@dataclass(frozen=True)
class Comparison:
    """One computation in place of another, over all workloads.

    Attributes:
        what, against: (side, computation).
        mean, most: what the ratio of their seconds has to be in the geometric mean, and in each workload.
    """

    name: str
    what: tuple[str, str]
    against: tuple[str, str]
    mean: float = math.inf
    most: float = math.inf

    @property
    def required(self) -> dict[str, float]:
        """What is required of the mean, and of each."""
        return {name: x for name, x in (("mean", self.mean), ("each", self.most)) if x < math.inf}


COMPARISONS = (
    Comparison("forward / TensorFlow", (SPECIFICATION, FORWARD), (TENSORFLOW, FORWARD), mean=1.5, most=3.0),
    Comparison("forward / Keras on NumPy", (SPECIFICATION, FORWARD), (NUMPY, FORWARD), mean=0.6),
    Comparison(
        "forward and backward / TensorFlow", (SPECIFICATION, BOTH_WAYS), (TENSORFLOW, BOTH_WAYS), mean=2.0
    ),
    Comparison("bounds", (SPECIFICATION, WITH_BOUNDS), (SPECIFICATION, IN_FLOAT64), most=6.0),
)

EXTRA_MIB = 64
"""What Conv2D may take besides its input and its output."""


@dataclass(frozen=True)
class Ratios:
    """A comparison's figures.

    Attributes:
        each: by workload, the median over the repeats of the ratio of both seconds.
        mean: the geometric mean of those.
    """

    comparison: Comparison
    each: Mapping[str, float]
    mean: float

    @classmethod
    def of(cls, comparison: Comparison, seconds: Mapping[tuple[str, str, str], Sequence[float]]) -> Ratios:
        (side, what), (other, against) = comparison.what, comparison.against
        each = {
            workload: statistics.median(
                map(float.__truediv__, seconds[workload, side, what], seconds[workload, other, against])
            )
            for workload in WORKLOADS
            if (workload, side, what) in seconds and (workload, other, against) in seconds
        }
        return cls(comparison, each, statistics.geometric_mean(each.values()) if each else math.nan)

    @property
    def enough(self) -> bool:
        return self.mean <= self.comparison.mean and max(self.each.values()) <= self.comparison.most

    def __str__(self) -> str:
        worst = max(self.each, key=self.each.__getitem__, default="nothing")
        required = [f"{what} at most {limit:g}" for what, limit in self.comparison.required.items()]
        return (
            f"{self.comparison.name}: {self.mean:.2f} in the geometric mean, {worst} worst with "
            f"{self.each.get(worst, math.nan):.2f} (required: {', '.join(required)}): "
            f"{'reached' if self.enough else 'MISSED'}"
        )


@contextmanager
def all_sides(threads: int, keras_numpy: str) -> Iterator[dict[str, Side]]:
    """The processes of all sides; only the one that is asked computes."""
    with ExitStack() as stack:
        yield {
            SPECIFICATION: stack.enter_context(child(sys.executable, "layers.on_specification", threads)),
            TENSORFLOW: stack.enter_context(
                child(sys.executable, "layers.on_keras", threads, str(threads), KERAS_BACKEND="tensorflow")
            ),
            NUMPY: stack.enter_context(
                child(keras_numpy, "layers.on_keras", threads, str(threads), KERAS_BACKEND="numpy")
            ),
        }


ASKED = list(dict.fromkeys(pair for c in COMPARISONS for pair in (c.what, c.against)))
"""Which side computes what, in turn: each beside what it is compared with."""


def measure(
    workloads: Sequence[str],
    sides: Mapping[str, Side],
    repeats: int,
    clock: str,
    say: Callable[[str], None],
) -> tuple[dict[tuple[str, str, str], list[float]], float]:
    """Seconds by (workload, side, computation), over the repeats; and how many processors were busy."""
    seconds: dict[tuple[str, str, str], list[float]] = {}
    busy = 0.0
    for workload in workloads:
        probes: dict[tuple[str, str], list[float]] = {}
        for _ in range(repeats):
            for side, computation in ASKED:
                answer = sides[side].ask(workload, computation)
                seconds.setdefault((workload, side, computation), []).append(answer[clock])
                probes[side, computation] = answer["probe"]
                busy = max(busy, answer["busy"])
        refuse_other_results(workload, probes)
        figures = ", ".join(
            f"{side} {computation} {statistics.median(seconds[workload, side, computation]) * 1e3:.2f} ms"
            for side, computation in ASKED
        )
        say(f"{workload}: {figures}")
    return seconds, busy


def refuse_other_results(workload: str, probes: Mapping[tuple[str, str], Sequence[float]]) -> None:
    """Ends the program where the sides do not compute the same."""
    for (side, computation), found in probes.items():
        name = FORWARD if computation in (IN_FLOAT64, WITH_BOUNDS) else computation
        expected = probes[SPECIFICATION, name]
        scale = max(map(abs, expected))
        apart = max(abs(x - y) for x, y in zip(found, expected, strict=True))
        if not apart <= AGREEMENT * scale:
            raise SystemExit(f"{workload}: {side} {computation} gives {found}, the specification {expected}")


def of_child(module: str, *arguments: str) -> Any:
    """What a program of this package prints, in a fresh process with one thread."""
    with child(sys.executable, f"layers.{module}", 1, *arguments) as side:
        return side.about


def report(arguments: argparse.Namespace, say: Callable[[str], None]) -> tuple[dict[str, Any], bool]:
    """The figures, and whether they are what is required (with one thread)."""
    document: dict[str, Any] = {
        "machine": machine(),
        "repeats": arguments.repeats,
        "clock": arguments.clock,
    }
    reached = True
    for threads in arguments.threads:
        with all_sides(threads, arguments.keras_numpy) as sides:
            say(f"{threads} threads: " + json.dumps({name: side.about for name, side in sides.items()}))
            seconds, busy = measure(arguments.workloads, sides, arguments.repeats, arguments.clock, say)
            versions = {name: side.about for name, side in sides.items()}
        found = [Ratios.of(comparison, seconds) for comparison in COMPARISONS]
        for ratios in found:
            print(f"{threads} threads: {ratios}")
        if threads == 1:
            reached &= all(ratios.enough for ratios in found)
        document[f"threads={threads}"] = {
            "sides": versions,
            "processors busy at the most": busy,
            "milliseconds": {
                workload: {
                    f"{side}: {computation}": statistics.median(seconds[workload, side, computation]) * 1e3
                    for side, computation in ASKED
                }
                for workload in arguments.workloads
            },
            "ratios": [
                {
                    "name": ratios.comparison.name,
                    "mean": ratios.mean,
                    "each": ratios.each,
                    "required": ratios.comparison.required,
                    "reached": ratios.enough,
                }
                for ratios in found
            ],
        }
    memory = of_child("memory")
    limit = memory["input_mib"] + memory["output_mib"] + EXTRA_MIB
    enough = max(memory["traced_mib"], memory["resident_mib"]) <= limit
    print(
        f"Conv2D takes {memory['traced_mib']:.0f} MiB at its peak, {memory['resident_mib']:.0f} MiB of the "
        f"process's memory (required: at most {limit:.0f}): {'reached' if enough else 'MISSED'}"
    )
    cases = of_child("cases")
    print(
        f"a case of the corpus, with bounds and gradients: {cases['median_ms']:.2f} ms in the median, "
        f"{cases['p90_ms']:.2f} ms at the 90th percentile"
    )
    document |= {"memory": memory | {"limit_mib": limit, "reached": enough}, "cases": cases}
    return document, reached and enough


def main() -> None:
    """Measure, write the report, and exit with 1 where a requirement is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help="all, if none is named")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="judged are the figures of 1")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall",
        help="what is compared: `processor` where others keep the machine busy",
    )  # fmt: skip
    parser.add_argument(
        "--keras-numpy", default=sys.executable, metavar="PYTHON", help="one that has keras, jax and scipy"
    )
    parser.add_argument("--json", type=Path, default=REPORT, metavar="FILE", help="where the figures go")
    arguments = parser.parse_args()
    unknown = set(arguments.workloads) - WORKLOADS.keys()
    if unknown:
        parser.error(f"unknown workloads {sorted(unknown)}; there are {', '.join(WORKLOADS)}")
    arguments.workloads = arguments.workloads or list(WORKLOADS)
    print(machine())
    document, reached = report(arguments, lambda line: print(line, file=sys.stderr))
    arguments.json.write_text(json.dumps(document, indent=1) + "\n")
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
