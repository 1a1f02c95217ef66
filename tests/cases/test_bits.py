"""The random numbers are Random123's Philox 4x64-10, and the mappings give what they say, for ever."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest

from conformance.cases import bits
from conformance.reference_impl.arrays import Array

ONES = 0xFFFFFFFFFFFFFFFF

# Random123's kat_vectors, philox4x64 with 10 rounds: counter, key, result; lowest word first.
KNOWN_ANSWERS = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (ONES, ONES, ONES, ONES),
        (ONES, ONES),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]


def joined(words: tuple[int, ...]) -> int:
    return sum(word << 64 * i for i, word in enumerate(words))


def philox(counter: int, key: int) -> list[int]:
    """One block by the paper's own definition, in Python's integers."""
    c = [counter >> 64 * i & ONES for i in range(4)]
    k = [key & ONES, key >> 64]
    for _ in range(10):
        m0, m2 = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [m2 >> 64 ^ c[1] ^ k[0], m2 & ONES, m0 >> 64 ^ c[3] ^ k[1], m0 & ONES]
        k = [(k[0] + 0x9E3779B97F4A7C15) & ONES, (k[1] + 0xBB67AE8584CAA73B) & ONES]
    return c


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN_ANSWERS)
def test_blocks_are_the_published_ones(
    counter: tuple[int, ...], key: tuple[int, ...], result: tuple[int, ...]
) -> None:
    assert bits.blocks(joined(key), joined(counter), 1).tolist() == [list(result)]
    assert philox(joined(counter), joined(key)) == list(result)


@pytest.mark.parametrize("stream", [0, 1, ONES])
@pytest.mark.parametrize("key", [0, 1, 2**64, 2**128 - 1])
def test_words_are_the_blocks_of_counters_from_zero_on_with_the_stream_on_top(key: int, stream: int) -> None:
    expected = [word for i in range(3) for word in philox(i | stream << 192, key)]
    assert bits.words(key, 11, stream).tolist() == expected[:11]


def test_block_counters_carry_into_the_next_word() -> None:
    counter = 2**64 - 1
    assert bits.blocks(7, counter, 2).tolist() == [philox(counter, 7), philox(counter + 1, 7)]


def test_fewer_words_are_the_first_of_more() -> None:
    assert bits.words(3, 0).shape == (0,)
    assert bits.words(3, 5).tolist() == bits.words(3, 100)[:5].tolist()
    assert bits.words(3, 5).dtype == np.uint64


@pytest.mark.parametrize("key", [-1, 2**128])
def test_a_key_of_more_than_128_bits_is_refused(key: int) -> None:
    with pytest.raises(ValueError, match=f"key {key} is not from 0 to 2"):
        bits.words(key, 1)


def test_threads_do_not_disturb_each_other() -> None:
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda key: bits.words(key, 40).tolist(), range(200)))
    assert drawn == [bits.words(key, 40).tolist() for key in range(200)]


def test_uniform_numbers_are_dyadic_and_evenly_spread() -> None:
    x = bits.uniform(1, (100, 1000))
    assert x.shape == (100, 1000)
    assert x.dtype == np.float64
    assert np.array_equal(x * 2**24, np.floor(x * 2**24))
    counts, _ = np.histogram(x, bins=64, range=(0, 1))
    chi_squared = float((np.square(counts - x.size / 64) / (x.size / 64)).sum())
    assert chi_squared < 150  # 63 degrees of freedom: probability 4e-9


def test_normal_numbers_are_the_quantiles_of_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = np.append(bits.words(2, 300), np.array([0, ONES], np.uint64))
    monkeypatch.setattr(bits, "words", lambda key, count, stream: raw)
    x = bits.normal(2, raw.shape)
    with mpmath.workdps(30):
        p = [((word >> 12) + mpmath.mpf(1) / 2) / 2**53 for word in raw.tolist()]
        quantiles = [float(mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * tail)) for tail in p]
    assert np.abs(np.abs(x) - quantiles).max() < 4.5e-4
    assert np.array_equal(np.signbit(x[:300]), (raw[:300] & np.uint64(1)).astype(bool))
    assert 8.2 < x[-2] < 8.3


def test_normal_numbers_are_standard_normal_with_tails() -> None:
    x = np.sort(bits.normal(3, (100_000,)))
    assert abs(x.mean()) < 6 / np.sqrt(x.size)
    assert abs(x.std() - 1) < 6 / np.sqrt(2 * x.size)
    assert x[0] < -4
    assert x[-1] > 4
    empirical = np.arange(0, x.size, 500) / x.size
    expected = [float(mpmath.ncdf(value)) for value in x[::500].tolist()]
    assert np.abs(empirical - expected).max() < 0.01  # Kolmogorov-Smirnov: probability 4e-9


def test_integers_cover_their_interval_evenly() -> None:
    x = bits.integers(4, (70_000,), -3, 4)
    values, counts = np.unique(x, return_counts=True)
    assert values.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert np.abs(counts - 10_000).max() < 600
    assert x.dtype == np.int64


def test_an_empty_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no integer in \[3, 3\)"):
        bits.integers(0, (1,), 3, 3)


def test_a_permutation_holds_each_index_once() -> None:
    order = bits.permutation(5, 1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() != list(range(1000))
    assert bits.permutation(5, 0).shape == (0,)


@pytest.mark.parametrize(
    ("drawn", "digest"),
    [
        (bits.uniform(11, (1000,)), "920f9c4f8dbdee7c8b23b3110045dd1d3d91a63b125aa60d012aae6f95b1d920"),
        (bits.normal(11, (1000,)), "66f8a6fdb6645c3ba9ecd6456a56e96a45794794a6842c03dce63ef34f3a08ae"),
        (
            bits.integers(11, (1000,), -5, 1000),
            "161e29fa887c9b98bb4e9d0736da743b151e4b86227aa7a709fdf88031dd8f60",
        ),
        (bits.permutation(11, 1000), "3c5799d9d02c4da7eb3981099f6cc0e50bae24cd1a21e25efdb4f7355cf7cb13"),
    ],
    ids=["uniform", "normal", "integers", "permutation"],
)
def test_the_mappings_never_change(drawn: Array, digest: str) -> None:
    little_endian = drawn.astype(drawn.dtype.newbyteorder("<"))
    assert hashlib.sha256(little_endian.tobytes()).hexdigest() == digest
