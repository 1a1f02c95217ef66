"""From one backend's answer to its checks: against the specification first, then against its dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from conformance import dialects
from conformance.cases.answer import Answers, Data, Expected, Law, Structure, Value
from conformance.cases.case import Case
from conformance.cases.properties.property import Property, matches, pairs
from conformance.dialects import deviation as effects
from conformance.dialects.deviation import Deviation, Dialect
from conformance.judging import Judgement, equal, judge
from conformance.reference_impl.arithmetic import Arithmetic, declared
from conformance.reference_impl.arrays import Array, xp
from conformance.runners.protocol import (
    Identity,
    Observed,
    WireError,
    WireJSON,
    WireTensor,
    from_wire,
)
from conformance.runners.question import Answer, Broken
from conformance.verdicts import Check, Verdict


class ConflictingPatches(ValueError):
    """Two deviations in scope of one case patch one target."""


@dataclass(frozen=True)
class Bench:
    """A backend as far as judging is concerned."""

    identity: Identity
    arithmetic: Arithmetic
    dialect: Dialect

    @classmethod
    def of(cls, identity: Identity, modules: tuple[str, ...]) -> Bench:
        """The backend of that identity under the arithmetic that it declares, and under its dialect.

        Args:
            modules: of dialects, before the installed and the built-in ones.

        Raises:
            BadArithmetic: it declares one that does not exist or makes no sense.
            BadDialect: a module cannot be imported, holds no dialects, or an entry of it names no versions.
        """
        return cls(
            identity, declared(identity.arithmetic), dialects.of(identity.name, identity.versions, modules)
        )

    @property
    def name(self) -> str:
        return self.identity.name

    def supported(self, case: Case) -> tuple[str, ...]:
        """The observables of the case that the backend says it can be asked."""
        patterns = tuple(self.identity.capabilities.get(case.subject, ()))
        return tuple(o for o in case.observables if matches(patterns, o))


@dataclass(frozen=True)
class Ruling:
    """A judgement of one observable, the deviations that explain it, and what was compared, in the form in
    which it was: a layer's own name in its configuration says how many there were before it, and no more."""

    judgement: Judgement
    deviations: tuple[str, ...] = ()
    observed: Observed | None = None
    limit: Array | None = None


UNSUPPORTED = Ruling(Judgement(Verdict.UNSUPPORTED, message="not among the backend's capabilities"))


