"""Adamax: Adam by the largest magnitude of gradients in place of their mean square."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.computing import moving_average, share_seen
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import absolute, add, divide, maximum, multiply, subtract
from conformance.reference_impl.tape import Tensor


class Adamax(Optimizer):
    """w − η·m/((1 − β₁ᵗ)·(u + ε)), for the moving average m of g, and u ← max(β₂·u, |g|) (Kingma and Ba 2014,
    section 7.1). Source: `keras.optimizers.Adamax`."""

    learning_rate = field(rates, 0.001, "η")
    beta_1 = field(fields.number, 0.9, "how much of m stays")
    beta_2 = field(fields.number, 0.999, "how much of u stays")
    epsilon = field(fields.number, 1e-7, "ε, added to u")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "norm"),)

    @patchable("optimizers.Adamax.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Adamax"""
        m = moving_average(slots["momentum"], g, self.beta_1)
        u = maximum(multiply(slots["norm"], self.beta_2), absolute(g))
        divisor = multiply(share_seen(self.beta_1, now.t, w), add(u, self.epsilon))
        return subtract(w, divide(multiply(m, now.learning_rate), divisor)), {"momentum": m, "norm": u}
