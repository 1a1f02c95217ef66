"""A subject and its data, from which the observables are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.cases.data import Data
from conformance.cases.expected import Expected
from conformance.cases.subjects.subject import Subject
from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.layer import Context, Result
from conformance.reference_impl.tape import Tensor, current_arithmetic, error_bounds, variable


def truth(x: Array) -> Array:
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

    def __init__(
        self,
        subject: Subject,
        data: Data,
        arithmetic: Arithmetic | None,
        recorded: bool,
        own: Mapping[str, Array],
    ) -> None:
        self.subject, self.data, self.arithmetic, self.recorded = subject, data, arithmetic, recorded
        self.own = own
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
        inputs = [variable(truth(x)) for x in data.inputs]
        weights = {name: variable(truth(x)) for name, x in data.weights.items()}
        context = self.context(training, states)
        return Called(inputs, weights, self.subject.call(inputs, weights, context))

    def context(self, training: bool, states: tuple[Tensor, ...] = ()) -> Context:
        """The circumstances of a call; without an initial state it goes on from these."""
        initial_state = tuple(variable(truth(x), tracked=self.recorded) for x in self.data.initial_state)
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
