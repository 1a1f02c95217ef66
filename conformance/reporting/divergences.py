"""Renders the recorded deviations as Markdown, `docs/divergences.md`: what differs from Keras, since when,
why, and what to do.

It is made of the dialects alone, and of what the specification computes of their witnesses with a deviation
and without it: no backend is asked. `python -m conformance.reporting.divergences` prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

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

SEVERAL = "several families"
"""Of a deviation that shows in more than one family of subjects."""

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
    "Each entry is recorded in the suite ([`conformance/dialects`](../conformance/dialects)) with cases that "
    "show it, and that are asked of the released programs on every run: an entry that no longer holds fails "
    "the run, and so does a difference that is not recorded. What is not here was asked and is alike, or was "
    "not asked ([reports/coverage.md](../reports/coverage.md))."
)

COLUMNS = (
    "*Shows as*: what comes out otherwise; *refused* is an error that the program means, *fails* one that it "
    "does not. A **bug** contradicts what the program documents, or Keras, for no reason that is given; "
    "*intentional* is what is written so, or said to be missing; *precision* is a matter of rounding. *Since*: "
    "the first release whose source has the cause, as its history tells, or of Keras where it is Keras that "
    "has changed; *seen in*: nobody has looked further back. *Why*: the cause in the released source, and the "
    "thread about it if there is one. `conformance convert` carries a Keras model to TensorFlow.js, and "
    "`conformance check` says of a model which of these concern it."
)

BY_WHICH_RULE = (
    "Those that change the output of a layer in inference, without any error, on ordinary numbers: nothing "
    "empty, no NaN and no infinity. First those that need the fewest arguments beside the required ones, then "
    "those on the most backends, then those in the most layers and functions."
)


@dataclass(frozen=True)
class Entry:
    """A recorded deviation, and the backends that have it."""

    deviation: Deviation
    backends: tuple[str, ...]

    @cached_property
    def subjects(self) -> frozenset[str]:
        """What it is about: all that its scope names, if it does; else what its witnesses are about."""
        scope = self.deviation.scope
        if isinstance(scope, About):
            return scope.subjects
        return frozenset(case.subject for case in self.deviation.witnesses)

    @cached_property
    def family(self) -> str:
        found = families(self.subjects)
        return found[0].name if len(found) == 1 else SEVERAL

    @cached_property
    def aspects(self) -> tuple[str, ...]:
        """What is other than specified: of values that are computed otherwise, what is so in a witness; of
        the rest, what is recorded."""
        effect = self.deviation.effect
        changed = [name for case in self.deviation.witnesses for name in self.changed(case)]
        return tuple(dict.fromkeys(aspect(name) for name in changed or effect.observables))

    def changed(self, case: Case) -> tuple[str, ...]:
        """The observables of a witness that the deviation's patches change."""
        effect = self.deviation.effect
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

    @cached_property
    def silent_on(self) -> tuple[Case, ...]:
        """The witnesses of ordinary numbers whose output in inference is another one, without an error."""
        match self.deviation.effect:
            case Value():
                return tuple(
                    case for case in self.ordinary if any(aspect(n) == "output" for n in self.changed(case))
                )
            case Unpredictable(observables=observables) if matches(observables, "output/0"):
                return self.ordinary
        return ()

    @property
    def ordinary(self) -> tuple[Case, ...]:
        """The witnesses about a layer or function whose inputs are finite, and not empty."""
        return tuple(
            case
            for case in self.deviation.witnesses
            if case.subject.startswith(("layers.", "activations."))
            and all(x.size and np.isfinite(x).all() for x in make(case).inputs)
        )

    @property
    def rank(self) -> tuple[int, int, int, str]:
        """How soon a user meets it, the soonest first."""
        given = min(len(optional_arguments(case)) for case in self.silent_on)
        return given, -len(self.backends), -len(self.subjects), self.deviation.id

    @property
    def shows(self) -> str:
        """In a few words."""
        what = ", ".join(self.aspects)
        match self.deviation.effect:
            case Value():
                return f"another {what}"
            case Metadata():
                return f"tells another {what}"
            case Raises(kind="internal", at=at):
                return f"fails {OCCASIONS[at]}"
            case Raises(at=at):
                return f"refused {OCCASIONS[at]}"
            case Accepts():
                return "accepts what is wrong"
            case Unpredictable():
                return f"unpredictable {what}"

    @property
    def since(self) -> str:
        deviation = self.deviation
        if deviation.since or not deviation.versions:
            return deviation.since or "–"
        requirement = Requirement.parse(deviation.versions)
        return f"seen in {requirement.package} {requirement.known()[0]}"


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


def entries(of_backends: Mapping[str, Dialect]) -> tuple[Entry, ...]:
    """Every recorded deviation once."""
    having: dict[str, list[str]] = {}
    recorded: dict[str, Deviation] = {}
    for backend, dialect in of_backends.items():
        for deviation in dialect.deviations:
            recorded[deviation.id] = deviation
            having.setdefault(deviation.id, []).append(backend)
    return tuple(Entry(deviation, tuple(having[id_])) for id_, deviation in recorded.items())


