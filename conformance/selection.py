"""Finds what a run is asked for by name, and says which names come nearest where there is none."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from conformance import dialects
from conformance.cases import corpus as corpora
from conformance.cases.case import Case, decode
from conformance.cases.profiles import PROFILES
from conformance.cases.properties import PROPERTIES
from conformance.reference_impl.spelling import suggestion
from conformance.runners import registry
from conformance.runners.builds import find_builds
from conformance.runners.python import find_python
from conformance.runners.registry import BackendSpec

NAMED_COMMAND = re.compile(r"(?P<name>[A-Za-z][\w.-]*)=(?P<command>.+)", re.DOTALL)


class UnknownName(LookupError):
    """Nothing has that name, or two things have; the message says what there is."""


class BadCase(ValueError):
    """A file that holds no case; the message names it and the reason."""


def select(what: str, patterns: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """The names that match any of the patterns, in their own order; all where there is no pattern.

    Args:
        what: what they are names of, for the message.
        patterns: names, parts of names behind the last dot (`Dense` of `layers.Dense`), or `fnmatch`
            patterns of either.

    Raises:
        UnknownName: a pattern matches none.

    >>> select("subject", ["Dense", "activations.*"], ["layers.Dense", "layers.LSTM", "activations.elu"])
    ('layers.Dense', 'activations.elu')
    """

    def match(name: str, pattern: str) -> bool:
        return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition(".")[2], pattern)

    for pattern in patterns:
        if not any(match(name, pattern) for name in names):
            raise UnknownName(unknown(what, pattern, names))
    return tuple(name for name in names if not patterns or any(match(name, pattern) for pattern in patterns))


def unknown(what: str, name: str, names: Collection[str]) -> str:
    """The message about a name that does not exist.

    >>> unknown("subject", "layers.Dence", ["layers.Dense", "layers.LSTM"])
    "unknown subject 'layers.Dence'; did you mean layers.Dense?"
    """
    return f"unknown {what} {name!r}; {suggestion(name, names)}"


def find_properties(patterns: Sequence[str], profile: str | None = None) -> tuple[str, ...] | None:
    """The properties asked for, of a profile if one is named; None, which is all of them, where there is
    neither.

    Raises:
        UnknownName: there is no profile or property of a name.
    """
    if profile is not None and profile not in PROFILES:
        raise UnknownName(unknown("profile", profile, PROFILES))
    among = PROFILES[profile] if profile else tuple(PROPERTIES)
    return select("property", patterns, among) if patterns or profile else None


def check_dialects(modules: Sequence[str]) -> None:
    """Whether every module named holds dialects.

    Raises:
        UnknownName: one cannot be imported, or holds none.
    """
    try:
        for module in modules:
            dialects.load(module)
    except dialects.BadDialect as error:
        raise UnknownName(str(error)) from error


def find_backends(
    names: Sequence[str],
    commands: Sequence[str],
    node: str | None,
    *,
    tfjs: Sequence[str] = (),
    keras_pythons: Sequence[str] = (),
) -> tuple[BackendSpec, ...]:
    """The backends asked for by name and by `COMMAND` or `NAME=COMMAND`; the default ones where neither.

    Args:
        tfjs: packages of the user's own, see `find_builds`.
        keras_pythons: `PATH` or `NAME=PATH`, see `find_keras_pythons`.

    Raises:
        UnknownName: there is none of a name, a command is empty, or two backends have one name; or an own
            build is given for backends none of which is asked.
        BadBuild: a path in `tfjs` holds no package of TensorFlow.js.
        BadPython: a path in `keras_pythons` is no Python.
    """
    pythons = find_keras_pythons(keras_pythons)
    table = registry.backends(node, tfjs=find_builds(tfjs), keras_pythons=pythons)
    specs: dict[str, BackendSpec] = {}
    for name in names or (() if commands else registry.DEFAULT_BACKENDS):
        if name not in table:
            raise UnknownName(unknown("backend", name, table))
        specs[name] = table[name]
    for text in commands:
        named = NAMED_COMMAND.fullmatch(text)
        chosen, command = named.group("name", "command") if named else (None, text)
        try:
            spec = registry.from_command(command, chosen)
        except ValueError as error:
            raise UnknownName(f"--backend-command {text!r}: {error}") from error
        if spec.name in specs:
            raise UnknownName(
                f"two backends are named {spec.name!r}; name this one: --backend-command NAME={command!r}"
            )
        specs[spec.name] = spec
    if tfjs and not specs.keys() & set(registry.TENSORFLOW_JS_BACKENDS):
        raise UnknownName(f"--tfjs: ask one of {', '.join(registry.TENSORFLOW_JS_BACKENDS)} too")
    if pythons and not specs.keys() & pythons.keys():
        raise UnknownName(f"--keras-python: ask {' or '.join(pythons)} too")
    return tuple(specs.values())


def find_keras_pythons(texts: Sequence[str]) -> dict[str, Path]:
    """By backend of Keras, the Python that it shall run in.

    Args:
        texts: `PATH`, for all of those backends, or `NAME=PATH`, for one; a later text wins.

    Raises:
        UnknownName: no backend of Keras has the name.
        BadPython: there is no Python at the path.
    """
    pythons: dict[str, Path] = {}
    for text in texts:
        name, _, path = text.rpartition("=")
        if name and name not in registry.KERAS_BACKENDS:
            raise UnknownName(f"--keras-python {text}: {unknown('backend', name, registry.KERAS_BACKENDS)}")
        python = find_python(path)
        pythons |= dict.fromkeys([name] if name else registry.KERAS_BACKENDS, python)
    return pythons


def find_cases(corpus: str, cases: Sequence[str]) -> tuple[Case, ...]:
    """The cases of the corpus, or those named in its place.

    Args:
        cases: ids of cases in any corpus, JSON files of one case, or directories of such files.

    Raises:
        UnknownName: no such corpus or case, or a case's subject does not exist.
        BadCase: a file holds no case.
    """
    if corpus not in corpora.NAMES:
        raise UnknownName(unknown("corpus", corpus, corpora.NAMES))
    return _named_cases(cases) if cases else tuple(corpora.load(corpus))


def of_subjects(cases: Sequence[Case], patterns: Sequence[str]) -> tuple[Case, ...]:
    """The cases of the subjects asked for.

    Raises:
        UnknownName: a pattern matches none of their subjects.
    """
    chosen = select("subject", patterns, sorted({case.subject for case in cases}))
    return tuple(case for case in cases if case.subject in chosen)


def _named_cases(names: Sequence[str]) -> tuple[Case, ...]:
    largest = {case.id: case for case in corpora.load(corpora.NAMES[-1])}
    subjects = sorted({case.subject for case in largest.values()})
    found: dict[str, Case] = {}
    for name in itertools.chain.from_iterable(map(_files_in, names)):
        if name.endswith(".json") or Path(name).is_file():
            case = _read_case(Path(name))
            if case.subject not in subjects:
                raise UnknownName(f"{name}: {unknown('subject', case.subject, subjects)}")
        elif name in largest:
            case = largest[name]
        else:
            raise UnknownName(f"no corpus has a case {name!r}; give the id of one, or a JSON file with one")
        found[case.id] = case
    return tuple(found.values())


def _files_in(name: str) -> list[str]:
    """The files of a directory of cases, or the name itself."""
    if not Path(name).is_dir():
        return [name]
    files = sorted(str(path) for path in Path(name).glob("*.json"))
    if not files:
        raise BadCase(f"{name}: the directory has no case: no file that ends in .json")
    return files


def _read_case(path: Path) -> Case:
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise BadCase(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise BadCase(f"{path}: is no case: {error}") from error
