"""Has the search look for one fault of the zoo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import aclosing
from functools import cache, partial

import msgspec
from hypothesis import HealthCheck, Phase, given, settings

from conformance.cases import corpus
from conformance.cases.case import Case, encode
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import pairs
from conformance.engine import Plan
from conformance.events import Judged, Started
from conformance.exploring.reduction import is_written_out
from conformance.exploring.search import Goal, explore
from conformance.exploring.spaces import Space, of_quick, spaces
from conformance.reporting.ledger import FAILING, finding_id
from tests.wrong_backends import zoo
from tests.wrong_backends.fault import Fault

GOAL = Goal(examples=3000, seconds=120.0)
"""How long a fault is looked for."""

PATIENCE_S = 60.0
"""How long a reduction may take, from the first failure."""

SAMPLE = settings(
    max_examples=20,
    database=None,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
"""How many cases of a space tell what is asked of all."""


class Hunt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of the search for a fault.

    Attributes:
        cases: how many were asked until the first failure, that one too; or in vain.
        found_s: seconds until then, from the backend's start; None where it was not found.
        properties: by which it was seen in that case.
        reduced_s: seconds from there until a case was reduced; None where none was.
        elements: of the reduced case's inputs and weights.
        case: the reduced case.
    """

    fault: str
    subject: str
    cases: int
    found_s: float | None = None
    properties: tuple[str, ...] = ()
    reduced_s: float | None = None
    elements: int | None = None
    case: msgspec.Raw = msgspec.Raw(b"null")


@cache
def every_space() -> dict[str, Space]:
    return spaces(corpus.load("quick"))


def concerned(fault: Fault) -> dict[str, Space]:
    """The spaces of the fault's subjects. The zoo's backends save no models and load none."""
    return {
        subject: space
        for subject, space in every_space().items()
        if not subject.startswith("models.") and fault.concerns(Case(subject))
    }


@cache
def judging(space: Space) -> frozenset[str]:
    """The properties that judge what a space draws."""
    observables: set[str] = set()

    @settings(SAMPLE)
    @given(space)
    def collect(case: Case) -> None:
        observables.update(case.observables)

    collect()
    return frozenset(prop.name for prop, _ in pairs(tuple(PROPERTIES.values()), tuple(observables)))


def searchable() -> Iterator[Fault]:
    """The faults that cases can be drawn for: about their subjects, and judged by the property meant for
    them. What is drawn is asked about no draws, methods or refusals; a corpus is the place for them."""
    return (
        fault
        for fault in zoo.FAULTS
        if any(fault.property in judging(space) for space in concerned(fault).values())
    )


async def hunt(fault: Fault) -> Hunt:
    """Search until the fault is found and a case of it reduced, or the goal is reached."""
    plan = Plan((), (zoo.spec(fault.name),), witnesses=False, workers=1)
    cases, began, found, failing = 0, 0.0, 0.0, frozenset[str]()
    told = Hunt(fault.name, fault.subject, 0)
    async with aclosing(explore(plan, partial(of_quick, frozenset(concerned(fault))), GOAL)) as events:
        async for event in events:
            match event:
                case Started():
                    began = time.monotonic()
                case Judged(case=case, checks=checks):
                    broken = [check for check in checks if check.verdict in FAILING]
                    signatures = frozenset(map(finding_id, broken))
                    if not failing:
                        cases += 1
                        told = msgspec.structs.replace(told, cases=cases)
                    if signatures and not failing:
                        found, failing = time.monotonic(), signatures
                        properties = tuple(sorted({check.property for check in broken}))
                        told = msgspec.structs.replace(
                            told, found_s=round(found - began, 2), properties=properties
                        )
                    elif failing and is_written_out(case) and signatures & failing:
                        return msgspec.structs.replace(
                            told,
                            reduced_s=round(time.monotonic() - found, 2),
                            elements=case.elements,
                            case=msgspec.Raw(encode(case)),
                        )
                    elif failing and time.monotonic() - found > PATIENCE_S:
                        return told
    return told
