"""RNN: any cell, repeated over time."""

from __future__ import annotations

from conformance.reference_impl.fields import field
from conformance.reference_impl.layers import nested
from conformance.reference_impl.layers.cell import Cell
from conformance.reference_impl.layers.recurrent import Recurrent


class RNN(Recurrent):
    """A cell at every time; of a list of cells, `StackedRNNCells`.

    Input (batch, time, features), output (batch, units) or (batch, time, units), and the states of the
    cell where `return_state`. Source: `keras.layers.RNN`.

    >>> from conformance.reference_impl.layers import RNN
    >>> RNN({"class_name": "LSTMCell", "config": {"units": 3}}, return_state=True).output_shapes([(2, 4, 5)])
    ((2, 3), (2, 3), (2, 3))
    """

    gives_single_steps = True

    cell = field(nested.cell, doc="the cell, or those of a stack")

    def check(self) -> None:
        cell = nested.made(self.config["cell"])
        if not isinstance(cell, Cell):
            raise ValueError(f"argument `cell`: expected a cell, got a layer {type(cell).__name__}")
        self.repeated = cell
