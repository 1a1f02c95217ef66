"""The drafts that the corpus of the next release is made of, one module per kind of subject.

`python -m conformance.cases.drafts` writes them into the package.
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cases.case import Case
from conformance.cases.drafts import (
    activations,
    arguments,
    determinism,
    errors,
    layers,
    methods,
    models,
    random,
    relations,
)

MODULES = (layers, arguments, activations, determinism, relations, random, methods, errors, models)


def quick() -> tuple[Case, ...]:
    """The cases of the quick corpus, each once."""
    cases: Iterator[Case] = (case for module in MODULES for case in module.drafts())
    return tuple({case.id: case for case in cases}.values())
