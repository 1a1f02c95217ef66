"""Conv1D: convolution over time."""

from __future__ import annotations

from conformance.reference_impl.layers.convolution import Convolution


class Conv1D(Convolution):
    """activation(windows(x) · kernel + bias) over steps in time.

    Input (batch, steps, channels), output (batch, steps', filters); channels second where `data_format` is
    "channels_first". With padding "causal" no output sees a later step. Source: `keras.layers.Conv1D`.

    >>> Conv1D(8, 3, padding="causal", dilation_rate=2).output_shapes([(None, 7, 5)])
    ((None, 7, 8),)
    """

    rank = 1
    exact_rank = 3
    paddings = ("valid", "same", "causal")
