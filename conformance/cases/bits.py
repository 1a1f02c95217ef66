"""Random numbers that stay the same for ever: the raw bits of Philox 4x64-10, and our own mappings of them.

NumPy computes the raw words, which it promises never to change; its distributions may change with any
release, so none is used. The mappings below are made of correctly rounded operations only (+ − × ÷ √ and
scaling by powers of two), because the last bits of `log` and its like differ between platforms.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from conformance.reference_impl.arrays import Array

KEY_BITS = 128
_WORD = (1 << 64) - 1

_philox = np.random.Philox(key=0)
_philox_lock = threading.Lock()


def words(key: int, count: int, stream: int = 0) -> Array:
    """The first `count` 64-bit words of a stream, as uint64.

    Word i is word i mod 4 of the block that Philox 4x64-10 [1] makes of the counter whose lowest word is
    ⌊i/4⌋ and whose highest is `stream`. Streams of one key are independent of each other.

    [1] Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).

    Raises:
        ValueError: the key is no integer from 0 to 2¹²⁸ − 1.

    >>> [hex(word) for word in words(key=0, count=2).tolist()]
    ['0x16554d9eca36314c', '0xdb20fe9d672d0fdc']
    """
    return blocks(key, stream << 192, -(-count // 4)).ravel()[:count]


def blocks(key: int, counter: int, count: int) -> Array:
    """Philox's blocks for the 256-bit counters from `counter` on, as uint64 of shape (count, 4).

    Raises:
        ValueError: the key is no integer from 0 to 2¹²⁸ − 1.
    """
    if not 0 <= key < 1 << KEY_BITS:
        raise ValueError(f"key {key} is not from 0 to 2**{KEY_BITS} - 1")
    before = counter - 1  # NumPy increments the counter before it makes a block.
    with _philox_lock:  # Making a generator takes six times as long as setting one's state.
        _philox.state = {
            "bit_generator": "Philox",
            "state": {
                "counter": np.array([before >> shift & _WORD for shift in (0, 64, 128, 192)], np.uint64),
                "key": np.array([key & _WORD, key >> 64], np.uint64),
            },
            "buffer": np.zeros(4, np.uint64),
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }
        return _philox.random_raw(4 * count).reshape(count, 4)


def uniform(key: int, shape: tuple[int, ...], stream: int = 0) -> Array:
    """Multiples of 2⁻²⁴ in [0, 1), all equally likely, as float64; exact in float32."""
    top = words(key, math.prod(shape), stream) >> np.uint64(40)
    return (top * 2.0**-24).reshape(shape)


def normal(key: int, shape: tuple[int, ...], stream: int = 0) -> Array:
    """Standard normal numbers as float64, not rounded to float32.

    The lowest bit of a word is the sign, its upper 52 the tail probability p in (0, 1/2), whose quantile is
    the rational approximation 26.2.23 of Abramowitz and Stegun, Handbook of Mathematical Functions: off by
    less than 4.5e-4, and with real tails, which end at 8.2.
    """
    raw = words(key, math.prod(shape), stream)
    p = ((raw >> np.uint64(12)) + 0.5) * 2.0**-53
    t = np.sqrt(-2.0 * _log(p))
    magnitude = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (
        1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    )
    return (magnitude * (1.0 - 2.0 * (raw & np.uint64(1)))).reshape(shape)


def _log(x: Array) -> Array:
    """The natural logarithm, off by less than 3e-8: with m·2ᵉ = x and s = (m − √½) / (m + √½),
    log x = (e − ½) log 2 + 2 artanh s, and |s| < 0.172."""
    m, e = np.frexp(x)
    s = (m - 0.7071067811865476) / (m + 0.7071067811865476)
    s2 = s * s
    artanh = s * (1.0 + s2 * (1 / 3 + s2 * (1 / 5 + s2 * (1 / 7))))
    return (e - 0.5) * 0.6931471805599453 + 2.0 * artanh


def integers(key: int, shape: tuple[int, ...], low: int, high: int, stream: int = 0) -> Array:
    """Integers of [low, high) as int64, equally likely to within (high − low) / 2⁶⁴.

    Raises:
        ValueError: the interval is empty.
    """
    if low >= high:
        raise ValueError(f"there is no integer in [{low}, {high})")
    offsets = words(key, math.prod(shape), stream) % np.uint64(high - low)
    return (offsets.astype(np.int64) + low).reshape(shape)


def permutation(key: int, count: int, stream: int = 0) -> Array:
    """The integers of [0, count) in random order, as int64."""
    return np.argsort(words(key, count, stream), kind="stable")
