"""Primitives that act element by element: arithmetic and functions."""

from __future__ import annotations

import math
from typing import Any

from conformance.reference_impl.arithmetic import Arithmetic
from conformance.reference_impl.arrays import Array, xp
from conformance.reference_impl.primitives.movement import unbroadcast
from conformance.reference_impl.primitives.primitive import (
    Bound,
    Elementwise,
    Function,
    Reach,
    Selection,
    either,
    error_within,
    exact,
    in_ulps,
    reach_of_rounded,
    ulp,
)
from conformance.reference_impl.tape import Tensor


class Additive(Elementwise):
    """x ± y. Unlike that of a product, its float64 value may be rounded, as that of 1 − 10⁻³⁰ is: 1 looks
    exact then, and is not where the arithmetic does not round to nearest."""

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        return errors[0] + errors[1]

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound | Reach:
        bound = super().bound(a, out, *inputs, **params)
        if a.nearest:
            return bound
        x, y = [xp.abs(t.value) for t in inputs]
        larger, smaller = xp.maximum(x, y), xp.minimum(x, y)
        lost = xp.abs(xp.abs(larger - xp.abs(out)) - smaller) > 0
        known = xp.zeros(out.shape, out.dtype) if bound is None else error_within(bound, out)
        return xp.where(lost, xp.maximum(known, xp.abs(out) * a.unit_roundoff), known)


class Add(Additive):
    """x + y"""

    def value(self, x: Array, y: Array) -> Array:
        return x + y

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return unbroadcast(cotangent, (x, y)[position].shape)


class Subtract(Additive):
    """x − y"""

    def value(self, x: Array, y: Array) -> Array:
        return x - y

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return unbroadcast(negative(cotangent) if position else cotangent, (x, y)[position].shape)


class Product(Elementwise):
    """The product of its first operand and its last, bounded by how far they reach."""

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound | Reach:
        if exact(inputs):
            return super().bound(a, out, *inputs)
        return Reach(product_reach(a, inputs[0].reach, inputs[-1].reach))


class Multiply(Product):
    """x · y"""

    def value(self, x: Array, y: Array) -> Array:
        return x * y

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return unbroadcast(multiply(cotangent, (y, x)[position]), (x, y)[position].shape)


def product_reach(a: Arithmetic, x: Array, y: Array) -> Array:
    """The largest magnitude of a rounded product, from those of its factors."""
    return reach_of_rounded(a, x * y)


class Divide(Elementwise):
    """x / y"""

    def value(self, x: Array, y: Array) -> Array:
        return x / y

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        (_, y), (dx, dy) = values, errors
        nearest = xp.abs(y) - dy
        return xp.where(nearest > 0, (dx + xp.abs(out) * dy) / nearest, xp.inf)

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound:
        return in_ulps(a, "divide", out, propagated)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if position == 0:
            return unbroadcast(divide(cotangent, y), x.shape)
        return unbroadcast(negative(divide(multiply(cotangent, out), y)), y.shape)


class Negative(Selection):
    """−x, which is exact"""

    def value(self, x: Array) -> Array:
        return -x

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        return errors[0]

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return negative(cotangent)


class Square(Product):
    """x²"""

    def value(self, x: Array) -> Array:
        return x * x

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return either(multiply(cotangent, multiply(x, 2.0)), lambda: multiply(multiply(cotangent, x), 2.0))


class Sqrt(Function):
    """√x, with the derivative ½/√x, which is infinite at 0.

    An argument that is not negative is taken to be computed as not negative, as sums of squares are.
    """

    table_entry = "sqrt"

    def value(self, x: Array) -> Array:
        return xp.sqrt(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        below = out - xp.sqrt(xp.maximum(values[0] - errors[0], 0.0))
        return xp.maximum(xp.sqrt(values[0] + errors[0]) - out, below)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return divide(multiply(cotangent, 0.5), out)


class Rsqrt(Function):
    """1/√x"""

    table_entry = "rsqrt"

    def value(self, x: Array) -> Array:
        return 1.0 / xp.sqrt(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        lowest = values[0] - errors[0]
        above = xp.where(lowest > 0, 1.0 / xp.sqrt(xp.maximum(lowest, 0.0)), xp.inf) - out
        return xp.where(errors[0] > 0, above, 0.0)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(multiply(cotangent, -0.5), divide(out, x))


class Exp(Function):
    """eˣ"""

    table_entry = "exp"

    def value(self, x: Array) -> Array:
        return xp.exp(x)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, out)


class Expm1(Function):
    """eˣ − 1"""

    table_entry = "expm1"

    def value(self, x: Array, *, entry: str = "expm1") -> Array:
        return xp.expm1(x)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        """`entry` names the function that it is part of, which may have an entry of its own."""
        entry = params.get("entry", "expm1")
        own = entry if entry in a.ulps else "expm1"
        x = inputs[0]
        error = in_ulps(a, own, out, None if x.error is None else self.propagated(out, [x.value], [x.error]))
        if error is not None and entry in a.absolute and own != entry:
            error = error + a.absolute[entry] * (out != 0)
        return error

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, entry: str = "") -> Tensor:
        return multiply(cotangent, add(out, 1.0))


