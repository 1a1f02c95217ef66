"""The layers, by Keras's names."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jax_layers.activations import function_of
from jax_layers.arguments import (
    ActivationName,
    Constraint,
    Count,
    DataFormat,
    Fraction,
    Initializer,
    Padding,
    Pair,
    Positive,
    Regularizer,
)
from jax_layers.layer import Call, Layer, Mask, Result, Shape, Weight

MASK_EPSILON = 1e-7
"""What Keras adds to the number of the elements that a mask keeps."""


def pair(size: Pair) -> tuple[int, ...]:
    """The height and the width that one number stands for, or that are given."""
    return (size, size) if isinstance(size, int) else size


def windows(n: int | None, size: int, stride: int, padding: Padding) -> int | None:
    """How many windows there are along an axis of n elements.

    Raises:
        ValueError: none.
    """
    if n is None:
        return None
    count = -(-n // stride) if padding == "same" else (n - size) // stride + 1
    if count < 1:
        raise ValueError(f"a window of {size} leaves nothing of {n} elements")
    return count


def known(n: int | None, shape: Shape) -> int:
    """The size of a dimension on which a weight's shape depends."""
    if n is None:
        raise ValueError(f"a size has to be known of an input of shape {shape}")
    return n


class LowRank(Layer, kw_only=True):
    """A layer whose main weight can be adapted, by W + (alpha / rank)·A·B (Hu et al. 2021)."""

    lora_rank: Count | None = None
    lora_alpha: float | None = None

    def refuse_adapting(self, constraint: Constraint | None) -> None:
        if self.lora_rank and constraint is not None:
            raise ValueError("lora_rank: a weight with a constraint cannot be adapted")

    def with_adapters(self, name: str, shape: tuple[int, ...], *others: Weight) -> tuple[Weight, ...]:
        """The weight, the others, and A and B, if there are any."""
        if not self.lora_rank:
            return Weight(name, shape), *others
        a, b = (*shape[:-1], self.lora_rank), (self.lora_rank, shape[-1])
        adapters = Weight(f"lora_{name}_a", a), Weight(f"lora_{name}_b", b)
        return Weight(name, shape, trainable=False), *others, *adapters

    def adapted(self, weights: Mapping[str, jax.Array], name: str) -> jax.Array:
        if not self.lora_rank:
            return weights[name]
        scale = (self.lora_rank if self.lora_alpha is None else self.lora_alpha) / self.lora_rank
        return weights[name] + scale * (weights[f"lora_{name}_a"] @ weights[f"lora_{name}_b"])


class KernelAndBias(LowRank, kw_only=True):
    """The arguments about a kernel and a bias."""

    activation: ActivationName | None = None
    use_bias: bool = True
    kernel_initializer: Initializer = "glorot_uniform"
    bias_initializer: Initializer = "zeros"
    kernel_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None

    def biases(self, size: int) -> tuple[Weight, ...]:
        return (Weight("bias", (size,)),) if self.use_bias else ()


class Activation(Layer):
    keeps_masks = True

    activation: ActivationName | None

    def computed(self, call: Call) -> Result:
        return Result((function_of(self.activation)(call.inputs[0]),))


class Add(Layer):
    def check(self, shapes: Sequence[Shape]) -> None:
        if not shapes or not all(shapes):
            raise ValueError(f"Add takes one input or more, of rank 1 or more; their shapes are {shapes}")
        if len({shape[0] for shape in shapes} - {None}) > 1:
            raise ValueError(f"Add takes inputs of one batch size; their shapes are {shapes}")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch = next((shape[0] for shape in shapes if shape[0] is not None), None)
        return ((batch, *functools.reduce(broadcast, (shape[1:] for shape in shapes))),)

    def output_masks(self, inputs: Sequence[jax.Array], masks: Sequence[Mask]) -> tuple[Mask, ...]:
        """True where any is; none where an input has none."""
        if any(mask is None for mask in masks):
            return (None,)
        return (functools.reduce(jnp.logical_or, masks),)

    def computed(self, call: Call) -> Result:
        rank = max(x.ndim for x in call.inputs)
        # Where there are fewer dimensions, those behind the batch are missing.
        aligned = (x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:]) for x in call.inputs)
        return Result((functools.reduce(jnp.add, aligned),))


