"""What a backend may declare of its floating point, and what follows from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl.arithmetic import (
    ALGORITHMS,
    FLOAT16,
    IEEE_FLOAT32,
    IEEE_FLOAT64,
    NAMED,
    BadArithmetic,
    declared,
)


@pytest.mark.parametrize("arithmetic", NAMED.values(), ids=list(NAMED))
def test_named_arithmetic_is_that_of_its_format(arithmetic: Any) -> None:
    format_ = np.finfo(arithmetic.dtype)
    assert arithmetic.unit_roundoff == format_.eps / 2
    assert arithmetic.smallest_normal == format_.smallest_normal
    assert arithmetic.smallest_subnormal == format_.smallest_subnormal
    assert arithmetic.largest == format_.max
    assert arithmetic.exact_integers == 2 / format_.eps
    assert arithmetic.nearest


def test_declaring_nothing_is_ieee_float32() -> None:
    assert declared({}) == IEEE_FLOAT32
    assert declared({"base": "ieee-float64"}) == IEEE_FLOAT64


def test_entries_go_on_top_of_the_named_arithmetic() -> None:
    arithmetic = declared(
        {
            "base": "ieee-float32",
            "unit_roundoff": 2.0**-23,
            "subnormals": "either",
            "ulps": {"tanh": 5.6, "sigmoid": 6.6},
            "absolute": {"sin": 2.0**-11},
            "algorithms": {"variance": "one-pass"},
        }
    )
    assert not arithmetic.nearest
    assert arithmetic.underflow == arithmetic.smallest_normal
    assert arithmetic.ulps["tanh"] == 5.6
    assert arithmetic.ulps["exp"] == IEEE_FLOAT32.ulps["exp"]
    assert arithmetic.absolute == {"sin": 2.0**-11}
    assert arithmetic.algorithms == {name: classes[0] for name, classes in ALGORITHMS.items()} | {
        "variance": "one-pass"
    }


def test_underflow_is_half_a_subnormal_and_a_whole_one_when_rounding_to_zero() -> None:
    assert IEEE_FLOAT32.underflow == 2.0**-150
    assert declared({"unit_roundoff": 2.0**-23}).underflow == 2.0**-149


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown base": ({"base": "ieee"}, "ieee-float32, ieee-float64, float16"),
    "a base that is no name": ({"base": 3}, "unknown arithmetic 3"),
    "an unknown field": ({"ulp": {"tanh": 5}}, "unknown fields in an arithmetic: ulp"),
    "an unknown kind of subnormals": ({"subnormals": "lost"}, "kept, flushed or either, not 'lost'"),
    "an unknown computation": ({"algorithms": {"varience": "one-pass"}}, "algorithm varience"),
    "an unknown class": ({"algorithms": {"variance": "none"}}, "two-pass, one-pass"),
    "a negative unit roundoff": ({"unit_roundoff": -1.0}, "unit_roundoff"),
    "a unit roundoff of nothing": ({"unit_roundoff": 0}, "unit_roundoff"),
    "a unit roundoff of everything": ({"unit_roundoff": 1.0}, "unit_roundoff"),
    "a unit roundoff that is no number": ({"unit_roundoff": "2^-24"}, "unit_roundoff"),
    "negative ULPs": ({"ulps": {"tanh": -1}}, "ulps of tanh"),
    "ULPs that are NaN": ({"ulps": {"tanh": math.nan}}, "ulps of tanh"),
    "ULPs that are no number": ({"ulps": {"tanh": "5"}}, "ulps of tanh"),
    "a table that is none": ({"ulps": 5}, "ulps"),
    "a negative absolute error": ({"absolute": {"sin": -1e-3}}, "absolute of sin"),
    "algorithms that are no table": ({"algorithms": "one-pass"}, "algorithms"),
}


@pytest.mark.parametrize("what", BAD)
def test_declaration_is_refused_with(what: str) -> None:
    declaration, message = BAD[what]
    with pytest.raises(BadArithmetic, match=message):
        declared(declaration)


def test_looser_entries_name_what_exceeds_the_published_table() -> None:
    assert IEEE_FLOAT32.looser_entries() == {}
    looser = declared({"ulps": {"tanh": 5.6, "exp": 2.0, "divide": 2.5, "sigmoid": 6.6}}).looser_entries()
    assert list(looser) == ["divide", "sigmoid", "tanh"]
    assert looser["tanh"] == (5.0, 5.6)
    assert looser["divide"] == (0.5, 2.5)
    assert math.isnan(looser["sigmoid"][0])


def test_gamma_grows_to_infinity_and_stays_there() -> None:
    u = IEEE_FLOAT32.unit_roundoff
    np.testing.assert_allclose(
        IEEE_FLOAT32.gamma(np.array([0, 1, 100])), [0, u / (1 - u), 100 * u / (1 - 100 * u)]
    )
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(FLOAT16.gamma(np.array([2048, 5000])), [np.inf, np.inf])
