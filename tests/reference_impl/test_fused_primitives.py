"""Every fused primitive against the composition that it stands for: the same bits, and the same bound to
within the slack of a product's (2⁻⁴⁵ of the operands, beside a rounding of 2⁻²⁴)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic, declared
from conformance.reference_impl.primitives import (
    multiply,
    sigmoid,
    sigmoid_gradient,
    square,
    subtract,
    tanh,
    tanh_gradient,
)
from conformance.reference_impl.tape import Tensor, error_bounds, variable

Call = Callable[..., Tensor]

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
