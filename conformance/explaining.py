"""Explains one check: what a backend answers now, and how the limit of its worst element comes about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from conformance import dialects
from conformance.cases import corpus as corpora
from conformance.cases.answer import Answers
from conformance.cases.case import Case, Recipe, Source
from conformance.cases.data import make
from conformance.cases.expected import Definite, Image, Law, Own, Refusal, Structure, Value
from conformance.cases.models import is_about_model
from conformance.cases.properties import PROPERTIES
from conformance.cases.properties.property import basis, matches, pairs, with_basis
from conformance.cases.relations import relation_of
from conformance.cases.relations.composition import Composition
from conformance.cases.training import is_about_training
from conformance.checks import Bench, Ruling, Trial, Unexplained, outputs_of, own_of, targets
from conformance.dialects.deviation import Deviation
from conformance.engine import Made, Posed
from conformance.judging import Judgement
from conformance.reference_impl.arithmetic import BadArithmetic, declared
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.decomposition import Term, decompose
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor
from conformance.reporting.store import RESULTS, read
from conformance.runners.process import Runner
from conformance.runners.protocol import Observed, WireError, WireTensor, from_wire
from conformance.runners.question import Answer, Broken
from conformance.runners.registry import BackendSpec
from conformance.runners.unavailable import BackendUnavailable
from conformance.selection import UnknownName, find_cases


class NotAsked(LookupError):
    """The backend says that it cannot be asked this."""


@dataclass(frozen=True)
class Found:
    """What an id names: a case, one of its observables, and of a finding the backend and the run's seed."""

    case: Case
    observable: str
    backends: tuple[str, ...] = ()
    seed: int = 0


def find(what: str, directory: Path, observable: str | None) -> Found:
    """The finding in the results directory, or else the case, that `what` names.

    Args:
        what: a finding's id, a case's, or a JSON file with a case.
        observable: in place of the finding's; of a case it is needed.

    Raises:
        UnknownName: there is no such finding, case or observable; the message says which come nearest.
        BadCase: a file holds no case.
        ResultsError: the results in the directory cannot be trusted.
    """
    results = read(directory).results if (directory / RESULTS).exists() else None
    findings = {} if results is None else {finding.id: finding for finding in results.findings}
    cases = {case.id: case for name in corpora.NAMES for case in corpora.load(name)}
    cases |= {finding.case: finding.witness for finding in findings.values()}
    backends: tuple[str, ...] = ()
    seed = 0
    if results is not None and what in findings:
        finding = findings[what]
        case, backends, seed = finding.witness, (finding.backend,), results.suite.seed
        observable = observable or finding.observable
    elif what in cases:
        case = cases[what]
    elif what.endswith(".json") or Path(what).is_file():
        (case,) = find_cases(corpora.NAMES[-1], [what])
    else:
        where = "" if results is not None else f" (there are no results in {directory})"
        raise UnknownName(f"no finding or case {what!r}{where}; {suggestion(what, [*findings, *cases])}")
    if observable not in case.observables:
        known = ", ".join(case.observables)
        given = "needs --observable NAME" if observable is None else f"has no observable {observable!r}"
        raise UnknownName(f"case {case.id} {given}; it has {known}")
    return Found(case, observable, backends, seed)


@dataclass(frozen=True)
class Subject:
    """What is to be explained: one observable of a case before one backend.

    Attributes:
        dialects: modules of dialects, as `engine.Plan` has them.
    """

    case: Case
    observable: str
    backend: BackendSpec
    seed: int = 0
    dialects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Element:
    """The element whose error is the largest fraction of its limit.

    Attributes:
        margin: that fraction; infinite for an error where the limit is 0.
    """

    place: tuple[int, ...]
    observed: float
    expected: float
    error: float
    limit: float
    margin: float


@dataclass(frozen=True)
class InScope:
    """A recorded deviation that applies to the case.

    Attributes:
        reached: whether what it patches was needed for the observable; None where it patches nothing.
        explains: whether the verdict rests on it.
    """

    id: str
    summary: str
    effect: str
    reached: bool | None
    explains: bool


@dataclass(frozen=True)
class Explanation:
    """What there is to know about one check.

    Attributes:
        inputs: the case's arrays by name, how each is made.
        judgement: of what the backend answers now.
        observed: in words, where it is no array.
        expected: in words, where it is no array.
        element: None where no array was answered for an array of that shape.
        terms: of the element's limit; empty where it is 0 or infinite.
        arithmetic: name, unit roundoff, what happens to subnormals, algorithms of other classes than the
            tightest, and the entries of the ULP table that the terms use.
    """

    backend: str
    versions: dict[str, str]
    case: Case
    inputs: dict[str, str]
    property: str
    observable: str
    judgement: Judgement
    observed: str
    expected: str
    element: Element | None
    terms: tuple[Term, ...]
    arithmetic: dict[str, Any]
    deviations: tuple[InScope, ...]


