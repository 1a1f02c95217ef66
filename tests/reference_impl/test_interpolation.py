"""Interpolation against NumPy, and its bounds against the ways in which runtimes compute it in float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from conformance.reference_impl import layers
from conformance.reference_impl.arithmetic import IEEE_FLOAT32
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.layers.interpolation import WINDOWS, resized, shares
from conformance.reference_impl.layers.layer import Context
from conformance.reference_impl.primitives import resample
from conformance.reference_impl.tape import Tensor, error_bounds, variable, vjp

FLOAT = np.float32

HEIGHTS: dict[str, Callable[[Array], Array]] = {
    "bilinear": lambda d: np.interp(d, [0, 1], [1, 0]),
    "bicubic": lambda d: np.select(
        [d < 1, d < 2], [1 - 2.5 * d**2 + 1.5 * d**3, 2 - 4 * d + 2.5 * d**2 - 0.5 * d**3]
    ),
    "lanczos3": lambda d: np.where(d < 3, np.sinc(d) * np.sinc(d / 3), 0),
    "lanczos5": lambda d: np.where(d < 5, np.sinc(d) * np.sinc(d / 5), 0),
}
"""The windows by NumPy's own functions, which know no tape and no bounds."""

SIZES = [(4, 8), (8, 4), (5, 7), (9, 4), (7, 7), (9, 3), (16, 1), (1, 4), (20, 6)]


def shared(old: int, new: int, interpolation: str, antialias: bool = False) -> Array:
    return shares(old, new, Tensor(np.zeros(1)), interpolation, antialias).value


@pytest.mark.parametrize(("old", "new"), SIZES)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", WINDOWS)
def test_shares_are_the_window_over_its_sum(interpolation: str, antialias: bool, old: int, new: int) -> None:
    distances = np.abs(((np.arange(new) + 0.5) * old / new - 0.5)[:, None] - np.arange(old)[None, :])
    heights = HEIGHTS[interpolation](distances / (max(old / new, 1) if antialias else 1))
    expected = heights / heights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shared(old, new, interpolation, antialias), expected, atol=1e-14)


@pytest.mark.parametrize(("old", "new"), SIZES)
def test_area_is_the_mean_over_finer_pixels(old: int, new: int) -> None:
    x = np.arange(old) ** 2.0
    finer = np.repeat(x, new).reshape(new, old)
    np.testing.assert_allclose(shared(old, new, "area") @ x, finer.mean(axis=1), rtol=1e-13)


@pytest.mark.parametrize("interpolation", [*WINDOWS, "area"])
def test_what_is_the_same_everywhere_stays_so(interpolation: str) -> None:
    for old, new in SIZES:
        np.testing.assert_allclose(shared(old, new, interpolation).sum(axis=1), 1, rtol=1e-14)


def test_bicubic_reproduces_squares() -> None:
    at = (np.arange(30) + 0.5) / 3 - 0.5
    (inside,) = np.nonzero((at >= 1) & (at <= 8))
    np.testing.assert_allclose((shared(10, 30, "bicubic") @ np.arange(10) ** 2.0)[inside], at[inside] ** 2)


IMAGES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "all alike": lambda rng, shape: np.full(shape, 1 + rng.random()),
    "large mean": lambda rng, shape: 1e4 + rng.standard_normal(shape),
    "cancelling": lambda rng, shape: rng.choice([-1, 1], shape) * (1 + 2e-7 * rng.standard_normal(shape)),
    "wide": lambda rng, shape: rng.choice([-1, 1], shape) * 2.0 ** rng.uniform(-20, 20, shape),
}


def neighbours(old: int, new: int) -> tuple[Array, Array, Array]:
    """The pixels before and after each position, and the fraction of the way, in float32 throughout."""
    at = (np.arange(new, dtype=FLOAT) + FLOAT(0.5)) * (FLOAT(old) / FLOAT(new)) - FLOAT(0.5)
    floor = np.floor(at)
    before, after = np.clip(floor, 0, old - 1).astype(int), np.clip(floor + 1, 0, old - 1).astype(int)
    return before, after, (at - floor).astype(FLOAT)


