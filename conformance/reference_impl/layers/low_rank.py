"""Low-rank adaptation (Hu et al. 2021): a frozen matrix and the product of two small ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.layer import Layer, Weight
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, dot_last, multiply
from conformance.reference_impl.tape import Tensor

_HE_UNIFORM = fields.initializer.parse("he_uniform")
_ZEROS = fields.initializer.parse("zeros")


class LowRank(Layer, registered=False):
    """A layer whose main weight can be adapted: W + (alpha / rank)·A·B, with only A and B trained."""

    lora_rank = field(
        fields.optional(fields.non_negative_integer), None, "0 is no adaptation", Serialized.IF_SET
    )
    lora_alpha = field(fields.optional(fields.number), None, serialized=Serialized.IF_SET)

    def check_low_rank(self, constraint: Any) -> None:
        if not self.lora_rank:
            # Without a rank nothing is adapted, and Keras tells neither.
            self.config["lora_rank"] = self.config["lora_alpha"] = None
            return
        if constraint is not None:
            raise ValueError("argument `lora_rank`: a weight with a constraint cannot be adapted")
        if self.lora_alpha is None:
            self.config["lora_alpha"] = float(self.lora_rank)

    def low_rank_weights(self, name: str, shape: tuple[int, ...]) -> tuple[Weight, ...]:
        """A of shape (*shape[:-1], rank) and B of shape (rank, shape[-1]), or nothing."""
        if not self.lora_rank:
            return ()
        return (
            Weight(f"lora_{name}_a", (*shape[:-1], self.lora_rank), _HE_UNIFORM),
            Weight(f"lora_{name}_b", (self.lora_rank, shape[-1]), _ZEROS),
        )

    def adapted(self, weights: Mapping[str, Tensor], name: str) -> Tensor:
        """The weight with its low-rank update added."""
        if not self.lora_rank:
            return weights[name]
        product = dot_last(weights[f"lora_{name}_a"], weights[f"lora_{name}_b"])
        return add(weights[name], multiply(product, low_rank_scale(self)))


@patchable("layers.low_rank_scale")
def low_rank_scale(layer: Any) -> float:
    """alpha / rank"""
    return float(layer.lora_alpha / layer.lora_rank)
