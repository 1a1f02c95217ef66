"""Large arrays computed in blocks: the same bits, bounds and provenance as at once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from conformance.reference_impl import blockwise
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic, declared
from conformance.reference_impl.blockwise import blocks, in_blocks
from conformance.reference_impl.primitives import add, mean, multiply, square, subtract
from conformance.reference_impl.tape import Tensor, error_bounds, variable

EITHER = declared({"base": "ieee-float32", "subnormals": "either"})


@pytest.mark.parametrize("shape", [(7,), (5, 4), (3, 1, 6), (2, 5, 3, 2), (0, 4), (4, 0), ()])
@pytest.mark.parametrize("size", [1, 2, 5, 6, 1000])
def test_blocks_cover_everything_once(shape: tuple[int, ...], size: int) -> None:
    covered = np.zeros(shape, int)
    for key in blocks(shape, size):
        assert covered[key].size <= max(size, 1)
        covered[key] += 1
    assert (covered == 1).all()


def centred(x: Tensor, *others: Tensor) -> Tensor:
    scale, shift = others
    return add(multiply(subtract(x, mean(x, axis=(2,), keepdims=True)), scale), square(shift))


@pytest.mark.parametrize("arithmetic", [None, IEEE_FLOAT32, EITHER], ids=["none", "kept", "either"])
@pytest.mark.parametrize("size", [3, 20, 50])
def test_blocks_make_no_difference(
    size: int, arithmetic: Arithmetic | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockwise, "BLOCK", size)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 5, 6))
    x[1, 2] *= 2.0**-130
    x[0, 0, 0] = math.inf
    operands = x, rng.standard_normal((1, 5, 6)), rng.standard_normal((4, 1, 1))
    with error_bounds(arithmetic):
        tensors = [variable(array, tracked=False) for array in operands]
        one, other = in_blocks(centred, *tensors, rows=2), centred(*tensors)
    np.testing.assert_array_equal(one.value, other.value)
    assert one.provenance == other.provenance
    assert one.subnormal == other.subnormal
    assert (one.error is None) == (other.error is None)
    if one.error is not None:
        np.testing.assert_array_equal(one.error, other.error)


def test_gradients_go_through_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "BLOCK", 2)
    x = variable(np.ones((3, 4)))
    out = in_blocks(lambda x: square(x), x)
    assert out.node is not None
    assert out.node[1] == (x,)
