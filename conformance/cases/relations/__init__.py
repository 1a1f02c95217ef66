"""Metamorphic relations: what a backend's answers to several cases have to do with one another.

A case asks for one by the observable `relation/NAME/output/0`. No backend is asked that: the engine asks it
for the outputs of the cases that the relation derives from this one, as it asks any other, and whether they
make up the output of the case itself is judged on the backend's own answers. To add a relation: a function
from a case to its `Derivation`, and its `Relation` in the `RELATIONS` of its family's module.
"""

from __future__ import annotations

from contextlib import suppress

from conformance.cases.case import Case
from conformance.cases.relations import linear, samples, time, windows
from conformance.cases.relations.relation import Derivation, Relation

RELATIONS: dict[str, Relation] = {
    r.name: r for r in (*samples.RELATIONS, *time.RELATIONS, *windows.RELATIONS, *linear.RELATIONS)
}
"""Every relation by name."""

PREFIX = "relation/"


def relation_of(observable: str) -> str | None:
    """The name of the relation that an observable asks for; None where it is one that backends are asked.

    >>> relation_of("relation/batch-halves/output/0"), relation_of("output/0")
    ('batch-halves', None)
    """
    return observable.split("/")[1] if observable.startswith(PREFIX) else None


def derivations(case: Case) -> dict[str, Derivation]:
    """What the outputs of the case follow from, by the names of the relations that it asks for; without those
    that there are not, or that say nothing about it."""
    found = {}
    for name in dict.fromkeys(map(relation_of, case.observables)):
        if name in RELATIONS:
            # A case that somebody has written may make no sense, which its other observables tell.
            with suppress(LookupError, TypeError, ValueError):
                found[name] = RELATIONS[name].derive(case)
    return {name: derivation for name, derivation in found.items() if derivation is not None}


def asked_beside(case: Case) -> dict[str, Case]:
    """The cases that a backend is asked beside this one, by what stands before their observables in its
    answer."""
    return {
        f"{PREFIX}{name}/{index}/": derived
        for name, derivation in derivations(case).items()
        for index, derived in enumerate(derivation.cases)
    }


__all__ = ["PREFIX", "RELATIONS", "Derivation", "Relation", "asked_beside", "derivations", "relation_of"]