class Log(Function):
    """ln x, with the vjp c·(1/x): TensorFlow rounds the reciprocal too"""

    table_entry = "log"

    def value(self, x: Array) -> Array:
        return xp.log(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        lowest = values[0] - errors[0]
        below = out - xp.log(xp.maximum(lowest, 0.0))
        return xp.where(errors[0] > 0, below, 0.0)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, divide(1.0, x))


class Log1p(Log):
    """ln(1 + x), with the vjp c·(1/(1 + x))"""

    table_entry = "log1p"

    def value(self, x: Array) -> Array:
        return xp.log1p(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        below = out - xp.log1p(xp.maximum(values[0] - errors[0], -1.0))
        return xp.where(errors[0] > 0, below, 0.0)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, divide(1.0, add(x, 1.0)))


class Power(Function):
    """xᵖ for a number p, with the derivative p·xᵖ⁻¹.

    A base that is not negative is taken to be computed as not negative, as 1 − a probability is.
    """

    table_entry = "pow"

    def value(self, x: Array, *, exponent: float) -> Array:
        return xp.power(x, exponent)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        (x,) = inputs
        error = in_ulps(a, self.table_entry, out, self.propagated_from(a, out, x, **params))
        # Outside of a number's domain the result is NaN, whatever the rounding.
        return xp.where(xp.isnan(out), 0.0, error)

    def propagated_from(self, a: Arithmetic, out: Array, x: Tensor, exponent: float) -> Bound:
        """What the errors of the base and of the exponent, which may not be representable, make."""
        held = float(a.format.type(exponent))
        of_exponent = None
        if held != exponent:
            steps = xp.log(xp.where(x.value > 0, x.value, 1.0)) * (abs(exponent) * a.unit_roundoff)
            of_exponent = xp.abs(out) * xp.expm1(xp.abs(steps))
        if x.error is None:
            return of_exponent
        lowest = xp.where(x.value >= 0, xp.maximum(x.value - x.error, 0.0), x.value - x.error)
        ends = [lowest, x.value + x.error, xp.where(xp.abs(x.value) <= x.error, 0.0, x.value)]
        changes = [xp.abs(self.value(end, exponent=exponent) - out) for end in ends]
        change = xp.where(xp.isinf(x.error), xp.inf, xp.maximum(xp.maximum(*changes[:2]), changes[2]))
        return change if of_exponent is None else change + of_exponent

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, *, exponent: float) -> Tensor:
        return multiply(cotangent, multiply(power(x, exponent=exponent - 1), exponent))


class Exponentiate(Elementwise):
    """xʸ of two tensors, for x ≥ 0.

    It is monotone in x, and in y: where both move, it is extreme at a corner of their intervals. Any power of
    1 is 1, and so is what has the power 0 (IEEE 754-2019, section 9.2.1).
    """

    def value(self, x: Array, y: Array) -> Array:
        return xp.power(x, y)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound | Reach:
        error = super().bound(a, out, *inputs, **params)
        if error is None:
            return None
        known_one, known_zero = (
            (t.value == x) & (True if t.error is None else t.error == 0)
            for t, x in zip(inputs, (1.0, 0.0), strict=True)
        )
        return xp.where(known_one | known_zero, 0.0, error)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        (x, y), (dx, dy) = values, errors
        change: Array = xp.zeros(out.shape, out.dtype)
        for base in (xp.maximum(x - dx, 0.0), x + dx):
            for exponent in (y - dy, y + dy):
                change = xp.maximum(change, xp.abs(self.value(base, exponent) - out))
        return xp.where(xp.isinf(dx) | xp.isinf(dy), xp.inf, change)

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound:
        return in_ulps(a, "pow", out, propagated)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor, y: Tensor) -> Tensor:
        if position == 0:
            slope = multiply(y, exponentiate(x, subtract(y, 1.0)))
            return unbroadcast(multiply(cotangent, slope), x.shape)
        return unbroadcast(multiply(cotangent, multiply(out, log(x))), y.shape)


class Cos(Function):
    """cos x, which moves no further than x does, and less near its extremes"""

    table_entry = "cos"

    def value(self, x: Array) -> Array:
        return xp.cos(x)

    def propagated(self, out: Array, values: list[Array], errors: list[Any]) -> Bound:
        (x,), (error,) = values, errors
        return xp.minimum(error, xp.abs(xp.sin(x)) * error + error * error / 2)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, cos(add(x, math.pi / 2)))


