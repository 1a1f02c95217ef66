"""The drafts that the corpus of the next release is made of, one module per kind of subject.

`python -m conformance.cases.drafts` writes them into the package.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from conformance.cases.case import Case
from conformance.cases.drafts import (
    activations,
    arguments,
    callbacks,
    datasets,
    determinism,
    errors,
    guide,
    layers,
    losses,
    methods,
    metrics,
    models,
    optimizers,
    random,
    refusals,
    relations,
    schedules,
    training,
    values,
)

MODULES = (
    layers,
    arguments,
    activations,
    determinism,
    relations,
    random,
    methods,
    losses,
    metrics,
    optimizers,
    schedules,
    values,
    errors,
    refusals,
    models,
    training,
    datasets,
    callbacks,
)


def quick() -> tuple[Case, ...]:
    """The cases of the quick corpus, each once."""
    cases: Iterator[Case] = (case for module in MODULES for case in module.drafts())
    return tuple(apart({case.id: case for case in cases}.values()))


def longer() -> Iterator[Case]:
    """The cases beyond the quick corpus that are not recombined from it: programs that take a minute, and
    laws that take seconds to judge."""
    return itertools.chain(random.more(), guide.drafts())


def apart(cases: Iterable[Case]) -> Iterator[Case]:
    """The same cases, those with one answer not one after the other where it can be helped.

    An answer like the one before it may be that one, sent twice, and costs a new child that is asked again.
    """
    last: Case | None = None
    waiting: list[Case] = []
    for case in cases:
        waiting.append(case)
        while (following := next((one for one in waiting if not _alike(one, last)), None)) is not None:
            waiting.remove(following)
            yield following
            last = following
    yield from waiting


def _alike(case: Case, other: Case | None) -> bool:
    """Whether two cases may well have one answer: the same layer's, of the same inputs or of empty ones."""
    if other is None or case.subject != other.subject:
        return False
    empty = all(0 in source.shape for source in (*case.inputs, *other.inputs))
    return empty or (case.config == other.config and case.inputs == other.inputs)
