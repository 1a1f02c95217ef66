"""A backend in a child process: asked over the protocol, timed, and started anew when it fails."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Never, Self

import anyio
import anyio.from_thread
import anyio.to_thread
import msgspec

from conformance.runners.child import Child, OverlongLine
from conformance.runners.inspection import BadInspection, Inspection, ModelQuestion, misfit
from conformance.runners.protocol import (
    PROTOCOL_VERSION,
    ConcreteCase,
    ConcreteModel,
    Identity,
    Inspected,
    Observation,
    Observed,
    Piece,
    Reply,
    Start,
    Started,
    Stop,
    decode_reply,
    encode,
    spoken_version,
)
from conformance.runners.provision import Progress, silent
from conformance.runners.question import (
    REPEATED,
    Answer,
    Broken,
    Limits,
    Pending,
    Question,
    tells_its_case,
)
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.runners.validation import validate_observation
from conformance.verdicts import Verdict

STOP_GRACE_S = 5.0
"""How long a backend may take to end after `stop`."""

BREATH_S = 0.05
"""How long an answer that has already arrived may lie unread, when this process was busy itself."""

LAUNCHES = 3
"""How often a backend that has failed is started again before it is given up."""

EXCERPT = 120
"""Characters of an unreadable answer that a message shows."""

STDERR_LINES = 12
"""Lines of standard error that the message about a failed start shows."""


def _departure(before: Identity, after: Identity) -> str:
    """The first thing that is another one, by its path and both values."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    name = next(name for name in old if old[name] != new[name])
    old, new, path = old[name], new[name], name
    if isinstance(old, dict):
        key = next(key for key in (*old, *new) if old.get(key) != new.get(key))
        old, new, path = old.get(key), new.get(key), f"{name}.{key}"
    return f"{path} was {old!r} and is {new!r}"


class _FailedStart(Exception):
    """A child could not be run, or did not answer `start` as it should."""

    def __init__(self, fault: Broken, stderr: str = "") -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.stderr = stderr


