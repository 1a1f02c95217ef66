"""Processes that compute what they are asked, one beside the other, and tell how long it took."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

CHOICES_OF_KERNELS = (
    "OPENBLAS_CORETYPE",
    "ONEDNN_MAX_CPU_ISA",
    "TF_ENABLE_ONEDNN_OPTS",
    "NPY_DISABLE_CPU_FEATURES",
)
"""What a machine's environment may hold libraries to, and one side more than another."""


class Side:
    """A process that computes what it is asked; `about` is what it tells first."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.about: dict[str, Any] = self.reply()

    def reply(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(
                f"{self.process.args!r} ended; on NumPy, Keras needs `pip install keras jax scipy`"
            )
        return json.loads(line)

    def ask(self, *what: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        print(json.dumps(what), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = self.reply()
        return answer


@contextmanager
def child(python: str, module: str, threads: int, *arguments: str, **environment: str) -> Iterator[Side]:
    """The process of a module of `benchmarks`, with so many threads, and whatever kernels its libraries
    choose by themselves. Keras's warnings go nowhere."""
    inherited = {name: value for name, value in os.environ.items() if name not in CHOICES_OF_KERNELS}
    limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    if threads == 1:
        limits["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [python, "-m", f"benchmarks.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if "KERAS_BACKEND" in environment else None,
        text=True,
        env=inherited | limits | quiet | environment,
    ) as process:
        try:
            yield Side(process)
        finally:
            process.kill()
