"""CustomScaleLayer: a scaled residual, as InceptionResNetV2 has it; no part of the interface of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.primitives import add, multiply
from conformance.reference_impl.tape import Tensor


class CustomScaleLayer(Layer, listed=False):
    """x + scale · y, of two inputs of one shape, which the output has too.

    Source: `CustomScaleLayer` in Keras's `applications/inception_resnet_v2.py`.

    >>> CustomScaleLayer(0.17).output_shapes([(None, 4, 3), (None, 4, 3)])
    ((None, 4, 3),)
    """

    scale = field(fields.number, doc="what multiplies the second input")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]):
            raise ValueError(f"CustomScaleLayer takes two inputs of one shape, got {list(shapes)}")
        if any(None not in (n, m) and n != m for n, m in zip(*shapes, strict=True)):
            raise ValueError(f"CustomScaleLayer takes two inputs of one shape, got {list(shapes)}")

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x, y = inputs
        return Result((add(x, multiply(y, self.scale)),))