def corners(x: Array, size: tuple[int, int]) -> tuple[list[Array], Array, Array]:
    """The four pixels around each new one, in rows, and the fractions of the way down and across."""
    (top, bottom, down), (left, right, across) = map(neighbours, x.shape, size)
    return [x[np.ix_(i, j)] for i in (top, bottom) for j in (left, right)], down[:, None], across[None, :]


def lerp_of_lerps(x: Array, size: tuple[int, int]) -> Array:
    (a, b, c, d), down, across = corners(x, size)
    top, bottom = a + (b - a) * across, c + (d - c) * across
    return np.asarray(top + (bottom - top) * down)


def sum_of_four(x: Array, size: tuple[int, int]) -> Array:
    (a, b, c, d), down, across = corners(x, size)
    up, back = FLOAT(1) - down, FLOAT(1) - across
    return np.asarray(a * (up * back) + b * (up * across) + c * (down * back) + d * (down * across))


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("compute", [lerp_of_lerps, sum_of_four])
def test_bilinear_bound_covers_both_ways_of_interpolating(
    compute: Callable[[Array, tuple[int, int]], Array], images: str
) -> None:
    rng = np.random.default_rng(0)
    largest = 0.0
    for old in ((4, 5), (3, 7), (1, 6), (9, 2)):
        for new in ((8, 10), (7, 4), (5, 18), (9, 2)):
            for _ in range(4):
                x = IMAGES[images](rng, old).astype(FLOAT)
                with error_bounds(IEEE_FLOAT32):
                    truth = resized(variable(x.astype(float)), (0, 1), new, "bilinear")
                assert truth.error is not None
                error = np.abs(compute(x, new) - truth.value)
                assert (error <= truth.error).all()
                largest = max(largest, (error / np.maximum(truth.error, 1e-300)).max())
    assert largest >= 0.01 or images == "all alike"  # of which a lerp is exact


HUGE: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "near overflow": lambda rng, shape: rng.choice([-1, 1], shape) * rng.uniform(2e38, 3.4e38, shape),
    "one infinity": lambda rng, shape: np.where(np.arange(np.prod(shape)).reshape(shape) == 4, np.inf, 1.0),
    "one large number": lambda rng, shape: np.where(rng.random(shape) < 0.2, 3e38, 1.0),
}


@pytest.mark.parametrize("images", HUGE)
@pytest.mark.parametrize("compute", [lerp_of_lerps, sum_of_four])
def test_bilinear_promises_nothing_where_one_of_the_ways_leaves_the_numbers(
    compute: Callable[[Array, tuple[int, int]], Array], images: str
) -> None:
    rng, promised = np.random.default_rng(0), False
    for old in ((4, 5), (3, 7), (9, 2)):
        for new in ((8, 10), (7, 4), (5, 18)):
            x = HUGE[images](rng, old).astype(FLOAT)
            with error_bounds(IEEE_FLOAT32):
                truth = resized(variable(x.astype(float)), (0, 1), new, "bilinear")
                error = np.abs(compute(x, new) - truth.value)
            assert truth.error is not None
            assert ((error <= truth.error) | np.isinf(truth.error)).all()
            promised |= bool(np.isfinite(truth.error).any())
    assert promised or images == "near overflow"


def test_sums_along_one_axis_may_overflow_though_the_whole_does_not() -> None:
    x, rows, columns = np.full((1, 2, 1), 3e38), np.array([[1.0, 1.0]]), np.array([[2.0**-10]])
    with error_bounds(IEEE_FLOAT32):
        found = resample(Tensor(x), Tensor(rows), Tensor(columns))
    assert found.error is not None
    assert np.isinf(found.error).all()


