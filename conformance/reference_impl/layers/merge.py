"""What layers share that merge several inputs element by element."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, reshape
from conformance.reference_impl.tape import Tensor


class Merge(Layer, registered=False):
    """Inputs of one batch size whose other dimensions broadcast, the last ones against one another.

    An input of lower rank gets dimensions of size one after the batch. Source: `Merge` in Keras's
    `layers/merging/base_merge.py`.
    """

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        own = type(self).__name__
        if not shapes:
            raise ValueError(f"{own} takes at least one input, none was given")
        if not all(shapes):
            raise ValueError(f"{own} takes inputs of rank 1 or more, got shapes {list(shapes)}")
        if len({shape[0] for shape in shapes} - {None}) > 1:
            raise ValueError(f"{own} takes inputs of one batch size, got shapes {list(shapes)}")
        self.output_shapes(shapes)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch = next((shape[0] for shape in shapes if shape[0] is not None), None)
        rest: Shape = shapes[0][1:]
        for shape in shapes[1:]:
            rest = self.broadcast(rest, shape[1:], shapes)
        return ((batch, *rest),)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        taken = [self.dtype_taken(dtype) for dtype in dtypes]
        floating = [dtype for dtype in taken if "float" in dtype]
        return (floating[0] if floating else np.result_type(*taken).name,)

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        """True where any input's mask is; none where an input has none."""
        given = [mask for mask in masks if mask is not None]
        return (functools.reduce(xp.logical_or, given) if len(given) == len(masks) else None,)

    def broadcast(self, first: Shape, second: Shape, shapes: Sequence[Shape]) -> Shape:
        """The shape to which two broadcast; an unknown dimension beside any other is unknown."""
        shorter, longer = sorted((first, second), key=len)
        out = list(longer)
        for axis in range(-len(shorter), 0):
            m, n = longer[axis], shorter[axis]
            if None not in (m, n) and m != n and 1 not in (m, n):
                raise ValueError(f"{type(self).__name__} cannot broadcast inputs of shapes {list(shapes)}")
            out[axis] = None if m is None or n is None else n if m == 1 else m
        return tuple(out)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        rank = max(x.ndim for x in inputs)
        masks: list[Tensor | None] = [None] * len(inputs)
        if all(x.ndim == rank for x in inputs):
            for i, (x, mask) in enumerate(zip(inputs, given_masks(context), strict=False)):
                masks[i] = None if mask is None else spread(mask, x)
        aligned = [
            x if x.ndim == rank else reshape(x, shape=(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]))
            for x in inputs
        ]
        return Result((self.merge(aligned, masks),))

    def merge(self, inputs: Sequence[Tensor], masks: Sequence[Tensor | None]) -> Tensor:
        """The inputs, of one rank, made one; a mask is 1 where its input counts, in the input's shape."""
        raise NotImplementedError  # every layer has its own


@patchable("layers.Merge.given_masks")
def given_masks(context: Context) -> tuple[Array | None, ...]:
    """The masks that a merging layer reads; they get lost where inputs of several ranks are aligned"""
    return context.masks


@patchable("layers.Merge.added")
def added(x: Tensor, y: Tensor) -> Tensor:
    """The sum of two inputs of one rank"""
    return add(x, y)


def spread(mask: Array, x: Tensor) -> Tensor:
    """A mask of all dimensions but the last, as numbers in the shape of its input."""
    return Tensor(xp.broadcast_to(mask[..., None], x.shape).astype(x.dtype))


def either(first: Tensor, second: Tensor) -> Tensor:
    """1 where one of two masks is."""
    return Tensor(xp.maximum(first.value, second.value))
