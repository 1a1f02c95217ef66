"""Drafts about the statements of the guides: a case for each row."""

from collections.abc import Iterator

from conformance.cases.case import Case
from conformance.cases.guide import ROWS


def drafts() -> Iterator[Case]:
    for row in ROWS.values():
        yield row.case
