"""Adadelta: updates as large as those before, relative to the gradients before."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.computing import moving_average
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, divide, multiply, negative, sqrt, square
from conformance.reference_impl.tape import Tensor


class Adadelta(Optimizer):
    """w + η·δ for δ = −√(u + ε)/√(v + ε)·g, with the moving averages v of g², this g included, and u of δ²,
    this δ not yet (Zeiler 2012, algorithm 1). Source: `keras.optimizers.Adadelta`."""

    learning_rate = field(rates, 0.001, "η, 1 in the paper")
    rho = field(fields.number, 0.95, "how much of the averages stays")
    epsilon = field(fields.number, 1e-7, "ε, added under both roots")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulated_grad", "accumulated_delta_var"),)

    def root(self, x: Tensor) -> Tensor:
        return sqrt(add(x, self.epsilon))

    @patchable("optimizers.Adadelta.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Adadelta"""
        before = slots["accumulated_delta_var"]
        v = moving_average(slots["accumulated_grad"], square(g), self.rho)
        delta = negative(divide(multiply(self.root(before), g), self.root(v)))
        u = moving_average(before, square(delta), self.rho)
        new = {"accumulated_grad": v, "accumulated_delta_var": u}
        return add(w, multiply(delta, now.learning_rate)), new
