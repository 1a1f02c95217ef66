"""A correct backend in this process: the specification itself, run in float32 on the data of a case, its
answers written as a runner would bring them; faults and variants are put into it in place."""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import msgspec
import numpy as np

from conformance import checks
from conformance.cases import corpus
from conformance.cases.answer import Answers
from conformance.cases.case import Case, Source
from conformance.cases.data import Data, make
from conformance.cases.expected import Expected, Image, Law, Own, Refusal, Structure, Value
from conformance.cases.properties import PROPERTIES
from conformance.cases.relations import asked_beside
from conformance.cases.relations.relation import literal
from conformance.checks import Bench
from conformance.dialects.deviation import Dialect
from conformance.reference_impl.arithmetic import Arithmetic, declared
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.patches import patched
from conformance.reference_impl.tape import Tensor
from conformance.runners.protocol import (
    ConcreteCase,
    Identity,
    Observed,
    WireError,
    WireJSON,
    WireTensor,
    from_wire,
    to_wire,
)
from conformance.runners.question import Answer
from conformance.verdicts import Check
from tests.answers import answer

Replacements = Mapping[str, Any]
"""What stands in the place of `module:attribute`, a function that takes the original and then its arguments;
or of a target of `reference_impl.patches`."""

Said = Callable[[Case, str, Any], Any]
"""(case, observable, array or structure) → what the backend answers instead, `WireError` included"""

QUICK = corpus.load("quick")


def identity_of(name: str, subjects: Iterable[str], **arithmetic: Any) -> Identity:
    """A backend that can be asked everything about subjects, with entries of its own in its arithmetic."""
    declaration = {"base": "ieee-float32"} | arithmetic
    return Identity(name, "python", {}, {}, {}, declaration, {subject: ["*"] for subject in subjects})


def bench(dialect: Dialect | None = None, **arithmetic: Any) -> Bench:
    """A backend of all subjects as far as judging is concerned."""
    subjects = {case.subject for case in corpus.load("standard")}
    identity = identity_of("float32", subjects, **arithmetic)
    return Bench(identity, declared(identity.arithmetic), dialect or Dialect())


@contextmanager
def in_place(replacements: Replacements) -> Iterator[None]:
    """Within the block, other functions stand in the place of the specification's."""
    places = {place: new for place, new in replacements.items() if place.startswith("conformance.")}
    targets = {name: new for name, new in replacements.items() if name not in places}
    with ExitStack() as stack:
        for place, new in places.items():
            module, _, path = place.partition(":")
            owner, _, name = f"{module}:{path}".rpartition("." if "." in path else ":")
            original = getattr(pkgutil.resolve_name(owner), name)
            stack.enter_context(mock.patch.object(pkgutil.resolve_name(owner), name, _put(new, original)))
        stack.enter_context(patched(targets))
        yield


def _put(new: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        return new(original, *args, **kwargs)

    return call


def observe(
    case: Case, replacements: Replacements | None = None, said: Said | None = None
) -> dict[str, Observed]:
    """What the backend answers to a case."""
    answers = _correct(case) if replacements is None else _answers(case, replacements)
    observed = {name: as_observed(case, name, answers, said) for name in answers}
    for prefix, derived in asked_beside(case).items():
        observed |= {prefix + name: x for name, x in observe(derived, replacements, said).items()}
    return observed


def _answers(case: Case, replacements: Replacements) -> dict[str, Expected]:
    with in_place(replacements):
        answers = answer(case, data_of(case), None)
        return {name: drawn(case, e) if isinstance(e, Law | Image) else e for name, e in answers.items()}


def drawn(case: Case, law: Law | Image) -> Value:
    """What is right of what a correct backend draws, which follows from the case."""
    key = int(case.id, 16)
    if isinstance(law, Image):
        return Value(Tensor(law.sample(key).astype(np.float32)))
    return Value(law.given([d.distribution.sample(key + i, d.shape) for i, d in enumerate(law.draws)]))


_answered: dict[str, dict[str, Expected]] = {}


def _correct(case: Case) -> dict[str, Expected]:
    """The answers without a fault, computed once."""
    if case.id not in _answered:
        _answered[case.id] = _answers(case, {})
    return _answered[case.id]


def as_observed(case: Case, name: str, answers: Mapping[str, Expected], said: Said | None = None) -> Observed:
    expected = answers[name]
    if isinstance(expected, Own):
        expected = answers[expected.observable]
    match expected:
        case Refusal(at, message):
            value: Any = WireError("invalid-argument", at, message)
        case Structure(value):
            # Through JSON, as a runner's answer comes: no tuples, no sharing.
            value = msgspec.json.decode(msgspec.json.encode(value))
        case Value(tensor):
            value = np.asarray(tensor.value)  # NumPy makes scalars of arrays without axes
    value = value if said is None else said(case, name, value)
    match value:
        case WireError():
            return value
        case np.ndarray():
            return to_wire(value)
    return WireJSON(value)


_data: dict[str, Data] = {}


def data_of(case: Case) -> Data:
    """The arrays of a case, made once."""
    if case.id not in _data:
        _data[case.id] = make(case)
    return _data[case.id]


class Judge:
    """Judges backends without a dialect, computing the specification's answer to a case once."""

    def __init__(self, **arithmetic: Any) -> None:
        self.bench = bench(**arithmetic)
        self.specified: dict[str, Answers] = {}

    def checks(self, case: Case, answer: Answer) -> tuple[Check, ...]:
        with mock.patch.object(checks, "Answers", self._answers):
            answers = {self.bench.name: answer}
            return checks.check(case, data_of(case), [self.bench], answers, list(PROPERTIES.values()))

    def _answers(
        self, case: Case, data: Data, arithmetic: Arithmetic, *, own: Mapping[str, Array]
    ) -> Answers:
        if own:
            return Answers(case, data, arithmetic, own=own)
        if case.id not in self.specified:
            self.specified[case.id] = Answers(case, data, arithmetic)
        return self.specified[case.id]


_judges: dict[str, Judge] = {}


def judge_of(**arithmetic: Any) -> Judge:
    """The judge of backends that declare an arithmetic, made once."""
    key = repr(arithmetic)
    if key not in _judges:
        _judges[key] = Judge(**arithmetic)
    return _judges[key]


def forget() -> None:
    """Let go of what was computed once for several backends, before the next case."""
    _answered.clear()
    _data.clear()
    for judge in _judges.values():
        judge.specified.clear()


def as_case(concrete: ConcreteCase) -> Case:
    """The question that a program gets, as a case."""

    def source(tensor: WireTensor) -> Source:
        return literal(from_wire(tensor))

    return Case(
        subject=concrete.subject,
        config=concrete.config,
        inputs=tuple(map(source, concrete.inputs)),
        weights={name: source(tensor) for name, tensor in concrete.weights.items()},
        masks=tuple(map(source, concrete.masks)),
        initial_state=tuple(map(source, concrete.initial_state)),
        cotangents=tuple(map(source, concrete.cotangents)),
        observables=concrete.observables,
    )
