"""Asks backends of the zoo the cases about one subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache

import msgspec

from conformance.cases import corpus
from conformance.cases.case import Case
from conformance.runners.protocol import Observed
from conformance.verdicts import BROKEN, FINDINGS, Check
from tests.wrong_backends.correct import AS_NUMPY_ADDS, EQUIVALENT, Variant
from tests.wrong_backends.fault import Fault
from tests.wrong_backends.reference_backend import forget, judge_of, observe
from tests.wrong_backends.zoo import BACKENDS, FAULTS

CORPUS = "standard"

ASKED: tuple[Fault | Variant, ...] = (*FAULTS, AS_NUMPY_ADDS, *EQUIVALENT)
"""The backends of the proof. A fault is not judged where it answers as the specification does in float32:
that there is no alarm then is what `as_numpy_adds` shows."""


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first check that failed.

    Attributes:
        place: of its case in the corpus, from 0.
    """

    place: int
    case: str
    subject: str
    observable: str
    message: str


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one backend on the cases of one subject.

    Attributes:
        cases: how many it was asked.
        failed: by property, how many checks failed.
        first: that failed as it had to: of a fault by the property meant for it, with its verdict.
    """

    subject: str
    backend: str
    cases: int
    failed: dict[str, int]
    first: Kill | None


@dataclass
class Tally:
    """A row while it is counted."""

    cases: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    first: Kill | None = None

    def take(self, backend: Fault | Variant, place: int, checks: Sequence[Check]) -> None:
        self.cases += 1
        for check in checks:
            if check.verdict in FINDINGS | BROKEN:
                self.failed[check.property] += 1
                if self.first is None and is_meant(backend, check):
                    told = check.case, check.subject, check.observable, check.message
                    self.first = Kill(place, *told)


def is_meant(backend: Fault | Variant, check: Check) -> bool:
    """Whether a check that failed had to; of a correct backend any says why it is not one."""
    if isinstance(backend, Variant):
        return True
    return (check.property, check.verdict) == (backend.property, backend.verdict)


@cache
def cases() -> Mapping[str, Sequence[tuple[int, Case]]]:
    """By subject its cases, with their places in the corpus."""
    found: dict[str, list[tuple[int, Case]]] = {}
    for place, case in enumerate(corpus.load(CORPUS)):
        found.setdefault(case.subject, []).append((place, case))
    return found


def concerned(subject: str) -> Iterator[str]:
    """The backends that are asked some of the subject's cases."""
    for backend in ASKED:
        matching = fnmatchcase(subject, backend.subject)
        if matching and any(backend.concerns(case) for _, case in cases()[subject]):
            yield backend.name


def ask(subject: str, names: Sequence[str]) -> list[Row]:
    """Ask the backends of these names all cases about the subject that concern them."""
    tallies = {name: Tally() for name in names}
    for place, case in cases()[subject]:
        forget()
        right = observe(case)
        for name, tally in tallies.items():
            backend = BACKENDS[name]
            if backend.concerns(case):
                tally.take(backend, place, judged(backend, case, right))
    return [Row(subject, name, t.cases, dict(t.failed), t.first) for name, t in tallies.items()]


def judged(backend: Fault | Variant, case: Case, right: Mapping[str, Observed]) -> Sequence[Check]:
    """The checks of a backend's answer, given what is right in float32."""
    said = backend.said if isinstance(backend, Fault) else None
    try:
        answer = observe(case, backend.replaced, said)
    except Exception as error:
        error.add_note(
            f"{backend} fails on the case {case.id} about {case.subject}: mend it, it is no answer"
        )
        raise
    if isinstance(backend, Fault) and answer == right and not backend.arithmetic:
        return ()
    return judge_of(**backend.arithmetic).checks(case, answer)
