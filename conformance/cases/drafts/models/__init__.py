"""Drafts about whole models, which go from every program to every other."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cases.case import Case
from conformance.cases.drafts.models import designed, drawn

KEYS = range(32)
"""Of the drawn ones, in the standard corpus: each goes between all backends in all formats, which takes its
time."""


def drafts() -> Iterator[Case]:
    return designed.drafts()


def more() -> Iterator[Case]:
    """What the standard corpus has beyond them."""
    yield from designed.more()
    yield from drawn.drafts(KEYS)
