"""What the specification answers to a case: for each observable a value with its bound, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.expected import Expected, Refusal
from conformance.cases.parts import PARTS
from conformance.cases.question import Question
from conformance.cases.subjects.kinds import SUBJECTS
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.patches import patched


class Answers:
    """The specification's answers to the observables of a case, computed when they are first asked for.

    Under an arithmetic they are the truth, in float64, with the bounds that the arithmetic implies; under
    None they are computed in the precision of the data (the fast mode), and have no bounds.
    """

    def __init__(
        self,
        case: Case,
        data: Data,
        arithmetic: Arithmetic | None,
        patches: Mapping[str, Any] | None = None,
        *,
        recorded: bool = False,
        own: Mapping[str, Array] | None = None,
    ) -> None:
        """The answers, with the specification's functions and defaults patched (`patches.patched`).

        Args:
            recorded: whether every tensor keeps how it was made, also where no gradient can be asked for.
            own: the arrays that a backend has answered, from which steps of training go on; from those of the
                specification itself, where there are none.
        """
        self.case, self.data, self.arithmetic, self.patches = case, data, arithmetic, patches or {}
        self.recorded, self.own = recorded, own or {}
        self.reached: set[str] = set()
        self._question: Question | Refusal | None = None
        self._found: dict[str, Expected] = {}

    def __getitem__(self, observable: str) -> Expected:
        """The answer; the targets of patches that were needed for it are added to `reached`."""
        if observable not in self._found:
            if self.patches:
                with patched(self.patches) as reached:
                    try:
                        self._found |= self._together_with(observable)
                    finally:
                        self.reached |= reached
            else:
                self._found |= self._together_with(observable)
        return self._found[observable]

    def _together_with(self, observable: str) -> dict[str, Expected]:
        """The observables that are found in one way with this one."""
        if self._question is None:
            self._question = self._ask()
        group = part(observable)
        names = [name for name in self.case.observables if part(name) == group]
        if isinstance(self._question, Refusal):
            return dict.fromkeys(names, self._question)
        at, observe = PARTS[group]
        try:
            return observe(self._question, names)
        except ValueError as error:
            return dict.fromkeys(names, Refusal(at, str(error)))

    def _ask(self) -> Question | Refusal:
        try:
            subject = SUBJECTS[self.case.subject.partition(".")[0]](self.case)
            return Question(subject, self.data, self.arithmetic, self.recorded, self.own)
        except (TypeError, ValueError) as error:
            return Refusal("construction", str(error))


@cache
def part(observable: str) -> str:
    """The group of observables that are computed together: the longest key of `PARTS` it begins with; none
    of what answers to other cases tell (`relations`)."""
    return max((key for key in PARTS if (observable + "/").startswith(key + "/")), key=len, default="")
