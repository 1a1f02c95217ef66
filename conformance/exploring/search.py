"""The search: rounds of drawn cases, subject by subject, several subjects at once.

In a round Hypothesis draws cases of one space, some at a time, which costs less than one by one, aiming at
large margins, until one fails in a new way; that it reduces, and then the data of the smallest case of each
signature are reduced. What has been seen to fail does not stop the search: in later rounds its signature is
known. What a round draws follows from the seed and from what the backends answer, so that a search which was
interrupted goes the same way again, without asking what has been answered.
"""

from __future__ import annotations

import concurrent.futures
import gc
import hashlib
import math
import threading
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import anyio
import anyio.from_thread
import anyio.to_thread
import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Flaky, Unsatisfiable

from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.checks import Bench
from conformance.engine import Ledger, Plan, Starting
from conformance.events import Event, Judged
from conformance.exploring.examining import Examiner, Outcome
from conformance.exploring.reduction import asking, is_written_out, reduced, size
from conformance.exploring.spaces import Space, answered

ROUND = 12
"""How many times cases of a space are drawn in one round."""

TOGETHER = 8
"""How many cases are drawn at a time at most, half as many in the mean; they go to the backends together."""

SIDE_BY_SIDE = 12
"""How many spaces are searched at once: so many times some cases are on their way to the backends."""

REDUCTION_S = 25.0
"""How long the reduction of a round's failures may take, and again that of the data of each."""

EXHAUSTED = 2
"""After so many rounds in which nothing new was drawn, a space is left."""


@dataclass(frozen=True)
class Goal:
    """When a search is over: when so many cases have been asked that no corpus has, or so many seconds are
    over, whichever comes first."""

    examples: int | None = None
    seconds: float | None = None


class Failing(Exception):
    """A case fails in the way that is reduced."""


class Over(KeyboardInterrupt):
    """The search is over: what Hypothesis lets through. It never leaves the thread that draws."""


@dataclass
class Found:
    """What is known of a signature: its observable, the smallest case that fails so, and the one whose
    reduction was tried last."""

    observable: str
    case: Case
    tried: Case | None = None

    @property
    def left(self) -> bool:
        """Whether the case can be reduced, as far as anybody knows: it may be what another signature, with
        other observables, was reduced to."""
        alone = asking(self.case, {self.observable}) == self.case
        return self.case is not self.tried and not (alone and is_written_out(self.case))


@dataclass
class Searched:
    """A space, and how far it has been searched."""

    subject: str
    space: Space
    round: int = 0
    barren: int = 0

    def seed(self, seed: int) -> int:
        """Of the next round."""
        text = f"{seed} {self.subject} {self.round}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


async def explore(plan: Plan, spaces: dict[str, Space], goal: Goal) -> AsyncGenerator[Event, None]:
    """Start the backends, search the spaces, and tell what happens as it happens: each case once, and of
    each signature the reduced case.

    Args:
        plan: which backends are asked, and how they are judged; `before` is what an interrupted search has
            judged already. Its cases are not asked.
    """
    async with AsyncExitStack() as stack:
        starting = await Starting.of(plan, stack)
        async with anyio.create_task_group() as group:
            try:
                starting.begin(group)
                async for event in starting.events():
                    yield event
                ready = starting.ready()
                if not ready:
                    return
                benches = [bench for bench, _ in ready]
                examiner = Examiner(ready, plan.judges(benches), plan, corpus.load("quick"))
                stack.callback(examiner.close)
                # What is there now stays: the collector need not look at it again and again.
                stack.callback(gc.unfreeze)
                gc.freeze()
                for _ in range(max(plan.workers, 1)):
                    group.start_soon(examiner.judge)
                search = Search(examiner, able(spaces, benches), goal, plan.seed, plan.before)
                group.start_soon(search.run)
                ledger = Ledger()
                try:
                    async for judged in search.receive:
                        ledger.enter(judged)
                        yield judged
                finally:
                    search.close()
                for record in ledger.records(benches, plan):
                    yield record
                group.cancel_scope.cancel()
            except GeneratorExit:
                group.cancel_scope.cancel()


