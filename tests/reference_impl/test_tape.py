"""The tape: what gradients flow where, and what every tensor carries."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.reference_impl import primitives
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, declared
from conformance.reference_impl.arrays import Array
from conformance.reference_impl.primitives import (
    absolute,
    add,
    affine,
    divide,
    exp,
    expm1,
    greater,
    largest,
    largest_in_windows,
    largest_number,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    relu,
    relu6,
    reshape,
    rsqrt,
    sign,
    sqrt,
    square,
    subtract,
    take_slice,
    tanh,
    total,
    where,
)
from conformance.reference_impl.primitives.primitive import Function, Primitive
from conformance.reference_impl.tape import (
    Provenance,
    Tensor,
    algorithm,
    constant,
    current_arithmetic,
    error_bounds,
    variable,
    vjp,
)

EITHER = declared({"base": "ieee-float32", "subnormals": "either"})


def ones_like(x: Tensor) -> Tensor:
    return Tensor(np.ones(x.shape, x.dtype))


def gradient(out: Tensor, *sources: Tensor) -> list[Array]:
    return [g.value for g in vjp([out], [ones_like(out)], sources)]


def test_a_shared_subexpression_adds_up() -> None:
    x = variable(np.array([0.5, -2.0]))
    shared = square(x)
    (found,) = gradient(add(multiply(shared, 3.0), multiply(shared, shared)), x)
    np.testing.assert_array_equal(found, 6 * x.value + 4 * x.value**3)


@given(st.permutations([1e8, 3.7, -1e8, 2.0**-20, 0.3]))
def test_contributions_of_several_uses_are_bounded_in_any_order(factors: list[float]) -> None:
    x = variable(np.ones(1))
    with error_bounds(IEEE_FLOAT32):
        uses = [multiply(x, np.float64(np.float32(factor))) for factor in factors]
        (found,) = vjp(uses, [ones_like(use) for use in uses], [x])
    assert found.error is not None
    for order in itertools.permutations(np.array(factors, np.float32)):
        assert abs(functools.reduce(np.add, order) - found.value) <= found.error


@pytest.mark.parametrize("masked", [False, True])
def test_a_sum_of_sums_is_bounded_in_any_order(masked: bool) -> None:
    """(1.8 − 1.8) − 0.003 is exact; 1.8 + (−1.8 − 0.003) is not."""
    x = variable(np.ones(2))
    with error_bounds(IEEE_FLOAT32):
        y = multiply(x, np.array([1.0, 2.0]))
        held = where(Tensor(np.zeros(2)), 0.0, y) if masked else add(y, 0.0)
        uses = [multiply(held, 1.8), multiply(held, -1.8), multiply(y, -0.003)]
        (found,) = vjp(uses, [ones_like(use) for use in uses], [y])
    other = np.float32(1.8) + (np.float32(-1.8) + np.float32(-0.003))
    assert abs(float(other) + 0.003) > 2.0**-26
    assert found.error is not None
    assert (np.abs(other - found.value) <= found.error).all()


def test_integers_add_up_exactly_in_sums_of_sums_too() -> None:
    x = variable(np.ones(1))
    with error_bounds(IEEE_FLOAT32):
        held = add(x, 0.0)
        uses = [multiply(held, 3.0), multiply(held, -3.0), multiply(x, 5.0)]
        (found,) = vjp(uses, [ones_like(use) for use in uses], [x])
    assert found.value == 5.0
    assert found.error is None


def test_contributions_may_overflow_in_another_order() -> None:
    x = variable(np.ones(1))
    with error_bounds(IEEE_FLOAT32):
        uses = [multiply(x, factor) for factor in (3e38, -3e38, 3e38)]
        (found,) = vjp(uses, [ones_like(use) for use in uses], [x])
    assert found.value == 3e38
    assert found.error == np.inf


def test_an_operand_used_twice_counts_twice() -> None:
    x = variable(np.array([3.0]))
    assert gradient(multiply(x, x), x)[0] == 6.0
    assert gradient(subtract(x, x), x)[0] == 0.0


def test_several_outputs_add_up_in_any_order() -> None:
    x = variable(np.array([0.3, 0.7]))
    outputs = [exp(x), tanh(x)]
    cotangents = [Tensor(np.array([1.0, 2.0])), Tensor(np.array([-3.0, 0.5]))]
    (found,) = vjp(outputs, cotangents, [x])
    (reversed_,) = vjp(outputs[::-1], cotangents[::-1], [x])
    np.testing.assert_array_equal(found.value, reversed_.value)
    parts = [vjp([o], [c], [x])[0].value for o, c in zip(outputs, cotangents, strict=True)]
    np.testing.assert_allclose(found.value, parts[0] + parts[1], rtol=1e-15)


def test_the_same_output_twice_counts_twice() -> None:
    x = variable(np.array([2.0]))
    y = square(x)
    (found,) = vjp([y, y], [ones_like(y), ones_like(y)], [x])
    assert found.value == 8.0


def test_slices_that_have_nothing_in_common_are_put_together_at_once() -> None:
    x = variable(np.arange(6.0).reshape(2, 3))
    with error_bounds(IEEE_FLOAT32):
        columns = [square(take_slice(x, key=(slice(None), t))) for t in range(3)]
        (found,) = vjp(columns, [Tensor(np.full(2, 0.1)) for _ in range(3)], [x])
        (one,) = vjp(columns[1:2], [Tensor(np.full(2, 0.1))], [x])
    np.testing.assert_allclose(found.value, 0.2 * x.value, rtol=1e-15)
    assert found.error is not None
    assert one.error is not None
    np.testing.assert_array_equal(found.error[:, 1], one.error[:, 1])
    np.testing.assert_array_equal(one.error[:, ::2], 0.0)


def test_slices_that_overlap_add_up() -> None:
    x = variable(np.arange(5.0))
    parts = [take_slice(x, key=(key,)) for key in (slice(0, 3), slice(2, 5), 2)]
    (found,) = vjp([*parts, x], [ones_like(part) for part in [*parts, x]], [x])
    np.testing.assert_array_equal(found.value, [2.0, 2.0, 4.0, 2.0, 2.0])


def test_the_sign_of_a_zero_is_not_known_of_several_slices() -> None:
    x = variable(np.ones(2))
    with error_bounds(IEEE_FLOAT32):
        halves = [take_slice(x, key=(i,)) for i in range(2)]
        (one,) = vjp(halves[:1], [Tensor(np.asarray(-0.0))], [x])
        (both,) = vjp(halves, [Tensor(np.asarray(-0.0))] * 2, [x])
    assert (one.provenance, both.provenance) == (Provenance.MOVED, Provenance.SELECTED)


def test_a_source_that_nothing_depends_on_has_gradient_zero() -> None:
    x, other = variable(np.ones(3)), variable(np.ones((2, 2), np.float32))
    found = gradient(exp(x), x, other)
    assert found[1].shape == (2, 2)
    assert found[1].dtype == np.float32
    assert not found[1].any()


def test_a_source_may_be_an_intermediate_or_the_output_itself() -> None:
    x = variable(np.array([0.4]))
    y = square(x)
    z = exp(y)
    by_z, by_y, by_x = gradient(z, z, y, x)
    assert by_z == 1.0
    np.testing.assert_array_equal(by_y, z.value)
    np.testing.assert_allclose(by_x, 2 * x.value * z.value, rtol=1e-15)


def test_sources_may_come_in_any_order_and_twice() -> None:
    x, y = variable(np.array([2.0])), variable(np.array([5.0]))
    assert gradient(multiply(x, y), y, x, y) == [2.0, 5.0, 2.0]


def test_integers_and_untracked_variables_take_no_gradient() -> None:
    whole, fixed = variable(np.array([1, 2])), variable(np.array([1.0, 2.0]), tracked=False)
    assert not whole.tracked
    out = multiply(fixed, 3.0)
    assert out.node is None
    assert not gradient(out, fixed)[0].any()


def test_third_derivative() -> None:
    x = variable(np.array([0.3]))
    out = tanh(x)
    for _ in range(3):
        (out,) = vjp([out], [ones_like(out)], [x])
    t = np.tanh(0.3)
    np.testing.assert_allclose(out.value, -2 * (1 - t**2) * (1 - 3 * t**2), rtol=1e-12)


def test_a_deep_chain_needs_no_recursion() -> None:
    x = out = variable(np.array([1.0]))
    for _ in range(5000):
        out = negative(out)
    assert gradient(out, x)[0] == 1.0


def test_a_cotangent_of_another_shape_is_refused() -> None:
    x = variable(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"shape \(3,\) for an output of shape \(2, 3\)"):
        vjp([exp(x)], [Tensor(np.ones(3))], [x])


def test_bounds_are_carried_only_within_the_block() -> None:
    x = variable(np.array([0.1]))
    with error_bounds(IEEE_FLOAT32):
        assert current_arithmetic() is IEEE_FLOAT32
        assert exp(x).error is not None
        with error_bounds(None):
            assert exp(x).error is None
        assert exp(x).error is not None
    assert current_arithmetic() is None
    assert exp(x).error is None


def test_numbers_take_the_dtype_of_the_tensors_and_keep_their_sign() -> None:
    x = variable(np.ones(2, np.float32))
    assert multiply(x, 0.1).dtype == np.float32
    assert multiply(2, x).dtype == np.float32
    assert constant(2).dtype.kind == "i"
    assert constant(2.0).dtype == np.float64
    assert [np.signbit(constant(z, x).value) for z in (0.0, -0.0, 0.0)] == [False, True, False]


def test_a_constant_errs_unless_it_is_representable() -> None:
    assert constant(0.1).error is None
    with error_bounds(IEEE_FLOAT32):
        assert constant(0.5).error is None
        assert constant(np.nan).error is None
        tenth = constant(0.1).error
        assert tenth is not None
        assert abs(float(np.float32(0.1)) - 0.1) <= tenth <= 0.1 * 2.0**-24
        np.testing.assert_array_equal(constant(np.array([0.25, 0.1])).error, [0.0, 0.1 * 2.0**-24])
    with error_bounds(declared({"base": "float16"})):
        assert constant(0.1).error == 0.1 * 2.0**-11


def test_provenance_says_how_exact_a_tensor_is() -> None:
    with error_bounds(IEEE_FLOAT32):
        x = variable(np.array([[0.1, -0.3]]))
        steps = {
            Provenance.MOVED: reshape(x, shape=(2,)),
            Provenance.SELECTED: relu(reshape(x, shape=(2,))),
            Provenance.ROUNDED: add(relu(x), x),
            Provenance.COMPOSED: exp(add(x, x)),
        }
        for expected, tensor in steps.items():
            assert tensor.provenance == expected
        assert total(x, axis=(0,)).provenance == Provenance.COMPOSED


def test_the_algorithm_is_the_tightest_unless_the_arithmetic_says_otherwise() -> None:
    assert algorithm("variance") == "two-pass"
    with error_bounds(declared({"base": "ieee-float32", "algorithms": {"variance": "one-pass"}})):
        assert algorithm("variance") == "one-pass"


def exactly(value: object, error: float) -> Tensor:
    x = np.asarray(value, float)
    return Tensor(x, np.full(x.shape, error))


UNSETTLED = {
    "log at 0": lambda: log(exactly(0.0, 1e-7)),
    "log1p at −1": lambda: log1p(exactly(-1.0, 1e-7)),
    "rsqrt at 0": lambda: rsqrt(exactly(0.0, 1e-7)),
    "1/0": lambda: divide(1.0, exactly(0.0, 1e-7)),
    "0/0": lambda: divide(exactly(0.0, 1e-7), 0.0),
    "∞·0": lambda: multiply(np.inf, exactly(0.0, 1e-7)),
    "a sum that overflows": lambda: add(3e38, 3e38),
    "a function that overflows": lambda: exp(variable(np.array(89.0))),
    "a partial sum that may overflow": lambda: total(variable(np.array([3e38, 3e38, -3e38])), axis=(0,)),
    "the same beside ∞": lambda: total(variable(np.array([-3e38, -3e38, np.inf])), axis=(0,)),
    "what follows an overflow": lambda: tanh(multiply(multiply(1e30, 1e30), 1e-60)),
    "|∞ that may be anything|": lambda: absolute(exactly(np.inf, np.inf)),
    "NaN that may be anything": lambda: square(exactly(np.nan, np.inf)),
    "its sign": lambda: sign(exactly(np.inf, np.inf)),
    "a comparison with it": lambda: greater(exactly(np.nan, np.inf), 0.0),
    "a choice between NaN and 1": lambda: where(exactly(1.0, 1.0), np.nan, 1.0),
    "the larger of it and 1": lambda: maximum(exactly(-1.0, np.inf), 1.0),
    "the largest of it and 1": lambda: largest_number(
        Tensor(np.array([np.nan, 1.0]), np.array([np.inf, 0.0])), axis=0
    ),
    "that of a window": lambda: largest_in_windows(
        Tensor(np.array([[[np.nan], [1.0]]]), np.array([[[np.inf], [0.0]]])), size=(2,), strides=(1,)
    ),
    "a product with it": lambda: affine(exactly([[np.nan]], np.inf), np.ones((1, 1))),
}


@pytest.mark.parametrize("case", UNSETTLED)
def test_nothing_is_promised_of(case: str) -> None:
    with error_bounds(IEEE_FLOAT32):
        error = UNSETTLED[case]().error
    assert error is not None
    assert (error >= 1).all()


SETTLED = {
    "∞·(2 ± ε)": lambda: multiply(np.inf, exactly(2.0, 1e-7)),
    "∞ + (2 ± ε)": lambda: add(np.inf, exactly(2.0, 1e-7)),
    "∞ − ∞": lambda: subtract(exactly(np.inf, 0.0), np.inf),
    "(1 ± ε)/0": lambda: divide(exactly(1.0, 1e-7), 0.0),
    "NaN·(2 ± ε)": lambda: multiply(np.nan, exactly(2.0, 1e-7)),
    "e^(1000 ± ε)": lambda: exp(exactly(1000.0, 1e-4)),
    "ln(−1 ± ε)": lambda: log(exactly(-1.0, 1e-7)),
    "Σ with ∞": lambda: total(exactly([np.inf, 1.0, 2.0], 0.0), axis=(0,)),
    "Σ with NaN and what may be anything": lambda: total(
        Tensor(np.array([np.nan, 1.0]), np.array([0.0, np.inf])), axis=(0,)
    ),
    "a choice of NaN": lambda: where(exactly(1.0, 0.0), np.nan, exactly(1.0, 1e-7)),
}


@pytest.mark.parametrize("case", SETTLED)
def test_the_result_that_is_not_finite_is_certain(case: str) -> None:
    with error_bounds(IEEE_FLOAT32):
        out = SETTLED[case]()
    assert not np.isfinite(out.value).any()
    assert out.error is None or not out.error.any()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: multiply(x, 2.0**100),
        lambda x: multiply(negative(x), 2.0**100),
        lambda x: multiply(reshape(x, shape=(1,)), 2.0**100),
        lambda x: affine(reshape(x, shape=(1, 1)), np.array([[2.0**100]])),
        lambda x: multiply(total(reshape(x, shape=(1, 1)), axis=(0,)), 2.0**100),
        lambda x: greater(x, 0.0),
        lambda x: relu(x),
        sign,
    ],
)
def test_a_subnormal_that_may_be_read_as_zero_is_an_error_of_its_size(call: Primitive) -> None:
    with error_bounds(EITHER):
        out = call(variable(np.array([2.0**-130])))
    assert out.error is not None
    assert (out.error >= np.abs(out.value)).all()


FUNCTIONS = sorted(
    name
    for name, p in Primitive.every.items()
    if isinstance(p, Function) and len(inspect.signature(p.value).parameters) == 1
)
finite = st.floats(-80, 80, width=32)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.sampled_from(FUNCTIONS), finite, st.floats(0, 4), st.floats(-1, 1))
def test_a_function_moves_no_further_than_its_propagated_error(
    name: str, x: float, error: float, part: float
) -> None:
    function = Primitive.every[name]
    with error_bounds(IEEE_FLOAT32):
        out = function(exactly(x, error))
        moved = function.value(np.asarray(x + part * error))
        same = moved == out.value or (np.isnan(moved) and np.isnan(out.value))
        distance = 0.0 if same else np.abs(moved - out.value)
    assert out.error is not None
    outside = name == "Sqrt" and x >= 0 > x + part * error
    assert distance <= out.error or np.isposinf(out.error) or outside


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.sampled_from(["add", "subtract", "multiply", "divide", "maximum", "minimum"]),
    st.lists(finite, min_size=2, max_size=2),
    st.lists(st.floats(0, 4), min_size=2, max_size=2),
    st.lists(st.floats(-1, 1), min_size=2, max_size=2),
)
def test_arithmetic_moves_no_further_than_its_propagated_error(
    name: str, x: list[float], errors: list[float], parts: list[float]
) -> None:
    call = getattr(primitives, name)
    with error_bounds(IEEE_FLOAT32):
        out = call(*[exactly(v, e) for v, e in zip(x, errors, strict=True)])
        moved = call.value(*[np.asarray(v + p * e) for v, e, p in zip(x, errors, parts, strict=True)])
    slack = 1 + 2.0**-40
    if np.isfinite(out.value):
        assert np.abs(moved - out.value) <= out.error * slack


def test_relu_forgets_the_error_of_what_is_surely_negative() -> None:
    with error_bounds(IEEE_FLOAT32):
        error = relu(Tensor(np.array([-1.0, -0.1, 2.0]), np.array([0.5, 0.5, 0.5]))).error
    np.testing.assert_array_equal(error, [0.0, 0.4, 0.5])


CERTAIN: dict[str, tuple[Callable[[], Tensor], float]] = {
    "the larger of 1 ± 0.5 and −9 ± 8": (lambda: maximum(exactly(1.0, 0.5), exactly(-9.0, 8.0)), 0.5),
    "of 1 ± 0.5 and 0.5 ± 2": (lambda: maximum(exactly(1.0, 0.5), exactly(0.5, 2.0)), 1.5),
    "the smaller of 1 ± 0.5 and 9 ± 8": (lambda: minimum(exactly(1.0, 0.5), exactly(9.0, 8.0)), 0.5),
    "of 1 ± 0.5 and 2 ± 4": (lambda: minimum(exactly(1.0, 0.5), exactly(2.0, 4.0)), 3.0),
    "the smaller of 1 ± 0.5 and ∞": (lambda: minimum(exactly(1.0, 0.5), np.inf), 0.5),
    "the largest of 1 ± 0.5, −9 ± 8, 0.5 ± 2": (
        lambda: largest(Tensor(np.array([1.0, -9.0, 0.5]), np.array([0.5, 8.0, 2.0])), axis=0),
        1.5,
    ),
    "the largest number of 1 ± 0.5, −9 ± 8, NaN": (
        lambda: largest_number(Tensor(np.array([1.0, -9.0, np.nan]), np.array([0.5, 8.0, 2.0])), axis=0),
        0.5,
    ),
    "that of a window": (
        lambda: largest_in_windows(
            Tensor(np.array([[[1.0], [-9.0], [-np.inf]]]), np.array([[[0.5], [8.0], [0.0]]])),
            size=(3,),
            strides=(1,),
        ),
        0.5,
    ),
    "7 ± 2 cut at 6": (lambda: relu6(exactly(7.0, 2.0)), 1.0),
    "9 ± 2 cut at 6": (lambda: relu6(exactly(9.0, 2.0)), 0.0),
    "−1 ± 20 cut at 0 and 6": (lambda: relu6(exactly(-1.0, 20.0)), 6.0),
    "either of 1 ± 0.5 and 2 ± 0.25": (
        lambda: where(exactly(1.0, 1.0), exactly(1.0, 0.5), exactly(2.0, 0.25)),
        1.25,
    ),
}


@pytest.mark.parametrize("case", CERTAIN)
def test_a_choice_errs_no_more_than_what_may_be_chosen(case: str) -> None:
    call, expected = CERTAIN[case]
    with error_bounds(IEEE_FLOAT32):
        error = call().error
    assert error is not None
    np.testing.assert_array_equal(error, np.full_like(error, expected))


def test_functions_of_zero_err_by_subnormals_only() -> None:
    with error_bounds(IEEE_FLOAT32):
        for function in (tanh, expm1, log1p, primitives.erf):
            error = function(variable(np.zeros(1))).error
            assert error is not None
            assert error < 1e-43


def test_sqrt_takes_its_argument_to_be_no_less_than_zero() -> None:
    with error_bounds(IEEE_FLOAT32):
        error = sqrt(exactly(1e-8, 1e-6)).error
    assert error is not None
    assert 0.9e-3 < error < 1.1e-3
