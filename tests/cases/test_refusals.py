"""The drafts of what is to be refused around training: each spoils a sound case, and the specification says
what is wrong."""

from __future__ import annotations

import re

import msgspec
import pytest

from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.drafts import errors, refusals
from conformance.cases.expected import Refusal, Structure
from conformance.cases.subjects import CLASSES
from conformance.reference_impl import identified
from conformance.reference_impl.fields import Kind
from conformance.reference_impl.identifiers import Allowed
from tests.answers import answer

DRAFTS = {
    case.id: case
    for draft in (
        refusals.drafts,
        refusals.of_callbacks,
        refusals.of_losses,
        refusals.of_metrics,
        refusals.of_optimizers,
        refusals.of_schedules,
        refusals.of_training,
        refusals.of_values,
    )
    for case in draft()
}
OUR_WORDS = re.compile(
    "`|argument|has no|expected|shape|unknown|the gradient|cannot be inside|same number of samples|no loss|"
    "the loss is|at least one batch"
)
RUNS = (refusals.classifying, refusals.classifying_by_number, refusals.forking)
DECLARED = [
    cls for kind in ("losses", "metrics", "optimizers", "schedules") for cls in CLASSES[kind].values()
]
KINDS = {id(f.kind): f.kind for cls in DECLARED for f in cls.arguments.values()}
ALLOWED = {
    id(allowed): allowed
    for classes in identified.CLASSES.values()
    for cls in classes.values()
    for entry in cls.table
    for allowed in entry.allowed.values()
}


@pytest.mark.parametrize("subject", sorted({case.subject for case in DRAFTS.values()}))
def test_specification_refuses_every_draft_and_says_why(subject: str) -> None:
    """In words of ours, not of an array library's."""
    for case in (case for case in DRAFTS.values() if case.subject == subject):
        (refused,) = answer(case, make(case), None).values()
        assert isinstance(refused, Refusal), case
        assert OUR_WORDS.search(refused.message), (refused.message, case)


def accepted(case: Case) -> bool:
    asked = msgspec.structs.replace(case, observables=("refusal",))
    return answer(asked, make(asked), None) == {"refusal": Structure(None)}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_runs_that_are_spoilt_were_sound(run: refusals.Run) -> None:
    assert accepted(run())
    assert all(accepted(refusals.given(run(), method)) for method in refusals.ARGUMENTS)


@pytest.mark.parametrize(("name", "config"), [*refusals.sound_optimizers()])
def test_optimizers_that_are_spoilt_were_sound(name: str, config: refusals.Config) -> None:
    assert accepted(refusals.update(name, config))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.allowed)
def test_kind_refuses_the_values_that_it_says_it_does(kind: Kind) -> None:
    for value in kind.refused:
        with pytest.raises((ValueError, TypeError, KeyError)):
            kind.parse(value)


@pytest.mark.parametrize("allowed", ALLOWED.values(), ids=lambda allowed: allowed.words)
def test_what_identifiers_refuse_is_not_allowed(allowed: Allowed) -> None:
    assert allowed.refused
    assert not any(map(allowed.holds, allowed.refused))


def test_nothing_but_the_refusal_is_asked() -> None:
    assert all(case.to_be_refused for case in DRAFTS.values())


@pytest.mark.parametrize("kind", ["losses", "optimizers", "schedules", *identified.CLASSES])
def test_every_class_is_asked_for_an_unknown_argument(kind: str) -> None:
    asked = {case.subject for case in DRAFTS.values() if case.config.items() >= errors.UNKNOWN.items()}
    assert asked >= {f"{kind}.{name}" for name in CLASSES[kind]}


def test_arguments_that_are_not_asked_are_some() -> None:
    arguments = {name for cls in DECLARED for name in cls.arguments}
    assert {*refusals.UNASKED, *refusals.COMMON} <= arguments
