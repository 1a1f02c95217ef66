"""Lamb: Adam whose updates are in proportion to the weights."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.computing import moving_average, norm, share_seen
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    divide,
    greater,
    multiply,
    sqrt,
    square,
    subtract,
    where,
)
from conformance.reference_impl.tape import Tensor


class Lamb(Optimizer):
    """w − η·‖w‖/‖r‖·r for r = m/(1 − β₁ᵗ)/(√(v/(1 − β₂ᵗ)) + ε), with the moving averages m of g and v of
    g²; where either norm is 0, w − η·r (You et al. 2019, algorithm 2). Source: `keras.optimizers.Lamb`."""

    learning_rate = field(rates, 0.001, "η")
    beta_1 = field(fields.number, 0.9, "how much of m stays")
    beta_2 = field(fields.number, 0.999, "how much of v stays")
    epsilon = field(fields.number, 1e-7, "ε, added to the root")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    @patchable("optimizers.Lamb.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Lamb"""
        m = moving_average(slots["momentum"], g, self.beta_1)
        v = moving_average(slots["velocity"], square(g), self.beta_2)
        root = sqrt(divide(v, share_seen(self.beta_2, now.t, w)))
        r = divide(divide(m, share_seen(self.beta_1, now.t, w)), add(root, self.epsilon))
        of_weights, of_update = norm(w), norm(r)
        ratio = where(greater(of_update, 0.0), divide(of_weights, of_update), 1.0)
        ratio = where(greater(of_weights, 0.0), ratio, 1.0)
        return subtract(w, multiply(multiply(r, ratio), now.learning_rate)), {"momentum": m, "velocity": v}
