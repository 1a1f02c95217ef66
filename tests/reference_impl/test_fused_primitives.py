"""Every fused primitive against the composition that it stands for.

Those of single elements have the same bits, and the same bound to within the slack of a product's (2⁻⁴⁵ of
the operands, beside a rounding of 2⁻²⁴). Convolutions sum in another order: they have the same bits where
that makes no difference, and a bound of every order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic, declared
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.primitives import (
    affine,
    correlate,
    kernel_correlate,
    largest_in_windows,
    largest_number,
    multiply,
    pad,
    reshape,
    sigmoid,
    sigmoid_gradient,
    square,
    subtract,
    tanh,
    tanh_gradient,
    transpose,
    transposed_correlate,
    windows,
)
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp

Call = Callable[..., Tensor]
Sizes = tuple[int, ...]

FUSED: dict[str, tuple[Call, Call, Call]] = {
    "tanh_gradient": (tanh_gradient, lambda c, t: multiply(c, subtract(1.0, square(t))), tanh),
    "sigmoid_gradient": (
        sigmoid_gradient, lambda c, s: multiply(c, multiply(s, subtract(1.0, s))), sigmoid,
    ),
}  # fmt: skip
"""The primitive, its composition, and the function whose result is the second operand."""

ARITHMETICS = [IEEE_FLOAT32, declared({"base": "ieee-float32", "subnormals": "either"})]


@pytest.mark.parametrize("arithmetic", ARITHMETICS, ids=["kept", "either"])
@pytest.mark.parametrize("name", FUSED)
def test_fused_is_its_composition(name: str, arithmetic: Arithmetic) -> None:
    fused, composed, function = FUSED[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 40)) * 2.0 ** rng.uniform(-40, 5, (50, 40))
    x[0, :6] = 0.0, 1e4, -1e4, np.inf, -np.inf, np.nan
    c = rng.standard_normal(x.shape) * 2.0 ** rng.uniform(-40, 40, x.shape)
    c[1, :4] = 0.0, np.inf, -np.inf, np.nan
    with error_bounds(arithmetic):
        operands = variable(c), function(Tensor(x, np.abs(x) * 1e-7))
        one, other = fused(*operands), composed(*operands)
    np.testing.assert_array_equal(one.value, other.value)
    assert one.provenance == other.provenance
    assert one.error is not None
    assert other.error is not None
    np.testing.assert_allclose(one.error, other.error, rtol=1e-6)


POOLS = {
    "windows apart": ((2, 6, 5, 3), (2, 2), (2, 2)),
    "windows that overlap": ((2, 9, 3), (4,), (2,)),
    "three dimensions": ((2, 4, 5, 3, 2), (2, 3, 1), (1, 2, 1)),
}


def pooled(x: Tensor, size: Sizes, strides: Sizes) -> Tensor:
    """The largest number of all windows that are laid out."""
    views = windows(x, size=size, strides=strides, dilation=(1,) * len(size))
    places = views.shape[: len(size) + 1]
    taps = reshape(views, shape=(*places, math.prod(size), x.shape[-1]))
    return reshape(largest_number(taps, axis=taps.ndim - 2), shape=(*places, x.shape[-1]))


@pytest.mark.parametrize("arithmetic", [None, *ARITHMETICS], ids=["none", "kept", "either"])
@pytest.mark.parametrize("name", POOLS)
def test_largest_in_windows_is_its_composition(name: str, arithmetic: Arithmetic | None) -> None:
    shape, size, strides = POOLS[name]
    rng = np.random.default_rng(3)
    x = rng.choice([-2.0, -1.0, 0.5, 1.0, 3.0, 2.0**-130, np.nan, -np.inf, np.inf], shape)
    error = None if arithmetic is None else rng.choice([0.0, 0.3], shape)
    with error_bounds(arithmetic):
        source = Tensor(x, error, tracked=True)
        results = largest_in_windows(source, size=size, strides=strides), pooled(source, size, strides)
        c = variable(rng.standard_normal(results[0].shape))
        gradients = [vjp([y], [c], [source])[0] for y in results]
    for fused, composed in (results, gradients):
        np.testing.assert_array_equal(fused.value, composed.value)
        assert fused.provenance == composed.provenance
        assert (fused.error is None) == (composed.error is None) == (arithmetic is None)
        if fused.error is not None:
            np.testing.assert_array_equal(fused.error, composed.error)


@dataclass(frozen=True)
class Geometry:
    """Shapes of an input and a kernel, and what a convolution is told of them."""

    x: Sizes
    kernel: Sizes
    strides: Sizes
    dilation: Sizes
    groups: int = 1
    padding: tuple[Sizes, ...] = ()

    @property
    def edges(self) -> tuple[Sizes, ...]:
        return self.padding or ((0, 0),) * len(self.strides)

    @property
    def window(self) -> dict[str, Sizes]:
        return {"size": self.kernel[:-2], "strides": self.strides, "dilation": self.dilation}

    @property
    def params(self) -> dict[str, Any]:
        return {"strides": self.strides, "dilation": self.dilation, "groups": self.groups}


GEOMETRIES = {
    "several blocks of rows": Geometry((2, 40, 38, 48), (3, 3, 48, 5), (1, 1), (1, 1)),
    "several blocks of images": Geometry((9, 12, 11, 32), (3, 2, 32, 4), (2, 1), (1, 2)),
    "one long dimension": Geometry((2, 3000, 16), (5, 16, 7), (2,), (1,)),
    "three dimensions": Geometry((2, 6, 7, 5, 8), (2, 3, 2, 8, 6), (1, 2, 1), (2, 1, 1)),
    "groups": Geometry((8, 30, 28, 12), (3, 2, 4, 6), (2, 2), (1, 1), groups=3),
    "channel by channel": Geometry((3, 30, 29, 40), (3, 2, 1, 40), (1, 2), (1, 1), groups=40),
    "zeros at the edges": Geometry((3, 30, 29, 48), (3, 2, 48, 5), (2, 1), (1, 2), padding=((2, 0), (1, 3))),
    "zeros, channel by channel": Geometry(
        (3, 30, 29, 40), (3, 2, 1, 40), (1, 2), (1, 1), groups=40, padding=((1, 1), (0, 2))
    ),
    "one channel": Geometry((3, 30, 29, 1), (3, 2, 1, 20), (1, 1), (1, 1)),
    "several filters for each channel": Geometry((3, 30, 29, 20), (3, 2, 1, 60), (1, 1), (2, 1), groups=20),
}


def correlated(geometry: Geometry, x: Tensor, kernel: Tensor) -> Tensor:
    """Windows of every group, as one batched matrix product."""
    depth, filters = geometry.kernel[-2:]
    views = windows(pad(x, widths=((0, 0), *geometry.edges, (0, 0))), **geometry.window)
    places, taps = views.shape[: x.ndim - 1], math.prod(geometry.kernel[:-2])
    left = transpose(reshape(views, shape=(-1, taps, geometry.groups, depth)), axes=(2, 0, 1, 3))
    right = transpose(reshape(kernel, shape=(taps * depth, geometry.groups, -1)), axes=(1, 0, 2))
    z = affine(reshape(left, shape=(geometry.groups, math.prod(places), taps * depth)), right)
    return reshape(transpose(z, axes=(1, 0, 2)), shape=(*places, filters))


def operands(geometry: Geometry, draw: Callable[[Sizes], Array]) -> tuple[Array, Array, Array]:
    """An input, a kernel and an output."""
    x, kernel = draw(geometry.x), draw(geometry.kernel)
    return (
        x,
        kernel,
        draw(correlate(variable(x), variable(kernel), padding=geometry.edges, **geometry.params).shape),
    )


def both(geometry: Geometry, x: Array, kernel: Array, y: Array) -> Iterator[tuple[str, Tensor, Tensor]]:
    """The three primitives, and the composition and its vjps, which they stand for."""
    sources = [variable(x), variable(kernel)]
    composed = correlated(geometry, *sources)
    by_x, by_kernel = vjp([composed], [variable(y, tracked=False)], sources)
    params = geometry.params
    yield "correlate", correlate(*sources, padding=geometry.edges, **params), composed
    if geometry.padding:
        own = vjp([correlate(*sources, padding=geometry.edges, **params)], [variable(y)], sources)
        yield "transposed_correlate", own[0], by_x
        yield "kernel_correlate", own[1], by_kernel
        return
    yield (
        "transposed_correlate",
        transposed_correlate(variable(y), sources[1], spatial=geometry.x[1:-1], **params),
        by_x,
    )
    yield (
        "kernel_correlate",
        kernel_correlate(sources[0], variable(y), size=geometry.kernel[:-2], **params),
        by_kernel,
    )


@pytest.mark.parametrize("name", GEOMETRIES)
def test_convolutions_are_their_compositions_where_sums_are_exact(name: str) -> None:
    rng = np.random.default_rng(1)
    whole = operands(GEOMETRIES[name], lambda shape: rng.integers(-8, 9, shape).astype(np.float32))
    for of, fused, composed in both(GEOMETRIES[name], *whole):
        np.testing.assert_array_equal(fused.value, composed.value, err_msg=of)
        assert fused.dtype == np.float32


@pytest.mark.parametrize("name", GEOMETRIES)
def test_convolutions_are_bounded_as_their_compositions(name: str) -> None:
    rng = np.random.default_rng(2)
    with error_bounds(IEEE_FLOAT32):
        for of, fused, composed in both(GEOMETRIES[name], *operands(GEOMETRIES[name], rng.standard_normal)):
            assert fused.error is not None
            assert composed.error is not None
            np.testing.assert_allclose(fused.value, composed.value, rtol=1e-12, atol=1e-12, err_msg=of)
            if of == "transposed_correlate":  # of one sum over channels and windows, not of a sum of sums
                assert (fused.error >= composed.error * (1 - 1e-6)).all()
            else:
                np.testing.assert_allclose(fused.error, composed.error, rtol=1e-6, err_msg=of)


def test_transposed_convolution_may_be_one_running_sum() -> None:
    """After 1 every product is lost that is half a unit in its last place: as many errors as there are
    channels times windows that overlap, not plus."""
    channels, size = 64, (3, 3)
    y = np.full((1, 3, 3, channels), 2.0**-24)
    y[0, 0, 0, 0] = 1.0
    kernel = np.ones((*size, 1, channels))
    with error_bounds(IEEE_FLOAT32):
        out = transposed_correlate(y, kernel, spatial=(5, 5), strides=(1, 1), dilation=(1, 1), groups=1)
    products = y.astype(np.float32).ravel()  # all of them meet in the middle
    error = abs(float(np.add.accumulate(products)[-1]) - out.value[0, 2, 2, 0])
    terms = channels * math.prod(size)
    assert error == (terms - 1) * 2.0**-24
    assert out.error is not None
    assert 0.9 <= error / out.error[0, 2, 2, 0] <= 1
    assert error > IEEE_FLOAT32.gamma(channels + math.prod(size) + 1) * out.value[0, 2, 2, 0]
