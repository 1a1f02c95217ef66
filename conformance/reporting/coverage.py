"""Renders the coverage of a run as Markdown: class × argument × backend, and what is not there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from conformance.coverage import ArgumentCoverage, Coverage, Place, State, SubjectCoverage, of_report
from conformance.reporting.legend import by_kind
from conformance.reporting.markdown import escape, joined, table
from conformance.reporting.store import Report

LONGEST = 40
"""Characters of a value that are shown."""

LEGEND = (
    "*asked N*: N values of an argument, its default among them, or N cases of a class, were put to the "
    "backend; *unsupported*: the backend lacks it; **not there**: the backend has it, and nobody asks: the "
    "specification lacks it, or no case does; *unknown*: the backend did not tell whether it has it."
)


def render(report: Report) -> str:
    """The coverage of the run."""
    suite = report.results.suite
    cases = f"corpus {suite.corpus}" if suite.corpus else "single cases"
    return table_of(of_report(report), f"Suite {suite.version}, {cases}.")


def table_of(coverage: Coverage, scope: str) -> str:
    """Totals, what is not there, and a table for each class and function of the specification.

    Args:
        scope: what was asked, in a sentence.
    """
    specified = [subject for subject in coverage.subjects if subject.specified]
    return joined(
        ["# Coverage", f"{scope} {LEGEND}"],
        _totals(coverage),
        _not_there(coverage),
        ["## Subjects"],
        _subjects(coverage, specified),
        *(_arguments(coverage, subject) for subject in specified if subject.arguments),
    )


def _totals(coverage: Coverage) -> Iterator[str]:
    """How many classes, functions and arguments each backend is in each state with."""
    rows = []
    kinds = {
        kind: [s for s in coverage.subjects if s.name.startswith(f"{kind}.")]
        for kind in ("layers", "activations", "losses", "metrics")
    }
    for what, places in (
        *((kind, _places(subjects)) for kind, subjects in kinds.items()),
        ("arguments", _places(a for s in coverage.subjects if s.specified for a in s.arguments)),
    ):
        for backend in coverage.backends:
            counts = Counter(place[backend].state for place in places)
            rows.append([what, escape(backend), *(f"{counts[state]:,}" for state in State)])
    yield from table(["", "Backend", *State], rows, "ll" + "r" * len(State))


def _places(rows: Iterable[SubjectCoverage | ArgumentCoverage]) -> list[dict[str, Place]]:
    return [dict(row.backends) for row in rows]


def _not_there(coverage: Coverage) -> Iterator[str]:
    """What backends have and nobody asks: whole subjects, and arguments of subjects of the specification."""
    yield "## Not there"
    subjects: dict[str, list[str]] = defaultdict(list)
    for subject in coverage.subjects:
        if lacking := _where(subject, lambda place: place.state is State.NOT_THERE):
            subjects[lacking].append(subject.name)
    rows = [[escape(backends), escape(", ".join(names))] for backends, names in subjects.items()]
    yield from table(["Backends", "Classes and functions"], rows, "ll")
    yield from _arguments_where(coverage, lambda place: place.state is State.NOT_THERE)
    yield "## Asked at one value"
    yield from _arguments_where(coverage, lambda place: place == Place(State.ASKED, 1))


def _arguments_where(coverage: Coverage, holds: Callable[[Place], bool]) -> Iterator[str]:
    """The arguments of the specification's subjects of whose places on some backends something holds."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for subject in coverage.subjects:
        for argument in subject.arguments if subject.specified else ():
            if where := _where(argument, holds):
                found[argument.name, where].append(subject.name)
    rows = [
        [escape(name), escape(backends), str(len(names)), escape(", ".join(names))]
        for (name, backends), names in sorted(found.items())
    ]
    yield from table(["Argument", "Backends", "Subjects", ""], rows, "llrl")


def _where(row: SubjectCoverage | ArgumentCoverage, holds: Callable[[Place], bool]) -> str:
    return ", ".join(backend for backend, place in row.backends.items() if holds(place))


def _subjects(coverage: Coverage, subjects: Sequence[SubjectCoverage]) -> Iterator[str]:
    """Each subject, and how many cases about it were put to each backend."""
    named = {subject.name: subject for subject in subjects}
    for kind, names in by_kind(set(named)):
        rows = [[escape(name), *_states(coverage, named[name])] for name in names]
        yield from table(
            [escape(kind), *map(escape, coverage.backends)], rows, "l" * (1 + len(coverage.backends))
        )


def _arguments(coverage: Coverage, subject: SubjectCoverage) -> Iterator[str]:
    """Each argument of a subject, with values asked."""
    yield f"## {escape(subject.name)}"
    if subject.aliases:
        yield f"Also {escape(', '.join(subject.aliases))}."
    rows = [
        [
            escape(argument.name)
            if argument.specified
            else f"{escape(argument.name)} (not in the specification)",
            escape(", ".join(map(_shortened, argument.examples))),
            *_states(coverage, argument),
        ]
        for argument in subject.arguments
    ]
    yield from table(
        ["Argument", "Values", *map(escape, coverage.backends)], rows, "ll" + "l" * len(coverage.backends)
    )


def _states(coverage: Coverage, row: SubjectCoverage | ArgumentCoverage) -> Iterator[str]:
    for backend in coverage.backends:
        place = row.backends[backend]
        match place.state:
            case State.ASKED:
                yield f"asked {place.asked:,}"
            case State.NOT_THERE:
                yield "**not there**"
            case state:
                yield state


def _shortened(value: str) -> str:
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
