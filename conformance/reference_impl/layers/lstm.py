"""LSTM: long short-term memory."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.lstm_cell import LSTMCell
from conformance.reference_impl.layers.recurrent import OfOneCell, Recurrent


class LSTM(OfOneCell, cell=LSTMCell):
    """`LSTMCell` at every time: long short-term memory (Hochreiter and Schmidhuber 1997).

    Input (batch, time, features), output (batch, units) or (batch, time, units), and the states h and c
    where `return_state`. Source: `keras.layers.LSTM`.

    >>> from conformance.reference_impl.layers import LSTM
    >>> LSTM(3, return_state=True).output_shapes([(2, None, 5)])
    ((2, 3), (2, 3), (2, 3))
    """

    return_sequences = Recurrent.return_sequences
    return_state = Recurrent.return_state
    go_backwards = Recurrent.go_backwards
    stateful = Recurrent.stateful
    unroll = Recurrent.unroll
    use_cudnn = field(
        fields.one_of("auto", True, False), "auto", "which kernel; the result is the same", Serialized.NEVER
    )
