"""What layers share that add noise in training, and let the input pass in inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.tape import Tensor


class Noise(Layer, registered=False):
    """The input as it is, unless in training."""

    supports_masking = True
    measure: ClassVar[str] = "rate"
    """The argument that says how much noise there is."""

    seed = field(fields.optional(fields.integer), None, "of the random numbers")

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype_taken(dtypes[0]),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        return Result((self.disturbed(x, context.rng_key) if context.training and acts(self) else x,))

    def disturbed(self, x: Tensor, rng_key: int) -> Tensor:
        """The input with noise that is made from the key."""
        raise NotImplementedError  # every layer has its own


@patchable("layers.Noise.acts")
def acts(layer: Noise) -> bool:
    """Whether a layer with noise changes its input in training"""
    return bool(layer.config[layer.measure] > 0)
