"""The rounding-error bound of every primitive against real float32 runs: never exceeded, and never idle."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from conformance.reference_impl import primitives
from conformance.reference_impl.arithmetic import FLOAT16, Arithmetic
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.primitives import erf, relu6, sigmoid, sign, tanh
from conformance.reference_impl.primitives.primitive import Elementwise, Primitive
from conformance.reference_impl.tape import Tensor, error_bounds, variable

from .rounding import FLUSHING, NEAREST, NUMPY, ORDERS, TO_ZERO, Rounding, flushed, truncated_sum
from .samples import SAMPLES, Sample

RUNS = 10_000
"""Elements compared for each sample, regime and implementation."""

ROUND_TO_ZERO = replace(NUMPY, unit_roundoff=2.0**-23)
EITHER = replace(NUMPY, subnormals="either")

PROMISES = [
    pytest.param(NUMPY, (NEAREST,), id="nearest"),
    pytest.param(ROUND_TO_ZERO, (TO_ZERO,), id="to-zero"),
    pytest.param(EITHER, (NEAREST, FLUSHING), id="either"),
    pytest.param(replace(EITHER, subnormals="flushed"), (FLUSHING,), id="flushed"),
]
"""An arithmetic, and emulations that keep to it."""

INEXACT = [s for s in SAMPLES if not s.exact]

Regime = Callable[[Sample, np.random.Generator, tuple[int, ...]], Array]


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.choice([-1.0, 1.0], shape)


def cancelling(sample: Sample, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Neighbours that are opposite but for their last bits."""
    x = rng.standard_normal(shape).reshape(-1)
    half = x.size // 2
    x[half : 2 * half] = -x[:half] * (1 + 2.0**-20 * rng.standard_normal(half))
    order = np.arange(x.size)
    order[0 : 2 * half : 2], order[1 : 2 * half : 2] = np.arange(half), np.arange(half, 2 * half)
    return np.asarray(x[order].reshape(shape))


REGIMES: dict[str, Regime] = {
    "normal": lambda sample, rng, shape: rng.standard_normal(shape),
    "wide": lambda sample, rng, shape: signs(rng, shape) * 2.0 ** rng.uniform(-60, 60, shape),
    "cancelling": cancelling,
    "near overflow": lambda sample, rng, shape: (
        signs(rng, shape) * np.minimum(rng.uniform(0.05, 1.05, shape) * sample.scale, 3.4e38)
    ),
    "subnormal": lambda sample, rng, shape: signs(rng, shape) * 2.0 ** rng.uniform(-151, -122, shape),
    "subnormal and not": lambda sample, rng, shape: (
        signs(rng, shape)
        * 2.0 ** rng.choice([-140.0, -70.0, -60.0, 0.0, 30.0], shape)
        * rng.uniform(1, 2, shape)
    ),
}


def shapes_of_runs(sample: Sample) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Shapes of operands, and how many draws of them make `RUNS` results."""
    with np.errstate(all="ignore"):
        size = sample.reference(*sample.operands(np.random.default_rng(0)), **sample.params).size
    times = math.ceil(RUNS / size)
    if sample.batch is None:
        return sample.shapes, 3 if sample.exact else times
    axis, first = sample.batch, sample.shapes[0]
    longer = (*first[:axis], first[axis] * times, *first[axis + 1 :])
    return tuple(longer if shape == first else shape for shape in sample.shapes), 1


def draws(sample: Sample, regime: Regime, seed: int = 0) -> Iterator[list[Array]]:
    """Float32 operands in the sample's domain."""
    rng = np.random.default_rng(seed)
    shapes, times = shapes_of_runs(sample)
    for _ in range(times):
        drawn = [regime(sample, rng, shape) for shape in shapes]
        for which in sample.finite:
            drawn[which] = np.where(np.isfinite(drawn[which]), drawn[which], 1.0)
        yield [np.where(x > sample.domain, x, np.abs(x)).astype(np.float32) for x in drawn]


