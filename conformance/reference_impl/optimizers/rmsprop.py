"""RMSprop: gradients over the root of the moving average of their squares."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.computing import moving_average
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, divide, multiply, sqrt, square, subtract
from conformance.reference_impl.tape import Tensor


class RMSprop(Optimizer):
    """w − η·g/√(v + ε), for the moving average v of g²; centered, v less the square of that of g; with
    momentum w − m, for m ← μ·m + η·g/√… (Hinton 2012). Source: `keras.optimizers.RMSprop`."""

    learning_rate = field(rates, 0.001, "η")
    rho = field(fields.number, 0.9, "how much of the averages stays")
    momentum = field(fields.number, 0.0, "μ; none is kept where it is not positive")
    epsilon = field(fields.number, 1e-7, "ε, added under the root")
    centered = field(fields.boolean, False, "whether the variance takes the place of the mean square")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        momentum = (("momentum",),) if self.momentum > 0 else ()
        return (("velocity",), *momentum, *((("average_gradient",),) if self.centered else ()))

    @patchable("optimizers.RMSprop.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of RMSprop"""
        new = {"velocity": moving_average(slots["velocity"], square(g), self.rho)}
        spread = new["velocity"]
        if self.centered:
            new["average_gradient"] = moving_average(slots["average_gradient"], g, self.rho)
            spread = subtract(spread, square(new["average_gradient"]))
        increment = divide(multiply(g, now.learning_rate), sqrt(add(spread, self.epsilon)))
        if self.momentum > 0:
            increment = new["momentum"] = add(multiply(slots["momentum"], self.momentum), increment)
        return subtract(w, increment), new
