"""The engine: from cases, backends and properties to a stream of checks. Every case is made once, asked of
every backend once, and judged by every property that its observables concern."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Sequence, Set
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.abc
import anyio.from_thread
import msgspec

from conformance.cases.case import Case
from conformance.cases.data import Data, make
from conformance.cases.models import is_about_model
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import pairs, with_basis
from conformance.cases.relations import asked_beside, relation_of
from conformance.cases.training import is_about_training
from conformance.checks import Bench
from conformance.dialects import BadDialect
from conformance.dialects.deviation import Deviation, Unpredictable
from conformance.events import Event, Judged, Preparing, Started, Unavailable
from conformance.guide import Given
from conformance.interchange.exchange import Exchange
from conformance.judges import Hearing, Judges, ModelHearing, default_workers, start_workers
from conformance.reference_impl.arithmetic import BadArithmetic
from conformance.reporting.results import DeviationRecord
from conformance.runners.process import Runner
from conformance.runners.protocol import ConcreteCase, to_wire
from conformance.runners.question import Answer, Limits, Question
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.verdicts import BROKEN

LOOKAHEAD = 96
"""How many cases a backend may be ahead of the judgement."""

EXCHANGED = 4
"""How many models are on their way between backends at once."""

TOGETHER = 16
"""How many cases are judged at once, at most: so few that their answers come soon after one another."""


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes:
        cases: each is asked of every backend that supports any of its observables.
        properties: names of those that judge; all where None. What none of them judges is not asked.
        seed: of the backends' own random generators, the same for each case.
        dialects: modules of dialects, before the installed and the built-in ones.
        witnesses: whether the witnesses of recorded deviations about the same subjects are asked as well.
        prove: whether all witnesses are asked, whatever they are about, and judged by all properties, so that
            each deviation is seen to hold or not; told is what the plan's properties say of them.
        limits: seconds that a start and a case may take.
        workers: how many processes judge; with 0 the engine's own does.
        before: what an interrupted run has judged already; it is not asked again.
    """

    cases: tuple[Case, ...]
    backends: tuple[BackendSpec, ...]
    properties: tuple[str, ...] | None = None
    seed: int = 0
    dialects: tuple[str, ...] = ()
    witnesses: bool = True
    prove: bool = False
    limits: Limits = field(default_factory=Limits)
    workers: int = field(default_factory=default_workers)
    before: Iterable[Judged] = ()

    def wanted(self, case: Case) -> tuple[str, ...]:
        """The observables that are judged, and those that they are judged by; of a training run, whose steps
        are judged by those before them, all."""
        if self.properties is None or is_about_training(case):
            return case.observables
        judging = tuple(PROPERTIES[name] for name in self.properties)
        needed = (with_basis(observable) for _, observable in pairs(judging, case.observables))
        return tuple(dict.fromkeys(itertools.chain.from_iterable(needed)))

    def judges(self, benches: Sequence[Bench]) -> Judges:
        """What judges the answers of these backends by the plan's properties."""
        return Judges(benches, self.dialects, self.properties or tuple(PROPERTIES), self.workers)


async def run(plan: Plan) -> AsyncGenerator[Event, None]:
    """Start the backends side by side, ask all cases, and tell what happens as it happens."""
    async with AsyncExitStack() as stack:
        starting = await Starting.of(plan, stack)
        # The group inside the stack: whatever is still asked is cancelled before its runner is closed.
        async with anyio.create_task_group() as group:
            try:
                starting.begin(group)
                async for event in starting.events():
                    yield event
                ledger = Ledger()
                for judged in plan.before:
                    ledger.enter(judged)
                asked = [Asked(bench, runner, plan, ledger.judged) for bench, runner in starting.ready()]
                put_in_one_order(asked)
                made = Made(plan.seed)
                for backend in asked:
                    group.start_soon(backend.ask, made)
                benches = [backend.bench for backend in asked]
                judges = plan.judges(benches)
                async for judged in judge_all(plan, asked, made, judges, group):
                    ledger.enter(judged)
                    yield told_by(plan, judged)
                async for judged in exchange_all(asked, made, judges, group):
                    ledger.enter(judged)
                    yield told_by(plan, judged)
                for record in ledger.records(benches, plan):
                    yield record
            except GeneratorExit:
                # Given up: whoever closes the stream gets no exception group for it.
                group.cancel_scope.cancel()


def told_by(plan: Plan, judged: Judged) -> Judged:
    """What the plan's properties say, where others have judged too."""
    if not plan.prove or plan.properties is None:
        return judged
    return Judged(judged.case, tuple(c for c in judged.checks if c.property in plan.properties))


