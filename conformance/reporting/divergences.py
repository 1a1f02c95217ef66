"""Renders the recorded deviations as Markdown, `docs/divergences.md`: what differs from Keras, since when,
why, and what to do.

It is made of the dialects alone, and of what the specification computes of their witnesses with a deviation
and without it: no backend is asked. `python -m conformance.reporting.divergences` prints it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance import dialects
from conformance.cases.answer import Answers
from conformance.cases.case import Case
from conformance.cases.data import make
from conformance.cases.properties.property import matches
from conformance.cases.subjects import CLASSES
from conformance.checks import same
from conformance.dialects.deviation import (
    About,
    Accepts,
    Deviation,
    Dialect,
    Metadata,
    Raises,
    Unpredictable,
    Value,
)
from conformance.dialects.versions import Requirement
from conformance.reference_impl.fields import REQUIRED
from conformance.reporting.markdown import escape, joined, table
from conformance.reporting.page.subjects import families

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "TensorFlow.js": ("tfjs-cpu", "tfjs-wasm"),
    "Keras 3 on TensorFlow": ("keras-tensorflow", "keras-tensorflow-onednn"),
    "Keras 2 on TensorFlow": ("keras2-tensorflow",),
}
"""The backends that have a dialect, by the program that they run."""

FOREMOST = 12
"""How many deviations of TensorFlow.js are shown first."""

NAMED = 12
"""How many classes and functions are named; of more, their number is."""

SEVERAL = "several families"
"""Of a deviation that shows in more than one family of subjects."""

EFFECTS = (Value, Unpredictable, Raises, Accepts, Metadata)
"""In which order deviations are told: what computes something else comes first."""

ASPECTS = {
    "again": "output",
    "config": "configuration",
    "drawn": "what is drawn",
    "dtype": "dtype",
    "evaluate": "evaluation",
    "file": "saved file",
    "fit": "training run",
    "gradient": "gradient",
    "guide": "the guide's program",
    "identifier": "name",
    "loaded": "loaded model",
    "mask": "mask",
    "memory": "memory left",
    "methods": "methods",
    "method": "methods",
    "output": "output",
    "predict": "prediction",
    "random": "what is drawn",
    "reconstructed": "layer made from its configuration",
    "reconstructed/config": "configuration",
    "refusal": "refusal",
    "result": "result",
    "saved": "saved file",
    "seeds": "what a seed repeats",
    "shape": "inferred shape",
    "signature": "arguments",
    "slot": "update",
    "state": "result",
    "test_on_batch": "evaluation",
    "train_on_batch": "training run",
    "training": "output in training",
    "training/gradient": "gradient",
    "training/state": "statistics in training",
    "update": "update",
    "weights": "list of weights",
}
"""What an observable is about, by the longest beginning of its name."""

FOLLOWS = {
    ASPECTS["file"]: ASPECTS["config"],
    ASPECTS["loaded"]: ASPECTS["config"],
    ASPECTS["reconstructed"]: ASPECTS["output"],
}
"""What goes without saying where another thing is said."""

OCCASIONS = {
    "build": "when it is built",
    "call": "when it is called",
    "config": "when it tells its configuration",
    "construction": "when it is made",
    "gradient": "when a gradient is taken",
    "load": "when it is loaded",
    "reconstruction": "when it is made from its configuration",
    "shape": "when a shape is inferred",
}
"""When something is refused, by `Raises.at`."""

LEGEND = (
    "Keras is here what Keras 3 documents, made executable; where Keras 3 on TensorFlow itself does "
    "otherwise, that is told too. Each entry is recorded in the suite "
    "([`conformance/dialects`](../conformance/dialects)) with cases that show it, and that are asked of the "
    "released programs on every run: an entry that no longer holds fails the run, and so does a difference "
    "that is not recorded. What is not here was asked and is alike, or was not asked "
    "([reports/coverage.md](../reports/coverage.md))."
)

COLUMNS = (
    "*Shows as*: what comes out otherwise; *refused* is an error that the program means, *fails* one that it "
    "does not. A **bug** contradicts what the program documents, or Keras, for no reason that is given; "
    "*intentional* is what is written so, or said to be missing; *precision* is a matter of rounding.\n\n"
    "*Since*: the first release whose source has the cause, as its history tells, or that of Keras where it "
    "is Keras that has changed. *Why*: the cause in the released source, and the thread about it if one was "
    "found.\n\n"
    "`conformance convert` carries a Keras model to TensorFlow.js and back, and `conformance check` says of "
    "a model which of these concern it."
)

BY_WHICH_RULE = (
    "Those that change the output of a layer in inference, without any error, on ordinary numbers: nothing "
    "empty, no NaN and no infinity. First those that need the fewest arguments beside the required ones, "
    "then those on the most backends, then those in the most layers and functions; others about the same "
    "layers stand with the first."
)


@dataclass(frozen=True)
class Difference:
    """What is recorded in the same words, of one layer or of several.

    Attributes:
        deviations: alike in all but their scopes, sources and witnesses.
        backends: those that have them.
    """

    deviations: tuple[Deviation, ...]
    backends: tuple[str, ...]

    @property
    def first(self) -> Deviation:
        return self.deviations[0]

    @cached_property
    def subjects(self) -> frozenset[str]:
        """What it is about."""
        return frozenset(subject for d in self.deviations for subject in subjects_of(d))

    @cached_property
    def aspects(self) -> tuple[str, ...]:
        """What is other than specified: of values that are computed otherwise, what is so in a witness; of
        the rest, what is recorded."""
        changed = [name for d in self.deviations for case in d.witnesses for name in changes(d, case)]
        found = dict.fromkeys(aspect(name) for name in changed or self.first.effect.observables)
        return tuple(name for name in found if FOLLOWS.get(name) not in found)

    @cached_property
    def silent_on(self) -> tuple[Case, ...]:
        """The witnesses of ordinary numbers whose output in inference is another one, without an error."""
        return tuple(
            case
            for d in self.deviations
            for case in d.witnesses
            if ordinary(case) and changes_output(d, case)
        )

    @cached_property
    def rank(self) -> tuple[int, int, int, str]:
        """How soon a user meets it, the soonest first."""
        given = min(len(optional_arguments(case)) for case in self.silent_on)
        return given, -len(self.backends), -len(self.subjects), self.first.id

    @property
    def shows(self) -> str:
        """In a few words."""
        what = ", ".join(self.aspects)
        match self.first.effect:
            case Value():
                return f"computes otherwise: {what}"
            case Metadata():
                return f"tells otherwise: {what}"
            case Raises(kind="internal", at=at):
                return f"fails {OCCASIONS[at]}"
            case Raises(at=at):
                return f"refused {OCCASIONS[at]}"
            case Accepts():
                return "accepts what is wrong"
            case Unpredictable():
                return f"unpredictable: {what}"


def subjects_of(deviation: Deviation) -> frozenset[str]:
    """All that its scope names, if it does; else what its witnesses are about."""
    if isinstance(deviation.scope, About):
        return deviation.scope.subjects
    return frozenset(case.subject for case in deviation.witnesses)


def family_of(deviation: Deviation) -> str:
    found = families(subjects_of(deviation))
    return found[0].name if len(found) == 1 else SEVERAL


def changes(deviation: Deviation, case: Case) -> tuple[str, ...]:
    """The observables of a witness that the deviation's patches change."""
    effect = deviation.effect
    if not isinstance(effect, Value):
        return ()
    data = make(case)
    plain, patched = Answers(case, data, None), Answers(case, data, None, effect.patches)
    with np.errstate(all="ignore"):
        return tuple(
            name
            for name in case.observables
            if matches(effect.observables, name) and not same(plain[name], patched[name])
        )


