"""The vjp of every primitive: by complex step, differences and the adjoint identity; its conventions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import primitives
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp

from .rounding import NUMPY
from .samples import ANALYTIC, DISCRETE, KINKED, LINEAR, SAMPLES, SMOOTH, Sample

SEEDS = range(3)


def gradients(sample: Sample, operands: list[Array], cotangent: Array) -> list[Array]:
    sources = [variable(x) for x in operands]
    out = sample.call(*sources, **sample.params)
    return [g.value for g in vjp([out], [variable(cotangent, tracked=False)], sources)]


def value(sample: Sample, operands: list[Array]) -> Array:
    out: Array = sample.call(*[Tensor(x) for x in operands], **sample.params).value
    return out


def drawn(sample: Sample, seed: int) -> tuple[list[Array], list[Array], Array]:
    """Operands, a direction for each (none for an indicator), and a cotangent."""
    rng = np.random.default_rng(seed)
    operands = sample.operands(rng)
    directions = [np.asarray(rng.standard_normal(x.shape)) for x in operands]
    if sample.name == "Where":
        operands[0], directions[0] = (operands[0] > 0).astype(float), np.zeros(directions[0].shape)
    return operands, directions, np.asarray(rng.standard_normal(value(sample, operands).shape))


def inner(xs: list[Array], ys: list[Array]) -> float:
    return float(sum((x * y).sum() for x, y in zip(xs, ys, strict=True)))


def size_of(xs: list[Array], ys: list[Array]) -> float:
    """What roundings of `inner` are relative to."""
    return inner([np.abs(x) for x in xs], [np.abs(y) for y in ys])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.derivative == ANALYTIC], ids=str)
def test_vjp_is_the_complex_step(sample: Sample, seed: int) -> None:
    operands, directions, cotangent = drawn(sample, seed)
    found = gradients(sample, operands, cotangent)
    for position, direction in enumerate(directions):
        stepped: list[Array] = [x.astype(complex) for x in operands]
        stepped[position] = stepped[position] + 1e-200j * direction
        derivative = value(sample, stepped).imag / 1e-200
        error = inner([cotangent], [derivative]) - inner([found[position]], [direction])
        assert abs(error) <= 1e-13 * size_of([found[position]], [direction])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.derivative in (SMOOTH, KINKED)], ids=str)
def test_vjp_is_the_central_difference(sample: Sample, seed: int) -> None:
    operands, directions, cotangent = drawn(sample, seed)
    found = gradients(sample, operands, cotangent)
    step = 1e-6
    ahead = value(sample, [x + step * d for x, d in zip(operands, directions, strict=True)])
    behind = value(sample, [x - step * d for x, d in zip(operands, directions, strict=True)])
    error = inner([cotangent], [(ahead - behind) / (2 * step)]) - inner(found, directions)
    assert abs(error) <= 1e-7 * size_of(found, directions)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.derivative == LINEAR], ids=str)
def test_vjp_is_the_adjoint(sample: Sample) -> None:
    operands, _, cotangent = drawn(sample, 0)
    found = gradients(sample, operands, cotangent)
    forward = inner([value(sample, operands)], [cotangent])
    assert abs(forward - inner(operands, found)) <= 1e-12 * size_of(operands, found)


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.derivative == DISCRETE], ids=str)
def test_vjp_of_what_is_discrete_is_zero(sample: Sample) -> None:
    operands, _, cotangent = drawn(sample, 0)
    for gradient in gradients(sample, operands, cotangent):
        assert not gradient.any()


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.derivative != DISCRETE], ids=str)
def test_vjp_of_the_vjp_is_its_difference(sample: Sample) -> None:
    """The derivative of ⟨gradient, direction⟩ along another direction, and with respect to the cotangent."""
    operands, directions, cotangent = drawn(sample, 7)
    rng = np.random.default_rng(8)
    along = [rng.standard_normal(x.shape) * (d != 0) for x, d in zip(operands, directions, strict=True)]
    along_cotangent = np.asarray(rng.standard_normal(cotangent.shape))

    sources = [variable(x) for x in operands]
    seed = variable(cotangent)
    first = vjp([sample.call(*sources, **sample.params)], [seed], sources)
    second = vjp(first, [Tensor(d) for d in directions], [*sources, seed])

    def projected(step: float) -> float:
        moved = [x + step * a for x, a in zip(operands, along, strict=True)]
        return inner(gradients(sample, moved, cotangent + step * along_cotangent), directions)

    step = 1e-6
    expected = (projected(step) - projected(-step)) / (2 * step)
    found = [g.value for g in second]
    scale = size_of(found, [*along, along_cotangent])
    assert abs(expected - inner(found, [*along, along_cotangent])) <= 1e-7 * scale


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_float32_stays_float32(sample: Sample) -> None:
    rng = np.random.default_rng(9)
    sources = [variable(x.astype(np.float32)) for x in sample.operands(rng)]
    out = sample.call(*sources, **sample.params)
    assert out.dtype == np.float32
    cotangent = variable(rng.standard_normal(out.shape).astype(np.float32))
    first = vjp([out], [cotangent], sources)
    assert {g.dtype for g in first} == {np.dtype(np.float32)}
    second = vjp(first, [Tensor(np.ones(g.shape, np.float32)) for g in first], [*sources, cotangent])
    assert {g.dtype for g in second} == {np.dtype(np.float32)}


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_gradients_carry_bounds_that_float32_gradients_keep(sample: Sample) -> None:
    rng = np.random.default_rng(10)
    operands = [x.astype(np.float32) for x in sample.operands(rng)]
    with error_bounds(NUMPY):
        sources = [variable(x.astype(np.float64)) for x in operands]
        out = sample.call(*sources, **sample.params)
        cotangent = rng.standard_normal(out.shape).astype(np.float32)
        found = vjp([out], [Tensor(cotangent.astype(np.float64))], sources)
    for truth, computed in zip(found, gradients(sample, operands, cotangent), strict=True):
        bound = 0.0 if truth.error is None else truth.error
        assert (np.abs(computed - truth.value) <= bound).all()
        assert np.isfinite(bound).all()


CONVENTIONS: dict[str, tuple[Callable[..., Any], list[list[float]], list[list[float]]]] = {
    "relu'(0) = 0": (primitives.relu, [[0.0, -0.0]], [[0, 0]]),
    "relu6 passes nothing at 0 and at 6": (primitives.relu6, [[0.0, 6.0, 3.0, 7.0]], [[0, 0, 1, 0]]),
    "|x|'(0) = 0": (primitives.absolute, [[0.0, -1.0, 2.0]], [[0, -1, 1]]),
    "maximum gives a tie to x": (primitives.maximum, [[1.0, 0.0], [1.0, 1.0]], [[1, 0], [0, 1]]),
    "minimum gives a tie to x": (primitives.minimum, [[1.0, 0.0], [1.0, -1.0]], [[1, 0], [0, 1]]),
    "maximum gives to y where one is NaN": (
        primitives.maximum, [[np.nan, 1.0], [1.0, np.nan]], [[0, 0], [1, 1]],
    ),
    "minimum gives to y where one is NaN": (
        primitives.minimum, [[np.nan, 1.0], [1.0, np.nan]], [[0, 0], [1, 1]],
    ),
    "a clip to [0, 6] passes at its edges": (
        lambda x: primitives.minimum(primitives.maximum(x, 0.0), 6.0),
        [[0.0, 6.0, -0.5, 6.5, 3.0]],
        [[1, 1, 0, 0, 1]],
    ),
    "the largest share the cotangent where they tie": (
        lambda x: primitives.largest(x, axis=0), [[2.0, 1.0, 2.0, 2.0]], [[1 / 3, 0, 1 / 3, 1 / 3]],
    ),
    "the first of the largest numbers gets the cotangent": (
        lambda x: primitives.largest_number(x, axis=0), [[np.nan, 1.0, 2.0, 2.0]], [[0, 0, 1, 0]],
    ),
    "a largest number of nothing passes nothing": (
        lambda x: primitives.largest_number(x, axis=0), [[np.nan, np.nan]], [[0, 0]],
    ),
    "sqrt'(0) is infinite": (primitives.sqrt, [[0.0, 4.0]], [[np.inf, 0.25]]),
    "where passes to the operand chosen": (
        lambda x, y: primitives.where(np.array([1.0, 0.0]), x, y), [[1.0, 2.0], [3.0, 4.0]], [[1, 0], [0, 1]],
    ),
    "sign and comparisons pass nothing": (
        lambda x: primitives.multiply(primitives.sign(x), primitives.greater_equal(x, 0.0)),
        [[0.0, 1.0, -2.0]],
        [[0, 0, 0]],
    ),
}  # fmt: skip
"""A function, its operands, and its gradients when the cotangent is all ones."""


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_convention(convention: str) -> None:
    call, operands, expected = CONVENTIONS[convention]
    sources = [variable(np.array(x)) for x in operands]
    with np.errstate(divide="ignore"):
        out = call(*sources)
        found = vjp([out], [Tensor(np.ones(out.shape))], sources)
    for gradient, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(gradient.value, wanted)