def test_mean_of_an_area_promises_nothing_where_the_sum_overflows() -> None:
    x = np.array([[3e38, 3e38, 1.0, 1.0]])
    with error_bounds(IEEE_FLOAT32):
        truth = resized(variable(x), (0, 1), (1, 2), "area")
    assert truth.error is not None
    assert np.isinf(truth.error).tolist() == [[True, False]]


@pytest.mark.parametrize("new", [(8, 10), (7, 18)])
def test_gradient_bound_covers_one_sum_over_all_pixels(new: tuple[int, int]) -> None:
    """As kernels compute it: what each new pixel gives to the four, one after the other."""
    rng = np.random.default_rng(1)
    x, cotangent = rng.standard_normal((4, 5)).astype(FLOAT), rng.standard_normal(new).astype(FLOAT)
    (top, bottom, down), (left, right, across) = map(neighbours, x.shape, new)
    given = np.zeros(x.shape, FLOAT)
    for (r, c), share in np.ndenumerate(cotangent):
        for i, of_row in ((top[r], FLOAT(1) - down[r]), (bottom[r], down[r])):
            for j, of_column in ((left[c], FLOAT(1) - across[c]), (right[c], across[c])):
                given[i, j] += share * (of_row * of_column)
    with error_bounds(IEEE_FLOAT32):
        source = variable(x.astype(float))
        out = resized(source, (0, 1), new, "bilinear")
        (truth,) = vjp([out], [Tensor(cotangent.astype(float))], [source])
    assert truth.error is not None
    assert (np.abs(given - truth.value) <= truth.error).all()


def horner(d: Array) -> Array:
    near = (FLOAT(1.5) * d - FLOAT(2.5)) * d * d + FLOAT(1)
    far = ((FLOAT(-0.5) * d + FLOAT(2.5)) * d - FLOAT(4)) * d + FLOAT(2)
    return np.where(d < 1, near, far)


def one_fraction(radius: int) -> Callable[[Array], Array]:
    def height(d: Array) -> Array:
        pi, r = FLOAT(np.pi), FLOAT(radius)
        nonzero = np.where(d == 0, FLOAT(1), d)
        fraction = r * np.sin(pi * d) * np.sin(pi * d / r) / (pi * pi * nonzero * nonzero)
        return np.where(d == 0, FLOAT(1), fraction)

    return height


@pytest.mark.parametrize(
    ("window", "compute"),
    [("bicubic", horner), ("lanczos3", one_fraction(3)), ("lanczos5", one_fraction(5))],
)
@pytest.mark.parametrize("moved", [0.0, 1e-6])
def test_bound_of_a_window_covers_other_formulas(
    window: str, compute: Callable[[Array], Array], moved: float
) -> None:
    rng, radius = np.random.default_rng(2), WINDOWS[window].radius
    d = np.concatenate([rng.uniform(0, radius, 20_000), np.arange(0, radius, 0.25)]).astype(FLOAT)
    beside = np.abs(d + (moved * rng.uniform(-1, 1, d.shape)).astype(FLOAT))
    beside = np.where(np.abs(beside.astype(float) - d) <= moved, beside, d)
    with error_bounds(IEEE_FLOAT32):
        truth = WINDOWS[window].height(Tensor(d.astype(float), np.full(d.shape, moved) if moved else None))
    assert truth.error is not None
    error = np.abs(compute(beside).astype(float) - truth.value)
    assert (error <= truth.error).all()
    assert (error / np.maximum(truth.error, 1e-300)).max() >= 0.01


def test_pixel_of_no_weight_hides_nan() -> None:
    x = np.array([[np.nan, 1.0, 2.0, 3.0]])
    found = resized(variable(x), (0, 1), (1, 8), "bilinear").value
    np.testing.assert_array_equal(np.isnan(found[0]), [True] * 3 + [False] * 5)


