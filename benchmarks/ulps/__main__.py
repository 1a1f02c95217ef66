"""The command `python -m benchmarks.ulps`; see the package's docstring."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.ulps.functions import EXACT, KINKS, Array, Errors, errors, published
from conformance.runners import registry
from conformance.runners.node import find_node
from conformance.runners.protocol import Identity
from conformance.runners.provision import cache_directory, ensure_package

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
REPORT = ROOT / "reports" / "ulps.json"

ALL = 2**32
SPAN = 2**24
"""Bit patterns in a piece of work; a sweep that is interrupted loses less than one."""
SAMPLE_STRIDE = 64
NEAR_KINK = 2**20
"""Bit patterns on each side of a kink that a sample takes all."""
REQUEST = 2**22
"""Inputs in a request, and in a tensor: a multiple of every vector's width."""
COMPARED_AT_ONCE = 2**16

TAILS = {1: 2**12, 3: 2**13, 7: 2**18}
"""By size, how many inputs to ask in tensors smaller than a vector of eight: what does not fill a vector is
computed otherwise, and the same in all of them."""
NEAR_KINK_IN_TAILS = 2**9

SUBNORMAL_SIZES = (1, 3, 4, 8, 17, 1000)
SUBNORMAL_OPERAND = 0x0012_3456
SUBNORMAL_RESULT_OF = {"exp": -90.0, "sigmoid": -90.0, "softplus": -90.0, "divide": 3.3e38}
"""Inputs from which on a function's results are subnormal."""


class Work(msgspec.Struct, frozen=True):
    """Inputs of the bits first, first + stride, …: `count` of them, in tensors of `size`."""

    first: int
    count: int
    stride: int = 1
    size: int = REQUEST

    @property
    def key(self) -> str:
        return f"{self.first}-{self.count}-{self.stride}-{self.size}"


def bits_of(x: float) -> int:
    return int(np.float32(x).view(np.uint32))


def full() -> list[Work]:
    return [Work(first, SPAN) for first in range(0, ALL, SPAN)]


