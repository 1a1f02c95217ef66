"""Every activation function of Keras 3.15 and of TensorFlow.js 4.22.

The formulas are those of `keras.activations`; `gelu_new` is TensorFlow.js's. Where a runtime has one
kernel for a function and its gradient (ELU, SELU), the derivative is written from the output, as there.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.patches import patchable
from conformance.reference_impl.primitives import (
    absolute,
    add,
    cumulative_sum,
    divide,
    erf,
    exp,
    expm1,
    greater,
    greater_equal,
    maximum,
    minimum,
    multiply,
    negative,
    reshape,
    sqrt,
    square,
    subtract,
    take_along_axis,
    take_slice,
    total,
    where,
)
from conformance.reference_impl.primitives import log_softmax as log_softmax_along
from conformance.reference_impl.primitives import relu as relu_primitive
from conformance.reference_impl.primitives import relu6 as relu6_primitive
from conformance.reference_impl.primitives import sigmoid as sigmoid_primitive
from conformance.reference_impl.primitives import softmax as softmax_along
from conformance.reference_impl.primitives import softplus as softplus_primitive
from conformance.reference_impl.primitives import tanh as tanh_primitive
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.spelling import suggestion
from conformance.reference_impl.tape import Tensor, algorithm, constant

Activation = Callable[..., Tensor]


@dataclass(frozen=True)
class Entry:
    """An activation function, its other names, and the arguments that it takes beside x."""

    name: str
    function: Activation
    aliases: tuple[str, ...]

    @cached_property
    def arguments(self) -> Mapping[str, inspect.Parameter]:
        parameters = list(inspect.signature(self.function).parameters.items())
        return dict(parameters[1:])


ACTIVATIONS: dict[str, Entry] = {}
_NAMED: dict[str, Entry] = {}


def activation(*aliases: str) -> Callable[[Activation], Activation]:
    """Enters a function in the table under its own name; dialects may patch `activations.NAME`."""

    def enter(function: Activation) -> Activation:
        name = function.__name__
        call = patchable(f"activations.{name}")(function)
        entry = ACTIVATIONS[name] = Entry(name, call, aliases)
        _NAMED.update(dict.fromkeys((name, *aliases), entry))
        return call

    return enter


class UnknownActivation(ValueError):
    """The identifier names no activation function."""


def get(identifier: str | None) -> Entry:
    """The activation function that an identifier names; None names `linear`.

    Raises:
        UnknownActivation: no function has that name; the message suggests the nearest.

    >>> get("swish").name
    'silu'
    """
    if identifier is None:
        return ACTIVATIONS["linear"]
    if isinstance(identifier, str) and identifier in _NAMED:
        return _NAMED[identifier]
    raise UnknownActivation(f"unknown activation {identifier!r}; {suggestion(str(identifier), ACTIVATIONS)}")


@activation()
def linear(x: Tensor) -> Tensor:
    """x"""
    return x


@activation()
def relu(
    x: Tensor, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """max(x, 0); in general x above the threshold, slope·(x − threshold) below, at most max_value"""
    if negative_slope != 0.0 and max_value is None and threshold == 0.0:
        return leaky_relu(x, negative_slope)
    kept = where(greater(x, threshold), x, 0.0) if threshold != 0.0 else relu_primitive(x)
    if max_value is not None:
        # Keras has a kernel of its own for 6, whose derivative there is 0; a clip's is 1 at its edges.
        own_kernel = threshold == 0.0 and max_value == 6
        kept = relu6_primitive(x) if own_kernel else _clip(kept, 0.0, max_value)
    if negative_slope != 0.0:
        below = relu_primitive(add(negative(x), threshold) if threshold != 0.0 else negative(x))
        kept = subtract(kept, multiply(below, negative_slope))
    return kept


@activation()
def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """x where x > 0, else negative_slope·x"""
    return where(greater(x, 0.0), x, multiply(x, negative_slope))


@activation()
def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6), with the derivative 0 at 0 and at 6"""
    return relu6_primitive(x)


@activation()
def softmax(x: Tensor, axis: int | None = -1) -> Tensor:
    """exp(x − max) / Σ exp(x − max) along an axis, or over everything where the axis is None"""
    if axis is None:
        return reshape(softmax_along(reshape(x, shape=(-1,)), axis=0), shape=x.shape)
    return softmax_along(x, axis=_checked_axis(x, axis))


