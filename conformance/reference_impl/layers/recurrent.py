"""What recurrent layers share: a cell stepped over time, masks, direction, states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import Field, field
from conformance.reference_impl.layers import nested
from conformance.reference_impl.layers.cell import Cell, States
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import concatenate, reshape, take_slice, where
from conformance.reference_impl.tape import Tensor


class Recurrent(Layer, registered=False):
    """A cell applied to every time of an input (batch, time, …), carrying states along.

    Output (batch, …) of the last time, or (batch, time, …) of all, and then the last states where
    `return_state`. Where the mask is False the states and the output stay as they were. With
    `go_backwards` the times are taken last to first, and the output sequence is in that order.
    """

    exact_rank = 3
    repeated: Cell

    return_sequences = field(fields.boolean, False, "every output, not only the last")
    return_state = field(fields.boolean, False, "the last states beside the output")
    go_backwards = field(fields.boolean, False, "last time first")
    stateful = field(fields.boolean, False, "the next batch begins with the last states")
    unroll = field(fields.boolean, False, "how the loop is run; the result is the same")
    zero_output_for_mask = field(fields.boolean, False, "output zeros where masked")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        self.repeated.check_inputs([step_shape(shapes[0])])

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        return nested.scoped("", self.repeated, self.repeated.declare_weights([step_shape(shapes[0])]))

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, time = shapes[0][:2]
        (_, *size), *states = self.repeated.output_shapes([step_shape(shapes[0])])
        output = (batch, time, *size) if self.return_sequences else (batch, *size)
        return (output, *states) if self.return_state else (output,)

    def state_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.repeated.state_shapes([step_shape(shapes[0])])

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        given = self.repeated.output_dtypes(dtypes)
        return given if self.return_state else given[:1]

    def output_masks(
        self, inputs: Sequence[Array], masks: Sequence[Array | None]
    ) -> tuple[Array | None, ...]:
        _, *states = self.output_shapes([x.shape for x in inputs])
        return (masks[0] if self.return_sequences else None, *(None for _ in states))

    def check_context(self, x: Tensor, context: Context) -> None:
        """Whether mask and initial states fit an input; raises ValueError naming layer and shapes."""
        own = type(self).__name__
        for mask in context.masks:
            if mask is not None and mask.shape != x.shape[:2]:
                raise ValueError(
                    f"{own} takes a mask of shape (batch, time), got {mask.shape} for an input of shape "
                    f"{x.shape}"
                )
        wanted = self.state_shapes([x.shape])
        given = tuple(state.shape for state in context.initial_state)
        if given and given != wanted:
            raise ValueError(f"{own} takes initial states of shapes {list(wanted)}, got {list(given)}")

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        self.check_context(x, context)
        batch, time = x.shape[:2]
        output, *states = (
            Tensor(xp.zeros((batch, *size), x.dtype))
            for _, *size in self.repeated.output_shapes([step_shape(x.shape)])
        )
        carried: States = context.initial_state or tuple(states)
        mask = context.masks[0] if context.masks else None
        projected = self.repeated.project(x, weights, context)
        outputs = []
        for t in reversed(range(time)) if self.go_backwards else range(time):
            new, new_states = self.repeated.advance(at_time(projected, t), carried, weights, context)
            if mask is None:
                output, carried = new, new_states
            else:
                kept = column(mask, t, x, new.ndim)
                output = new_where_kept(kept, new, masked_output(self, output, carried))
                carried = tuple(
                    new_where_kept(kept, n, old) for n, old in zip(new_states, carried, strict=True)
                )
            outputs.append(output)
        if self.return_sequences:
            output = sequence(self, outputs, mask)
        return Result((output, *carried) if self.return_state else (output,), carried=carried)


PENALTY = Field(fields.regularizer, None, "penalty on the output", name="activity_regularizer")
"""An argument of its own of these layers, which the configuration always tells."""


class OfOneCell(Recurrent, registered=False):
    """A recurrent layer that takes the arguments of its cell as its own.

    They come first, with the penalty on the output after the other regularizers; what the class itself
    names comes after them, in its order.
    """

    cell_class: ClassVar[type[Cell]] = Cell
    activates_itself = False

    def __init_subclass__(cls, cell: type[Cell], registered: bool = True) -> None:
        cls.cell_class = cell
        super().__init_subclass__(registered)

    @classmethod
    def ordered_arguments(cls) -> dict[str, Field]:
        own = super().ordered_arguments()
        arguments: dict[str, Field] = {}
        for name, argument in cls.cell_class.arguments.items():
            if name not in own:
                arguments[name] = argument
            if name == "bias_regularizer":
                arguments["activity_regularizer"] = PENALTY
        return arguments | {name: argument for name, argument in own.items() if name not in arguments}

    def check(self) -> None:
        shared = self.cell_class.arguments.keys() & self.config.keys()
        self.repeated = self.cell_class(**{name: self.config[name] for name in shared})
        self.config |= {name: self.repeated.config[name] for name in shared}


@patchable("layers.Recurrent.masked_output")
def masked_output(layer: Recurrent, output: Tensor, states: States) -> Tensor:
    """The output of a masked step: the one before it, or zeros"""
    return Tensor(xp.zeros_like(output.value)) if layer.zero_output_for_mask else output


@patchable("layers.Recurrent.sequence")
def sequence(layer: Recurrent, outputs: Sequence[Tensor], mask: Array | None) -> Tensor:
    """The outputs of all steps, in the order in which they were taken"""
    return concatenate(*(reshape(y, shape=(y.shape[0], 1, *y.shape[1:])) for y in outputs), axis=1)


@patchable("layers.Recurrent.new_where_kept")
def new_where_kept(kept: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """The new values of the samples that the mask keeps, and the old ones of the others"""
    return where(kept, new, old)


def step_shape(shape: Shape) -> Shape:
    """The shape of one time of a sequence."""
    return (shape[0], *shape[2:])


def column(mask: Array, t: int, x: Tensor, ndim: int) -> Tensor:
    """The mask at a time, as an indicator of shape (batch, 1, …)."""
    return Tensor(mask[:, t].reshape(-1, *(1,) * (ndim - 1)).astype(x.dtype))


def at_time(x: Tensor, t: int) -> Tensor:
    """x[:, t] of (batch, time, …)."""
    return take_slice(x, key=(slice(None), t))
