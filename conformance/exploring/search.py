"""The search: rounds of drawn cases, subject by subject, several subjects at once.

In a round another process (`drawing.py`) draws cases of one space until one fails in a new way, which is
reduced; then the data of the smallest case of each signature are. What has been seen to fail does not stop
the search: in later rounds its signature is known. What a round draws follows from the seed and from what the
backends answer, so that a search which was interrupted goes the same way again, without asking what has been
answered.
"""

from __future__ import annotations

import gc
import hashlib
import math
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import anyio

from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.checks import Bench
from conformance.engine import Ledger, Plan, Starting
from conformance.events import Event, Judged
from conformance.exploring.drawer import SIDE_BY_SIDE, Came, Drawer, MakeSpaces
from conformance.exploring.examining import Examiner, Outcome
from conformance.exploring.reduction import asking, is_written_out, reduced, size
from conformance.exploring.spaces import answered

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
    round: int = 0
    barren: int = 0

    def seed(self, seed: int) -> int:
        """Of the next round."""
        text = f"{seed} {self.subject} {self.round}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])


async def explore(plan: Plan, make_spaces: MakeSpaces, goal: Goal) -> AsyncGenerator[Event, None]:
    """Start the backends, search the spaces, and tell what happens as it happens: each case once, and of
    each signature the reduced case.

    Args:
        plan: which backends are asked, and how they are judged; `before` is what an interrupted search has
            judged already. Its cases are not asked. With workers there is one more than in a run: what is to
            be judged comes in bursts.

    Raises:
        DrawingFailed: the process that draws has failed; in an exception group.
    """
    plan = replace(plan, workers=plan.workers + 1) if plan.workers else plan
    async with AsyncExitStack() as stack:
        starting = await Starting.of(plan, stack)
        async with anyio.create_task_group() as group:
            try:
                drawer = await Drawer.started(make_spaces, stack, group)
                starting.begin(group)
                async for event in starting.events():
                    yield event
                ready = starting.ready()
                if ready:
                    benches = [bench for bench, _ in ready]
                    examiner = Examiner(ready, plan.judges(benches), plan, corpus.load("quick"))
                    stack.callback(examiner.close)
                    await drawer.ready.wait()
                    # What is there now stays: the collector need not look at it again and again.
                    stack.callback(gc.unfreeze)
                    gc.freeze()
                    for _ in range(max(plan.workers, 1)):
                        group.start_soon(examiner.judge)
                    search = Search(examiner, drawer, able(drawer.subjects, benches), goal, plan)
                    group.start_soon(search.run)
                    ledger = Ledger()
                    with search.send, search.receive:
                        async for judged in search.receive:
                            ledger.enter(judged)
                            yield judged
                    for record in ledger.records(benches, plan):
                        yield record
                group.cancel_scope.cancel()
            except GeneratorExit:
                group.cancel_scope.cancel()


class Search:
    """A search on its way.

    Args:
        subjects: whose spaces are searched.
    """

    def __init__(
        self, examiner: Examiner, drawer: Drawer, subjects: Iterable[str], goal: Goal, plan: Plan
    ) -> None:
        self.examiner, self.drawer = examiner, drawer
        self.goal = goal
        self.seed = plan.seed
        self.spaces = [Searched(subject) for subject in subjects]
        self.reducing: set[Round] = set()
        self.none_reducing = anyio.Event()
        self.asking: dict[str, anyio.Event] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.found: dict[str, Found] = {}
        self.claimed: dict[str, Round | None] = {}
        self.known = corpus.ids()
        self.asked = 0
        self.began = time.monotonic()
        self.send, self.receive = anyio.create_memory_object_stream[Judged](64)
        for judged in plan.before:
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

    async def run(self) -> None:
        """Search until the goal is reached, or nothing is left to draw. Cases that are smaller than the
        reduced one may be drawn at any time: they are reduced at the end."""
        waiting = self.turns()

        async def work() -> None:
            await self.reduce_what_is_left()
            for searched in waiting:
                await self.round(searched)
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

    async def round(self, searched: Searched) -> None:
        """Have cases of a space drawn, and reduce what fails in a new way."""
        seed = searched.seed(self.seed)
        searched.round += 1
        one = Round(self)
        try:
            # Half of the rounds: to aim takes a third of the time to draw, and few cases are new then.
            await self.drawer.round(searched.subject, seed, seed % 2 == 0, one.examine)
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
        reduced."""
        while self.reducing and not reducing:
            await self.none_reducing.wait()
        new = {case.id: case for case in cases if not (case.id in self.outcomes or case.id in self.asking)}
        if new and self.over and not reducing:
            return None
        if new:
            done = anyio.Event()
            self.asking |= dict.fromkeys(new, done)
            for judged in await self.examiner.examine(list(new.values()), apart=reducing):
                self.enter(judged)
                await self.send.send(judged)
            for name in new:
                del self.asking[name]
            done.set()
        for case in cases:
            if case.id in self.asking:
                await self.asking[case.id].wait()
        return [self.outcomes[case.id] for case in cases]

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
    """Some cases of a space, until one fails in a new way, which is reduced.

    Attributes:
        news: how many of them nobody had drawn before.
        signatures: of what failed in a new way; Hypothesis reduces the first, and the others as they come
            with it.
        observables: what they are about, and all that is asked then.
        until: when the reduction is given up.
    """

    search: Search
    news: int = 0
    signatures: tuple[str, ...] = ()
    observables: frozenset[str] = frozenset()
    until: float = math.inf

    async def examine(self, cases: Sequence[Case]) -> Came:
        """What came of cases that were drawn together."""
        if time.monotonic() > self.until:
            return Came()
        if self.signatures:
            cases = [asking(case, self.observables) for case in cases]
        self.news += sum(case.id not in self.search.outcomes for case in cases)
        outcomes = await self.search.outcomes_of(cases, bool(self.signatures))
        if outcomes is None:
            return Came(over=True)
        if not self.signatures:
            self.claim(outcomes)
        one = self.signatures[:1]
        failing = any(signature in outcome.failing for signature in one for outcome in outcomes)
        return Came(failing, max(outcome.margin for outcome in outcomes))

    def claim(self, outcomes: Iterable[Outcome]) -> None:
        """Take what fails in a new way: another round may see the same, and one of them reduces it."""
        failing = {s: check for outcome in outcomes for s, check in outcome.failing.items()}
        claimed = self.search.claimed
        self.signatures = tuple(s for s in failing if claimed.setdefault(s, self) is self)
        self.observables = frozenset(failing[s].observable for s in self.signatures)
        if self.signatures:
            self.until = time.monotonic() + REDUCTION_S
            self.search.reducing.add(self)


def able(subjects: Iterable[str], benches: Iterable[Bench]) -> list[str]:
    """Those that any backend supports."""
    supported = set().union(*(bench.identity.capabilities for bench in benches))
    return [subject for subject in subjects if subject in supported]
