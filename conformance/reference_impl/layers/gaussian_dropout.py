"""GaussianDropout: a normal number around 1 times every element in training."""

from __future__ import annotations

import math

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.noise import Noise
from conformance.reference_impl.primitives import multiply
from conformance.reference_impl.random import Normal, draw
from conformance.reference_impl.tape import Tensor, constant


class GaussianDropout(Noise):
    """x·(1 + √(rate / (1 − rate))·n) with standard normal n in training, else x.

    Source: `keras.layers.GaussianDropout`. With rate 1 the deviation is infinite, and training refused.

    >>> GaussianDropout(0.5).config["rate"]
    0.5
    """

    rate = field(fields.unit_interval, doc="the variance is rate / (1 − rate)")
    seed = Noise.seed

    def disturbed(self, x: Tensor, rng_key: int) -> Tensor:
        if self.rate == 1:
            raise ValueError("argument `rate`: GaussianDropout with rate 1 cannot be called in training")
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return multiply(x, constant(1 + stddev * draw(rng_key, Normal(), x.shape), x))
