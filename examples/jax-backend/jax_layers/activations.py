"""The activation functions of Keras, by the names that configurations have for them."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

Activation = Callable[[jax.Array], jax.Array]


def relu6(x: jax.Array) -> jax.Array:
    """min(max(x, 0), 6), whose derivative is 0 at both edges; that of `jax.nn.relu6` is ½ there."""
    return jnp.where((x > 0) & (x < 6), x, jax.lax.stop_gradient(jnp.clip(x, 0, 6)))


@jax.custom_jvp
def softsign(x: jax.Array) -> jax.Array:
    """x/(1 + |x|), whose derivative is 1/(1 + |x|)²; that of the quotient cancels where |x| is large."""
    return x / (1 + jnp.abs(x))


@softsign.defjvp
def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    (x,), (tangent,) = primals, tangents
    return softsign(x), tangent / jnp.square(1 + jnp.abs(x))


ACTIVATIONS: dict[str, Activation] = {
    "elu": jax.nn.elu,
    "exponential": jnp.exp,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "hard_sigmoid": lambda x: relu6(x + 3) / 6,
    "leaky_relu": lambda x: jax.nn.leaky_relu(x, 0.2),
    "linear": lambda x: x,
    "log_softmax": jax.nn.log_softmax,
    "mish": jax.nn.mish,
    "relu": jax.nn.relu,
    "relu6": relu6,
    "selu": jax.nn.selu,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "softmax": jax.nn.softmax,
    "softplus": jax.nn.softplus,
    "softsign": softsign,
    "swish": jax.nn.silu,
    "tanh": jnp.tanh,
}


def function_of(name: str | None) -> Activation:
    """The function of that name; None names `linear`."""
    return ACTIVATIONS[name or "linear"]
