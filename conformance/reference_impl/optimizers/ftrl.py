"""Ftrl: follow the leader that is regularized."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    broadcast_to,
    divide,
    exponentiate,
    maximum,
    minimum,
    multiply,
    square,
    subtract,
)
from conformance.reference_impl.tape import Tensor, constant


def _not_positive(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value <= 0:
        raise ValueError
    return float(value)


class Ftrl(Optimizer):
    """(clip(z, ±λ₁) − z)/(n⁻ᵖ/η + β/η + 2λ₂), for the sum n of g², and z ← z + g + 2λₛ·w − (n⁻ᵖ − n₀⁻ᵖ)/η·w
    with the sum n₀ before this g (McMahan et al. 2013, algorithm 1). Source: `keras.optimizers.Ftrl`."""

    learning_rate = field(rates, 0.001, "η")
    learning_rate_power = field(Kind("a number of 0 or less", _not_positive, (0.5,)), -0.5, "p")
    initial_accumulator_value = field(fields.non_negative, 0.1, "what n begins with")
    l1_regularization_strength = field(fields.non_negative, 0.0, "λ₁")
    l2_regularization_strength = field(fields.non_negative, 0.0, "λ₂")
    l2_shrinkage_regularization_strength = field(fields.non_negative, 0.0, "λₛ")
    beta = field(fields.number, 0.0, "β")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulator", "linear"),)

    def initial(self, name: str, variable: Tensor) -> Tensor:
        if name == "linear":
            return super().initial(name, variable)
        return broadcast_to(constant(self.initial_accumulator_value, variable), shape=variable.shape)

    @patchable("optimizers.Ftrl.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Ftrl"""
        rate, exponent, l1 = now.learning_rate, -self.learning_rate_power, self.l1_regularization_strength
        before, n = slots["accumulator"], add(slots["accumulator"], square(g))
        grown = exponentiate(n, exponent)
        sigma = divide(subtract(grown, exponentiate(before, exponent)), rate)
        shrunk = add(g, multiply(w, 2 * self.l2_shrinkage_regularization_strength))
        z = add(slots["linear"], subtract(shrunk, multiply(sigma, w)))
        l2 = add(divide(self.beta, multiply(rate, 2.0)), self.l2_regularization_strength)
        quadratic = add(divide(grown, rate), multiply(l2, 2.0))
        w = divide(subtract(maximum(minimum(z, l1), -l1), z), quadratic)
        return w, {"accumulator": n, "linear": z}