def implementations(sample: Sample, rounding: Rounding, operands: list[Array]) -> Iterator[Array]:
    """Results of float32 implementations that round so."""
    if rounding is not TO_ZERO:
        before, after = (flushed, flushed) if rounding is FLUSHING else (np.asarray, np.asarray)
        read = [before(x) for x in operands]
        yield after(sample.call(*map(variable, read), **sample.params).value)
        for implementation in sample.float32:
            yield after(implementation(*read, **sample.params))
    if sample.terms is not None:
        terms = sample.terms(rounding, *operands, **sample.params)
        yield from (order(terms, rounding) for order in ORDERS)
    elif rounding is TO_ZERO and sample.name in ("Add", "Subtract"):
        x, y = operands
        yield truncated_sum(x, y if sample.name == "Add" else -y)
    elif rounding is TO_ZERO and isinstance(sample.call, Elementwise):
        yield rounding.result(sample.call.value(*[x.astype(np.float64) for x in operands]))


def margins(value: Array, error: Array | None, computed: Array) -> Array:
    """Error over bound; infinite where an error meets no bound, 0 where nothing is promised."""
    bound = np.zeros(value.shape) if error is None else error
    computed = computed.astype(np.float64)
    same = (computed == value) | (np.isnan(computed) & np.isnan(value)) | np.isposinf(bound)
    with np.errstate(all="ignore"):
        distance = np.where(same, 0.0, np.abs(computed - value))
        margin = np.where(distance == 0, 0.0, distance / bound)
    return np.where(np.isnan(margin), np.inf, margin)


def specified(sample: Sample, operands: list[Array], arithmetic: Arithmetic) -> Tensor:
    with error_bounds(arithmetic):
        out: Tensor = sample.call(*[variable(x.astype(np.float64)) for x in operands], **sample.params)
    assert out.error is None or (out.error >= 0).all(), "a bound is a number"
    return out


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize(("arithmetic", "roundings"), PROMISES)
@pytest.mark.parametrize("sample", INEXACT, ids=str)
def test_no_float32_run_exceeds_the_bound(
    sample: Sample, arithmetic: Arithmetic, roundings: tuple[Rounding, ...], regime: str
) -> None:
    with np.errstate(all="ignore"):
        for operands in draws(sample, REGIMES[regime]):
            out = specified(sample, operands, arithmetic)
            for rounding in roundings:
                for computed in implementations(sample, rounding, operands):
                    assert computed.dtype == np.float32
                    assert computed.shape == out.shape
                    worst = margins(out.value, out.error, computed).max()
                    assert worst <= 1, f"margin {worst} when rounding {rounding.name}"


@pytest.mark.parametrize("sample", INEXACT, ids=str)
def test_bound_bites(sample: Sample) -> None:
    largest = 0.0
    with np.errstate(all="ignore"):
        for operands in draws(sample, REGIMES["normal"], seed=1):
            out = specified(sample, operands, NUMPY)
            for computed in implementations(sample, NEAREST, operands):
                largest = max(largest, margins(out.value, out.error, computed).max())
    assert 0.01 <= largest <= 1


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.exact], ids=str)
def test_what_rounds_nothing_is_bit_exact(sample: Sample) -> None:
    for regime in ("normal", "wide", "subnormal"):
        for operands in draws(sample, REGIMES[regime]):
            out = specified(sample, operands, NUMPY)
            assert out.error is None
            for computed in implementations(sample, NEAREST, operands):
                np.testing.assert_array_equal(computed, out.value)


@pytest.mark.parametrize(
    "arithmetic", [EITHER, replace(EITHER, subnormals="flushed")], ids=["either", "flushed"]
)
@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.exact], ids=str)
def test_selections_may_read_subnormals_as_zero(sample: Sample, arithmetic: Arithmetic) -> None:
    for operands in draws(sample, REGIMES["subnormal"]):
        out = specified(sample, operands, arithmetic)
        for rounding in (NEAREST,) if out.subnormal else (NEAREST, FLUSHING):
            for computed in implementations(sample, rounding, operands):
                assert margins(out.value, out.error, computed).max() <= 1


