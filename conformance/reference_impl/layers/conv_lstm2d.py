"""ConvLSTM2D: an LSTM over images."""

from __future__ import annotations

from conformance.reference_impl.layers.conv_lstm2d_cell import ConvLSTM2DCell
from conformance.reference_impl.layers.recurrent import OfOneCell, Recurrent


class ConvLSTM2D(OfOneCell, cell=ConvLSTM2DCell):
    """`ConvLSTM2DCell` at every time (Shi et al. 2015).

    Input (batch, time, height, width, channels), output (batch, height', width', filters) or (batch, time,
    height', width', filters), and the states h and c where `return_state`; channels before height where
    `data_format` is "channels_first". Source: `keras.layers.ConvLSTM2D`.

    >>> from conformance.reference_impl.layers import ConvLSTM2D
    >>> ConvLSTM2D(4, 2, return_sequences=True).output_shapes([(2, None, 5, 6, 3)])
    ((2, None, 4, 5, 4),)
    """

    exact_rank = 5

    return_sequences = Recurrent.return_sequences
    return_state = Recurrent.return_state
    go_backwards = Recurrent.go_backwards
    stateful = Recurrent.stateful
