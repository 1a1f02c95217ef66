"""Dense: every unit sees every feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.kernel_and_bias import KernelAndBias
from conformance.reference_impl.layers.layer import Context, Result, Shape, Weight
from conformance.reference_impl.layers.low_rank import LowRank
from conformance.reference_impl.layers.quantizable import Quantizable
from conformance.reference_impl.primitives import dot_last
from conformance.reference_impl.tape import Tensor


class Dense(KernelAndBias, LowRank, Quantizable):
    """activation(x · kernel + bias), over the last axis.

    Input (…, features), output (…, units). Source: `keras.layers.Dense`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> weights = {"kernel": variable(np.array([[1.0], [2.0]])), "bias": variable(np.array([0.5]))}
    >>> Dense(1).call([variable(np.array([[3.0, 4.0]]))], weights, Context()).outputs[0].value
    array([[11.5]])
    """

    supports_masking = True

    minimum_rank = 2

    units = field(fields.positive_integer, doc="size of the output's last axis")
    activation = field(fields.activation, None, "applied to the result")
    use_bias = field(fields.boolean, True, "whether a bias is added")

    def check(self) -> None:
        self.check_low_rank(self.kernel_constraint)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        features = shapes[0][-1]
        if features is None:
            raise ValueError(f"Dense needs to know the last dimension of its input, which is {shapes[0]}")
        kernel = (features, self.units)
        bias = (Weight("bias", (self.units,), self.bias_initializer),) if self.use_bias else ()
        return (
            Weight("kernel", kernel, self.kernel_initializer, trainable=not self.lora_rank),
            *bias,
            *self.low_rank_weights("kernel", kernel),
        )

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((*shapes[0][:-1], self.units),)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        z = dot_last(inputs[0], self.adapted(weights, "kernel"), weights.get("bias"))
        return Result((self.activate(z),))
