"""GaussianNoise: a normal number added to every element in training."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.noise import Noise
from conformance.reference_impl.primitives import add
from conformance.reference_impl.random import Normal, draw
from conformance.reference_impl.tape import Tensor, constant


class GaussianNoise(Noise):
    """x + stddev·n with standard normal n in training, else x. Source: `keras.layers.GaussianNoise`.

    >>> GaussianNoise(0.5).config["seed"] is None
    True
    """

    measure = "stddev"

    stddev = field(fields.unit_interval, doc="standard deviation of the noise")
    seed = Noise.seed

    def disturbed(self, x: Tensor, rng_key: int) -> Tensor:
        return add(x, constant(self.stddev * draw(rng_key, Normal(), x.shape), x))
