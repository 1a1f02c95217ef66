"""LSTM: long short-term memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl.layers import fields
from conformance.reference_impl.layers.fields import Serialized, field
from conformance.reference_impl.layers.layer import Context, Result, Shape, Weight
from conformance.reference_impl.layers.recurrent import Recurrent, States, at_time
from conformance.reference_impl.primitives import add, dot_last, multiply, take_slice
from conformance.reference_impl.random import bernoulli
from conformance.reference_impl.tape import Tensor, constant


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with gates in the order i, f, c, o.

        z = x·kernel + h·recurrent_kernel + bias
        c' = σ(z_f)·c + σ(z_i)·g(z_c)        h' = σ(z_o)·g(c')

    Input (batch, time, features), output (batch, units) or (batch, time, units), and the states h and c
    where `return_state`. Source: `keras.layers.LSTM`.
    """

    states = 2

    units = field(fields.positive_integer, doc="size of the output and of each state")
    activation = field(fields.activation, "tanh", "g")
    recurrent_activation = field(fields.activation, "sigmoid", "σ")
    use_bias = field(fields.boolean, True, "whether a bias is added")
    kernel_initializer = field(fields.initializer, "glorot_uniform")
    recurrent_initializer = field(fields.initializer, "orthogonal")
    bias_initializer = field(fields.initializer, "zeros")
    unit_forget_bias = field(fields.boolean, True, "the forget gate's bias begins at 1")
    kernel_regularizer = field(fields.regularizer, None)
    recurrent_regularizer = field(fields.regularizer, None)
    bias_regularizer = field(fields.regularizer, None)
    activity_regularizer = field(fields.regularizer, None)
    kernel_constraint = field(fields.constraint, None)
    recurrent_constraint = field(fields.constraint, None)
    bias_constraint = field(fields.constraint, None)
    dropout = field(fields.fraction, 0.0, "fraction of the inputs dropped in training")
    recurrent_dropout = field(fields.fraction, 0.0, "fraction of the state dropped in training")
    seed = field(fields.optional(fields.integer), None, "of the dropout")
    return_sequences = Recurrent.return_sequences
    return_state = Recurrent.return_state
    go_backwards = Recurrent.go_backwards
    stateful = Recurrent.stateful
    unroll = Recurrent.unroll
    use_cudnn = field(
        fields.one_of("auto", True, False), "auto", "which kernel; the result is the same", Serialized.NEVER
    )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        features = shapes[0][-1]
        if features is None:
            raise ValueError(f"LSTM needs to know the last dimension of its input {shapes[0]}")
        gates = 4 * self.units
        bias = (Weight("bias", (gates,), self.bias_initializer),) if self.use_bias else ()
        return (
            Weight("kernel", (features, gates), self.kernel_initializer),
            Weight("recurrent_kernel", (self.units, gates), self.recurrent_initializer),
            *bias,
        )

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        if context.training and 0 < self.dropout < 1:
            kept = bernoulli(context.rng_key, (x.shape[0], 1, x.shape[2]), 1 - self.dropout)
            x = multiply(x, constant(kept / (1 - self.dropout), x))
        dropped: Tensor | None = None
        if context.training and 0 < self.recurrent_dropout < 1:
            kept = bernoulli(context.rng_key + 1, (x.shape[0], self.units), 1 - self.recurrent_dropout)
            dropped = constant(kept / (1 - self.recurrent_dropout), x)
        projected = dot_last(x, weights["kernel"], weights.get("bias"))

        def step(t: int, states: States) -> tuple[Tensor, States]:
            h, c = states
            recurrent = dot_last(h if dropped is None else multiply(h, dropped), weights["recurrent_kernel"])
            z = add(at_time(projected, t), recurrent)
            i, f, g, o = (self.gate(z, index) for index in range(4))
            inflow = multiply(self.activate(i, self.recurrent_activation), self.activate(g))
            c = add(multiply(self.activate(f, self.recurrent_activation), c), inflow)
            h = multiply(self.activate(o, self.recurrent_activation), self.activate(c))
            return h, (h, c)

        return self.scan(step, x, context)

    def gate(self, z: Tensor, index: int) -> Tensor:
        """The columns of one gate: i, f, c, o."""
        return take_slice(z, key=(slice(None), slice(index * self.units, (index + 1) * self.units)))
