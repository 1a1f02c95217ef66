"""The layers: functions of a call and of Keras's arguments, which are keywords with Keras's defaults.

Arguments that change no output, such as initializers and regularizers, are taken and not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jax_layers.activations import activation

Weights = dict[str, jax.Array]

MASK_EPSILON = 1e-7
"""What Keras adds to the number of the elements that a mask keeps."""


@dataclass(frozen=True)
class Call:
    """What a layer is called with."""

    inputs: Sequence[jax.Array]
    weights: Weights
    masks: Sequence[jax.Array] = ()
    initial_state: Sequence[jax.Array] = ()
    training: bool = False


@dataclass(frozen=True)
class Result:
    """The outputs, and the new values of the weights that a call in training mode moves."""

    outputs: tuple[jax.Array, ...]
    state: Weights


Layer = Callable[..., Result]

LAYERS: dict[str, Layer] = {}
"""The layers by Keras's names."""


def layer(name: str) -> Callable[[Layer], Layer]:
    """Enters a function in `LAYERS`."""

    def enter(function: Layer) -> Layer:
        LAYERS[name] = function
        return function

    return enter


def of(*outputs: jax.Array) -> Result:
    return Result(outputs, {})


def pair(size: int | Sequence[int]) -> tuple[int, int]:
    """The height and the width that one number stands for, or that are given."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


def adapted(weights: Weights, name: str, rank: int | None, alpha: float | None) -> jax.Array:
    """The weight with its low-rank adaptation (Hu et al. 2021), if it has one."""
    if rank is None:
        return weights[name]
    scale = (rank if alpha is None else alpha) / rank
    return weights[name] + scale * (weights[f"lora_{name}_a"] @ weights[f"lora_{name}_b"])


@layer("Activation")
def activate(call: Call, activation: str | None) -> Result:
    return of(_activation(activation)(call.inputs[0]))


_activation = activation
"""The function itself, where an argument has its name."""


@layer("Add")
def add(call: Call) -> Result:
    rank = max(x.ndim for x in call.inputs)
    # Where there are fewer dimensions, those behind the batch are missing.
    first, *others = (x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:]) for x in call.inputs)
    for x in others:
        first = first + x
    return of(first)


@layer("BatchNormalization")
def batch_normalization(
    call: Call,
    *,
    axis: int = -1,
    momentum: float = 0.99,
    epsilon: float = 0.001,
    center: bool = True,
    scale: bool = True,
    renorm: bool = False,
    renorm_clipping: Mapping[str, float] | None = None,
    renorm_momentum: float = 0.99,
    trainable: bool = True,
    **_: Any,
) -> Result:
    x, weights = call.inputs[0], call.weights
    axis %= x.ndim
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    state: Weights = {}
    if call.training:
        state = {name: value for name, value in weights.items() if name not in ("gamma", "beta")}
    r, d = jnp.ones_like(mean), jnp.zeros_like(mean)
    if call.training and trainable:
        mean, variance = batch_moments(x, axis, call.masks)
        state = {
            "moving_mean": moved(weights["moving_mean"], mean, momentum),
            "moving_variance": moved(weights["moving_variance"], variance, momentum),
        }
        if renorm:
            r, d = renormalization(weights, mean, variance, epsilon, **(renorm_clipping or {}))
            deviation = jnp.sqrt(variance + epsilon)
            stddev = moved(weights["moving_stddev"], deviation, momentum)
            state |= {
                "moving_variance": jax.nn.relu(jnp.square(stddev) - epsilon),
                "moving_stddev": stddev,
                "renorm_mean": moved(weights["renorm_mean"], mean, renorm_momentum),
                "renorm_stddev": moved(weights["renorm_stddev"], deviation, renorm_momentum),
            }
    along = [size if i == axis else 1 for i, size in enumerate(x.shape)]
    y = (x - mean.reshape(along)) * lax.rsqrt(variance.reshape(along) + epsilon)
    if renorm:
        y = y * r.reshape(along) + d.reshape(along)
    if scale:
        y = y * weights["gamma"].reshape(along)
    if center:
        y = y + weights["beta"].reshape(along)
    return Result((y,), state)


def moved(old: jax.Array, new: jax.Array, momentum: float) -> jax.Array:
    """The moving average one step on."""
    return old * momentum + new * (1 - momentum)


def renormalization(
    weights: Weights,
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


@layer("Concatenate")
def concatenate(call: Call, axis: int = -1) -> Result:
    return of(jnp.concatenate(call.inputs, axis))


@layer("Conv2D")
def conv2d(
    call: Call,
    *,
    filters: int,
    kernel_size: int | Sequence[int],
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
    groups: int = 1,
    activation: str | None = None,
    use_bias: bool = True,
    lora_rank: int | None = None,
    lora_alpha: float | None = None,
    **_: Any,
) -> Result:
    first = data_format == "channels_first"
    y = lax.conv_general_dilated(
        call.inputs[0],
        adapted(call.weights, "kernel", lora_rank, lora_alpha),
        window_strides=pair(strides),
        padding=padding.upper(),
        rhs_dilation=pair(dilation_rate),
        dimension_numbers=("NCHW", "HWIO", "NCHW") if first else ("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    if use_bias:
        bias = call.weights["bias"]
        y = y + (bias[:, None, None] if first else bias)
    return of(_activation(activation)(y))


@layer("Dense")
def dense(
    call: Call,
    *,
    units: int,
    activation: str | None = None,
    use_bias: bool = True,
    lora_rank: int | None = None,
    lora_alpha: float | None = None,
    **_: Any,
) -> Result:
    y = call.inputs[0] @ adapted(call.weights, "kernel", lora_rank, lora_alpha)
    if use_bias:
        y = y + call.weights["bias"]
    return of(_activation(activation)(y))


@layer("Dropout")
def dropout(call: Call, *, rate: float, **_: Any) -> Result:
    if call.training:
        raise NotImplementedError("random numbers")
    return of(call.inputs[0])


@layer("Embedding")
def embedding(
    call: Call,
    *,
    input_dim: int,
    output_dim: int,
    lora_rank: int | None = None,
    lora_alpha: float | None = None,
    **_: Any,
) -> Result:
    return of(adapted(call.weights, "embeddings", lora_rank, lora_alpha)[call.inputs[0]])


@layer("Flatten")
def flatten(call: Call, data_format: str | None = None) -> Result:
    x = call.inputs[0]
    if data_format == "channels_first" and x.ndim > 2:
        x = jnp.moveaxis(x, 1, -1)
    return of(x.reshape(x.shape[0], math.prod(x.shape[1:])))


@layer("LSTM")
def lstm(
    call: Call,
    *,
    units: int,
    activation: str | None = "tanh",
    recurrent_activation: str | None = "sigmoid",
    use_bias: bool = True,
    return_sequences: bool = False,
    return_state: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    **_: Any,
) -> Result:
    x, weights = call.inputs[0], call.weights
    of_gates, of_values = _activation(recurrent_activation), _activation(activation)
    projected = x @ weights["kernel"]
    if use_bias:
        projected = projected + weights["bias"]
    kept = call.masks[0] if call.masks else jnp.ones(x.shape[:2], bool)
    nothing = jnp.zeros((x.shape[0], units), x.dtype)
    h, c = call.initial_state or (nothing, nothing)

    def step(carry: tuple[jax.Array, ...], now: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        h, c, last = carry
        projected, kept = now[0], now[1][:, None]
        i, f, g, o = jnp.split(projected + h @ weights["recurrent_kernel"], 4, axis=-1)
        new_c = of_gates(f) * c + of_gates(i) * of_values(g)
        new_h = of_gates(o) * of_values(new_c)
        output = jnp.where(kept, new_h, nothing if zero_output_for_mask else last)
        return (jnp.where(kept, new_h, h), jnp.where(kept, new_c, c), output), output

    times = projected.swapaxes(0, 1), kept.swapaxes(0, 1)
    if go_backwards:
        times = tuple(jnp.flip(values, 0) for values in times)
    (h, c, last), outputs = lax.scan(step, (h, c, nothing), times)
    output = outputs.swapaxes(0, 1) if return_sequences else last
    return of(output, h, c) if return_state else of(output)


@layer("LayerNormalization")
def layer_normalization(
    call: Call,
    *,
    axis: int | Sequence[int] = -1,
    epsilon: float = 0.001,
    center: bool = True,
    scale: bool = True,
    rms_scaling: bool = False,
    **_: Any,
) -> Result:
    x, weights = call.inputs[0], call.weights
    axes = tuple(sorted(a % x.ndim for a in ([axis] if isinstance(axis, int) else axis)))
    along = [size if i in axes else 1 for i, size in enumerate(x.shape)]
    slope = lax.rsqrt(x.var(axes, keepdims=True) + epsilon)
    if rms_scaling:
        return of(x * slope * weights["gamma"].reshape(along))
    y = (x - x.mean(axes, keepdims=True)) * slope
    if scale:
        y = y * weights["gamma"].reshape(along)
    if center:
        y = y + weights["beta"].reshape(along)
    return of(y)


@layer("MaxPooling2D")
def max_pooling2d(
    call: Call,
    *,
    pool_size: int | Sequence[int] = 2,
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
    **_: Any,
) -> Result:
    def spread(size: tuple[int, int]) -> tuple[int, ...]:
        return (1, 1, *size) if data_format == "channels_first" else (1, *size, 1)

    window = pair(pool_size)
    steps = window if strides is None else pair(strides)
    # A NaN is passed over, as Keras on TensorFlow does; XLA's maximum is NaN.
    x = jnp.where(jnp.isnan(call.inputs[0]), -jnp.inf, call.inputs[0])
    return of(lax.reduce_window(x, -jnp.inf, lax.max, spread(window), spread(steps), padding.upper()))


@layer("Reshape")
def reshape(call: Call, *, target_shape: Sequence[int], **_: Any) -> Result:
    x = call.inputs[0]
    known = math.prod(size for size in target_shape if size != -1)
    rest = math.prod(x.shape[1:]) // known
    return of(x.reshape(x.shape[0], *(rest if size == -1 else size for size in target_shape)))
