"""A runner gets every case answered or broken, whatever its child does, and leaves no process behind."""

import contextlib
import os
import re
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import anyio
import anyio.from_thread
import psutil
import pytest

from conformance.runners import process
from conformance.runners.process import BackendUnavailable, Broken, Limits, Runner, validate_observation
from conformance.runners.protocol import (
    ConcreteCase,
    Observation,
    Observed,
    WireError,
    WireJSON,
    WireTensor,
)
from conformance.runners.provision import Progress
from conformance.runners.registry import BackendSpec
from conformance.verdicts import Verdict

pytestmark = pytest.mark.anyio

SCRIPTED = Path(__file__).parent / "adapters" / "scripted.py"
LIMITS = Limits(start_s=20, case_s=20, line_bytes=200_000)
IMPATIENT = Limits(start_s=20, case_s=0.4)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def spec(how: str = "well", *, program: list[str] | None = None) -> BackendSpec:
    command = program or [sys.executable, "-S", str(SCRIPTED), how]
    return BackendSpec("scripted", "a test's", lambda progress: command, remedy="read the manual")


def case(do: str | None = None, observables: tuple[str, ...] = ("output/0",), **config: str) -> ConcreteCase:
    config |= {"do": do} if do else {}
    return ConcreteCase("layers.Dense", config, (), {}, (), (), (), observables, 0)


@asynccontextmanager
async def started(how: str = "well", limits: Limits = LIMITS) -> AsyncIterator[Runner]:
    async with Runner(spec(how), limits=limits) as runner:
        await runner.start()
        yield runner


async def ask_all(runner: Runner, cases: Sequence[ConcreteCase]) -> list[Observation | Broken]:
    answers: dict[int, Observation | Broken] = {}

    async def ask(index: int) -> None:
        answers[index] = await runner.observe(cases[index])

    async with anyio.create_task_group() as tasks:
        for index in range(len(cases)):
            tasks.start_soon(ask, index)
    return [answers[index] for index in range(len(cases))]


async def observe(runner: Runner, asked: ConcreteCase) -> Observation:
    """The answer of a child that does not break."""
    answer = await runner.observe(asked)
    assert isinstance(answer, Observation)
    return answer


async def value_of(runner: Runner, do: str) -> Any:
    """The JSON that the child answers."""
    observed = (await observe(runner, case(do))).observables["output/0"]
    assert isinstance(observed, WireJSON)
    return observed.value


async def pid_of(runner: Runner) -> int:
    pid: int = await value_of(runner, "pid")
    return pid


async def test_answers_come_back_to_who_asked() -> None:
    cases = [case(observables=(f"output/{i}",)) for i in range(100)]
    async with started() as runner:
        answers = await ask_all(runner, cases)
    observations = [answer for answer in answers if isinstance(answer, Observation)]
    assert [list(answer.observables) for answer in observations] == [list(c.observables) for c in cases]
    assert len({answer.id for answer in observations}) == 100


async def test_identity_is_the_backends_own() -> None:
    async with Runner(spec(), limits=LIMITS) as runner:
        identity = await runner.start()
    assert identity.name == "scripted"
    assert identity.arithmetic == {"base": "ieee-float32"}


@pytest.mark.parametrize(
    ("do", "verdict", "message"),
    [
        ("hang", Verdict.TIMED_OUT, "gave no answer within 0.4 s"),
        ("die", Verdict.CRASHED, "was ended by SIGSEGV"),
        ("leave", Verdict.CRASHED, "exited with code 3: out of ideas"),
        ("close_output", Verdict.CRASHED, "closed its standard output"),
        ("garbage", Verdict.PROTOCOL_ERROR, "wrote no message of the protocol: 'Loading weights... done'"),
        ("wrong_id", Verdict.PROTOCOL_ERROR, r"answered \d+ where \d+ was to be answered"),
        ("long_line", Verdict.PROTOCOL_ERROR, "wrote a line of more than 200,000 bytes"),
        ("started_again", Verdict.PROTOCOL_ERROR, "answered `started` a second time"),
        ("late", Verdict.PROTOCOL_ERROR, r"answered \d+ where \d+ was to be answered"),
    ],
)
async def test_only_the_case_at_fault_is_broken(do: str, verdict: Verdict, message: str) -> None:
    cases = [case(), case(do), case(), case()]
    async with started(limits=IMPATIENT if do == "hang" else LIMITS) as runner:
        before, fault, *after = await ask_all(runner, cases)
        again = await runner.observe(case())
    assert isinstance(fault, Broken)
    assert fault.verdict == verdict
    assert re.match(message, fault.message)
    assert all(isinstance(answer, Observation) for answer in (before, *after, again))