def test_integers_are_rounded_to_even_and_a_half_is_not_promised() -> None:
    x = np.array([[[0], [2], [3], [0]]], np.int32)
    layer = layers.Resizing(1, 8)
    (plain,) = layer.call([variable(x)], {}, Context()).outputs
    # 0, 0.5, 1.5, 2.25, 2.75, 2.25, 0.75, 0
    np.testing.assert_array_equal(plain.value.ravel(), [0, 0, 2, 2, 3, 2, 1, 0])
    assert plain.dtype == np.int32
    with error_bounds(IEEE_FLOAT32):
        (bounded,) = layer.call([variable(x)], {}, Context()).outputs
    assert bounded.error is not None
    assert np.isinf(bounded.error.ravel()).tolist() == [False, True, True, *[False] * 5]


@pytest.mark.parametrize(("grown", "new"), [(0.5, 11), (-0.5, 4), (0.0, 7), (-1.0, 0)])
def test_certain_width_is_rounded_and_known(grown: float, new: int) -> None:
    layer = layers.RandomWidth([grown, grown])
    x = np.arange(7.0)[None, :, None] + np.zeros((2, 7, 1))
    (out,) = layer.call([variable(x)], {}, Context()).outputs
    assert layer.output_shapes([x.shape]) == (out.shape,)
    assert out.shape == (2, new, 1)
    expected = np.minimum(np.arange(new) * 7 / max(new, 1), 6)
    np.testing.assert_allclose(out.value, np.broadcast_to(expected[:, None], out.shape), atol=1e-12)


def test_random_width_is_drawn_between_its_ends_and_unknown_before() -> None:
    layer = layers.RandomWidth([-0.5, 0.25], interpolation="nearest")
    assert layer.output_shapes([(None, 5, 8, 3)]) == ((None, 5, None, 3),)
    x = variable(np.zeros((1, 5, 8, 3)))
    widths = {layer.call([x], {}, Context(rng_key=key)).outputs[0].shape[2] for key in range(200)}
    assert widths == set(range(4, 11))


def test_up_sampling_is_resizing_to_a_multiple() -> None:
    x = variable(np.random.default_rng(3).standard_normal((2, 4, 3, 2)))
    for interpolation in ("nearest", *WINDOWS):
        layer = layers.UpSampling2D((2, 3), interpolation=interpolation)
        resizing = layers.Resizing(8, 9, interpolation=interpolation)
        (one,), (other,) = [of.call([x], {}, Context()).outputs for of in (layer, resizing)]
        np.testing.assert_array_equal(one.value, other.value)


def test_padding_leaves_numbers_far_below_its_value_as_they_are() -> None:
    x = Tensor(np.full((1, 2, 2, 1), -2e-27))
    (y,) = (
        layers.Resizing(2, 4, "nearest", pad_to_aspect_ratio=True, fill_value=0.5)
        .call([x], {}, Context())
        .outputs
    )
    assert np.unique(y.value).tolist() == [-2e-27, 0.5]


@pytest.mark.parametrize(("old", "new", "whole"), [(2, 98, 73), (3, 9, 4), (5, 245, 24)])
def test_a_new_pixel_on_an_old_one_takes_nothing_of_its_neighbours(old: int, new: int, whole: int) -> None:
    assert np.count_nonzero(shared(old, new, "bilinear")[whole]) == 1


@pytest.mark.parametrize(("new", "promised"), [(9, False), (12, True)])
def test_of_a_pixel_on_an_old_one_beside_nan_nothing_is_promised_where_its_position_is_rounded(
    new: int, promised: bool
) -> None:
    """4.5·(3/9) − ½ is 1, but for rounding; (i + ½)·(3/12) − ½ is never a whole number."""
    x = np.array([np.nan, 1.0, 2.0])[None, :, None, None]
    with error_bounds(IEEE_FLOAT32):
        out = resized(variable(x), (1, 2), (new, 1), "bilinear")
    assert bool(np.isfinite(np.asarray(out.error)).all()) is promised
