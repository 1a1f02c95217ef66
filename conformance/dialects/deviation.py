"""A recorded deviation: what a backend does otherwise than the specification, why, where, and since when."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from conformance.cases.case import Case
from conformance.cases.data import Data
from conformance.cases.inside import Path, layers_inside
from conformance.cases.models import canonical
from conformance.cases.properties.property import matches
from conformance.dialects.versions import Requirement, known_version
from conformance.reference_impl import layers
from conformance.verdicts import BROKEN, Verdict

CONFIGURATIONS = ("config", "reconstructed/config", "saved/config", "loaded/config")
"""The observables that are a configuration."""

OUTPUTS = ("output/*", "training/output/*", "reconstructed/output/*")
"""The observables that are an output."""

GRADIENTS = ("gradient/*", "training/gradient/*")
"""The observables that are a gradient."""

REFUSAL = ("refusal",)
"""The observable of what has to be refused."""


@dataclass(frozen=True)
class Value:
    """Functions or defaults of the specification replaced.

    Attributes:
        patches: by target (`reference_impl.patches.TARGETS`, or `default:layers.X.argument`), the
            function that takes the original and its arguments, or the other default.
        observables: patterns of the observables that they can touch.
    """

    patches: Mapping[str, Any]
    observables: tuple[str, ...] = ("*",)

    name = "value"


@dataclass(frozen=True)
class Raises:
    """The backend refuses this.

    Attributes:
        kind: one of `protocol.ERROR_KINDS`.
        at: `construction`, `build`, `call`, `gradient`, `shape`, `config` or `reconstruction`.
        observables: patterns of the observables that are refused.
        message: what the backend's message holds.
    """

    kind: str
    at: str
    observables: tuple[str, ...]
    message: str

    name = "raises"


@dataclass(frozen=True)
class Accepts:
    """The backend has no objection where there should be an error.

    Attributes:
        observables: patterns of the observables that are answered by null, JSON's word for nothing.
    """

    observables: tuple[str, ...] = REFUSAL

    name = "accepts"


@dataclass(frozen=True)
class Metadata:
    """A shape, configuration, name, signature or list of weights differs, exactly thus.

    Attributes:
        observables: patterns of the observables that differ.
        patch: (case, what the specification expects in canonical form) → what the backend says.
    """

    observables: tuple[str, ...]
    patch: Callable[[Case, Any], Any]

    name = "metadata"


@dataclass(frozen=True)
class Unpredictable:
    """Garbage memory, order dependence, a crash: recorded and witnessed, never conforming.

    What it concerns is unspecified also where the answer happens to be right, so that every run says the
    same of it; another fault than the recorded one is a finding still.

    Attributes:
        verdict: what is seen instead, at times.
        observables: patterns of the observables concerned.
        signature: what the message of such an observation holds.
    """

    verdict: Verdict
    observables: tuple[str, ...]
    signature: str

    name = "unpredictable"


Effect = Value | Raises | Accepts | Metadata | Unpredictable

Scope = Callable[[Case, Data], bool]
"""A predicate over a case and its data."""


@dataclass(frozen=True)
class About:
    """The scope of cases of some subjects, where a predicate holds."""

    subjects: frozenset[str]
    holds: Scope

    def __call__(self, case: Case, data: Data) -> bool:
        return case.subject in self.subjects and self.holds(case, data)


@dataclass(frozen=True)
class Deviation:
    """One entry of a dialect.

    Attributes:
        id: unique, kebab-case, beginning with the backend family.
        summary: what differs, for a person who meets it; and what to do, where `remedy` does not say it.
        kind: `intentional`, `bug` or `precision`.
        source: file and line, or symbol, of the cause at a released version.
        upstream: a thread, or "none found (what was searched)".
        versions: of the package that causes it, as a requirement ("keras==3.15.*"): in others it does not
            apply. Where empty, it always applies.
        scope: whether it applies to a case and its data; no broader than its cause.
        effect: what the backend does.
        witnesses: cases in which, on each run, the backend must differ from the specification as said.
        stands: why the specification stands, where the other backends answer as this one does; without it,
            it is the suspect there.
        remedy: what a user can do about it, in sentences.
        converted: what `conformance convert` does about it where it can, as "renames it".
        since: the first release whose source has the cause, and its year, as "tfjs-layers 0.2.0 (2018)"; that
            of Keras where it is Keras that has changed. Empty where nobody has looked.
    """

    id: str
    summary: str
    kind: str
    source: str
    upstream: str
    versions: str
    scope: Scope
    effect: Effect
    witnesses: tuple[Case, ...]
    stands: str = ""
    remedy: str = ""
    converted: str = ""
    since: str = ""

    @property
    def description(self) -> str:
        """What differs, and what to do."""
        return f"{self.summary} {self.remedy}".rstrip()

    @property
    def speaks_of_refusals(self) -> bool:
        """Whether it names `refusal` among its observables."""
        return any(pattern.startswith("refusal") for pattern in self.effect.observables)


@dataclass(frozen=True)
class Applied:
    """A deviation in whose scope a case is, or a layer inside its configuration.

    Attributes:
        case: about the layer that it is about.
        path: the arguments that lead to that layer; none for the case's own.
    """

    deviation: Deviation
    case: Case
    path: Path = ()

    def restructured(self, structure: Any) -> Any:
        """The structure with what the deviation's `Metadata` patches, in the configuration of its layer."""
        effect = self.deviation.effect
        assert isinstance(effect, Metadata)
        return _patched(structure, self.path, lambda own: effect.patch(self.case, own))


