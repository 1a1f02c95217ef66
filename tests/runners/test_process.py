"""A runner gets every case answered or broken, whatever its child does, and leaves no process behind."""

import contextlib
import os
import threading
from pathlib import Path
from typing import NoReturn

import anyio
import anyio.from_thread
import psutil
import pytest

from conformance.runners import process
from conformance.runners.process import Runner
from conformance.runners.protocol import Observation, Observed, WireError, WireJSON, WireTensor
from conformance.runners.provision import Progress
from conformance.runners.question import Broken, Limits
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.runners.validation import validate_observation
from conformance.verdicts import Verdict

from .conversation import IMPATIENT, LIMITS, ask_all, case, is_right, pid_of, spec, started, value_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_answers_come_back_to_who_asked() -> None:
    cases = [case(number=i, observables=(f"output/{i}",)) for i in range(100)]
    async with started() as runner:
        answers = await ask_all(runner, cases)
    assert all(map(is_right, cases, answers))


async def test_identity_is_the_backends_own() -> None:
    async with Runner(spec(), limits=LIMITS) as runner:
        identity = await runner.start()
    assert identity.name == "scripted"
    assert identity.arithmetic == {"base": "ieee-float32"}


@pytest.mark.parametrize("do", ["hang", "segfault", "garbage", "wrong_id", "swap"])
async def test_a_case_answered_the_second_time_counts(do: str, tmp_path: Path) -> None:
    cases = [case(), case(do, 2, marker=str(tmp_path / "marker")), case(number=3)]
    async with started(limits=IMPATIENT if do == "hang" else LIMITS) as runner:
        answers = await ask_all(runner, cases)
    assert all(map(is_right, cases, answers))


async def test_a_child_that_died_idle_is_replaced_without_blame() -> None:
    async with started() as runner:
        pid = await pid_of(runner)
        os.kill(pid, 9)
        assert is_right(case(), await runner.observe(case()))
        assert await pid_of(runner) != pid


async def test_cancelling_the_start_ends_what_finds_the_program() -> None:
    ended = threading.Event()

    def search(progress: Progress) -> NoReturn:
        try:
            while True:
                progress("still searching")
        finally:
            ended.set()

    with anyio.CancelScope() as scope:
        async with Runner(
            BackendSpec("slow", "a test's", search),
            progress=lambda line: anyio.from_thread.run_sync(scope.cancel),
        ) as runner:
            await runner.start()
    assert scope.cancelled_caught
    assert ended.is_set()


async def test_asking_before_the_start_or_after_the_end_is_refused() -> None:
    async with Runner(spec(), limits=LIMITS) as runner:
        with pytest.raises(anyio.ClosedResourceError):
            await runner.observe(case())
        await runner.start()
        await runner.close()
        with pytest.raises(anyio.ClosedResourceError):
            await runner.observe(case())


async def test_closing_releases_who_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_GRACE_S", 0.1)

    async def wait(runner: Runner) -> None:
        with pytest.raises(anyio.ClosedResourceError):
            await runner.observe(case("hang"))

    async with started() as runner, anyio.create_task_group() as tasks:
        tasks.start_soon(wait, runner)
        await anyio.wait_all_tasks_blocked()
        await runner.close()


def alive(pid: int) -> bool:
    return bool(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


async def family_of(runner: Runner) -> list[int]:
    """Processes that the child has started and that do not end by themselves."""
    pids: list[int] = await value_of(runner, "family")
    assert len(pids) == 3
    assert all(map(alive, pids))
    return pids


async def test_a_hanging_child_is_ended_with_all_its_children() -> None:
    async with started(limits=Limits(start_s=20, case_s=1)) as runner:
        pids = await family_of(runner)
        fault = (await runner.observe(case("hang")))["output/0"]
        assert isinstance(fault, Broken)
        assert fault.verdict == Verdict.TIMED_OUT
        assert not any(map(alive, pids))


@pytest.mark.parametrize("how", ["closed", "raised", "cancelled"])
async def test_leaving_ends_the_child_and_all_its_children(how: str) -> None:
    with anyio.CancelScope() as scope, contextlib.suppress(KeyError):
        async with started() as runner:
            pids = [await pid_of(runner), *await family_of(runner)]
            if how == "raised":
                raise KeyError
            if how == "cancelled":
                scope.cancel()
                await runner.observe(case("hang"))
    assert scope.cancelled_caught == (how == "cancelled")
    assert not any(map(alive, pids))


async def test_a_failed_start_leaves_no_process() -> None:
    before = set(psutil.Process().children(recursive=True))
    async with Runner(spec("hang"), limits=Limits(start_s=0.3)) as runner:
        with pytest.raises(BackendUnavailable):
            await runner.start()
        assert set(psutil.Process().children(recursive=True)) == before


async def test_a_cancelled_question_does_not_disturb_the_others() -> None:
    async with started(limits=IMPATIENT) as runner:
        with anyio.move_on_after(0.05):
            await runner.observe(case("hang"))
        assert is_right(case(), await runner.observe(case()))


TENSOR = WireTensor("float32", (2,), "AACAPwAAgD8=")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (TENSOR, None),
        (WireTensor("int64", (0, 3), ""), None),
        (WireJSON(None), None),
        (WireError("type", "call", "no"), None),
        (WireTensor("float31", (2,), TENSOR.data), "the dtype 'float31' is none of float32, float64"),
        (WireTensor("float32", (-2,), TENSOR.data), "the shape (-2,) has a negative dimension"),
        (WireTensor("float32", (2,), "AACAPwAAgD8"), "the data is not base64"),
        (WireTensor("float32", (2,), "AACAPwAAgD-="), "the data is not base64"),
        (WireTensor("float32", (2,), "AACA=wAAgD8="), "the data is not base64"),
        (WireTensor("float64", (2,), TENSOR.data), "8 bytes where float64 of shape (2,) has 16"),
        (WireError("odd", "call", "no"), "the error kind 'odd' is none of invalid-argument"),
    ],
)
def test_an_observation_is_judged_before_it_is_read(value: Observed, problem: str | None) -> None:
    found = validate_observation(case(), Observation(1, {"output/0": value}))
    if problem is None:
        assert found == {}
    else:
        assert found["output/0"].startswith(problem)