async def test_a_death_is_noticed_though_another_process_holds_the_output() -> None:
    async with started() as runner:
        answer = await runner.observe(case("heir"))
    assert answer == Broken(Verdict.CRASHED, "was ended by SIGSEGV")


@pytest.mark.parametrize("do", ["hang", "die", "garbage", "wrong_id"])
async def test_a_case_answered_the_second_time_counts(do: str, tmp_path: Path) -> None:
    async with started(limits=IMPATIENT if do == "hang" else LIMITS) as runner:
        answers = await ask_all(runner, [case(do, marker=str(tmp_path / "marker")), case()])
    assert all(isinstance(answer, Observation) for answer in answers)


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("surplus", "the answer lacks [] of what was asked, and has ['dtype'] that was not"),
        ("short_tensor", "output/0: 4 bytes where float32 of shape (2,) has 8"),
    ],
)
async def test_a_wrong_observation_breaks_its_case_and_leaves_the_child_alive(do: str, message: str) -> None:
    async with started() as runner:
        pid = await pid_of(runner)
        assert await runner.observe(case(do)) == Broken(Verdict.PROTOCOL_ERROR, message)
        assert await pid_of(runner) == pid


async def test_ids_are_never_used_again(tmp_path: Path) -> None:
    async with started() as runner:
        first = await observe(runner, case())
        await runner.observe(case("die"))
        second = await observe(runner, case())
    assert second.id == first.id + 3


async def test_a_child_that_died_idle_is_replaced_without_blame() -> None:
    async with started() as runner:
        pid = await pid_of(runner)
        os.kill(pid, 9)
        assert isinstance(await runner.observe(case()), Observation)
        assert await pid_of(runner) != pid


async def test_much_standard_error_does_not_block() -> None:
    async with started() as runner:
        assert isinstance(await runner.observe(case("chatter")), Observation)


async def test_a_backend_that_cannot_be_started_again_breaks_every_case(tmp_path: Path) -> None:
    async with started(str(tmp_path / "marker")) as runner:
        answers = await ask_all(runner, [case("die"), case()])
        answers.append(await runner.observe(case()))
    expected = "once it had failed, scripted could not be started: it exited with code 1: not a second time"
    assert answers == [Broken(Verdict.CRASHED, expected)] * 3


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("refuse", "it exited with code 1: ModuleNotFoundError: No module named 'keras'"),
        ("hang", "it did not answer within 0.4 s"),
        ("garbage", "it wrote no message of the protocol: 'hello'"),
        ("newer", "it speaks protocol 2, and this suite 1"),
    ],
)
async def test_a_failed_start_says_why_and_what_to_do(how: str, message: str) -> None:
    limits = Limits(start_s=0.4 if how == "hang" else 20)
    async with Runner(spec(how), limits=limits) as runner:
        with pytest.raises(BackendUnavailable) as caught:
            await runner.start()
    assert caught.value.problem.startswith(f"scripted could not be started: {message}")
    assert caught.value.remedy == "read the manual"
    assert ("No module named 'keras'" in caught.value.stderr) == (how == "refuse")


async def test_a_program_that_is_not_there_is_named() -> None:
    async with Runner(spec(program=["/no/such/program"])) as runner:
        with pytest.raises(BackendUnavailable, match="cannot run '/no/such/program': No such file"):
            await runner.start()


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
    assert len(pids) == 2
    assert all(map(alive, pids))
    return pids


async def test_a_hanging_child_is_ended_with_all_its_children() -> None:
    async with started(limits=Limits(start_s=20, case_s=1)) as runner:
        pids = await family_of(runner)
        answer = await runner.observe(case("hang"))
        assert isinstance(answer, Broken)
        assert answer.verdict == Verdict.TIMED_OUT
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
        assert isinstance(await runner.observe(case()), Observation)


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
        assert found is None
    else:
        assert found is not None
        assert found.startswith(f"output/0: {problem}")
