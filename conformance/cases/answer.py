"""What the specification answers to a case: for each observable a value with its bound, or a refusal."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.cases.guide import facts_of
from conformance.cases.models import configuration, described, marks, weight_name
from conformance.cases.regimes import expand
from conformance.reference_impl import activations, layers, losses, optimizers
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers.configured import Configured
from conformance.reference_impl.layers.fields import REQUIRED
from conformance.reference_impl.layers.layer import (
    Context,
    Layer,
    Result,
    Shape,
    Weight,
    given_weights,
    output_masks,
)
from conformance.reference_impl.layers.members import members
from conformance.reference_impl.models import Model
from conformance.reference_impl.optimizers import Update
from conformance.reference_impl.patches import patched
from conformance.reference_impl.primitives import concatenate, reshape
from conformance.reference_impl.random import Draw, drawing
from conformance.reference_impl.tape import (
    Tensor,
    current_arithmetic,
    error_bounds,
    read_as_zeros,
    variable,
    vjp,
)


@dataclass(frozen=True)
class Value:
    """An array with the bound of what a correct backend may answer."""

    tensor: Tensor


@dataclass(frozen=True)
class Structure:
    """A shape, a configuration, a name: what has to be equal."""

    value: Any


@dataclass(frozen=True)
class Refusal:
    """An error is the right answer; `at` says during what.

    Attributes:
        kind: of the error, where it has to be the one that was given before; else it is one that is meant.
    """

    at: str
    message: str
    kind: str | None = None


@dataclass(frozen=True)
class Own:
    """What the backend itself answers to another observable of the same case, bit for bit."""

    observable: str


@dataclass(frozen=True)
class Law:
    """Random: what is drawn, and what is right of whatever has been drawn.

    Attributes:
        draws: of which the result is made; none where it is not random.
        given: from an array for each draw, of its shape, to the result, an axis before those of the input.
    """

    draws: tuple[Draw, ...]
    given: Callable[[Sequence[Array]], Tensor]

    @cached_property
    def outcomes(self) -> dict[tuple[float, ...], Tensor]:
        """The results where each draw is 0 throughout, or 1, by these numbers."""
        return {
            outcome: self.given([xp.full(d.shape, x) for d, x in zip(self.draws, outcome, strict=True)])
            for outcome in itertools.product((0.0, 1.0), repeat=len(self.draws))
        }


Definite = Value | Structure | Refusal | Law
"""What is expected whatever the backend answers elsewhere."""

Expected = Definite | Own


@dataclass(frozen=True)
class Data:
    """A case's arrays, made."""

    inputs: tuple[Array, ...]
    weights: Mapping[str, Array]
    masks: tuple[Array, ...]
    initial_state: tuple[Array, ...]
    cotangents: tuple[Array, ...]


def make(case: Case) -> Data:
    """The arrays of a case, as the backend gets them.

    Raises:
        ValueError: a recipe names no regime, or a literal has the wrong number of elements.
    """
    return Data(
        tuple(expand(source) for source in case.inputs),
        {name: expand(source) for name, source in case.weights.items()},
        tuple(expand(source) for source in case.masks),
        tuple(expand(source) for source in case.initial_state),
        tuple(expand(source) for source in case.cotangents),
    )


class Answers:
    """The specification's answers to the observables of a case, computed when they are first asked for.

    Under an arithmetic they are the truth, in float64, with the bounds that the arithmetic implies; under
    None they are computed in the precision of the data (the fast mode), and have no bounds.
    """

    def __init__(
        self,
        case: Case,
        data: Data,
        arithmetic: Arithmetic | None,
        patches: Mapping[str, Any] | None = None,
        *,
        recorded: bool = False,
    ) -> None:
        """The answers, with the specification's functions and defaults patched (`patches.patched`).

        Args:
            recorded: whether every tensor keeps how it was made, also where no gradient can be asked for.
        """
        self.case, self.data, self.arithmetic, self.patches = case, data, arithmetic, patches or {}
        self.recorded = recorded
        self.reached: set[str] = set()
        self._question: Question | Refusal | None = None
        self._found: dict[str, Expected] = {}

    def __getitem__(self, observable: str) -> Expected:
        """The answer; the targets of patches that were needed for it are added to `reached`."""
        if observable not in self._found:
            if self.patches:
                with patched(self.patches) as reached:
                    self._found |= self._together_with(observable)
                self.reached |= reached
            else:
                self._found |= self._together_with(observable)
        return self._found[observable]

    def _together_with(self, observable: str) -> dict[str, Expected]:
        """The observables that are found in one way with this one."""
        if self._question is None:
            self._question = self._ask()
        group = part(observable)
        names = [name for name in self.case.observables if part(name) == group]
        if isinstance(self._question, Refusal):
            return dict.fromkeys(names, self._question)
        at, observe = PARTS[group]
        try:
            return observe(self._question, names)
        except ValueError as error:
            return dict.fromkeys(names, Refusal(at, str(error)))

    def _ask(self) -> Question | Refusal:
        try:
            subject = SUBJECTS[self.case.subject.partition(".")[0]](self.case)
            return Question(subject, self.data, self.arithmetic, self.recorded)
        except (TypeError, ValueError) as error:
            return Refusal("construction", str(error))


