"""How the observables of a subject are found, those together that one computation gives."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

import numpy as np

from conformance.cases.expected import Expected, Law, Own, Refusal, Structure, Value
from conformance.cases.methods import METHODS
from conformance.cases.models import described, marks
from conformance.cases.question import Part, Question, bounded, truth
from conformance.cases.subjects.metric import MetricSubject, updates
from conformance.cases.subjects.model import ModelSubject
from conformance.cases.subjects.optimizer import OptimizerSubject
from conformance.cases.subjects.statement import StatementSubject
from conformance.cases.subjects.subject import Subject
from conformance.cases.subjects.training import TrainingSubject
from conformance.cases.subjects.value import InitializerSubject
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import REQUIRED
from conformance.reference_impl.layers.layer import Shape, output_masks
from conformance.reference_impl.layers.members import members
from conformance.reference_impl.primitives import concatenate, reshape
from conformance.reference_impl.random import drawing
from conformance.reference_impl.tape import Tensor, read_as_zeros, variable, vjp


def _outputs(training: bool) -> Part:
    def observe(question: Question, names: list[str]) -> dict[str, Expected]:
        result = question.called(training).result
        found = {f"output/{i}": output for i, output in enumerate(result.outputs)}
        if training:
            # What a call leaves alone is still as it was given.
            found |= {f"state/{name}": variable(truth(x)) for name, x in question.data.weights.items()}
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
        cotangents = [variable(truth(c), tracked=question.recorded) for c in question.data.cotangents]
        products = vjp(called.result.outputs, cotangents, list(wanted.values()))
        return {name: Value(product) for name, product in zip(wanted, products, strict=True)}

    return bounded(observe)


def _random(question: Question, names: list[str]) -> dict[str, Expected]:
    cotangents = [variable(truth(c)) for c in question.data.cotangents]

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


def _drawn(question: Question, names: list[str]) -> dict[str, Expected]:
    subject = question.subject
    assert isinstance(subject, InitializerSubject)
    return dict.fromkeys(names, subject.drawn(question.data.inputs, question.arithmetic))


def _seeds(question: Question, names: list[str]) -> dict[str, Expected]:
    """A seed settles what is drawn; a layer draws anew at each call, and an initializer the same again."""
    anew = not isinstance(question.subject, InitializerSubject)
    alike = {"same_seed": True, "other_seed": False, "without_seed": False, "next_call": not anew}
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
    """Nothing, where the calls go well; `Answers` takes what they raise for the answer. What has nothing to
    be called with is not called."""
    subject, data = question.subject, question.data
    match subject:
        case MetricSubject():
            _results(question)
        case OptimizerSubject() if any(name.startswith("variable/") for name in data.weights):
            subject.first_update(_weights_of(question))
        case TrainingSubject():
            subject.run_all(data)
        case _ if data.inputs:
            return _refused_calls(question, names)
    return dict.fromkeys(names, Structure(None))


def _refused_calls(question: Question, names: list[str]) -> dict[str, Expected]:
    subject, data = question.subject, question.data
    inputs = [variable(truth(x)) for x in data.inputs]
    widened = [variable(truth(xp.concatenate([x, x], axis=-1))) for x in data.inputs]
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


def _identifier(question: Question, names: list[str]) -> dict[str, Expected]:
    return {name: Structure(question.subject.resolved()) for name in names}


def _weights_of(question: Question) -> dict[str, Tensor]:
    """The arrays that the case has by name."""
    return {name: variable(truth(x)) for name, x in question.data.weights.items()}


def _update(question: Question, names: list[str]) -> dict[str, Expected]:
    subject = question.subject
    assert isinstance(subject, OptimizerSubject)
    update = subject.update(_weights_of(question))
    found = {f"update/{path}": x for path, x in update.variables.items()}
    found |= {f"slot/{key}": x for key, x in update.state.items()}
    return {name: Value(found[name]) for name in names}


def _results(question: Question) -> dict[str, Tensor]:
    """What there is to see of a metric."""
    subject = question.subject
    assert isinstance(subject, MetricSubject)
    return subject.streamed(_weights_of(question))


def _streamed(question: Question, names: list[str]) -> dict[str, Expected]:
    found = _results(question)
    return {name: Value(found[name]) for name in names}


def _last_result(question: Question, names: list[str]) -> dict[str, Expected]:
    last = len(updates(question.data.weights)) - 1
    return dict.fromkeys(names, Value(_results(question)[f"result/{last}"]))


def _shown(question: Question, names: list[str]) -> dict[str, Expected]:
    """What is seen where a statement of the guides holds."""
    assert isinstance(question.subject, StatementSubject)
    expected = {name: question.subject.facts[name].expected for name in names}
    inputs = [Tensor(truth(x)) for x in question.data.inputs]
    return {name: Value(x(inputs)) if callable(x) else Structure(x) for name, x in expected.items()}


def _model(question: Question, names: list[str]) -> dict[str, Expected]:
    subject = question.subject
    assert isinstance(subject, ModelSubject)
    return {name: Structure(described(subject.configuration)) for name in names}


def _values(question: Question, names: list[str]) -> dict[str, Expected]:
    return {name: Structure(marks(question.data.weights)) for name in names}


def _trained(question: Question, names: list[str]) -> dict[str, Expected]:
    """A training run from the weights of the case, in which every step begins with what the backend had."""
    assert isinstance(question.subject, TrainingSubject)
    method = names[0].partition("/")[0]
    seen = question.subject.run(method, question.data, question.own)

    def expected(name: str) -> Expected:
        if name not in seen:
            return Refusal("call", f"{method} has not come to {name}")
        x = seen[name]
        return x if isinstance(x, Structure) else Value(x)

    return {name: expected(name) for name in names}


PARTS: dict[str, tuple[str, Part]] = {
    "output": ("call", _outputs(training=False)),
    "training": ("call", _outputs(training=True)),
    "again": ("call", _again),
    "gradient": ("gradient", _gradients(training=False)),
    "training/gradient": ("gradient", _gradients(training=True)),
    "random": ("call", bounded(_random)),
    "drawn": ("call", bounded(_drawn)),
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
    "result": ("call", bounded(_streamed)),
    "state": ("call", bounded(_streamed)),
    "reconstructed/result": ("call", bounded(_last_result)),
    "guide": ("call", bounded(_shown)),
    "loaded/output": ("call", _outputs(training=False)),
    "loaded/config": ("load", _model),
    "loaded/weights": ("load", _values),
    "saved/config": ("save", _model),
    "saved/weights": ("save", _values),
    "fit": ("call", bounded(_trained)),
    "evaluate": ("call", bounded(_trained)),
    "predict": ("call", bounded(_trained)),
    "train_on_batch": ("call", bounded(_trained)),
    "test_on_batch": ("call", bounded(_trained)),
}
"""By the beginning of an observable's name: where an error would arise, and how it is found."""
