"""The matrix of saved models: who has saved them and in which format, by who has loaded them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from conformance.reporting.ledger import Tally
from conformance.reporting.store import Report
from conformance.verdicts import SPECIFICATION, Check, Verdict

PROPERTY = "interchange"

LEGEND = (
    "A row is what one program has saved in one format, a column who has loaded it. In the column of the "
    "specification stands whether the file holds the model that was to be saved; in the others, whether a "
    "backend then has what the file holds: configuration, weights and outputs. A backend that does not load "
    "a format was given the file converted."
)


class Exchange(msgspec.Struct, frozen=True):
    """A place of the matrix.

    Attributes:
        counts: its checks by verdict.
        deviations: how many of them each recorded deviation explains.
        message: of the worst of those that are not as they should be.
    """

    saver: str
    format: str
    loader: str
    verdict: Verdict
    counts: dict[Verdict, int]
    deviations: dict[str, int] = {}
    message: str = ""


class Exchanges(msgspec.Struct, frozen=True):
    """The matrix.

    Attributes:
        rows: (saver, format), the specification's first.
        loaders: the columns, the specification first.
        places: those of which there are checks.
    """

    rows: tuple[tuple[str, str], ...]
    loaders: tuple[str, ...]
    places: tuple[Exchange, ...]

    def place(self, saver: str, format_: str, loader: str) -> Exchange | None:
        wanted = saver, format_, loader
        return next((p for p in self.places if (p.saver, p.format, p.loader) == wanted), None)


def exchanges(report: Report) -> Exchanges | None:
    """The matrix of a run, or None where no models were exchanged."""
    if all(cell.property != PROPERTY for cell in report.results.cells):
        return None
    tallies: defaultdict[tuple[str, str, str], Tally] = defaultdict(Tally)
    explained: defaultdict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    worst: dict[tuple[str, str, str], Check] = {}
    for check in report.checks:
        if not check.format:
            continue
        key = (
            (check.peer, check.format, check.backend)
            if check.peer
            else (check.backend, check.format, SPECIFICATION)
        )
        tallies[key].add(check)
        explained[key].update(check.deviations)
        if key not in worst or check.verdict.severity > worst[key].verdict.severity:
            worst[key] = check
    if not tallies:
        return None
    programs = (SPECIFICATION, *(backend.name for backend in report.results.backends))
    return Exchanges(
        rows=tuple(sorted({(s, f) for s, f, _ in tallies}, key=lambda row: (programs.index(row[0]), row[1]))),
        loaders=tuple(name for name in programs if any(name == loader for _, _, loader in tallies)),
        places=tuple(
            Exchange(
                *key,
                verdict=worst[key].verdict,
                counts=dict(sorted(tallies[key].counts.items(), key=lambda item: -item[0].severity)),
                deviations=dict(explained[key].most_common()),
                message=worst[key].message,
            )
            for key in sorted(tallies)
        ),
    )


def told(place: Exchange) -> str:
    """How many of the checks conform, of how many.

    >>> counts = {Verdict.DIVERGES: 2, Verdict.CONFORMS: 30}
    >>> told(Exchange("specification", "keras", "tfjs-cpu", Verdict.DIVERGES, counts))
    '30 of 32'
    """
    return f"{place.counts.get(Verdict.CONFORMS, 0):,} of {sum(place.counts.values()):,}"


def table_rows(matrix: Exchanges) -> Iterator[tuple[str, str, list[Exchange | None]]]:
    """By row, its places."""
    for saver, format_ in matrix.rows:
        yield saver, format_, [matrix.place(saver, format_, loader) for loader in matrix.loaders]
