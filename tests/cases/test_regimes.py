"""Each regime has the property that it is named for, and the bits that it has always had."""

from __future__ import annotations

import hashlib
import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from conformance.cases.case import Literal, Recipe, Source
from conformance.cases.regimes import DTYPES, REGIMES, expand, parse
from conformance.reference_impl.arrays import Array
from conformance.runners import protocol

SPELLINGS = [name + (":7" if entry.parameter else "") for name, entry in REGIMES.items()]
MASKS = [name for name in REGIMES if name.startswith("mask")]
SHAPE = (3, 4, 5)
CASES = settings(derandomize=True, deadline=None, max_examples=60, database=None)

FEW = (
    "signed_zeros",
    "ties",
    "one_hot",
    "indices:7",
    "zeros_and_ones",
    "signs",
    "weights",
    "padded_labels:7",
)
"""Regimes of a few values, which may be all alike."""

keys = st.integers(0, 2**128 - 1)
shapes = st.lists(st.integers(0, 7), max_size=4).map(tuple)
rows = st.tuples(st.integers(1, 5), st.integers(2, 9))


def made(spelling: str, key: int, shape: tuple[int, ...], dtype: str = "float32") -> Array:
    return expand(Recipe(spelling, shape, key, dtype))


def bits_of(x: Array) -> bytes:
    return x.astype(x.dtype.newbyteorder("<")).tobytes()


DIGESTS = {
    "normal": "a98c931f11ccb0f2a74ed89fc85afc0a186ae668460ae70b89b49a27d9abcd86",
    "small_normal": "f7d05fea749e6ebaf10848d0e5fa6efb709759f2779c83d565cccb690539590a",
    "cotangent": "65a2ccc673b2502750c9f7fc79ed70a92aacc1bdc003c7e40c00c8105437265f",
    "lattice": "4a2d2684d95a95a6bc94dfd79fa44ef119a116b5b34024ae590e1f074f5c90cb",
    "positive": "9ef770e84b35816555c6cda850141a178b9b0fbd833d1a243a7c885221238a71",
    "all_negative": "fc2df80f84c80b8772dfccb207f09b69030f565a0f478b3eefa5ff2c5d019c6a",
    "small_variance": "d2195fd09c378ec1830a0c09d5dbbbb54da9b0704f3c03bbdd5f252ed3930515",
    "large_mean": "2f0c4b268098b79af183ddfbf8251a5ff7ebd3d05d32f5f1c07a8f1f20be9f65",
    "small_positive": "ba76cdf438b6d62ce82c9bd64de7d3da2c6efce9ff05b0083ec8e9d304c3390a",
    "wide_exponents": "78fb955960ce207da56a0f3a95a79842ab9198e554c1199b05f759c6a7368519",
    "cancelling": "e07f52b39dc48b1969fda6e4a7aba8dad11329041c022597a7dcc08b47924713",
    "saturating": "e411d304964d09e4f87d087b300614e222efed08cb9b2bcda38378c24177dec6",
    "tiny": "ca05ac028f832689282bd331d9f3efabc57b089492c324c05e9291f32a26f5e1",
    "near_overflow": "92434a70f7063cf96f80f406bb1dad94ce2ac0a938f877b5fba57dbf413498e3",
    "subnormals": "2164503b06ef3e3063c4e15fd73e67bec1fc31d15e1f58d87f35641943d077ac",
    "one_nan": "ec9bec7f8912ea5d2903f9cdb1e4ca39fcbcc0ac807f277041ca5fee6a444dc8",
    "one_infinity": "6d0ad2c64f8b411fed63ab0c19ecb63c9a38952086e3b2a7f81ffed4b7569abf",
    "signed_zeros": "65daad1708f392da2735a8c74c0bfcec295c60a1d8929997791b4549bbae1cf8",
    "ties": "f97a370d7b9ff4264d8967f32c13941a67606f8d9d613ce1730a8b12be72fd2e",
    "kinks": "e6c0b55a3c4c7ae6ec2b9d8131a99e58ad6056ac3589086a1d706d04de106e95",
    "indices:7": "a947d381af09d546f87eee5d762fc7162dbd75ba5dfc6e9344259bdcd5c3f1fb",
    "one_hot": "7bdf92a2de17d7f1c00e71264dde9051611c1467b52e1908c0faa5032162572e",
    "mask": "2261ceca6e14c3434435b1fbbeb425b1f93a3d6c5618473cf8b006f305b6a262",
    "mask_right_padded": "bb28aad6520786f3793d4230d379ef8575d5918e5ba3f9a053ec99ba167cab4d",
    "mask_left_padded": "2aa3b0d0064edd93c500b9d4b8568e207e1baf7c955a62c6db825712b8dd21c9",
    "mask_all_true": "bbed51f708d626993f6d4fb055e0af05327c653d7953eb0b81d6968eb6304aea",
    "mask_first_false": "0796de8b628bacea402d68c94e7954e5055528f58e68edc6f220e2c64e8057ab",
    "probabilities": "2f2d5b137592240036161ab6a837838343e670f5b835529fde2dfeac2e055087",
    "unit_edges": "52f636ecf1adb9940e7f783086a9d853682322559f218bc227f93ed351e429b8",
    "zeros_and_ones": "69461274f5d1b9277df0265a5d313ff4991d34c2bf05f319ad861345bca3fb04",
    "signs": "ea67210e0262c339fb31dd0f19ade0f1b6faac684b20252ad83aa4435bc90f2d",
    "padded_labels:7": "9b02cfae87d92e7baeb3f8ebea63d8a300c52d1a42bd32864fe8fa7568a68f02",
    "weights": "fb77117c82584731692388825e01bb543d1b8b357411781e35d4a44f7d9f5790",
    "unit_vectors": "ac8361bf41db092423ef2bf79468b5ada1642ebb69bec03e3791a21085a567b3",
}