async def judge_all(
    plan: Plan, asked: list[Asked], made: Made, judges: Judges, group: anyio.abc.TaskGroup
) -> AsyncGenerator[Judged, None]:
    """The checks of every case, as soon as all its takers have answered; in the order of the cases."""
    # One session more than there are judges is prepared, lest a judge wait for it.
    room = anyio.Semaphore(plan.workers + 1, fast_acquire=True)
    send, receive = anyio.create_memory_object_stream[Session](plan.workers)

    async def convene() -> None:
        async with send:
            async for hearings in answered(asked, made, room):
                session = CaseSession(hearings)
                group.start_soon(session.hold, judges, room)
                await send.send(session)

    group.start_soon(convene)
    async with receive:
        async for session in receive:
            for judged in await session.result():
                yield judged


async def exchange_all(
    asked: list[Asked], made: Made, judges: Judges, group: anyio.abc.TaskGroup
) -> AsyncGenerator[Judged, None]:
    """The checks of the cases about models, each of which goes from every backend to the others."""
    room = anyio.Semaphore(EXCHANGED)
    models = {id_: case for backend in asked for id_, case in backend.models.items()}
    sessions = []
    for case in models.values():
        takers = [(backend.bench, backend.runner) for backend in asked if case.id in backend.models]
        in_full = any(case.id in backend.in_full for backend in asked)
        sessions.append(ModelSession(case, takers, in_full))
        group.start_soon(sessions[-1].hold, judges, made, room)
    for session in sessions:
        for judged in await session.result():
            yield judged


async def answered(
    asked: list[Asked], made: Made, room: anyio.Semaphore
) -> AsyncGenerator[list[Hearing], None]:
    """The cases in their order: as soon as there is room, as many together as have been answered by then."""
    cases = deque(all_cases(asked))
    while cases:
        await room.acquire()
        hearings: list[Hearing] = []
        while cases and len(hearings) < TOGETHER:
            takers = [backend for backend in asked if cases[0].id in backend.cases]
            if hearings and not all(backend.answered(cases[0]) for backend in takers):
                break
            case = cases.popleft()
            answers = {backend.bench.name: await backend.answer(case) for backend in takers}
            in_full = any(case.id in backend.in_full for backend in takers)
            hearings.append(Hearing(case, made.data(case), answers, in_full))
            made.forget(case)
        yield hearings


class Session:
    """Something that is judged at once."""

    def __init__(self) -> None:
        self.judged: list[Judged] = []
        self.over = anyio.Event()

    async def result(self) -> list[Judged]:
        await self.over.wait()
        return self.judged


class CaseSession(Session):
    """Some hearings of cases."""

    def __init__(self, hearings: list[Hearing]) -> None:
        super().__init__()
        self.hearings = hearings

    async def hold(self, judges: Judges, room: anyio.Semaphore) -> None:
        checks = await judges.judge(self.hearings)
        room.release()
        self.judged = [Judged(h.case, c) for h, c in zip(self.hearings, checks, strict=True)]
        self.over.set()


class ModelSession(Session):
    """A case about a model, and the backends between which it goes."""

    def __init__(self, case: Case, takers: list[tuple[Bench, Runner]], in_full: bool) -> None:
        super().__init__()
        self.case, self.takers, self.in_full = case, takers, in_full

    async def hold(self, judges: Judges, made: Made, room: anyio.Semaphore) -> None:
        async with room:
            data = make(self.case)
            exchanged = await Exchange(self.case, data, self.takers, made.seed).told()
            names = tuple(bench.name for bench, _ in self.takers)
            (checks,) = await judges.judge([ModelHearing(self.case, data, exchanged, names, self.in_full)])
        self.judged = [Judged(self.case, checks)]
        self.over.set()


