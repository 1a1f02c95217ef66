"""ELU: a rectifier that saturates below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import activations, fields
from conformance.reference_impl.fields import Serialized, field
from conformance.reference_impl.layers.layer import Context, Layer, Result
from conformance.reference_impl.tape import Tensor


class ELU(Layer):
    """x where x > 0, else α·(eˣ − 1) (Clevert et al. 2016); any shape. Source: `keras.layers.ELU`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> ELU(alpha=2.0).call([variable(np.array([[-50.0, 0.0, 5.0]]))], {}, Context()).outputs[0].value
    array([[-2.,  0.,  5.]])
    """

    supports_masking = True

    alpha = field(fields.number, 1.0, "minus the limit below zero", serialized=Serialized.IF_SET)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((activations.elu(inputs[0], alpha=self.alpha),))
