"""What is on its way to a backend's answer: what was asked, what came of it, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod

import anyio
import msgspec

from conformance.runners.protocol import ConcreteCase, Observe, Observed, Request, WireJSON, WireTensor
from conformance.verdicts import Verdict


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The backend or its adapter failed where a value or an error was due.

    Attributes:
        verdict: `CRASHED`, `TIMED_OUT` or `PROTOCOL_ERROR`.
        message: what happened, in a line.
    """

    verdict: Verdict
    message: str


Answer = Mapping[str, Observed | Broken]
"""What became of each observable that a case asked for."""

REPEATED = Broken(Verdict.PROTOCOL_ERROR, "gave the answer to the case before it once more")


@dataclass(frozen=True)
class Limits:
    """What a backend may take.

    Attributes:
        start_s, case_s: seconds for a start, and for a case.
        observable_s: seconds for an observable that is asked by itself, after a fault in its case; never
            more than `case_s`.
        statement_s: seconds for a statement of the guides, which may train for a thousand epochs.
        model_s: seconds for a saved model, from the request to the end of the answer.
        line_bytes: the length of an answer, or of a piece of one.
        model_bytes: of all the arrays in the answer about a model.
    """

    start_s: float = 120.0
    case_s: float = 60.0
    observable_s: float = 15.0
    statement_s: float = 300.0
    model_s: float = 300.0
    line_bytes: int = 64 * 1024 * 1024
    model_bytes: int = 2 * 1024**3


@dataclass(eq=False, kw_only=True)
class Pending:
    """Something on its way to an answer.

    Attributes:
        id: under which number it was last asked; a new one each time.
        suspected: the backend has failed once while this was the oldest one unanswered, or is known to.
        abandoned: nobody waits for the answer any more.
    """

    id: int = 0
    suspected: bool = False
    abandoned: bool = False
    settled: anyio.Event = field(default_factory=anyio.Event)

    def next(self, number: int) -> Request:
        """The next request, under this number."""
        raise NotImplementedError  # a case and a model have their own

    def fail(self, fault: Broken) -> None:
        """Take the fault as the answer to all that was asked last."""
        raise NotImplementedError  # a case and a model have their own

    def give_up(self, fault: Broken) -> None:
        """Take the fault as the answer to all that has none."""
        raise NotImplementedError  # a case and a model have their own

    def seconds(self, limits: Limits) -> float:
        """What the answer to what was asked last may take."""
        raise NotImplementedError  # a case and a model have their own

    async def wait(self) -> None:
        """Until there is an answer, or the runner is closed."""
        if not self.settled.is_set():
            try:
                await self.settled.wait()
            finally:
                self.abandoned = True


@dataclass(eq=False)
class Question(Pending):
    """A case on its way to an answer: all at once, or observable by observable once it is a suspect.

    Attributes:
        sent: what was asked when it was last sent.
        doubted: what was answered when it looked like the answer to the case before.
    """

    case: ConcreteCase
    sent: ConcreteCase = field(init=False)
    doubted: dict[str, Observed] | None = None
    answer: dict[str, Observed | Broken] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sent = self.case

    async def result(self) -> Answer:
        """The answer, once it is there.

        Raises:
            anyio.ClosedResourceError: the runner was closed meanwhile.
        """
        await self.wait()
        if self.answer.keys() < set(self.case.observables):
            raise anyio.ClosedResourceError
        return {name: self.answer[name] for name in self.case.observables}

    def next(self, number: int) -> Observe:
        """The next request: everything or, of a suspect, the first observable that has no answer yet."""
        self.id = number
        if self.suspected:
            left = tuple(name for name in self.case.observables if name not in self.answer)
            self.sent = msgspec.structs.replace(self.case, observables=left[:1])
        return Observe(number, self.sent)

    def take(self, part: Answer) -> None:
        """Add the answer to what was asked last; the question is settled when nothing is missing."""
        if self.doubted is not None:
            part = {
                name: value if isinstance(value, Broken) or self.doubted.get(name) == value else REPEATED
                for name, value in part.items()
            }
        self.answer.update(part)
        if self.answer.keys() >= set(self.case.observables):
            self.settled.set()

    def fail(self, fault: Broken) -> None:
        self.take(dict.fromkeys(self.sent.observables, fault))

    def give_up(self, fault: Broken) -> None:
        self.take(dict.fromkeys((n for n in self.case.observables if n not in self.answer), fault))

    def seconds(self, limits: Limits) -> float:
        if self.case.subject.startswith("guide."):
            return limits.statement_s
        return min(limits.case_s, limits.observable_s) if self.suspected else limits.case_s


def tells_its_case(observables: dict[str, Observed], *, configured: bool) -> bool:
    """Whether an answer holds a tensor of several elements, not all zero, or a configuration of a case that
    is configured in a way of its own.

    A case's data are its own, and such answers are hardly ever alike by chance. Errors, zeros, shapes and
    identifiers often are, and so are single numbers, as accuracies, and configurations of two classes that
    were given the same: they are not worth a new child each time.
    """
    return any(
        (isinstance(value, WireTensor) and prod(value.shape) > 1 and value.data.strip("A="))
        or (configured and name == "config" and isinstance(value, WireJSON))
        for name, value in observables.items()
    )
