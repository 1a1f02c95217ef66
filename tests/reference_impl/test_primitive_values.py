"""The value of every primitive against mpmath, exact rationals, or an independent loop."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.reference_impl import primitives
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.primitives.primitive import Elementwise
from conformance.reference_impl.tape import variable

from .samples import COMPOSITE_FUNCTIONS, SAMPLES, Sample, defined_primitives

EDGES = [0.0, 1.0, -1.0, 0.5, -0.5, 1e-30, -1e-30, 1e-8, -1e-8, 1e-3, -0.999, 3.0, -3.0, 20.0, -20.0,
         87.3, -87.3, -103.0, 88.7, 1e10, -1e10, 3.4e38, -3.4e38, 2.0**-126,
         2.0**-149, -(2.0**-149)]  # fmt: skip
"""Tiny, huge and negative float32 numbers, and points where implementations change branch."""

FUNCTIONS = [
    s for s in SAMPLES if isinstance(s.call, Elementwise) and len(s.shapes) == 1 and s.name != "Square"
]


def ulps_apart(x: Array, y: Array) -> Array:
    """The distance in units in the last place of float64, 0 where both are the same NaN or infinity."""
    same = (x == y) | (np.isnan(x) & np.isnan(y))
    with np.errstate(all="ignore"):
        return np.where(same, 0.0, np.abs(x - y) / np.spacing(np.maximum(np.abs(y), 2.0**-1000)))


def test_every_primitive_has_a_sample() -> None:
    assert {sample.name for sample in SAMPLES} == defined_primitives() | COMPOSITE_FUNCTIONS


def test_every_public_name_is_a_primitive_or_a_sampled_composite() -> None:
    named = {type(getattr(primitives, name)).__name__ for name in primitives.__all__}
    assert named - {"function"} == defined_primitives()
    functions = {
        name for name in primitives.__all__ if type(getattr(primitives, name)).__name__ == "function"
    }
    assert functions == COMPOSITE_FUNCTIONS


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_value_is_the_reference_on_random_operands(sample: Sample) -> None:
    operands = sample.operands(np.random.default_rng(0))
    value = sample.call(*map(variable, operands), **sample.params).value
    expected = sample.reference(*operands, **sample.params)
    assert value.shape == expected.shape
    assert value.dtype == np.float64
    if sample.exact:
        np.testing.assert_array_equal(value, expected)
    else:
        scale = np.spacing(np.maximum(np.abs(expected), 1.0))
        np.testing.assert_array_less(np.abs(value - expected), 8 * scale + 1e-300)


@pytest.mark.parametrize("sample", FUNCTIONS, ids=str)
def test_function_is_within_ulps_of_mpmath_from_tiny_to_huge(sample: Sample) -> None:
    rng = np.random.default_rng(1)
    wide = rng.choice([-1.0, 1.0], 200) * 2.0 ** rng.uniform(-140, 7, 200)
    x = np.concatenate([EDGES, rng.standard_normal(200), wide])
    x = x[x > sample.domain].astype(np.float32).astype(np.float64)
    with np.errstate(all="ignore"):
        value = sample.call.value(x, **sample.params)
    assert ulps_apart(value, sample.reference(x, **sample.params)).max() <= 4


@pytest.mark.parametrize("name", ["Add", "Subtract", "Multiply", "Divide", "Square"])
def test_arithmetic_is_the_rational_result_rounded_once(name: str) -> None:
    sample = next(s for s in SAMPLES if s.name == name)
    rng = np.random.default_rng(2)
    operands = [
        (rng.choice([-1.0, 1.0], 500) * 2.0 ** rng.uniform(-60, 60, 500)).astype(np.float32).astype(float)
        for _ in sample.shapes
    ]
    np.testing.assert_array_equal(sample.call.value(*operands), sample.reference(*operands))


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.terms], ids=str)
def test_sum_of_dyadic_numbers_is_the_rational_sum(sample: Sample) -> None:
    rng = np.random.default_rng(3)
    operands = [rng.integers(-64, 65, shape) / 8 for shape in sample.shapes]
    value = sample.call(*map(variable, operands), **sample.params).value
    np.testing.assert_array_equal(value, sample.reference(*operands, **sample.params))


@pytest.mark.parametrize(
    ("call", "x", "expected"),
    [
        (primitives.log, 0.0, -np.inf),
        (primitives.log, -1.0, np.nan),
        (primitives.log1p, -1.0, -np.inf),
        (primitives.sqrt, -1.0, np.nan),
        (primitives.rsqrt, 0.0, np.inf),
        (primitives.exp, np.inf, np.inf),
        (primitives.exp, -np.inf, 0.0),
        (primitives.expm1, -np.inf, -1.0),
        (primitives.tanh, np.inf, 1.0),
        (primitives.sigmoid, -np.inf, 0.0),
        (primitives.sigmoid, np.inf, 1.0),
        (primitives.softplus, np.inf, np.inf),
        (primitives.softplus, -np.inf, 0.0),
        (primitives.erf, -np.inf, -1.0),
        (primitives.relu, np.nan, np.nan),
        (primitives.sign, np.nan, np.nan),
    ],
)  # fmt: skip
def test_value_at_the_ends_of_the_domain(call: Elementwise, x: float, expected: float) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(call.value(np.array([x])), [expected])


def test_softmax_does_not_overflow() -> None:
    x = variable(np.array([[1e4, 1e4 - 1.0, -1e4]]))
    e = np.exp(-1.0)
    np.testing.assert_allclose(
        primitives.softmax(x, axis=-1).value, [[1 / (1 + e), e / (1 + e), 0]], rtol=1e-15
    )


def test_windows_are_views_and_none_fit_into_less() -> None:
    x = np.arange(6.0).reshape(1, 6, 1)
    params = {"size": (4,), "strides": (1,), "dilation": (1,)}
    assert np.shares_memory(primitives.windows.value(x, **params), x)
    nothing = primitives.windows.value(x, size=(4,), strides=(2,), dilation=(2,))
    assert nothing.shape == (1, 0, 4, 1)
    back = primitives.overlap_add.value(nothing, spatial=(6,), size=(4,), strides=(2,), dilation=(2,))
    np.testing.assert_array_equal(back, np.zeros((1, 6, 1)))


def test_largest_number_passes_over_nan() -> None:
    x = np.array([[np.nan, 2.0, 3.0], [-np.inf, np.nan, np.nan], [np.nan, np.nan, np.nan]])
    found = primitives.largest_number.value(x, axis=1)
    np.testing.assert_array_equal(found, [[3.0], [-np.inf], [-np.inf]])


def test_mean_of_nothing_is_nan() -> None:
    assert np.isnan(primitives.mean(variable(np.zeros((0, 2))), axis=(0,)).value).all()


@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 3), (3, 1, 1), (1, 3, 1), (1, 1, 1), (2, 1, 3), (2, 3, 2)])
def test_a_product_of_zeros_and_nan_is_nan(n: int, k: int, m: int) -> None:
    zeros, nans = np.zeros((n, k)), np.full((k, m), np.nan)
    assert np.isnan(primitives.affine(variable(zeros), variable(nans)).value).all()
    assert np.isnan(primitives.affine(variable(nans.T), variable(zeros.T)).value).all()
