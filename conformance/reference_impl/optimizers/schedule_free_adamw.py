"""ScheduleFreeAdamW: Adam that averages its iterates in place of a schedule."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.computing import moving_average, share_seen
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, divide, multiply, sqrt, square, subtract
from conformance.reference_impl.tape import Tensor, constant, detached


class ScheduleFreeAdamW(Optimizer):
    """y = (1 − β₁)·z + β₁·x, for z ← z − η·g/(√(v/(1 − β₂ᵗ)) + ε) and the mean x of all z, where x is found
    again as (y − (1 − β₁)·z)/β₁ (Defazio et al. 2024, algorithm 1). η grows linearly while it warms up.

    The slot `momentum` is z, and begins as the variable. Source: `keras.optimizers.ScheduleFreeAdamW`.
    """

    learning_rate = field(rates, 0.0025, "η")
    beta_1 = field(fields.number, 0.9, "how much of y is the mean")
    beta_2 = field(fields.number, 0.999, "how much of v stays")
    epsilon = field(fields.number, 1e-8, "ε, added to the root")
    warmup_steps = field(fields.number, 0, "how many updates η grows for")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def initial(self, name: str, variable: Tensor) -> Tensor:
        return detached(variable) if name == "momentum" else super().initial(name, variable)

    @patchable("optimizers.ScheduleFreeAdamW.mean_before")
    def mean_before(self, y: Tensor, before: Tensor, z: Tensor) -> Tensor:
        """The mean of all z before this update, from y and from the z before it"""
        beta_1 = constant(self.beta_1, y)
        return divide(subtract(y, multiply(before, subtract(1.0, beta_1))), beta_1)

    @patchable("optimizers.ScheduleFreeAdamW.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of ScheduleFreeAdamW"""
        rate, before = now.learning_rate, slots["momentum"]
        if now.t < self.warmup_steps:
            rate = multiply(rate, divide(constant(float(now.t), w), float(self.warmup_steps)))
        v = moving_average(slots["velocity"], square(g), self.beta_2)
        root = sqrt(divide(v, share_seen(self.beta_2, now.t, w)))
        z = subtract(before, divide(multiply(g, rate), add(root, self.epsilon)))
        beta_1, seen = constant(self.beta_1, w), divide(1.0, constant(float(now.t), w))
        mean = self.mean_before(w, before, z)
        mean = add(multiply(mean, subtract(1.0, seen)), multiply(z, seen))
        y = add(multiply(z, subtract(1.0, beta_1)), multiply(mean, beta_1))
        return y, {"momentum": z, "velocity": v}