class Search:
    """A search on its way."""

    def __init__(
        self, examiner: Examiner, spaces: dict[str, Space], goal: Goal, seed: int, before: Iterable[Judged]
    ) -> None:
        self.examiner = examiner
        self.goal = goal
        self.seed = seed
        self.spaces = [Searched(subject, space) for subject, space in spaces.items()]
        self.closed = False
        self.reducing: set[Round] = set()
        self.none_reducing = anyio.Event()
        self.scopes: set[anyio.CancelScope] = set()
        self.turn_to_draw = threading.Lock()
        self.asking: dict[str, anyio.Event] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.found: dict[str, Found] = {}
        self.claimed: dict[str, Round | None] = {}
        self.known = corpus.ids()
        self.asked = 0
        self.began = time.monotonic()
        self.send, self.receive = anyio.create_memory_object_stream[Judged](64)
        for judged in before:
            self.enter(judged)
        self.claimed |= dict.fromkeys(self.found)

    def enter(self, judged: Judged) -> Outcome:
        """Remember what came of a case."""
        outcome = Outcome.of(judged.checks)
        self.outcomes[judged.case.id] = outcome
        self.asked += judged.case.id not in self.known
        for signature, check in outcome.failing.items():
            one = self.found.setdefault(signature, Found(check.observable, judged.case))
            one.case = min(one.case, judged.case, key=size)
        return outcome

    @property
    def over(self) -> bool:
        enough = self.goal.examples is not None and self.asked >= self.goal.examples
        return enough or (
            self.goal.seconds is not None and time.monotonic() - self.began >= self.goal.seconds
        )

    def close(self) -> None:
        """Have every thread that draws end at its next case; the group that they are of waits for them."""
        self.closed = True
        for scope in self.scopes:
            scope.cancel()
        self.send.close()
        self.receive.close()

    async def run(self) -> None:
        """Search until the goal is reached, or nothing is left to draw. Cases that are smaller than the
        reduced one may be drawn at any time: they are reduced at the end."""
        limiter = anyio.CapacityLimiter(SIDE_BY_SIDE)
        waiting = self.turns()

        async def work() -> None:
            await self.reduce_what_is_left()
            for searched in waiting:
                await self.round(searched, limiter)
            await self.reduce_what_is_left()

        async with self.send, anyio.create_task_group() as group:
            for _ in range(SIDE_BY_SIDE):
                group.start_soon(work)

    async def reduce_what_is_left(self) -> None:
        """Reduce one signature after the other; others may do so side by side."""
        while left := next((signature for signature, found in self.found.items() if found.left), None):
            await self.reduce(left)

    def turns(self) -> Iterator[Searched]:
        """The spaces in turn, each as often as it yields something, until the goal is reached."""
        while not self.over:
            left = [searched for searched in self.spaces if searched.barren < EXHAUSTED]
            if not left:
                return
            for searched in left:
                if self.over:
                    return
                yield searched

    async def round(self, searched: Searched, limiter: anyio.CapacityLimiter) -> None:
        """Draw cases of a space, and reduce what fails in a new way."""
        seed = searched.seed(self.seed)
        searched.round += 1
        one = Round(self, searched.space, seed)
        try:
            await anyio.to_thread.run_sync(one.draw, limiter=limiter)
            searched.barren = 0 if one.news else searched.barren + 1
            for signature in one.signatures:
                await self.reduce(signature)
        finally:
            self.reducing.discard(one)
            if not self.reducing:
                self.none_reducing.set()
                self.none_reducing = anyio.Event()

    async def outcomes_of(self, cases: Sequence[Case], reducing: bool) -> list[Outcome] | None:
        """What came of each case, asked if it is a new one; None once the search is over, but where they are
        reduced, or closed."""
        with anyio.CancelScope() as scope:
            self.scopes.add(scope)
            try:
                return await self._outcomes_of(cases, reducing)
            finally:
                self.scopes.remove(scope)
        return None

    async def _outcomes_of(self, cases: Sequence[Case], reducing: bool) -> list[Outcome] | None:
        while self.reducing and not reducing:
            await self.none_reducing.wait()
        new = {case.id: case for case in cases if not (case.id in self.outcomes or case.id in self.asking)}
        if new and (self.closed or (self.over and not reducing)):
            return None
        if new:
            done = anyio.Event()
            self.asking |= dict.fromkeys(new, done)
            try:
                for judged in await self.examiner.examine(list(new.values()), apart=reducing):
                    self.enter(judged)
                    await self.send.send(judged)
            finally:
                for name in new:
                    del self.asking[name]
                done.set()
        for case in cases:
            if case.id in self.asking:
                await self.asking[case.id].wait()
        # What others were asking is not there where that was cancelled.
        found = [self.outcomes[case.id] for case in cases if case.id in self.outcomes]
        return found if len(found) == len(cases) else None

    async def reduce(self, signature: str) -> None:
        """Find the smallest case of a signature, and tell it."""
        found = self.found[signature]
        found.tried = found.case
        last: list[Judged] = []
        until = time.monotonic() + REDUCTION_S

        async def fails(case: Case) -> bool:
            if time.monotonic() > until or not answered(case):
                return False
            (judged,) = await self.examiner.examine([case], apart=True)
            failing = signature in Outcome.of(judged.checks).failing
            if failing:
                last[:] = [judged]
            return failing

        await reduced(found.case, found.observable, fails)
        # Two signatures may come down to one case.
        if last and last[0].case.id not in self.outcomes:
            self.enter(last[0])
            await self.send.send(last[0])


