"""LSTMCell: one step of LSTM."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.cell import DenseCell, States
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.primitives import add, multiply
from conformance.reference_impl.tape import Tensor


class LSTMCell(DenseCell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with gates in the order i, f, c, o.

        z = x·kernel + bias + h·recurrent_kernel
        c' = σ(z_f)·c + σ(z_i)·g(z_c)        h' = σ(z_o)·g(c')

    Input (batch, features) and the states h and c (batch, units); output h', and the states h' and c'.
    Source: `keras.layers.LSTMCell`.

    >>> from conformance.reference_impl.layers import LSTMCell
    >>> LSTMCell(3).output_shapes([(None, 5)])
    ((None, 3), (None, 3), (None, 3))
    """

    blocks = 4
    states = 2

    units = DenseCell.units
    activation = DenseCell.activation
    recurrent_activation = field(fields.activation, "sigmoid", "σ")
    use_bias = DenseCell.use_bias
    kernel_initializer = DenseCell.kernel_initializer
    recurrent_initializer = DenseCell.recurrent_initializer
    bias_initializer = DenseCell.bias_initializer
    unit_forget_bias = field(fields.boolean, True, "the forget gate's bias begins at 1")
    implementation = fields.hidden(fields.integer, "how the products are grouped; the result is the same")

    def advance(
        self, projected: Tensor, states: States, weights: Mapping[str, Tensor], context: Context
    ) -> tuple[Tensor, States]:
        h, c = states
        z = add(projected, self.recurrent(h, weights, context))
        i, f, g, o = (self.block(z, gate) for gate in range(4))
        inflow = multiply(self.activate(i, self.recurrent_activation), self.activate(g))
        c = add(multiply(self.activate(f, self.recurrent_activation), c), inflow)
        h = multiply(self.activate(o, self.recurrent_activation), self.activate(c))
        return h, (h, c)

    def recurrent(self, h: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        """What the hidden state adds to the projected input."""
        return self.dot(self.kept_state(h, context), weights["recurrent_kernel"])
