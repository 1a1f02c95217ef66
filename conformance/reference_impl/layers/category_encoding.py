"""CategoryEncoding: indices as indicators, or as counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import Kind, Serialized, field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.layers.rescaling import floating
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.tape import Tensor


def _output_mode(value: Any) -> Any:
    return fields.one_of("multi_hot", "one_hot", "count").parse("multi_hot" if value == "binary" else value)


class CategoryEncoding(Layer):
    """Integers from 0 to num_tokens − 1 as rows of num_tokens numbers.

    `one_hot`: (…) or (…, 1) → (…, num_tokens), each integer as a row with a single 1. `multi_hot` and
    `count`: (samples) or (batch, samples) → (num_tokens) or (batch, num_tokens), 1 for every integer that is
    there, or how often it is. Source: `keras.layers.CategoryEncoding`, without its call argument
    `count_weights`.

    >>> import numpy as np
    >>> x = Tensor(np.array([[0, 1, 1], [3, 3, 3]]))
    >>> CategoryEncoding(4, output_mode="count").call([x], {}, Context()).outputs[0].value
    array([[1., 2., 0., 0.],
           [0., 0., 0., 3.]], dtype=float32)
    """

    refuses_in_call = True
    indices = "num_tokens"

    num_tokens = field(fields.positive_integer, doc="how many integers there are")
    output_mode = field(
        Kind("one of 'multi_hot', 'one_hot', 'count'", _output_mode, ("nonsense",)),
        "multi_hot",
        "what a row tells",
    )
    sparse = field(
        fields.boolean, False, "whether the output is a sparse tensor", serialized=Serialized.NEVER
    )

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        if self.output_mode != "one_hot" and len(shapes[0]) > 2:
            raise ValueError(
                f"CategoryEncoding with output_mode={self.output_mode!r} takes inputs of rank 1 or 2; the "
                f"input's shape is {shapes[0]}"
            )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        shape = tuple(shapes[0])
        kept = shape if self.output_mode == "one_hot" and not is_column(shape) else shape[:-1]
        return ((*kept, self.num_tokens),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        indices = inputs[0].value
        if self.output_mode == "one_hot":
            indices = indices[..., 0] if is_column(indices.shape) else indices
            encoded = self.indicators(indices)
        else:
            encoded = encoded_samples(self, self.indicators(indices))
        return Result((floating(Tensor(encoded), self.dtype),))

    def indicators(self, indices: Array) -> Array:
        """1 in the last axis, which is new, where the integer is.

        Raises:
            ValueError: an integer is out of range.
        """
        refuse_others(self, indices)
        return (indices[..., None] == xp.arange(self.num_tokens)).astype("int32")


@patchable("layers.CategoryEncoding.refuse_others")
def refuse_others(layer: CategoryEncoding, indices: Array) -> None:
    """Raises ValueError where an integer is out of range"""
    if indices.size and not (indices.min() >= 0 and indices.max() < layer.num_tokens):
        raise ValueError(
            f"CategoryEncoding takes integers from 0 to {layer.num_tokens - 1}, got {int(indices.min())} to "
            f"{int(indices.max())}"
        )


@patchable("layers.CategoryEncoding.encoded_samples")
def encoded_samples(layer: CategoryEncoding, indicators: Array) -> Array:
    """Of the indicators of a sample's integers, the largest or the sum"""
    return indicators.max(axis=-2) if layer.output_mode == "multi_hot" else indicators.sum(axis=-2)


@patchable("layers.CategoryEncoding.is_column")
def is_column(shape: Shape) -> bool:
    """Whether the integers of `one_hot` are a column, whose one element is encoded in its place"""
    return len(shape) > 1 and shape[-1] == 1
