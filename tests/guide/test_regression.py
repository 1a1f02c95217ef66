"""The limits of the thousand epochs of the guides' linear regression: kept by float32, and not by what is
wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.cases.guide.regression import EPOCHS, INITIAL, RATE, Trajectory, X, Y, trajectory
from conformance.cases.regimes import expand
from conformance.reference_impl.arithmetic import declared
from conformance.reference_impl.tape import Tensor, error_bounds


@pytest.fixture(scope="module")
def exact() -> Trajectory:
    with error_bounds(declared({"base": "ieee-float32"})):
        return trajectory([Tensor(expand(source).astype("f8")) for source in INITIAL])


def trained(dtype: Any, rate: float = RATE, points: slice = slice(None)) -> tuple[Any, Any]:
    """Weights and losses of a straightforward loop in a dtype, over points in some order."""
    x, y = X[points].astype(dtype), Y[points].astype(dtype)
    kernel, bias = (expand(source).astype(dtype).reshape(()) for source in INITIAL)
    losses = []
    for _ in range(EPOCHS):
        error = x * kernel + bias - y
        losses.append((error * error).mean())
        cotangent = error * dtype(2 / len(x))
        kernel -= dtype(rate) * (cotangent * x).sum()
        bias -= dtype(rate) * cotangent.sum()
    return np.array([kernel, bias], "f8"), np.array(losses, "f8")


def test_the_truth_is_the_loop_in_float64(exact: Trajectory) -> None:
    weights, losses = trained(np.float64)
    np.testing.assert_allclose(exact.weights[-1], weights, rtol=1e-12)
    np.testing.assert_allclose(exact.losses, losses, rtol=1e-9)


@pytest.mark.parametrize("points", [slice(None), slice(None, None, -1)], ids=["in-order", "backwards"])
def test_float32_keeps_the_limits(points: slice, exact: Trajectory) -> None:
    weights, losses = trained(np.float32, points=points)
    assert (np.abs(weights - exact.weights[-1]) <= exact.weight_bounds[-1]).all()
    assert (np.abs(losses - exact.losses) <= exact.loss_bounds).all()


def test_another_rate_and_fewer_bits_do_not(exact: Trajectory) -> None:
    for weights, losses in (trained(np.float32, rate=RATE * 1.001), trained(np.float16)):
        assert (np.abs(weights - exact.weights[-1]) > exact.weight_bounds[-1]).any()
        assert (np.abs(losses - exact.losses) > exact.loss_bounds).any()
