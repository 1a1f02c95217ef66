"""The recorded deviations of Keras 2 are well formed, and explain the formulas that they name."""

from __future__ import annotations

import re

import numpy as np
import pytest

from conformance.cases.expected import Value as Expected
from conformance.cases.properties.property import matches
from conformance.checks import Trial
from conformance.dialects.deviation import Deviation, Dialect, Metadata, Raises, Value
from conformance.dialects.keras2_tensorflow import DIALECTS
from conformance.reference_impl.patches import TARGETS

from ..wrong_backends.reference_backend import bench, data_of

DIALECT = DIALECTS["keras2-tensorflow"]
ENTRIES = {d.id: d for d in DIALECT.deviations}

every_entry = pytest.mark.parametrize("entry", DIALECT.deviations, ids=list(ENTRIES))


def test_identifiers_are_unique() -> None:
    assert len(ENTRIES) == len(DIALECT.deviations)


@every_entry
def test_entry_is_complete(entry: Deviation) -> None:
    assert re.fullmatch(r"keras2-[a-z0-9]+(-[a-z0-9]+)*", entry.id)
    assert entry.source.startswith(("keras 2.15.0, keras/src/", "tensorflow 2.15, tensorflow/core/"))
    assert entry.summary.endswith(".")
    if isinstance(entry.effect, Value):
        assert entry.effect.patches.keys() <= TARGETS.keys()


@every_entry
def test_every_witness_is_in_scope_and_asks_what_differs(entry: Deviation) -> None:
    assert entry.witnesses
    for case in entry.witnesses:
        # It, or a layer inside it.
        assert any(Dialect((entry,)).in_scope(case, data_of(case)))
        match entry.effect:
            case Raises(observables=patterns) | Metadata(patterns) | Value(observables=patterns):
                assert any(matches(patterns, observable) for observable in case.observables)


def test_moving_variance_of_the_fused_kernel_is_bessel_corrected() -> None:
    entry = ENTRIES["keras2-moving-variance-of-fused-kernel"]
    (case,) = entry.witnesses
    data = data_of(case)
    answer = Trial(case, data, bench(DIALECT)).under([entry])["training/state/moving_variance"]
    assert isinstance(answer, Expected)
    variance = np.var(data.inputs[0].astype(np.float64), axis=(0, 1, 2), ddof=1)
    expected = 0.99 * data.weights["moving_variance"].astype(np.float64) + 0.01 * variance
    np.testing.assert_allclose(answer.tensor.value, expected, rtol=1e-12)
