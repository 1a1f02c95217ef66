"""What the cells of recurrent layers share: one step from an input and states to an output and new states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import concatenate, dot_last, multiply, take_slice
from conformance.reference_impl.random import Bernoulli, draw
from conformance.reference_impl.tape import Tensor, constant

States = tuple[Tensor, ...]


STREAMS = 8
"""How many streams of random numbers a cell draws from at most: two for each of four blocks."""


class Cell(Layer, registered=False):
    """(input, states) → (output, new states); the states are those of the context.

    A step has two parts: `project` is what does not depend on the states, and takes all times at once;
    `advance` is the rest. The outputs of a call are the output and then the new states.

    Attributes:
        states: how many there are.
    """

    states: int = 1
    activates_itself = False

    def project(self, x: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        """What `advance` needs of an input (batch, …), or of those of all times (batch, time, …)."""
        raise NotImplementedError  # every cell has its own

    def advance(
        self, projected: Tensor, states: States, weights: Mapping[str, Tensor], context: Context
    ) -> tuple[Tensor, States]:
        """The output and the new states, of the projected input of one time."""
        raise NotImplementedError  # every cell has its own

    def state_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return self.output_shapes(shapes)[1:]

    def output_dtypes(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        return (self.dtype,) * (1 + self.states)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        needed = [shape[1:] for shape in self.state_shapes([x.shape for x in inputs])]
        given = [state.shape[1:] for state in context.initial_state]
        if needed != given:
            raise ValueError(f"{type(self).__name__} takes states of shapes {needed}, {given} were given")
        projected = self.project(inputs[0], weights, context)
        output, states = self.advance(projected, context.initial_state, weights, context)
        return Result((output, *states))


class DenseCell(Cell, registered=False):
    """A cell made of x·kernel + h·recurrent_kernel + bias, in one or several blocks of `units` columns.

    Input (batch, features), output and every state (batch, units).
    """

    exact_rank: ClassVar[int] = 2
    blocks: ClassVar[int]
    drops_everything: ClassVar[bool] = False
    """Whether a rate of 1 leaves nothing; else it does nothing."""
    drops_of_each_block: ClassVar[bool] = False
    """Whether each block has its own dropout of the inputs also where there is none of the state."""

    units = field(fields.positive_integer, doc="size of the output and of each state")
    activation = field(fields.activation, "tanh", "g")
    use_bias = field(fields.boolean, True, "whether a bias is added")
    kernel_initializer = field(fields.initializer, "glorot_uniform")
    recurrent_initializer = field(fields.initializer, "orthogonal")
    bias_initializer = field(fields.initializer, "zeros")
    kernel_regularizer = field(fields.regularizer, None)
    recurrent_regularizer = field(fields.regularizer, None)
    bias_regularizer = field(fields.regularizer, None)
    kernel_constraint = field(fields.constraint, None)
    recurrent_constraint = field(fields.constraint, None)
    bias_constraint = field(fields.constraint, None)
    dropout = field(fields.fraction, 0.0, "fraction of the inputs dropped in training")
    recurrent_dropout = field(fields.fraction, 0.0, "fraction of the state dropped in training")
    seed = field(fields.optional(fields.integer), None, "of the dropout")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((shapes[0][0], self.units),) * (1 + self.states)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (self.blocks * self.units,)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        features = shapes[0][-1]
        if features is None:
            raise ValueError(
                f"{type(self).__name__} needs to know the last dimension of its input {shapes[0]}"
            )
        width = self.blocks * self.units
        bias = (Weight("bias", self.bias_shape, self.bias_initializer),) if self.use_bias else ()
        return (
            Weight("kernel", (features, width), self.kernel_initializer),
            Weight("recurrent_kernel", (self.units, width), self.recurrent_initializer),
            *bias,
        )

    def project(self, x: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        return self.dot(self.kept_inputs(x, context), weights["kernel"], weights.get("bias"))

    def kept_inputs(self, x: Tensor, context: Context) -> tuple[Tensor, ...]:
        """The inputs after dropout, which drops the same features at every time; see `kept`."""
        times = x.ndim - self.exact_rank
        shape = (x.shape[0], *(1,) * times, *x.shape[1 + times :])
        return self.kept(x, shape, self.dropout, context, 0)

    def kept_state(self, h: Tensor, context: Context) -> tuple[Tensor, ...]:
        """The state after dropout, which drops the same units at every time; see `kept`."""
        return self.kept(h, h.shape, self.recurrent_dropout, context, self.blocks)

    def kept(
        self, x: Tensor, shape: tuple[int, ...], rate: float, context: Context, stream: int
    ) -> tuple[Tensor, ...]:
        """What is left of x: for each block one of its own, or one for all.

        Args:
            shape: of a decision for all times.
            stream: of random numbers, the first that is this dropout's.
        """
        if not (context.training and drops(self, rate)):
            return (x,)
        scale = 1 / (1 - rate) if rate < 1 else 0.0
        decisions = (
            draw(context.rng_key + stream + block, Bernoulli(1 - rate), shape)
            for block in range(self.blocks if drops_by_block(self) else 1)
        )
        return tuple(multiply(x, constant(scale * kept, x)) for kept in decisions)

    def dot(self, kept: Sequence[Tensor], kernel: Tensor, bias: Tensor | None = None) -> Tensor:
        """x·kernel + bias, where one x is for all blocks of columns, or each block has its own."""
        if len(kept) == 1:
            return dot_last(kept[0], kernel, bias)
        products = (
            dot_last(x, self.block(kernel, i), None if bias is None else self.block(bias, i))
            for i, x in enumerate(kept)
        )
        return concatenate(*products, axis=-1)

    def block(self, z: Tensor, first: int, last: int | None = None) -> Tensor:
        """The columns of one block along the last axis, or from one to another."""
        return columns(z, self.units, first, last)


def columns(z: Tensor, width: int, first: int, last: int | None = None, axis: int = -1) -> Tensor:
    """One of the blocks of so many columns that lie side by side along an axis, or from one to another."""
    taken = slice(first * width, ((first if last is None else last) + 1) * width)
    return take_slice(z, key=(*(slice(None),) * (axis % z.ndim), taken))


@patchable("layers.DenseCell.drops")
def drops(cell: DenseCell, rate: float) -> bool:
    """Whether a rate drops anything in training"""
    return 0 < rate < 1 or (rate == 1 and cell.drops_everything)


@patchable("layers.DenseCell.drops_by_block")
def drops_by_block(cell: DenseCell) -> bool:
    """Whether what is dropped is drawn for each block by itself, of the inputs and of the state"""
    return cell.drops_of_each_block or bool(cell.recurrent_dropout > 0)
