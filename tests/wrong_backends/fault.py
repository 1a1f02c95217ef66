"""What a deliberately wrong backend is: its fault's name, the property meant for it, and what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from conformance.cases.case import Case
from conformance.reference_impl.primitives.primitive import Primitive
from conformance.verdicts import Verdict

from .reference_backend import Replacements, Said

LAYERS = "conformance.reference_impl.layers"


def rule(primitive: str, name: str) -> str:
    """Where a rule of a primitive stands, its `value`, `vjp` or `compose`."""
    owner = type(Primitive.every[primitive])
    return f"{owner.__module__}:{owner.__qualname__}.{name}"


@dataclass(frozen=True)
class Fault:
    """A wrong backend.

    Attributes:
        property: the one meant for it.
        subject: a pattern of the subjects that it gets wrong.
        replaced: what stands in the place of functions of the specification.
        said: what becomes of answers that are right.
        verdict: the one that the fault gets.
        arithmetic: what it declares, where that is not the default.
        corpus: the smallest that has a case for it.
    """

    name: str
    property: str
    subject: str
    replaced: Replacements | None = None
    said: Said | None = None
    verdict: Verdict = Verdict.DIVERGES
    arithmetic: Mapping[str, Any] = field(default_factory=dict)
    corpus: str = "quick"

    def concerns(self, case: Case) -> bool:
        return fnmatchcase(case.subject, self.subject)

    def __str__(self) -> str:
        return self.name
