"""Drafts about whole models, which go from every program to every other."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.cases.case import Case
from conformance.cases.drafts.models import designed, drawn

QUICK_KEYS = range(2)
"""Of the drawn ones in the quick corpus; each goes between all backends in all formats, which takes its
time."""

STANDARD_KEYS = range(2, 32)


def drafts() -> Iterator[Case]:
    yield from designed.drafts()
    yield from drawn.drafts(QUICK_KEYS)


def more() -> Iterator[Case]:
    """What the standard corpus has beyond them."""
    yield from designed.more()
    yield from drawn.drafts(STANDARD_KEYS)