def test_the_bits_of_every_regime_never_change() -> None:
    digests = {name: hashlib.sha256(bits_of(made(name, 20250101, SHAPE))).hexdigest() for name in SPELLINGS}
    assert digests == DIGESTS


@pytest.mark.parametrize("spelling", SPELLINGS)
@CASES
@given(key=keys, shape=shapes)
def test_every_regime_gives_any_shape_and_loses_nothing_in_float32(
    spelling: str, key: int, shape: tuple[int, ...]
) -> None:
    x = made(spelling, key, shape)
    assert isinstance(x, np.ndarray)
    assert x.dtype == np.float32
    assert x.shape == shape
    assert x.flags.c_contiguous
    assert x.flags.writeable
    assert bits_of(made(spelling, key, shape)) == bits_of(x)
    assert np.array_equal(made(spelling, key, shape, "float64"), x, equal_nan=True)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_regime_has_a_summary_and_depends_on_its_key(spelling: str) -> None:
    assert parse(spelling)[0].summary.endswith(".")
    constant = spelling in ("mask_all_true", "mask_first_false")
    assert (bits_of(made(spelling, 1, SHAPE)) == bits_of(made(spelling, 2, SHAPE))) == constant


@pytest.mark.parametrize(
    "spelling",
    [name for name in SPELLINGS if name not in FEW and not name.startswith("mask")],
)
@CASES
@given(key=keys, shape=rows)
def test_no_row_is_constant_and_no_matrix_symmetric(spelling: str, key: int, shape: tuple[int, int]) -> None:
    x = made(spelling, key, shape)
    assert not (x == x[:, :1]).all(axis=1).any()
    square = made(spelling, key, (shape[0] + 2, shape[0] + 2))
    assert not np.array_equal(square, square.T)


@CASES
@given(key=keys, shape=shapes)
def test_lattice_is_small_integers_with_unlike_neighbours(key: int, shape: tuple[int, ...]) -> None:
    x = made("lattice", key, shape, "int32").ravel()
    assert set(x.tolist()) <= set(range(-4, 5))
    assert (np.diff(x) != 0).all()


