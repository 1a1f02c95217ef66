"""Mean and variance, and what is brought to zero mean and unit variance by them."""

from __future__ import annotations

from conformance.reference_impl import fields
from conformance.reference_impl.blockwise import in_blocks
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Layer
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, mean, multiply, rsqrt, square, subtract
from conformance.reference_impl.primitives.elementwise import unpromised
from conformance.reference_impl.tape import Tensor, algorithm, current_arithmetic


class CentreAndScale(Layer, registered=False):
    """A layer that normalizes, then multiplies by γ and adds β: whether it does, and how they begin."""

    epsilon = field(fields.number, 0.001, "added to the variance")
    center = field(fields.boolean, True, "whether β is added")
    scale = field(fields.boolean, True, "whether γ multiplies")
    beta_initializer = field(fields.initializer, "zeros")
    gamma_initializer = field(fields.initializer, "ones")
    beta_regularizer = field(fields.regularizer, None)
    gamma_regularizer = field(fields.regularizer, None)
    beta_constraint = field(fields.constraint, None)
    gamma_constraint = field(fields.constraint, None)


@patchable("layers.averaged")
def averaged(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The mean along some axes, which stay with size one: a sum, divided"""
    return mean(x, axis=axes, keepdims=True)


def moments(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance along the axes, which stay with size one, by the algorithm that the
    backend's arithmetic names."""
    average = averaged(x, axes)
    if algorithm("variance") == "one-pass":
        return average, subtract(averaged(square(x), axes), square(average))
    squares = in_blocks(lambda x, average: square(subtract(x, average)), x, average)
    return average, averaged(squares, axes)


def normalized(
    x: Tensor, average: Tensor, variance: Tensor, epsilon: float, gamma: Tensor | None, beta: Tensor | None
) -> Tensor:
    """γ·(x − μ)/√(σ² + ε) + β, all of which broadcast, in the order of operations that the backend's
    arithmetic names."""
    inverse = rsqrt(add(variance, epsilon))
    if gamma is not None:
        inverse = multiply(inverse, gamma)
    if algorithm("batch_normalization") == "folded":
        shift = multiply(average, inverse)
        shift = multiply(shift, -1.0) if beta is None else subtract(beta, shift)
        return in_blocks(lambda x, *by: add(multiply(x, by[0]), by[1]), x, inverse, shift)

    def centred(x: Tensor, average: Tensor, inverse: Tensor, *beta: Tensor) -> Tensor:
        y = multiply(subtract(x, average), inverse)
        return add(y, *beta) if beta else y

    y = in_blocks(centred, x, average, inverse, *(() if beta is None else (beta,)))
    return y if gamma is None else unless_scaling_overflows(y, x, average, gamma)


def unless_scaling_overflows(y: Tensor, x: Tensor, average: Tensor, gamma: Tensor) -> Tensor:
    """The same, where nothing is promised of what γ·(x − μ) may overflow for: some divide only then."""
    arithmetic = current_arithmetic()
    if arithmetic is None or not y.size:
        return y
    highest = (float(x.reach.max()) + float(average.reach.max())) * float(gamma.reach.max())
    if highest <= arithmetic.largest:
        return y
    return unpromised(y, (x.reach + average.reach) * gamma.reach > arithmetic.largest)