class Trial:
    """One case before one backend: the specification's answers and the dialect's, computed as needed."""

    def __init__(self, case: Case, data: Data, bench: Bench) -> None:
        self.case, self.data, self.bench = case, data, bench
        self.specified = Answers(case, data, bench.arithmetic)
        self._deviating: dict[tuple[tuple[str, ...], bool], Answers] = {((), True): self.specified}

    @cached_property
    def in_scope(self) -> tuple[Deviation, ...]:
        return self.bench.dialect.in_scope(self.case, self.data)

    def patching(self, observable: str) -> tuple[Deviation, ...]:
        """The deviations in scope that replace what the observable may rest on."""
        return tuple(
            d
            for d in self.in_scope
            if isinstance(d.effect, effects.Value) and matches(d.effect.observables, observable)
        )

    def under(self, deviations: Sequence[Deviation], *, bounded: bool = True) -> Answers:
        """The specification's answers with the patches of some deviations, each set of them kept; without
        bounds they cost a third.

        Raises:
            ConflictingPatches: two of them patch one target.
        """
        key = tuple(d.id for d in deviations), bounded
        if key not in self._deviating:
            patches: dict[str, Any] = {}
            for d in deviations:
                both = patches.keys() & targets(d)
                if both:
                    raise ConflictingPatches(f"deviation {d.id} and another one patch {', '.join(both)}")
                assert isinstance(d.effect, effects.Value)
                patches |= d.effect.patches
            arithmetic = self.bench.arithmetic if bounded else None
            self._deviating[key] = Answers(self.case, self.data, arithmetic, patches)
        return self._deviating[key]

    def rule(self, property_: Property, observable: str, answer: Answer | None) -> Ruling:
        """What is to be said of one observable of what the backend answered, None being nothing."""
        if answer is None:
            return Ruling(Judgement(Verdict.NOT_RUN))
        match answer[observable]:
            case Broken(verdict, message):
                broken = Judgement(verdict, message=message)
                return Ruling(*self.as_unpredictable(observable, broken))
            case observed:
                return self.rule_on(property_, observable, observed)

    def rule_on(self, property_: Property, observable: str, observed: Observed) -> Ruling:
        """Conforming to the specification, else deviating as recorded, else a finding."""
        expected = self.specified[observable]
        limit = expected.tensor.error if isinstance(expected, Value) else None
        wanted, seen = self.compared(property_, expected, observed)
        judgement = judge(wanted, seen, self.bench.arithmetic)
        if judgement.passed or not self.in_scope:
            return Ruling(judgement, (), seen, limit)
        for explain in (self.as_refusal, self.as_dialect):
            explained = explain(property_, observable, observed, judgement)
            if explained is not None:
                return Ruling(*explained, seen, limit)
        return Ruling(*self.as_unpredictable(observable, judgement), seen, limit)

    def compared(
        self, property_: Property, expected: Expected, observed: Observed
    ) -> tuple[Expected, Observed]:
        """Both in the form in which they are compared."""
        if isinstance(expected, Structure) and isinstance(observed, WireJSON):
            wanted, seen = property_.canonical(self.case, expected.value, observed.value)
            return Structure(wanted), WireJSON(seen)
        return expected, observed

    def restructured(self, expected: Expected, deviations: Sequence[Deviation]) -> Expected:
        """What is expected with the structures that some deviations patch."""
        if isinstance(expected, Structure):
            for d in deviations:
                assert isinstance(d.effect, effects.Metadata)
                expected = Structure(d.effect.patch(self.case, expected.value))
        return expected

    def as_refusal(
        self, property_: Property, observable: str, observed: Observed, judgement: Judgement
    ) -> tuple[Judgement, tuple[str, ...]] | None:
        """A recorded refusal."""
        if not isinstance(observed, WireError):
            return None
        for d in self.in_scope:
            match d.effect:
                case effects.Raises(kind, at, observables, message):
                    same = (kind, at) == (observed.kind, observed.at) and message in observed.message
                    if same and matches(observables, observable):
                        return replace(judgement, verdict=Verdict.DEVIATES), (d.id,)
        return None

    def as_dialect(
        self, property_: Property, observable: str, observed: Observed, judgement: Judgement
    ) -> tuple[Judgement, tuple[str, ...]] | None:
        """What the specification gives with its functions, defaults and structures as recorded."""
        structural = [
            d
            for d in self.in_scope
            if isinstance(d.effect, effects.Metadata) and matches(d.effect.observables, observable)
        ]
        patching = self.patching(observable)
        if not patching and not structural:
            return None
        answers = self.under(patching)
        expected, seen = self.compared(property_, answers[observable], observed)
        deviant = judge(self.restructured(expected, structural), seen, self.bench.arithmetic)
        if not deviant.passed:
            return None
        shown = [d for d in patching if answers.reached & targets(d)]
        if len(shown) + len(structural) > 1:
            # Where none of them makes a difference by itself, they make it together.
            alone = [d for d in shown if self.changed(d, patching, observable)]
            shown = alone or ([] if structural else shown)
            structural = [d for d in structural if self.told(d, structural, expected)]
        verdict = Verdict.DEVIATES if deviant.verdict is Verdict.CONFORMS else deviant.verdict
        return replace(deviant, verdict=verdict), tuple(d.id for d in (*shown, *structural))

    def told(self, d: Deviation, structural: Sequence[Deviation], expected: Expected) -> bool:
        """Whether the structure would be another one without the deviation."""
        without = self.restructured(expected, [other for other in structural if other is not d])
        return without != self.restructured(expected, structural)

    def changed(self, d: Deviation, patching: Sequence[Deviation], observable: str) -> bool:
        """Whether the dialect's answer would be another one without the deviation."""
        bounded = not isinstance(self.specified[observable], Value)
        without = self.under([other for other in patching if other is not d], bounded=bounded)
        return not same(without[observable], self.under(patching, bounded=bounded)[observable])

    def as_unpredictable(self, observable: str, judgement: Judgement) -> tuple[Judgement, tuple[str, ...]]:
        """What is recorded as garbage or as a crash: never conforming, and no finding either."""
        for d in self.in_scope:
            match d.effect:
                case effects.Unpredictable(verdict, observables, signature):
                    like = verdict is judgement.verdict and signature in judgement.message
                    if like and matches(observables, observable):
                        return replace(judgement, verdict=Verdict.UNSPECIFIED), (d.id,)
        return judgement, ()