def explain(subject: Subject) -> Explanation:
    """Ask the backend for the observable, judge the answer, and take its limit apart.

    Raises:
        BackendUnavailable: it could not be started, or declares no arithmetic that makes sense.
        NotAsked: the backend does not support it.
    """
    case = subject.case
    ((property_, _),) = pairs(tuple(PROPERTIES.values()), (subject.observable,))
    bench, answer = asyncio.run(_ask(subject))
    data = make(case)
    trial = Trial(case, data, bench, own_of(case, answer))
    ruling = trial.rule(property_, subject.observable, answer)
    compared = _compared(trial, subject.observable, answer, ruling)
    element = _worst(compared.expected, compared.observed)
    terms: tuple[Term, ...] = ()
    if element is not None and 0 < element.limit < np.inf:
        terms = compared.terms(element.place)
    return Explanation(
        backend=bench.name,
        versions=bench.identity.versions,
        case=case,
        inputs=_made_from(case),
        property=property_.name,
        observable=subject.observable,
        judgement=ruling.judgement,
        observed=_in_words(compared.observed),
        expected=_expected_in_words(compared.expected),
        element=element,
        terms=terms,
        arithmetic=_arithmetic(bench, terms),
        deviations=_deviations(trial, subject.observable, ruling.deviations),
    )


@dataclass(frozen=True)
class Compared:
    """What was held against what.

    Attributes:
        terms: takes the limit of an element apart.
    """

    expected: Definite | None
    observed: Observed | Broken | None
    terms: Callable[[tuple[int, ...]], tuple[Term, ...]]


def _compared(trial: Trial, observable: str, answer: Answer, ruling: Ruling) -> Compared:
    arithmetic = trial.bench.arithmetic
    if relation_of(observable) is not None:

        def of_both_sides(place: tuple[int, ...]) -> tuple[Term, ...]:
            composition = Composition.of(trial.case, observable, arithmetic, recorded=True)
            side, there = composition.source(place)
            terms = decompose(composition.own.tensor, place, arithmetic)
            terms += decompose(side.tensor, there, arithmetic)
            return tuple(sorted(terms, key=lambda term: -term.contribution))

        return Compared(ruling.expected, ruling.observed, of_both_sides)
    expected = Answers(trial.case, trial.data, arithmetic, recorded=True, own=trial.own)[observable]
    if isinstance(expected, Own):
        return Compared(ruling.expected, answer[observable], lambda place: ())
    tensor = expected.tensor if isinstance(expected, Value) else None
    return Compared(
        expected,
        answer[observable],
        lambda place: () if tensor is None else decompose(tensor, place, arithmetic),
    )


async def _ask(subject: Subject) -> tuple[Bench, Answer]:
    spec, observable = subject.backend, subject.observable
    if is_about_model(subject.case):
        raise NotAsked(
            f"{observable} is of a model that went from one program to another; `conformance check` tells "
            "which of a model's layers departs"
        )
    async with Runner(spec) as runner:
        identity = msgspec.structs.replace(await runner.start(), name=spec.name)
        try:
            dialect = dialects.of(spec.name, identity.versions, subject.dialects)
            bench = Bench(identity, declared(identity.arithmetic), dialect)
        except BadArithmetic as error:
            raise BackendUnavailable(str(error)) from error
        if observable not in bench.supported(subject.case):
            raise NotAsked(f"{spec.name} says that it lacks {observable} of {subject.case.subject}")
        # A step of a training run is judged from the one before it.
        asked = with_basis(observable) if not is_about_training(subject.case) else subject.case.observables
        case = msgspec.structs.replace(subject.case, observables=asked)
        posed = Posed.to(runner, bench, case, Made(subject.seed))
        assert posed is not None
        return bench, await posed.result()