def changes_output(deviation: Deviation, case: Case) -> bool:
    """Whether the output of a call in inference is another one, or may be."""
    if isinstance(deviation.effect, Unpredictable):
        return matches(deviation.effect.observables, "output/0")
    return any(aspect(name) == "output" for name in changes(deviation, case))


def ordinary(case: Case) -> bool:
    """Whether it is about a layer or function, and its inputs are finite, and not empty."""
    return case.subject.startswith(("layers.", "activations.")) and all(
        x.size and np.isfinite(x).all() for x in make(case).inputs
    )


def aspect(observable: str) -> str:
    """What an observable, or a pattern of observables, is about.

    >>> aspect("training/gradient/input/0"), aspect("output/*"), aspect("*")
    ('gradient', 'output', 'anything')
    """
    beginnings = [name for name in ASPECTS if f"{observable}/".startswith(f"{name}/")]
    return ASPECTS[max(beginnings, key=len)] if beginnings else "anything"


def optional_arguments(case: Case) -> set[str]:
    """The arguments that the case gives and need not."""
    kind, _, name = case.subject.partition(".")
    subject = CLASSES.get(kind, {}).get(name)
    required = {n for n, f in subject.arguments.items() if f.default is REQUIRED} if subject else set()
    return case.config.keys() - required