def _patched(config: Any, path: Path, patch: Callable[[Any], Any]) -> Any:
    """A configuration with that of the layer at a path patched, where it has one there."""
    if not path:
        return patch(config)
    argument, *further = path
    if "calls" in config:
        return _of_model(config, str(argument), further, patch)
    if argument not in config:
        return config
    described = config[argument]
    if isinstance(described, list):
        place, *further = further
        others = list(described)
        others[int(place)] = _described(described[int(place)], further, patch)
        return config | {argument: others}
    return config | {argument: _described(described, further, patch)}


def _of_model(model: Any, name: str, further: Sequence[str | int], patch: Callable[[Any], Any]) -> Any:
    """What `cases.models.described` says of a model, with the configuration of a layer patched: but for what
    is the same once it is read again."""
    layer = model["layers"][name]
    if "calls" in layer:
        new = _patched(layer, tuple(further), patch)
    else:
        new = _described(layer, further, patch)
        known = layers.get(new["class_name"]).arguments.keys()
        said = {key: value for key, value in new["config"].items() if key in known}
        # What the specification refuses stays as it is said.
        with suppress(ValueError):
            new |= {"config": canonical(new["class_name"], said)}
    return model | {"layers": model["layers"] | {name: new}}


def _described(layer: Any, path: Sequence[str | int], patch: Callable[[Any], Any]) -> Any:
    return layer | {"config": _patched(layer["config"], tuple(path), patch)}