@activation()
def log_softmax(x: Tensor, axis: int | None = -1) -> Tensor:
    """ln softmax(x)"""
    if axis is None:
        return reshape(log_softmax_along(reshape(x, shape=(-1,)), axis=0), shape=x.shape)
    return log_softmax_along(x, axis=_checked_axis(x, axis))


class _ExponentialUnit(Composite):
    """scale·x where x > 0, else scale·α·(eˣ − 1), with the derivative y + scale·α from the output y below."""

    def compose(self, x: Tensor, *, alpha: float, scale: float, name: str) -> Tensor:
        negative_part = exponential_less_one(minimum(x, 0.0), name)
        if scale * alpha != 1.0:
            negative_part = multiply(negative_part, scale * alpha)
        positive_part = x if scale == 1.0 else multiply(x, scale)
        return where(greater(x, 0.0), positive_part, negative_part)

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        x: Tensor,
        *,
        alpha: float,
        scale: float,
        name: str,
    ) -> Tensor:
        slope = where(greater(0.0, out), add(out, scale * alpha), constant(scale, x))
        return multiply(cotangent, slope)


_exponential_unit = _ExponentialUnit()


def exponential_less_one(x: Tensor, name: str) -> Tensor:
    """eˣ − 1 by the algorithm that the arithmetic names for a function."""
    return expm1(x, entry=name) if algorithm(name) == "expm1" else subtract(exp(x), 1.0)


@activation()
def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else α·(eˣ − 1) (Clevert et al. 2016)"""
    unit = _exponential_unit(x, alpha=1.0, scale=1.0, name="elu")
    return unit if alpha == 1.0 else where(greater(x, 0.0), unit, multiply(unit, alpha))


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@activation()
def selu(x: Tensor) -> Tensor:
    """scale·x where x > 0, else scale·α·(eˣ − 1) (Klambauer et al. 2017)"""
    return _exponential_unit(x, alpha=SELU_ALPHA, scale=SELU_SCALE, name="selu")


@activation()
def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x ≥ 0, else α·(e^(x/α) − 1) (Barron 2017)"""
    below = divide(minimum(x, 0.0), alpha)
    return where(greater(x, 0.0), x, multiply(exponential_less_one(below, "celu"), alpha))


@activation()
def softplus(x: Tensor) -> Tensor:
    """ln(1 + eˣ)"""
    return softplus_primitive(x)


class _Softsign(Composite):
    """x / (|x| + 1), with the derivative 1 / (|x| + 1)²"""

    def compose(self, x: Tensor) -> Tensor:
        return divide(x, add(absolute(x), 1.0))

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return divide(cotangent, square(add(absolute(x), 1.0)))


_softsign = _Softsign()


@activation()
def softsign(x: Tensor) -> Tensor:
    """x / (|x| + 1)"""
    return _softsign(x)


@activation()
def squareplus(x: Tensor, b: float = 4) -> Tensor:
    """(x + √(x² + b)) / 2 (Barron 2021)"""
    return divide(add(x, sqrt(add(square(x), float(b)))), 2.0)


@activation()
def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """x − t where x > t, x + t where x < −t, else 0"""
    below = where(greater(-threshold, x), add(x, threshold), 0.0)
    return where(greater(x, threshold), subtract(x, threshold), below)


@activation()
def hard_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """x where |x| > t, else 0"""
    return where(greater(absolute(x), threshold), x, 0.0)


@activation()
def tanh_shrink(x: Tensor) -> Tensor:
    """x − tanh x"""
    return subtract(x, tanh_primitive(x))


@activation()
def threshold(x: Tensor, threshold: float, default_value: float) -> Tensor:
    """x where x > threshold, else default_value"""
    return where(greater(x, threshold), x, default_value)


@activation()
def sparse_plus(x: Tensor) -> Tensor:
    """0 where x ≤ −1, (x + 1)²/4 between, x where x ≥ 1"""
    middle = multiply(square(add(x, 1.0)), 0.25)
    return where(greater_equal(-1.0, x), 0.0, where(greater(1.0, x), middle, x))


@activation("swish")
def silu(x: Tensor) -> Tensor:
    """x·sigmoid(x) (Ramachandran et al. 2017)"""
    return multiply(x, sigmoid_primitive(x))


