"""LayerNormalization: every sample brought to zero mean and unit variance, then scaled and shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.blockwise import in_blocks
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.layers.moments import CentreAndScale, moments, normalized
from conformance.reference_impl.layers.spanned_axes import along, axes_of, check_axes
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import add, multiply, reshape, rsqrt
from conformance.reference_impl.tape import Tensor


class RMSScaling(Layer, registered=False):
    """The argument that Keras takes after all others, and does not show."""

    supports_masking = True

    rms_scaling = field(fields.boolean, False, "whether to divide by σ alone")


class LayerNormalization(CentreAndScale, RMSScaling):
    """γ·(x − μ)/√(σ² + ε) + β, with μ and σ² along one axis or several (Ba et al. 2016).

    Any shape, which the output has too; γ and β have the dimensions of the axes in ascending order. With
    `rms_scaling` it is γ·x/√(σ² + ε), whose σ² is still the variance. Source:
    `keras.layers.LayerNormalization`.

    >>> [weight.shape for weight in LayerNormalization(axis=[1, 2]).declare_weights([(None, 5, 20, 30)])]
    [(5, 20), (5, 20)]
    """

    axis = field(fields.axes, -1, "the axis or axes of the mean and the variance")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        check_axes(self.axis, shapes[0])

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        axes = axes_of(self.axis, len(shapes[0]))
        shape = self.known(tuple(shapes[0][axis] for axis in axes), shapes[0])
        weights = []
        if self.scale or self.rms_scaling:
            weights.append(Weight("gamma", shape, self.gamma_initializer))
        if self.center and not self.rms_scaling:
            weights.append(Weight("beta", shape, self.beta_initializer))
        return tuple(weights)

    def fixed_axes(self, shapes: Sequence[Shape]) -> list[frozenset[int]]:
        return [frozenset()]

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        axes = axes_of(self.axis, inputs[0].ndim)
        spread = [reshape(w, shape=along(axes, inputs[0].shape)) for w in weights.values()]

        def of_rows(x: Tensor, *spread: Tensor) -> Tensor:
            average, variance = moments(x, axes)
            by_name = dict(zip(weights, spread, strict=True))
            gamma, beta = by_name.get("gamma"), by_name.get("beta")
            if not self.rms_scaling:
                return normalized(x, average, variance, self.epsilon, gamma, beta)
            assert gamma is not None  # declare_weights
            return scaled_by_deviation(x, average, variance, self.epsilon, gamma)

        return Result((in_blocks(of_rows, inputs[0], *spread, rows=min(axes)),))


@patchable("layers.LayerNormalization.scaled_by_deviation")
def scaled_by_deviation(
    x: Tensor, average: Tensor, variance: Tensor, epsilon: float, gamma: Tensor
) -> Tensor:
    """What `rms_scaling` asks for: γ·x/√(σ² + ε), which leaves the mean where it is."""
    return multiply(multiply(x, rsqrt(add(variance, epsilon))), gamma)
