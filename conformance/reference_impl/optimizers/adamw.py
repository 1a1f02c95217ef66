"""AdamW: Adam, and weights that decay on their own."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.optimizers.adam import Adam
from conformance.reference_impl.optimizers.optimizer import rates


class AdamW(Adam):
    """Adam after w ← w − η·λ·w (Loshchilov and Hutter 2019). Source: `keras.optimizers.AdamW`.

    >>> AdamW().weight_decay
    0.004
    """

    learning_rate = field(rates, 0.001, "η")
    weight_decay = field(fields.number, 0.004, "λ")
