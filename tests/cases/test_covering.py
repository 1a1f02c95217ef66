"""Covering arrays: every pair that fits into a valid row stands in one, and no row is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest

from conformance.cases.drafts.covering import Row, covering_rows

SIZES = (4, 3, 2, 3, 1)


def pairs(rows: Iterable[Row]) -> set[frozenset[tuple[int, int]]]:
    return {frozenset(pair) for row in rows for pair in itertools.combinations(enumerate(row), 2)}


def all_rows(valid: Callable[[Row], bool]) -> list[Row]:
    return [row for row in itertools.product(*map(range, SIZES)) if valid(row)]


def anything(row: Row) -> bool:
    return True


def sums_to_few(row: Row) -> bool:
    return sum(row) < 5


def excluding(row: Row) -> bool:
    """The largest value of the first factor goes with one value of the others alone."""
    return row[0] != 3 or row[1:4] == (0, 0, 0)


@pytest.mark.parametrize("valid", [anything, sums_to_few, excluding])
def test_every_pair_that_fits_into_a_valid_row_stands_in_one(valid: Callable[[Row], bool]) -> None:
    base = (0, 0, 0, 0, 0)
    rows = list(covering_rows(SIZES, [base], valid))
    assert all(valid(row) for row in rows)
    assert pairs([base, *rows]) == pairs(all_rows(valid))


def test_what_the_bases_cover_is_not_covered_again() -> None:
    everything = all_rows(anything)
    assert list(covering_rows(SIZES, everything, anything)) == []


def test_rows_are_few_and_always_the_same() -> None:
    rows = list(covering_rows(SIZES, [(0,) * 5], anything))
    assert len(rows) <= 14  # no fewer than 4 · 3 can do; all would be 72
    assert list(covering_rows(SIZES, [(0,) * 5], anything)) == rows
