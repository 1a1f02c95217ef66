"""LayerScale: a multiple of each channel, as ConvNeXt has it; no part of the interface of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.primitives import multiply
from conformance.reference_impl.tape import Tensor


class LayerScale(Layer, listed=False):
    """x · gamma, by channel; input and output (batch, …, channels).

    Source: `LayerScale` in Keras's `applications/convnext.py`; Touvron et al. 2021, "Going deeper with image
    transformers".

    >>> LayerScale(1e-6, 3).declare_weights([(None, 4, 4, 3)])[0].shape
    (3,)
    """

    init_values = field(fields.number, doc="where the scale begins")
    projection_dim = field(fields.positive_integer, doc="channels")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        if shapes[0][-1] not in (1, self.projection_dim, None):
            raise ValueError(
                f"LayerScale of projection_dim {self.projection_dim} takes as many channels, got {shapes[0]}"
            )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        begin = {"class_name": "Constant", "config": {"value": self.init_values}}
        return (Weight("gamma", (self.projection_dim,), begin),)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((*shapes[0][:-1], self.projection_dim),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((multiply(inputs[0], weights["gamma"]),))
