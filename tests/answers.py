"""The specification's answers to a whole case at once."""

from __future__ import annotations

from conformance.cases.answer import Answers
from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.expected import Expected
from conformance.cases.relations import relation_of
from conformance.reference_impl.arithmetic import Arithmetic


def answer(case: Case, data: Data, arithmetic: Arithmetic | None) -> dict[str, Expected]:
    """The answer to every observable that the case asks, relations apart, see `Answers`."""
    answers = Answers(case, data, arithmetic)
    return {name: answers[name] for name in case.observables if relation_of(name) is None}
