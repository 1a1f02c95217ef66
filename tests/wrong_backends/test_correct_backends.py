"""A correct implementation raises no alarm, whatever order, algorithm or rounding it has declared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.primitives import affine, pad, windows
from conformance.reference_impl.primitives.primitive import Accumulation, Elementwise, Primitive
from conformance.verdicts import BROKEN, FINDINGS, Verdict

from .fault import LAYERS, rule
from .reference_backend import QUICK, Replacements, judge_of, observe

AFFINE = rule("Affine", "value")
CORRELATE = rule("Correlate", "value")
ALGORITHM = f"{LAYERS}.moments:algorithm"
SUM = rule("Sum", "value")


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


def with_products(multiplied: Any) -> Any:
    """A convolution of one group as one product of all windows with the kernel, multiplied so."""

    def correlate(
        original: Any, self: Any, x: Any, kernel: Any, *bias: Any, groups: int, padding: Any, **params: Any
    ) -> Any:
        if groups > 1:
            return original(self, x, kernel, *bias, groups=groups, padding=padding, **params)
        size, (depth, filters) = kernel.shape[:-2], kernel.shape[-2:]
        full = pad.value(x, widths=((0, 0), *padding, (0, 0)))
        views = windows.value(full, size=size, **params)
        rows = views.reshape(-1, math.prod(size) * depth)
        affine_value = type(affine).value
        z = multiplied(affine_value, affine, rows, kernel.reshape(-1, filters), *bias)
        return z.reshape(*views.shape[: len(size) + 1], filters)

    return correlate


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
    """A correct backend: what it does its own way, the arithmetic that it declares, and the subjects that
    can tell."""

    name: str
    replaced: Replacements
    arithmetic: Mapping[str, Any] = field(default_factory=dict)
    subject: str = "*"

    def __str__(self) -> str:
        return self.name


VARIANTS = (
    Variant("as_numpy_adds", {}),
    Variant(
        "sums_reversed",
        {AFFINE: reversed_products, CORRELATE: with_products(reversed_products), SUM: reversed_sum},
    ),
    Variant("products_in_halves", {AFFINE: in_halves, CORRELATE: with_products(in_halves)}),
    Variant("products_from_the_bias", {AFFINE: from_the_bias, CORRELATE: with_products(from_the_bias)}),
    Variant("wide_accumulators", dict.fromkeys(ARITHMETIC, rounded_once)),
    Variant("round_to_zero", dict.fromkeys(ARITHMETIC, rounded_to_zero), {"unit_roundoff": 2.0**-23}),
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


COMPUTED = tuple(case for case in QUICK if "random" not in case.observables)
"""What a backend draws is judged by its law, whatever its arithmetic: one variant is asked for it."""


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_correct_backend_raises_no_alarm(variant: Variant) -> None:
    judge = judge_of(**variant.arithmetic)
    alarms = [
        f"{case.subject} {case.config} {check.observable}: {check.message}"
        for case in (COMPUTED if variant.replaced or variant.arithmetic else QUICK)
        if fnmatchcase(case.subject, variant.subject)
        for check in judge.checks(case, observe(case, variant.replaced))
        if check.verdict in FINDINGS | BROKEN
    ]
    assert not alarms, "\n".join(alarms[:20])


@pytest.mark.parametrize("name", ["round_to_zero", "one_pass_variance"])
def test_variant_that_is_not_declared_is_caught(name: str) -> None:
    variant = next(v for v in VARIANTS if v.name == name)
    assert any(
        check.verdict is Verdict.DIVERGES
        for case in QUICK
        if case.subject in ("layers.Dense", "layers.BatchNormalization")
        for check in judge_of().checks(case, observe(case, variant.replaced))
    )
