"""Large arrays computed in blocks: the same bits, bounds and provenance as at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import blockwise
from conformance.reference_impl.arithmetic import IEEE_FLOAT32, Arithmetic, declared
from conformance.reference_impl.blockwise import blocks, in_blocks
from conformance.reference_impl.layers import BatchNormalization, LayerNormalization
from conformance.reference_impl.layers.layer import Context
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
    monkeypatch.setattr(blockwise, "BLOCK", size * 8)
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
    monkeypatch.setattr(blockwise, "BLOCK", 16)
    x = variable(np.ones((3, 4)))
    out = in_blocks(lambda x: square(x), x)
    assert out.node is not None
    assert out.node[1] == (x,)


NORMALIZATIONS = {
    "LayerNormalization": (LayerNormalization(), False),
    "LayerNormalization over two axes": (LayerNormalization(axis=[1, 2]), False),
    "LayerNormalization with rms_scaling": (LayerNormalization(rms_scaling=True), False),
    "LayerNormalization over the batch": (LayerNormalization(axis=0), False),
    "BatchNormalization": (BatchNormalization(), False),
    "BatchNormalization, training": (BatchNormalization(), True),
    "BatchNormalization of the first axis": (BatchNormalization(axis=0, center=False), True),
}


@pytest.mark.parametrize("folded", [False, True], ids=["centred", "folded"])
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_normalizations_in_blocks_stay_in_float32_and_the_same(
    name: str, folded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, training = NORMALIZATIONS[name]
    algorithms = {"batch_normalization": "folded"} if folded else {}
    arithmetic = declared({"base": "ieee-float32", "algorithms": algorithms})
    shape = (6, 5, 4)
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape)
    weights = {w.name: np.abs(rng.standard_normal(w.shape)) for w in layer.declare_weights([shape])}

    def called(dtype: Any) -> Tensor:
        held = {name: variable(w.astype(dtype), tracked=False) for name, w in weights.items()}
        inputs = [variable(x.astype(dtype), tracked=False)]
        return layer.call(inputs, held, Context(training=training)).outputs[0]

    def bounded() -> Tensor:
        with error_bounds(arithmetic):
            return called(np.float64)

    single, double = called(np.float32), bounded()
    monkeypatch.setattr(blockwise, "BLOCK", 160)
    in_single, in_double = called(np.float32), bounded()
    assert in_single.dtype == np.float32
    np.testing.assert_array_equal(in_single.value, single.value)
    np.testing.assert_array_equal(in_double.value, double.value)
    assert in_double.error is not None
    np.testing.assert_array_equal(in_double.error, double.error)