@cache
def part(observable: str) -> str:
    """The group of observables that are computed together: the longest key of `PARTS` it begins with; none
    of what answers to other cases tell (`relations`)."""
    return max((key for key in PARTS if (observable + "/").startswith(key + "/")), key=len, default="")


class Subject:
    """What a case is about, ready to be asked: a layer, or a function seen as one."""

    name: str
    layer: Layer | None = None
    identifier: str | None = None
    """What is to be resolved to a name, if anything is."""
    given: Collection[str] = ()
    """The arguments that the case gives."""

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        raise NotImplementedError  # every kind of subject has its own

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        raise NotImplementedError  # every kind of subject has its own

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        raise NotImplementedError  # every kind of subject has its own

    @property
    def configured(self) -> Configured:
        """What has the case's arguments."""
        raise NotImplementedError  # functions have none

    def resolved(self) -> str:
        """The name of what the identifier means."""
        raise NotImplementedError  # layers have none

    def initial_weights(self, shapes: Sequence[Shape]) -> dict[str, Tensor]:
        """Weights for inputs of these shapes: zeros, for whom their values do not matter."""
        return {}


class LayerSubject(Subject):
    """A layer made from the case's configuration."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.layer = layers.get(self.name).from_config(case.config)
        self.given = case.config

    @property
    def configured(self) -> Configured:
        assert self.layer is not None
        return self.layer

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        assert self.layer is not None
        self.shapes([t.shape for t in x])
        self.check_weights(x, weights)
        return self.layer.call(x, given_weights(self.layer, weights), context)

    def check_weights(self, x: Sequence[Tensor] | Sequence[Array], weights: Mapping[str, Any]) -> None:
        """Whether the case's weights are the layer's; raises ValueError where not."""
        assert self.layer is not None
        declared = {weight.name: weight.shape for weight in self.layer.declare_weights([t.shape for t in x])}
        given = {name: weight.shape for name, weight in weights.items()}
        if declared != given:
            raise ValueError(f"{self.name} has the weights {declared}, the case gives {given}")

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        assert self.layer is not None
        self.layer.check_inputs(shapes)
        return self.layer.output_shapes(shapes)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        assert self.layer is not None
        return self.layer.output_dtypes(dtypes)

    def initial_weights(self, shapes: Sequence[Shape]) -> dict[str, Tensor]:
        assert self.layer is not None
        self.shapes(shapes)
        return {w.name: Tensor(xp.zeros(w.shape)) for w in self.layer.declare_weights(shapes)}


class ActivationSubject(Subject):
    """An activation function with the case's arguments."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.entry = activations.get(self.name)
        self.identifier = case.config.get("identifier")
        self.arguments = {k: v for k, v in case.config.items() if k != "identifier"}
        unknown = self.arguments.keys() - self.entry.arguments.keys()
        missing = {n for n, p in self.entry.arguments.items() if p.default is p.empty} - self.arguments.keys()
        if unknown or (missing and self.identifier is None):
            raise TypeError(f"{self.name} takes {list(self.entry.arguments)}, got {list(self.arguments)}")

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((self.entry.function(x[0], **self.arguments),))

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return (tuple(shapes[0]),)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (dtypes[0],)

    def resolved(self) -> str:
        return activations.get(self.identifier).name


