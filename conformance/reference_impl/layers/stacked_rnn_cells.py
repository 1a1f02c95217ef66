"""StackedRNNCells: cells on top of each other, as one cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from conformance.reference_impl.fields import field
from conformance.reference_impl.identifiers import snake_case
from conformance.reference_impl.layers import nested
from conformance.reference_impl.layers.cell import STREAMS, Cell, States
from conformance.reference_impl.layers.layer import Context, Layer, Shape, Weight
from conformance.reference_impl.layers.recurrent import Recurrent
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.tape import Tensor


class StackedRNNCells(Cell):
    """The output of each cell is the input of the next: y = cellₙ(… cell₂(cell₁(x))).

    Input that of the first cell, output that of the last; the states are those of the first cell, then
    those of the second, and so on. Weights are those of the cells in this order, named after their cells
    where there are several. Source: `keras.layers.StackedRNNCells`.

    >>> from conformance.reference_impl.layers import StackedRNNCells
    >>> gru, lstm = ({"class_name": f"{name}Cell", "config": {"units": 3}} for name in ("GRU", "LSTM"))
    >>> StackedRNNCells([gru, lstm]).output_shapes([(None, 5)])
    ((None, 3), (None, 3), (None, 3), (None, 3))
    """

    cells = field(nested.layers, doc="the cells, that of the input first")

    def check(self) -> None:
        stack = []
        for description in self.config["cells"]:
            cell = nested.made(description)
            if not isinstance(cell, Cell):
                raise ValueError(f"argument `cells`: expected cells, got a layer {type(cell).__name__}")
            stack.append(cell)
        self.stack = tuple(stack)
        self.states = sum(cell.states for cell in stack)
        names = [cell.name or snake_case(type(cell).__name__) for cell in stack]
        self.scopes = [""] if len(stack) == 1 else [_numbered(names, i) for i in range(len(names))]

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        for cell, shape in zip(self.stack, self.inputs_of_cells(shapes[0]), strict=True):
            cell.check_inputs([shape])

    def inputs_of_cells(self, shape: Shape) -> list[Shape]:
        """The shape of what each cell is given, for an input of that shape."""
        given = [shape]
        for cell in self.stack[:-1]:
            given.append(cell.output_shapes([given[-1]])[0])
        return given

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        found = {
            cell: cell.output_shapes([shape])
            for cell, shape in zip(self.stack, self.inputs_of_cells(shapes[0]), strict=True)
        }
        states = (state for cell in order_of_states(self.stack) for state in found[cell][1:])
        return (found[self.stack[-1]][0], *states)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        given = self.inputs_of_cells(shapes[0])
        return tuple(
            weight
            for cell, scope, shape in zip(self.stack, self.scopes, given, strict=True)
            for weight in nested.scoped(scope, cell, cell.declare_weights([shape]))
        )

    def project(self, x: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        return self.stack[0].project(x, nested.weights_under(self.scopes[0], weights), context)

    def advance(
        self, projected: Tensor, states: States, weights: Mapping[str, Tensor], context: Context
    ) -> tuple[Tensor, States]:
        remaining = iter(states)
        before = {cell: tuple(islice(remaining, cell.states)) for cell in order_of_states(self.stack)}
        after: dict[Cell, States] = {}
        x = projected
        for place, (cell, scope) in enumerate(zip(self.stack, self.scopes, strict=True)):
            own = nested.weights_under(scope, weights)
            drawing = replace(context, rng_key=context.rng_key + STREAMS * place)
            if place:
                x = cell.project(x, own, drawing)
            x, after[cell] = cell.advance(x, before[cell], own, drawing)
        return x, tuple(state for cell in order_of_states(self.stack) for state in after[cell])


@patchable("layers.StackedRNNCells.order_of_states")
def order_of_states(stack: Sequence[Cell]) -> Sequence[Cell]:
    """The cells, first to last, in the order in which their states stand"""
    return stack


def stack_in(layer: Layer) -> StackedRNNCells | None:
    """The stack that the layer is, or that it repeats."""
    found = layer.repeated if isinstance(layer, Recurrent) else layer
    return found if isinstance(found, StackedRNNCells) else None


def _numbered(names: Sequence[str], place: int) -> str:
    """The name, with its number where the same one stands before it: `gru_cell`, `gru_cell_1`."""
    before = names[:place].count(names[place])
    return f"{names[place]}_{before}" if before else names[place]
