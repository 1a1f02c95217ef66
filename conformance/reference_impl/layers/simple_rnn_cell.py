"""SimpleRNNCell: one step of SimpleRNN."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.reference_impl.layers.cell import DenseCell, States
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.primitives import add
from conformance.reference_impl.tape import Tensor


class SimpleRNNCell(DenseCell):
    """h' = g(x·kernel + bias + h·recurrent_kernel), which is the output too (Elman 1990).

    Input (batch, features) and the state (batch, units), output the same twice. Source:
    `keras.layers.SimpleRNNCell`.

    >>> from conformance.reference_impl.layers import SimpleRNNCell
    >>> [w.shape for w in SimpleRNNCell(3).declare_weights([(None, 5)])]
    [(5, 3), (3, 3), (3,)]
    """

    blocks = 1
    drops_everything = True

    def advance(
        self, projected: Tensor, states: States, weights: Mapping[str, Tensor], context: Context
    ) -> tuple[Tensor, States]:
        recurrent = self.dot(self.kept_state(states[0], context), weights["recurrent_kernel"])
        h = self.activate(add(projected, recurrent))
        return h, (h,)
