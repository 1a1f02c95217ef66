"""Correct backends that compute in another order, by other formulas, or in another arithmetic, which they
declare."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from conformance.cases.case import Case
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.primitives import affine, divide, pad, total, windows
from conformance.reference_impl.primitives.primitive import Accumulation, Elementwise, Primitive
from conformance.reference_impl.tape import Tensor

from .fault import LAYERS, rule
from .reference_backend import Replacements

AFFINE = rule("Affine", "value")
CORRELATE = rule("Correlate", "value")
ALGORITHM = f"{LAYERS}.moments:algorithm"
SUM = rule("Sum", "value")

LANES = 8
"""Of a SIMD register, each of which has a sum of its own."""


def reversed_products(original: Any, self: Any, x: Any, kernel: Any, *bias: Any) -> Any:
    return original(self, x[..., ::-1].copy(), kernel[..., ::-1, :].copy(), *bias)


def reversed_sum(original: Any, self: Any, x: Any, *, axis: Any, keepdims: bool = False) -> Any:
    return original(self, np.flip(x, axis).copy(), axis=axis, keepdims=keepdims)


def in_halves(original: Any, self: Any, x: Any, kernel: Any, *bias: Any) -> Any:
    half = kernel.shape[-2] // 2
    return original(self, x[..., :half], kernel[..., :half, :]) + original(
        self, x[..., half:], kernel[..., half:, :], *bias
    )


def from_the_bias(original: Any, self: Any, x: Any, kernel: Any, *bias: Any) -> Any:
    """One product after the other is added to the bias."""
    out = np.zeros((*x.shape[:-1], kernel.shape[-1]), x.dtype) + (bias[0] if bias else x.dtype.type(0))
    for k in range(kernel.shape[-2]):
        out = out + x[..., :, k : k + 1] * kernel[..., k : k + 1, :]
    return out


def in_lanes(original: Any, self: Any, x: Any, kernel: Any, *bias: Any) -> Any:
    """Every lane adds up its own products; at the end the lanes, and then the bias, are added."""
    lanes = [from_the_bias(original, self, x[..., i::LANES], kernel[..., i::LANES, :]) for i in range(LANES)]
    return functools.reduce(operator.add, [*lanes, *bias])


def sum_in_lanes(original: Any, self: Any, x: Any, *, axis: Any, keepdims: bool = False) -> Any:
    axes = [a % x.ndim for a in axis]
    others = [i for i in range(x.ndim) if i not in axes]
    rows = x.transpose(*others, *axes).reshape(
        *(x.shape[i] for i in others), math.prod(x.shape[i] for i in axes)
    )
    added = functools.reduce(operator.add, [rows[..., i::LANES].sum(axis=-1) for i in range(LANES)])
    return np.reshape(added, [1 if i in axes else n for i, n in enumerate(x.shape)]) if keepdims else added


def with_products(multiplied: Any) -> Any:
    """A convolution of one group as one product of all windows with the kernel, multiplied so."""

    def correlate(
        original: Any, self: Any, x: Any, kernel: Any, *bias: Any, groups: int, padding: Any, **params: Any
    ) -> Any:
        if groups > 1:
            return original(self, x, kernel, *bias, groups=groups, padding=padding, **params)
        size, (depth, filters) = kernel.shape[:-2], kernel.shape[-2:]
        views = views_of(x, size, padding, params)
        rows = views.reshape(-1, math.prod(size) * depth)
        affine_value = type(affine).value
        z = multiplied(affine_value, affine, rows, kernel.reshape(-1, filters), *bias)
        return z.reshape(*views.shape[: len(size) + 1], filters)

    return correlate


def views_of(x: Any, size: tuple[int, ...], padding: Any, params: Mapping[str, Any]) -> Any:
    """The windows: (batch, *positions, *size, channels)."""
    return windows.value(pad.value(x, widths=((0, 0), *padding, (0, 0))), size=size, **params)


def tap_by_tap(
    original: Any, self: Any, x: Any, kernel: Any, *bias: Any, groups: int, padding: Any, **params: Any
) -> Any:
    """A convolution of one group without its windows in memory: for each place of a window one product."""
    if groups > 1:
        return original(self, x, kernel, *bias, groups=groups, padding=padding, **params)
    size = kernel.shape[:-2]
    views = views_of(x, size, padding, params)
    products = [views[(..., *tap, slice(None))] @ kernel[tap] for tap in np.ndindex(*size)]
    return functools.reduce(operator.add, [*products, *bias])


def sigmoid_by_one_formula(original: Any, self: Any, x: Any) -> Any:
    one = x.dtype.type(1)
    return one / (one + np.exp(-x))


def softplus_with_identity(original: Any, self: Any, x: Any) -> Any:
    """ln(1 + eˣ), and x where that is what it rounds to."""
    return np.where(x > 40, x, np.log1p(np.exp(np.minimum(x, 40))))


def tanh_by_expm1(original: Any, self: Any, x: Any) -> Any:
    e = np.expm1(x.dtype.type(-2) * np.abs(x))
    return np.copysign(e / (e + x.dtype.type(2)), x)


def divided_mean(original: Any, x: Tensor, *, axis: tuple[int, ...], keepdims: bool = False) -> Tensor:
    """The sum over the count, where others multiply by the reciprocal."""
    return divide(total(x, axis=axis, keepdims=keepdims), float(math.prod(x.shape[i] for i in axis)))


def in_double(original: Any, self: Any, *operands: Any, **params: Any) -> Any:
    """The result in float64, as wide accumulators and fused operations have it."""
    single = any(x.dtype == np.float32 for x in operands)
    wide = [x.astype(np.float64) if x.dtype == np.float32 else x for x in operands]
    result = original(self, *wide, **params)
    return result, single and result.dtype == np.float64


def rounded_once(original: Any, self: Any, *operands: Any, **params: Any) -> Any:
    result, single = in_double(original, self, *operands, **params)
    return result.astype(np.float32) if single else result


def rounded_to_zero(original: Any, self: Any, *operands: Any, **params: Any) -> Any:
    result, single = in_double(original, self, *operands, **params)
    if not single:
        return result
    nearest = result.astype(np.float32)
    away = np.abs(nearest) > np.abs(result)
    return np.where(away, np.nextafter(nearest, np.float32(0)), nearest)


def flushed(original: Any, self: Any, *operands: Any, **params: Any) -> Any:
    return without_subnormals(original(self, *map(without_subnormals, operands), **params))


def without_subnormals(x: Any) -> Any:
    if x.dtype != np.float32:
        return x
    return np.where(np.abs(x) < np.float32(IEEE_FLOAT32.smallest_normal), np.copysign(np.float32(0), x), x)


def chosen(computation: str, algorithm: str) -> Any:
    return lambda original, name: algorithm if name == computation else original(name)


def places(*kinds: type[Primitive]) -> list[str]:
    """Where the rules for values of some kinds of primitives stand."""
    owners = {
        next(base for base in type(p).__mro__ if "value" in vars(base))
        for p in Primitive.every.values()
        if isinstance(p, kinds)
    }
    return sorted(f"{owner.__module__}:{owner.__qualname__}.value" for owner in owners)


ARITHMETIC = places(Elementwise, Accumulation)


@dataclass(frozen=True)
class Variant:
    """A correct backend.

    Attributes:
        replaced: what it does its own way.
        arithmetic: what it declares, where that is not the default.
        subject: a pattern of the subjects that can tell.
        draws: whether it is asked for what is drawn too, which is judged by its law, whatever the arithmetic.
    """

    name: str
    replaced: Replacements
    arithmetic: Mapping[str, Any] = field(default_factory=dict)
    subject: str = "*"
    draws: bool = False

    def concerns(self, case: Case) -> bool:
        known = self.draws or "random" not in case.observables
        return known and fnmatchcase(case.subject, self.subject)

    def __str__(self) -> str:
        return self.name


AS_NUMPY_ADDS = Variant("as_numpy_adds", {}, draws=True)

EQUIVALENT = (
    Variant("sums_in_lanes", {AFFINE: in_lanes, CORRELATE: with_products(in_lanes), SUM: sum_in_lanes}),
    Variant("products_tap_by_tap", {AFFINE: from_the_bias, CORRELATE: tap_by_tap, SUM: reversed_sum}),
    Variant(
        "other_formulas",
        {
            rule("Sigmoid", "value"): sigmoid_by_one_formula,
            rule("Softplus", "value"): softplus_with_identity,
            rule("Tanh", "value"): tanh_by_expm1,
            **dict.fromkeys(
                (
                    f"{LAYERS}.moments:mean",
                    "conformance.reference_impl.losses.regression:mean",
                ),
                divided_mean,
            ),
        },
    ),
    Variant("wide_accumulators", dict.fromkeys(ARITHMETIC, rounded_once)),
    Variant("round_to_zero", dict.fromkeys(ARITHMETIC, rounded_to_zero), {"unit_roundoff": 2.0**-23}),
)
"""Those that the proof asks for the complete corpus: the order of sums, direct convolutions, formulas,
precision and rounding differ."""

VARIANTS = (
    AS_NUMPY_ADDS,
    *EQUIVALENT,
    Variant(
        "sums_reversed",
        {AFFINE: reversed_products, CORRELATE: with_products(reversed_products), SUM: reversed_sum},
    ),
    Variant("products_in_halves", {AFFINE: in_halves, CORRELATE: with_products(in_halves)}),
    Variant("products_from_the_bias", {AFFINE: from_the_bias, CORRELATE: with_products(from_the_bias)}),
    Variant("subnormals_flushed", dict.fromkeys(ARITHMETIC, flushed), {"subnormals": "flushed"}),
    Variant("subnormals_kept_where_either", {}, {"subnormals": "either"}),
    Variant(
        "batch_normalization_folded",
        {ALGORITHM: chosen("batch_normalization", "folded")},
        {"algorithms": {"batch_normalization": "folded"}},
        "layers.BatchNormalization",
    ),
    Variant(
        "one_pass_variance",
        {ALGORITHM: chosen("variance", "one-pass")},
        {"algorithms": {"variance": "one-pass"}},
        "layers.BatchNormalization",
    ),
)
