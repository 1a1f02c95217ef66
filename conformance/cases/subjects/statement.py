"""A statement of the guides as a subject."""

from __future__ import annotations

from conformance.cases.case import Case
from conformance.cases.guide import facts_of
from conformance.cases.subjects.subject import Subject


class StatementSubject(Subject):
    """A statement of the guides."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.facts = facts_of(case)
