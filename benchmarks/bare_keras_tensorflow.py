"""Keras on TensorFlow without the suite: the cases of a file in a loop, and the seconds that this takes.

`python bare_keras_tensorflow.py CASES FIRST` reads one `ConcreteCase` a line, and tells the seconds of the
first FIRST cases and of the rest, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from conformance.runners.keras_adapter.messages import ConcreteCase
from conformance.runners.keras_adapter.session import observe, start


def main(cases: Path, first: int) -> None:
    """Start the backend as its adapter does, and answer the cases; the answers are thrown away."""
    concrete = [ConcreteCase.of(json.loads(line)) for line in cases.read_bytes().splitlines()]
    start("keras-tensorflow")
    seconds = []
    for part in (concrete[:first], concrete[first:]):
        began = time.perf_counter()
        for case in part:
            observe(case)
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