class Starting:
    """The start of all backends, side by side, and what is to be told of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.runners: list[Runner] = []
        self.started: dict[str, tuple[Bench, Runner]] = {}
        self.send, self.receive = anyio.create_memory_object_stream[Preparing | Started | Unavailable](1024)

    @classmethod
    async def of(cls, plan: Plan, stack: AsyncExitStack) -> Starting:
        """The start of a plan's backends, whose runners are closed with the stack."""
        starting = cls(plan)
        stack.enter_context(starting.send)
        stack.enter_context(starting.receive)
        for spec in plan.backends:
            runner = Runner(spec, limits=plan.limits, progress=starting.progress(spec.name))
            starting.runners.append(await stack.enter_async_context(runner))
        return starting

    def begin(self, group: anyio.abc.TaskGroup) -> None:
        """Start the backends, and meanwhile the judges' processes."""
        group.start_soon(start_workers, self.plan.workers)
        for spec, runner in zip(self.plan.backends, self.runners, strict=True):
            group.start_soon(self.start, spec, runner)

    def progress(self, backend: str) -> Callable[[str], None]:
        """A callback for the lines that a runner has to say while it prepares, from its own thread."""
        return lambda line: anyio.from_thread.run_sync(self.send.send_nowait, Preparing(backend, line))

    async def start(self, spec: BackendSpec, runner: Runner) -> None:
        try:
            # The name by which the user chose it is the only one that is sure to be this backend's alone.
            identity = msgspec.structs.replace(await runner.start(), name=spec.name)
            bench = Bench.of(identity, self.plan.dialects)
        except (BackendUnavailable, BadArithmetic, BadDialect) as error:
            await self.send.send(Unavailable(spec.name, str(error)))
            return
        self.started[spec.name] = bench, runner
        dialect = bench.dialect
        started = Started(
            spec.name,
            identity,
            dialect.digest,
            dialect.nearest,
            spec.given,
            spec.environment,
            dialect.module,
        )
        await self.send.send(started)

    async def events(self) -> AsyncGenerator[Preparing | Started | Unavailable, None]:
        """Until every backend has started, or has not."""
        settled = 0
        while settled < len(self.plan.backends):
            event = await self.receive.receive()
            settled += not isinstance(event, Preparing)
            yield event

    def ready(self) -> list[tuple[Bench, Runner]]:
        return [self.started[spec.name] for spec in self.plan.backends if spec.name in self.started]


class Made:
    """The data of the cases in progress, made once for all backends."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.kept: dict[str, Data] = {}
        self.wired: dict[str, dict[str, Any]] = {}
        self.given = Given()

    def data(self, case: Case) -> Data:
        if case.id not in self.kept:
            self.kept[case.id] = make(case)
        return self.kept[case.id]

    def concrete(self, case: Case, observables: tuple[str, ...]) -> ConcreteCase:
        if case.id not in self.wired:
            data = self.data(case)
            arrays: dict[str, Any] = {
                name: tuple(to_wire(x) for x in getattr(data, name))
                for name in ("inputs", "masks", "initial_state", "cotangents")
            }
            arrays["weights"] = {name: to_wire(x) for name, x in data.weights.items()}
            self.wired[case.id] = arrays
        return ConcreteCase(
            subject=case.subject,
            config=self.given.concrete(case),
            observables=observables,
            seed=self.seed,
            **self.wired[case.id],
        )

    def forget(self, case: Case) -> None:
        self.kept.pop(case.id, None)
        self.wired.pop(case.id, None)


@dataclass(frozen=True)
class Posed:
    """A case put to a backend: the questions about itself and about the cases that it is related to, by what
    stands before their observables in the answer."""

    questions: dict[str, Question]

    @classmethod
    def to(
        cls, runner: Runner, bench: Bench, case: Case, made: Made, wanted: Collection[str] | None = None
    ) -> Posed | None:
        """The case put to the backend, with what it supports; None where that is nothing.

        Args:
            wanted: those of its observables that are asked for; all where None.

        Raises:
            anyio.ClosedResourceError: the runner was not started, or has been closed.
        """
        wanted = case.observables if wanted is None else wanted
        relations = set(map(relation_of, wanted))
        questions = {}
        for prefix, each in {"": case, **asked_beside(case)}.items():
            if prefix and relation_of(prefix) not in relations:
                continue
            observables = tuple(o for o in bench.asked(each) if prefix or o in wanted)
            if observables:
                hangs = bench.dialect.hangs(each, made.data(each))
                questions[prefix] = runner.ask(made.concrete(each, observables), suspected=hangs)
            if prefix:
                made.forget(each)
        return cls(questions) if questions else None

    @property
    def settled(self) -> bool:
        return all(question.settled.is_set() for question in self.questions.values())

    async def result(self) -> Answer:
        """The answers, together.

        Raises:
            anyio.ClosedResourceError: the runner was closed meanwhile.
        """
        answers = {prefix: await question.result() for prefix, question in self.questions.items()}
        return {prefix + name: x for prefix, answer in answers.items() for name, x in answer.items()}


class Asked:
    """A started backend, the cases that it is asked, and its answers until they are judged."""

    def __init__(self, bench: Bench, runner: Runner, plan: Plan, done: Set[str]) -> None:
        """Asked all of the plan's cases, and the witnesses of its own deviations, that are not done."""
        self.bench, self.runner = bench, runner
        self.plan = plan
        cases = list(plan.cases)
        witnesses = [case for d in bench.dialect.deviations for case in d.witnesses]
        if plan.witnesses:
            subjects = {case.subject for case in plan.cases}
            # Waiting for what is never answered takes longer than hundreds of cases: a corpus asks for it.
            endless = {case.id for d in bench.dialect.hanging for case in d.witnesses}
            cases += [c for c in witnesses if plan.prove or (c.subject in subjects and c.id not in endless)]
        self.in_full = {case.id for case in witnesses} if plan.prove else set()
        left = {case.id: case for case in cases if case.id not in done}
        self.cases = {id_: case for id_, case in left.items() if not is_about_model(case)}
        self.models = {id_: case for id_, case in left.items() if id_ not in self.cases}
        self.room = anyio.Semaphore(LOOKAHEAD, fast_acquire=True)
        self.posed: dict[str, Posed | None] = {}
        self.asked = anyio.Event()

    async def ask(self, made: Made) -> None:
        """Ask all cases, in order and several at once."""
        for case in self.cases.values():
            await self.room.acquire()
            wanted = case.observables if case.id in self.in_full else self.plan.wanted(case)
            self.posed[case.id] = Posed.to(self.runner, self.bench, case, made, wanted)
            self.asked.set()
            self.asked = anyio.Event()

    def answered(self, case: Case) -> bool:
        """Whether the answer is there, or nothing could be asked."""
        posed = self.posed.get(case.id)
        return case.id in self.posed and (posed is None or posed.settled)

    async def answer(self, case: Case) -> Answer | None:
        """The answer to the case, as soon as it is there; None where nothing could be asked."""
        while case.id not in self.posed:
            await self.asked.wait()
        posed = self.posed.pop(case.id)
        answer = await posed.result() if posed else None
        self.room.release()
        return answer