@activation()
def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """x·½(1 + erf(x/√2)), or its tanh approximation (Hendrycks and Gimpel 2016)"""
    if approximate:
        return gelu_new(x)
    return multiply(multiply(x, 0.5), add(erf(divide(x, math.sqrt(2))), 1.0))


@activation()
def gelu_new(x: Tensor) -> Tensor:
    """½x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), which TensorFlow.js has under this name"""
    inner = add(x, multiply(multiply(square(x), x), 0.044715))
    return multiply(multiply(x, 0.5), add(tanh_primitive(multiply(inner, math.sqrt(2 / math.pi))), 1.0))


@activation()
def glu(x: Tensor, axis: int = -1) -> Tensor:
    """a·sigmoid(b), where a and b are the halves of x along an axis (Dauphin et al. 2017)"""
    axis = _checked_axis(x, axis)
    if x.shape[axis] % 2:
        raise ValueError(f"glu needs an even size along axis {axis}; the input's shape is {x.shape}")
    half = x.shape[axis] // 2
    before = (slice(None),) * axis
    first = take_slice(x, key=(*before, slice(0, half)))
    return multiply(first, sigmoid_primitive(take_slice(x, key=(*before, slice(half, None)))))


@activation()
def tanh(x: Tensor) -> Tensor:
    """tanh x"""
    return tanh_primitive(x)


@activation()
def sigmoid(x: Tensor) -> Tensor:
    """1/(1 + e⁻ˣ)"""
    return sigmoid_primitive(x)


@activation()
def exponential(x: Tensor) -> Tensor:
    """eˣ"""
    return exp(x)


@activation()
def hard_sigmoid(x: Tensor) -> Tensor:
    """relu6(x + 3)/6, as Keras 3 has it"""
    return divide(relu6_primitive(add(x, 3.0)), 6.0)


@activation("hard_swish")
def hard_silu(x: Tensor) -> Tensor:
    """x·hard_sigmoid(x) (Howard et al. 2019)"""
    return multiply(x, hard_sigmoid(x))


@activation()
def hard_tanh(x: Tensor) -> Tensor:
    """x clipped to [−1, 1]; the derivative is 1 at the edges"""
    return _clip(x, -1.0, 1.0)


@activation()
def log_sigmoid(x: Tensor) -> Tensor:
    """ln sigmoid(x) = −softplus(−x)"""
    return negative(softplus_primitive(negative(x)))


@activation()
def sparse_sigmoid(x: Tensor) -> Tensor:
    """0 where x ≤ −1, (x + 1)/2 between, 1 where x ≥ 1 (Blondel et al. 2019)"""
    middle = multiply(add(x, 1.0), 0.5)
    return where(greater_equal(-1.0, x), 0.0, where(greater_equal(x, 1.0), 1.0, middle))


@activation()
def mish(x: Tensor) -> Tensor:
    """x·tanh(softplus(x)) (Misra 2019)"""
    return multiply(x, tanh_primitive(softplus_primitive(x)))


@activation()
def sparsemax(x: Tensor, axis: int = -1) -> Tensor:
    """max(x − τ, 0), with τ such that the result sums to 1 along the axis (Martins and Astudillo 2016)"""
    axis = _checked_axis(x, axis)
    descending = take_along_axis(x, indices=descending_order(x, axis), axis=axis)
    running = cumulative_sum(descending, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    ranks = Tensor(xp.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape(shape))
    support = greater(subtract(descending, divide(subtract(running, 1.0), ranks)), 0.0)
    count = total(support, axis=(axis,), keepdims=True)
    inside = where(support, descending, 0.0)
    tau = divide(subtract(total(inside, axis=(axis,), keepdims=True), 1.0), count)
    return maximum(subtract(x, tau), 0.0)


def descending_order(x: Tensor, axis: int) -> Array:
    """The indices that sort from largest to smallest, NaN first, equal elements in their own order."""
    order: Array = xp.argsort(xp.where(xp.isnan(x.value), -xp.inf, -x.value), axis=axis, kind="stable")
    return order


def _clip(x: Tensor, low: float, high: float) -> Tensor:
    return minimum(maximum(x, low), high)


def _checked_axis(x: Tensor, axis: int) -> int:
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis {axis} is out of range for an input of shape {x.shape}")
    return axis % x.ndim
