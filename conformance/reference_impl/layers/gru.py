"""GRU: gated recurrent units."""

from __future__ import annotations

from conformance.reference_impl.layers.gru_cell import GRUCell
from conformance.reference_impl.layers.lstm import LSTM
from conformance.reference_impl.layers.recurrent import OfOneCell, Recurrent


class GRU(OfOneCell, cell=GRUCell):
    """`GRUCell` at every time: gated recurrent units (Cho et al. 2014).

    Input (batch, time, features), output (batch, units) or (batch, time, units), and the state h where
    `return_state`. Source: `keras.layers.GRU`.

    >>> from conformance.reference_impl.layers import GRU
    >>> [(w.name, w.shape) for w in GRU(3).declare_weights([(None, 4, 5)])]
    [('kernel', (5, 9)), ('recurrent_kernel', (3, 9)), ('bias', (2, 9))]
    """

    seed = GRUCell.seed
    return_sequences = Recurrent.return_sequences
    return_state = Recurrent.return_state
    go_backwards = Recurrent.go_backwards
    stateful = Recurrent.stateful
    unroll = Recurrent.unroll
    reset_after = GRUCell.reset_after
    use_cudnn = LSTM.use_cudnn
