"""TimeDistributed: a layer applied to every time by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from conformance.reference_impl.arrays import Array
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers import nested
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight, given_weights
from conformance.reference_impl.layers.recurrent import at_time, step_shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import concatenate, reshape
from conformance.reference_impl.tape import Tensor

STREAMS = 2**16
"""How many streams of random numbers the layer draws from at one time at most; each time draws anew."""


@patchable("layers.TimeDistributed.masks_at")
def masks_at(masks: Sequence[Array | None], t: int) -> tuple[Array | None, ...]:
    """The masks that the layer inside is given at a time"""
    return tuple(mask if mask is None else mask[:, t] for mask in masks)


class TimeDistributed(Layer):
    """y[:, t] = layer(x[:, t]), with the same weights at every time.

    Input (batch, time, …), output (batch, time, …); the weights are those of the layer. A mask
    (batch, time, …) is taken apart in the same way. Source: `keras.layers.TimeDistributed`.

    >>> from conformance.reference_impl.layers import TimeDistributed
    >>> dense = {"class_name": "Dense", "config": {"units": 3}}
    >>> TimeDistributed(dense).output_shapes([(2, None, 5)])
    ((2, None, 3),)
    """

    supports_masking = True
    gives_single_steps = True
    refuses_in_call = True

    minimum_rank = 3

    layer = field(nested.layer, doc="the layer")

    def check(self) -> None:
        self.inner = nested.made(self.layer)

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        self.inner.check_inputs([step_shape(shapes[0])])

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        return nested.scoped("", self.inner, self.inner.declare_weights([step_shape(shapes[0])]))

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        ((batch, *size),) = self.inner.output_shapes([step_shape(shapes[0])])
        return ((batch, shapes[0][1], *size),)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return self.inner.output_dtypes(dtypes)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        (x,) = inputs
        for mask in context.masks:
            if mask is not None and mask.shape[:2] != x.shape[:2]:
                raise ValueError(
                    f"TimeDistributed takes a mask of shape (batch, time, …), got {mask.shape} for an input "
                    f"of shape {x.shape}"
                )
        held = given_weights(self.inner, weights)
        outputs, state = [], dict[str, Tensor]()
        for t in range(x.shape[1]):
            step = replace(context, masks=masks_at(context.masks, t), rng_key=context.rng_key + STREAMS * t)
            result = self.inner.call([at_time(x, t)], {**held, **state}, step)
            (y,) = result.outputs
            outputs.append(reshape(y, shape=(y.shape[0], 1, *y.shape[1:])))
            state |= result.state
        return Result((concatenate(*outputs, axis=1),), state)
