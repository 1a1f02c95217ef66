"""What a property is: the observables that it judges, and the form in which structures are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from conformance.cases.case import Case

Canonical = Callable[[Case, Any, Any], tuple[Any, Any]]
"""(case, expected structure, observed structure) → both in the one form in which they are compared"""


def as_they_are(case: Case, expected: Any, observed: Any) -> tuple[Any, Any]:
    return expected, observed


@lru_cache(maxsize=4096)
def matches(patterns: tuple[str, ...], observable: str) -> bool:
    """Whether any of the patterns (`fnmatch`) has the observable; the same few are asked at every case."""
    return any(fnmatchcase(observable, pattern) for pattern in patterns)


@lru_cache(maxsize=4096)
def basis(observable: str) -> str:
    """The observable of the same answer that this one has to do with, or itself.

    >>> basis("again/output/0"), basis("relation/batch-halves/output/0"), basis("training/output/0")
    ('output/0', 'output/0', 'training/output/0')
    """
    match observable.split("/"):
        case ["again", *rest] | ["relation", _, *rest]:
            return "/".join(rest)
        case ["loaded" | "saved", *rest]:
            return "/".join(rest)
    return observable


def with_basis(observable: str) -> tuple[str, ...]:
    """What has to be asked to judge the observable."""
    return tuple(dict.fromkeys((basis(observable), observable)))


@dataclass(frozen=True, eq=False)
class Property:
    """A statement about a backend that observations decide.

    Attributes:
        name: in reports and on the command line.
        summary: what holds where it holds, in a line.
        observables: patterns (`fnmatch`) of the observables that it judges.
        canonical: brings a structure into the form in which spellings do not matter.
    """

    name: str
    summary: str
    observables: tuple[str, ...]
    canonical: Canonical = as_they_are


@lru_cache(maxsize=1024)
def pairs(properties: tuple[Property, ...], observables: tuple[str, ...]) -> tuple[tuple[Property, str], ...]:
    """Each property with each of the observables that it judges; many cases have the same."""
    return tuple((p, o) for p in properties for o in observables if matches(p.observables, o))