@dataclass(eq=False)
class Round:
    """Some cases of a space, drawn in a thread of its own, until one fails in a new way, which is reduced.

    Attributes:
        news: how many of them nobody had drawn before.
        signatures: of what failed in a new way; Hypothesis reduces the first, and the others as they come
            with it.
        observables: what they are about, and all that is asked then.
        until: when the reduction is given up.
    """

    search: Search
    space: Space
    seed: int
    news: int = 0
    signatures: tuple[str, ...] = ()
    observables: frozenset[str] = frozenset()
    until: float = math.inf

    def draw(self) -> None:
        """Have Hypothesis draw them."""

        @hypothesis.seed(self.seed)
        @hypothesis.settings(
            max_examples=ROUND,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.target, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        @hypothesis.given(st.lists(self.space, min_size=1, max_size=TOGETHER))
        def ask(cases: list[Case]) -> None:
            if time.monotonic() > self.until:
                return
            if self.signatures:
                cases = [asking(case, self.observables) for case in cases]
            outcomes = self.outcomes_of(cases)
            if not self.signatures:
                self.claim(outcomes)
            if self.signatures and any(self.signatures[0] in outcome.failing for outcome in outcomes):
                raise Failing
            hypothesis.target(max(outcome.margin for outcome in outcomes))

        with self.search.turn_to_draw, suppress(Over, Failing, Flaky, Unsatisfiable):
            ask()

    def outcomes_of(self, cases: Sequence[Case]) -> list[Outcome]:
        """What came of each case. Meanwhile another round draws: two at once take the interpreter's lock from
        one another at every turn, and twice as long.

        Raises:
            Over: the search is over, or was given up.
        """
        self.news += sum(case.id not in self.search.outcomes for case in cases)
        self.search.turn_to_draw.release()
        try:
            outcomes = anyio.from_thread.run(self.search.outcomes_of, cases, bool(self.signatures))
        except concurrent.futures.CancelledError:
            outcomes = None
        finally:
            self.search.turn_to_draw.acquire()
        if outcomes is None:
            raise Over
        return outcomes

    def claim(self, outcomes: Iterable[Outcome]) -> None:
        """Take what fails in a new way: another round may see the same, and one of them reduces it."""
        failing = {s: check for outcome in outcomes for s, check in outcome.failing.items()}
        claimed = self.search.claimed
        self.signatures = tuple(s for s in failing if claimed.setdefault(s, self) is self)
        self.observables = frozenset(failing[s].observable for s in self.signatures)
        if self.signatures:
            self.until = time.monotonic() + REDUCTION_S
            anyio.from_thread.run_sync(self.search.reducing.add, self)


def able(spaces: dict[str, Space], benches: Iterable[Bench]) -> dict[str, Space]:
    """The spaces of the subjects that any backend supports."""
    return {
        subject: space
        for subject, space in spaces.items()
        if any(subject in bench.identity.capabilities for bench in benches)
    }
