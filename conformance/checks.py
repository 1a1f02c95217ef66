"""From one backend's answer to its checks: against the specification first, then against its dialect."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from conformance import dialects
from conformance.cases.answer import Answers
from conformance.cases.case import Case
from conformance.cases.data import Data, make
from conformance.cases.expected import Definite, Expected, Law, Own, Refusal, Structure, Value
from conformance.cases.guide import needs
from conformance.cases.guide.row import PREFIX as PREFIX_OF_FACTS
from conformance.cases.guide.row import speaks_of
from conformance.cases.models import is_about_model
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import Property, basis, matches, pairs
from conformance.cases.relations import PREFIX, Derivation, derivations, relation_of
from conformance.cases.training import is_about_training, is_of_run
from conformance.dialects import deviation as effects
from conformance.dialects.deviation import CONFIGURATIONS, Applied, Deviation, Dialect
from conformance.judging import Judgement, equal, judge
from conformance.reference_impl.arithmetic import Arithmetic, declared
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.tape import Provenance, Tensor
from conformance.runners.protocol import (
    DELIBERATE,
    Identity,
    Observed,
    WireError,
    WireJSON,
    WireTensor,
    from_wire,
    to_wire,
)
from conformance.runners.question import REPEATED, Answer, Broken
from conformance.verdicts import BROKEN, FINDINGS, Check, Verdict


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
        """The observables of the case that the backend can say something about; about a relation it does by
        outputs."""
        patterns = self.identity.capabilities.get(case.subject, ())
        return supported(tuple(patterns), case.observables)

    def asked(self, case: Case) -> tuple[str, ...]:
        """Those that the backend itself is asked."""
        return tuple(o for o in self.supported(case) if relation_of(o) is None)


@lru_cache(maxsize=4096)
def supported(patterns: tuple[str, ...], observables: tuple[str, ...]) -> tuple[str, ...]:
    """The observables that a backend with these capabilities can say something about."""
    return tuple(o for o in observables if matches(patterns, basis(o) if relation_of(o) else o))


@dataclass(frozen=True)
class Ruling:
    """A judgement of one observable, the deviations that explain it, and what was compared. What was observed
    is in the form in which it was: a layer's own name in its configuration says how many there were before
    it, and no more."""

    judgement: Judgement
    deviations: tuple[str, ...] = ()
    observed: Observed | None = None
    expected: Definite | None = None

    @property
    def limit(self) -> Array | None:
        """How far an array may be from what was expected."""
        return self.expected.tensor.error if isinstance(self.expected, Value) else None


MAKING = ("construction", "build")
"""Where a layer is refused that cannot be made."""

NOTHING = WireJSON(None)
"""The answer where there is nothing to object to."""

UNSUPPORTED = Ruling(Judgement(Verdict.UNSUPPORTED, message="not among the backend's capabilities"))


class Unexplained(Exception):
    """The deviations in scope do not tell together what the backend should answer: the message says why."""


class Trial:
    """One case before one backend: the specification's answers and the dialect's, computed as needed."""

    def __init__(self, case: Case, data: Data, bench: Bench, own: Mapping[str, Array] | None = None) -> None:
        """Args:
        own: the arrays that the backend has answered, from which steps of training are judged.
        """
        self.case, self.data, self.bench, self.own = case, data, bench, own or {}
        self.specified = Answers(case, data, bench.arithmetic, own=self.own)
        self._deviating: dict[tuple[tuple[str, ...], bool], Answers] = {((), True): self.specified}
        self._applied: dict[type[effects.Effect] | None, tuple[Applied, ...]] = {}

    @cached_property
    def related(self) -> dict[str, Related]:
        """What is derived from the case, by the names of its relations."""
        return {name: Related(self, name, d) for name, d in derivations(self.case).items()}

    def applied(self, kind: type[effects.Effect] | None = None) -> tuple[Applied, ...]:
        """The deviations that apply, or those with one kind of effect, found when they are first asked for:
        most answers conform, and need none."""
        if kind not in self._applied:
            self._applied[kind] = self.bench.dialect.in_scope(self.case, self.data, kind)
        return self._applied[kind]

    def in_scope(self, kind: type[effects.Effect] | None = None) -> tuple[Deviation, ...]:
        """Those that apply to the case or to a layer inside it, each once."""
        return tuple({a.deviation.id: a.deviation for a in self.applied(kind)}.values())

    def patching(self, observable: str) -> tuple[Deviation, ...]:
        """The deviations in scope that replace what the observable may rest on."""
        return tuple(d for d in self.in_scope(effects.Value) if concerns(d.effect.observables, observable))

    def structuring(self, observable: str) -> list[Applied]:
        """Those that patch the observable's structure; of a layer inside, what is said of it in the case's
        configuration."""
        return [
            a
            for a in self.applied(effects.Metadata)
            if concerns(a.deviation.effect.observables, observable)
            and (not a.path or matches(CONFIGURATIONS, observable))
        ]

    def under(self, deviations: Sequence[Deviation], *, bounded: bool = True) -> Answers:
        """The specification's answers with the patches of some deviations, each set of them kept; without
        bounds they cost a third.

        Raises:
            Unexplained: two of them patch one target, and neither says what both come to.
        """
        key = tuple(d.id for d in deviations), bounded
        if key not in self._deviating:
            patches: dict[str, Any] = {}
            patching: dict[str, str] = {}
            for d in deviations:
                assert isinstance(d.effect, effects.Value)
                for target, patch in d.effect.patches.items():
                    if target in patching:
                        raise Unexplained(f"deviations {patching[target]} and {d.id} both patch {target}")
                    patches[target], patching[target] = patch, d.id
            arithmetic = self.bench.arithmetic if bounded else None
            self._deviating[key] = Answers(self.case, self.data, arithmetic, patches, own=self.own)
        return self._deviating[key]

    def answer_under(
        self, deviations: Sequence[Deviation], observable: str, *, bounded: bool = True
    ) -> Expected:
        """What `under` gives for one observable.

        Raises:
            Unexplained: the patches conflict, or one of them fails.
        """
        answers = self.under(deviations, bounded=bounded)
        try:
            return answers[observable]
        except Exception as error:
            names = ", ".join(d.id for d in deviations)
            where = traceback.extract_tb(error.__traceback__)[-1]
            raise Unexplained(
                f"with what {names} patch, {where.name} ({Path(where.filename).name}:{where.lineno}) "
                f"fails: {type(error).__name__}: {error}"
            ) from error

    def rule(self, property_: Property, observable: str, answer: Answer | None) -> Ruling:
        """What is to be said of one observable of what the backend answered, None being nothing."""
        if answer is None:
            return Ruling(Judgement(Verdict.NOT_RUN))
        relation = relation_of(observable)
        if relation is not None:
            related, output = self.related.get(relation), basis(observable)
            if related is None or not output.startswith("output/"):
                return UNRELATED
            return related.rule(output, answer)
        match answer[observable], self.expected(observable, answer):
            case Broken(verdict, message), _:
                ruling = Ruling(Judgement(verdict, message=message))
            case _, Broken(message=message):
                ruling = nothing_beside(message)
            case observed, expected:
                ruling = self.rule_on(property_, observable, observed, expected)
        return self.as_unpredictable(observable, ruling)

    def expected(self, observable: str, answer: Answer) -> Definite | Broken:
        """What the specification expects of the backend that has given the answer."""
        expected = self.specified[observable]
        if not isinstance(expected, Own):
            return expected
        return as_expected(answer.get(expected.observable, NOT_ASKED))

    def rule_on(self, property_: Property, observable: str, observed: Observed, expected: Definite) -> Ruling:
        """Conforming to what is expected, else deviating as recorded, else a finding."""
        wanted, seen = self.compared(property_, expected, observed)
        judgement = judge(wanted, seen, self.bench.arithmetic)
        if judgement.passed:
            return Ruling(judgement, (), seen, expected)
        for explain in (self.as_refusal, self.as_acceptance, self.as_dialect):
            explained = explain(property_, observable, observed, judgement)
            if explained is not None:
                return Ruling(*explained, seen, expected)
        return Ruling(judgement, (), seen, expected)

    def compared(
        self, property_: Property, expected: Expected, observed: Observed
    ) -> tuple[Expected, Observed]:
        """Both in the form in which they are compared."""
        if isinstance(expected, Structure) and isinstance(observed, WireJSON):
            wanted, seen = property_.canonical(self.case, expected.value, observed.value)
            return Structure(wanted), WireJSON(seen)
        return expected, observed

    def restructured(self, expected: Expected, structural: Sequence[Applied]) -> Expected:
        """What is expected with the structures that some deviations patch."""
        if isinstance(expected, Structure):
            for applied in structural:
                expected = Structure(applied.restructured(expected.value))
        return expected

    def as_refusal(
        self, property_: Property, observable: str, observed: Observed, judgement: Judgement
    ) -> tuple[Judgement, tuple[str, ...]] | None:
        """A recorded refusal."""
        if not isinstance(observed, WireError):
            return None
        for d in self.in_scope(effects.Raises):
            match d.effect:
                case effects.Raises(kind, at, observables, message):
                    same = kind == observed.kind and message in observed.message
                    # In a run it does not matter at which step one of its parts refuses.
                    of_part = is_of_run(observable) and not any(map(is_of_run, observables))
                    here = (of_part or at == observed.at) and concerns(observables, observable)
                    # Where a layer cannot be made, a model with it cannot be loaded, whatever is asked of it.
                    inside = is_about_model(self.case) and observed.at == "load" and at in MAKING
                    if same and (here or inside):
                        return replace(judgement, verdict=Verdict.DEVIATES), (d.id,)
        return None

    def as_acceptance(
        self, property_: Property, observable: str, observed: Observed, judgement: Judgement
    ) -> tuple[Judgement, tuple[str, ...]] | None:
        """A recorded want of a refusal."""
        if judgement.verdict is not Verdict.ACCEPTS or observed != NOTHING:
            return None
        accepting = tuple(
            d.id for d in self.in_scope(effects.Accepts) if matches(d.effect.observables, observable)
        )
        return (replace(judgement, verdict=Verdict.DEVIATES), accepting) if accepting else None

    def as_dialect(
        self, property_: Property, observable: str, observed: Observed, judgement: Judgement
    ) -> tuple[Judgement, tuple[str, ...]] | None:
        """What the specification gives with its functions, defaults and structures as recorded. What is wrong
        with these explains nothing, and is said beside the judgement."""
        structural = [a for a in self.structuring(observable) if self.may_explain(a, judgement)]
        patching = self.patching(observable)
        if not patching and not structural:
            return None
        try:
            answer = self.answer_under(patching, observable)
        except Unexplained as fault:
            return replace(judgement, message=f"{judgement.message}; not explained: {fault}"), ()
        expected, seen = self.compared(property_, answer, observed)
        deviant = judge(self.restructured(expected, structural), seen, self.bench.arithmetic)
        if not deviant.passed:
            return None
        reached = self.under(patching).reached
        shown = [d for d in patching if reached & targets(d)]
        if len(shown) + len(structural) > 1:
            # Where none of them makes a difference by itself, they make it together.
            alone = [d for d in shown if self.changed(d, patching, observable)]
            shown = alone or ([] if structural else shown)
            structural = [a for a in structural if self.told(a, structural, expected)]
        verdict = Verdict.DEVIATES if deviant.verdict is Verdict.CONFORMS else deviant.verdict
        return replace(deviant, verdict=verdict), tuple(
            dict.fromkeys(d.id for d in (*shown, *(a.deviation for a in structural)))
        )

    def may_explain(self, applied: Applied, judgement: Judgement) -> bool:
        """Whether what a model says differs at the layer. What is recorded of a layer's constructor need not
        show in a file, where arguments have the names that the runtime has for them."""
        if not is_about_model(self.case) or not applied.path:
            return True
        path = tuple(map(str, applied.path))
        layers = ("layers/" + "/layers/".join(path[: i + 1]) for i in range(len(path)))
        beginnings = tuple(f"{layer}/config" for layer in layers)
        return any(place.startswith(beginnings) for place in judgement.differs)

    def told(self, applied: Applied, structural: Sequence[Applied], expected: Expected) -> bool:
        """Whether the structure would be another one without the deviation."""
        without = self.restructured(expected, [other for other in structural if other is not applied])
        return without != self.restructured(expected, structural)

    def changed(self, d: Deviation, patching: Sequence[Deviation], observable: str) -> bool:
        """Whether the dialect's answer would be another one without the deviation, or cannot be told: a patch
        may rely on another one."""
        bounded = not isinstance(self.specified[observable], Value)
        others = [other for other in patching if other is not d]
        try:
            without, whole = (self.answer_under(ds, observable, bounded=bounded) for ds in (others, patching))
        except Unexplained:
            return True
        return not same(without, whole)

    def as_unpredictable(self, observable: str, ruling: Ruling) -> Ruling:
        """What is recorded as garbage or as a crash: never conforming, and no finding either. So it is where
        the answer happens to be right: chance decides no verdict, and runs can be compared."""
        judgement = ruling.judgement
        refused = isinstance(ruling.observed, WireError) and judgement.verdict is Verdict.DEVIATES
        for d in self.in_scope(effects.Unpredictable):
            match d.effect:
                case effects.Unpredictable(verdict, observables, signature) if concerns(
                    observables, observable
                ):
                    like = verdict is judgement.verdict and signature in judgement.message
                    # What the memory held may be the answer before.
                    like |= (judgement.verdict, judgement.message) == (REPEATED.verdict, REPEATED.message)
                    if like or not (refused or judgement.verdict in FINDINGS | BROKEN):
                        return Ruling(
                            Judgement(Verdict.UNSPECIFIED, message="recorded as unpredictable"), (d.id,)
                        )
        return ruling


def nothing_beside(message: str) -> Ruling:
    """Of an answer that is judged by another one, where that has failed."""
    return Ruling(Judgement(Verdict.NOT_RUN, message=f"nothing to compare it with: {message}"))


NOT_ASKED = Broken(Verdict.NOT_RUN, "it was not asked")


def as_expected(answer: Observed | Broken) -> Definite | Broken:
    """What a backend has answered as what is expected of it once more."""
    match answer:
        case WireTensor():
            return Value(Tensor(from_wire(answer)))
        case WireJSON(value):
            return Structure(value)
        case WireError(kind, at, message):
            return Refusal(at, message, kind)
    return answer


def concerns(patterns: tuple[str, ...], observable: str) -> bool:
    """Whether a deviation that shows in some observables may show in this one: what holds of a call holds of
    the one after it, and a training run rests on everything that its parts do."""
    if matches(patterns, observable) or matches(patterns, basis(observable)):
        return True
    return is_of_run(observable) and not any(map(is_of_run, patterns))


@dataclass(frozen=True)
class Side:
    """An output of a case that has a part in a relation, and what became of it."""

    trial: Trial
    name: str
    answer: Observed | Broken

    @property
    def value(self) -> Array:
        assert isinstance(self.answer, WireTensor)
        return from_wire(self.answer)

    @property
    def is_specified(self) -> bool:
        """Whether the specification has a value here, and refuses nothing."""
        return isinstance(self.trial.specified[self.name], Value)

    @property
    def bound(self) -> Array:
        """Of the error that a correct backend may make in it.

        Raises:
            ValueError: none is known of an output of this shape.
        """
        expected, shape = self.trial.specified[self.name], self.value.shape
        if not isinstance(expected, Value) or expected.tensor.shape != shape:
            raise ValueError(f"{self} has the shape {list(shape)}")
        error = expected.tensor.error
        return np.zeros(shape) if error is None else xp.to_host(error)

    def ruling(self) -> Ruling:
        """What there is to say of it by itself."""
        return self.trial.rule(PROPERTIES["forward"], self.name, {self.name: self.answer})

    def __str__(self) -> str:
        return f"{self.name} of {self.trial.case.subject} {self.trial.case.config}"


class Related:
    """A relation between the answers of one backend: to a case, and to those derived from it."""

    def __init__(self, trial: Trial, name: str, derivation: Derivation) -> None:
        self.trial, self.derivation = trial, derivation
        self.derived = {
            f"{PREFIX}{name}/{i}/": Trial(case, make(case), trial.bench)
            for i, case in enumerate(derivation.cases)
        }

    def rule(self, output: str, answer: Answer) -> Ruling:
        """Whether an output of the case is what the outputs of the derived cases make of it. Where it is not,
        and each of them is the specification's or a recorded deviation from it, these explain it."""
        asked = {prefix: outputs_of(trial) for prefix, trial in self.derived.items()}
        if not all(asked.values()):
            return UNSUPPORTED
        own = Side(self.trial, output, answer.get(output, NOT_ASKED))
        derived = [
            [Side(self.derived[prefix], name, answer.get(prefix + name, NOT_ASKED)) for name in names]
            for prefix, names in asked.items()
        ]
        sides = [own, *(side for outputs in derived for side in outputs)]
        if not all(side.is_specified for side in sides):
            return UNRELATED
        for side in sides:
            chance = side.trial.as_unpredictable(side.name, Ruling(Judgement(Verdict.CONFORMS)))
            if chance.deviations:
                return chance
        if isinstance(own.answer, Broken):
            return nothing_beside(own.answer.message)
        ruling = unanswered(sides) or self.held_against(own, derived)
        if ruling.judgement.verdict not in FINDINGS:
            return ruling
        rulings = [side.ruling() for side in sides]
        known = tuple(dict.fromkeys(name for r in rulings for name in r.deviations))
        if not known or any(r.judgement.verdict in FINDINGS for r in rulings):
            return ruling
        return replace(
            ruling, judgement=replace(ruling.judgement, verdict=Verdict.DEVIATES), deviations=known
        )

    def held_against(self, own: Side, derived: Sequence[Sequence[Side]]) -> Ruling:
        """The judgement of arrays: within the sum of all their bounds, or equal where floating point makes
        them so."""
        which, factor = int(own.name.rpartition("/")[2]), self.derivation.factor
        try:
            composed = (
                factor * self.derivation.compose([[s.value for s in sides] for sides in derived])[which]
            )
            limit = None
            if not self.derivation.exact:
                bounds = self.derivation.compose([[s.bound for s in sides] for sides in derived])
                limit = own.bound + abs(factor) * bounds[which]
        except (ValueError, IndexError) as error:
            return Ruling(Judgement(Verdict.DIVERGES, message=f"the outputs do not fit together: {error}"))
        expected = Value(Tensor(own.value, limit, Provenance.SELECTED))
        seen = to_wire(composed)
        return Ruling(judge(expected, seen, self.trial.bench.arithmetic), (), seen, expected)


