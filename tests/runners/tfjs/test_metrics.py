"""Metrics of TensorFlow.js, functions of one batch, against numbers worked out here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.runners.adapter import Adapter
from tests.runners.tfjs.adapter import f32, refused

pytestmark = pytest.mark.node

LABELS, SCORES = f32([[1, 0], [1, 1]]), f32([[0.75, 0.5], [0.25, 1]])


def batch(*arrays: Any) -> dict[str, Any]:
    return dict(zip(("0/y_true", "0/y_pred", "0/sample_weight"), arrays, strict=False))


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("BinaryAccuracy", 0.75),
        ("MeanSquaredError", (0.0625 + 0.25 + 0.5625) / 4),
        # Of the four scores the last alone is just 1, and none is 0.
        ("Precision", 1.0),
        ("Recall", 1.0),
    ],
)
def test_the_result_is_that_of_the_first_batch(adapter: Adapter, name: str, result: float) -> None:
    answer = adapter.observe(f"metrics.{name}", "result/0", weights=batch(LABELS, SCORES))
    np.testing.assert_array_equal(answer["result/0"], np.float32(result))


def test_names_are_those_that_compile_knows(adapter: Adapter) -> None:
    known = adapter.observe("metrics.MeanSquaredError", "identifier", config={"identifier": "MSE"})
    assert known["identifier"] == "MeanSquaredError"
    unknown = adapter.observe("metrics.Recall", "identifier", config={"identifier": "recall"})
    assert refused(unknown["identifier"], "invalid-argument", "construction")
    assert "Unknown metric recall" in unknown["identifier"].message


def test_what_the_functions_do_not_take_is_refused(adapter: Adapter) -> None:
    weighed = adapter.observe("metrics.Precision", "result/0", weights=batch(LABELS, SCORES, f32([1, 2])))
    assert refused(weighed["result/0"], "not-implemented", "call")
    config = {"thresholds": 0.25}
    given = adapter.observe("metrics.Precision", "result/0", config=config, weights=batch(LABELS, SCORES))
    assert refused(given["result/0"], "not-implemented", "construction")
    assert "given thresholds" in given["result/0"].message


def test_metrics_are_functions_that_the_runtime_has(adapter: Adapter) -> None:
    there = [name for name in adapter.identity.capabilities if name.startswith("metrics.")]
    assert len(there) == 13
    assert {"metrics.R2Score", "metrics.SparseCategoricalCrossentropy"} <= set(there)
    assert "metrics.AUC" not in there
