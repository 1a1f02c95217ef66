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


class InsideOnly(Composite):
    """z itself; the gradient of its kernel lacks the products of NaN and the zeros of the padding."""

    def compose(self, z: Tensor, kernel: Tensor, *, product: Product, x: Tensor) -> Tensor:
        return z

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        z: Tensor,
        kernel: Tensor,
        *,
        product: Product,
        x: Tensor,
    ) -> Tensor:
        if position == 0:
            return cotangent
        is_nan = Tensor(xp.isnan(cotangent.value).astype(cotangent.dtype))
        met = kernel_gradient(product, ones_like(x), ones_like(kernel), is_nan)
        numbers = kernel_gradient(product, x, kernel, where(is_nan, 0.0, cotangent))
        return where(Tensor((met.value > 0).astype(cotangent.dtype)), math.nan, numbers)


inside_only = InsideOnly()


def kernel_gradient(product: Product, x: Tensor, kernel: Tensor, cotangent: Tensor) -> Tensor:
    source = variable(kernel.value)
    (gradient,) = vjp([product(x, source)], [cotangent], [source])
    return gradient


def ones_like(x: Tensor) -> Tensor:
    return Tensor(xp.ones_like(x.value))


def padding_left_out(
    original: Any, layer: Any, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int
) -> Tensor:
    """The gradient of the kernel is a sum over what lies inside of the input."""

    def product(x: Tensor, kernel: Tensor) -> Tensor:
        z: Tensor = original(layer, x, kernel, None, groups)
        return z

    z = original(layer, x, detached(kernel), bias, groups)
    return inside_only(z, kernel, product=product, x=detached(x))


class CutOnly(Composite):
    """z itself; the gradient of its kernel lacks the products of what is no number in x and the zeros where
    the output was cut."""

    def compose(self, z: Tensor, kernel: Tensor, *, product: Product, x: Tensor) -> Tensor:
        return z

    def vjp(
        self,
        position: int,
        cotangent: Tensor,
        out: Tensor,
        z: Tensor,
        kernel: Tensor,
        *,
        product: Product,
        x: Tensor,
    ) -> Tensor:
        if position == 0:
            return cotangent
        given = cotangent.value

        def met(those: Array, factors: Array) -> Array:
            of_those = Tensor(those.astype(x.dtype)), Tensor(factors.astype(x.dtype))
            found: Array = kernel_gradient(product, of_those[0], ones_like(kernel), of_those[1]).value > 0
            return found

        up, down = x.value == math.inf, x.value == -math.inf
        rises = met(up, given > 0) | met(down, given < 0)
        falls = met(up, given < 0) | met(down, given > 0)
        lost = met(xp.isnan(x.value), xp.ones_like(given)) | met(up | down, given == 0) | (rises & falls)
        finite = Tensor(xp.where(xp.isfinite(x.value), x.value, 0.0), x.error)
        gradient = kernel_gradient(product, finite, kernel, cotangent)
        for those, value in ((falls, -math.inf), (rises, math.inf), (lost, math.nan)):
            gradient = where(Tensor(those.astype(x.dtype)), value, gradient)
        return gradient


cut_only = CutOnly()


def cuts_left_out(original: Any, layer: Any, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    """The gradient of a transposed convolution's kernel is a sum over what lies inside of the output."""

    def product(x: Tensor, kernel: Tensor) -> Tensor:
        z: Tensor = original(layer, x, kernel, None)
        return z

    return cut_only(original(layer, x, detached(kernel), bias), kernel, product=product, x=detached(x))
