"""What a side's process does: it answers which computations it is asked for on standard input, one a line."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.layers.workloads import WORKLOADS, Workload, probe

Computation = Callable[[], Iterable[Any]]
"""Computes, and gives the arrays."""

SECONDS = 0.3
"""How long a computation is repeated for one answer, at least."""


def serve(computations: Callable[[Workload], dict[str, Computation]], about: dict[str, Any]) -> None:
    """Answer lines of a workload's name and a computation's: with the median seconds of a call by the clock
    on the wall and of processors, how many were busy, and a few elements of the result.

    Args:
        computations: by name, what the side does of a workload; it has warmed up.
        about: versions and settings, told first.
    """
    print(json.dumps(about), flush=True)
    made: dict[str, dict[str, Computation]] = {}
    for line in sys.stdin:
        workload, name = json.loads(line)
        if workload not in made:
            made = {workload: computations(WORKLOADS[workload])}
        print(json.dumps(timed(made[workload][name])), flush=True)


def timed(compute: Computation) -> dict[str, Any]:
    """One answer."""
    shown = list(probe(compute()))
    wall: list[float] = []
    processor: list[float] = []
    while sum(wall) < SECONDS or len(wall) < 3:
        began = time.perf_counter(), time.process_time()
        compute()
        wall.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    return {
        "wall": statistics.median(wall),
        "processor": statistics.median(processor),
        "busy": sum(processor) / sum(wall),
        "probe": shown,
    }