def outputs_of(trial: Trial) -> list[str]:
    """The outputs of a derived case that the backend is asked."""
    return [name for name in trial.bench.supported(trial.case) if name.startswith("output/")]


def unanswered(sides: Sequence[Side]) -> Ruling | None:
    """What there is to say where one of the outputs is none."""
    for side in sides:
        match side.answer:
            case Broken(verdict, message):
                return Ruling(Judgement(verdict, message=f"{side}: {message}"))
            case WireError(kind, at, message):
                return Ruling(Judgement(Verdict.RAISES, message=f"{side}: {kind} at {at}: {message}"))
    return None


UNRELATED = Ruling(Judgement(Verdict.UNSPECIFIED, message="the relation says nothing about this case"))


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
    rulings: dict[str, dict[tuple[Property, str], Ruling]] = {}
    for bench in benches:
        supported = bench.supported(case)
        answer = answers.get(bench.name)
        trial = Trial(case, data, bench, own_of(case, answer))
        rulings[bench.name] = {
            (property_, observable): trial.rule(property_, observable, answer)
            if observable in supported
            else unasked(case, observable)
            for property_, observable in judged
            if speaks_of(observable, bench.identity.language)
        }
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
                other
                for other, theirs in rulings.items()
                if other != backend and judging in theirs and agree(ruling, theirs[judging])
            ),
            message=ruling.judgement.message,
            differs=ruling.judgement.differs,
            arguments=told_arguments(observable, ruling.observed),
            shown=told_facts(observable, ruling.observed),
        )
        for backend, own in rulings.items()
        for judging, ruling in own.items()
        for property_, observable in (judging,)
    )


