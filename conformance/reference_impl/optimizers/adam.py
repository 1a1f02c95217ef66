"""Adam: moving averages of the gradient over the root of that of its square."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.computing import moving_average, share_seen
from conformance.reference_impl.optimizers.optimizer import Now, Optimizer, State, Stepped, rates
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, divide, maximum, multiply, sqrt, square, subtract
from conformance.reference_impl.tape import Tensor


class Adam(Optimizer):
    """w − η·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε), for the moving averages m of g and v of g² (Kingma and Ba
    2014, the form before section 2.1, whose ε is their ε̂); in AMSGrad v is the largest there was (Reddi et
    al. 2018).

    Source: `keras.optimizers.Adam`.
    """

    learning_rate = field(rates, 0.001, "η")
    beta_1 = field(fields.number, 0.9, "how much of m stays")
    beta_2 = field(fields.number, 0.999, "how much of v stays")
    epsilon = field(fields.number, 1e-7, "ε, added to the root")
    amsgrad = field(fields.boolean, False, "whether v never falls")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"), *((("velocity_hat",),) if self.amsgrad else ()))

    @patchable("optimizers.Adam.step")
    def step(self, w: Tensor, g: Tensor, slots: State, now: Now) -> Stepped:
        """The update of Adam"""
        m = moving_average(slots["momentum"], g, self.beta_1)
        v = moving_average(slots["velocity"], square(g), self.beta_2)
        new = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new["velocity_hat"] = maximum(slots["velocity_hat"], v)
        unbiased = divide(sqrt(share_seen(self.beta_2, now.t, w)), share_seen(self.beta_1, now.t, w))
        rate = multiply(now.learning_rate, unbiased)
        return subtract(w, divide(multiply(m, rate), add(sqrt(v), self.epsilon))), new