def differences(of_backends: Mapping[str, Dialect]) -> dict[str, list[Difference]]:
    """By family of subjects; every recorded deviation is in one of them."""
    having: dict[str, list[str]] = {}
    recorded: dict[str, Deviation] = {}
    for backend, dialect in of_backends.items():
        for deviation in dialect.deviations:
            recorded[deviation.id] = deviation
            having.setdefault(deviation.id, []).append(backend)
    alike: dict[tuple[str, ...], list[Deviation]] = {}
    for d in sorted(recorded.values(), key=lambda d: (EFFECTS.index(type(d.effect)), d.id)):
        words = (d.summary, d.remedy, d.converted, d.kind, d.effect.name, *having[d.id])
        alike.setdefault((family_of(d), *words), []).append(d)
    order = [
        SEVERAL,
        *(family.name for family in families(s for d in recorded.values() for s in subjects_of(d))),
    ]
    found: dict[str, list[Difference]] = {family: [] for family in order}
    for (family, *_), deviations in alike.items():
        found[family].append(Difference(tuple(deviations), tuple(having[deviations[0].id])))
    return {family: members for family, members in found.items() if members}


def built_in() -> dict[str, Dialect]:
    """The dialects that the suite brings, by backend."""
    return {name: dialects.load(module)[name] for name, module in dialects.BUILT_IN.items()}


def render(of_backends: Mapping[str, Dialect]) -> str:
    """The page about these backends, each of which is of one of the `PROGRAMS`."""
    programs = {
        program: differences({name: of_backends[name] for name in names if name in of_backends})
        for program, names in PROGRAMS.items()
    }
    return joined(
        ["# What differs from Keras", LEGEND],
        _foremost(foremost(itertools.chain.from_iterable(programs["TensorFlow.js"].values()))),
        ["## How to read the tables", COLUMNS, _contents(programs)],
        *(_program(program, found) for program, found in programs.items()),
    )


def foremost(found: Iterable[Difference]) -> list[list[Difference]]:
    """Those that a user meets first, without being told; what is about the same layers stands together."""
    silent = [d for d in found if d.first.kind != "precision" and d.silent_on]
    together: dict[frozenset[str], list[Difference]] = {}
    for difference in sorted(silent, key=lambda d: d.rank):
        together.setdefault(difference.subjects, []).append(difference)
    return list(together.values())[:FOREMOST]


def _foremost(found: Iterable[Sequence[Difference]]) -> Iterator[str]:
    yield "## The dozen of TensorFlow.js that bite most"
    yield BY_WHICH_RULE
    lines = []
    for first, *others in found:
        where = f"{_backends(first.backends)}: [more](#{first.first.id})"
        where += "".join(f", [{_backends(d.backends)}: {d.first.id}](#{d.first.id})" for d in others)
        lines.append(f"1. {_told(first)}<br>{where}")
    yield "\n".join(lines)


def _contents(programs: Mapping[str, Mapping[str, Sequence[Difference]]]) -> str:
    """Links to the tables, with the numbers of their rows."""
    return "\n".join(
        f"- {program} ({_backends(PROGRAMS[program])}): "
        + ", ".join(f"[{name}](#{_slug(program, name)}) {len(found)}" for name, found in by_family.items())
        for program, by_family in programs.items()
    )


