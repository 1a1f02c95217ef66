"""BatchNormalization: every channel brought to zero mean and unit variance, then scaled and shifted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from conformance.reference_impl import fields
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.fields import field
from conformance.reference_impl.layers import moments
from conformance.reference_impl.layers.layer import Context, Layer, Result, Shape, Weight
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    add,
    divide,
    maximum,
    minimum,
    multiply,
    relu,
    reshape,
    sqrt,
    square,
    subtract,
    total,
    where,
)
from conformance.reference_impl.tape import Tensor, detached

MASK_EPSILON = 1e-7
"""`keras.config.epsilon()`, which Keras adds to the number of unmasked elements."""


class BatchNormalization(Layer):
    """γ·(x − μ)/√(σ² + ε) + β along an axis (Ioffe and Szegedy 2015), or batch renormalization (Ioffe 2017).

    In training μ and σ² are those of the batch, over all other axes, and moving averages of them are
    kept; in inference, and where `trainable` is False, they are the moving averages.
    Source: `keras.layers.BatchNormalization`.
    """

    supports_masking = True

    axis = field(fields.integer, -1, "the axis of the channels")
    momentum = field(fields.number, 0.99, "how much of the moving averages stays")
    epsilon = field(fields.number, 0.001, "added to the variance")
    center = field(fields.boolean, True, "whether β is added")
    scale = field(fields.boolean, True, "whether γ multiplies")
    beta_initializer = field(fields.initializer, "zeros")
    gamma_initializer = field(fields.initializer, "ones")
    moving_mean_initializer = field(fields.initializer, "zeros")
    moving_variance_initializer = field(fields.initializer, "ones")
    beta_regularizer = field(fields.regularizer, None)
    gamma_regularizer = field(fields.regularizer, None)
    beta_constraint = field(fields.constraint, None)
    gamma_constraint = field(fields.constraint, None)
    renorm = field(fields.boolean, False, "batch renormalization")
    renorm_clipping = field(fields.optional(fields.mapping), None, "rmax, rmin, dmax")
    renorm_momentum = field(fields.number, 0.99, "momentum of the renormalization's statistics")
    synchronized = field(fields.boolean, False, "whether replicas share their statistics")

    def check(self) -> None:
        if self.renorm:
            clipping = self.renorm_clipping or {}
            unknown = clipping.keys() - {"rmax", "rmin", "dmax"}
            if unknown:
                raise ValueError(
                    f"argument `renorm_clipping`: rmax, rmin and dmax are allowed, got {sorted(unknown)}"
                )
            if clipping.get("rmax", xp.inf) < clipping.get("rmin", 0.0):
                raise ValueError(f"argument `renorm_clipping`: rmax is less than rmin in {clipping}")
            if clipping.get("dmax", 0.0) < 0:
                raise ValueError(f"argument `renorm_clipping`: dmax is negative in {clipping}")
            self.config["renorm_clipping"] = clipping

    def check_inputs(self, shapes: Sequence[Shape]) -> None:
        super().check_inputs(shapes)
        shape = shapes[0]
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"argument `axis`: {self.axis} is out of range for an input of shape {shape}")
        if shape[self.axis] is None:
            raise ValueError(f"BatchNormalization needs to know axis {self.axis} of its input {shape}")

    def declare_weights(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        channels = shapes[0][self.axis]
        assert channels is not None  # check_inputs
        shape = (channels,)
        trained = []
        if self.scale:
            trained.append(Weight("gamma", shape, self.gamma_initializer))
        if self.center:
            trained.append(Weight("beta", shape, self.beta_initializer))
        names = ["moving_mean", "moving_variance"]
        if self.renorm:
            names += ["moving_stddev", "renorm_mean", "renorm_stddev"]
        return (*trained, *(Weight(name, shape, trainable=False) for name in names))

    def call(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor], context: Context) -> Result:
        x = inputs[0]
        mask = context.masks[0] if context.masks else None
        if mask is not None and mask.ndim != x.ndim - 1:
            raise ValueError(
                f"BatchNormalization takes a mask of one dimension less than the input, got {mask.shape} for "
                f"an input of shape {x.shape}"
            )
        axis = self.axis % x.ndim
        along = tuple(n if i == axis else 1 for i, n in enumerate(x.shape))
        state: dict[str, Tensor] = {}
        gamma, beta = weights.get("gamma"), weights.get("beta")
        if normalizes_by_batch(self, context):
            average, variance = batch_moments(x, axis, mask)
            if self.renorm:
                gamma, beta = self.renormalized(average, variance, gamma, beta, weights)
                state = self.renormalized_state(average, variance, weights)
            else:
                state = {
                    "moving_mean": moved(weights["moving_mean"], average, self.momentum),
                    "moving_variance": moved(
                        weights["moving_variance"], kept_variance(x, variance), self.momentum
                    ),
                }
        else:
            average, variance = weights["moving_mean"], weights["moving_variance"]
        return Result((self.normalized(x, average, variance, gamma, beta, along),), state)

    @patchable("layers.BatchNormalization.normalized")
    def normalized(
        self,
        x: Tensor,
        average: Tensor,
        variance: Tensor,
        gamma: Tensor | None,
        beta: Tensor | None,
        along: tuple[int, ...],
    ) -> Tensor:
        """The formula, in the order of operations that the backend's arithmetic names."""
        average, variance = reshape(average, shape=along), reshape(variance, shape=along)
        gamma, beta = (w if w is None else reshape(w, shape=along) for w in (gamma, beta))
        return moments.normalized(x, average, variance, self.epsilon, gamma, beta)

    def renormalized(
        self,
        average: Tensor,
        variance: Tensor,
        gamma: Tensor | None,
        beta: Tensor | None,
        weights: Mapping[str, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """γ·r and γ·d + β, through whose r and d no gradient flows (Ioffe 2017, section 3)."""
        average, variance = detached(average), detached(variance)
        deviation = sqrt(add(variance, self.epsilon))
        least = math.sqrt(self.epsilon) if self.epsilon >= 0 else math.nan
        reference = maximum(weights["renorm_stddev"], least)
        r = divide(deviation, reference)
        d = divide(subtract(average, weights["renorm_mean"]), reference)
        clipping = self.renorm_clipping
        if clipping.get("rmin") is not None:
            r = maximum(r, clipping["rmin"])
        if clipping.get("rmax") is not None:
            r = minimum(r, clipping["rmax"])
        if clipping.get("dmax") is not None:
            d = minimum(maximum(d, -clipping["dmax"]), clipping["dmax"])
        scale, shift = (r, d) if gamma is None else (multiply(r, gamma), multiply(d, gamma))
        return scale, shift if beta is None else add(shift, beta)

    def renormalized_state(
        self, average: Tensor, variance: Tensor, weights: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        deviation = sqrt(add(variance, self.epsilon))
        stddev = moved(weights["moving_stddev"], deviation, self.momentum)
        return {
            "moving_mean": moved(weights["moving_mean"], average, self.momentum),
            "moving_variance": relu(subtract(square(stddev), self.epsilon)),
            "moving_stddev": stddev,
            "renorm_mean": moved(weights["renorm_mean"], average, self.renorm_momentum),
            "renorm_stddev": moved(weights["renorm_stddev"], deviation, self.renorm_momentum),
        }


@patchable("layers.BatchNormalization.moved")
def moved(old: Tensor, new: Tensor, momentum: float) -> Tensor:
    """The moving average one step on"""
    return add(multiply(old, momentum), multiply(new, 1.0 - momentum))


@patchable("layers.BatchNormalization.normalizes_by_batch")
def normalizes_by_batch(layer: BatchNormalization, context: Context) -> bool:
    """Whether the statistics are the batch's: in training, unless the layer is frozen"""
    return context.training and bool(layer.trainable)


@patchable("layers.BatchNormalization.kept_variance")
def kept_variance(x: Tensor, variance: Tensor) -> Tensor:
    """What the moving variance moves towards: the variance that the batch is normalised by"""
    return variance


@patchable("layers.BatchNormalization.moments")
def batch_moments(x: Tensor, axis: int, mask: Array | None) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance over all axes but one, of the elements that a mask keeps"""
    others = tuple(i for i in range(x.ndim) if i != axis)
    if mask is None:
        average, variance = moments.moments(x, others)
    else:
        kept = Tensor(xp.broadcast_to(mask[..., None], x.shape).astype(x.dtype))
        count = add(total(kept, axis=others, keepdims=True), MASK_EPSILON)
        average = divide(total(where(kept, x, 0.0), axis=others, keepdims=True), count)
        difference = where(kept, subtract(x, average), 0.0)
        variance = divide(total(square(difference), axis=others, keepdims=True), count)
    return reshape(average, shape=(-1,)), reshape(variance, shape=(-1,))
