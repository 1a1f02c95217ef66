"""Dropout: a fraction of the elements is 0 in training, and the rest scaled up."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.noise import Noise
from conformance.reference_impl.primitives import multiply, where
from conformance.reference_impl.random import Bernoulli, draw
from conformance.reference_impl.tape import Tensor


class Dropout(Noise):
    """0 with probability `rate`, else x / (1 − rate), in training; x in inference.

    Elements along dimensions in which `noise_shape` is 1 are dropped together. Source:
    `keras.layers.Dropout`.

    >>> Dropout(0.5, noise_shape=(None, 1)).drawn_shape((2, 3))
    (2, 1)
    """

    rate = field(fields.unit_interval, doc="fraction of the elements that are dropped")
    noise_shape = field(fields.optional(fields.noise_shape), None, "shape of what is drawn")
    seed = Noise.seed

    def drawn_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the decisions for an input of this shape.

        Raises:
            ValueError: decisions of that shape do not broadcast to the input.
        """
        if self.noise_shape is None:
            return shape
        drawn = tuple(own if n is None else n for own, n in zip(shape, self.noise_shape, strict=False))
        fits = all(n in (1, own) for own, n in zip(shape, drawn, strict=False))
        if len(self.noise_shape) != len(shape) or not fits:
            raise ValueError(
                f"argument `noise_shape`: {self.noise_shape} does not broadcast to an input of shape {shape}"
            )
        return drawn

    def disturbed(self, x: Tensor, rng_key: int) -> Tensor:
        drawn = draw(rng_key, Bernoulli(1 - self.rate), self.drawn_shape(x.shape))
        kept = Tensor(drawn.astype(x.dtype))
        return where(kept, multiply(x, 1 / (1 - self.rate) if self.rate < 1 else 0.0), 0.0)
