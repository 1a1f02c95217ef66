"""A backend in a child process: asked over the protocol, timed, and started anew when it fails."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Never, Self

import anyio
import anyio.from_thread
import anyio.to_thread
import msgspec

from conformance.runners.child import Child, OverlongLine
from conformance.runners.protocol import (
    PROTOCOL_VERSION,
    ConcreteCase,
    Identity,
    Observation,
    Observe,
    Reply,
    Start,
    Started,
    Stop,
    decode_reply,
    encode,
)
from conformance.runners.provision import Progress, silent
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.runners.validation import validate_observation
from conformance.verdicts import Verdict

__all__ = ["BackendUnavailable", "Broken", "Limits", "Runner", "validate_observation"]

STOP_GRACE_S = 5.0
"""How long a backend may take to end after `stop`."""

BREATH_S = 0.05
"""How long an answer that has already arrived may lie unread, when this process was busy itself."""

EXCERPT = 120
"""Characters of an unreadable answer that a message shows."""

STDERR_LINES = 12
"""Lines of standard error that the message about a failed start shows."""


@dataclass(frozen=True)
class Broken:
    """The backend or its adapter failed where an observation was due.

    Attributes:
        verdict: `CRASHED`, `TIMED_OUT` or `PROTOCOL_ERROR`.
        message: what happened, in a line.
    """

    verdict: Verdict
    message: str


@dataclass(frozen=True)
class Limits:
    """Seconds that a start and a case may take, and bytes that an answer may have."""

    start_s: float = 120.0
    case_s: float = 60.0
    line_bytes: int = 256 * 1024 * 1024


@dataclass(eq=False)
class _Question:
    """A case on its way to an answer.

    Attributes:
        id: that of the last time it was sent; a new one each time.
        suspected: the backend has failed once while this was the oldest one unanswered.
        abandoned: nobody waits for the answer any more.
    """

    case: ConcreteCase
    id: int = 0
    suspected: bool = False
    abandoned: bool = False
    answer: Observation | Broken | None = None
    settled: anyio.Event = field(default_factory=anyio.Event)

    def settle(self, answer: Observation | Broken | None) -> None:
        self.answer = answer
        self.settled.set()


class Runner:
    """Asks one backend, in a child process that is killed and started anew when it fails.

    Requests are pipelined, and answers come in order. The oldest unanswered case is the one at fault
    when the child hangs, dies or answers out of turn: it is asked once more, alone, and if the backend
    fails again it is `Broken`; the cases behind it are asked again as if nothing had happened.

    Used as an async context manager under asyncio; leaving it ends the child and all its children.
    """

    def __init__(
        self,
        spec: BackendSpec,
        *,
        limits: Limits | None = None,
        window: int = 16,
        progress: Progress = silent,
    ) -> None:
        """A runner that has not been started.

        Args:
            limits: the default `Limits` where None.
            window: how many cases may be on their way to the child at once.
            progress: called, from a worker thread, with a line about each step of a long first start.
        """
        self._spec = spec
        self._limits = limits or Limits()
        self._window = window
        self._progress = progress
        self._ids = itertools.count(1)
        self._waiting: deque[_Question] = deque()
        self._in_flight: deque[_Question] = deque()
        self._oldest_since = 0.0
        self._changed = anyio.Event()
        self._given_up: Broken | None = None
        self._closing = anyio.Event()
        self._ended: anyio.Event | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.close()
        self._tasks.cancel_scope.cancel()
        # The group is told of no error, lest it wrap it: the caller's exception goes on as it is.
        await self._tasks.__aexit__(None, None, None)

    async def start(self) -> Identity:
        """Find the backend's program, run it, and learn who it is.

        Raises:
            BackendUnavailable: any of this failed.
        """

        def report(line: str) -> None:
            anyio.from_thread.check_cancelled()
            self._progress(line)

        command = await anyio.to_thread.run_sync(self._spec.command, report)
        child, identity = await self._launch(command)
        self._ended = anyio.Event()
        self._tasks.start_soon(self._supervise, command, child, self._ended)
        return identity

    async def observe(self, case: ConcreteCase) -> Observation | Broken:
        """The backend's answer to the case, or how it failed; several may be asked at once.

        Raises:
            anyio.ClosedResourceError: the runner was not started, or was closed meanwhile.
        """
        if self._given_up is not None:
            return self._given_up
        if self._ended is None or self._ended.is_set():
            raise anyio.ClosedResourceError
        question = _Question(case)
        self._waiting.append(question)
        self._changed.set()
        try:
            await question.settled.wait()
        finally:
            question.abandoned = True
        if question.answer is None:
            raise anyio.ClosedResourceError
        return question.answer

    async def close(self) -> None:
        """Tell the backend to stop, wait for it a little, and end whatever is left of it."""
        self._closing.set()
        self._changed.set()
        if self._ended is not None:
            await self._ended.wait()

    async def _launch(self, command: Sequence[str]) -> tuple[Child, Identity]:
        """A new child that has answered `start`.

        Raises:
            BackendUnavailable: it cannot be run, or does not answer as it should; it has been ended.
        """
        try:
            child = await Child.spawn(command, self._spec.environment, self._limits.line_bytes)
        except OSError as error:
            raise BackendUnavailable(
                f"{self._spec.name}: cannot run {command[0]!r}: {error.strerror or error}", self._spec.remedy
            ) from error
        identity: Identity | None = None
        try:
            self._tasks.start_soon(child.attend)
            answer = await self._introduce(child)
            if isinstance(answer, Identity):
                identity = answer
                return child, identity
        finally:
            if identity is None:
                await child.end()
        raise BackendUnavailable(
            f"{self._spec.name} could not be started: {answer}",
            self._spec.remedy,
            child.last_words(STDERR_LINES),
        )

    async def _introduce(self, child: Child) -> Identity | str:
        """The answer to `start`, or what is wrong with it."""
        with anyio.move_on_after(self._limits.start_s):
            await child.send(encode(Start(PROTOCOL_VERSION, self._spec.name)), b"\n")
            match await self._receive_reply(child):
                case Started(protocol=protocol) if protocol != PROTOCOL_VERSION:
                    return f"it speaks protocol {protocol}, and this suite {PROTOCOL_VERSION}"
                case Started(identity=identity):
                    return identity
                case Observation():
                    return "it answered `observed` to `start`"
                case Broken(message=message):
                    return f"it {message}"
        return f"it did not answer within {self._limits.start_s:g} s"

    async def _receive_reply(self, child: Child) -> Reply | Broken:
        """The child's next message; at the end of its output, or if it is none, what went wrong."""
        try:
            line = await child.receive_line()
        except OverlongLine:
            return Broken(
                Verdict.PROTOCOL_ERROR, f"wrote a line of more than {self._limits.line_bytes:,} bytes"
            )
        if line is None:
            how = await child.epitaph()
            last = child.last_words(1)
            return Broken(Verdict.CRASHED, f"{how}: {last}" if last else how)
        try:
            reply: Reply = decode_reply(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            excerpt = line[:EXCERPT].decode(errors="replace")
            return Broken(Verdict.PROTOCOL_ERROR, f"wrote no message of the protocol: {excerpt!r} ({error})")
        return reply

    async def _supervise(self, command: Sequence[str], child: Child, ended: anyio.Event) -> None:
        """Talk to one child after the other until the runner is closed."""
        try:
            while (fault := await self._converse(child)) is not None:
                self._blame(fault)
                while not self._waiting and not self._closing.is_set():
                    await self._change()
                if self._closing.is_set():
                    return
                try:
                    child, _ = await self._launch(command)
                except BackendUnavailable as error:
                    self._given_up = Broken(Verdict.CRASHED, f"once it had failed, {error.problem}")
                    return
        finally:
            for question in (*self._in_flight, *self._waiting):
                question.settle(self._given_up)
            ended.set()

    async def _converse(self, child: Child) -> Broken | None:
        """Ask the child until it fails, and return how; None once the runner is closed. Ends the child."""
        outcome: list[Broken | None] = []
        try:
            async with anyio.create_task_group() as tasks:

                async def first(watch: Callable[[Child], Awaitable[Broken | None]]) -> None:
                    outcome.append(await watch(child))
                    tasks.cancel_scope.cancel()

                for watch in (self._until_closed, self._send, self._receive, self._until_late):
                    tasks.start_soon(first, watch)
            if outcome[0] is None:
                await child.stop(encode(Stop()) + b"\n", STOP_GRACE_S)
            return outcome[0]
        finally:
            await child.end()

    async def _until_closed(self, child: Child) -> None:
        await self._closing.wait()

    async def _send(self, child: Child) -> Never:
        while True:
            if not self._may_send():
                await self._change()
                continue
            question = self._waiting.popleft()
            if question.abandoned:
                continue
            question.id = next(self._ids)
            if not self._in_flight:
                self._oldest_since = anyio.current_time()
            self._in_flight.append(question)
            await child.send(encode(Observe(question.id, question.case)), b"\n")

    def _may_send(self) -> bool:
        """Whether the next case may go: the window has room, and no suspect is asked but alone."""
        if not self._waiting or not self._in_flight:
            return bool(self._waiting)
        alone = self._waiting[0].suspected or self._in_flight[0].suspected
        return len(self._in_flight) < self._window and not alone

    async def _change(self) -> None:
        """Wait until a case is asked or answered, or the runner is closed."""
        self._changed = anyio.Event()
        await self._changed.wait()

    async def _receive(self, child: Child) -> Broken:
        while True:
            match await self._receive_reply(child):
                case Observation() as observation:
                    if (fault := self._accept(observation)) is not None:
                        return fault
                case Started():
                    return Broken(Verdict.PROTOCOL_ERROR, "answered `started` a second time")
                case Broken() as fault:
                    return fault

    def _accept(self, observation: Observation) -> Broken | None:
        """Hand the observation to whoever asked for it, or say why nobody did."""
        if not self._in_flight:
            return Broken(Verdict.PROTOCOL_ERROR, f"answered {observation.id} when nothing was asked")
        oldest = self._in_flight[0]
        if observation.id != oldest.id:
            return Broken(
                Verdict.PROTOCOL_ERROR, f"answered {observation.id} where {oldest.id} was to be answered"
            )
        self._in_flight.popleft()
        self._oldest_since = anyio.current_time()
        self._changed.set()
        problem = validate_observation(oldest.case, observation)
        oldest.settle(Broken(Verdict.PROTOCOL_ERROR, problem) if problem else observation)
        return None

    async def _until_late(self, child: Child) -> Broken:
        """Wait until a case has been the oldest unanswered one for longer than it may."""
        limit = self._limits.case_s
        while True:
            # One that becomes the oldest during this sleep is not due before its end.
            due = self._oldest_since + limit if self._in_flight else math.inf
            await anyio.sleep_until(min(due, anyio.current_time() + limit))
            if self._in_flight and anyio.current_time() >= self._oldest_since + limit:
                oldest = self._in_flight[0]
                await anyio.sleep(BREATH_S)
                if self._in_flight and self._in_flight[0] is oldest:
                    return Broken(Verdict.TIMED_OUT, f"gave no answer within {limit:g} s")

    def _blame(self, fault: Broken) -> None:
        """The oldest unanswered case is suspected, or broken if it was before; the rest wait again."""
        unanswered = [question for question in self._in_flight if not question.abandoned]
        if self._in_flight and unanswered and self._in_flight[0] is unanswered[0]:
            oldest = unanswered[0]
            if oldest.suspected:
                oldest.settle(fault)
                del unanswered[0]
            oldest.suspected = True
        self._in_flight.clear()
        self._waiting.extendleft(reversed(unanswered))