@CASES
@given(key=keys)
def test_lattice_products_sum_exactly_in_every_order(key: int) -> None:
    x, y = made("lattice", key, (4096,)), made("lattice", key ^ 1, (4096,))
    forwards, backwards = np.float32(0), np.float32(0)
    for term in x[:256] * y[:256]:
        forwards += term
    for term in (x[:256] * y[:256])[::-1]:
        backwards += term
    assert forwards == backwards == math.fsum((x[:256] * y[:256]).tolist())
    assert np.abs(x * y).sum(dtype=np.float64) * 256 <= 2**24


@CASES
@given(key=keys)
def test_cotangent_is_never_zero_and_exact_against_a_lattice(key: int) -> None:
    x = made("cotangent", key, (4096,))
    assert (np.abs(x * 16 % 2) == 1).all()
    assert np.abs(x).max() < 2
    products = x * made("lattice", key ^ 1, (4096,))
    assert products.sum(dtype=np.float32) == math.fsum(products.tolist())


@CASES
@given(key=keys)
def test_normal_scales(key: int) -> None:
    x = made("normal", key, (1000,))
    assert np.array_equal(made("small_normal", key, (1000,)), x / 8)
    assert abs(x.mean()) < 0.25
    assert abs(x.std() - 1) < 0.2


RANGES = {
    "positive": (1 / 8, 8),
    "all_negative": (-8, -1 / 8),
    "small_positive": (1e-6, 1e-4),
    "saturating": (-100, 100),
    "wide_exponents": (-(2.0**30), 2.0**30),
    "tiny": (-1e-3, 1e-3),
    "near_overflow": (-(2.0**128 - 2.0**104), 2.0**128 - 2.0**104),
    "subnormals": (-(2.0**-126 - 2.0**-149), 2.0**-126 - 2.0**-149),
}
SMALLEST = {
    "saturating": 20,
    "wide_exponents": 2.0**-30,
    "tiny": 1e-30,
    "near_overflow": 2.0**124,
    "subnormals": 2.0**-149,
}


@pytest.mark.parametrize("name", RANGES)
@CASES
@given(key=keys)
def test_ranges(name: str, key: int) -> None:
    x = made(name, key, (500,)).astype(np.float64)
    low, high = RANGES[name]
    assert low <= x.min()
    assert x.max() <= high
    assert np.abs(x).min() >= SMALLEST.get(name, 0)
    if name in SMALLEST:
        assert 100 < (x < 0).sum() < 400


@pytest.mark.parametrize(("name", "binades"), [("wide_exponents", 60), ("tiny", 89)])
def test_every_binade_is_drawn(name: str, binades: int) -> None:
    _, exponents = np.frexp(made(name, 1, (5000,)))
    assert len(set(exponents.tolist())) == binades


@CASES
@given(key=keys, axis=st.integers(0, 2))
def test_small_variance_and_large_mean_hold_along_every_axis(key: int, axis: int) -> None:
    shape = [3, 3, 3]
    shape[axis] = 200
    variance = made("small_variance", key, tuple(shape)).astype(np.float64).var(axis=axis)
    assert (variance > 5e-7).all()
    assert (variance < 2e-6).all()
    x = made("large_mean", key, tuple(shape)).astype(np.float64)
    ratio = x.mean(axis=axis) / x.std(axis=axis)
    assert (ratio > 70).all()
    assert (ratio < 140).all()