def put_in_one_order(asked: list[Asked]) -> None:
    """Have every backend asked in the order in which cases are judged: what is judged first must not wait for
    what is asked so late that there is no more room."""
    order = {case.id: i for i, case in enumerate(all_cases(asked))}
    for backend in asked:
        backend.cases = {id_: backend.cases[id_] for id_ in sorted(backend.cases, key=order.__getitem__)}


def all_cases(asked: list[Asked]) -> list[Case]:
    """The cases that all backends are asked, then the witnesses that only some are."""
    cases: dict[str, Case] = {}
    for backend in asked:
        cases |= backend.cases
    everybody = [id_ for id_ in cases if all(id_ in backend.cases for backend in asked)]
    return list(({id_: cases[id_] for id_ in everybody} | cases).values())


class Ledger:
    """What the checks say of the recorded deviations: which showed, in which cases."""

    def __init__(self) -> None:
        self.judged: set[str] = set()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.shown: set[tuple[str, str, str]] = set()
        self.broken: set[tuple[str, str]] = set()

    def enter(self, judged: Judged) -> None:
        self.judged.add(judged.case.id)
        for c in judged.checks:
            if c.verdict in BROKEN:
                self.broken.add((c.backend, c.case))
            for name in c.deviations:
                self.counts[c.backend, name] += 1
                self.shown.add((c.backend, name, c.case))

    def records(self, benches: Sequence[Bench], plan: Plan) -> Iterator[DeviationRecord]:
        """The entries of all that is recorded of these backends."""
        for bench in benches:
            for d in bench.dialect.deviations:
                yield self.record(bench, d, plan)

    def record(self, bench: Bench, d: Deviation, plan: Plan) -> DeviationRecord:
        """The entry of a recorded deviation in the results: whether it holds on each of its witnesses,
        where all were asked, answered and judged by all properties, and how many checks it explains."""
        held = [(bench.name, d.id, case.id) in self.shown for case in d.witnesses]
        in_full = plan.properties is None or plan.prove
        asked = all(case.id in self.judged for case in d.witnesses) and in_full
        broken = any((bench.name, case.id) in self.broken for case in d.witnesses)
        unsure = broken or isinstance(d.effect, Unpredictable)
        unknown = not asked or (unsure and not all(held))
        return DeviationRecord(
            id=d.id,
            backend=bench.name,
            kind=d.kind,
            effect=d.effect.name,
            summary=d.description,
            source=d.source,
            upstream=d.upstream,
            witnesses=tuple(case.id for case in d.witnesses),
            holds=None if unknown else all(held),
            matched=self.counts[bench.name, d.id],
            stands=d.stands,
        )