class LossSubject(Subject):
    """A loss of labels and predictions, and of weights where there is a third input; the mask, if there is
    one, is that of the predictions."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.identifier = case.config.get("identifier")
        self.given = {k: v for k, v in case.config.items() if k != "identifier"}
        self.loss = losses.loss_class(self.name).from_config(self.given)

    @property
    def configured(self) -> Configured:
        return self.loss

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        y_true, y_pred, *given = x
        mask = context.masks[0] if context.masks else None
        return Result((self.loss(y_true, y_pred, given[0] if given else None, mask),))

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (str(self.loss.dtype),)

    def resolved(self) -> str:
        meant = losses.get(self.identifier)
        return snake_case(type(meant).__name__) if isinstance(meant, losses.Loss) else str(meant.__name__)


class OptimizerSubject(Subject):
    """An optimizer. Its case has all it is given among the weights: `variable/w` and `gradient/w` of the same
    shape, and `slot/…` for every slot of these variables, by its key."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.identifier = case.config.get("identifier")
        self.given = {k: v for k, v in case.config.items() if k != "identifier"}
        self.optimizer = optimizers.get({"class_name": self.name, "config": self.given})

    @property
    def configured(self) -> Configured:
        return self.optimizer

    def resolved(self) -> str:
        return type(optimizers.get(self.identifier)).__name__

    def update(self, weights: Mapping[str, Tensor]) -> Update:
        """The update; raises ValueError where the slots are not those of the variables."""
        given: dict[str, dict[str, Tensor]] = {"variable": {}, "gradient": {}, "slot": {}}
        for name, x in weights.items():
            kind, _, key = name.partition("/")
            given[kind][key] = x
        declared = {slot.key for slot in self.optimizer.slots(given["variable"])}
        if declared != given["slot"].keys():
            raise ValueError(
                f"{self.name} has the slots {sorted(declared)}, given are {sorted(given['slot'])}"
            )
        return self.optimizer.apply(given["gradient"], given["variable"], given["slot"])


class StatementSubject(Subject):
    """A statement of the guides."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.facts = facts_of(case)


class ModelSubject(Subject):
    """A model of layers; its weights are named by their paths."""

    def __init__(self, case: Case) -> None:
        self.name = case.subject.partition(".")[2]
        self.configuration = configuration(case)
        self.model = Model.from_config(self.configuration)

    def call(self, x: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        declared = self.model.declare_weights([t.shape for t in x])
        names = [weight_name(path, w.name) for path, own in declared.items() for w in own]
        if set(names) != weights.keys():
            raise ValueError(f"{self.name} has the weights {names}, the case gives {list(weights)}")
        own = {
            path: {w.name: weights[weight_name(path, w.name)] for w in of_layer}
            for path, of_layer in declared.items()
        }
        return Result(self.model.call(x, own, context).outputs)

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.model.output_shapes(shapes)


SUBJECTS: dict[str, Callable[[Case], Subject]] = {
    "layers": LayerSubject,
    "activations": ActivationSubject,
    "losses": LossSubject,
    "optimizers": OptimizerSubject,
    "guide": StatementSubject,
    "models": ModelSubject,
}
"""The kinds of subject, by the first part of a subject's name."""


def _truth(x: Array) -> Array:
    """The array in float64, or as it is in the fast mode; integers and booleans as they are."""
    exact = x.dtype.kind == "f" and current_arithmetic() is not None
    truth: Array = xp.asarray(x, dtype=xp.float64 if exact else None)
    return truth


@dataclass(frozen=True)
class Called:
    """A call of the subject: what it was given, as sources of gradients, and what it gave."""

    inputs: list[Tensor]
    weights: dict[str, Tensor]
    result: Result


class Question:
    """A subject and its data; a call in either mode is computed once for all observables."""

    def __init__(self, subject: Subject, data: Data, arithmetic: Arithmetic | None, recorded: bool) -> None:
        self.subject, self.data, self.arithmetic, self.recorded = subject, data, arithmetic, recorded
        self._calls: dict[bool, Called] = {}

    @property
    def stateful(self) -> bool:
        return self.subject.layer is not None and self.subject.layer.stateful

    def called(self, training: bool) -> Called:
        if training not in self._calls:
            self._calls[training] = self.call(training)
        return self._calls[training]

    def called_again(self) -> Called:
        """The call in inference mode that follows one, and goes on from its last states."""
        return self.call(training=False, states=self.called(training=False).result.carried)

    def call(self, training: bool, states: tuple[Tensor, ...] = ()) -> Called:
        """A call of its own, from the initial state of the data, or else from the states given."""
        data = self.data
        inputs = [variable(_truth(x)) for x in data.inputs]
        weights = {name: variable(_truth(x)) for name, x in data.weights.items()}
        context = self.context(training, states)
        return Called(inputs, weights, self.subject.call(inputs, weights, context))

    def context(self, training: bool, states: tuple[Tensor, ...] = ()) -> Context:
        """The circumstances of a call; without an initial state it goes on from these."""
        initial_state = tuple(variable(_truth(x), tracked=self.recorded) for x in self.data.initial_state)
        return Context(
            training=training,
            masks=tuple(xp.asarray(mask) for mask in self.data.masks),
            initial_state=initial_state or states,
        )


