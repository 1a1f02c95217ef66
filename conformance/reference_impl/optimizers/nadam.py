"""Nadam: Adam that looks ahead along its momentum."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.computing import moving_average, scalar, share_seen
from conformance.reference_impl.optimizers.optimizer import (
    Now,
    Optimizer,
    Slot,
    State,
    Stepped,
    Variables,
    rates,
)
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    divide,
    exponentiate,
    multiply,
    sqrt,
    square,
    subtract,
)
from conformance.reference_impl.tape import Tensor, constant

DECAY = 0.96
"""Of the schedule of the momentum (Dozat 2015, section 3)."""


class Nadam(Optimizer):
    """w − η·m̂/(√(v/(1 − β₂ᵗ)) + ε), for the moving averages m of g and v of g², and

    m̂ = μₜ₊₁·m/(1 − μ₁⋯μₜ₊₁) + (1 − μₜ)·g/(1 − μ₁⋯μₜ) with μₜ = β₁·(1 − ½·0.96ᵗ) (Dozat 2015, algorithm 2).
    Source: `keras.optimizers.Nadam`.
    """

    learning_rate = field(rates, 0.001, "η")
    beta_1 = field(fields.number, 0.9, "how much of m stays, and the limit of μ")
    beta_2 = field(fields.number, 0.999, "how much of v stays")
    epsilon = field(fields.number, 1e-7, "ε, added to the root")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def shared_slots(self, variables: Variables) -> tuple[Slot, ...]:
        dtype = next(iter(variables.values())).dtype
        return (Slot("u_product", "variable", Tensor(xp.ones((), dtype))),)

    def mu(self, t: int, like: Tensor) -> Tensor:
        """μₜ"""
        decayed = exponentiate(constant(DECAY, like), constant(float(t), like))
        return multiply(subtract(1.0, multiply(decayed, 0.5)), self.beta_1)

    def shared(self, state: State, now: Now) -> dict[str, Tensor]:
        product = state["u_product"]
        return {"u_product": scalar(multiply(product, self.mu(now.t, product)))}

    @patchable("optimizers.Nadam.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Nadam"""
        product = slots["u_product"]
        here, ahead = self.mu(now.t, w), self.mu(now.t + 1, w)
        m = moving_average(slots["momentum"], g, self.beta_1)
        v = moving_average(slots["velocity"], square(g), self.beta_2)
        looked_ahead = add(
            divide(multiply(m, ahead), subtract(1.0, multiply(product, ahead))),
            divide(multiply(g, subtract(1.0, here)), subtract(1.0, product)),
        )
        root = sqrt(divide(v, share_seen(self.beta_2, now.t, w)))
        increment = divide(multiply(looked_ahead, now.learning_rate), add(root, self.epsilon))
        return subtract(w, increment), {"momentum": m, "velocity": v}
