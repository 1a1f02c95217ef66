"""Coverage: which classes and arguments a backend was asked about, which it lacks, and which nobody asks.

What a backend has is what it tells itself: its capabilities, and the signatures that it answers. So what the
specification lacks shows too, and nothing is missing silently.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec

from conformance.cases import corpus as corpora
from conformance.cases import models, training
from conformance.cases.case import Case
from conformance.cases.subjects import CLASSES, class_of
from conformance.reference_impl import activations
from conformance.reporting.results import BackendRecord
from conformance.reporting.store import Report
from conformance.runners.protocol import Identity
from conformance.verdicts import Verdict

EXAMPLES = 4
"""How many of an argument's values are shown."""


class State(StrEnum):
    """What is known of a class or an argument on a backend."""

    ASKED = "asked"
    UNSUPPORTED = "unsupported"
    NOT_THERE = "not there"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Place:
    """A class or an argument on one backend.

    Attributes:
        state: `unsupported` where the backend lacks it, `not there` where no case asks for what it has, and
            `unknown` where it did not tell whether it has an argument that the specification lacks.
        asked: how many cases of the class were put to it, or how many values of the argument.
    """

    state: State
    asked: int = 0


@dataclass(frozen=True)
class ArgumentCoverage:
    """An argument of a class.

    Attributes:
        specified: whether the specification has it; a backend alone may.
        examples: some of the values asked of any backend, as JSON, each in its canonical form.
        backends: by name.
    """

    name: str
    specified: bool
    examples: tuple[str, ...]
    backends: Mapping[str, Place]


@dataclass(frozen=True)
class SubjectCoverage:
    """A class, or an activation function.

    Attributes:
        specified: whether the specification has it; a backend alone may.
        aliases: the other names that backends have for it.
        backends: by name.
        arguments: the specification's in its order, then those of backends alone.
    """

    name: str
    specified: bool
    aliases: tuple[str, ...]
    backends: Mapping[str, Place]
    arguments: tuple[ArgumentCoverage, ...]


@dataclass(frozen=True)
class Coverage:
    """Every class and function that the specification or any of the backends has."""

    backends: tuple[str, ...]
    subjects: tuple[SubjectCoverage, ...]


@dataclass(frozen=True)
class Asked:
    """What was asked of a backend, and what it told of itself.

    Attributes:
        cases: those of which it answered anything.
        signatures: by subject, the arguments that its constructor takes.
        declined: the cases of which it said that it lacks all that was asked.
    """

    backend: BackendRecord | Identity
    cases: Collection[Case]
    signatures: Mapping[str, Collection[str]]
    declined: Collection[Case] = ()

    def takes(self, subject: str, argument: str) -> bool:
        """Whether the backend's class or function has the argument: as its signature tells, or else unless it
        declined every case in which it is given."""
        if subject in self.signatures:
            return argument in self.signatures[subject]
        return (subject, argument) not in self._declined_arguments

    @cached_property
    def _declined_arguments(self) -> set[tuple[str, str]]:
        """Subjects and arguments, of which no case was answered in which they are given."""
        return _given(self.declined) - _given(self.cases)


def _given(cases: Iterable[Case]) -> set[tuple[str, str]]:
    """Subjects and the arguments that cases give them."""
    return {(case.subject, argument) for case in cases for argument in case.config}


def of_report(report: Report) -> Coverage:
    """The coverage of a run, by the checks that it made. Cases that are in no corpus count where they are
    the witness of a finding."""
    results = report.results
    known = {case.id: case for case in corpora.load(results.suite.corpus or corpora.NAMES[-1])}
    known |= {finding.case: finding.witness for finding in results.findings}
    cases: dict[str, dict[str, Case]] = defaultdict(dict)
    declined: dict[str, dict[str, Case]] = defaultdict(dict)
    signatures: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for check in report.checks:
        if check.case in known and check.verdict is not Verdict.NOT_RUN and not is_statement(check.subject):
            put = declined if check.verdict is Verdict.UNSUPPORTED else cases
            put[check.backend][check.case] = known[check.case]
        if check.arguments:
            signatures[check.backend][check.subject] = check.arguments
    return cover(
        [
            Asked(
                record,
                cases[record.name].values(),
                signatures[record.name],
                [case for key, case in declined[record.name].items() if key not in cases[record.name]],
            )
            for record in results.backends
        ]
    )


def is_statement(subject: str) -> bool:
    """Whether it is a statement of the guides, which is no class or function."""
    return subject.startswith("guide.")


