"""Has cases asked of all backends and judged, many at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import anyio

from conformance.cases.case import Case, encode
from conformance.cases.data import make
from conformance.cases.models import is_about_model
from conformance.checks import Bench
from conformance.engine import TOGETHER, Made, Plan, Posed
from conformance.events import Judged
from conformance.exploring.spaces import with_other_numbers
from conformance.interchange.exchange import Exchange
from conformance.judges import Hearing, Judges, ModelHearing
from conformance.reporting.ledger import FAILING, finding_id, margin_size
from conformance.runners.process import Runner
from conformance.verdicts import Check, Verdict


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Attributes:
        failing: a check of each signature that failed, by `finding_id`.
        margin: the largest margin of what conforms, below 1: how near a backend comes to its limits.
    """

    failing: Mapping[str, Check]
    margin: float

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Outcome:
        failing: dict[str, Check] = {}
        margin = 0.0
        for check in checks:
            if check.verdict in FAILING:
                failing.setdefault(finding_id(check), check)
            elif check.verdict is Verdict.CONFORMS:
                margin = max(margin, margin_size(check.margin))
        return cls(failing, margin)


class Waiting:
    """Hearings before the judges, until there are checks of each."""

    def __init__(self, hearings: Sequence[Hearing | ModelHearing]) -> None:
        self.hearings = hearings
        self.checks: list[tuple[Check, ...]] = []
        self.over = anyio.Event()


class Examiner:
    """Asks some backends, and judges what they answer.

    Args:
        backends: those that have started.
        judges: of these.
        plan: what is judged, and the seed of the backends' own random generators, the same for each case.
        corpus: cases among which there is one that each backend can be asked between two others.
    """

    def __init__(
        self, backends: Sequence[tuple[Bench, Runner]], judges: Judges, plan: Plan, corpus: Sequence[Case]
    ) -> None:
        self.backends = backends
        self.judges = judges
        self.plan = plan
        self.spacers = {bench.name: spacer(bench, corpus) for bench, _ in backends}
        self.send, self.receive = anyio.create_memory_object_stream[Waiting](1024)

    def close(self) -> None:
        self.send.close()
        self.receive.close()

    async def judge(self) -> None:
        """Judge what waits, as much as there is at a time, until cancelled."""
        async for first in self.receive:
            waiting = [first]
            while sum(len(one.hearings) for one in waiting) < TOGETHER:
                try:
                    waiting.append(self.receive.receive_nowait())
                except anyio.WouldBlock:
                    break
            hearings = [hearing for one in waiting for hearing in one.hearings]
            try:
                judged = iter(await self.judges.judge(hearings))
            except Exception as error:
                cases = "\n".join(encode(hearing.case).decode() for hearing in hearings)
                error.add_note(f"while these cases were judged:\n{cases}")
                raise
            for one in waiting:
                one.checks = list(islice(judged, len(one.hearings)))
                one.over.set()

    async def examine(self, cases: Sequence[Case], *, apart: bool = False) -> list[Judged]:
        """Ask the cases of every backend that supports any of each, and judge the answers.

        Args:
            apart: others are asked before each, as `_ask_between` does.
        """
        made = Made(self.plan.seed)
        asked = [None if is_about_model(case) else self._ask(case, made, apart) for case in cases]
        hearings: list[Hearing | ModelHearing] = []
        for case, posed in zip(cases, asked, strict=True):
            if posed is None:
                data = make(case)
                exchanged = await Exchange(case, data, list(self.backends), self.plan.seed).told()
                names = tuple(bench.name for bench, _ in self.backends)
                hearings.append(ModelHearing(case, data, exchanged, names))
            else:
                answers = {name: await one.result() if one else None for name, one in posed.items()}
                hearings.append(Hearing(case, made.data(case), answers))
        waiting = Waiting(hearings)
        await self.send.send(waiting)
        await waiting.over.wait()
        return [Judged(case, checks) for case, checks in zip(cases, waiting.checks, strict=True)]

    def _ask(self, case: Case, made: Made, apart: bool) -> dict[str, Posed | None]:
        """Put the case to every backend, by name; None for one that is recorded never to answer it, or to
        end: the wait is as long as that for hundreds of others."""
        if apart:
            self._ask_between(case, made)
        wanted = self.plan.wanted(case)
        data = made.data(case)
        return {
            bench.name: None
            if bench.dialect.breaks(case, data)
            else Posed.to(runner, bench, case, made, wanted)
            for bench, runner in self.backends
        }

    def _ask_between(self, case: Case, made: Made) -> None:
        """Put two other cases to every backend, and wait for neither.

        Two answers that are alike, one after the other, look like one that was sent twice, and cost a new
        child; of cases nearly the same they often are: one of the corpus parts them. And what a backend
        answers by what it was asked before, it answers in the same way again where that is always the same:
        the case with other numbers.
        """
        other = with_other_numbers(case)
        for bench, runner in self.backends:
            if (between := self.spacers[bench.name]) is not None:
                runner.ask(made.concrete(between, ("output/0",)))
            if (asked := bench.asked(other)) and not bench.dialect.breaks(other, made.data(other)):
                runner.ask(made.concrete(other, asked))


def spacer(bench: Bench, corpus: Sequence[Case]) -> Case | None:
    """The shortest case that the backend gives an output for."""
    able = (case for case in corpus if not case.to_be_refused and "output/0" in bench.asked(case))
    return min(able, key=lambda case: (case.subject.startswith("layers"), len(encode(case))), default=None)