def _worst(expected: Definite | None, observed: Observed | Broken | None) -> Element | None:
    """The element with the largest margin, among those that are promised anything."""
    if not isinstance(expected, Value) or not isinstance(observed, WireTensor):
        return None
    value, seen = xp.to_host(expected.tensor.value), from_wire(observed)
    if value.shape != seen.shape or not value.size:
        return None
    value, seen = value.astype(np.float64), seen.astype(np.float64)
    limit = _limits(expected.tensor)
    with np.errstate(all="ignore"):
        same = (seen == value) | (np.isnan(seen) & np.isnan(value))
        error = np.where(same, 0.0, np.nan_to_num(np.abs(seen - value), nan=np.inf))
        margin = np.where(error == 0, 0.0, error / limit)
        # Among elements of one margin, such as 0, the one whose limit says most.
        order = np.lexsort((np.where(np.isfinite(limit), limit, -1.0).ravel(), np.nan_to_num(margin).ravel()))
    place = tuple(int(i) for i in np.unravel_index(int(order[-1]), value.shape))
    return Element(place, *(float(x[place]) for x in (seen, value, error, limit, margin)))


def _limits(tensor: Tensor) -> Array:
    return np.zeros(tensor.shape) if tensor.error is None else xp.to_host(tensor.error)


def _made_from(case: Case) -> dict[str, str]:
    """How each array of the case is made."""
    arrays: dict[str, Source] = {}
    for name, sources in (
        ("input", case.inputs),
        ("mask", case.masks),
        ("initial state", case.initial_state),
        ("cotangent", case.cotangents),
    ):
        arrays |= {f"{name} {i}": source for i, source in enumerate(sources)}
    arrays |= {f"weight {name}": source for name, source in case.weights.items()}
    return {name: _described(source) for name, source in arrays.items()}


def _described(source: Source) -> str:
    how = f"regime {source.regime}" if isinstance(source, Recipe) else "literal"
    return f"{how}, {source.dtype}, shape {list(source.shape)}"


def _in_words(observed: Observed | Broken | None) -> str:
    match observed:
        case None:
            return "nothing that could be compared"
        case Broken(verdict=verdict, message=message):
            return f"{verdict}: {message}"
        case WireError(kind=kind, at=at, message=message):
            return f"an error, {kind} at {at}: {message}"
        case WireTensor(dtype=dtype, shape=shape):
            return f"an array, {dtype}, shape {list(shape)}"
    return msgspec.json.encode(observed.value, order="sorted").decode()


def _expected_in_words(expected: Definite | None) -> str:
    match expected:
        case None:
            return "what the backend itself answers elsewhere"
        case Refusal(at=at, message=message):
            return f"an error at {at}: {message}"
        case Structure(value=value):
            return msgspec.json.encode(value, order="sorted").decode()
        case Value(tensor=tensor):
            return f"an array of shape {list(tensor.shape)}"
        case Law(draws=draws):
            return (
                f"made of {', '.join(f'{d.distribution} {list(d.shape)}' for d in draws) or 'nothing random'}"
            )
        case Image(shape=shape, tensor=tensor):
            return f"an array of shape {list(shape)}, of which one of shape {list(tensor.shape)} is made"


def _arithmetic(bench: Bench, terms: Sequence[Term]) -> dict[str, Any]:
    a, looser = bench.arithmetic, bench.arithmetic.looser_entries()
    tightest = declared({"base": a.name}).algorithms
    used = sorted({term.entry for term in terms if term.entry is not None})
    return {
        "name": a.name,
        "unit_roundoff": a.unit_roundoff,
        "subnormals": a.subnormals,
        "algorithms": {name: c for name, c in sorted(a.algorithms.items()) if c != tightest[name]},
        "ulps": {name: {"ulps": a.ulps[name], "looser_than_published": name in looser} for name in used},
    }


def _deviations(trial: Trial, observable: str, explaining: tuple[str, ...]) -> tuple[InScope, ...]:
    """The recorded deviations in scope, and whether their patches were reached for the observable; for a
    relation, of what it holds against one another."""
    related = trial.related.get(relation_of(observable) or "")
    sides = [(trial, basis(observable) if related else observable)]
    if related is not None:
        sides += [(side, name) for side in related.derived.values() for name in outputs_of(side)]
    in_scope: dict[str, Deviation] = {}
    rests: dict[str, bool | None] = {}
    for side, name in sides:
        for d, reached in _reached(side, name):
            in_scope[d.id] = d
            rests[d.id] = rests.get(d.id) or reached
    return tuple(
        InScope(d.id, d.description, d.effect.name, rests[d.id], d.id in explaining)
        for d in in_scope.values()
    )


def _reached(trial: Trial, observable: str) -> Iterator[tuple[Deviation, bool | None]]:
    """The deviations that the observable may rest on, and whether it does; None where one patches nothing."""
    patching = trial.patching(observable)
    for d in trial.in_scope():
        if d in patching:
            with suppress(Unexplained):
                trial.answer_under((d,), observable)
            yield d, bool(trial.under((d,)).reached & targets(d))
        elif matches(d.effect.observables, observable):
            yield d, None