def cover(asked: Sequence[Asked]) -> Coverage:
    """What was asked of each backend, against all that the specification and the backends have."""
    values = {one.backend.name: _values(one.cases) for one in asked}
    counts = {one.backend.name: Counter(case.subject for case in one.cases) for one in asked}
    specified = _specified()
    had = {
        _own_name(name)
        for one in asked
        for name in one.backend.capabilities.keys() - one.backend.aliases.keys()
        if not is_statement(name)
    }
    aliases: dict[str, set[str]] = defaultdict(set)
    for one in asked:
        for alias, own in one.backend.aliases.items():
            aliases[own].add(alias)
    return Coverage(
        tuple(one.backend.name for one in asked),
        tuple(
            _subject(name, specified.get(name), tuple(sorted(aliases[name])), asked, counts, values)
            for name in sorted(specified.keys() | had)
        ),
    )


def _own_name(subject: str) -> str:
    """The specification's name of an activation function that a backend has by another name."""
    kind, _, name = subject.partition(".")
    try:
        return f"activations.{activations.get(name).name}" if kind == "activations" else subject
    except activations.UnknownActivation:
        return subject


def _specified() -> dict[str, tuple[str, ...]]:
    """The arguments of every subject of the specification, by its name."""
    named = {
        f"{kind}.{name}": tuple(cls.arguments)
        for kind, known in CLASSES.items()
        for name, cls in known.items()
    }
    functions = {f"activations.{e.name}": tuple(e.arguments) for e in activations.ACTIVATIONS.values()}
    return named | functions | dict.fromkeys((*models.SUBJECTS, *training.SUBJECTS), ())


Values = dict[str, dict[str, dict[str, None]]]
"""By subject and argument, the values asked, as JSON, in the order of the cases."""


def _values(cases: Iterable[Case]) -> Values:
    values: Values = defaultdict(lambda: defaultdict(dict))
    for case in cases:
        subject = values[case.subject]
        for argument, value in _arguments(case).items():
            subject[argument][_encoder.encode(value).decode()] = None
    return values


# An optimizer or a schedule that is an argument is told as in Keras's files.
_encoder = msgspec.json.Encoder(order="sorted", enc_hook=lambda argument: argument.serialized())


def _arguments(case: Case) -> dict[str, Any]:
    """The value of every argument in the case, by default too; where the specification refuses them, those
    that are given."""
    kind, _, name = case.subject.partition(".")
    if kind in CLASSES and "identifier" not in case.config:
        try:
            return class_of(case.subject).from_config(case.config).config
        except (TypeError, ValueError):
            return case.config
    if models.is_about_model(case) or training.is_about_training(case) or "identifier" in case.config:
        return {}
    defaults = {
        argument: parameter.default
        for argument, parameter in activations.get(name).arguments.items()
        if parameter.default is not parameter.empty
    }
    return defaults | case.config


def _subject(
    name: str,
    specified: tuple[str, ...] | None,
    aliases: tuple[str, ...],
    asked: Sequence[Asked],
    counts: Mapping[str, Counter[str]],
    values: Mapping[str, Values],
) -> SubjectCoverage:
    told = {argument for one in asked for argument in one.signatures.get(name, ())}
    places = {}
    for one in asked:
        count = counts[one.backend.name][name]
        has = name in one.backend.capabilities
        state = State.ASKED if count else State.NOT_THERE if has else State.UNSUPPORTED
        places[one.backend.name] = Place(state, count)
    arguments = dict.fromkeys([*(specified or ()), *sorted(told)])
    return SubjectCoverage(
        name,
        specified is not None,
        aliases,
        places,
        tuple(
            _argument(name, argument, argument in (specified or ()), asked, values) for argument in arguments
        ),
    )


def _argument(
    subject: str, name: str, specified: bool, asked: Sequence[Asked], values: Mapping[str, Values]
) -> ArgumentCoverage:
    places = {}
    examples: dict[str, None] = {}
    for one in asked:
        given = values[one.backend.name][subject][name]
        place = _place(one, subject, name, specified, len(given))
        places[one.backend.name] = place
        if place.state is State.ASKED:
            examples |= given
    return ArgumentCoverage(name, specified, tuple(list(examples)[:EXAMPLES]), places)


def _place(one: Asked, subject: str, argument: str, specified: bool, count: int) -> Place:
    if subject not in one.backend.capabilities or not one.takes(subject, argument):
        return Place(State.UNSUPPORTED)
    if count:
        return Place(State.ASKED, count)
    if subject not in one.signatures and not specified:
        return Place(State.UNKNOWN)
    return Place(State.NOT_THERE)
