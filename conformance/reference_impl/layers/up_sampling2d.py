"""UpSampling2D: images some times as large."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.interpolation import INTERPOLATIONS, resized
from conformance.reference_impl.layers.up_sampling import UpSampling
from conformance.reference_impl.tape import Tensor


class UpSampling2D(UpSampling):
    """Images some times as high and wide, each pixel repeated or between its neighbours.

    The centres of pixels are half a pixel in, so that the edges of both images fall together.

    Input (batch, height, width, channels), output of the same axes; channels second where `data_format` is
    "channels_first". Source: `keras.layers.UpSampling2D`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> x = variable(np.array([0.0, 1.0]).reshape(1, 1, 2, 1))
    >>> UpSampling2D((1, 2), interpolation="bilinear").changed(x).value[0, 0, :, 0]
    array([0.  , 0.25, 0.75, 1.  ])
    """

    rank = 2
    exact_rank = 4

    size = field(fields.positive_integers, 2, "how often each row and each column comes")
    data_format = field(
        fields.optional(fields.one_of("channels_last", "channels_first")), None, "where channels are"
    )
    interpolation = field(fields.one_of(*INTERPOLATIONS), "nearest", "how pixels are made")

    def changed(self, x: Tensor) -> Tensor:
        axes = self.first_axis, self.first_axis + 1
        height, width = [x.shape[axis] * times for axis, times in zip(axes, self.factors, strict=True)]
        return resized(x, axes, (height, width), self.interpolation)