class Runner:
    """Asks one backend, in a child process that is killed and started anew when it fails.

    Requests are pipelined, and answers come in order. The oldest unanswered case is the one at fault
    when the child hangs, dies or answers out of turn: it is asked once more, alone and observable by
    observable, and where the backend fails again that observable is `Broken`; the cases behind it are
    asked again as if nothing had happened. An answer that is the same as the one before, and tells its
    case, counts as a fault too, until a new child, which has no answer to repeat, gives it again.

    Used as an async context manager under asyncio; leaving it ends the child and all its children.
    """

    def __init__(
        self,
        spec: BackendSpec,
        *,
        limits: Limits | None = None,
        window: int = 32,
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
        self._first_id = self._next_id = 1
        self._waiting: deque[Pending] = deque()
        self._in_flight: deque[Pending] = deque()
        self._oldest_since = 0.0
        self._last: tuple[ConcreteCase, dict[str, Observed]] | None = None
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
        try:
            child, identity = await self._launch(command)
        except _FailedStart as failed:
            raise BackendUnavailable(f"it {failed}", self._spec.remedy, failed.stderr) from failed
        self._ended = anyio.Event()
        self._tasks.start_soon(self._supervise, command, identity, child, self._ended)
        return identity

    def ask(self, case: ConcreteCase, *, suspected: bool = False) -> Question:
        """Have the case asked, behind those that wait already.

        Args:
            suspected: whether to ask it observable by observable from the beginning.

        Raises:
            anyio.ClosedResourceError: the runner was not started, or has been closed.
        """
        question = Question(case, suspected=suspected)
        self._put(question)
        return question

    async def observe(self, case: ConcreteCase) -> Answer:
        """The backend's answer to the case.

        Raises:
            anyio.ClosedResourceError: the runner was not started, or was closed meanwhile.
        """
        return await self.ask(case).result()

    async def inspect(self, model: ConcreteModel) -> Inspection | Broken:
        """The backend's answer about a saved model, of a format that its identity names.

        Raises:
            anyio.ClosedResourceError: the runner was not started, or was closed meanwhile.
        """
        question = ModelQuestion(model, self._limits.model_bytes)
        self._put(question)
        return await question.result()

    def _put(self, question: Pending) -> None:
        """Behind what waits already."""
        if self._given_up is not None:
            question.give_up(self._given_up)
        elif self._ended is None or self._ended.is_set():
            raise anyio.ClosedResourceError
        else:
            self._waiting.append(question)
            self._changed.set()

    async def close(self) -> None:
        """Tell the backend to stop, wait for it a little, and end whatever is left of it."""
        self._closing.set()
        self._changed.set()
        if self._ended is not None:
            await self._ended.wait()

    async def _launch(self, command: Sequence[str]) -> tuple[Child, Identity]:
        """A new child that has answered `start`.

        Raises:
            _FailedStart: it cannot be run, or does not answer as it should; it has been ended.
        """
        try:
            child = await Child.spawn(command, self._spec.environment, self._limits.line_bytes)
        except OSError as error:
            problem = f"cannot be run: {command[0]!r}: {error.strerror or error}"
            raise _FailedStart(Broken(Verdict.CRASHED, problem)) from error
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
        words = child.last_words(STDERR_LINES)
        untold = (line for line in words if not answer.message.endswith(f": {line}"))
        raise _FailedStart(answer, "\n".join(untold))

    async def _introduce(self, child: Child) -> Identity | Broken:
        """The answer to `start`, or what is wrong with it."""
        with anyio.move_on_after(self._limits.start_s):
            await child.send(encode(Start(PROTOCOL_VERSION, self._spec.name)), b"\n")
            match await self._receive_reply(child):
                case Started(identity=identity):
                    return identity
                case Broken() as fault:
                    return fault
                case _:
                    return Broken(Verdict.PROTOCOL_ERROR, "answered something else than `started` to `start`")
        return Broken(Verdict.TIMED_OUT, f"did not answer within {self._limits.start_s:g} s")

    async def _receive_reply(self, child: Child) -> Reply | Broken:
        """The child's next message; at the end of its output, or if it is none, what went wrong."""
        try:
            line = await child.receive_line()
        except OverlongLine:
            return Broken(
                Verdict.PROTOCOL_ERROR, f"wrote a line of more than {self._limits.line_bytes:,} bytes"
            )
        if line is None:
            how = await child.epitaph() + (" in the middle of a line" if child.in_a_line else "")
            why = child.complaint()
            return Broken(Verdict.CRASHED, f"{how}: {why}" if why else how)
        try:
            reply: Reply = decode_reply(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            version = spoken_version(line)
            if version in (None, PROTOCOL_VERSION):
                excerpt = line[:EXCERPT].decode(errors="replace")
                problem = f"wrote no message of the protocol: {excerpt!r} ({error})"
                return Broken(Verdict.PROTOCOL_ERROR, problem)
        else:
            version = reply.protocol if isinstance(reply, Started) else PROTOCOL_VERSION
            if version == PROTOCOL_VERSION:
                return reply
        return Broken(Verdict.PROTOCOL_ERROR, f"speaks protocol {version}, and this suite {PROTOCOL_VERSION}")

    async def _supervise(
        self, command: Sequence[str], identity: Identity, child: Child, ended: anyio.Event
    ) -> None:
        """Talk to one child after the other until the runner is closed."""
        try:
            while (fault := await self._converse(child)) is not None:
                self._blame(fault)
                while not self._waiting and not self._closing.is_set():
                    await self._change()
                if self._closing.is_set():
                    return
                match await self._relaunch(command, identity):
                    case Child() as child:
                        pass
                    case Broken() as fault:
                        self._given_up = fault
                        return
        finally:
            for question in (*self._in_flight, *self._waiting):
                if self._given_up is not None:
                    question.give_up(self._given_up)
                question.settled.set()
            ended.set()

    async def _relaunch(self, command: Sequence[str], identity: Identity) -> Child | Broken:
        """A new child of the same backend; if there is none after a few attempts, why."""
        for _ in range(LAUNCHES):
            try:
                child, newcomer = await self._launch(command)
            except _FailedStart as failed:
                fault = failed.fault
                continue
            if newcomer == identity:
                return child
            await child.end()
            departure = _departure(identity, newcomer)
            fault = Broken(Verdict.PROTOCOL_ERROR, f"came back as another backend: {departure}")
        problem = f"once it had failed, {self._spec.name} could not be started again: it {fault.message}"
        return Broken(fault.verdict, problem)

    async def _converse(self, child: Child) -> Broken | None:
        """Ask the child until it fails, and return how; None once the runner is closed. Ends the child."""
        outcome: list[Broken | None] = []
        self._last = None
        self._first_id = self._next_id
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
            if requests := self._next_requests():
                await child.send(*requests)
            else:
                await self._change()

    def _next_requests(self) -> list[bytes]:
        """What is to be sent now: nothing until half the window is free, then as much as it holds."""
        requests: list[bytes] = []
        if len(self._in_flight) > self._window // 2:
            return requests
        while self._may_send():
            question = self._waiting.popleft()
            if question.abandoned:
                continue
            if not self._in_flight:
                self._oldest_since = anyio.current_time()
            self._in_flight.append(question)
            requests += encode(question.next(self._next_id)), b"\n"
            self._next_id += 1
        return requests

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
                case Piece() | Inspected() as part:
                    if (fault := self._accept_part(part)) is not None:
                        return fault
                case Started():
                    return Broken(Verdict.PROTOCOL_ERROR, "answered `started` a second time")
                case Broken() as fault:
                    return fault

    def _accept(self, observation: Observation) -> Broken | None:
        """Hand the observation to whoever asked for it, or say why nobody did."""
        if not self._in_flight or observation.id != self._in_flight[0].id:
            return Broken(Verdict.PROTOCOL_ERROR, self._out_of_turn(observation.id))
        oldest = self._in_flight[0]
        if not isinstance(oldest, Question):
            return Broken(Verdict.PROTOCOL_ERROR, f"answered {oldest.id}, a model, as if it were a case")
        if self._repeats(oldest.sent, observation.observables):
            if not oldest.suspected:
                oldest.doubted = observation.observables
            return REPEATED
        self._last = oldest.sent, observation.observables
        self._answered()
        problems = validate_observation(oldest.sent, observation)
        oldest.take(
            {
                name: Broken(Verdict.PROTOCOL_ERROR, problems[name])
                if name in problems
                else observation.observables[name]
                for name in oldest.sent.observables
            }
        )
        if not oldest.settled.is_set():
            self._waiting.appendleft(oldest)
        return None

    def _accept_part(self, part: Piece | Inspected) -> Broken | None:
        """Hand the part of an answer to whoever asked for it, or say why nobody did."""
        if not self._in_flight or part.id != self._in_flight[0].id:
            return Broken(Verdict.PROTOCOL_ERROR, self._out_of_turn(part.id))
        oldest = self._in_flight[0]
        if not isinstance(oldest, ModelQuestion):
            return Broken(Verdict.PROTOCOL_ERROR, f"answered {oldest.id}, a case, as if it were a model")
        try:
            last = oldest.take(part)
        except BadInspection as error:
            return misfit(error)
        if last:
            self._last = None
            self._answered()
        return None

    def _answered(self) -> None:
        """The oldest question has its answer."""
        self._in_flight.popleft()
        self._oldest_since = anyio.current_time()
        self._changed.set()

    def _out_of_turn(self, number: int) -> str:
        """What is wrong with an answer of that number, which is not that of the oldest question."""
        if self._first_id <= number < self._next_id - len(self._in_flight):
            return f"answered {number} a second time"
        if not self._in_flight:
            return f"answered {number} when nothing was asked"
        early = "before" if any(question.id == number for question in self._in_flight) else "instead of"
        return f"answered {number} {early} {self._in_flight[0].id}"

    def _repeats(self, case: ConcreteCase, observables: dict[str, Observed]) -> bool:
        """Whether this is the answer to the case before, word for word, and that was another case."""
        if self._last is None or self._last[1] != observables:
            return False
        before = self._last[0]
        return before != case and tells_its_case(observables, configured=before.config != case.config)

    async def _until_late(self, child: Child) -> Broken:
        """Wait until a case has been the oldest unanswered one for longer than it may."""
        limits = self._limits
        shortest = min(limits.case_s, limits.observable_s, limits.statement_s, limits.model_s)
        while True:
            # What becomes the oldest during this sleep is not due before its end.
            pause = anyio.current_time() + shortest
            if not self._in_flight:
                await anyio.sleep_until(pause)
                continue
            oldest = self._in_flight[0]
            asked, limit = oldest.id, oldest.seconds(self._limits)
            await anyio.sleep_until(min(self._oldest_since + limit, pause))
            if anyio.current_time() < self._oldest_since + limit:
                continue
            await anyio.sleep(BREATH_S)
            if self._in_flight and self._in_flight[0].id == asked:
                begun = ", only the beginning of a line" if child.in_a_line else ""
                return Broken(Verdict.TIMED_OUT, f"gave no answer within {limit:g} s{begun}")

    def _blame(self, fault: Broken) -> None:
        """The oldest unanswered case is suspected, or broken if it was before; the rest wait again."""
        unanswered = [question for question in self._in_flight if not question.abandoned]
        if self._in_flight and unanswered and self._in_flight[0] is unanswered[0]:
            oldest = unanswered[0]
            if oldest.suspected:
                oldest.fail(fault)
            oldest.suspected = True
            if oldest.settled.is_set():
                del unanswered[0]
        self._in_flight.clear()
        self._waiting.extendleft(reversed(unanswered))
