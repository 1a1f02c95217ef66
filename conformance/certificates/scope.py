"""What a certificate is about: the properties of a profile, the subjects that it names, and their cases."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from conformance.cases import corpus as corpora
from conformance.cases.case import Case
from conformance.cases.profiles import KINDS, PROFILES
from conformance.reference_impl.saving.configuration.known import NAMING, known
from conformance.reporting.results import Suite
from conformance.selection import UnknownName, select, unknown

SUBJECTS = {
    "core": "what both Keras and TensorFlow.js have",
    "keras": "all that Keras has",
}
"""The sets of subjects that a certificate can be about; one of a part of them says so."""


@dataclass(frozen=True)
class Scope:
    """What is asked for.

    Attributes:
        subjects: one of `SUBJECTS`.
        patterns: of the subjects chosen among these; none where it is about all of them.
    """

    profile: str
    subjects: str
    corpus: str
    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, suite: Suite) -> Self:
        """That of the results of `certify`.

        Raises:
            UnknownName: the suite has no such profile, corpus, set of subjects or subject.
        """
        selection = suite.selection
        (subjects,) = selection.get("subjects", [""])
        scope = cls(suite.profile or "", subjects, suite.corpus, tuple(selection.get("subject", ())))
        scope.check()
        return scope

    def check(self) -> None:
        """Whether the suite knows all that is named.

        Raises:
            UnknownName: it does not.
        """
        for what, name, names in (
            ("profile", self.profile, PROFILES),
            ("set of subjects", self.subjects, SUBJECTS),
            ("corpus", self.corpus, corpora.NAMES),
        ):
            if name not in names:
                raise UnknownName(unknown(what, name, names))
        _ = self.names

    @property
    def properties(self) -> tuple[str, ...]:
        return PROFILES[self.profile]

    @cached_property
    def whole(self) -> tuple[str, ...]:
        """The subjects of the set that the profile and the corpus have, sorted."""
        asked = {case.subject for case in corpora.load(self.corpus)}
        there = {name for name in asked if name.partition(".")[0] in KINDS[self.profile]}
        return tuple(sorted(there & members(self.subjects, there)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The subjects asked for, sorted.

        Raises:
            UnknownName: a pattern matches none.
        """
        what = f"subject of {self.subjects} in the profile {self.profile}"
        return select(what, self.patterns, self.whole)

    @property
    def extent(self) -> str:
        """How much of the set it is: `core`, or `13 of the 78 subjects of core`."""
        if not self.patterns:
            return self.subjects
        return f"{len(self.names)} of the {len(self.whole)} subjects of {self.subjects}"

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Those of the corpus that are about them."""
        names = set(self.names)
        return tuple(case for case in corpora.load(self.corpus) if case.subject in names)

    def __str__(self) -> str:
        if not self.patterns:
            return f"{self.subjects} ({SUBJECTS[self.subjects]}, {len(self.names)} subjects)"
        return f"{self.extent}: {', '.join(self.names)}"


def members(subjects: str, names: Collection[str]) -> set[str]:
    """Those among the subjects that belong to the set: of layers and functions what the live programs know
    by their names; of losses, metrics and optimizers what the suite asks of Keras, and has a name for in
    TensorFlow.js. Models, runs of training, callbacks and statements of the guides belong to every set."""
    keras, tfjs = known("keras3"), known("tfjs")
    naming = json.loads(NAMING.read_text("utf-8"))
    keras_names = {theirs: ours for ours, theirs in naming["functions"].items()}
    functions = {keras_names.get(name, _in_snake_case(name)) for name in tfjs.activations}
    kinds = {
        "layers": (set(keras.layers), set(tfjs.layers)),
        "activations": (set(keras.activations), functions),
        **{kind: (None, set(naming[kind])) for kind in ("losses", "metrics", "optimizers")},
    }

    def belongs(name: str) -> bool:
        kind, _, own = name.partition(".")
        in_keras, in_tfjs = kinds.get(kind, (None, None))
        if in_keras is not None and own not in in_keras:
            return False
        return subjects == "keras" or in_tfjs is None or own in in_tfjs

    return {name for name in names if belongs(name)}


def _in_snake_case(name: str) -> str:
    """
    >>> _in_snake_case("hardSigmoid")
    'hard_sigmoid'
    """
    return re.sub("(?<=[a-z])[A-Z]", lambda found: "_" + found.group().lower(), name)