def own_of(case: Case, answer: Answer | None) -> dict[str, Array]:
    """The arrays of an answer, from which steps of training are judged; none of another case's."""
    if answer is None or not is_about_training(case):
        return {}
    return {name: from_wire(x) for name, x in answer.items() if isinstance(x, WireTensor)}


def unasked(case: Case, observable: str) -> Ruling:
    """What is to be said of what a backend has not in its capabilities."""
    if lacking := needs(case, observable):
        return Ruling(Judgement(Verdict.NOT_RUN, message=f"it takes {lacking}"))
    return UNSUPPORTED


def told_arguments(observable: str, observed: Observed | None) -> tuple[str, ...]:
    """The arguments in a constructor's signature that a backend told: they say what it takes."""
    match observable, observed:
        case "signature", WireJSON(value={"arguments": dict(arguments)}):
            return tuple(sorted(arguments))
    return ()


NUMBERS_SHOWN = 8
"""Of an array that shows a statement of the guides."""


def told_facts(observable: str, observed: Observed | None) -> str:
    """What a backend has shown of a statement of the guides, as JSON; of arrays the first numbers."""
    if not observable.startswith(PREFIX_OF_FACTS):
        return ""
    match observed:
        case WireJSON(value):
            return msgspec.json.encode(value).decode()
        case WireTensor():
            return msgspec.json.encode(from_wire(observed).ravel()[:NUMBERS_SHOWN].tolist()).decode()
    return ""


def agree(a: Ruling, b: Ruling) -> bool:
    """Whether two answers are the same: two refusals, equal structures, arrays within both limits.

    An error that a backend did not mean says nothing of what it holds to be right, and to refuse a gradient
    is another thing than to refuse what it is of.
    """
    if a.judgement.verdict is b.judgement.verdict is Verdict.CONFORMS:
        return True
    match a.observed, b.observed:
        case WireError(), WireError():
            differentiating = {a.observed.at == "gradient", b.observed.at == "gradient"}
            return {a.observed.kind, b.observed.kind} <= DELIBERATE and len(differentiating) == 1
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
