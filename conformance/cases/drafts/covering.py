"""Covering arrays: rows of values in which any two values of two factors stand together, if they can at all.

A row has for each factor the number of one of its values. They are found greedily, as by AETG (Cohen, Dalal,
Fredman and Patton, 1997), and always the same. As most combinations may be refused, a row is not made from
nothing: a valid one gets the pair that is due, and is then changed, a factor at a time, to cover more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Row = tuple[int, ...]

NEAREST = 24
"""How many valid rows a pair is put into before it is given up."""

TRIED = 3
"""How many values of a factor are tried for a row."""


def covering_rows(sizes: Sequence[int], bases: Sequence[Row], valid: Callable[[Row], bool]) -> Iterator[Row]:
    """Rows that cover, together with the bases, every pair of values that fits into one of them.

    Args:
        sizes: of each factor, the number of its values.
        bases: valid rows that need not be given again.
        valid: whether the values of a row may stand together.

    >>> rows = list(covering_rows((2, 2, 2), [(0, 0, 0)], lambda row: sum(row) < 3))
    >>> rows
    [(0, 1, 1), (1, 0, 1), (1, 1, 0)]
    """
    missing = Missing(sizes)
    for base in bases:
        missing.remove(base)
    number = 0
    for pair in missing.in_order():
        if pair not in missing:
            continue
        row = _holding(pair, bases, valid)
        if row is None:
            continue
        row = _improved(row, pair, missing, valid, number)
        missing.remove(row)
        number += 1
        yield row


Pair = tuple[tuple[int, int], tuple[int, int]]
"""Two values, each as (factor, value), the lower factor first."""


class Missing:
    """The pairs that no row has yet."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        values = [(factor, value) for factor, size in enumerate(sizes) for value in range(size)]
        self.partners = {one: {other for other in values if other[0] != one[0]} for one in values}

    def __contains__(self, pair: Pair) -> bool:
        one, other = pair
        return other in self.partners[one]

    def in_order(self) -> list[Pair]:
        """Those of the factors with most values first: they say how many rows there have to be."""

        def size(pair: Pair) -> int:
            (one, _), (other, _) = pair
            return self.sizes[one] * self.sizes[other]

        pairs = [(one, other) for one, partners in self.partners.items() for other in partners if one < other]
        return sorted(pairs, key=lambda pair: (-size(pair), pair))

    def remove(self, row: Row) -> None:
        values = set(enumerate(row))
        for value in values:
            self.partners[value] -= values

    def gain(self, value: tuple[int, int], row: Row) -> int:
        """How many pairs the row would cover by this value in place of its own."""
        partners = self.partners[value]
        return sum(other in partners for other in enumerate(row))


def _holding(pair: Pair, bases: Sequence[Row], valid: Callable[[Row], bool]) -> Row | None:
    """A valid row with both values, as near to a base as can be; None where none is found."""

    def distance(row: Row) -> int:
        return sum(row[factor] != value for factor, value in pair)

    for base in sorted(bases, key=distance)[:NEAREST]:
        row = list(base)
        for factor, value in pair:
            row[factor] = value
        if valid(tuple(row)):
            return tuple(row)
    return None


def _improved(row: Row, pair: Pair, missing: Missing, valid: Callable[[Row], bool], number: int) -> Row:
    """The row with other values of the other factors, where it covers more by them."""
    fixed = {factor for factor, _ in pair}
    count = len(row)
    for factor in ((number + i) % count for i in range(count)):
        if factor in fixed:
            continue
        now = missing.gain((factor, row[factor]), row)
        gains = [(missing.gain((factor, value), row), value) for value in range(missing.sizes[factor])]
        better = sorted((item for item in gains if item[0] > now), key=lambda item: (-item[0], item[1]))
        for _, value in better[:TRIED]:
            changed = (*row[:factor], value, *row[factor + 1 :])
            if valid(changed):
                row = changed
                break
    return row