@dataclass(frozen=True)
class Dialect:
    """The recorded deviations of a backend.

    Attributes:
        nearest: by package, for those of which no entry covers the live version: the version that the
            entries are taken of instead.
        module: where it was found.
    """

    deviations: tuple[Deviation, ...] = ()
    nearest: Mapping[str, str] = field(default_factory=dict)
    module: str = ""

    def of_versions(self, live: Mapping[str, str]) -> Dialect:
        """The entries that apply to these versions, by package; where none covers that of a package, those
        of the version nearest to it.

        Raises:
            InvalidRequirement: the versions of an entry are no requirement.
        """
        required = {d.id: Requirement.parse(d.versions) for d in self.deviations if d.versions}
        by_package: dict[str, list[Requirement]] = {}
        for requirement in required.values():
            by_package.setdefault(requirement.package, []).append(requirement)
        taken, nearest = {}, {}
        for package, requirements in by_package.items():
            version = live.get(package, "")
            taken[package] = known_version(version, requirements)
            if taken[package] != version:
                nearest[package] = taken[package]
        return Dialect(
            tuple(
                d
                for d in self.deviations
                if d.id not in required or required[d.id].covers(taken[required[d.id].package])
            ),
            nearest,
        )

    @property
    def digest(self) -> str:
        """The SHA-256 of the entries' records: all of them but scopes and what effects do."""
        lines = [
            f"{d.id}\t{d.description}\t{d.kind}\t{d.effect.name}\t{d.source}\t{d.upstream}\t{d.versions}\t"
            f"{','.join(case.id for case in d.witnesses)}\t{d.stands}\t{d.converted}\t{d.since}"
            for d in sorted(self.deviations, key=lambda d: d.id)
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def in_scope(self, case: Case, data: Data, kind: type[Effect] | None = None) -> tuple[Applied, ...]:
        """The deviations that apply to the case: those of layers inside its configuration, the innermost
        first, and its own. Of a case that is asked for nothing but its refusal, those alone that name it:
        other scopes may take it for granted that the layer can be made, and called.

        Args:
            kind: where only those of one kind of effect are of interest; other scopes are not asked.
        """
        inside = [
            Applied(d, one.case, one.path)
            for one in (() if case.to_be_refused else layers_inside(case, data))
            for d in self._own(one.case, one.data, kind)
            if not isinstance(d.effect, Metadata) or speaks_of_configurations(d.effect)
        ]
        inside.sort(key=lambda applied: -len(applied.path))
        return (*inside, *(Applied(d, case) for d in self._own(case, data, kind)))

    def hangs(self, case: Case, data: Data) -> bool:
        """Whether it is recorded that the backend may never answer to the case."""
        return any(d.scope(case, data) for d in self.hanging)

    def breaks(self, case: Case, data: Data) -> bool:
        """Whether it is recorded that the backend may never answer to the case, or end with it."""
        return any(d.scope(case, data) for d in self.breaking)

    @cached_property
    def hanging(self) -> tuple[Deviation, ...]:
        """The deviations for which the backend may never answer."""
        return self._recorded_as({Verdict.TIMED_OUT})

    @cached_property
    def breaking(self) -> tuple[Deviation, ...]:
        """The deviations for which the backend may never answer, or end."""
        return self._recorded_as(BROKEN)

    def _recorded_as(self, verdicts: Set[Verdict]) -> tuple[Deviation, ...]:
        return tuple(
            d for d in self.deviations if isinstance(d.effect, Unpredictable) and d.effect.verdict in verdicts
        )

    def _own(self, case: Case, data: Data, kind: type[Effect] | None) -> tuple[Deviation, ...]:
        key = case.subject, case.to_be_refused, kind
        if key not in self._by_subject:
            self._by_subject[key] = tuple(
                d
                for d in self.deviations
                if (not isinstance(d.scope, About) or case.subject in d.scope.subjects)
                and (d.speaks_of_refusals or not case.to_be_refused)
                and (kind is None or isinstance(d.effect, kind))
            )
        return tuple([d for d in self._by_subject[key] if d.scope(case, data)])

    @cached_property
    def _by_subject(self) -> dict[tuple[str, bool, type[Effect] | None], tuple[Deviation, ...]]:
        """The deviations that may be in scope of a case, by its subject, by whether it is asked for its
        refusal alone, and by the kind of their effect, as they are first asked for."""
        return {}


def speaks_of_configurations(effect: Metadata) -> bool:
    """Whether it is about the configuration of a layer, or of a model, which has those of others in it."""
    return any(matches(effect.observables, name) for name in ("config", "saved/config"))


def everywhere(case: Case, data: Data) -> bool:
    """The scope of every case."""
    return True


def subject(*names: str) -> About:
    """The scope of every case of the subjects named."""
    return About(frozenset(names), everywhere)
