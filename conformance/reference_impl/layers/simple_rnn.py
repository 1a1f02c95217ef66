"""SimpleRNN: a layer whose output goes back into it."""

from __future__ import annotations

from conformance.reference_impl.layers.recurrent import OfOneCell, Recurrent
from conformance.reference_impl.layers.simple_rnn_cell import SimpleRNNCell


class SimpleRNN(OfOneCell, cell=SimpleRNNCell):
    """h_t = g(x_t·kernel + bias + h_{t−1}·recurrent_kernel) (Elman 1990).

    Input (batch, time, features), output (batch, units) or (batch, time, units), and the state h where
    `return_state`. Source: `keras.layers.SimpleRNN`.

    >>> from conformance.reference_impl.layers import SimpleRNN
    >>> SimpleRNN(3, return_sequences=True).output_shapes([(2, None, 5)])
    ((2, None, 3),)
    """

    return_sequences = Recurrent.return_sequences
    return_state = Recurrent.return_state
    go_backwards = Recurrent.go_backwards
    stateful = Recurrent.stateful
    unroll = Recurrent.unroll
    seed = SimpleRNNCell.seed