def broadcast(first: Shape, second: Shape) -> Shape:
    """The shape to which two broadcast.

    Raises:
        ValueError: they do not.
    """
    shorter, longer = sorted((first, second), key=len)
    together = list(longer)
    for axis in range(-len(shorter), 0):
        m, n = longer[axis], shorter[axis]
        if None not in (m, n) and m != n and 1 not in (m, n):
            raise ValueError(f"shapes {first} and {second} do not broadcast")
        together[axis] = None if None in (m, n) else n if m == 1 else m
    return tuple(together)


class BatchNormalization(Layer):
    keeps_masks = True

    axis: int = -1
    momentum: float = 0.99
    epsilon: float = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = "zeros"
    gamma_initializer: Initializer = "ones"
    moving_mean_initializer: Initializer = "zeros"
    moving_variance_initializer: Initializer = "ones"
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None
    renorm: bool = False
    renorm_clipping: dict[Literal["rmin", "rmax", "dmax"], float] | None = None
    renorm_momentum: float = 0.99
    synchronized: bool = False

    def check(self, shapes: Sequence[Shape]) -> None:
        super().check(shapes)
        refuse_axes_outside((self.axis,), shapes[0])

    def fixed_axes(self) -> tuple[int, ...]:
        return (self.axis,)

    def weights_for(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        size = (known(shapes[0][self.axis], shapes[0]),)
        names = ["moving_mean", "moving_variance"]
        if self.renorm:
            names += ["moving_stddev", "renorm_mean", "renorm_stddev"]
        gamma = (Weight("gamma", size),) if self.scale else ()
        beta = (Weight("beta", size),) if self.center else ()
        return *gamma, *beta, *(Weight(name, size, trainable=False) for name in names)

    def computed(self, call: Call) -> Result:
        x, weights = call.inputs[0], call.weights
        axis = self.axis % x.ndim
        mean, variance = weights["moving_mean"], weights["moving_variance"]
        state: dict[str, jax.Array] = {}
        if call.training:
            state = {name: value for name, value in weights.items() if name not in ("gamma", "beta")}
        r, d = jnp.ones_like(mean), jnp.zeros_like(mean)
        if call.training and self.trainable:
            mean, variance = batch_moments(x, axis, call.masks)
            state = {
                "moving_mean": moved(weights["moving_mean"], mean, self.momentum),
                "moving_variance": moved(weights["moving_variance"], variance, self.momentum),
            }
            if self.renorm:
                clipping = self.renorm_clipping or {}
                r, d = renormalization(weights, mean, variance, self.epsilon, **clipping)
                deviation = jnp.sqrt(variance + self.epsilon)
                stddev = moved(weights["moving_stddev"], deviation, self.momentum)
                state |= {
                    "moving_variance": jax.nn.relu(jnp.square(stddev) - self.epsilon),
                    "moving_stddev": stddev,
                    "renorm_mean": moved(weights["renorm_mean"], mean, self.renorm_momentum),
                    "renorm_stddev": moved(weights["renorm_stddev"], deviation, self.renorm_momentum),
                }
        along = [size if i == axis else 1 for i, size in enumerate(x.shape)]
        y = (x - mean.reshape(along)) * lax.rsqrt(variance.reshape(along) + self.epsilon)
        if self.renorm:
            y = y * r.reshape(along) + d.reshape(along)
        if self.scale:
            y = y * weights["gamma"].reshape(along)
        if self.center:
            y = y + weights["beta"].reshape(along)
        return Result((y,), state)


def refuse_axes_outside(axes: Sequence[int], shape: Shape) -> None:
    """Whether an input of that shape has the axes; raises ValueError where it has not."""
    if any(not -len(shape) <= axis < len(shape) for axis in axes):
        raise ValueError(f"axis: {list(axes)} is out of range for an input of shape {shape}")


def moved(old: jax.Array, new: jax.Array, momentum: float) -> jax.Array:
    """The moving average one step on."""
    return old * momentum + new * (1 - momentum)


def renormalization(
    weights: Mapping[str, jax.Array],
    mean: jax.Array,
    variance: jax.Array,
    epsilon: float,
    *,
    rmin: float = -jnp.inf,
    rmax: float = jnp.inf,
    dmax: float = jnp.inf,
) -> tuple[jax.Array, jax.Array]:
    """r and d, through which no gradient flows (Ioffe 2017, section 3)."""
    reference = jnp.maximum(weights["renorm_stddev"], epsilon**0.5)
    r = jnp.clip(jnp.sqrt(variance + epsilon) / reference, rmin, rmax)
    d = jnp.clip((mean - weights["renorm_mean"]) / reference, -dmax, dmax)
    return lax.stop_gradient(r), lax.stop_gradient(d)


def batch_moments(x: jax.Array, axis: int, masks: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Mean and variance over all axes but one, of the elements that the mask keeps."""
    others = tuple(i for i in range(x.ndim) if i != axis)
    if not masks:
        return x.mean(others), x.var(others)
    kept = jnp.broadcast_to(masks[0][..., None], x.shape).astype(x.dtype)
    count = kept.sum(others, keepdims=True) + MASK_EPSILON
    mean = (x * kept).sum(others, keepdims=True) / count
    variance = (jnp.square(x - mean) * kept).sum(others, keepdims=True) / count
    return mean.reshape(-1), variance.reshape(-1)


class Concatenate(Layer):
    axis: int = -1

    def check(self, shapes: Sequence[Shape]) -> None:
        if not shapes or len({len(shape) for shape in shapes}) > 1:
            raise ValueError(f"Concatenate takes inputs of one rank; their shapes are {shapes}")
        refuse_axes_outside((self.axis,), shapes[0])
        joined = self.axis % len(shapes[0])
        for axis, sizes in enumerate(zip(*shapes, strict=True)):
            if axis != joined and len({*sizes} - {None}) > 1:
                raise ValueError(f"Concatenate along axis {joined} cannot join inputs of shapes {shapes}")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        axis = self.axis % len(shapes[0])
        sizes = [shape[axis] for shape in shapes]
        joined = None if None in sizes else sum(sizes)
        return ((*shapes[0][:axis], joined, *shapes[0][axis + 1 :]),)

    def output_masks(self, inputs: Sequence[jax.Array], masks: Sequence[Mask]) -> tuple[Mask, ...]:
        """True where any of the elements along the last axis is; an input without a mask is kept whole."""
        if all(mask is None for mask in masks):
            return (None,)
        whole = [
            jnp.ones(x.shape, bool)
            if mask is None
            else jnp.broadcast_to(mask if mask.ndim == x.ndim else mask[..., None], x.shape)
            for x, mask in zip(inputs, masks, strict=True)
        ]
        return (jnp.concatenate(whole, self.axis).any(-1),)

    def computed(self, call: Call) -> Result:
        return Result((jnp.concatenate(call.inputs, self.axis),))


class Conv2D(KernelAndBias):
    ndim = 4

    filters: Positive
    kernel_size: Pair
    strides: Pair = 1
    padding: Padding = "valid"
    data_format: DataFormat | None = None
    dilation_rate: Pair = 1
    groups: Positive = 1

    def __post_init__(self) -> None:
        if self.filters % self.groups:
            raise ValueError(f"groups: {self.groups} does not divide {self.filters} filters")
        if max(pair(self.strides)) > 1 and max(pair(self.dilation_rate)) > 1:
            raise ValueError("strides and dilation_rate: only one of the two may exceed 1")
        self.refuse_adapting(self.kernel_constraint)

    @property
    def channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else 3

    def check(self, shapes: Sequence[Shape]) -> None:
        super().check(shapes)
        channels = shapes[0][self.channel_axis]
        if channels is not None and channels % self.groups:
            raise ValueError(f"groups: {self.groups} does not divide {channels} channels")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, *sample = shapes[0]
        del sample[self.channel_axis - 1]
        positions = [
            windows(n, (size - 1) * dilation + 1, stride, self.padding)
            for n, size, dilation, stride in zip(
                sample, pair(self.kernel_size), pair(self.dilation_rate), pair(self.strides), strict=True
            )
        ]
        positions.insert(self.channel_axis - 1, self.filters)
        return ((batch, *positions),)

    def fixed_axes(self) -> tuple[int, ...]:
        return (self.channel_axis,)

    def weights_for(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        channels = known(shapes[0][self.channel_axis], shapes[0])
        kernel = (*pair(self.kernel_size), channels // self.groups, self.filters)
        return self.with_adapters("kernel", kernel, *self.biases(self.filters))

    def computed(self, call: Call) -> Result:
        x = call.inputs[0]
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise ValueError(f"Conv2D takes an input of floats, got {x.dtype}")
        first = self.data_format == "channels_first"
        y = lax.conv_general_dilated(
            x,
            self.adapted(call.weights, "kernel"),
            window_strides=pair(self.strides),
            padding=self.padding.upper(),
            rhs_dilation=pair(self.dilation_rate),
            dimension_numbers=("NCHW", "HWIO", "NCHW") if first else ("NHWC", "HWIO", "NHWC"),
            feature_group_count=self.groups,
        )
        if self.use_bias:
            bias = call.weights["bias"]
            y = y + (bias[:, None, None] if first else bias)
        return Result((function_of(self.activation)(y),))


class Dense(KernelAndBias):
    keeps_masks = True
    min_ndim = 2

    units: Positive
    quantization_config: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.refuse_adapting(self.kernel_constraint)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((*shapes[0][:-1], self.units),)

    def fixed_axes(self) -> tuple[int, ...]:
        return (-1,)

    def weights_for(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        kernel = known(shapes[0][-1], shapes[0]), self.units
        return self.with_adapters("kernel", kernel, *self.biases(self.units))

    def computed(self, call: Call) -> Result:
        y = call.inputs[0] @ self.adapted(call.weights, "kernel")
        if self.use_bias:
            y = y + call.weights["bias"]
        return Result((function_of(self.activation)(y),))


class Dropout(Layer):
    keeps_masks = True

    rate: Fraction
    noise_shape: tuple[Positive | None, ...] | None = None
    seed: int | None = None

    def computed(self, call: Call) -> Result:
        if call.training:
            raise NotImplementedError("random numbers")
        return Result((call.inputs[0],))


class Embedding(LowRank):
    unsaid = frozenset({"autocast", "input_shape", "input_length", "weights"})

    input_dim: Positive
    output_dim: Positive
    embeddings_initializer: Initializer = "uniform"
    embeddings_regularizer: Regularizer | None = None
    embeddings_constraint: Constraint | None = None
    mask_zero: bool = False
    weights: list[Any] | None = None
    quantization_config: dict[str, Any] | None = None
    input_length: Positive | None = None

    def __post_init__(self) -> None:
        self.refuse_adapting(self.embeddings_constraint)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        return ((*shapes[0], self.output_dim),)

    def output_masks(self, inputs: Sequence[jax.Array], masks: Sequence[Mask]) -> tuple[Mask, ...]:
        return (inputs[0] != 0 if self.mask_zero else None,)

    def weights_for(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        return self.with_adapters("embeddings", (self.input_dim, self.output_dim))

    def computed(self, call: Call) -> Result:
        indices = np.asarray(call.inputs[0])
        if ((indices < 0) | (indices >= self.input_dim)).any():
            raise ValueError(f"Embedding takes indices below {self.input_dim}, got {indices.tolist()}")
        return Result((self.adapted(call.weights, "embeddings")[indices],))


class Flatten(Layer):
    data_format: DataFormat | None = None

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, *sample = shapes[0]
        return ((batch, None if None in sample else math.prod(sample)),)

    def computed(self, call: Call) -> Result:
        x = call.inputs[0]
        if self.data_format == "channels_first" and x.ndim > 2:
            x = jnp.moveaxis(x, 1, -1)
        return Result((x.reshape(x.shape[0], math.prod(x.shape[1:])),))


class LSTM(Layer):
    unsaid = Layer.unsaid | {"use_cudnn", "implementation"}
    ndim = 3

    units: Positive
    activation: ActivationName | None = "tanh"
    recurrent_activation: ActivationName | None = "sigmoid"
    use_bias: bool = True
    kernel_initializer: Initializer = "glorot_uniform"
    recurrent_initializer: Initializer = "orthogonal"
    bias_initializer: Initializer = "zeros"
    unit_forget_bias: bool = True
    kernel_regularizer: Regularizer | None = None
    recurrent_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    recurrent_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    seed: int | None = None
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False
    use_cudnn: Literal["auto"] | bool = "auto"
    implementation: int | None = None

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, time, _ = shapes[0]
        output = (batch, time, self.units) if self.return_sequences else (batch, self.units)
        return (output, *((batch, self.units),) * 2) if self.return_state else (output,)

    def output_masks(self, inputs: Sequence[jax.Array], masks: Sequence[Mask]) -> tuple[Mask, ...]:
        return (masks[0] if self.return_sequences else None, *(None, None) * self.return_state)

    def fixed_axes(self) -> tuple[int, ...]:
        return (-1,)

    def weights_for(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        features, width = known(shapes[0][-1], shapes[0]), 4 * self.units
        kernels = Weight("kernel", (features, width)), Weight("recurrent_kernel", (self.units, width))
        return (*kernels, Weight("bias", (width,))) if self.use_bias else kernels

    def computed(self, call: Call) -> Result:
        x, weights = call.inputs[0], call.weights
        nothing = jnp.zeros((x.shape[0], self.units), x.dtype)
        h, c = call.initial_state or (nothing, nothing)
        kept = call.masks[0] if call.masks else jnp.ones(x.shape[:2], bool)
        if kept.shape != x.shape[:2] or not h.shape == c.shape == nothing.shape:
            raise ValueError(
                f"a mask of shape {kept.shape} and states of {h.shape} and {c.shape} do not fit an input of "
                f"shape {x.shape}"
            )
        of_gates, of_values = function_of(self.recurrent_activation), function_of(self.activation)
        projected = x @ weights["kernel"]
        if self.use_bias:
            projected = projected + weights["bias"]

        def step(carry: tuple[jax.Array, ...], now: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
            h, c, last = carry
            projected, kept = now[0], now[1][:, None]
            i, f, g, o = jnp.split(projected + h @ weights["recurrent_kernel"], 4, axis=-1)
            new_c = of_gates(f) * c + of_gates(i) * of_values(g)
            new_h = of_gates(o) * of_values(new_c)
            output = jnp.where(kept, new_h, nothing if self.zero_output_for_mask else last)
            return (jnp.where(kept, new_h, h), jnp.where(kept, new_c, c), output), output

        times = projected.swapaxes(0, 1), kept.swapaxes(0, 1)
        if self.go_backwards:
            times = tuple(jnp.flip(values, 0) for values in times)
        (h, c, last), outputs = lax.scan(step, (h, c, nothing), times)
        output = outputs.swapaxes(0, 1) if self.return_sequences else last
        return Result((output, h, c) if self.return_state else (output,), carried=(h, c))


class LayerNormalization(Layer):
    keeps_masks = True

    axis: int | tuple[int, ...] = -1
    epsilon: float = 0.001
    center: bool = True
    scale: bool = True
    beta_initializer: Initializer = "zeros"
    gamma_initializer: Initializer = "ones"
    beta_regularizer: Regularizer | None = None
    gamma_regularizer: Regularizer | None = None
    beta_constraint: Constraint | None = None
    gamma_constraint: Constraint | None = None
    rms_scaling: bool = False

    @property
    def given_axes(self) -> tuple[int, ...]:
        return (self.axis,) if isinstance(self.axis, int) else self.axis

    def axes(self, rank: int) -> tuple[int, ...]:
        """In ascending order, none of them negative."""
        return tuple(sorted(axis % rank for axis in self.given_axes))

    def check(self, shapes: Sequence[Shape]) -> None:
        super().check(shapes)
        refuse_axes_outside(self.given_axes, shapes[0])

    def weights_for(self, shapes: Sequence[Shape]) -> tuple[Weight, ...]:
        size = tuple(known(shapes[0][axis], shapes[0]) for axis in self.axes(len(shapes[0])))
        if self.rms_scaling:
            return (Weight("gamma", size),)
        gamma = (Weight("gamma", size),) if self.scale else ()
        beta = (Weight("beta", size),) if self.center else ()
        return *gamma, *beta

    def computed(self, call: Call) -> Result:
        x, weights = call.inputs[0], call.weights
        axes = self.axes(x.ndim)
        along = [size if i in axes else 1 for i, size in enumerate(x.shape)]
        slope = lax.rsqrt(x.var(axes, keepdims=True) + self.epsilon)
        if self.rms_scaling:
            return Result((x * slope * weights["gamma"].reshape(along),))
        y = (x - x.mean(axes, keepdims=True)) * slope
        if self.scale:
            y = y * weights["gamma"].reshape(along)
        if self.center:
            y = y + weights["beta"].reshape(along)
        return Result((y,))


class MaxPooling2D(Layer):
    ndim = 4

    pool_size: Pair = 2
    strides: Pair | None = None
    padding: Padding = "valid"
    data_format: DataFormat | None = None

    @property
    def steps(self) -> tuple[int, ...]:
        return pair(self.pool_size if self.strides is None else self.strides)

    def spread(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """The height and the width in the places of their axes, and 1 in the others."""
        return (1, 1, *size) if self.data_format == "channels_first" else (1, *size, 1)

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        sizes, steps = self.spread(pair(self.pool_size)), self.spread(self.steps)
        batch, *sample = shapes[0]
        rest = zip(sample, sizes[1:], steps[1:], strict=True)
        return ((batch, *(windows(*axis, self.padding) for axis in rest)),)

    def computed(self, call: Call) -> Result:
        # A NaN is passed over, as Keras on TensorFlow does; XLA's maximum is NaN.
        x = jnp.where(jnp.isnan(call.inputs[0]), -jnp.inf, call.inputs[0])
        sizes, steps = self.spread(pair(self.pool_size)), self.spread(self.steps)
        return Result((lax.reduce_window(x, -jnp.inf, lax.max, sizes, steps, self.padding.upper()),))


class Reshape(Layer):
    target_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.target_shape.count(-1) > 1 or any(size < -1 for size in self.target_shape):
            raise ValueError(f"target_shape: one size may be -1, and none below, got {self.target_shape}")

    def output_shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        batch, *sample = shapes[0]
        if None in sample:
            return ((batch, *(None if size == -1 else size for size in self.target_shape)),)
        size, told = math.prod(sample), math.prod(n for n in self.target_shape if n != -1)
        if size % told if -1 in self.target_shape and told else size != told:
            raise ValueError(f"target_shape: {self.target_shape} does not hold a sample of {sample}")
        return ((batch, *(size // told if n == -1 else n for n in self.target_shape)),)

    def computed(self, call: Call) -> Result:
        (shape,) = self.output_shapes([call.inputs[0].shape])
        return Result((call.inputs[0].reshape(shape),))


LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        Activation, Add, BatchNormalization, Concatenate, Conv2D, Dense, Dropout, Embedding, Flatten, LSTM,
        LayerNormalization, MaxPooling2D, Reshape,
    )
}  # fmt: skip
