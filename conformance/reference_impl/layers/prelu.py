"""PReLU: a rectifier whose slopes below zero are learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, multiply, negative, relu
from conformance.reference_impl.tape import Tensor


class PReLU(Layer):
    """x where x > 0, else α·x, with an α for each element of a sample, or shared (He et al. 2015).

    (batch, …) → the same shape; α has the shape of a sample, with size one along the shared axes. The
    derivatives at 0 are 0. Source: `keras.layers.PReLU`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> layer = PReLU(shared_axes=[1, 2])
    >>> [weight.shape for weight in layer.declare_weights([(None, 8, 6, 3)])]
    [(1, 1, 3)]
    >>> alpha = variable(np.full((1, 1, 3), 0.25))
    >>> x = variable(np.full((1, 8, 6, 3), -2.0))
    >>> float(layer.call([x], {"alpha": alpha}, Context()).outputs[0].value[0, 0, 0, 0])
    -0.5
    """

    supports_masking = True

    alpha_initializer = field(fields.initializer, "zeros")
    alpha_regularizer = field(fields.regularizer, None)
    alpha_constraint = field(fields.constraint, None)
    shared_axes = field(fields.optional(fields.positive_integers), None, "axes along which α is one")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        shape = shapes[0]
        beyond = [axis for axis in self.shared_axes or () if axis >= len(shape)]
        if beyond:
            raise ValueError(
                f"argument `shared_axes`: axes from 1 to {len(shape) - 1} are allowed for an input of shape "
                f"{shape}, got {beyond}"
            )

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        shared = self.shared_axes or ()
        shape = tuple(1 if axis in shared else n for axis, n in enumerate(shapes[0]))[1:]
        return (Weight("alpha", self.known(shape, shapes[0]), self.alpha_initializer),)

    def fixed_axes(self, shapes: Sequence[Shape]) -> list[frozenset[int]]:
        if self.shared_axes is None:
            return [frozenset()]
        return [frozenset(range(1, len(shapes[0]))).difference(self.shared_axes)]

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        return Result((with_slopes(inputs[0], weights["alpha"]),))


@patchable("layers.PReLU.with_slopes")
def with_slopes(x: Tensor, alpha: Tensor) -> Tensor:
    """max(x, 0) − α·max(−x, 0)"""
    return add(relu(x), multiply(negative(alpha), relu(negative(x))))