def chosen(x: Array, better: Callable[[Array, Array], Array]) -> Array:
    """Of each column the first element that is no worse than another, as it is: the comparison reads
    subnormals as zeros."""
    return functools.reduce(lambda a, b: np.where(better(flushed(a), flushed(b)), a, b), x)


def or_zero(x: Array) -> Array:
    return chosen(np.stack([x[0], np.zeros_like(x[0])]), np.greater_equal)


COMPARING: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Array], Array]]] = {
    "maximum": (
        lambda x: primitives.maximum(row(x, 0), row(x, 1)),
        lambda x: chosen(x[:2], np.greater_equal),
    ),
    "minimum": (
        lambda x: primitives.minimum(row(x, 0), row(x, 1)),
        lambda x: chosen(x[:2], np.less_equal),
    ),
    "largest": (
        lambda x: primitives.largest(x, axis=0),
        lambda x: chosen(x, np.greater_equal)[None],
    ),
    "largest_number": (
        lambda x: primitives.largest_number(x, axis=0),
        lambda x: chosen(x, np.greater_equal)[None],
    ),
    "relu": (lambda x: primitives.relu(row(x, 0)), or_zero),
    "relu6": (lambda x: primitives.relu6(row(x, 0)), lambda x: np.minimum(or_zero(x), np.float32(6))),
}
"""What chooses by comparing the rows of an array, and an implementation on float32."""


def row(x: Tensor, which: int) -> Tensor:
    return primitives.take_slice(x, key=(which,))


@pytest.mark.parametrize("regime", ["subnormal", "subnormal and not"])
@pytest.mark.parametrize("name", COMPARING)
def test_comparison_that_reads_subnormals_as_zeros_may_give_one_for_another(name: str, regime: str) -> None:
    specified, computed = COMPARING[name]
    x = REGIMES[regime](SAMPLES[0], np.random.default_rng(12), (5, RUNS)).astype(np.float32)
    with error_bounds(EITHER):
        out = specified(variable(x.astype(np.float64)))
    assert margins(out.value, out.error, computed(x)).max() <= 1


LATTICE = [s for s in SAMPLES if s.terms or s.name in ("Add", "Subtract", "Multiply", "Square")]


@pytest.mark.parametrize(("arithmetic", "roundings"), PROMISES)
@pytest.mark.parametrize("sample", LATTICE, ids=str)
def test_integers_are_exact_in_any_order(
    sample: Sample, arithmetic: Arithmetic, roundings: tuple[Rounding, ...]
) -> None:
    for operands in draws(sample, lambda _, rng, shape: rng.integers(-8, 9, shape).astype(float)):
        out = specified(sample, operands, arithmetic)
        assert out.error is None or not out.error.any()
        for rounding in roundings:
            for computed in implementations(sample, rounding, operands):
                np.testing.assert_array_equal(computed, out.value)