def targets(d: Deviation) -> Set[str]:
    """What a deviation of the specification's functions and defaults patches."""
    assert isinstance(d.effect, effects.Value)
    return d.effect.patches.keys()


def same(a: Expected, b: Expected) -> bool:
    match a, b:
        case Value(), Value():
            return bool(xp.array_equal(a.tensor.value, b.tensor.value, equal_nan=True))
        case Law(), Law():
            return a.draws == b.draws and all(
                xp.array_equal(result.value, b.outcomes[outcome].value, equal_nan=True)
                for outcome, result in a.outcomes.items()
            )
    return a == b


def check(
    case: Case,
    data: Data,
    benches: Sequence[Bench],
    answers: Mapping[str, Answer | None],
    properties: Sequence[Property],
) -> tuple[Check, ...]:
    """The checks of one case: for every backend, property and observable.

    Args:
        answers: by backend; None where one was asked nothing.
    """
    judged = pairs(tuple(properties), case.observables)
    rulings: dict[str, list[Ruling]] = {}
    for bench in benches:
        supported = bench.supported(case)
        trial = Trial(case, data, bench)
        answer = answers.get(bench.name)
        rulings[bench.name] = [
            trial.rule(property_, observable, answer) if observable in supported else UNSUPPORTED
            for property_, observable in judged
        ]
    case_id = case.id
    return tuple(
        Check(
            case=case_id,
            backend=backend,
            subject=case.subject,
            property=property_.name,
            observable=observable,
            verdict=ruling.judgement.verdict,
            required_rung=ruling.judgement.required_rung,
            rung=ruling.judgement.rung,
            margin=ruling.judgement.margin,
            deviations=ruling.deviations,
            agrees_with=tuple(
                other for other, all_ in rulings.items() if other != backend and agree(ruling, all_[i])
            ),
            message=ruling.judgement.message,
            differs=ruling.judgement.differs,
        )
        for backend, own in rulings.items()
        for i, ((property_, observable), ruling) in enumerate(zip(judged, own, strict=True))
    )


def agree(a: Ruling, b: Ruling) -> bool:
    """Whether two answers are the same: two refusals, equal structures, arrays within both limits."""
    if a.judgement.verdict is b.judgement.verdict is Verdict.CONFORMS:
        return True
    match a.observed, b.observed:
        case WireError(), WireError():
            return True
        case WireJSON(), WireJSON():
            return equal(a.observed.value, b.observed.value)
        case WireTensor(), WireTensor():
            x, y = from_wire(a.observed), from_wire(b.observed)
            if x.shape != y.shape:
                return False
            # Where both have another shape than is expected, no limit speaks of their elements.
            limits = [xp.to_host(r.limit) for r in (a, b) if r.limit is not None and r.limit.shape == x.shape]
            with np.errstate(all="ignore"):
                x, y = x.astype(np.float64), y.astype(np.float64)
                close = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= sum(limits))
            return bool(close.all())
    return False
