"""Cases are judged in worker processes as they are in one, and a worker that is lost takes nothing along."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import anyio
import numpy as np
import psutil
import pytest

import conformance
from conformance.cases.case import Case, Literal
from conformance.cases.data import Data, make
from conformance.cases.properties import PROPERTIES
from conformance.checks import Bench
from conformance.judges import LIVES, Hearing, Judges, start_workers
from conformance.runners.protocol import Identity, to_wire
from conformance.verdicts import Check, Verdict

DIALECT = """
from conformance.dialects.deviation import Deviation, Dialect, Value, subject
from conformance.reference_impl.primitives import multiply, relu, subtract

def leaking(original, x, *args, **kwargs):
    return subtract(relu(x), multiply(relu(multiply(x, -1.0)), 0.25))

LEAK = Deviation(
    "leak", "", "bug", "", "", "", subject("activations.relu"), Value({"activations.relu": leaking}), ()
)
DIALECTS = {"leaky": Dialect((LEAK,))}
"""

IDENTITY = Identity("leaky", "any", {}, {}, {}, {"base": "ieee-float32"}, {"activations.relu": ["output/*"]})


@pytest.fixture
def dialect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "dialect_in_a_file.py").write_text(DIALECT)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return "dialect_in_a_file"


def hearing(*values: float, answer: tuple[float, ...]) -> Hearing:
    case = Case("activations.relu", inputs=(Literal((len(values),), values),), observables=("output/0",))
    return Hearing(case, make(case), {"leaky": {"output/0": to_wire(np.array(answer, np.float32))}})


HEARINGS = (
    hearing(-1.0, 2.0, answer=(-0.25, 2.0)),
    hearing(-4.0, 3.0, answer=(0.0, 3.0)),
    hearing(-8.0, 5.0, answer=(1.0, 5.0)),
)
VERDICTS = [Verdict.DEVIATES, Verdict.CONFORMS, Verdict.DIVERGES]


def judged(dialect: str, workers: int, hearings: tuple[Hearing, ...] = HEARINGS) -> list[Check]:
    async def judge() -> list[tuple[Check, ...]]:
        judges = Judges([Bench.of(IDENTITY, (dialect,))], (dialect,), tuple(PROPERTIES), workers)
        await start_workers(workers)
        return await judges.judge(hearings)

    return [check for checks in anyio.run(judge) for check in checks]


def test_a_worker_judges_under_the_dialect_as_this_process_does(dialect: str) -> None:
    here = judged(dialect, workers=0)
    assert [check.verdict for check in here] == VERDICTS
    assert judged(dialect, workers=2) == here


class Deadly(Data):
    """Data that end the process which reads them."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)


def test_hearings_of_a_worker_that_dies_are_judged_all_the_same(dialect: str) -> None:
    first = HEARINGS[0]
    data = Deadly(first.data.inputs, {}, (), (), ())
    deadly = Hearing(first.case, data, first.answers)
    assert judged(dialect, workers=1, hearings=(deadly,)) == judged(dialect, workers=0, hearings=(first,))


def test_workers_that_die_again_and_again_are_given_up(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def die(*_: object, **__: object) -> None:
        asked.append(1)
        raise anyio.BrokenWorkerProcess

    monkeypatch.setattr(anyio.to_process, "run_sync", die)

    async def judge() -> list[list[tuple[Check, ...]]]:
        judges = Judges([Bench.of(IDENTITY, (dialect,))], (dialect,), tuple(PROPERTIES), 1)
        return [await judges.judge(HEARINGS) for _ in range(5)]

    first, *others = anyio.run(judge)
    assert [check.verdict for checks in first for check in checks] == VERDICTS
    assert others == [first] * 4
    assert len(asked) == LIVES


def test_workers_end_with_the_run(dialect: str) -> None:
    judged(dialect, workers=2)
    commands = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if "to_process" in command]


def test_the_command_run_as_a_module_can_be_imported_by_a_worker() -> None:
    runpy.run_path(str(Path(conformance.__file__).parent / "__main__.py"), run_name="__mp_main__")
