"""SGD: against the gradient, with or without momentum."""

from __future__ import annotations

from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, multiply, subtract
from conformance.reference_impl.tape import Tensor


def _momentum(value: Any) -> float:
    if not isinstance(value, float) or not 0 <= value <= 1:
        raise ValueError
    return value


class SGD(Optimizer):
    """w − η·g; with momentum w + m for m ← μ·m − η·g; after Nesterov w + μ·m − η·g with the new m
    (Sutskever et al. 2013). Source: `keras.optimizers.SGD`."""

    learning_rate = field(rates, 0.01, "η")
    momentum = field(Kind("a float from 0 to 1", _momentum, (-0.5, 2.0, 1)), 0.0, "μ")
    nesterov = field(fields.boolean, False, "whether the momentum is looked ahead along")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),) if self.momentum else ()

    @patchable("optimizers.SGD.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of stochastic gradient descent"""
        descent = multiply(g, now.learning_rate)
        if not self.momentum:
            return subtract(w, descent), {}
        m = subtract(multiply(slots["momentum"], self.momentum), descent)
        if self.nesterov:
            return add(w, subtract(multiply(m, self.momentum), descent)), {"momentum": m}
        return add(w, m), {"momentum": m}
