"""GRUCell: one step of GRU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.cell import DenseCell, States
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, dot_last, multiply, subtract, take_slice
from conformance.reference_impl.tape import Tensor


class GRUCell(DenseCell):
    """A gated recurrent unit (Cho et al. 2014), with gates in the order z, r, h.

        z = σ(x·kernel_z + bias_z + h·recurrent_kernel_z), and r likewise
        h' = z·h + (1 − z)·g(x·kernel_h + bias_h + u)
        u = (r·h)·recurrent_kernel_h, or r·(h·recurrent_kernel_h + recurrent bias_h) with `reset_after`

    With `reset_after` the bias has two rows: that of the input, and that of the state, which z and r
    have too. Input (batch, features) and the state (batch, units), output h' twice.
    Source: `keras.layers.GRUCell`.

    >>> from conformance.reference_impl.layers import GRUCell
    >>> [GRUCell(3, reset_after=after).bias_shape for after in (True, False)]
    [(2, 9), (9,)]
    """

    blocks = 3

    units = DenseCell.units
    activation = DenseCell.activation
    recurrent_activation = field(fields.activation, "sigmoid", "σ")
    use_bias = DenseCell.use_bias
    kernel_initializer = DenseCell.kernel_initializer
    recurrent_initializer = DenseCell.recurrent_initializer
    bias_initializer = DenseCell.bias_initializer
    kernel_regularizer = DenseCell.kernel_regularizer
    recurrent_regularizer = DenseCell.recurrent_regularizer
    bias_regularizer = DenseCell.bias_regularizer
    kernel_constraint = DenseCell.kernel_constraint
    recurrent_constraint = DenseCell.recurrent_constraint
    bias_constraint = DenseCell.bias_constraint
    dropout = DenseCell.dropout
    recurrent_dropout = DenseCell.recurrent_dropout
    reset_after = field(fields.boolean, True, "whether r multiplies after the product, not before it")
    implementation = fields.hidden(fields.integer, "how the products are grouped; the result is the same")

    @property
    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def project(self, x: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        return self.dot(self.kept_inputs(x, context), weights["kernel"], self.bias_row(weights, 0))

    def advance(
        self, projected: Tensor, states: States, weights: Mapping[str, Tensor], context: Context
    ) -> tuple[Tensor, States]:
        (h,) = states
        kept, kernel = self.kept_state(h, context), weights["recurrent_kernel"]
        if self.reset_after:
            recurrent = self.dot(kept, kernel, self.bias_row(weights, 1))
        else:
            recurrent = self.dot(kept[:2], self.block(kernel, 0, 1))
        z, r = (
            self.activate(
                add(self.block(projected, gate), self.block(recurrent, gate)), self.recurrent_activation
            )
            for gate in range(2)
        )
        if self.reset_after:
            u = multiply(r, self.block(recurrent, 2))
        else:
            u = dot_last(multiply(r, kept[-1]), self.block(kernel, 2))
        candidate = self.activate(add(self.block(projected, 2), u))
        h = mixed(z, carried(h, kept), candidate)
        return h, (h,)

    def bias_row(self, weights: Mapping[str, Tensor], row: int) -> Tensor | None:
        """The bias of the input (0) or of the state (1), where there is one."""
        bias = weights.get("bias")
        if bias is None or not self.reset_after:
            return bias
        return take_slice(bias, key=(row,))


@patchable("layers.GRUCell.carried")
def carried(h: Tensor, kept: Sequence[Tensor]) -> Tensor:
    """The state that z carries on, given it and what dropout has left of it"""
    return h


def mixed(z: Tensor, h: Tensor, candidate: Tensor) -> Tensor:
    """z·h + (1 − z)·candidate"""
    return add(multiply(z, h), multiply(subtract(1.0, z), candidate))
