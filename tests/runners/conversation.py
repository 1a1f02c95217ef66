"""Cases for the scripted adapter, and runners that ask it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from conformance.runners.process import Runner
from conformance.runners.protocol import ConcreteCase, WireJSON, WireTensor, from_wire
from conformance.runners.question import Answer, Limits
from conformance.runners.registry import BackendSpec

SCRIPTED = Path(__file__).parent / "adapters" / "scripted.py"
LIMITS = Limits(start_s=20, case_s=20)
IMPATIENT = Limits(start_s=20, case_s=0.4)


def spec(*how: str) -> BackendSpec:
    command = [sys.executable, "-S", str(SCRIPTED), *(how or ["well"])]
    return BackendSpec("scripted", "a test's", lambda progress: command, remedy="read the manual")


def case(
    do: str | None = None, number: int = 1, observables: tuple[str, ...] = ("output/0",), **config: str
) -> ConcreteCase:
    """A case that is answered with its number, or as the scripted adapter's function says."""
    config |= {"do": do} if do else {}
    return ConcreteCase("layers.Dense", config, (), {}, (), (), (), observables, number)


@asynccontextmanager
async def started(*how: str, limits: Limits = LIMITS) -> AsyncIterator[Runner]:
    async with Runner(spec(*how), limits=limits) as runner:
        await runner.start()
        yield runner


async def ask_all(runner: Runner, cases: Sequence[ConcreteCase]) -> list[Answer]:
    """Their answers, asked all at once."""
    answers: dict[int, Answer] = {}

    async def ask(index: int) -> None:
        answers[index] = await runner.observe(cases[index])

    async with anyio.create_task_group() as tasks:
        for index in range(len(cases)):
            tasks.start_soon(ask, index)
    return [answers[index] for index in range(len(cases))]


def is_right(asked: ConcreteCase, answer: Answer) -> bool:
    """Whether each observable is answered with the case's own number, twice."""
    return list(answer) == list(asked.observables) and all(
        isinstance(value, WireTensor) and from_wire(value).tolist() == [asked.seed, asked.seed]
        for value in answer.values()
    )


async def value_of(runner: Runner, do: str) -> Any:
    """The JSON that the child answers."""
    observed = (await runner.observe(case(do)))["output/0"]
    assert isinstance(observed, WireJSON)
    return observed.value


async def pid_of(runner: Runner) -> int:
    pid: int = await value_of(runner, "pid")
    return pid
