"""What dialects of several backends say of convolutions: values with the gradients of others, and sums that
leave out the zeros of the padding where another factor is no number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives import where
from conformance.reference_impl.primitives.primitive import Composite
from conformance.reference_impl.tape import Tensor, detached, variable, vjp

Product = Callable[[Tensor, Tensor], Tensor]
"""(x, kernel) → the windows of x times the kernel."""


class ComputedElsewhere(Composite):
    """The second, with the gradients of the first."""

    def compose(self, z: Tensor, seen: Tensor) -> Tensor:
        return seen

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, z: Tensor, seen: Tensor) -> Tensor | None:
        return cotangent if position == 0 else None


computed_elsewhere = ComputedElsewhere()


class WithGradient(Composite):
    """z itself. On the way back the other operand gets what `gradient` makes of the cotangent of z."""

    def compose(self, z: Tensor, operand: Tensor, *, gradient: Callable[[Tensor], Tensor]) -> Tensor:
        return z

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        z: Tensor,
        operand: Tensor,
        *,
        gradient: Callable[[Tensor], Tensor],
    ) -> Tensor:
        return cotangent if position == 0 else gradient(cotangent)


with_gradient = WithGradient()


def kernel_gradient(product: Product, x: Tensor, kernel: Tensor, cotangent: Tensor) -> Tensor:
    source = variable(kernel.value)
    (gradient,) = vjp([product(x, source)], [cotangent], [source])
    return gradient


def ones_like(x: Tensor) -> Tensor:
    return Tensor(xp.ones_like(x.value))


def padding_left_out(
    original: Any, layer: Any, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int
) -> Tensor:
    """The gradient of the kernel is a sum over what lies inside of the input: it lacks the products of NaN
    and the zeros of the padding."""
    seen = detached(x)

    def product(x: Tensor, kernel: Tensor) -> Tensor:
        z: Tensor = original(layer, x, kernel, None, groups)
        return z

    def inside_only(cotangent: Tensor) -> Tensor:
        is_nan = Tensor(xp.isnan(cotangent.value).astype(cotangent.dtype))
        met = kernel_gradient(product, ones_like(seen), ones_like(kernel), is_nan)
        numbers = kernel_gradient(product, seen, kernel, where(is_nan, 0.0, cotangent))
        return where(Tensor((met.value > 0).astype(cotangent.dtype)), math.nan, numbers)

    return with_gradient(original(layer, x, detached(kernel), bias, groups), kernel, gradient=inside_only)


def cuts_left_out(original: Any, layer: Any, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """The gradient of a transposed convolution's kernel is a sum over what lies inside of the output: it
    lacks the products of what is no number in x and the zeros where the output was cut."""
    seen = detached(x)
    up, down = seen.value == math.inf, seen.value == -math.inf

    def product(x: Tensor, kernel: Tensor) -> Tensor:
        z: Tensor = original(layer, x, kernel, None)
        return z

    def met(those: Array, factors: Array) -> Array:
        of_those = Tensor(those.astype(seen.dtype)), Tensor(factors.astype(seen.dtype))
        found: Array = kernel_gradient(product, of_those[0], ones_like(kernel), of_those[1]).value > 0
        return found

    def inside_only(cotangent: Tensor) -> Tensor:
        given = cotangent.value
        rises = met(up, given > 0) | met(down, given < 0)
        falls = met(up, given < 0) | met(down, given > 0)
        lost = met(xp.isnan(seen.value), xp.ones_like(given)) | met(up | down, given == 0) | (rises & falls)
        finite = Tensor(xp.where(xp.isfinite(seen.value), seen.value, 0.0), seen.error)
        gradient = kernel_gradient(product, finite, kernel, cotangent)
        for those, value in ((falls, -math.inf), (rises, math.inf), (lost, math.nan)):
            gradient = where(Tensor(those.astype(seen.dtype)), value, gradient)
        return gradient

    return with_gradient(original(layer, x, detached(kernel), bias), kernel, gradient=inside_only)
