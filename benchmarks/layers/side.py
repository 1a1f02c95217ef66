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
    """Answer lines of a workload's name and a computation's: with the median seconds of a call, the processor
    seconds for each second, and a few elements of the result.

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
    seconds: list[float] = []
    processor, began = time.process_time(), time.perf_counter()
    while sum(seconds) < SECONDS or len(seconds) < 3:
        before = time.perf_counter()
        compute()
        seconds.append(time.perf_counter() - before)
    busy = (time.process_time() - processor) / (time.perf_counter() - began)
    return {"seconds": statistics.median(seconds), "busy": busy, "probe": shown}
