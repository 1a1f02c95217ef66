"""What recurrent layers share: steps over time, masks, direction, states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.layers import fields
from conformance.reference_impl.layers.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import concatenate, reshape, take_slice, where
from conformance.reference_impl.tape import Tensor

States = tuple[Tensor, ...]
Step = Callable[[int, States], tuple[Tensor, States]]
"""(index in time, states) → (output, new states)"""


class Recurrent(Layer, registered=False):
    """Applies a step to every time of an input (batch, time, features), carrying states along.

    Where the mask is False the states and the output stay as they were. With `go_backwards` the times
    are taken last to first, and the output sequence is in that order.
    """

    exact_rank = 3
    units: int
    states: int

    return_sequences = field(fields.boolean, False, "every output, not only the last")
    return_state = field(fields.boolean, False, "the last states beside the output")
    go_backwards = field(fields.boolean, False, "last time first")
    stateful = field(fields.boolean, False, "the next batch begins with the last states")
    unroll = field(fields.boolean, False, "how the loop is run; the result is the same")
    zero_output_for_mask = field(fields.boolean, False, "output zeros where masked")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, time, _ = shapes[0]
        output = (batch, time, self.units) if self.return_sequences else (batch, self.units)
        states = ((batch, self.units),) * self.states if self.return_state else ()
        return (output, *states)

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype,) * (1 + (self.states if self.return_state else 0))

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        states = (None,) * self.states if self.return_state else ()
        return (masks[0] if self.return_sequences else None, *states)

    def scan(self, step: Step, x: Tensor, context: Context) -> Result:
        """The outputs of all steps over the times of x (batch, time, features)."""
        batch, time = x.shape[:2]
        zeros = Tensor(xp.zeros((batch, self.units), x.dtype))
        states: States = context.initial_state or (zeros,) * self.states
        mask = context.masks[0] if context.masks else None
        output, outputs = zeros, []
        for t in reversed(range(time)) if self.go_backwards else range(time):
            new, new_states = step(t, states)
            if mask is None:
                output, states = new, new_states
            else:
                kept = column(mask, t, x)
                output = where(kept, new, masked_output(self, output, states))
                states = tuple(where(kept, n, old) for n, old in zip(new_states, states, strict=True))
            outputs.append(output)
        if self.return_sequences:
            output = concatenate(*(reshape(y, shape=(batch, 1, self.units)) for y in outputs), axis=1)
        return Result((output, *states) if self.return_state else (output,))


@patchable("layers.Recurrent.masked_output")
def masked_output(layer: Recurrent, output: Tensor, states: States) -> Tensor:
    """The output of a masked step: the one before it, or zeros"""
    return Tensor(xp.zeros_like(output.value)) if layer.zero_output_for_mask else output


def column(mask: Array, t: int, x: Tensor) -> Tensor:
    """The mask at a time, as an indicator of shape (batch, 1)."""
    return Tensor(mask[:, t : t + 1].astype(x.dtype))


def at_time(x: Tensor, t: int) -> Tensor:
    """x[:, t] of (batch, time, features)."""
    return take_slice(x, key=(slice(None), t))