@CASES
@given(key=keys, shape=rows)
def test_cancelling_rows_nearly_cancel(key: int, shape: tuple[int, int]) -> None:
    x = made("cancelling", key, shape).astype(np.float64)
    assert (np.abs(x.sum(axis=1)) <= (shape[1] + 1) // 2 * 2.0**-12).all()
    assert np.abs(x).max() > 2.0**-10


@pytest.mark.parametrize(("name", "special"), [("one_nan", np.isnan), ("one_infinity", np.isinf)])
@CASES
@given(key=keys, shape=shapes)
def test_one_special_value(name: str, special: np.ufunc, key: int, shape: tuple[int, ...]) -> None:
    x = made(name, key, shape)
    assert special(x).sum() == min(x.size, 1)
    assert np.isfinite(x).sum() == max(x.size - 1, 0)


def test_special_values_move_about_and_the_infinity_has_either_sign() -> None:
    places = {int(np.flatnonzero(np.isinf(made("one_infinity", key, (8,))))[0]) for key in range(100)}
    signs = {float(made("one_infinity", key, (1,))[0]) for key in range(100)}
    assert places == set(range(8))
    assert signs == {-math.inf, math.inf}


@CASES
@given(key=keys)
def test_signed_zeros_holds_both(key: int) -> None:
    x = made("signed_zeros", key, (2, 4))
    assert sorted(x.ravel().tolist()) == [-2, -1, 0, 0, 0, 0, 1, 2]
    assert np.signbit(x[x == 0]).sum() == 2


@CASES
@given(key=keys, shape=st.tuples(st.integers(2, 5), st.integers(2, 5)))
def test_ties_tie(key: int, shape: tuple[int, int]) -> None:
    x = made("ties", key, shape)
    _, counts = np.unique(x, return_counts=True)
    assert len(counts) == 3
    assert counts.max() - counts.min() <= 1
    assert counts.max() > 1


@CASES
@given(key=keys)
def test_kinks_holds_each_and_its_neighbours(key: int) -> None:
    held = set(made("kinks", key, (6, 7)).ravel().tolist())
    for kink in np.array([-3, -2.5, -1, -0.5, 0.5, 1, 2.5, 3, 6], np.float32):
        below, above = np.nextafter(kink, np.float32(-np.inf)), np.nextafter(kink, np.float32(np.inf))
        assert {float(below), float(kink), float(above)} <= held
    assert {0.0, 2.0**-126, -(2.0**-126), 20.0, -20.0} <= held


@CASES
@given(key=keys, n=st.integers(1, 2**24))
def test_indices_lie_below_the_parameter(key: int, n: int) -> None:
    x = made(f"indices:{n}", key, (50,), "int32")
    assert x.dtype == np.int32
    assert x.min() >= 0
    assert x.max() < n
    assert set(made("indices:3", key, (100,), "int32").tolist()) == {0, 1, 2}


@CASES
@given(key=keys, shape=rows)
def test_one_hot_rows_hold_a_single_one(key: int, shape: tuple[int, int]) -> None:
    x = made("one_hot", key, shape)
    assert (np.sort(x, axis=1)[:, :-1] == 0).all()
    assert (x.max(axis=1) == 1).all()


@CASES
@given(key=keys, shape=rows)
def test_masks_are_padded_where_they_say(key: int, shape: tuple[int, int]) -> None:
    right = made("mask_right_padded", key, shape, "bool")
    left = made("mask_left_padded", key, shape, "bool")
    assert right.dtype == np.bool_
    assert right[:, 0].all()
    assert left[:, -1].all()
    assert (right[:, 1:] <= right[:, :-1]).all()
    assert (left[:, 1:] >= left[:, :-1]).all()
    for padded in (right, left):
        assert len(set(padded.sum(axis=1).tolist())) == min(shape)
    assert made("mask_all_true", key, shape, "bool").all()
    first = made("mask_first_false", key, shape, "bool")
    assert not first[:, 0].any()
    assert first[:, 1:].all()
    assert set(made("mask", key, (100,), "bool").tolist()) == {True, False}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Recipe("latice", (1,), 0), "there is no regime 'latice'; did you mean lattice\\?"),
        (Recipe("?", (1,), 0), "there is no regime '\\?'; there are normal, small_normal, "),
        (Recipe("normal:3", (1,), 0), "regime 'normal' takes no parameter; '3' is given"),
        (Recipe("normal:", (1,), 0), "regime 'normal' takes no parameter; '' is given"),
        (Recipe("indices", (1,), 0), 'from 1 to 16777216, as "indices:1"; none is given'),
        (Recipe("indices:", (1,), 0), "none is given"),
        (Recipe("indices:0", (1,), 0), "an integer from 1 to 16777216, .*'0' is given"),
        (Recipe("indices:16777217", (1,), 0), "'16777217' is given"),
        (Recipe("indices:07", (1,), 0), "'07' is given"),
        (Recipe("indices:-1", (1,), 0), "'-1' is given"),
        (Recipe("indices:" + "9" * 5000, (1,), 0), "is given"),
        (Recipe("indices:7:7", (1,), 0), "'7:7' is given"),
        (Recipe("normal", (2, -1), 0), r"shape \(2, -1\) has a negative dimension"),
        (Recipe("normal", (1,), -1), "key -1 is not from 0 to 2"),
        (Recipe("normal", (1,), 0, "bfloat16"), "dtype 'bfloat16' is none of float32, float64, "),
        (Recipe("normal", (1,), 0, "int32"), "regime 'normal' has values that int32 cannot hold"),
        (Recipe("one_nan", (1,), 0, "int32"), "regime 'one_nan' has values that int32 cannot hold"),
        (Recipe("near_overflow", (1,), 0, "float16"), "regime 'near_overflow' has values that float16"),
        (Recipe("lattice", (50,), 0, "uint8"), "regime 'lattice' has values that uint8 cannot hold"),
        (Recipe("normal", (1,), 0, "bool"), "regime 'normal' has values that bool cannot hold"),
        (Literal((2, 3), (1.0,)), r"shape \(2, 3\) needs 6 values; the literal has 1"),
        (Literal((), ()), r"shape \(\) needs 1 values; the literal has 0"),
        (Literal((1,), ("infinity",)), "'infinity' is neither a number nor any of nan, inf, -inf, -0"),
        (Literal((1,), (1.5,), "int32"), "the literal has values that int32 cannot hold"),
        (Literal((1,), (2.0**31,), "int32"), "the literal has values that int32 cannot hold"),
        (Literal((1,), ("nan",), "bool"), "the literal has values that bool cannot hold"),
        (Literal((1,), (1e39,)), "the literal has values that float32 cannot hold"),
        (Literal((-1,), ()), r"shape \(-1,\) has a negative dimension"),
    ],
    ids=str,
)
def test_a_source_that_makes_no_array_is_refused(source: Source, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expand(source)


def written_out(x: Array) -> Literal:
    spelled = {"nan": "nan", "inf": "inf", "-inf": "-inf", "-0.0": "-0"}
    data = tuple(spelled.get(str(value), value) for value in x.ravel().tolist())
    return Literal(x.shape, data, x.dtype.name)


def round_tripped(x: Array) -> Array:
    """The array after being written out, sent as JSON that Python's own reader accepts, and expanded."""
    text = msgspec.json.encode(written_out(x))
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return expand(msgspec.json.decode(text, type=Literal))


def assert_same_bits(x: Array, y: Array) -> None:
    assert x.dtype == y.dtype
    assert x.shape == y.shape
    assert bits_of(x) == bits_of(y)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_literal_keeps_special_values_and_edges(dtype: str) -> None:
    edge = np.finfo(dtype)
    x = np.array(
        [math.nan, math.inf, -math.inf, 0.0, -0.0, edge.max, -edge.max, edge.tiny, edge.smallest_subnormal],
        dtype,
    )
    assert_same_bits(round_tripped(x), x)


def test_a_literal_forgets_the_sign_and_payload_of_a_nan() -> None:
    x = np.array([0xFFC00000, 0x7FC12345], np.uint32).view(np.float32)
    assert bits_of(round_tripped(x)) == bits_of(np.full(2, math.nan, np.float32))


def elements(dtype: str) -> st.SearchStrategy[float]:
    """Every value of the dtype that a literal keeps: no NaN, and of int64 what float64 holds."""
    if dtype == "int64":
        return st.integers(-(2**53), 2**53)
    return arrays.from_dtype(np.dtype(dtype), allow_nan=False)


small_shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@CASES
@given(st.sampled_from(DTYPES).flatmap(lambda d: arrays.arrays(d, small_shapes, elements=elements(d))))
def test_a_literal_keeps_every_bit(x: Array) -> None:
    assert_same_bits(round_tripped(x), x)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_regime_written_out_is_the_same(spelling: str) -> None:
    x = made(spelling, 5, (300,))
    assert_same_bits(round_tripped(x), x)


def test_the_dtypes_are_those_of_the_protocol() -> None:
    assert set(DTYPES) == set(protocol.DTYPES)
