"""Layers of several inputs against their definitions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from conformance.reference_impl import layers
from tests.reference_impl.layer_calls import call, drawn


@pytest.mark.parametrize(
    ("axes", "shapes", "subscripts"),
    [
        (1, ((2, 5), (2, 5)), "bi,bi->b"),
        (-1, ((2, 5), (2, 4, 5)), "bi,bni->bn"),
        ((1, 2), ((2, 3, 5), (2, 4, 3)), "bim,bni->bmn"),
        ((2, 1), ((2, 3, 5), (2, 5)), "bmi,bi->bm"),
        ((2, -1), ((2, 3, 4, 5), (2, 6, 7, 4)), "bmio,bnpi->bmonp"),
        ((-1, 1), ((2, 3), (2, 3, 4, 5)), "bi,binp->bnp"),
    ],
)
def test_dot_is_its_definition(axes: Any, shapes: tuple[tuple[int, ...], ...], subscripts: str) -> None:
    layer = layers.Dot(axes)
    x, y = (drawn(shape, seed) for seed, shape in enumerate(shapes))
    (out,) = call(layer, [x, y], {}).outputs
    assert layer.output_shapes(shapes) == (out.shape,)
    expected = np.einsum(subscripts, x, y).reshape(out.shape)
    np.testing.assert_allclose(out.value, expected, rtol=1e-12, atol=1e-13)


def test_dot_of_normalized_samples_is_the_cosine() -> None:
    x, y = drawn((3, 4)), drawn((3, 4), 1)
    (out,) = call(layers.Dot(1, normalize=True), [x, y], {}).outputs
    cosine = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    np.testing.assert_allclose(out.value[:, 0], cosine, rtol=1e-12)


MERGED_BY_LOOPS: dict[str, Any] = {
    "Add": sum, "Average": np.mean, "Maximum": max, "Minimum": min, "Multiply": np.prod,
}  # fmt: skip


@pytest.mark.parametrize("name", MERGED_BY_LOOPS)
def test_merging_aligns_inputs_by_their_last_dimensions(name: str) -> None:
    inputs = [drawn((2, 3, 4)), drawn((2, 4), 1), drawn((2, 3, 1), 2)]
    layer = layers.get(name)()
    (out,) = call(layer, inputs, {}).outputs
    assert layer.output_shapes([x.shape for x in inputs]) == ((2, 3, 4),)
    x, y, z = inputs
    for b, i, j in itertools.product(range(2), range(3), range(4)):
        together = MERGED_BY_LOOPS[name]([x[b, i, j], y[b, j], z[b, i, 0]])
        assert out.value[b, i, j] == pytest.approx(together, rel=1e-12)


def test_masked_elements_give_way() -> None:
    x, y = np.array([[[1.0], [5.0], [5.0], [2.0]]]), np.array([[[3.0], [4.0], [9.0], [8.0]]])
    masks = (np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 0]], bool))
    merged = {
        name: call(layers.get(name)(), [x, y], {}, masks=masks).outputs[0].value.ravel().tolist()
        for name in ("Multiply", "Maximum", "Minimum", "Add")
    }
    # Where both are masked, Multiply gives 0, and the others what the first holds.
    assert merged == {
        "Multiply": [1.0, 20.0, 9.0, 0.0],
        "Maximum": [1.0, 5.0, 9.0, 2.0],
        "Minimum": [1.0, 4.0, 9.0, 2.0],
        "Add": [4.0, 9.0, 14.0, 10.0],
    }
