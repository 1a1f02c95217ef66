"""GroupNormalization: groups of channels of every sample brought to zero mean and unit variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.reference_impl import fields
from conformance.reference_impl.fields import Kind, field
from conformance.reference_impl.layers.layer import Context, Result, Shape, Weight
from conformance.reference_impl.layers.moments import CentreAndScale, moments, normalized
from conformance.reference_impl.layers.spanned_axes import check_axes
from conformance.reference_impl.primitives import reshape
from conformance.reference_impl.tape import Tensor


def _groups(value: Any) -> int:
    return -1 if value == -1 else int(fields.positive_integer.parse(value))


class GroupNormalization(CentreAndScale):
    """γ·(x − μ)/√(σ² + ε) + β, with μ and σ² over each group of channels of a sample (Wu and He 2018).

    (batch, …), of rank 2 or more, which the output has too; γ and β have the size of the channels' axis.
    Source: `keras.layers.GroupNormalization`.

    >>> import numpy as np
    >>> from conformance.reference_impl.tape import variable
    >>> layer = GroupNormalization(groups=2, epsilon=0.0, center=False, scale=False)
    >>> layer.call([variable(np.array([[1.0, 3.0, 10.0, 30.0]]))], {}, Context()).outputs[0].value
    array([[-1.,  1., -1.,  1.]])
    """

    supports_masking = True

    minimum_rank = 2

    groups = field(
        Kind("a positive integer, or -1 for one a channel", _groups, (0, "x")), 32, "how many groups"
    )
    axis = field(fields.integer, -1, "the axis of the channels")

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        shape = shapes[0]
        check_axes(self.axis, shape)
        if self.axis % len(shape) == 0:
            raise ValueError(
                f"argument `axis`: an axis behind the batch is allowed, got {self.axis} for an input of "
                f"shape {shape}"
            )
        (channels,) = self.known((shape[self.axis],), shape)
        if channels % self.groups_of(channels):
            raise ValueError(
                f"argument `groups`: a divisor of the {channels} channels on axis {self.axis} of an input of "
                f"shape {shape} is allowed, got {self.groups}"
            )

    def groups_of(self, channels: int) -> int:
        """How many groups so many channels make."""
        return channels if self.groups == -1 else int(self.groups)

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        shape = self.known((shapes[0][self.axis],), shapes[0])
        weights = []
        if self.scale:
            weights.append(Weight("gamma", shape, self.gamma_initializer))
        if self.center:
            weights.append(Weight("beta", shape, self.beta_initializer))
        return tuple(weights)

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        axis = self.axis % x.ndim
        groups = self.groups_of(x.shape[axis])
        split = (groups, x.shape[axis] // groups)
        grouped = reshape(x, shape=(*x.shape[:axis], *split, *x.shape[axis + 1 :]))
        spread = (*(1 for _ in range(axis)), *split, *(1 for _ in range(axis + 1, x.ndim)))
        gamma, beta = (
            reshape(weights[name], shape=spread) if name in weights else None for name in ("gamma", "beta")
        )
        average, variance = moments(grouped, tuple(i for i in range(1, grouped.ndim) if i != axis))
        y = normalized(grouped, average, variance, self.epsilon, gamma, beta)
        return Result((reshape(y, shape=x.shape),))
