"""Adagrad: gradients over the root of the sum of their squares."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    broadcast_to,
    divide,
    multiply,
    sqrt,
    square,
    subtract,
)
from conformance.reference_impl.tape import Tensor, constant


class Adagrad(Optimizer):
    """w − η·g/√(n + ε), for the sum n of g² (Duchi et al. 2011). Source: `keras.optimizers.Adagrad`."""

    learning_rate = field(rates, 0.001, "η")
    initial_accumulator_value = field(fields.number, 0.1, "what n begins with")
    epsilon = field(fields.number, 1e-7, "ε, added under the root")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulator",),)

    def initial(self, name: str, variable: Tensor) -> Tensor:
        return broadcast_to(constant(self.initial_accumulator_value, variable), shape=variable.shape)

    @patchable("optimizers.Adagrad.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Adagrad"""
        n = add(slots["accumulator"], square(g))
        increment = divide(multiply(g, now.learning_rate), sqrt(add(n, self.epsilon)))
        return subtract(w, increment), {"accumulator": n}