Part = Callable[[Question, list[str]], dict[str, Expected]]
"""Answers observables that are found in one way: (question, their names) → by name what is expected."""


def bounded(observe: Part) -> Part:
    """What is computed with the bounds that the question's arithmetic implies."""

    def within_bounds(question: Question, names: list[str]) -> dict[str, Expected]:
        with error_bounds(question.arithmetic):
            return observe(question, names)

    return within_bounds


def _outputs(training: bool) -> Part:
    def observe(question: Question, names: list[str]) -> dict[str, Expected]:
        result = question.called(training).result
        found = {f"output/{i}": output for i, output in enumerate(result.outputs)}
        if training:
            # What a call leaves alone is still as it was given.
            found |= {f"state/{name}": variable(_truth(x)) for name, x in question.data.weights.items()}
            found |= {f"state/{name}": tensor for name, tensor in result.state.items()}
        return {
            name: Value(
                found[name.removeprefix("training/").removeprefix("reconstructed/").removeprefix("loaded/")]
            )
            for name in names
        }

    return bounded(observe)


@bounded
def _again(question: Question, names: list[str]) -> dict[str, Expected]:
    """Calls leave no trace but the states of a stateful layer, on which its next outputs depend."""
    if not question.stateful:
        return {name: Own(name.removeprefix("again/")) for name in names}
    outputs = question.called_again().result.outputs
    found = {f"again/output/{i}": Value(output) for i, output in enumerate(outputs)}
    return {name: found[name] for name in names}


def _gradients(training: bool) -> Part:
    def observe(question: Question, names: list[str]) -> dict[str, Expected]:
        called = question.called(training)
        sources = {f"gradient/input/{i}": x for i, x in enumerate(called.inputs)}
        sources |= {f"gradient/weight/{name}": x for name, x in called.weights.items()}
        wanted = {name: sources[name.removeprefix("training/")] for name in names}
        cotangents = [variable(_truth(c), tracked=question.recorded) for c in question.data.cotangents]
        products = vjp(called.result.outputs, cotangents, list(wanted.values()))
        return {name: Value(product) for name, product in zip(wanted, products, strict=True)}

    return bounded(observe)


def _random(question: Question, names: list[str]) -> dict[str, Expected]:
    cotangents = [variable(_truth(c)) for c in question.data.cotangents]

    def observed() -> Tensor:
        """The first output, and with it the gradient by the first input in the same call."""
        called = question.call(training=True)
        outputs = called.result.outputs
        both = outputs[0], *vjp(outputs, cotangents, called.inputs[:1])
        return concatenate(*(reshape(part, shape=(1, *part.shape)) for part in both), axis=0)

    with drawing() as draws:
        observed()
    keys = tuple(draws)
    # It is asked later what is right of a draw, but in the arithmetic, and under the patches, of now.
    now = copy_context()

    def given(drawn: Sequence[Array]) -> Tensor:
        with drawing(dict(zip(keys, drawn, strict=True))), np.errstate(all="ignore"):
            return observed()

    law = Law(tuple(draws.values()), lambda drawn: now.run(given, drawn))
    return dict.fromkeys(names, law)


def _seeds(question: Question, names: list[str]) -> dict[str, Expected]:
    """A seed settles what a layer draws, and each call draws anew."""
    alike = {"same_seed": True, "other_seed": False, "without_seed": False, "next_call": False}
    return {name: Structure(alike) for name in names}


def _shape(question: Question, names: list[str]) -> dict[str, Expected]:
    concrete: list[Shape] = [x.shape for x in question.data.inputs]
    asked: dict[str, list[Shape]] = {
        "shape/concrete": concrete,
        "shape/unknown_batch": [(None, *shape[1:]) for shape in concrete],
        "shape/unknown": _unknown(question.subject, concrete),
    }

    def inferred(shapes: Sequence[Shape]) -> Expected:
        try:
            return Structure([list(shape) for shape in question.subject.shapes(shapes)])
        except ValueError as error:
            return Refusal("shape", str(error))

    return {name: inferred(asked[name]) for name in names}