def _slug(program: str, family: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{program} {family}".lower())


def _program(program: str, found: Mapping[str, Sequence[Difference]]) -> Iterator[str]:
    """A table for each family of subjects."""
    yield f"## {program}"
    yield f"Recorded of {', '.join(_versions(itertools.chain.from_iterable(found.values())))}."
    for family, members in found.items():
        yield f'### <a id="{_slug(program, family)}"></a>{program}: {family}'
        rows = (_row(difference, len(PROGRAMS[program])) for difference in members)
        yield from table(["What differs, and what to do", "Shows as", "Since", "Why"], rows, "llll")


def _versions(found: Iterable[Difference]) -> list[str]:
    """Of the packages that the deviations are in."""
    requirements = {Requirement.parse(d.versions) for one in found for d in one.deviations if d.versions}
    return sorted(f"{required.package} {required.known()[0]}" for required in requirements)


def _row(difference: Difference, backends: int) -> list[str]:
    first = difference.first
    anchors = "".join(f'<a id="{d.id}"></a>' for d in difference.deviations)
    what = f"{anchors}{_told(difference)}"
    if len(difference.backends) < backends:
        what += f"<br>Only {_backends(difference.backends)}."
    kind = f"**{first.kind}**" if first.kind == "bug" else first.kind
    sources = dict.fromkeys(linked(d.source) for d in difference.deviations)
    threads = dict.fromkeys(
        f"[{_thread(url)}]({url})"
        for d in difference.deviations
        for url in re.findall(r"https://[\w./-]+\w", d.upstream)
    )
    why = "<br>".join((*sources, *threads))
    releases = "<br>".join(dict.fromkeys(escape(d.since) for d in difference.deviations))
    return [what, f"{difference.shows}<br>{kind}", releases, why]


def _told(difference: Difference) -> str:
    """Of what, what differs, and what to do."""
    told = f"**{_names(difference.subjects)}** · {prose(difference.first.summary)}"
    if difference.first.remedy:
        told += f"<br>*What to do:* {prose(difference.first.remedy)}"
    if difference.first.converted:
        told += f" `conformance convert` {prose(difference.first.converted)}."
    return told


def _names(subjects: Iterable[str]) -> str:
    """The classes and functions, few of them by name."""
    names = sorted(subject.partition(".")[2] for subject in subjects)
    return escape(", ".join(names)) if len(names) <= NAMED else f"{len(names)} layers and functions"


def _backends(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _thread(url: str) -> str:
    """`owner/repository#number`

    >>> _thread("https://github.com/keras-team/keras/issues/20414")
    'keras-team/keras#20414'
    """
    owner, repository, _, number = url.removeprefix("https://github.com/").split("/")
    return f"{owner}/{repository}#{number}"


def prose(text: str) -> str:
    """Text in which nothing is markup but code in backticks.

    >>> prose("`fit` takes no batch_size.")
    '`fit` takes no batch\\\\_size.'
    """
    parts = text.split("`")
    return "`".join(part if i % 2 else _escaped(part) for i, part in enumerate(parts))


def _escaped(part: str) -> str:
    """As `escape`, but for the spaces around it."""
    stripped = part.strip()
    return part.replace(stripped, escape(stripped)) if stripped else part


RELEASED = (
    (
        re.compile(r"@tensorflow/(?P<package>tfjs-[a-z-]+)@(?P<version>[\d.]+) dist/(?P<path>[\w/]+)\.js"),
        "https://github.com/tensorflow/tfjs/blob/tfjs-v{version}/{package}/src/{path}.ts",
    ),
    (
        re.compile(r"keras (?P<version>2\.\d+\.\d+), keras/src/(?P<path>[\w/]+\.py)(?::(?P<line>\d+))?"),
        "https://github.com/keras-team/keras/blob/v{version}/keras/{path}",
    ),
    (
        re.compile(r"keras (?P<version>3\.\d+\.\d+), keras/src/(?P<path>[\w/]+\.py)(?::(?P<line>\d+))?"),
        "https://github.com/keras-team/keras/blob/v{version}/keras/src/{path}",
    ),
    (
        re.compile(
            r"tensorflow (?P<version>\d+\.\d+), (?P<path>tensorflow/[\w/]+\.(?:cc|h|py))(?::(?P<line>\d+))?"
        ),
        "https://github.com/tensorflow/tensorflow/blob/v{version}.0/{path}",
    ),
)
"""How a source begins, and where it lies: JavaScript is compiled from TypeScript, which has other lines, and
Keras 2 is packaged in another directory than it is developed in."""


def linked(source: str) -> str:
    """The source of a cause, with a link to the file at its release where one is named.

    >>> linked("@tensorflow/tfjs-core@4.22.0 dist/log.js:9 (warn)")
    '[tfjs-core log](https://github.com/tensorflow/tfjs/blob/tfjs-v4.22.0/tfjs-core/src/log.ts):9 (warn)'
    """
    for pattern, address in RELEASED:
        if match := pattern.match(source):
            named = match.groupdict()
            url = address.format_map(named)
            if named.get("line"):
                url += f"#L{named['line']}"
            label = f"{named.get('package') or source.partition(' ')[0]} {named['path']}"
            return f"[{escape(label)}]({url}){prose(source[match.end() :])}"
    return prose(source)


if __name__ == "__main__":
    print(render(built_in()), end="")