class Tanh(Function):
    """tanh x, with the derivative 1 − tanh² x"""

    table_entry = "tanh"

    def value(self, x: Array) -> Array:
        return xp.tanh(x)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return tanh_gradient(cotangent, out)


class TanhGradient(Elementwise):
    """c·(1 − t²), for t = tanh x, which is at most 1 in magnitude"""

    def value(self, c: Array, t: Array) -> Array:
        return c * (1.0 - t * t)

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        c, t = inputs
        square_error = product_reach(a, t.reach, t.reach) - t.value * t.value
        slope = (xp.abs(1.0 - t.value * t.value) + square_error) * (1 + a.unit_roundoff) + a.underflow
        return product_reach(a, c.reach, slope) - xp.abs(out)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, c: Tensor, t: Tensor) -> Tensor:
        if position == 0:
            return tanh_gradient(cotangent, t)
        return multiply(multiply(cotangent, c), multiply(t, -2.0))


class Sigmoid(Function):
    """1/(1 + e⁻ˣ), with the derivative s·(1 − s).

    Where the table has no entry for it, its error is that of the formula: e⁻ˣ, a sum, a quotient.
    """

    table_entry = "sigmoid"

    def value(self, x: Array) -> Array:
        return 1.0 / (1.0 + xp.exp(-x))

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound:
        if "sigmoid" in a.ulps:
            return in_ulps(a, "sigmoid", out, propagated)
        u = a.unit_roundoff
        reach = xp.abs(out) if propagated is None else xp.abs(out) + propagated
        relative = 2 * u * a.ulps["exp"] * (1 - out) + u + 2 * u * a.ulps["divide"]
        # e⁻ˣ may overflow where the result is subnormal, and leave 0.
        return reach * relative + a.smallest_normal + (0.0 if propagated is None else propagated)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return sigmoid_gradient(cotangent, out)


class SigmoidGradient(Elementwise):
    """c·s·(1 − s), for s = sigmoid x, which is between 0 and 1"""

    def value(self, c: Array, s: Array) -> Array:
        return c * (s * (1.0 - s))

    def bound(self, a: Arithmetic, out: Array, *inputs: Tensor, **params: Any) -> Bound:
        c, s = inputs
        rest = xp.abs(1.0 - s.value) if s.error is None else xp.abs(1.0 - s.value) + s.error
        slope = product_reach(a, s.reach, rest * (1 + a.unit_roundoff) + a.underflow)
        return product_reach(a, c.reach, slope) - xp.abs(out)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, c: Tensor, s: Tensor) -> Tensor:
        if position == 0:
            return sigmoid_gradient(cotangent, s)
        return multiply(multiply(cotangent, c), subtract(1.0, multiply(s, 2.0)))


class Softplus(Function):
    """ln(1 + eˣ), with the derivative sigmoid(x).

    Where the table has no entry for it, its error is that of log1p(eˣ).
    """

    table_entry = "softplus"

    def value(self, x: Array) -> Array:
        return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))

    def rounding(self, a: Arithmetic, out: Array, propagated: Bound) -> Bound:
        if "softplus" in a.ulps:
            return in_ulps(a, "softplus", out, propagated)
        # d ln(1 + e)/de · e = 1 − e^(−out); beyond the exponential's range the identity is used.
        from_exp = -xp.expm1(-out) * 2 * a.unit_roundoff * a.ulps["exp"]
        reach = xp.abs(out) if propagated is None else xp.abs(out) + propagated
        subnormal = a.ulps["exp"] * a.smallest_subnormal + a.underflow
        error = from_exp + a.ulps["log1p"] * ulp(a, reach) + subnormal
        return error if propagated is None else propagated + error

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, sigmoid(x))


class Erf(Function):
    """erf x, with the derivative 2/√π · e^(−x²)"""

    table_entry = "erf"

    def value(self, x: Array) -> Array:
        return xp.erf(x)

    def vjp(self, position: int, cotangent: Tensor, out: Tensor, x: Tensor) -> Tensor:
        return multiply(cotangent, multiply(exp(negative(square(x))), 2 / math.sqrt(math.pi)))


add, subtract, multiply, divide = Add(), Subtract(), Multiply(), Divide()
negative, square, sqrt, rsqrt = Negative(), Square(), Sqrt(), Rsqrt()
exp, expm1, log, log1p, tanh = Exp(), Expm1(), Log(), Log1p(), Tanh()
power, exponentiate, cos = Power(), Exponentiate(), Cos()
sigmoid, softplus, erf = Sigmoid(), Softplus(), Erf()
tanh_gradient, sigmoid_gradient = TanhGradient(), SigmoidGradient()


def unpromised(x: Tensor, those: Array) -> Tensor:
    """The same, where nothing is promised of those elements."""
    if not those.any():
        return x
    return add(x, Tensor(xp.zeros_like(x.value), xp.where(those, xp.inf, 0.0)))