def sample() -> list[Work]:
    """Every 64th input, and all inputs near the kinks on either side of zero."""
    works = [Work(first, SPAN // SAMPLE_STRIDE, SAMPLE_STRIDE) for first in range(0, ALL, SPAN)]
    return works + near_kinks(NEAR_KINK, REQUEST)


def tails() -> list[Work]:
    """A sample in tensors smaller than a vector, from all over the inputs and near the kinks."""
    works = [Work(size, count, ALL // count - 1, size) for size, count in TAILS.items()]
    return works + near_kinks(NEAR_KINK_IN_TAILS, max(TAILS))


def near_kinks(distance: int, size: int) -> list[Work]:
    works = []
    for kink in KINKS:
        for sign in (0, 2**31):
            first = sign + max(bits_of(kink) - distance, 0)
            works.append(Work(first, min(2 * distance, sign + 2**31 - first), size=size))
    return works


class Backend:
    """The functions of a backend, in a child process."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        assert child.stdin is not None
        assert child.stdout is not None
        self.requests, self.replies = child.stdin, child.stdout
        self.identity = msgspec.json.decode(self.line(), type=Identity)

    def line(self) -> bytes:
        line = self.replies.readline()
        if not line:
            raise RuntimeError("the backend has ended; its standard error says why")
        return line

    def results(self, function: str, work: Work) -> Array:
        """The float32 results.

        Raises:
            RuntimeError: the backend refuses, or has ended.
        """
        asked = {"function": function} | msgspec.structs.asdict(work)
        self.requests.write(msgspec.json.encode(asked) + b"\n")
        self.requests.flush()
        answer = json.loads(self.line())
        if "error" in answer:
            raise RuntimeError(f"{self.identity.name} refuses {function}: {answer['error']}")
        return np.frombuffer(self.replies.read(answer["bytes"]), np.float32)

    def errors(self, function: str, work: Work) -> Errors:
        found = Errors()
        for done in range(0, work.count, REQUEST):
            request = msgspec.structs.replace(
                work, first=work.first + done * work.stride, count=min(REQUEST, work.count - done)
            )
            y = self.results(function, request)
            steps = np.arange(request.count, dtype=np.uint32) * np.uint32(request.stride)
            bits = steps + np.uint32(request.first)
            for i in range(0, request.count, COMPARED_AT_ONCE):
                piece = slice(i, i + COMPARED_AT_ONCE)
                found += errors(function, bits[piece], y[piece])
        return found


@contextmanager
def started(name: str) -> Iterator[Backend]:
    """The backend, in the environment of its runner."""
    spec = registry.backends()[name]
    command: list[str | Path]
    if name.startswith("tfjs-"):
        node = find_node()
        command = [node.path, FOLDER / "answer.mjs", name, ensure_package(node=node)]
    else:
        command = [sys.executable, "-m", "benchmarks.ulps.answer", name]
    environment = os.environ | spec.environment
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment
    ) as child:
        try:
            yield Backend(child)
        finally:
            child.kill()


def sweep(backend: Backend, function: str, works: list[Work], partial: Path) -> Errors:
    """The errors of all the works; each one done is kept in the file, and not done again."""
    done: dict[str, Errors] = {}
    if partial.exists():
        done = msgspec.json.decode(partial.read_bytes(), type=dict[str, Errors])
    began, asked = time.monotonic(), 0
    for work in works:
        if work.key not in done:
            done[work.key] = backend.errors(function, work)
            asked += work.count
            replace(partial, msgspec.json.encode(done))
    seconds = time.monotonic() - began
    found = sum((done[work.key] for work in works), Errors())
    rate = f", {asked / seconds / 1e6:.2g} million inputs a second" if asked else ""
    print(
        f"{backend.identity.name} {function}: {found.ulps:.3f} ULP over {found.inputs} inputs{rate}",
        flush=True,
    )
    return found


def subnormals(backend: Backend, function: str) -> dict[str, dict[str, str]]:
    """Whether subnormal operands and results are kept, flushed or neither, by the tensor's size."""
    probes = {"operands": SUBNORMAL_OPERAND}
    if function in SUBNORMAL_RESULT_OF:
        probes["results"] = bits_of(SUBNORMAL_RESULT_OF[function])
    treatment: dict[str, dict[str, str]] = {}
    for what, first in probes.items():
        x = np.arange(first, first + max(SUBNORMAL_SIZES), dtype=np.uint32).view(np.float32).astype(float)
        with np.errstate(all="ignore"):
            kept = EXACT[function](x)
            flushed = EXACT[function](x * 0.0) if what == "operands" else kept * 0.0
            alike = np.array_equal(kept.astype(np.float32), flushed.astype(np.float32), equal_nan=True)
        if alike:
            continue
        treatment[what] = {}
        for size in SUBNORMAL_SIZES:
            y = backend.results(function, Work(first, size, 1, size)).astype(float)
            treatment[what][str(size)] = treatment_of(y, kept[:size], flushed[:size])
    return treatment


def treatment_of(y: Array, kept: Array, flushed: Array) -> str:
    """What was done with subnormal numbers, given the exact results either way."""
    is_kept, is_flushed = np.isclose(y, kept, 1e-3, 0.0), y == flushed
    if is_kept.all():
        return "kept"
    if is_flushed.all():
        return "flushed"
    return "mixed" if (is_kept | is_flushed).all() else "neither"


def entry(found: Errors, function: str) -> dict[str, Any]:
    """What the report says of errors: witnesses are the bits of inputs."""

    def hexadecimal(bits: int | None) -> str | None:
        return None if bits is None else f"0x{bits:08x}"

    has_entry = published(function) < np.inf
    return {
        "inputs": found.inputs,
        "beyond_published": found.beyond_published if has_entry else None,
        "ulps": {"largest": found.ulps, "witness": hexadecimal(found.ulps_at)},
        "absolute": {"largest": found.absolute, "witness": hexadecimal(found.absolute_at)},
        "misplaced": {"inputs": found.misplaced, "witness": hexadecimal(found.misplaced_at)},
    }


def replace(path: Path, data: bytes) -> None:
    """Write the file aside and rename it."""
    aside = path.with_suffix(".aside")
    aside.write_bytes(data)
    aside.replace(path)


def record(backend: Backend, function: str, measured: dict[str, Any]) -> None:
    """Put a function's measurement into the report, with those of the same versions on the same platform."""
    report: dict[str, Any] = {"schema": 2, "backends": {}}
    if REPORT.exists():
        report = json.loads(REPORT.read_text())
    identity = backend.identity
    about = {"versions": identity.versions, "settings": identity.settings, "platform": identity.platform}
    measurements = report["backends"].setdefault(identity.name, [])
    for measurement in measurements:
        if about.items() <= measurement.items():
            break
    else:
        measurement = {**about, "functions": {}}
        measurements.append(measurement)
    measurement["functions"] = dict(sorted((measurement["functions"] | {function: measured}).items()))
    REPORT.parent.mkdir(exist_ok=True)
    replace(REPORT, json.dumps(report, indent=1, ensure_ascii=False).encode() + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ulps", description=__doc__)
    parser.add_argument("backend", choices=registry.backends())
    parser.add_argument(
        "functions", nargs="*", default=list(EXACT), metavar="FUNCTION", help=", ".join(EXACT)
    )
    parser.add_argument("--full", action="store_true", help="all 2³² inputs, not a sample")
    parser.add_argument(
        "--partial", type=Path, default=cache_directory() / "ulps", help="where interrupted work is"
    )
    arguments = parser.parse_args()
    os.nice(19)
    coverage, works = ("full", full()) if arguments.full else ("sample", sample())
    with started(arguments.backend) as backend:
        folder = arguments.partial / arguments.backend
        folder.mkdir(parents=True, exist_ok=True)
        for function in arguments.functions:
            body = sweep(backend, function, works, folder / f"{function}-{coverage}.json")
            tail = sweep(backend, function, tails(), folder / f"{function}-tails.json")
            measured = {
                "published": published(function) if published(function) < np.inf else None,
                "coverage": coverage,
                **entry(body, function),
                "tails": entry(tail, function),
                "subnormals": subnormals(backend, function),
            }
            record(backend, function, measured)


if __name__ == "__main__":
    main()
