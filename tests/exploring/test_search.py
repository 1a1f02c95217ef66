"""The search collects what fails, each signature once, reduced; and nothing else."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable
from contextlib import aclosing
from functools import partial
from typing import Any

import anyio
import psutil
import pytest
from hypothesis import strategies as st

from conformance.cases import corpus
from conformance.cases.case import Case, Literal
from conformance.cases.drafts.draft import draft_activation, recipe
from conformance.engine import Plan
from conformance.events import Event, Judged, Started
from conformance.exploring.drawer import DrawingFailed, MakeSpaces
from conformance.exploring.reduction import is_written_out
from conformance.exploring.search import Goal, Searched, explore
from conformance.exploring.spaces import Space, of_quick
from conformance.reporting.ledger import FAILING, group_findings
from conformance.reporting.results import Finding
from conformance.runners.question import Limits
from conformance.runners.registry import BackendSpec, from_command
from conformance.selection import of_subjects
from conformance.verdicts import Verdict
from tests.exploring.endless import RELU
from tests.wrong_backends import zoo

ADAPTER = "tests.adapters.specification"


def alone(case: Case) -> dict[str, Space]:
    return {case.subject: st.just(case)}


def ended_instead(code: int) -> dict[str, Space]:
    os._exit(code)


def backend(how: str) -> BackendSpec:
    return from_command(shlex.join([sys.executable, "-m", ADAPTER, how]), how)


def searched(how: str | BackendSpec, goal: Goal, *subjects: str, **more: Any) -> list[Event]:
    return searched_in(drawn_of(*subjects), how, goal, **more)


def drawn_of(*subjects: str) -> MakeSpaces:
    return partial(of_quick, {case.subject for case in of_subjects(corpus.load("quick"), subjects)})


def only(case: Case) -> MakeSpaces:
    """A space of one case."""
    return partial(alone, case)


def searched_in(
    chosen: MakeSpaces, how: str | BackendSpec, goal: Goal, before: Iterable[Judged] = (), **more: Any
) -> list[Event]:
    given: dict[str, Any] = {"limits": Limits(start_s=60, case_s=30), "workers": 0, "witnesses": False} | more
    spec = backend(how) if isinstance(how, str) else how
    plan = Plan((), (spec,), before=before, **given)

    async def collect() -> list[Event]:
        async with aclosing(explore(plan, chosen, goal)) as events:
            return [event async for event in events]

    return anyio.run(collect)


def judged(events: Iterable[Event]) -> list[Judged]:
    return [event for event in events if isinstance(event, Judged)]


def findings(events: Iterable[Event]) -> tuple[Finding, ...]:
    seen = judged(events)
    checks = [check for one in seen for check in one.checks]
    return group_findings(checks, {one.case.id: one.case for one in seen})


def test_of_a_correct_backend_nothing_is_found() -> None:
    events = searched("rounded", Goal(examples=120), "relu", "softsign", "layers.Dense")
    assert isinstance(events[0], Started)
    assert findings(events) == ()
    ids = [one.case.id for one in judged(events)]
    assert len(set(ids)) == len(ids) >= 120
    assert {one.case.subject for one in judged(events)} == {
        "activations.relu", "activations.softsign", "layers.Dense",
    }  # fmt: skip
    assert not any("nearest" in check.message for one in judged(events) for check in one.checks)


def test_a_fault_is_found_once_and_reduced_and_does_not_stop_the_search() -> None:
    events = searched("shifted", Goal(examples=150), "layers.Dense")
    found = {(finding.property, finding.observable): finding for finding in findings(events)}
    assert ("forward", "output/0") in found
    assert len(found) == len(findings(events))
    witness = found["forward", "output/0"].witness
    assert witness.elements <= 12
    assert witness.observables == ("output/0",)
    assert all(isinstance(source, Literal) for source in (*witness.inputs, *witness.weights.values()))
    assert len(judged(events)) >= 150


def test_what_depends_on_the_case_asked_before_is_reduced() -> None:
    events = searched(zoo.spec("answer_of_the_case_before"), Goal(examples=20), "layers.Dense")
    (found,) = (
        one for one in findings(events) if (one.property, one.verdict) == ("forward", Verdict.DIVERGES)
    )
    assert is_written_out(found.witness)
    assert found.witness.elements <= 12


def test_a_recorded_deviation_is_no_finding_and_hides_none() -> None:
    goal = Goal(examples=60)
    assert findings(searched("leaky", goal, "relu", dialects=("tests.certificates.leaky",))) == ()
    assert {finding.observable for finding in findings(searched("leaky", goal, "relu"))} >= {"output/0"}


def test_what_is_recorded_never_to_be_answered_is_not_asked() -> None:
    (one,) = judged(
        searched_in(only(RELU), "rounded", Goal(examples=1), dialects=("tests.exploring.endless",))
    )
    assert {check.verdict for check in one.checks} == {Verdict.NOT_RUN}


def test_an_interrupted_search_goes_on_without_asking_again() -> None:
    first = judged(searched("rounded", Goal(examples=40), "softsign", "relu"))
    events = searched("rounded", Goal(examples=80), "softsign", "relu", before=first)
    again = {one.case.id for one in judged(events)}
    assert not again & {one.case.id for one in first}
    assert len(again) + len(first) >= 80


def test_a_finding_that_was_not_reduced_yet_is_reduced_when_the_search_goes_on() -> None:
    first = judged(searched("shifted", Goal(examples=30), "layers.Dense"))
    drawn = [one for one in first if len(one.case.observables) > 1]
    assert any(check.verdict in FAILING for one in drawn for check in one.checks)
    events = searched("shifted", Goal(examples=1), "layers.Dense", before=drawn)
    assert any(len(one.case.observables) == 1 for one in judged(events))


def test_a_case_smaller_than_the_reduced_one_is_reduced_as_well_when_it_is_drawn_later() -> None:
    reduced = Case("activations.relu", inputs=(Literal((2,), (3.25, 0.0)),), observables=("output/0",))
    smaller = draft_activation("relu", {}, recipe("normal", 1))
    first = judged(searched_in(only(reduced), "shifted", Goal(examples=1)))
    later = searched_in(only(smaller), "shifted", Goal(examples=50), before=first)
    (finding,) = findings([*first, *later])
    assert finding.witness.inputs == (Literal((1,), (0.0,)),)
    assert finding.witness.observables == ("output/0",)


def test_what_another_signature_was_reduced_to_is_asked_for_the_failing_observable_alone() -> None:
    both = ("output/0", "again/output/0")
    case = Case("activations.relu", inputs=(Literal((1,), (0.0,)),), observables=both)
    chosen = only(case)
    first = [one for one in judged(searched_in(chosen, "shifted", Goal(examples=1))) if one.case == case]
    later = searched_in(chosen, "shifted", Goal(examples=1), before=first)
    assert {one.observable: one.witness.observables for one in findings([*first, *later])} == {
        "output/0": ("output/0",),
        "again/output/0": both,
    }


def test_a_search_whose_time_is_over_asks_nothing_more() -> None:
    assert judged(searched("rounded", Goal(seconds=0), "relu")) == []


def test_where_nothing_is_left_to_draw_the_search_ends_before_its_goal() -> None:
    case = Case("activations.relu", inputs=(Literal((2,), (3.25, -1.0)),), observables=("output/0",))
    events = searched_in(only(case), "rounded", Goal(examples=50))
    assert [event.case for event in judged(events)] == [case]


def test_rounds_follow_from_the_seed() -> None:
    def seeds(seed: int) -> list[int]:
        return [Searched("layers.Dense", round=n).seed(seed) for n in range(5)]

    assert seeds(3) == seeds(3)
    assert len({*seeds(3), *seeds(4)}) == 10


def test_a_search_that_is_given_up_ends_its_backends() -> None:
    async def first_case() -> Event:
        plan = Plan((), (backend("rounded"),), workers=0, witnesses=False)
        async with aclosing(explore(plan, drawn_of("softsign"), Goal(examples=10_000))) as events:
            async for event in events:
                if isinstance(event, Judged):
                    return event
        raise AssertionError("nothing was judged")

    assert isinstance(anyio.run(first_case), Judged)
    left = [child.cmdline() for child in psutil.Process().children()]
    assert not [line for line in left if ADAPTER in line or "conformance.exploring.drawing" in line]


def no_spaces() -> dict[str, Space]:
    raise LookupError("there is nothing here")


@pytest.mark.parametrize(
    ("make_spaces", "why"),
    [(no_spaces, "LookupError: there is nothing here"), (partial(ended_instead, 7), "exited with code 7")],
)
def test_where_nothing_can_be_drawn_the_search_says_why(make_spaces: MakeSpaces, why: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        searched_in(make_spaces, "rounded", Goal(examples=1))
    assert caught.group_contains(DrawingFailed, match=why)
