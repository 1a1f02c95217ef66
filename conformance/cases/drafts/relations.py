"""Drafts about relations: each of a few of the cases about every subject that it says something about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from conformance.cases.case import Case, Recipe
from conformance.cases.drafts import activations, layers
from conformance.cases.relations import PREFIX, RELATIONS

OF_EACH = dict.fromkeys(("batch-halves", "multiple", "channels-last", "window-of-one", "odd"), 1)
OF_EACH |= dict.fromkeys(("each-time", "two-passes", "of-one-cell"), 6)
"""Of how many cases of one subject a relation is asked that is about nearly all of them, or about few."""

SOME = 2
"""And any other."""


def drafts() -> Iterator[Case]:
    taken: Counter[tuple[str, str]] = Counter()
    candidates = [case for case in (*layers.drafts(), *activations.drafts()) if ordinary(case)]
    # Those at all defaults last: in defaults backends differ, and what is no fault of theirs is not asked.
    candidates.sort(key=lambda case: "signature" in case.observables)
    for relation in RELATIONS.values():
        for case in candidates:
            few = taken[relation.name, case.subject] < OF_EACH.get(relation.name, SOME)
            if few and relation.derive(case) is not None:
                taken[relation.name, case.subject] += 1
                yield related(case, relation.name)


def ordinary(case: Case) -> bool:
    """Whether there are outputs, of numbers that a sum of bounds says something about."""
    regimes = {source.regime for source in case.inputs if isinstance(source, Recipe)}
    return "output/0" in case.observables and not regimes & SPECIAL


SPECIAL = {"one_nan", "one_infinity", "wide_exponents", "near_overflow", "subnormals"}


def related(case: Case, relation: str) -> Case:
    """The case with its outputs and what the relation makes of them, and nothing else."""
    outputs = tuple(name for name in case.observables if name.startswith("output/"))
    observables = (*outputs, *(f"{PREFIX}{relation}/{name}" for name in outputs))
    return msgspec.structs.replace(case, cotangents=(), observables=observables)