def built_in() -> dict[str, Dialect]:
    """The dialects that the suite brings, by backend."""
    return {name: dialects.load(module)[name] for name, module in dialects.BUILT_IN.items()}


def render(of_backends: Mapping[str, Dialect]) -> str:
    """The page about these backends, each of which is of one of the `PROGRAMS`."""
    programs = {
        program: entries({name: of_backends[name] for name in names if name in of_backends})
        for program, names in PROGRAMS.items()
    }
    return joined(
        ["# What differs from Keras", LEGEND],
        _foremost(programs["TensorFlow.js"]),
        ["## How to read the tables", COLUMNS],
        *(_program(program, PROGRAMS[program], found) for program, found in programs.items() if found),
    )


def foremost(found: Iterable[Entry]) -> list[Entry]:
    """Those that a user meets first, without being told."""
    silent = [entry for entry in found if entry.deviation.kind != "precision" and entry.silent_on]
    return sorted(silent, key=lambda entry: entry.rank)[:FOREMOST]


def _foremost(found: Iterable[Entry]) -> Iterator[str]:
    yield "## The dozen of TensorFlow.js that bite most"
    yield BY_WHICH_RULE
    lines = []
    for entry in foremost(found):
        deviation = entry.deviation
        where = f"{_names(entry.subjects)} · {_backends(entry.backends)} · [more](#{deviation.id})"
        lines.append(f"1. **{prose(deviation.summary)}** {prose(deviation.remedy)}<br>{where}")
    yield "\n".join(lines)


def _program(program: str, backends: Sequence[str], found: Sequence[Entry]) -> Iterator[str]:
    """A table for each family of subjects."""
    order = {family.name: i for i, family in enumerate(families(s for e in found for s in e.subjects))}
    by_family = sorted(found, key=lambda entry: (order.get(entry.family, -1), entry.deviation.id))
    yield f"## {program}"
    yield f"{len(found)} differences of {_backends(backends)}."
    for family, group in groupby(by_family, key=lambda entry: entry.family):
        yield f"### {program}: {family}"
        yield from table(
            ["What differs, and what to do", "Shows as", "Since", "Why"],
            (_row(entry, len(backends)) for entry in group),
            "llll",
        )


def _row(entry: Entry, backends: int) -> list[str]:
    deviation = entry.deviation
    what = f'<a id="{deviation.id}"></a>**{prose(deviation.summary)}**'
    if deviation.remedy:
        what += f"<br>{prose(deviation.remedy)}"
    if len(entry.backends) < backends:
        what += f"<br>*Only {_backends(entry.backends)}.*"
    kind = f"**{deviation.kind}**" if deviation.kind == "bug" else deviation.kind
    why = [linked(deviation.source)]
    why += [f"[{_thread(url)}]({url})" for url in re.findall(r"https://[\w./-]+\w", deviation.upstream)]
    return [f"{what}<br>`{deviation.id}`", f"{entry.shows}<br>{kind}", escape(entry.since), "<br>".join(why)]


def _names(subjects: Iterable[str]) -> str:
    """The classes and functions, few of them by name."""
    names = sorted(subject.partition(".")[2] for subject in subjects)
    return escape(", ".join(names)) if len(names) <= 4 else f"{len(names)} layers and functions"


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
        re.compile(r"keras (?P<version>\d+\.\d+\.\d+), (?P<path>keras/src/[\w/]+\.py)(?::(?P<line>\d+))?"),
        "https://github.com/keras-team/keras/blob/v{version}/{path}",
    ),
    (
        re.compile(
            r"tensorflow (?P<version>\d+\.\d+), (?P<path>tensorflow/[\w/]+\.(?:cc|h|py))(?::(?P<line>\d+))?"
        ),
        "https://github.com/tensorflow/tensorflow/blob/v{version}.0/{path}",
    ),
)
"""How a source begins, and where it lies; that of JavaScript is compiled from TypeScript, and has other lines."""


def linked(source: str) -> str:
    """The source of a cause, with a link to the file at its release where one is named.

    >>> linked("@tensorflow/tfjs-layers@4.22.0 dist/losses.js:28 (l2Normalize)")
    '[tfjs-layers 4.22.0, losses](https://github.com/tensorflow/tfjs/blob/tfjs-v4.22.0/tfjs-layers/src/losses.ts):28 (l2Normalize)'
    """
    for pattern, address in RELEASED:
        if match := pattern.match(source):
            named = match.groupdict()
            url = address.format_map(named)
            if named.get("line"):
                url += f"#L{named['line']}"
            label = f"{named.get('package') or source.partition(' ')[0]} {named['version']}, {named['path']}"
            return f"[{escape(label)}]({url}){escape(source[match.end() :])}"
    return escape(source)


if __name__ == "__main__":
    print(render(built_in()), end="")
