"""What the corpus' own cases cost, with bounds and gradients and without, by subject. Prints it as JSON."""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from conformance.cases import corpus
from conformance.cases.answer import Answers, part
from conformance.cases.data import make
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic

ROUNDS = 5


def milliseconds(case: Any, data: Any, arithmetic: Arithmetic | None) -> float:
    """The processor time of answering everything that the case asks of the specification itself."""
    began = time.process_time()
    answers = Answers(case, data, arithmetic)
    for observable in filter(part, case.observables):
        answers[observable]
    return (time.process_time() - began) * 1e3


def summary(times: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Of (with bounds, without), each a case's."""
    bounded, bare = zip(*times, strict=True)
    return {
        "cases": len(times),
        "median_ms": statistics.median(bounded),
        "without_bounds_ms": statistics.median(bare),
        "p90_ms": statistics.quantiles([*bounded, *bounded], n=10)[-1],
        "total_ms": sum(bounded),
    }


def main() -> None:
    cases = [(case, make(case)) for case in corpus.load("quick")]
    rounds = [
        [(milliseconds(case, data, IEEE_FLOAT32), milliseconds(case, data, None)) for case, data in cases]
        for _ in range(ROUNDS)
    ]
    by_subject: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for (case, _), times in zip(cases, zip(*rounds, strict=True), strict=True):
        bounded, bare = zip(*times, strict=True)
        by_subject[case.subject].append((statistics.median(bounded), statistics.median(bare)))
    everything = [time for times in by_subject.values() for time in times]
    subjects = {subject: summary(times) for subject, times in sorted(by_subject.items())}
    print(json.dumps(summary(everything) | {"subjects": subjects}))


if __name__ == "__main__":
    main()
