"""Programs in this process that load and save models as the specification does, but for one fault."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import msgspec

from conformance.cases.answer import Answers
from conformance.cases.case import Case, Recipe
from conformance.cases.data import Data, make
from conformance.cases.expected import Refusal, Value
from conformance.cases.models import SUBJECTS, weight_name
from conformance.cases.properties import PROPERTIES
from conformance.checks import Bench
from conformance.dialects.deviation import Dialect
from conformance.interchange.exchange import Exchange
from conformance.interchange.exchanged import check_exchange
from conformance.interchange.files import File, Weights, in_memory, read, written
from conformance.reference_impl.arithmetic import declared
from conformance.reference_impl.saving.saved_model import FormatError, JSONObject
from conformance.runners.protocol import (
    ConcreteCase,
    Identity,
    Observed,
    WireError,
    WireJSON,
    from_wire,
    to_wire,
)
from conformance.runners.question import Question
from conformance.verdicts import Check

Change = Callable[[JSONObject, Weights], tuple[JSONObject, Weights]]
"""What becomes of a model's configuration and weights."""


def unchanged(model: JSONObject, weights: Weights) -> tuple[JSONObject, Weights]:
    return model, weights


@dataclass
class Program:
    """A program, and what it does wrong.

    Attributes:
        loads, saves: formats.
        on_loading, on_saving: its faults.
        fails_at: a step at which it raises an error.
    """

    name: str
    loads: Sequence[str]
    saves: Sequence[str]
    on_loading: Change = unchanged
    on_saving: Change = unchanged
    fails_at: str = ""
    asked: list[ConcreteCase] = field(default_factory=list)

    @property
    def bench(self) -> Bench:
        patterns = [*(f"loaded/{name}/*" for name in self.loads), *(f"file/{name}" for name in self.saves)]
        declaration = {"base": "ieee-float32"}
        capabilities = dict.fromkeys(SUBJECTS, patterns)
        identity = Identity(self.name, "python", {}, {}, {}, declaration, capabilities)
        return Bench(identity, declared(declaration), Dialect())

    def ask(self, case: ConcreteCase) -> Question:
        self.asked.append(case)
        question = Question(case)
        question.take({name: self.answered(case, name) for name in case.observables})
        return question

    def answered(self, case: ConcreteCase, name: str) -> Observed:
        """The answer to one observable."""
        kind, format_, *rest = name.split("/")
        step = {"file": "save", "loaded": "load"}[kind]
        if self.fails_at == step:
            return WireError("internal", step, "out of order")
        file = _file(case)
        try:
            given = read(file, case.config)
        except FormatError as error:
            return WireError("invalid-argument", "load", error.reason)
        model, weights = self.on_loading(*given)
        if kind == "file":
            content = written(in_memory(*self.on_saving(model, weights)), format_).content
            return WireJSON({name: base64.b64encode(data).decode() for name, data in content.items()})
        match rest:
            case ["config"]:
                return WireJSON({"class_name": model["class_name"], "config": model["config"]})
            case ["weights"]:
                return WireJSON({key: msgspec.to_builtins(to_wire(x)) for key, x in named(weights).items()})
        return _output(case, model, weights, f"loaded/{'/'.join(rest)}")


def _file(case: ConcreteCase) -> File:
    names = {"model.keras": "keras", "model.h5": "h5", "model.json": "model.json"}
    format_ = next(names[name] for name in case.files if name in names)
    return File(format_, {name: base64.b64decode(data) for name, data in case.files.items()})


def named(weights: Weights) -> dict[str, Any]:
    return {weight_name(path, name): x for path, own in weights.items() for name, x in own.items()}


def _output(case: ConcreteCase, model: JSONObject, weights: Weights, observable: str) -> Observed:
    arrays = named(weights)
    asked = Case(
        f"models.{model['class_name']}",
        model["config"],
        weights={name: Recipe("computed", x.shape, 0, x.dtype.name) for name, x in arrays.items()},
        observables=(observable,),
    )
    data = Data(tuple(map(from_wire, case.inputs)), arrays, (), (), ())
    match Answers(asked, data, None)[observable]:
        case Value(tensor):
            return to_wire(tensor.value)
        case Refusal(at, message):
            return WireError("invalid-argument", at, message)
    raise AssertionError(observable)


def exchanged(case: Case, *programs: Program) -> tuple[Check, ...]:
    """The checks of a model that goes between programs."""
    data = make(case)
    told = anyio.run(Exchange(case, data, [(p.bench, p) for p in programs], 0).told)
    return check_exchange(case, data, [p.bench for p in programs], told, [PROPERTIES["interchange"]])


def with_layers(model: JSONObject, change: Callable[[JSONObject], JSONObject]) -> JSONObject:
    """The model with the configuration of each of its layers changed."""
    layers = [layer | {"config": change(layer["config"])} for layer in model["config"]["layers"]]
    return model | {"config": model["config"] | {"layers": layers}}


def correct(name: str, *formats: str, saves: Sequence[str] | None = None, **faults: Any) -> Program:
    """A program of some formats."""
    return replace(Program(name, formats, formats if saves is None else saves), **faults)


def by_layer(weights: Weights, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Weights:
    return {path: change(own) for path, own in weights.items()}
