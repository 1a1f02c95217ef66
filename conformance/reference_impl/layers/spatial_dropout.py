"""What spatial dropouts of every rank share: whole channels are dropped."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.dropout import Dropout
from conformance.reference_impl.layers.layer import Layer


class SpatialDropout(Dropout, registered=False):
    """Dropout of whole channels: one decision holds for all places of a sample.

    Of the arguments of every layer it has only `name` and `dtype`.
    """

    rate = field(fields.unit_interval, doc="fraction of the channels that are dropped")
    noise_shape = None
    seed = Dropout.seed
    name = Layer.name
    dtype = Layer.dtype
    data_format = "channels_last"
    trainable = True
    autocast = True
    activity_regularizer = None

    def check(self) -> None:
        if "data_format" in self.config:
            self.config["data_format"] = self.data_format or "channels_last"

    def drawn_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        channels = 1 if self.data_format == "channels_first" else len(shape) - 1
        return tuple(n if i in (0, channels) else 1 for i, n in enumerate(shape))