def test_integers_are_not_exact_beyond_the_format_nor_under_winograd() -> None:
    affine = next(s for s in SAMPLES if s.name == "Affine")
    x, kernel, bias = [np.full(shape, 4097.0, np.float32) for shape in affine.shapes]
    beyond = specified(affine, [x, kernel, bias], NUMPY).error
    assert beyond is not None
    assert (beyond > 0).all()
    winograd = replace(NUMPY, algorithms=dict(NUMPY.algorithms) | {"dot": "winograd"})
    ones = [np.ones(shape, np.float32) for shape in affine.shapes]
    small = specified(affine, ones, winograd).error
    assert small is not None
    assert (small > 0).all()


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.derivative != "discrete"], ids=str)
def test_what_is_not_finite_propagates_with_no_error(sample: Sample) -> None:
    def with_gaps(_: Sample, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        x = rng.standard_normal(shape)
        return np.where(rng.random(shape) < 0.1, rng.choice([np.nan, np.inf, -np.inf], shape), x)

    with np.errstate(all="ignore"):
        for operands in draws(sample, with_gaps):
            out = specified(sample, operands, NUMPY)
            for computed in implementations(sample, NEAREST, operands):
                assert margins(out.value, out.error, computed).max() <= 1
            if out.error is not None:
                assert not out.error[~np.isfinite(out.value)].any()
                assert np.isfinite(out.error).all()


PERTURBATIONS: dict[str, Callable[[np.random.Generator, Array], Array]] = {
    "of roundings": lambda rng, x: np.asarray(np.abs(x) * 2.0**-24 * rng.integers(0, 9, x.shape)),
    "coarse": lambda rng, x: np.asarray(rng.uniform(0, 0.3, x.shape) * rng.integers(0, 2, x.shape)),
}


@pytest.mark.parametrize("size", PERTURBATIONS)
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_bound_covers_operands_that_move_within_their_errors(sample: Sample, size: str) -> None:
    rng = np.random.default_rng(5)
    with np.errstate(all="ignore"):
        for operands in draws(sample, REGIMES["normal"]):
            errors = [PERTURBATIONS[size](rng, x.astype(float)) for x in operands]
            with error_bounds(NUMPY):
                tensors = [Tensor(x.astype(float), e) for x, e in zip(operands, errors, strict=True)]
                out = sample.call(*tensors, **sample.params)
            for _ in range(3):
                corner = rng.random() < 0.5
                moved = []
                for x, e in zip(operands, errors, strict=True):
                    step = signs(rng, x.shape) if corner else rng.uniform(-1, 1, x.shape)
                    near = np.maximum(x + step * e, 0.0 if sample.domain == 0 else -np.inf).astype(np.float32)
                    moved.append(np.where(np.abs(near.astype(float) - x) <= e, near, x))
                for computed in implementations(sample, NEAREST, moved):
                    assert margins(out.value, out.error, computed).max() <= 1


def test_float16_runs_stay_within_the_bound_of_long_sums() -> None:
    rng = np.random.default_rng(6)
    total = next(s for s in SAMPLES if s.name == "Sum")
    for n in (10, 1000, 5000):
        x = (rng.standard_normal((50, n, 1)) / n).astype(np.float16)
        out = specified(total, [x], FLOAT16)
        computed = np.add.accumulate(x, axis=1, dtype=np.float16)[:, -1]
        assert margins(out.value, out.error, computed).max() <= 1


@pytest.mark.parametrize("function", [erf, relu6, sigmoid, sign, tanh])
@pytest.mark.parametrize("value", [0.5, -3.0, math.inf, math.nan])
def test_a_bounded_function_of_what_may_be_anything_may_be_anything(
    function: Primitive, value: float
) -> None:
    """A sum that may overflow on the way may be NaN, and so are functions of it."""
    with error_bounds(NUMPY):
        out = function(Tensor(np.array([value, 0.25]), np.array([math.inf, 0.0])))
    assert out.error is not None
    assert np.isinf(out.error[0])
    assert np.isfinite(out.error[1])


def test_what_many_slices_make_is_settled_element_by_element() -> None:
    slices = [variable(np.array([float(i)])) for i in range(64)]
    slices[3] = variable(np.array([np.inf]))
    with error_bounds(NUMPY):
        rounded = [primitives.multiply(x, 0.1) for x in slices]
        together = primitives.put_slices(
            *rounded, shape=(65,), keys=tuple((slice(i, i + 1),) for i in range(64))
        )
    assert together.error is not None
    assert together.error[3] == 0.0
    assert 0.0 < together.error[7] < 1e-6
    assert np.isfinite(together.error).all()
