"""AlphaDropout: dropout that keeps mean and variance of what selu gives."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.dropout import Dropout
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, multiply, where
from conformance.reference_impl.random import Bernoulli, draw
from conformance.reference_impl.tape import Tensor

SATURATION = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
"""The limit of selu at −∞."""


@patchable("layers.AlphaDropout.saturation")
def saturation() -> float:
    """What dropped elements get"""
    return SATURATION


class AlphaDropout(Dropout):
    """a·(x, or selu's limit with probability `rate`) + b in training, else x.

    a and b keep mean 0 and variance 1 (Klambauer et al. 2017). Source: `keras.layers.AlphaDropout`. With
    rate 1 there is no such a, and training is refused.

    >>> AlphaDropout(0.25).config["noise_shape"] is None
    True
    """

    rate = field(fields.unit_interval, doc="fraction of the elements that are dropped")
    noise_shape = Dropout.noise_shape
    seed = Dropout.seed

    def disturbed(self, x: Tensor, rng_key: int) -> Tensor:
        if self.rate == 1:
            raise ValueError("argument `rate`: AlphaDropout with rate 1 cannot be called in training")
        drawn = draw(rng_key, Bernoulli(1 - self.rate), self.drawn_shape(x.shape))
        kept = Tensor(drawn.astype(x.dtype))
        a = ((1 - self.rate) * (1 + self.rate * SATURATION**2)) ** -0.5
        return add(multiply(where(kept, x, saturation()), a), -a * SATURATION * self.rate)
