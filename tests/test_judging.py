"""How a verdict is reached: the ladder's rungs, what NaN, infinities and zeros mean, and where limits lie."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.cases.expected import Refusal, Structure, Value
from conformance.judging import Judgement, judge, told_failure
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic, declared
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.primitives import affine
from conformance.reference_impl.tape import Provenance, Tensor, error_bounds, variable
from conformance.runners.protocol import DELIBERATE, ERROR_KINDS, WireError, WireJSON, to_wire
from conformance.verdicts import Rung, Verdict

ROUND_TO_ZERO = declared({"base": "ieee-float32", "unit_roundoff": 2.0**-23})

quickly = settings(max_examples=60, deadline=None, derandomize=True, database=None)
numbers = st.floats(width=32, allow_subnormal=True)
finite = st.floats(-1e6, 1e6, width=32)


def judged(
    value: Any,
    seen: Any,
    limit: Any = None,
    provenance: Provenance = Provenance.COMPOSED,
    dtype: str = "float32",
) -> Judgement:
    """The judgement of an answer where a value is expected with a limit."""
    expected = np.asarray(value, np.float64)
    bound = None if limit is None else np.broadcast_to(np.asarray(limit, np.float64), expected.shape)
    with np.errstate(over="ignore"):
        observed = to_wire(np.asarray(seen, dtype))
    return judge(Value(Tensor(expected, bound, provenance)), observed, IEEE_FLOAT32)


@quickly
@given(st.lists(numbers, max_size=8))
def test_same_bits_conform_at_the_exact_rung(values: list[float]) -> None:
    for provenance in Provenance:
        judgement = judged(values, values, provenance=provenance)
        assert judgement == Judgement(Verdict.CONFORMS, Rung.EXACT, Rung.EXACT, 0.0)


@pytest.mark.parametrize("limit", [None, 1.0, math.inf])
def test_any_nan_equals_any_nan(limit: float | None) -> None:
    quiet = np.array([0x7FC00000, 0xFFC00001], np.uint32).view(np.float32)
    judgement = judged([math.nan, math.nan], quiet, limit)
    assert judgement.passed
    assert judgement.margin == 0.0


@quickly
@given(st.one_of(finite, st.sampled_from([math.inf, -math.inf])), st.floats(0, 1e30))
def test_nan_where_a_number_is_due_diverges_whatever_the_limit(value: float, limit: float) -> None:
    assert judged([value], [math.nan], limit).verdict is Verdict.DIVERGES
    assert judged([math.nan], [value], limit).verdict is Verdict.DIVERGES


@pytest.mark.parametrize("provenance", Provenance)
def test_sign_of_zero_counts_in_data_movement_alone(provenance: Provenance) -> None:
    moved = provenance is Provenance.MOVED
    for value, seen in ((0.0, -0.0), (-0.0, 0.0)):
        judgement = judged([value], [seen], provenance=provenance)
        assert judgement.verdict is (Verdict.DIVERGES if moved else Verdict.CONFORMS)


def test_sign_of_zero_counts_only_where_the_answer_is_exact() -> None:
    assert judged([0.0], [-0.0], 1e-6, Provenance.MOVED).verdict is Verdict.CONFORMS


@quickly
@given(st.floats(0, 1e30))
def test_infinity_equals_only_itself(limit: float) -> None:
    assert judged([math.inf], [math.inf], limit).verdict is Verdict.CONFORMS
    assert judged([math.inf], [-math.inf], limit).verdict is Verdict.DIVERGES
    assert judged([math.inf], [3.4e38], limit).verdict is Verdict.DIVERGES
    assert judged([1.0], [math.inf], limit).verdict is Verdict.DIVERGES


@quickly
@given(finite.filter(bool))
def test_error_where_the_limit_is_zero_has_an_infinite_margin(value: float) -> None:
    seen = np.nextafter(np.float32(value), np.float32(np.inf))
    judgement = judged([value], [seen])
    assert (judgement.verdict, judgement.margin) == (Verdict.DIVERGES, "infinite")
    assert judgement.required_rung is Rung.EXACT
    assert judgement.rung is Rung.NONE


@quickly
@given(st.integers(-1000, 1000), st.integers(1, 1000))
def test_exactly_at_the_limit_conforms_and_beyond_it_diverges(value: int, limit: int) -> None:
    for side in (-1, 1):
        at = judged([value], [value + side * limit], limit)
        assert (at.verdict, at.margin, at.rung) == (Verdict.CONFORMS, 1.0, Rung.BOUND)
        beyond = judged([value], [value + side * (limit + 0.0625)], limit)
        assert beyond.verdict is Verdict.DIVERGES
        assert beyond.margin == pytest.approx(1 + 0.0625 / limit)


@quickly
@given(st.lists(st.tuples(finite, st.floats(0, 100, width=32), st.floats(0.5, 2)), min_size=1, max_size=6))
def test_margin_is_the_largest_error_in_limits(elements: list[tuple[float, float, float]]) -> None:
    values = [value for value, _, _ in elements]
    seen = np.asarray([value + error for value, error, _ in elements], np.float32)
    limits = [limit for _, _, limit in elements]
    errors = np.abs(seen.astype(np.float64) - values)
    judgement = judged(values, seen, limits)
    assert judgement.margin == pytest.approx(float((errors / limits).max()))
    assert judgement.passed == bool((errors <= limits).all())


def test_one_wrong_element_decides_and_is_named() -> None:
    judgement = judged([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 5.0]], 0.25)
    assert judgement.verdict is Verdict.DIVERGES
    assert judgement.message == "[1, 1] is 5, expected 4 ± 0.25; 1 of 4 elements are outside"


@pytest.mark.parametrize("seen", [math.nan, math.inf, -math.inf])
def test_worst_element_is_named_where_it_is_not_finite(seen: float) -> None:
    assert judged([1.0, 2.0], [1.5, seen], 0.25).message.startswith("[1] is ")


def test_shapes_differ() -> None:
    judgement = judged(np.zeros((2, 3)), np.zeros((3, 2)))
    assert (judgement.verdict, judgement.message) == (
        Verdict.DIVERGES,
        "shape [3, 2], expected [2, 3]",
    )
    assert judged(np.zeros((2, 1)), np.zeros(2), math.inf).verdict is Verdict.DIVERGES


def test_empty_answer_conforms() -> None:
    assert judged(np.zeros((0, 3)), np.zeros((0, 3))).margin == 0.0


def test_integers_are_equal_or_not() -> None:
    expected = Value(Tensor(np.array([1, 2, 3])))
    assert judge(expected, to_wire(np.array([1, 2, 3], np.int32)), IEEE_FLOAT32).passed
    judgement = judge(expected, to_wire(np.array([1, 2, 4], np.int32)), IEEE_FLOAT32)
    assert (judgement.verdict, judgement.margin) == (Verdict.DIVERGES, "infinite")
    assert judgement.message == "1 of 3 elements differ"


@pytest.mark.parametrize("seen", [1.5, math.nan, 2.0**40])
def test_integer_is_not_met_by_another_number_that_rounds_to_it(seen: float) -> None:
    expected = Value(Tensor(np.array([1], np.int32)))
    assert judge(expected, to_wire(np.array([seen], np.float32)), IEEE_FLOAT32).verdict is Verdict.DIVERGES


@pytest.mark.parametrize(("promised", "verdict"), [(95, Verdict.CONFORMS), (94, Verdict.UNSPECIFIED)])
def test_more_than_5_percent_without_a_promise_is_unspecified(promised: int, verdict: Verdict) -> None:
    limits = [1e-6] * promised + [math.inf] * (100 - promised)
    judgement = judged(np.ones(100), np.ones(100), limits)
    assert judgement.verdict is verdict
    assert judgement.passed


def test_element_without_a_promise_may_be_anything_but_hides_no_other() -> None:
    limits = [math.inf] + [0.5] * 99
    wrong = np.ones(100)
    wrong[0] = 1e9
    assert judged(np.ones(100), wrong, limits).verdict is Verdict.CONFORMS
    wrong[7] = 2.0
    assert judged(np.ones(100), wrong, limits).verdict is Verdict.DIVERGES


@pytest.mark.parametrize("seen", [math.nan, math.inf, -math.inf])
def test_element_without_a_promise_may_be_no_number(seen: float) -> None:
    answer = np.ones(100)
    answer[0] = seen
    judgement = judged(np.ones(100), answer, [math.inf] + [0.5] * 99)
    assert judgement.verdict is Verdict.CONFORMS
    assert judged([math.nan], [1.0], math.inf).passed


def test_rung_reached_is_told_beside_the_one_required() -> None:
    third = 1 / 3
    nearest, next_one = np.float32(third), np.nextafter(np.float32(third), np.float32(1))
    rungs = {
        (p, name): judged([third], [seen], 1e-7, p)
        for p in (Provenance.ROUNDED, Provenance.COMPOSED)
        for name, seen in (("nearest", nearest), ("next", next_one))
    }
    assert {key: (j.required_rung, j.rung) for key, j in rungs.items()} == {
        (Provenance.ROUNDED, "nearest"): (Rung.ULP, Rung.EXACT),
        (Provenance.ROUNDED, "next"): (Rung.ULP, Rung.ULP),
        (Provenance.COMPOSED, "nearest"): (Rung.BOUND, Rung.EXACT),
        (Provenance.COMPOSED, "next"): (Rung.BOUND, Rung.BOUND),
    }


REFUSAL = Refusal("construction", "argument `units`: …")
ERROR = WireError("invalid-argument", "construction", "units must be positive")


def test_error_is_met_by_an_error_alone() -> None:
    assert judge(REFUSAL, ERROR, IEEE_FLOAT32).verdict is Verdict.CONFORMS
    assert judge(REFUSAL, to_wire(np.ones(1)), IEEE_FLOAT32).verdict is Verdict.ACCEPTS
    assert judge(REFUSAL, WireJSON([1]), IEEE_FLOAT32).verdict is Verdict.ACCEPTS


@pytest.mark.parametrize("kind", ERROR_KINDS)
@pytest.mark.parametrize("at", ["construction", "call"])
def test_error_that_is_due_has_to_be_meant_wherever_it_comes_up(kind: str, at: str) -> None:
    judgement = judge(REFUSAL, WireError(kind, at, "units"), IEEE_FLOAT32)
    assert judgement.verdict is (Verdict.CONFORMS if kind in DELIBERATE else Verdict.DIVERGES)
    assert told_failure(judgement.message) == ("" if kind in DELIBERATE else "units")


@pytest.mark.parametrize("expected", [Value(Tensor(np.ones(1))), Structure([1])])
def test_error_where_there_should_be_a_value_raises(expected: Value | Structure) -> None:
    judgement = judge(expected, ERROR, IEEE_FLOAT32)
    assert judgement.verdict is Verdict.RAISES
    assert judgement.message == "invalid-argument at construction: units must be positive"


def test_answer_of_the_wrong_kind_diverges() -> None:
    assert judge(Structure([1]), to_wire(np.ones(1)), IEEE_FLOAT32).verdict is Verdict.DIVERGES
    assert judge(Value(Tensor(np.ones(1))), WireJSON([1.0]), IEEE_FLOAT32).verdict is Verdict.DIVERGES


def test_structures_are_equal_or_their_difference_is_named() -> None:
    expected = Structure({"a": 1, "b": {"c": [2]}, "d": 3})
    assert judge(expected, WireJSON({"d": 3, "b": {"c": [2]}, "a": 1}), IEEE_FLOAT32).passed
    judgement = judge(expected, WireJSON({"a": 1, "b": {"c": [4]}, "e": 5}), IEEE_FLOAT32)
    assert judgement.verdict is Verdict.DIVERGES
    assert judgement.message == "without d; with e; b: c: [4], expected [2]"


@pytest.mark.parametrize(
    ("expected", "seen"), [(True, 1), (1, True), ([0], [False]), ({"a": 0}, {"a": False})]
)
def test_a_truth_value_is_no_number(expected: Any, seen: Any) -> None:
    assert judge(Structure(expected), WireJSON(seen), IEEE_FLOAT32).verdict is Verdict.DIVERGES


def product(arithmetic: Arithmetic, n: int = 1024) -> tuple[Value, Array, Array]:
    """A dot product of n terms with its bound, and its operands in float32."""
    rng = np.random.default_rng(n)
    x, kernel = (rng.standard_normal(s).astype(np.float32) for s in ((8, n), (n, 8)))
    with error_bounds(arithmetic):
        out = affine(variable(x.astype(np.float64)), variable(kernel.astype(np.float64)))
    return Value(out), x, kernel


def toward_zero(x: Array) -> Array:
    nearest = x.astype(np.float32)
    return np.where(np.abs(nearest) > np.abs(x), np.nextafter(nearest, np.float32(0)), nearest)


def summed_toward_zero(x: Array, kernel: Array) -> Array:
    """Every product and every sum rounded to zero."""
    out = np.zeros((x.shape[0], kernel.shape[1]), np.float32)
    for k in range(x.shape[1]):
        term = toward_zero(x[:, k : k + 1].astype(np.float64) * kernel[k : k + 1].astype(np.float64))
        out = toward_zero(out.astype(np.float64) + term)
    return out


def mantissa_of_ten_bits(x: Array) -> Array:
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.round(fraction * 2**11) / 2**11, exponent).astype(np.float32)


def test_float32_product_passes_the_statistical_rung() -> None:
    expected, x, kernel = product(IEEE_FLOAT32)
    assert judge(expected, to_wire(x @ kernel), IEEE_FLOAT32).verdict is Verdict.CONFORMS


def test_tf32_product_is_within_the_bound_and_fails_the_statistical_rung() -> None:
    expected, x, kernel = product(IEEE_FLOAT32, 4096)
    seen = mantissa_of_ten_bits(x) @ mantissa_of_ten_bits(kernel)
    judgement = judge(expected, to_wire(seen), IEEE_FLOAT32)
    assert judgement.margin is not None
    assert judgement.margin != "infinite"
    assert float(judgement.margin) <= 1
    assert (judgement.verdict, judgement.required_rung) == (Verdict.DIVERGES, Rung.STATISTICAL)


def test_what_may_overflow_is_none_of_the_sums_that_the_statistical_rung_is_about() -> None:
    x, kernel = np.ones((2, 1024)), np.ones((1024, 32))
    x[0], kernel[:, 0] = 2.0**60, 2.0**60
    with error_bounds(IEEE_FLOAT32):
        expected = Value(affine(*(variable(t * 1.25) for t in (x, kernel))))
    with np.errstate(over="ignore"):
        seen = expected.tensor.value.astype(np.float32)
    assert np.isinf(seen[0, 0])
    assert judge(expected, to_wire(seen), IEEE_FLOAT32).verdict is Verdict.CONFORMS


def test_bias_of_directed_rounding_counts_unless_it_is_declared() -> None:
    expected, x, kernel = product(IEEE_FLOAT32)
    seen = to_wire(summed_toward_zero(np.abs(x), np.abs(kernel)))
    with error_bounds(IEEE_FLOAT32):
        expected = Value(affine(*(variable(np.abs(t).astype(np.float64)) for t in (x, kernel))))
    judgement = judge(expected, seen, IEEE_FLOAT32)
    assert (judgement.verdict, judgement.required_rung) == (Verdict.DIVERGES, Rung.STATISTICAL)
    assert "bias" in judgement.message
    signed, x, kernel = product(ROUND_TO_ZERO)
    assert judge(signed, to_wire(summed_toward_zero(x, kernel)), ROUND_TO_ZERO).passed


def test_one_bias_added_to_numbers_of_one_size_is_no_bias_of_the_backend() -> None:
    """What the bias has beyond the last digit of the sums is lost in each of them alike."""
    rng = np.random.default_rng(1)
    x = (300 + rng.standard_normal((320, 4))).astype(np.float32)
    kernel = np.array([[0.25], [0.5], [0.25], [0.125]], np.float32)
    bias = np.array([0.8186483], np.float32)
    with error_bounds(IEEE_FLOAT32):
        expected = Value(affine(*(variable(t.astype(np.float64)) for t in (x, kernel, bias))))
    seen = (x.astype(np.float64) @ kernel).astype(np.float32) + bias
    errors = seen - expected.tensor.value
    assert abs(errors.mean()) > errors.std() / 4
    assert judge(expected, to_wire(seen), IEEE_FLOAT32).verdict is Verdict.CONFORMS


def test_products_that_repeat_err_together() -> None:
    """As where an image is of one colour: 64 rows are one, whose errors are no 64 independent ones."""
    rng = np.random.default_rng(4)
    row, kernel = (rng.random(shape).astype(np.float32) for shape in ((1, 128), (128, 3)))
    x = np.repeat(row, 64, axis=0)
    with error_bounds(IEEE_FLOAT32):
        out = affine(*(variable(t.astype(np.float64)) for t in (x, kernel)))
    one_by_one = np.cumsum(x[:, :, None] * kernel[None], axis=1, dtype=np.float32)[:, -1]
    assert out.dot is not None
    assert out.dot.repeats() == pytest.approx(64, rel=0.1)
    assert judge(Value(out), to_wire(one_by_one), IEEE_FLOAT32).verdict is Verdict.CONFORMS
    out.dot = replace(out.dot, repeats=lambda: 1.0)
    assert judge(Value(out), to_wire(one_by_one), IEEE_FLOAT32).verdict is Verdict.DIVERGES


def test_small_product_has_no_statistics() -> None:
    rng = np.random.default_rng(0)
    with error_bounds(IEEE_FLOAT32):
        out = affine(variable(rng.standard_normal((2, 11))), variable(rng.standard_normal((11, 4))))
    assert out.dot is None


@pytest.mark.parametrize("flushed", [False, True])
def test_products_that_underflow_have_no_statistics(flushed: bool) -> None:
    """Subnormals may be zeros: an error far beyond rounding, and one that the limit allows."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((8, 128)) * 2.0**-140).astype(np.float32)
    kernel = rng.standard_normal((128, 8)).astype(np.float32)
    flushing = declared({"base": "ieee-float32", "subnormals": "either"})
    with error_bounds(flushing):
        expected = Value(affine(variable(x.astype(np.float64)), variable(kernel.astype(np.float64))))
    seen = np.zeros((8, 8), np.float32) if flushed else x @ kernel
    assert judge(expected, to_wire(seen), flushing).verdict is Verdict.CONFORMS


def test_product_of_zeros_has_no_statistics() -> None:
    with error_bounds(IEEE_FLOAT32):
        expected = Value(affine(variable(np.zeros((8, 128))), variable(np.ones((128, 8)))))
    assert expected.tensor.dot is not None
    assert judge(expected, to_wire(np.zeros((8, 8), np.float32)), IEEE_FLOAT32).passed