def _unknown(subject: Subject, shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes with every dimension unknown that the layer does not fix when it is built."""
    fixed = subject.layer.fixed_axes(shapes) if subject.layer is not None else [frozenset()] * len(shapes)
    return [
        tuple(n if axis in own else None for axis, n in enumerate(shape))
        for shape, own in zip(shapes, fixed, strict=True)
    ]


def _dtype(question: Question, names: list[str]) -> dict[str, Expected]:
    dtypes = question.subject.output_dtypes([x.dtype.name for x in question.data.inputs])
    return {name: Structure(list(dtypes)) for name in names}


def _masks(question: Question, names: list[str]) -> dict[str, Expected]:
    layer, data = question.subject.layer, question.data
    assert layer is not None
    inputs = [xp.asarray(x) for x in data.inputs]
    masks = [xp.asarray(mask) for mask in data.masks] or [None] * len(inputs)
    handed_on = output_masks(layer, inputs, masks)
    # Where subnormals may count as zeros, a mask that is made of the input is not settled by them.
    read = [read_as_zeros(x, question.arithmetic) for x in inputs]
    as_zeros = handed_on if all(map(operator.is_, read, inputs)) else output_masks(layer, read, masks)

    def handed(mask: Array | None, other: Array | None) -> Expected:
        if mask is None:
            return Structure(None)
        unsettled = None if other is None or other is mask else xp.where(mask != other, xp.inf, 0.0)
        return Value(Tensor(xp.asarray(mask), unsettled))

    found = {f"mask/{i}": handed(*both) for i, both in enumerate(zip(handed_on, as_zeros, strict=True))}
    return {name: found[name] for name in names}


def _weights(question: Question, names: list[str]) -> dict[str, Expected]:
    layer = question.subject.layer
    assert layer is not None
    declared = layer.declare_weights([x.shape for x in question.data.inputs])
    described = [
        {
            "name": w.name,
            "shape": list(w.shape),
            "dtype": w.dtype or layer.dtype,
            "trainable": w.trainable and layer.trainable,
        }
        for w in declared
    ]
    return {name: Structure(described) for name in names}


def _memory(question: Question, names: list[str]) -> dict[str, Expected]:
    """Whoever lets go of what a layer has given has got everything back."""
    steps = ("build", "call", "training", "gradient", "refused", "dispose")
    return {name: Structure({step: {"tensors": 0, "bytes": 0} for step in steps}) for name in names}


def _refusal(question: Question, names: list[str]) -> dict[str, Expected]:
    """Nothing, where the calls go well; `Answers` takes what they raise for the answer. What has no inputs is
    not called."""
    subject, data = question.subject, question.data
    if not data.inputs:
        return dict.fromkeys(names, Structure(None))
    inputs = [variable(_truth(x)) for x in data.inputs]
    widened = [variable(_truth(xp.concatenate([x, x], axis=-1))) for x in data.inputs]
    weights = subject.initial_weights([x.shape for x in inputs])
    context = question.context(training=False)

    def accepted(x: Sequence[Tensor]) -> Expected:
        try:
            subject.call(x, weights, context)
        except ValueError as error:
            return Refusal("call", str(error))
        return Structure(None)

    return {name: accepted(widened if name == "refusal/widened" else inputs) for name in names}


def _config(question: Question, names: list[str]) -> dict[str, Expected]:
    return {name: Structure(question.subject.configured.get_config()) for name in names}


def _signature(question: Question, names: list[str]) -> dict[str, Expected]:
    """An argument's default is what a subject has that was made without it; of one that it had to be given,
    the declared one."""
    configured, given = question.subject.configured, question.subject.given

    def described(name: str, value: Any) -> dict[str, Any]:
        declared = configured.arguments[name].default
        if declared is REQUIRED:
            return {"required": True}
        default = declared if name in given else value
        return {"default": list(default) if isinstance(default, tuple) else default}

    arguments = {
        name: described(name, value)
        for name, value in configured.config.items()
        if configured.arguments[name].shown
    }
    return {name: Structure({"arguments": arguments}) for name in names}


def _methods(question: Question, names: list[str]) -> dict[str, Expected]:
    return {name: Structure(members(question.subject.name)) for name in names}


def _method(question: Question, names: list[str]) -> dict[str, Expected]:
    def done(method: str) -> Expected:
        try:
            return Structure(METHODS[method](question))
        except ValueError as error:
            return Refusal("build", str(error))

    return {name: done(name.partition("/")[2]) for name in names}


def _declared(question: Question) -> tuple[Weight, ...]:
    assert question.subject.layer is not None
    return question.subject.layer.declare_weights([x.shape for x in question.data.inputs])


def _frozen_and_thawed(question: Question) -> dict[str, dict[str, list[str]]]:
    """Frozen, no weight is trainable; thawed, those are that were meant to be."""
    weights = _declared(question)
    return {
        state: {
            "trainable_weights": [w.name for w in weights if w.trainable and thawed],
            "non_trainable_weights": [w.name for w in weights if not (w.trainable and thawed)],
        }
        for state, thawed in (("frozen", False), ("thawed", True))
    }


def _loaded(question: Question) -> tuple[Weight, ...]:
    """The weights of a layer that has been given the case's; raises ValueError where those are others."""
    assert isinstance(question.subject, LayerSubject)
    question.subject.check_weights(question.data.inputs, question.data.weights)
    return _declared(question)


def _taken(question: Question) -> dict[str, bool]:
    unfit = {"one_missing": False, "other_shape": False} if _loaded(question) else {}
    return {"own": True, "one_more": False, **unfit}


METHODS: dict[str, Callable[[Question], Any]] = {
    "count_params": lambda question: sum(math.prod(w.shape) for w in _declared(question)),
    "get_weights": lambda question: [w.name for w in _loaded(question)],
    "set_weights": _taken,
    "trainable": _frozen_and_thawed,
    "reset_state": lambda question: {"carried": True, "reset": True},
}
"""By name, what a method does to a built layer, as `protocol.OBSERVABLES` has it."""


def _identifier(question: Question, names: list[str]) -> dict[str, Expected]:
    return {name: Structure(question.subject.resolved()) for name in names}


def _update(question: Question, names: list[str]) -> dict[str, Expected]:
    subject = question.subject
    assert isinstance(subject, OptimizerSubject)
    update = subject.update({name: variable(_truth(x)) for name, x in question.data.weights.items()})
    found = {f"update/{path}": x for path, x in update.variables.items()}
    found |= {f"slot/{key}": x for key, x in update.state.items()}
    return {name: Value(found[name]) for name in names}


def _shown(question: Question, names: list[str]) -> dict[str, Expected]:
    """What is seen where a statement of the guides holds."""
    assert isinstance(question.subject, StatementSubject)
    expected = {name: question.subject.facts[name].expected for name in names}
    inputs = [Tensor(_truth(x)) for x in question.data.inputs]
    return {name: Value(x(inputs)) if callable(x) else Structure(x) for name, x in expected.items()}


def _model(question: Question, names: list[str]) -> dict[str, Expected]:
    subject = question.subject
    assert isinstance(subject, ModelSubject)
    return {name: Structure(described(subject.configuration)) for name in names}


def _values(question: Question, names: list[str]) -> dict[str, Expected]:
    return {name: Structure(marks(question.data.weights)) for name in names}


PARTS: dict[str, tuple[str, Part]] = {
    "output": ("call", _outputs(training=False)),
    "training": ("call", _outputs(training=True)),
    "again": ("call", _again),
    "gradient": ("gradient", _gradients(training=False)),
    "training/gradient": ("gradient", _gradients(training=True)),
    "random": ("call", bounded(_random)),
    "seeds": ("call", _seeds),
    "shape": ("shape", _shape),
    "dtype": ("call", _dtype),
    "mask": ("call", _masks),
    "weights": ("build", _weights),
    "memory": ("call", _memory),
    "refusal": ("call", _refusal),
    "config": ("config", _config),
    "reconstructed": ("call", _outputs(training=False)),
    "reconstructed/config": ("reconstruction", _config),
    "methods": ("construction", _methods),
    "method": ("call", _method),
    "signature": ("config", _signature),
    "identifier": ("construction", _identifier),
    "update": ("call", bounded(_update)),
    "slot": ("call", bounded(_update)),
    "guide": ("call", bounded(_shown)),
    "loaded/output": ("call", _outputs(training=False)),
    "loaded/config": ("load", _model),
    "loaded/weights": ("load", _values),
    "saved/config": ("save", _model),
    "saved/weights": ("save", _values),
}
"""By the beginning of an observable's name: where an error would arise, and how it is found."""
