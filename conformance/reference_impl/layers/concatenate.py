"""Concatenate: inputs side by side along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import concatenate
from conformance.reference_impl.tape import Tensor


class Concatenate(Layer):
    """Inputs of equal shapes, but for one axis, along that axis. Source: `keras.layers.Concatenate`.

    >>> Concatenate(axis=1).output_shapes([(None, 2, 3), (None, 4, 3)])
    ((None, 6, 3),)
    """

    axis = field(fields.integer, -1, "the axis along which inputs follow one another")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        if not shapes:
            raise ValueError("Concatenate takes at least one input, none was given")
        ranks = {len(shape) for shape in shapes}
        if len(ranks) > 1:
            raise ValueError(f"Concatenate takes inputs of one rank, got shapes {list(shapes)}")
        rank = ranks.pop()
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"argument `axis`: {self.axis} is out of range for inputs of shapes {list(shapes)}"
            )
        for i in set(range(rank)) - {self.axis % rank}:
            if len({shape[i] for shape in shapes if shape[i] is not None}) > 1:
                raise ValueError(
                    f"Concatenate along axis {self.axis} takes inputs that agree in all other axes, "
                    f"got shapes {list(shapes)}"
                )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        axis = self.axis % len(shapes[0])
        along = [shape[axis] for shape in shapes]
        joined = None if None in along else sum(n for n in along if n is not None)
        return ((*shapes[0][:axis], joined, *shapes[0][axis + 1 :]),)

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        if all(mask is None for mask in masks):
            return (None,)
        joined = xp.concatenate(
            [whole_mask(x, mask) for x, mask in zip(inputs, masks, strict=True)], axis=self.axis
        )
        return (xp.any(joined, axis=-1),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((concatenate(*inputs, axis=joined_axis(self)),))


@patchable("layers.Concatenate.whole_mask")
def whole_mask(x: Array, mask: Array | None) -> Array:
    """An input's mask in the input's own shape; all true where it has none"""
    if mask is None:
        return xp.ones(x.shape, bool)
    return xp.broadcast_to(mask[..., None], x.shape) if mask.ndim < x.ndim else mask


@patchable("layers.Concatenate.joined_axis")
def joined_axis(layer: Concatenate) -> int:
    """The axis along which the call joins its inputs"""
    return int(layer.axis)
