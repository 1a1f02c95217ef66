"""Lion: steps of one length, by the sign of the momentum."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.optimizers.computing import moving_average
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import multiply, sign, subtract
from conformance.reference_impl.tape import Tensor


def _beta_1(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1:
        raise ValueError
    return float(value)


class Lion(Optimizer):
    """w − η·sign(β₁·m + (1 − β₁)·g), and then m ← β₂·m + (1 − β₂)·g (Chen et al. 2023, algorithm 2).

    Source: `keras.optimizers.Lion`.
    """

    learning_rate = field(rates, 0.001, "η")
    beta_1 = field(Kind("a number above 0 and up to 1", _beta_1, (0.0, 1.5)), 0.9, "β₁")
    beta_2 = field(fields.number, 0.99, "β₂")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),)

    @patchable("optimizers.Lion.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Lion"""
        m = slots["momentum"]
        direction = sign(moving_average(m, g, self.beta_1))
        new = {"momentum": moving_average(m, g, self.beta_2)}
        return subtract(w, multiply(direction, now.learning_rate)), new
